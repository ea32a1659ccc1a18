// SPDX-License-Identifier: MIT
// What outputs of a journal are made from: recipes, equal and different, large, and as no run writes them.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "cache/journal_format.h"
#include "tests/support/journal_run.h"
#include "tests/support/scene.h"

static void recipes_are_written_once(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    struct journal_recipe recipe = run_recipe(1), other = run_recipe(2);
    const struct journal_recipe *first = run_kept(journal, &recipe);
    uint64_t bytes = journal_figures(journal).bytes;
    assert_ptr_equal(first, run_kept(journal, &recipe));
    assert_true(run_is_recipe(first, 1));
    run_put(journal, 0, 2, 1);
    run_put(journal, 2, 4, 2); // and another one between the first and its return
    uint64_t with_entries = journal_figures(journal).bytes;
    for (int pass = 0; pass < 2; pass++) {
        journal = run_reopen(&scene, journal);
        first = run_kept(journal, &recipe);
        assert_ptr_not_equal(first, run_kept(journal, &other));
        assert_int_equal(journal_figures(journal).bytes, with_entries);
        journal_reader_init(&reader, journal);
        assert_true(run_entry_of(&reader, 1, &entry));
        assert_ptr_equal(entry.recipe, first);
        assert_true(run_entry_of(&reader, 3, &entry));
        assert_ptr_equal(entry.recipe, run_kept(journal, &other));
        journal_reader_release(&reader);
        struct err err;
        assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        with_entries = journal_figures(journal).bytes;
    }
    assert_true(bytes < with_entries);
    journal_close(journal);
    scene_close(&scene);
}

static void recipes_differ_by_any_of_their_parts(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    const struct journal_recipe *kept[12];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 12; i++) {
            struct journal_recipe recipe = run_recipe(1);
            struct journal_part parts[RUN_PARTS];
            struct str fields[RUN_FIELDS];
            memcpy(parts, recipe.parts, sizeof parts);
            memcpy(fields, recipe.fields, sizeof fields);
            recipe.parts = parts;
            recipe.fields = fields;
            parts[1].digest.low += i == 1;
            parts[1].digest.high += i == 2;
            parts[2].name = i == 3 ? STR("option undefine") : parts[2].name;
            parts[2].text = i == 4 ? STR("2") : i == 5 ? STR("") : i == 6 ? STR("1\0") : parts[2].text;
            recipe.parts_n -= i == 7;
            fields[1] = i == 8 ? STR("users.tie") : fields[1];
            recipe.fields_n -= i == 9;
            recipe.job = i == 10 ? STR("page") : recipe.job;
            parts[0] = i == 11 ? parts[1] : parts[0];
            const struct journal_recipe *one = run_kept(journal, &recipe);
            for (int before = 0; before < i; before++)
                assert_ptr_not_equal(one, kept[before]);
            assert_true(pass == 0 || one->id == (uint32_t)i + 1);
            kept[i] = one;
        }
        journal = run_reopen(&scene, journal);
    }
    journal_close(journal);
    scene_close(&scene);
}

static void large_recipes_go_over_several_records(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    struct err err;
    const struct journal_recipe *kept;
    enum { MANY = 500 };
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    struct journal_recipe recipe = run_recipe(1);
    struct journal_part *parts = MEM_NEW_ARRAY(struct journal_part, MANY);
    char *text = pattern(JOURNAL_RECIPE_LONGEST + 1, 1);
    for (int i = 0; i < MANY; i++)
        parts[i] = (struct journal_part){.name = {text, 20}, .digest = {1, 2}, .text = {text + i, 1000}};
    recipe.parts = parts;
    recipe.parts_n = MANY; // half a megabyte
    run_kept(journal, &recipe);
    run_put(journal, 0, 3, 2);
    for (int pass = 0; pass < 2; pass++) {
        journal = run_reopen(&scene, journal);
        uint64_t bytes = journal_figures(journal).bytes;
        kept = run_kept(journal, &recipe);
        assert_int_equal(journal_figures(journal).bytes, bytes);
        assert_int_equal(kept->parts_n, MANY);
        for (int i = 0; i < MANY; i++)
            assert_true(str_equal(kept->parts[i].text, parts[i].text) && kept->parts[i].digest.low == 2);
        if (pass == 0) { // compaction drops it unless an entry has it
            struct journal_batch batch = {.entries = 0};
            struct journal_entry entry = {.path = STR("large"), .recipe = kept, .fields_n = kept->fields_n};
            assert_true(journal_batch_add(&batch, journal, &entry, (uint64_t[RUN_FIELDS]){1, 2, 3}));
            assert_int_equal(journal_append(journal, &batch, false, &err), STATUS_OK);
            journal_batch_release(&batch);
            assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        }
    }
    recipe.job = (struct str){text, JOURNAL_RECIPE_LONGEST + 1};
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_LIMIT);
    assert_null(kept);
    recipe.parts_n = 0;
    recipe.fields_n = 0;
    recipe.job.n = JOURNAL_RECIPE_LONGEST - 12;
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_OK);
    recipe.job.n++;
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_LIMIT);
    mem_free(text);
    mem_free(parts);
    journal_close(journal);
    scene_close(&scene);
}

