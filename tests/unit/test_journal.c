// SPDX-License-Identifier: MIT
// What a journal gives back of what runs put into it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/journal_format.h"
#include "tests/support/journal_run.h"
#include "tests/support/scene.h"

static int version_of(struct journal *journal, int output) {
    struct journal_reader reader;
    journal_reader_init(&reader, journal);
    int version = run_found(&reader, output, 9);
    journal_reader_release(&reader);
    return version;
}

static void entries_are_found_by_the_next_run(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    assert_true(found.fresh);
    assert_int_equal(journal_figures(journal).generation, 1);
    run_put(journal, 0, 300, 1);
    assert_int_equal(run_count(journal, 300, 1),
                     0); // what was before the run is asked for, not the run itself
    journal = run_reopen(&scene, journal);
    assert_int_equal(journal_figures(journal).generation, 2);
    assert_int_equal(run_count(journal, 300, 1), 300);
    assert_int_equal(run_count(journal, 400, 1), 300);
    run_put(journal, 100, 200, 2);
    run_end(journal, false);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(version_of(journal, 99), 1);
        assert_int_equal(version_of(journal, 100), 2);
        assert_int_equal(version_of(journal, 199), 2);
        assert_int_equal(version_of(journal, 200), 1);
        assert_int_equal(journal_figures(journal).outputs, 300);
        assert_int_equal(journal_figures(journal).generation, 3);
        journal = run_reopen(&scene, journal);
    }
    journal_close(journal);
    scene_close(&scene);
}

static const struct str jobs[3] = {{"pages", 5}, {"letters", 7}, {"", 0}};

struct listing {
    int next, stop_after;
};

static bool list(void *context, const struct journal_entry *entry) {
    struct listing *l = context;
    char room[64];
    assert_true(entry->recipe && str_equal(entry->recipe->job, jobs[l->next % 3]));
    assert_true(str_equal(entry->path, run_path(l->next, room)));
    return ++l->next != l->stop_after;
}

static void put_of_jobs(struct journal *journal, int from, int to) {
    struct journal_batch batch = {.entries = 0};
    struct err err;
    for (int i = from; i < to; i++) {
        char room[64];
        uint64_t fields[RUN_FIELDS];
        struct journal_recipe recipe = run_recipe(1);
        struct journal_entry entry = run_entry(i, 1, room, fields);
        recipe.job = jobs[i % 3];
        entry.recipe = run_kept(journal, &recipe);
        assert_true(journal_batch_add(&batch, journal, &entry, fields));
    }
    assert_int_equal(journal_append(journal, &batch, false, &err), STATUS_OK);
    journal_batch_release(&batch);
}

static void entries_are_listed_in_the_order_they_were_first_made(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct err err;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    put_of_jobs(journal, 0, 3000);
    for (int i = 0; i < 3000; i += 20) // again, at the file's end: they keep their place
        put_of_jobs(journal, i, i + 1);
    for (int pass = 0; pass < 2; pass++) {
        journal = run_reopen(&scene, journal);
        journal_reader_init(&reader, journal);
        struct listing all = {.next = 0}, some = {.stop_after = 7};
        journal_each(&reader, list, &all);
        assert_int_equal(all.next, 3000);
        journal_each(&reader, list, &some);
        assert_int_equal(some.next, 7);
        assert_true(reader.reads < 20); // two stretches of the file side by side, 64 KB at a time
        assert_int_equal(reader.damaged, 0);
        journal_reader_release(&reader);
        assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    }
    journal_close(journal);
    scene_close(&scene);
}

static void an_output_takes_no_more_than_promised(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    char room[64];
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 1000, 1);
    journal = run_reopen(&scene, journal);
    uint64_t promised = 0;
    for (int i = 0; i < 1000; i++)
        promised += 120 + run_path(i, room).n + 8 * RUN_FIELDS;
    assert_true(journal_figures(journal).bytes <= promised); // the recipe with its names included
    journal_close(journal);
    scene_close(&scene);
}

static void records_lead_to_their_outputs(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 500, 1);
    run_put(journal, 100, 200, 2);
    run_put(journal, 150, 160, 1);         // and back again
    for (int pass = 0; pass < 2; pass++) { // as indexed in the run, and from the file
        run_end(journal, false);
        journal_reader_init(&reader, journal);
        for (int i = 0; i < 500; i++) {
            int version = i < 100 || i >= 200 || (i >= 150 && i < 160) ? 1 : 2;
            assert_true(journal_find_raw(&reader, STR("pages"), run_raw(i, version), &entry));
            assert_true(run_is_entry(&entry, i, version));
            assert_false(journal_find_raw(&reader, STR("pages"), run_raw(i, 3 - version), &entry));
            assert_false(journal_find_raw(&reader, STR("page"), run_raw(i, version), &entry));
        }
        assert_false(journal_find_raw(&reader, STR("pages"), (struct digest){0, 0}, &entry));
        journal_reader_release(&reader);
        journal = run_reopen(&scene, journal);
    }
    journal_close(journal);
    scene_close(&scene);
}

