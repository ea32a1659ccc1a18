// SPDX-License-Identifier: MIT
// What is told of reasons, and which values are kept to tell it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/reasons/explanation.h"
#include "tests/support/scene.h"

// The list in short: "template+card.j2 global~site field~name", with + for added, - for removed, ~ for changed.
static const char *told(const struct cause *cause, char room[1024]) {
    static const char signs[] = {
        [EXPLAINED_CHANGED] = '~', [EXPLAINED_ADDED] = '+', [EXPLAINED_REMOVED] = '-'};
    struct explained *list;
    struct arena arena;
    size_t at = 0;
    arena_init(&arena, 0);
    size_t n = explanation_of(cause, &arena, &list);
    room[0] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(room + at, 1024 - at, "%s%s%c%.*s", i ? " " : "", explained_name(list[i].kind),
                               signs[list[i].change], STR_ARG(list[i].name));
    arena_release(&arena);
    return room;
}

#define LITERAL(text)                                                                                        \
    { text, sizeof text - 1 } // STR is no constant
static const struct journal_part parts_before[] = {
    {LITERAL("pressrun"), {1, 1}, LITERAL("0.1.0")},
    {LITERAL("template card.j2"), {1, 2}, LITERAL("")},
    {LITERAL("template foot.j2"), {1, 3}, LITERAL("")},
    {LITERAL("expression to"), {1, 4}, LITERAL("{{ id }}")},
    {LITERAL("global site"), {1, 5}, LITERAL("\"here\"")},
    {LITERAL("option undefined"), {1, 6}, LITERAL("strict")},
    {LITERAL("source users"), {1, 7}, LITERAL("")},
    {LITERAL("something else"), {1, 8}, LITERAL("")},
};
enum { PARTS = sizeof parts_before / sizeof *parts_before };
static const struct str fields_before[] = {LITERAL("id"), LITERAL("name"), LITERAL("tier")};
static const struct journal_recipe before = {
    .job = LITERAL("cards"), .parts = parts_before, .parts_n = PARTS, .fields = fields_before, .fields_n = 3};