// Without appending: what is there, and what was there before it in the same job.
static void recipes_are_looked_up(void **state) {
    (void)state;
    struct scene scene;
    struct journal_found found;
    const struct journal_recipe first = run_recipe(1), second = run_recipe(2);
    struct journal_recipe other = run_recipe(1);
    struct err err;
    other.job = STR("others");
    scene_open(&scene);
    struct journal *journal;
    const struct journal_options none = {.fs = &scene.fs, .root = -1};
    assert_int_equal(journal_open(none, &journal, &found, &err), STATUS_OK);
    assert_true(found.fresh);
    assert_null(journal_find_recipe(journal, &first));
    assert_int_equal(journal_items(journal), 0);
    journal_close(journal);
    journal = run_open(&scene.fs, scene.root, true, &found);
    assert_null(journal_find_recipe(journal, &first));
    run_kept(journal, &first);
    run_kept(journal, &other);
    run_kept(journal, &second);
    for (int pass = 0; pass < 2; pass++) {
        const uint64_t bytes = journal_figures(journal).bytes;
        const struct journal_recipe *one = journal_find_recipe(journal, &first);
        const struct journal_recipe *two = journal_find_recipe(journal, &second);
        assert_true(one && two && one != two);
        assert_ptr_equal(journal_recipe_before(journal, two), one);
        assert_null(journal_recipe_before(journal, one));
        assert_null(journal_recipe_before(journal, journal_find_recipe(journal, &other)));
        assert_int_equal(journal_figures(journal).bytes, bytes);
        journal_close(journal);
        journal = run_open(&scene.fs, scene.root, false, &found);
    }
    journal_close(journal);
    scene_close(&scene);
}

// Recipes that no run writes so --------------------------------------------------------------------------------

enum { MADE_SALT = 5 };

static void put_entry(struct buf *file, int output, uint32_t id, uint32_t fields_n) {
    char room[64];
    uint64_t fields[RUN_FIELDS];
    struct journal_entry entry = run_entry(output, 1, room, fields);
    entry.fields_n = fields_n;
    assert_true(journal_code_entry(file, MADE_SALT, &entry, id, 1, fields));
}

static struct buf content_of(int version) {
    struct journal_recipe recipe = run_recipe(version);
    struct buf content = BUF_INIT;
    assert_true(journal_code_content(&content, &recipe));
    return content;
}

static struct journal *open_made(struct scene *scene, struct buf *file, struct journal_reader *reader) {
    struct journal_found found;
    put_file(scene, JOURNAL_FILE, file->p, file->n);
    buf_release(file);
    struct journal *journal = run_open(&scene->fs, scene->root, true, &found);
    assert_int_equal(found.damaged + found.torn_bytes, 0);
    journal_reader_init(reader, journal);
    return journal;
}

static const struct journal_recipe *recipe_at(struct journal_reader *reader, int output) {
    char room[64];
    struct journal_entry entry;
    assert_true(journal_find(reader, run_path(output, room), &entry));
    return entry.recipe;
}