static void put_same_raw(struct journal *journal, int from, int to, struct digest raw) {
    struct journal_recipe recipe = run_recipe(1);
    const struct journal_recipe *kept;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_OK);
    for (int i = from; i < to; i++) {
        char room[64];
        uint64_t fields[RUN_FIELDS];
        struct journal_entry entry = run_entry(i, 1, room, fields);
        entry.recipe = kept;
        entry.raw = raw;
        assert_true(journal_batch_add(&batch, journal, &entry, fields));
    }
    assert_int_equal(journal_append(journal, &batch, false, &err), STATUS_OK);
    journal_batch_release(&batch);
}

static void outputs_of_one_record_do_not_slow_each_other(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    put_same_raw(journal, 0, 20000, (struct digest){1, 2});
    put_same_raw(journal, 20000, 40000, (struct digest){0, 0});
    journal = run_reopen(&scene, journal);
    journal_reader_init(&reader, journal);
    assert_true(journal_find_raw(&reader, STR("pages"), (struct digest){1, 2}, &entry));
    assert_false(journal_find_raw(&reader, STR("pages"), (struct digest){0, 0}, &entry));
    assert_true(run_entry_of(&reader, 39999, &entry));
    journal_reader_release(&reader);
    journal_close(journal);
    scene_close(&scene);
}

static bool count_left(void *context, const struct journal_entry *entry) {
    *(int *)context += entry->left;
    return true;
}

static int left_in(struct journal *journal) {
    struct journal_reader reader;
    int left = 0;
    journal_reader_init(&reader, journal);
    journal_each(&reader, count_left, &left);
    journal_reader_release(&reader);
    assert_int_equal(journal_figures(journal).left, left);
    return left;
}

static void see(struct journal *journal, int from, int to) {
    struct journal_reader reader;
    struct journal_entry entry;
    journal_reader_init(&reader, journal);
    for (int i = from; i < to; i++) {
        assert_true(run_entry_of(&reader, i, &entry));
        journal_see(journal, entry.number);
    }
    journal_reader_release(&reader);
}

static void outputs_that_no_longer_belong_are_known(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 100, 1);
    run_end(journal, true);
    assert_int_equal(left_in(journal), 0);
    see(journal, 60, 100);
    journal_see_none(journal);
    see(journal, 0, 50); // seen, made anew, new: the others left
    run_put(journal, 50, 60, 2);
    run_put(journal, 100, 110, 1);
    run_end(journal, true);
    assert_int_equal(left_in(journal), 40);
    journal = run_reopen(&scene, journal);
    assert_int_equal(left_in(journal), 40);
    assert_int_equal(journal_figures(journal).outputs, 110);
    journal_reader_init(&reader, journal);
    assert_true(run_entry_of(&reader, 60, &entry) && entry.left);
    assert_true(run_entry_of(&reader, 59, &entry) && !entry.left);
    journal_reader_release(&reader);
    run_end(journal, false); // saw nothing, but did not come to its end
    assert_int_equal(left_in(journal), 40);
    see(journal, 0, 70);
    run_put(journal, 70, 80, 2);
    see(journal, 100, 110);
    run_end(journal, true);
    assert_int_equal(left_in(journal), 20);
    journal = run_reopen(&scene, journal);
    assert_int_equal(left_in(journal), 20);
    struct err err;
    assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    assert_int_equal(left_in(journal), 20);
    journal = run_reopen(&scene, journal);
    assert_int_equal(left_in(journal), 20);
    journal_close(journal);
    scene_close(&scene);
}

