// SPDX-License-Identifier: MIT
// A journal that was cut, flipped, or has bytes of others: entries may be missing, none is wrong.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "cache/journal_format.h"
#include "tests/support/journal_run.h"
#include "tests/support/sanitized.h"
#include "tests/support/scene.h"

// How many bytes are whole records; *entries: how many of these are entries.
static size_t whole_records(const struct buf *file, size_t n, int *entries) {
    size_t at = JOURNAL_HEADER, hashed = 0;
    struct journal_record record;
    *entries = 0;
    if (n < at)
        return 0;
    for (size_t size; (size = journal_decode_record((const unsigned char *)file->p + at, n - at,
                                                    JOURNAL_LONGEST, run_salt(file), &record, &hashed)) > 0;
         at += size)
        *entries += record.kind == JOURNAL_ENTRY;
    return at;
}

static void cut_at_every_byte(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    for (size_t n = 0; n <= file.n; n++) {
        int entries;
        size_t whole = whole_records(&file, n, &entries);
        int outputs = entries < RUN_SAMPLE ? entries : RUN_SAMPLE;
        put_file(&scene, JOURNAL_FILE, file.p, n);
        struct journal *journal = run_open(&scene.fs, scene.root, false, &found);
        assert_int_equal(found.torn_bytes, n - whole);
        assert_int_equal(found.damaged, 0);
        assert_int_equal(run_count(journal, RUN_SAMPLE, 2), outputs);
        journal_close(journal); // has changed nothing
        journal = run_open(&scene.fs, scene.root, true, &found);
        assert_int_equal(found.torn_bytes, n - whole);
        assert_int_equal(run_count(journal, RUN_SAMPLE, 2), outputs);
        run_put(journal, 20, 22, 2);
        journal_close(journal);
        journal = run_open(&scene.fs, scene.root, true, &found);
        assert_int_equal(found.torn_bytes + found.damaged, 0);
        assert_int_equal(run_count(journal, 30, 2), outputs + 2);
        journal_close(journal);
    }
    scene_close(&scene);
    buf_release(&file);
}

static void every_bit_flipped(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    struct err err;
    for (size_t bit = 0; bit < file.n * 8; bit += bit / 8 < JOURNAL_HEADER ? 1 : SANITIZED_STEP) {
        file.p[bit / 8] ^= (char)(1 << bit % 8);
        put_file(&scene, JOURNAL_FILE, file.p, file.n);
        struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
        assert_int_equal(found.damaged + (found.torn_bytes > 0), 1);
        assert_false(found.set_aside);
        assert_true(run_count(journal, RUN_SAMPLE, 2) >= RUN_SAMPLE - 1);
        if (bit / 8 < JOURNAL_HEADER || bit % 61 == 0) { // a damaged one is mended by a compaction
            int known = run_count(journal, RUN_SAMPLE, 2);
            assert_true(bit / 8 >= JOURNAL_HEADER || journal_is_redundant(journal));
            assert_int_equal(journal_compact(journal, &err), STATUS_OK);
            journal_close(journal);
            journal = run_open(&scene.fs, scene.root, true, &found);
            assert_int_equal(found.damaged + found.torn_bytes, 0);
            assert_false(journal_is_redundant(journal));
            assert_int_equal(run_count(journal, RUN_SAMPLE, 2), known);
        }
        journal_close(journal);
        file.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    scene_close(&scene);
    buf_release(&file);
}

static void put_sample(struct scene *scene, const struct buf *file, uint64_t salt, struct buf *salted) {
    buf_clear(salted);
    journal_code_header(salted, salt);
    buf_add(salted, file->p + JOURNAL_HEADER, file->n - JOURNAL_HEADER);
    put_file(scene, JOURNAL_FILE, salted->p, salted->n);
}

static void records_of_another_file_are_not_taken(void **state) {
    (void)state;
    struct buf file = run_sample(), salted = BUF_INIT;
    struct scene scene = run_scene();
    struct journal_found found;
    uint64_t salt = run_salt(&file);
    put_sample(&scene, &file, salt, &salted);
    struct journal *journal = run_open(&scene.fs, scene.root, false, &found);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 2), RUN_SAMPLE);
    journal_close(journal);
    put_sample(&scene, &file, salt + 1, &salted);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_int_equal(found.torn_bytes, file.n - JOURNAL_HEADER);
    assert_int_equal(journal_figures(journal).outputs, 0);
    run_put(journal, 0, RUN_SAMPLE, 2);
    journal_close(journal);
    struct buf now = get_file(&scene, JOURNAL_FILE); // and what is behind its end is not, either
    buf_add(&now, file.p + JOURNAL_HEADER, file.n - JOURNAL_HEADER);
    put_file(&scene, JOURNAL_FILE, now.p, now.n);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_int_equal(found.torn_bytes, file.n - JOURNAL_HEADER);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 2), RUN_SAMPLE);
    journal_close(journal);
    buf_release(&now);
    buf_release(&salted);
    buf_release(&file);
    scene_close(&scene);
}

