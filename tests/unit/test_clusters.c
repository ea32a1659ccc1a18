// SPDX-License-Identifier: MIT
// Staged changes are clustered by what their edits look like, within bounds.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "pipeline/review/clusters.h"
#include "tests/support/scene.h"

struct review {
    struct scene scene;
    int outputs;
    struct clusters clusters;
};

static struct staging_root at(struct review *r) {
    return (struct staging_root){.fs = &r->scene.fs, .root = r->scene.root};
}

static void begin(struct review *r) {
    int stage, files;
    struct err err;
    *r = (struct review){.outputs = 0};
    scene_open(&r->scene);
    assert_int_equal(staging_begin(at(r), &stage, &files, &err), STATUS_OK);
    close(stage);
    close(files);
}

// One more output, in the order of names; old NULL: it is added.
static void put_texts(struct review *r, struct str old, struct str fresh) {
    char path[64];
    snprintf(path, sizeof path, STAGING_STAGE "/files/%06d", r->outputs++);
    put_file(&r->scene, path, fresh.p, fresh.n);
    if (old.p)
        put_file(&r->scene, strrchr(path, '/') + 1, old.p, old.n);
}

static void put(struct review *r, const char *old, const char *fresh) {
    put_texts(r, str_of(old), str_of(fresh));
}

static void find(struct review *r, const char *path) {
    struct err err;
    struct staging_facts facts = {.when = 0};
    const struct clusters_paths paths = {.paths = &path, .n = path != NULL};
    assert_int_equal(staging_seal(at(r), (struct staging_removed){.n = 0}, false, &facts, &err), STATUS_OK);
    assert_int_equal(clusters_find(at(r), &paths, &r->clusters, &err), STATUS_OK);
}

static void end(struct review *r) {
    clusters_release(&r->clusters);
    scene_close(&r->scene);
}

static void assert_cluster(const struct review *r, size_t i, uint64_t outputs, uint64_t variants,
                           enum clusters_alike alike, const char *sample) {
    assert_true(i < r->clusters.n);
    const struct cluster *c = &r->clusters.clusters[i];
    assert_int_equal(c->outputs, outputs);
    assert_int_equal(c->variants, variants);
    assert_int_equal(c->alike, alike);
    assert_string_equal(c->sample, sample);
}

static void what_is_not_staged_is_refused(void **state) {
    (void)state;
    struct review r;
    struct err err;
    const struct clusters_paths all = {.n = 0};
    begin(&r);
    assert_int_equal(clusters_find(at(&r), &all, &r.clusters, &err), STATUS_CONFLICT);
    assert_int_equal(staging_drop(at(&r), STAGING_STAGE, &err), STATUS_OK);
    assert_int_equal(clusters_find(at(&r), &all, &r.clusters, &err), STATUS_CONFLICT);
    end(&r);
}

static void outputs_that_go_meanwhile_are_unread(void **state) {
    (void)state;
    struct review r;
    struct err err;
    begin(&r);
    put(&r, "a\n", "b\n");
    put(&r, "a\n", "b\n");
    find(&r, NULL);
    clusters_release(&r.clusters);
    assert_int_equal(unlinkat(r.scene.root, "000000", 0), 0);
    const struct clusters_paths all = {.n = 0};
    assert_int_equal(clusters_find(at(&r), &all, &r.clusters, &err), STATUS_OK);
    assert_int_equal(r.clusters.unread, 1);
    assert_int_equal(r.clusters.counts[STAGING_CHANGED], 2);
    assert_cluster(&r, 0, 1, 1, CLUSTERS_SAME, "000001");
    end(&r);
}

static void edits_of_one_cause_are_one_cluster(void **state) {
    (void)state;
    struct review r;
    begin(&r);
    for (int i = 0; i < 60; i++) {
        char old[100], fresh[100];
        snprintf(old, sizeof old, "Dear P%c Q%d,\nfoot\n", 'a' + i % 26, i);
        snprintf(fresh, sizeof fresh, "Hello P%c Q%d,\nfoot\n", 'a' + i % 26, i);
        put(&r, old, fresh);
    }
    for (int i = 0; i < 40; i++)
        put(&r, "x\nfoot\n", "x\nFoot\n");
    put(&r, "1\n", "2\n3\n");
    put(&r, NULL, "added\n");
    put(&r, NULL, "added\n");
    find(&r, NULL);
    assert_int_equal(r.clusters.n, 3);
    assert_cluster(&r, 0, 60, 1, CLUSTERS_ALIKE, "000000");
    assert_cluster(&r, 1, 40, 1, CLUSTERS_SAME, "000060");
    assert_cluster(&r, 2, 1, 1, CLUSTERS_SAME, "000100");
    assert_int_equal(r.clusters.clusters[2].removed, 1);
    assert_int_equal(r.clusters.clusters[2].added, 2);
    assert_int_equal(r.clusters.counts[STAGING_ADDED], 2);
    assert_int_equal(r.clusters.counts[STAGING_CHANGED], 101);
    assert_string_equal(r.clusters.samples[STAGING_ADDED][1], "000102");
    assert_null(r.clusters.samples[STAGING_ADDED][2]);
    assert_int_equal(r.clusters.lines_removed, 101);
    assert_int_equal(r.clusters.lines_added, 102);
    end(&r);
}