static void bits_alone_are_told(void **state) {
    (void)state;
    char room[1024];
    const struct {
        uint32_t why;
        const char *text;
    } cases[] = {
        {0, ""},
        {REASON_NEW, "new~"},
        {REASON_NEW | REASON_FORCED, "new~ forced~"},
        {REASON_FORCED | REASON_EDITED, "edited~ forced~"},
        {REASON_MISSING | REASON_EDITED, "missing~ edited~"},
        {REASON_RECIPE, "recipe~"},
        {REASON_LOST | REASON_RECIPE, "lost~"},
        {REASON_RECORD, "records~"},
        {REASON_FIELDS, "reads~"},
        {REASON_RECORD | REASON_RECIPE | REASON_MISSING, "missing~ records~"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(told(&(struct cause){.why = cases[i].why}, room), cases[i].text);
}

static void parts_are_told_in_their_order(void **state) {
    (void)state;
    char room[1024];
    struct journal_part parts[PARTS + 1];
    struct journal_recipe now = before;
    struct cause cause = {.why = REASON_RECIPE | REASON_EDITED, .before = &before, .now = &now};
    now.parts = parts;
    memcpy(parts, parts_before, sizeof parts_before);
    // Of a recipe that says the same: something changed all the same.
    assert_string_equal(told(&cause, room), "edited~ recipe~");
    cause.why = REASON_RECIPE;
    for (int i = 0; i < PARTS; i++)
        parts[i].digest.high++;
    assert_string_equal(told(&cause, room), "template~card.j2 template~foot.j2 global~site option~undefined "
                                            "expression~to source~users pressrun~ recipe~something else");
    memcpy(parts, parts_before, sizeof parts_before);
    parts[2] = (struct journal_part){STR("template head.j2"), {1, 3}, STR("")};
    parts[4] = (struct journal_part){STR("through"), {2, 3}, STR("fmt")};
    parts[PARTS] = (struct journal_part){STR("templates"), {2, 4}, STR("")};
    now.parts_n = PARTS + 1;
    assert_string_equal(told(&cause, room),
                        "template+head.j2 template-foot.j2 templates+ through+ global-site");
}

static void values_of_parts_are_told(void **state) {
    (void)state;
    struct journal_part parts[PARTS];
    struct journal_recipe now = before;
    struct cause cause = {.why = REASON_RECIPE, .before = &before, .now = &now};
    struct explained *list;
    struct arena arena;
    arena_init(&arena, 0);
    now.parts = parts;
    memcpy(parts, parts_before, sizeof parts_before);
    parts[5].digest.low++;
    parts[5].text = STR("default");
    assert_int_equal(explanation_of(&cause, &arena, &list), 1);
    assert_true(str_is(list->old_text, "strict") && str_is(list->new_text, "default") && !list->hashed);
    parts[5].text = STR(""); // too long to be kept
    assert_int_equal(explanation_of(&cause, &arena, &list), 1);
    assert_true(str_is(list->old_text, "strict") && !list->new_text.p);
    arena_release(&arena);
}

static void fields_are_told_by_hashes_or_bits(void **state) {
    (void)state;
    char room[1024];
    struct journal_recipe now = before;
    const uint64_t old[] = {1, 2, 3}, same[] = {1, 2, 3}, other[] = {1, 7, 8}, moved[] = {3, 9, 2};
    const struct str names[] = {STR("tier"), STR("age"), STR("name")};
    struct cause cause = {.why = REASON_RECORD | reason_of_field(2), .before = &before, .now = &before};
    assert_string_equal(told(&cause, room), "field~tier");
    cause.fields_before = old;
    cause.fields_now = other;
    assert_string_equal(told(&cause, room), "field~name field~tier");
    cause.fields_now = same; // where only their order, or what no hash is of, is another one
    assert_string_equal(told(&cause, room), "records~");
    now.fields = names;
    cause.now = &now;
    cause.why = REASON_FIELDS | REASON_RECIPE;
    cause.fields_now = moved;
    assert_string_equal(told(&cause, room), "reads+age reads-id");
    cause.fields_now = other;
    assert_string_equal(told(&cause, room), "reads+age reads-id field~tier field~name");
}

static void the_last_bit_is_of_many_fields(void **state) {
    (void)state;
    char room[1024], texts[30][8];
    struct str names[30];
    for (int i = 0; i < 30; i++)
        names[i] = (struct str){texts[i], (size_t)snprintf(texts[i], 8, "f%d", i)};
    const struct journal_recipe many = {.job = STR("cards"), .fields = names, .fields_n = 30};
    struct cause cause = {.why = REASON_RECORD | reason_of_field(22), .before = &many, .now = &many};
    assert_string_equal(told(&cause, room), "field~f22");
    cause.why = REASON_RECORD | reason_of_field(29);
    assert_string_equal(told(&cause, room), "field~");
}

// Values --------------------------------------------------------------------------------------------------------

static struct str number(uint64_t n, char room[32]) {
    return (struct str){room, (size_t)snprintf(room, 32, "%llu", (unsigned long long)n)};
}

static void values_come_back(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    assert_int_equal(fs_make_dirs(&scene.fs, scene.root, ".pressrun", 0777), 0);
    struct values *values = values_new();
    char room[80];
    memset(room, 'x', sizeof room);
    assert_null(values_find(values, 0).p);
    assert_true(values_add(values, 0, STR("\"zero\"")));
    assert_true(values_add(values, UINT64_MAX, STR("")));
    assert_true(values_add(values, 7, (struct str){room, VALUES_TEXT}));
    assert_false(values_add(values, 8, (struct str){room, VALUES_TEXT + 1}));
    assert_true(values_add(values, 0, STR("another"))); // which is no news
    assert_true(values_write(values, &scene.fs, scene.root));
    values_free(values);
    values = values_new();
    values_read(values, &scene.fs, scene.root);
    assert_int_equal(values_count(values), 3);
    assert_true(str_is(values_find(values, 0), "\"zero\""));
    assert_true(values_find(values, UINT64_MAX).p && values_find(values, UINT64_MAX).n == 0);
    assert_int_equal(values_find(values, 7).n, VALUES_TEXT);
    assert_null(values_find(values, 8).p);
    values_free(values);
    assert_int_equal(count_temporaries(&scene), 0);
    scene_close(&scene);
}

static void the_oldest_values_go(void **state) {
    (void)state;
    struct scene scene;
    char room[32];
    scene_open(&scene);
    assert_int_equal(fs_make_dirs(&scene.fs, scene.root, ".pressrun", 0777), 0);
    for (uint64_t run = 0; run < 3; run++) {
        struct values *all = values_new(), *fresh = values_new();
        values_read(all, &scene.fs, scene.root);
        for (uint64_t i = run * 3000; i < run * 3000 + 3000; i++)
            assert_true(values_add(fresh, i * UINT64_C(0x9E3779B97F4A7C15), number(i, room)));
        assert_true(values_add(fresh, 1, STR("\"often\""))); // stays among the newest
        values_take(all, fresh);
        assert_true(values_write(all, &scene.fs, scene.root));
        values_free(all);
        values_free(fresh);
    }
    struct values *values = values_new();
    values_read(values, &scene.fs, scene.root);
    assert_int_equal(values_count(values), VALUES_MOST);
    assert_true(str_is(values_find(values, 1), "\"often\""));
    for (uint64_t i = 0; i < 9000; i++) {
        struct str found = values_find(values, i * UINT64_C(0x9E3779B97F4A7C15));
        assert_true(i < 9001 - VALUES_MOST ? !found.p : str_equal(found, number(i, room)));
    }
    for (uint64_t i = 0; i < VALUES_MOST; i++) // until it is full
        assert_true(values_add(values, i + 10, STR("1")));
    assert_false(values_add(values, 5, STR("1")));
    values_free(values);
    scene_close(&scene);
}

static void damaged_values_are_none(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    assert_int_equal(fs_make_dirs(&scene.fs, scene.root, ".pressrun", 0777), 0);
    struct values *values = values_new();
    assert_true(values_add(values, 5, STR("\"five\"")));
    assert_true(values_add(values, 6, STR("66")));
    assert_true(values_write(values, &scene.fs, scene.root));
    values_free(values);
    struct buf sound = get_file(&scene, VALUES_FILE);
    for (size_t i = 0; i < sound.n; i++)
        for (int cut = 0; cut < 2; cut++) {
            struct buf bytes = BUF_INIT;
            buf_add_str(&bytes, buf_str(&sound));
            bytes.p[i] ^= 1;
            put_file(&scene, VALUES_FILE, cut ? sound.p : bytes.p, cut ? i : bytes.n);
            values = values_new();
            values_read(values, &scene.fs, scene.root);
            assert_int_equal(values_count(values), 0);
            values_free(values);
            buf_release(&bytes);
        }
    values = values_new();
    values_read(values, &scene.fs, -1);
    assert_int_equal(values_count(values), 0);
    values_free(values);
    buf_release(&sound);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_alone_are_told),
        cmocka_unit_test(parts_are_told_in_their_order),
        cmocka_unit_test(values_of_parts_are_told),
        cmocka_unit_test(fields_are_told_by_hashes_or_bits),
        cmocka_unit_test(the_last_bit_is_of_many_fields),
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(the_oldest_values_go),
        cmocka_unit_test(damaged_values_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