static void every_file_has_a_salt_of_its_own(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    struct err err;
    uint64_t salts[4];
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    for (int i = 0; i < 4; i++) { // with one number drawn for all of them
        struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
        struct buf now = get_file(&scene, JOURNAL_FILE);
        salts[i] = run_salt(&now);
        for (int before = 0; before < i; before++)
            assert_true(salts[i] != salts[before]);
        assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        journal_close(journal);
        buf_release(&now);
    }
    assert_true(journal_salt(0, 1) != journal_salt(0, 2));
    // What is looked up depends on it, or whoever chooses paths and records could choose ones that meet.
    assert_true(journal_path_key(1, STR("a")) != journal_path_key(2, STR("a")));
    struct digest raw = {1, 2};
    assert_true(journal_raw_key(1, 9, raw) != journal_raw_key(2, 9, raw));
    assert_true(journal_raw_key(1, 9, raw) != journal_raw_key(1, 8, raw));
    buf_release(&file);
    scene_close(&scene);
}

static void without_a_header_nothing_is_believed(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    file.p[9] ^= 1;
    file.p[JOURNAL_HEADER_COPY + 20] ^= 1;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    struct journal *journal = run_open(&scene.fs, scene.root, false, &found);
    assert_int_equal(journal_figures(journal).outputs, 0);
    assert_int_equal(found.damaged, 1);
    journal_close(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_true(found.set_aside && found.version == 0);
    run_put(journal, 0, 3, 1);
    journal_close(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 1), 3);
    journal_close(journal);
    buf_release(&file);
    scene_close(&scene);
}

static bool count_known(void *context, const struct journal_entry *entry) {
    *(int *)context += entry->recipe != NULL;
    return true;
}

static void an_entry_whose_recipe_is_lost_has_its_path_only(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    struct err err;
    char room[64];
    file.p[JOURNAL_HEADER + 40] ^= 1; // that of version 1
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    for (int pass = 0; pass < 2; pass++) {
        int listed = 0;
        journal_reader_init(&reader, journal);
        for (int i = 0; i < RUN_SAMPLE; i++) {
            bool lost = i < 4 || i >= 8;
            assert_true(journal_find(&reader, run_path(i, room), &entry));
            assert_true(run_is_entry(&entry, i, lost ? 1 : 2));
            assert_int_equal(entry.recipe == NULL, lost);
            assert_int_equal(journal_find_raw(&reader, STR("pages"), run_raw(i, lost ? 1 : 2), &entry),
                             !lost);
        }
        journal_each(&reader, count_known, &listed);
        assert_int_equal(listed, 4);
        journal_reader_release(&reader);
        assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    }
    run_put(journal, 0, 1, 1); // the recipe, written again, is not taken for the lost one
    assert_int_equal(journal_end_run(journal, false, 1, &err), STATUS_OK);
    journal_reader_init(&reader, journal);
    assert_true(journal_find(&reader, run_path(0, room), &entry) && entry.recipe);
    assert_true(journal_find(&reader, run_path(1, room), &entry) && !entry.recipe);
    journal_reader_release(&reader);
    journal_close(journal);
    buf_release(&file);
    scene_close(&scene);
}