static void removed_outputs_are_forgotten(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    char room[64];
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 20, 1);
    run_end(journal, true);
    journal_batch_remove(&batch, journal, run_path(7, room));
    journal_batch_remove(&batch, journal, run_path(8, room));
    journal_batch_remove(&batch, journal, run_path(999, room)); // of which nothing is known
    assert_int_equal(journal_append(journal, &batch, true, &err), STATUS_OK);
    run_put(journal, 8, 9, 2); // made again afterwards
    run_end(journal, false);
    for (int pass = 0; pass < 3; pass++) {
        assert_int_equal(journal_figures(journal).outputs, 19);
        assert_int_equal(run_count(journal, 20, 2), 19);
        assert_int_equal(version_of(journal, 7), 0);
        assert_int_equal(version_of(journal, 8), 2);
        if (pass == 0)
            assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        else
            journal = run_reopen(&scene, journal);
    }
    journal_batch_release(&batch);
    journal_close(journal);
    scene_close(&scene);
}

static void compaction_keeps_what_holds(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct err err;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    for (int version = 1; version <= 5; version++) {
        assert_int_equal(journal_is_redundant(journal), version > 3); // of two versions, half is not outdated
        run_put(journal, 0, 500, version);
        run_put(journal, 500, 510, 1);
        run_end(journal, true);
    }
    struct journal_figures before = journal_figures(journal);
    assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    struct journal_figures after = journal_figures(journal);
    assert_true(after.bytes * 2 < before.bytes);
    assert_true(after.bytes - after.live_bytes <
                400); // the recipe of version 1, which ten still have, and a run
    assert_false(journal_is_redundant(journal));
    assert_true(after.generation > before.generation - 1);
    assert_int_equal(run_count(journal, 600, 5), 510);
    run_put(journal, 510, 511, 1); // goes on in the new file
    for (int pass = 0; pass < 2; pass++) {
        journal = run_reopen(&scene, journal);
        assert_int_equal(version_of(journal, 0), 5);
        assert_int_equal(version_of(journal, 509), 1);
        assert_int_equal(run_count(journal, 600, 5), 511);
        assert_int_equal(journal_compact(journal, &err), STATUS_OK); // of what is compact
    }
    assert_int_equal(faccessat(scene.root, JOURNAL_NEW_FILE, F_OK, 0), -1);
    journal_close(journal);
    scene_close(&scene);
}

static void readers_go_on_after_a_compaction(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct err err;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    journal_reader_init(&reader, journal);
    for (int version = 1; version <= 4; version++) {
        run_put(journal, version * 5, 60, version);
        run_end(journal, true);
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 5; i < 60; i++)
                assert_int_equal(run_found(&reader, i, 9), i / 5 < version ? i / 5 : version);
            if (pass == 0)
                assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        }
    }
    assert_int_equal(reader.damaged, 0);
    journal_reader_release(&reader);
    journal_close(journal);
    scene_close(&scene);
}

static void entries_that_are_too_long_are_refused(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    char *path = pattern(UINT16_MAX + 1, 1);
    uint64_t *fields = MEM_NEW_ARRAY(uint64_t, UINT16_MAX);
    struct str *names = MEM_NEW_ARRAY(struct str, UINT16_MAX);
    struct journal_recipe recipe = {.job = STR("wide"), .fields = names};
    struct journal_entry entry = {.path = {path, UINT16_MAX + 1}, .recipe = run_kept(journal, &recipe)};
    assert_false(journal_batch_add(&batch, journal, &entry, NULL));
    assert_int_equal(batch.bytes.n, 0);
    entry.path.n--;
    assert_true(journal_batch_add(&batch, journal, &entry, NULL));
    recipe.fields_n = entry.fields_n = UINT16_MAX; // with them, longer than a record
    entry.recipe = run_kept(journal, &recipe);
    assert_false(journal_batch_add(&batch, journal, &entry, fields));
    entry.path.n = 0;
    recipe.fields_n = entry.fields_n = 20000;
    entry.recipe = run_kept(journal, &recipe);
    assert_true(journal_batch_add(&batch, journal, &entry, fields));
    assert_int_equal(batch.entries, 2);
    assert_int_equal(journal_append(journal, &batch, false, &err), STATUS_OK);
    journal = run_reopen(&scene, journal);
    struct journal_reader reader;
    journal_reader_init(&reader, journal);
    assert_true(journal_find(&reader, (struct str){path, UINT16_MAX}, &entry));
    assert_true(journal_find(&reader, (struct str){path, 0}, &entry));
    assert_int_equal(entry.fields_n, 20000);
    assert_int_equal(entry.recipe->fields_n, 20000);
    journal_reader_release(&reader);
    mem_free(names);
    mem_free(fields);
    mem_free(path);
    journal_batch_release(&batch);
    journal_close(journal);
    scene_close(&scene);
}

// What may be in the way ---------------------------------------------------------------------------------------

