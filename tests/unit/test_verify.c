// SPDX-License-Identifier: MIT
// Named outputs against a journal that says what they are to be.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "cache/journal.h"
#include "pipeline/verify/verify.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

enum { PAGES = 300, CARDS = 40 };

struct place {
    struct scene scene;
    struct arena arena;
    struct diags diags;
    struct manifest *manifest;
    struct journal *journal;
    const struct journal_recipe *pages, *cards, *gone;
    struct digest sum[2]; // pages, cards
};

static struct str path_of(bool card, int i, char room[64]) {
    int n = snprintf(room, 64, card ? "cards/%d.txt.zst" : "pages/%d.html", i);
    return (struct str){room, (size_t)n};
}

// Longer than a piece, now and then.
static struct str text_of(struct place *place, bool card, int i) {
    size_t n = i == 7 ? 300000 : (size_t)i;
    char *text = arena_alloc(&place->arena, n + 1);
    memset(text, card ? 'c' : 'p', n);
    return (struct str){text, n};
}

static void put_output(struct place *place, bool card, int i) {
    char room[64], *packed = NULL;
    struct str path = path_of(card, i, room), text = text_of(place, card, i);
    if (card) {
        size_t bound = ZSTD_compressBound(text.n);
        packed = arena_alloc(&place->arena, bound);
        text = (struct str){packed, ZSTD_compress(packed, bound, text.p, text.n, 1)};
    }
    put_file(&place->scene, path.p, text.p, text.n);
}

static void remember(struct place *place, struct journal_batch *batch, const struct journal_recipe *recipe,
                     struct str path, struct digest output) {
    const struct journal_entry entry = {.path = path, .recipe = recipe, .output = output, .size = 1};
    assert_true(journal_batch_add(batch, place->journal, &entry, NULL));
}

static void append(struct place *place, struct journal_batch *batch, bool complete) {
    struct err err;
    assert_int_equal(journal_append(place->journal, batch, false, &err), STATUS_OK);
    assert_int_equal(journal_end_run(place->journal, complete, 1, &err), STATUS_OK);
    journal_batch_release(batch);
}

static void add_outputs(struct place *place, struct journal_batch *batch, bool card, int n) {
    for (int i = 0; i < n; i++) {
        char room[64];
        struct str path = path_of(card, i, room), job = card ? STR("cards") : STR("pages");
        struct digest output = digest_output(job, path, text_of(place, card, i));
        put_output(place, card, i);
        remember(place, batch, card ? place->cards : place->pages, path, output);
        place->sum[card] = digest_add(place->sum[card], output);
    }
}

static void add_jobs(struct place *place, struct journal_batch *batch) {
    remember(place, batch, place->pages, STR(".pressrun/job/pages"), place->sum[0]);
    remember(place, batch, place->cards, STR(".pressrun/job/cards"), place->sum[1]);
}

static const struct journal_recipe *recipe(struct place *place, const char *job) {
    const struct journal_recipe wanted = {.job = str_of(job)}, *kept;
    struct err err;
    assert_int_equal(journal_recipe(place->journal, &wanted, &kept, &err), STATUS_OK);
    return kept;
}

static void open_journal(struct place *place) {
    const struct journal_options options = {
        .fs = &place->scene.fs, .root = place->scene.root, .writable = true, .salt = 5};
    struct journal_found found;
    struct err err;
    journal_close(place->journal);
    assert_int_equal(journal_open(options, &place->journal, &found, &err), STATUS_OK);
    place->pages = recipe(place, "pages");
    place->cards = recipe(place, "cards");
    place->gone = recipe(place, "gone");
}

static void read_manifest(struct place *place) {
    static const char text[] =
        "{\"sources\": {\"r\": {\"path\": \"r.jsonl\"}}, \"jobs\": {"
        "\"pages\": {\"from\": \"r\", \"template\": \"t.j2\", \"to\": \"pages/{{ n }}.html\"},"
        "\"cards\": {\"from\": \"r\", \"template\": \"t.j2\", \"to\": \"cards/{{ n }}.txt.zst\"}}}";
    char directory[512];
    put_text(&place->scene, "r.jsonl", "");
    put_text(&place->scene, "t.j2", "");
    assert_non_null(getcwd(directory, sizeof directory));
    assert_int_equal(chdir(place->scene.path), 0);
    place->manifest = manifest_read_text(&place->scene.fs, "m.json", STR(text), &place->diags);
    assert_int_equal(chdir(directory), 0);
    assert_true(place->manifest->sound);
}

static void open_place(struct place *place) {
    *place = (struct place){.journal = NULL};
    struct journal_batch batch = {.entries = 0};
    scene_open(&place->scene);
    arena_init(&place->arena, 0);
    diags_init(&place->diags, &place->arena);
    read_manifest(place);
    for (const char *const *name = (const char *const[]){".pressrun", "pages", "cards", NULL}; *name; name++)
        assert_int_equal(mkdirat(place->scene.root, *name, 0777), 0);
    open_journal(place);
    add_outputs(place, &batch, false, PAGES);
    add_outputs(place, &batch, true, CARDS);
    add_jobs(place, &batch);
    append(place, &batch, true);
}