// Each output its own value: one cluster; but a value that many share is one of its own.
static void values_of_their_own_are_one_form(void **state) {
    (void)state;
    struct review r;
    begin(&r);
    for (int i = 0; i < 50; i++) {
        char fresh[100];
        snprintf(fresh, sizeof fresh, "x\ncity: %c%cville\n", 'A' + i % 26, 'a' + i / 26);
        put(&r, "x\n", i % 5 ? fresh : "x\ncity: Rome\n");
    }
    find(&r, NULL);
    assert_int_equal(r.clusters.n, 2);
    assert_cluster(&r, 0, 40, 40, CLUSTERS_FORM, r.clusters.clusters[0].sample);
    assert_cluster(&r, 1, 10, 1, CLUSTERS_SAME, "000000");
    end(&r);
}

static void what_is_no_text_is_told(void **state) {
    (void)state;
    struct review r;
    char *large = mem_alloc(CLUSTERS_BYTES + 2);
    memset(large, 'x', CLUSTERS_BYTES + 1);
    begin(&r);
    put_texts(&r, (struct str){"a\0b", 3}, (struct str){"a\0c", 3});
    put_texts(&r, (struct str){"a", 1}, (struct str){"a\0c", 3});
    put_texts(&r, (struct str){large, CLUSTERS_BYTES + 1}, (struct str){"a", 1});
    put_texts(&r, (struct str){large, CLUSTERS_BYTES}, (struct str){large, CLUSTERS_BYTES - 1});
    find(&r, NULL);
    assert_int_equal(r.clusters.n, 3);
    assert_int_equal(r.clusters.clusters[0].what, CLUSTERS_BINARY);
    assert_int_equal(r.clusters.clusters[0].outputs, 2);
    assert_int_equal(r.clusters.clusters[1].what, CLUSTERS_LARGE);
    assert_int_equal(r.clusters.clusters[2].what, CLUSTERS_TEXT);
    mem_free(large);
    end(&r);
}

// More different edits than are kept apart: none is lost from the counts.
static void too_many_edits_are_counted(void **state) {
    (void)state;
    enum { MANY = CLUSTERS_EDITS + CLUSTERS_FORMS + 100 };
    struct review r;
    struct buf old = BUF_INIT, fresh = BUF_INIT;
    begin(&r);
    for (int i = 0; i < MANY; i++) { // marks in the order of a number's bits: as many forms as outputs
        buf_clear(&old);
        buf_clear(&fresh);
        buf_add_text(&old, "x\n");
        for (int bit = 0; bit < 15; bit++)
            buf_add_char(&fresh, i >> bit & 1 ? '(' : '[');
        buf_add_char(&fresh, '\n');
        put_texts(&r, buf_str(&old), buf_str(&fresh));
    }
    find(&r, NULL);
    uint64_t outputs = r.clusters.others;
    for (size_t i = 0; i < r.clusters.n; i++)
        outputs += r.clusters.clusters[i].outputs;
    assert_int_equal(r.clusters.others, 100);
    assert_int_equal(outputs, MANY);
    buf_release(&old);
    buf_release(&fresh);
    end(&r);
}

static void paths_choose(void **state) {
    (void)state;
    static const struct {
        const char *wanted, *path;
        bool is;
    } cases[] = {{"a", "a", true},    {"a", "a/b", true}, {"a/", "a/b", true}, {"a", "ab", false},
                 {"a/b", "a", false}, {".", "a/b", true}, {"./", "x", true},   {"a/b", "a/b/c", true},
                 {"", "a", false},    {"b", "a/b", false}};
    struct review r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct clusters_paths paths = {.paths = &cases[i].wanted, .n = 1};
        if (clusters_wanted(&paths, str_of(cases[i].path)) != cases[i].is)
            fail_msg("case %zu", i);
    }
    begin(&r);
    put(&r, "a\n", "b\n");
    put(&r, "a\n", "b\n");
    find(&r, "000001");
    assert_cluster(&r, 0, 1, 1, CLUSTERS_SAME, "000001");
    assert_int_equal(r.clusters.counts[STAGING_CHANGED], 1);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_staged_is_refused),
        cmocka_unit_test(outputs_that_go_meanwhile_are_unread),
        cmocka_unit_test(edits_of_one_cause_are_one_cluster),
        cmocka_unit_test(values_of_their_own_are_one_form),
        cmocka_unit_test(what_is_no_text_is_told),
        cmocka_unit_test(too_many_edits_are_counted),
        cmocka_unit_test(paths_choose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
