// SPDX-License-Identifier: MIT
// The strategy that is remembered of a manifest: kept, found again, and no longer said of another one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/strategy/remembered.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

struct place {
    struct scene scene;
    struct arena arena;
    struct diags diags;
    char output[300];
};

static void open_place(struct place *p) {
    scene_open(&p->scene);
    arena_init(&p->arena, 0);
    diags_init(&p->diags, &p->arena);
    put_text(&p->scene, "a.jsonl", "{}\n");
    put_text(&p->scene, "t.j2", "x");
    snprintf(p->output, sizeof p->output, "%s/out", p->scene.path);
}

static void close_place(struct place *p) {
    arena_release(&p->arena);
    scene_close(&p->scene);
}

static struct manifest *read_manifest(struct place *p, const char *name, const char *text) {
    char path[300];
    put_text(&p->scene, name, text);
    snprintf(path, sizeof path, "%s/%s", p->scene.path, name);
    struct manifest *m = manifest_read(&p->scene.fs, path, &p->diags);
    assert_true(m->sound);
    return m;
}

static const char one[] =
    "sources: { a: { path: a.jsonl } }\njobs: { j: { from: a, template: t.j2, to: x.txt } }\n";
static const char two[] =
    "sources: { a: { path: a.jsonl } }\njobs: { k: { from: a, template: t.j2, to: x.txt } }\n";

static struct remembered choice_of(const char *strategy, bool pinned) {
    struct remembered choice = {
        .pinned = pinned, .workers = 4, .seconds = 0.125, .made = 1790000000, .state = "warm"};
    snprintf(choice.strategy, sizeof choice.strategy, "%s", strategy);
    return choice;
}

static void remember(struct place *p, const struct manifest *m, const char *strategy, bool pinned) {
    struct remembered choice = choice_of(strategy, pinned);
    struct err err;
    assert_int_equal(remembered_write(&p->scene.fs, p->output, m, &choice, &err), STATUS_OK);
}

static void test_kept(void **state) {
    (void)state;
    struct place p;
    struct remembered found;
    struct err err;
    open_place(&p);
    struct manifest *a = read_manifest(&p, "a.yaml", one), *b = read_manifest(&p, "b.yaml", one);
    assert_false(remembered_read(&p.scene.fs, p.output, a, &found)); // not even the directory is there
    assert_int_equal(remembered_forget(&p.scene.fs, p.output, a, &err), STATUS_OK);
    assert_int_equal(count_files(p.scene.root, NULL), 4);
    remember(&p, a, "parallel", false);
    remember(&p, b, "minimal", true);
    remember(&p, a, "balanced", false); // instead of the other
    assert_true(remembered_read(&p.scene.fs, p.output, a, &found));
    assert_string_equal(found.strategy, "balanced");
    assert_string_equal(found.state, "warm");
    assert_true(!found.pinned && found.workers == 4 && found.seconds == 0.125 && found.made == 1790000000);
    assert_true(remembered_read(&p.scene.fs, p.output, b, &found));
    assert_true(found.pinned && strcmp(found.strategy, "minimal") == 0);
    assert_int_equal(remembered_forget(&p.scene.fs, p.output, a, &err), STATUS_OK);
    assert_false(remembered_read(&p.scene.fs, p.output, a, &found));
    assert_true(remembered_read(&p.scene.fs, p.output, b, &found));
    assert_int_equal(count_temporaries(&p.scene), 0);
    manifest_free(a);
    manifest_free(b);
    close_place(&p);
}

static void test_applies(void **state) {
    (void)state;
    struct place p;
    struct remembered found;
    open_place(&p);
    struct manifest *m = read_manifest(&p, "a.yaml", one);
    remember(&p, m, "parallel", false);
    assert_true(remembered_read(&p.scene.fs, p.output, m, &found));
    assert_true(remembered_applies(&found, m, 4));
    assert_false(remembered_applies(&found, m, 2)); // another machine
    manifest_free(m);
    m = read_manifest(&p, "a.yaml", two); // another job
    assert_true(remembered_read(&p.scene.fs, p.output, m, &found));
    assert_false(remembered_applies(&found, m, 4));
    remember(&p, m, "parallel", true);
    manifest_free(m);
    m = read_manifest(&p, "a.yaml", one);
    assert_true(remembered_read(&p.scene.fs, p.output, m, &found));
    assert_true(remembered_applies(&found, m, 2)); // whatever changes, as it is pinned
    manifest_free(m);
    close_place(&p);
}

// What somebody else left there says nothing, and is replaced.
static void test_damaged(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{\"version\": 2, \"choices\": []}",
        "{\"version\": 1, \"choices\": [7, {\"manifest\": 1}]}",
        "{\"version\": 1, \"choices\": [{\"manifest\": \"DIR/a.yaml\", \"strategy\": \"\"}]}",
        ("{\"version\": 1, \"choices\": [{\"manifest\": \"DIR/a.yaml\", \"strategy\": \"parallel\", "
         "\"digest\": \"no\"}]}")};
    struct place p;
    struct remembered found;
    open_place(&p);
    struct manifest *m = read_manifest(&p, "a.yaml", one);
    remember(&p, m, "parallel", false);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf text = BUF_INIT;
        const char *mark = strstr(texts[i], "DIR");
        buf_printf(&text, "%.*s%s%s", mark ? (int)(mark - texts[i]) : 0, texts[i], mark ? p.scene.path : "",
                   mark ? mark + 3 : texts[i]);
        put_text(&p.scene, "out/.pressrun/strategy.json", buf_text(&text));
        assert_false(remembered_read(&p.scene.fs, p.output, m, &found));
        buf_release(&text);
        remember(&p, m, "minimal", false);
        assert_true(remembered_read(&p.scene.fs, p.output, m, &found));
    }
    manifest_free(m);
    close_place(&p);
}

// Whatever call fails, there is the old choice or the new one, and nothing else.
static void test_faults(void **state) {
    (void)state;
    struct place p;
    struct remembered found, choice = choice_of("balanced", false);
    struct err err;
    bool hit = true;
    open_place(&p);
    struct manifest *m = read_manifest(&p, "a.yaml", one);
    for (int n = 1; hit; n++) {
        struct faulty faulty;
        remember(&p, m, "parallel", false);
        struct fs fs = faulty_fs(&faulty, n, EIO);
        enum status status = remembered_write(&fs, p.output, m, &choice, &err);
        hit = faulty.hit;
        assert_true(remembered_read(&p.scene.fs, p.output, m, &found));
        if (status == STATUS_OK)
            assert_string_equal(found.strategy, "balanced");
        assert_true(status == STATUS_OK || hit);
        assert_true(count_temporaries(&p.scene) == 0 || faulty.unlink_failed);
        assert_int_equal(faulty.open_files, 0);
    }
    manifest_free(m);
    close_place(&p);
}

int main(void) {
    const struct CMUnitTest all[] = {cmocka_unit_test(test_kept), cmocka_unit_test(test_applies),
                                     cmocka_unit_test(test_damaged), cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