static void close_place(struct place *place) {
    journal_close(place->journal);
    manifest_free(place->manifest);
    arena_release(&place->arena);
    scene_close(&place->scene);
}

static struct verify_report verify(struct place *place, uint32_t workers) {
    struct verify_report report;
    struct err err = {.text = ""};
    const struct verify_options options = {
        .fs = &place->scene.fs, .manifest = place->manifest, .output = place->scene.path, .workers = workers};
    if (verify_outputs(&options, &place->arena, &report, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return report;
}

static void assert_counts(const struct verify_report *report, uint64_t verified, uint64_t missing,
                          uint64_t edited, uint64_t unknown) {
    const uint64_t wanted[] = {verified, missing, edited, unknown};
    for (int state = 0; state < VERIFY_STATES; state++)
        assert_int_equal(report->count.outputs[state], wanted[state]);
}

static void all_of_it_is_verified(void **state) {
    (void)state;
    struct place place;
    open_place(&place);
    for (uint32_t workers = 1; workers < 6; workers++) {
        struct verify_report report = verify(&place, workers);
        assert_counts(&report, PAGES + CARDS, 0, 0, 0);
        assert_true(digest_equal(report.count.digest, digest_add(place.sum[0], place.sum[1])));
        assert_true(digest_equal(report.jobs[1].count.expected, place.sum[1]));
        assert_int_equal(report.jobs_n, 2);
        assert_int_equal(report.findings_n, 0);
        assert_int_equal(verify_answer(&report), VERIFY_EQUAL);
    }
    close_place(&place);
}

// A file may be there and be something else in more ways than one.
static void spoil(struct place *place) {
    const struct scene *scene = &place->scene;
    put_text(scene, "pages/3.html", "ppX"); // as long as it was
    put_text(scene, "pages/9.html", "");
    put_text(scene, "pages/7.html", "p");
    put_text(scene, "cards/5.txt.zst", "no frame");
    put_text(scene, "cards/0.txt.zst", ""); // the frame of an empty text is not
    assert_int_equal(unlinkat(scene->root, "pages/0.html", 0), 0);
    assert_int_equal(unlinkat(scene->root, "cards/39.txt.zst", 0), 0);
    assert_int_equal(unlinkat(scene->root, "pages/299.html", 0), 0);
    assert_int_equal(mkdirat(scene->root, "pages/299.html", 0777), 0);
    assert_int_equal(unlinkat(scene->root, "pages/298.html", 0), 0);
    assert_int_equal(mkfifoat(scene->root, "pages/298.html", 0666), 0);
    assert_int_equal(unlinkat(scene->root, "pages/297.html", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", scene->root, "pages/297.html"), 0);
}

static void what_is_not_as_it_was_is_listed_in_order(void **state) {
    (void)state;
    static const struct {
        const char *path;
        enum verify_state state;
    } wanted[] = {{"cards/0.txt.zst", VERIFY_EDITED}, {"cards/39.txt.zst", VERIFY_MISSING},
                  {"cards/5.txt.zst", VERIFY_EDITED}, {"pages/0.html", VERIFY_MISSING},
                  {"pages/297.html", VERIFY_EDITED},  {"pages/298.html", VERIFY_EDITED},
                  {"pages/299.html", VERIFY_EDITED},  {"pages/3.html", VERIFY_EDITED},
                  {"pages/7.html", VERIFY_EDITED},    {"pages/9.html", VERIFY_EDITED}};
    enum { WANTED = sizeof wanted / sizeof *wanted };
    struct place place;
    open_place(&place);
    spoil(&place);
    for (uint32_t workers = 1; workers < 6; workers += 2) {
        struct verify_report report = verify(&place, workers);
        assert_counts(&report, PAGES + CARDS - WANTED, 2, WANTED - 2, 0);
        assert_int_equal(report.findings_n, WANTED);
        for (size_t i = 0; i < WANTED; i++) {
            assert_true(str_is(report.findings[i].path, wanted[i].path));
            assert_int_equal(report.findings[i].state, wanted[i].state);
        }
        assert_int_equal(verify_answer(&report), VERIFY_DIFFERENT);
        assert_false(digest_equal(report.count.digest, report.count.expected));
        assert_true(digest_equal(report.count.expected, digest_add(place.sum[0], place.sum[1])));
    }
    close_place(&place);
}

// An output that left is nobody's; one of a job that is not in the manifest any more still belongs to the last run.
static void what_left_is_not_looked_at(void **state) {
    (void)state;
    struct place place;
    struct journal_batch batch = {.entries = 0};
    open_place(&place);
    open_journal(&place);
    place.sum[0] = place.sum[1] = (struct digest){0, 0};
    add_outputs(&place, &batch, false, PAGES - 1);
    add_outputs(&place, &batch, true, CARDS);
    add_jobs(&place, &batch);
    put_text(&place.scene, "gone.txt", "here");
    struct digest gone = digest_output(STR("gone"), STR("gone.txt"), STR("here"));
    remember(&place, &batch, place.gone, STR("gone.txt"), gone);
    append(&place, &batch, true);
    put_text(&place.scene, "pages/299.html", "edited");
    struct verify_report report = verify(&place, 2);
    assert_counts(&report, PAGES + CARDS, 0, 0, 0);
    assert_int_equal(report.jobs_n, 3);
    assert_true(str_is(report.jobs[2].name, "gone"));
    assert_true(digest_equal(report.jobs[2].count.digest, gone));
    assert_int_equal(verify_answer(&report), VERIFY_EQUAL);
    close_place(&place);
}

// A job's own entry tells that outputs are not known; one of an earlier run does not.
static void a_job_as_a_whole_is_held_against_its_outputs(void **state) {
    (void)state;
    struct place place;
    struct journal_batch batch = {.entries = 0};
    open_place(&place);
    open_journal(&place);
    remember(&place, &batch, place.pages, STR(".pressrun/job/pages"), (struct digest){1, 2});
    append(&place, &batch, false);
    struct verify_report report = verify(&place, 2);
    assert_counts(&report, PAGES + CARDS, 0, 0, 0);
    assert_non_null(report.jobs[0].reason);
    assert_null(report.jobs[1].reason);
    assert_int_equal(verify_answer(&report), VERIFY_CANNOT_SAY);
    open_journal(&place);
    put_text(&place.scene, "pages/new.html", "new");
    remember(&place, &batch, place.pages, STR("pages/new.html"),
             digest_output(STR("pages"), STR("pages/new.html"), STR("new")));
    append(&place, &batch, false);
    report = verify(&place, 2);
    assert_counts(&report, PAGES + CARDS + 1, 0, 0, 0);
    assert_int_equal(verify_answer(&report), VERIFY_EQUAL);
    close_place(&place);
}

// Whatever byte of the journal is damaged: never equal with fewer outputs than there are.
static void a_damaged_journal_is_not_believed(void **state) {
    (void)state;
    struct place place;
    open_place(&place);
    struct buf file = get_file(&place.scene, JOURNAL_FILE);
    for (size_t at = 0; at < file.n; at += 997) {
        struct verify_report report;
        struct err err;
        const struct verify_options options = {
            .fs = &place.scene.fs, .manifest = place.manifest, .output = place.scene.path, .workers = 1};
        file.p[at] ^= 0x10;
        put_file(&place.scene, JOURNAL_FILE, file.p, file.n);
        if (verify_outputs(&options, &place.arena, &report, &err) == STATUS_OK &&
            verify_answer(&report) == VERIFY_EQUAL)
            assert_counts(&report, PAGES + CARDS, 0, 0, 0);
        file.p[at] ^= 0x10;
    }
    put_file(&place.scene, JOURNAL_FILE, file.p, 0);
    struct verify_report report = verify(&place, 2);
    assert_counts(&report, 0, 0, 0, 0);
    assert_int_equal(verify_answer(&report), VERIFY_CANNOT_SAY);
    buf_release(&file);
    close_place(&place);
}

// An output that cannot be read is unknown, not edited; and nothing is left open.
static void what_cannot_be_read_is_unknown(void **state) {
    (void)state;
    struct place place;
    open_place(&place);
    const struct fs real = place.scene.fs;
    uint64_t unknown = 0;
    for (int at = 1; at < 400; at += 3) {
        struct faulty faulty;
        struct verify_report report;
        struct err err;
        const struct verify_options options = {
            .fs = &place.scene.fs, .manifest = place.manifest, .output = place.scene.path, .workers = 1};
        place.scene.fs = faulty_fs(&faulty, at, EIO);
        if (verify_outputs(&options, &place.arena, &report, &err) == STATUS_OK) {
            assert_int_equal(report.count.outputs[VERIFY_MISSING] + report.count.outputs[VERIFY_EDITED], 0);
            unknown += report.count.outputs[VERIFY_UNKNOWN];
            if (verify_answer(&report) == VERIFY_EQUAL)
                assert_counts(&report, PAGES + CARDS, 0, 0, 0);
        }
        assert_int_equal(faulty.open_files, 0);
        place.scene.fs = real;
    }
    assert_true(unknown > 50);
    close_place(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_verified),
        cmocka_unit_test(what_is_not_as_it_was_is_listed_in_order),
        cmocka_unit_test(what_left_is_not_looked_at),
        cmocka_unit_test(a_job_as_a_whole_is_held_against_its_outputs),
        cmocka_unit_test(a_damaged_journal_is_not_believed),
        cmocka_unit_test(what_cannot_be_read_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