static void put_header(struct scene *scene, unsigned version) {
    unsigned char p[JOURNAL_HEADER] = "pressjnl";
    journal_put(p + 8, version, 4);
    journal_put(p + 24, digest_of((struct str){(char *)p, 24}).low, 8);
    memcpy(p + 32, p, 32);
    put_file(scene, JOURNAL_FILE, p, sizeof p);
}

static void other_versions_are_set_aside(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal *journal;
    struct err err;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, ".pressrun", 0777), 0);
    put_header(&scene, JOURNAL_VERSION + 1);
    assert_int_equal(journal_open(run_options(&scene.fs, scene.root, false), &journal, &found, &err),
                     STATUS_UNSUPPORTED);
    assert_null(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_true(found.set_aside);
    assert_int_equal(found.version, JOURNAL_VERSION + 1);
    run_put(journal, 0, 3, 1);
    journal = run_reopen(&scene, journal);
    assert_int_equal(run_count(journal, 3, 1), 3);
    journal_close(journal);
    struct buf old = get_file(&scene, JOURNAL_OLD_FILE);
    assert_int_equal(old.n, JOURNAL_HEADER);
    buf_release(&old);
    put_text(&scene, JOURNAL_FILE, "something of somebody else's, of quite some length");
    journal = run_open(&scene.fs, scene.root, false, &found);
    assert_false(found.set_aside);
    assert_int_equal(found.damaged, 1);
    journal_close(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_true(found.set_aside);
    assert_int_equal(found.version, 0);
    journal_close(journal);
    put_text(&scene, JOURNAL_FILE, "a short one"); // shorter than a header, but not the beginning of one
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_true(found.set_aside);
    journal_close(journal);
    assert_file(&scene, JOURNAL_OLD_FILE, "a short one");
    scene_close(&scene);
}

static void nothing_is_written_elsewhere_or_without_leave(void **state) {
    (void)state;
    struct scene scene, outside;
    struct journal_found found;
    struct journal *journal;
    struct err err;
    scene_open(&scene);
    scene_open(&outside);
    journal = run_open(&scene.fs, scene.root, false, &found); // none, and none is made
    assert_true(found.fresh);
    assert_int_equal(run_count(journal, 3, 1), 0);
    assert_int_equal(run_append(journal, 0, 1, 1, false, &err), STATUS_IO);
    assert_int_equal(journal_compact(journal, &err), STATUS_IO);
    journal_close(journal);
    assert_int_equal(count_files(scene.root, NULL), 0);
    put_text(&outside, "victim", "kept");
    char victim[300];
    snprintf(victim, sizeof victim, "%s/victim", outside.path);
    assert_int_equal(mkdirat(scene.root, ".pressrun", 0777), 0);
    assert_int_equal(symlinkat(victim, scene.root, JOURNAL_FILE), 0);
    assert_int_equal(journal_open(run_options(&scene.fs, scene.root, true), &journal, &found, &err),
                     STATUS_IO);
    assert_int_equal(unlinkat(scene.root, JOURNAL_FILE, 0), 0);
    assert_int_equal(mkfifoat(scene.root, JOURNAL_FILE, 0666), 0);
    assert_int_equal(journal_open(run_options(&scene.fs, scene.root, true), &journal, &found, &err),
                     STATUS_DATA);
    assert_file(&outside, "victim", "kept");
    assert_int_equal(unlinkat(scene.root, JOURNAL_FILE, 0), 0);
    put_text(&scene, "page", "kept"); // by a second name where a compaction writes
    assert_int_equal(linkat(scene.root, "page", scene.root, JOURNAL_NEW_FILE, 0), 0);
    journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 3, 1);
    assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    assert_int_equal(run_count(journal, 3, 1), 3);
    journal_close(journal);
    assert_file(&scene, "page", "kept");
    scene_close(&scene);
    scene_close(&outside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_by_the_next_run),
        cmocka_unit_test(an_output_takes_no_more_than_promised),
        cmocka_unit_test(entries_are_listed_in_the_order_they_were_first_made),
        cmocka_unit_test(records_lead_to_their_outputs),
        cmocka_unit_test(outputs_of_one_record_do_not_slow_each_other),
        cmocka_unit_test(outputs_that_no_longer_belong_are_known),
        cmocka_unit_test(removed_outputs_are_forgotten),
        cmocka_unit_test(compaction_keeps_what_holds),
        cmocka_unit_test(readers_go_on_after_a_compaction),
        cmocka_unit_test(entries_that_are_too_long_are_refused),
        cmocka_unit_test(other_versions_are_set_aside),
        cmocka_unit_test(nothing_is_written_elsewhere_or_without_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