static void equal_recipes_of_two_ids_are_one(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct buf file = BUF_INIT, one = content_of(1), two = content_of(2);
    struct journal_reader reader;
    journal_code_header(&file, MADE_SALT);
    put_entry(&file, 9, 3, RUN_FIELDS); // whose recipe comes later
    journal_code_recipe(&file, MADE_SALT, 3, buf_str(&one));
    journal_code_recipe(&file, MADE_SALT, 7, buf_str(&one));
    journal_code_recipe(&file, MADE_SALT, 3, buf_str(&two)); // the first one has the id
    journal_code_recipe(&file, MADE_SALT, 8, str_slice(buf_str(&two), 0, two.n - 1));
    journal_code_recipe(&file, MADE_SALT, UINT32_MAX, buf_str(&two));
    put_entry(&file, 1, 3, RUN_FIELDS);
    put_entry(&file, 2, 7, RUN_FIELDS);
    put_entry(&file, 3, 8, RUN_FIELDS);
    put_entry(&file, 4, UINT32_MAX, RUN_FIELDS);
    put_entry(&file, 5, 3, RUN_FIELDS - 1); // as many fields as the recipe does not have
    struct journal *journal = open_made(&scene, &file, &reader);
    assert_true(run_is_recipe(recipe_at(&reader, 1), 1));
    assert_ptr_equal(recipe_at(&reader, 1), recipe_at(&reader, 2));
    for (int i = 3; i < 6; i++)
        assert_null(recipe_at(&reader, i));
    assert_null(recipe_at(&reader, 9));
    journal_reader_release(&reader);
    journal_close(journal);
    buf_release(&one);
    buf_release(&two);
    scene_close(&scene);
}

static void pieces_in_another_order_are_no_recipe(void **state) {
    (void)state;
    static const int orders[][4] = {{0, 1, 2, -1}, {0, 2, 1, -1}, {1, 2, 0, -1}, {0, 0, 1, 2}, {0, 1, 1, 2}};
    struct scene scene = run_scene();
    enum { PIECE = JOURNAL_LONGEST - JOURNAL_FRAME - 12 };
    char *text = pattern(3 * PIECE, 1);
    struct journal_recipe recipe = {.job = {text, 3 * PIECE - 12}};
    for (int order = 0; order < 5; order++) {
        struct buf file = BUF_INIT, content = BUF_INIT, pieces = BUF_INIT;
        struct journal_reader reader;
        journal_code_header(&file, MADE_SALT);
        assert_true(journal_code_content(&content, &recipe));
        journal_code_recipe(&pieces, MADE_SALT, 1, buf_str(&content));
        assert_int_equal(pieces.n, 3 * JOURNAL_LONGEST);
        for (int i = 0; i < 4 && orders[order][i] >= 0; i++)
            buf_add(&file, pieces.p + orders[order][i] * JOURNAL_LONGEST, JOURNAL_LONGEST);
        put_entry(&file, 1, 1, 0);
        struct journal *journal = open_made(&scene, &file, &reader);
        const struct journal_recipe *has = recipe_at(&reader, 1);
        assert_int_equal(has != NULL, order == 0 || order == 3);
        assert_true(!has || str_equal(has->job, recipe.job));
        journal_reader_release(&reader);
        journal_close(journal);
        buf_release(&pieces);
        buf_release(&content);
    }
    mem_free(text);
    scene_close(&scene);
}

static void ids_do_not_run_out(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct buf file = BUF_INIT, one = content_of(1);
    struct journal_reader reader;
    journal_code_header(&file, MADE_SALT);
    journal_code_recipe(&file, MADE_SALT, UINT32_MAX - 1, buf_str(&one));
    put_entry(&file, 1, UINT32_MAX - 1, RUN_FIELDS);
    struct journal *journal = open_made(&scene, &file, &reader);
    run_put(journal, 2, 3, 2);
    assert_int_equal(recipe_at(&reader, 1)->id, 1);
    assert_true(run_is_recipe(recipe_at(&reader, 1), 1));
    journal_reader_release(&reader);
    journal_close(journal);
    buf_release(&one);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_are_written_once),
        cmocka_unit_test(recipes_differ_by_any_of_their_parts),
        cmocka_unit_test(recipes_are_looked_up),
        cmocka_unit_test(large_recipes_go_over_several_records),
        cmocka_unit_test(equal_recipes_of_two_ids_are_one),
        cmocka_unit_test(pieces_in_another_order_are_no_recipe),
        cmocka_unit_test(ids_do_not_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