static void damage_behind_the_index_is_a_miss(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    struct journal *journal = run_open(&scene.fs, scene.root, false, &found);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 2), RUN_SAMPLE);
    for (size_t i = JOURNAL_HEADER; i < file.n; i += 64)
        file.p[i] ^= 1;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    assert_true(run_count(journal, RUN_SAMPLE, 2) < RUN_SAMPLE);
    put_file(&scene, JOURNAL_FILE, file.p, 100); // cut while it is read
    assert_int_equal(run_count(journal, RUN_SAMPLE, 2), 0);
    journal_close(journal);
    scene_close(&scene);
    buf_release(&file);
}

static void damage_to_what_a_run_appended_is_counted(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct journal_found found;
    struct err err;
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, RUN_SAMPLE, 1);
    struct buf file = get_file(&scene, JOURNAL_FILE);
    file.p[file.n / 2] ^= 4;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    assert_int_equal(journal_end_run(journal, true, 1, &err), STATUS_OK);
    assert_int_equal(journal_figures(journal).damaged, 1);
    assert_int_equal(journal_figures(journal).outputs, RUN_SAMPLE - 1);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 1), RUN_SAMPLE - 1);
    journal_close(journal);
    scene_close(&scene);
    buf_release(&file);
}

static void damage_to_the_last_that_a_run_appended_is_cut_off(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct journal_found found;
    struct err err;
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, RUN_SAMPLE, 1);
    struct buf file = get_file(&scene, JOURNAL_FILE);
    file.p[file.n - 9] ^= 4;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    assert_int_equal(journal_end_run(journal, true, 1, &err), STATUS_OK);
    assert_int_equal(journal_figures(journal).damaged, 1);
    assert_int_equal(run_count(journal, RUN_SAMPLE, 1), RUN_SAMPLE - 1);
    run_put(journal, 20, 23, 1);
    uint64_t bytes = journal_figures(journal).bytes;
    journal_close(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_int_equal(found.damaged + found.torn_bytes, 0);
    assert_int_equal(journal_figures(journal).bytes, bytes);
    assert_int_equal(run_count(journal, 30, 1), RUN_SAMPLE + 2);
    journal_close(journal);
    scene_close(&scene);
    buf_release(&file);
}

// Damage full of what looks like beginnings of long records is given up soon, and costs no long record behind it.
static void false_beginnings_cost_little(void **state) {
    (void)state;
    enum { FALSE_STARTS = 3000, LONG_TEXT = 600000 };
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    const struct journal_recipe *kept;
    struct err err;
    char *text = pattern(LONG_TEXT, 1);
    struct journal_part part = {.name = STR("long"), .text = {text, LONG_TEXT}};
    struct journal_recipe recipe = {.job = STR("long"), .parts = &part, .parts_n = 1};
    struct buf content = BUF_INIT;
    for (int i = 0; i < FALSE_STARTS; i++)
        buf_add(&file, "sumsumsu\xA7\1\xFF\xFF", 12);
    journal_code_run(&file, run_salt(&file), 3, true, 1);
    assert_true(journal_code_content(&content, &recipe));
    journal_code_recipe(&file, run_salt(&file), 9, buf_str(&content));
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    assert_int_equal(found.damaged, 1);
    assert_int_equal(found.damaged_bytes, 12 * FALSE_STARTS);
    uint64_t bytes = journal_figures(journal).bytes;
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_OK);
    assert_int_equal(journal_figures(journal).bytes, bytes); // it was there
    journal_close(journal);
    mem_free(text);
    buf_release(&content);
    buf_release(&file);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(records_of_another_file_are_not_taken),
        cmocka_unit_test(every_file_has_a_salt_of_its_own),
        cmocka_unit_test(without_a_header_nothing_is_believed),
        cmocka_unit_test(an_entry_whose_recipe_is_lost_has_its_path_only),
        cmocka_unit_test(damage_behind_the_index_is_a_miss),
        cmocka_unit_test(damage_to_what_a_run_appended_is_counted),
        cmocka_unit_test(damage_to_the_last_that_a_run_appended_is_cut_off),
        cmocka_unit_test(false_beginnings_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
