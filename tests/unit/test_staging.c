// SPDX-License-Identifier: MIT
// Generations: staged, published, rolled back; with any call failing, with a kill before any call, with and without an
// exchange of names.
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
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/journal.h"
#include "pipeline/review/staging_list.h"
#include "pipeline/review/staging_publish.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

// Lines and facts ------------------------------------------------------------------------------------------------

static void only_lines_are_taken_for_lines(void **state) {
    (void)state;
    static const char *const good[] = {"added 1 2 3 0 0 0 a", "changed 0 2 -3 4 5 6 a b/c  d",
                                       "removed 0 0 0 4 5 6 x"};
    static const char *const bad[] = {"",
                                      "added",
                                      "added ",
                                      "added 1 2 3 0 0 0",
                                      "added 1 2 3 0 0 0 ",
                                      "added 1 2 3 4 5 6 a",
                                      "added 0 0 0 0 0 0 a",
                                      "changed 1 2 3 0 0 0 a",
                                      "removed 1 2 3 4 5 6 a",
                                      "removed 0 0 0 0 0 0 a",
                                      "moved 1 2 3 0 0 0 a",
                                      "added -1 2 3 0 0 0 a",
                                      "added 1 -2 3 0 0 0 a",
                                      "added 1 2 3 0 0 0 ../a",
                                      "added 1 2 3 0 0 0 /a",
                                      "added 1 2 3 0 0 0 .pressrun/lock",
                                      "added 1 2 99999999999999999999 0 0 0 a",
                                      "added 1  2 3 0 0 0 a",
                                      " added 1 2 3 0 0 0 a",
                                      "Added 1 2 3 0 0 0 a",
                                      "added 1 2 3 0 0 0 a\tb",
                                      "added 1 0x2 3 0 0 0 a"};
    struct staging_change change;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct buf out = BUF_INIT;
        assert_true(staging_parse_change(str_of(good[i]), &change));
        staging_write_change(&change, &out);
        assert_int_equal(out.n, strlen(good[i]) + 1);
        assert_memory_equal(out.p, good[i], out.n - 1);
        buf_release(&out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (staging_parse_change(str_of(bad[i]), &change))
            fail_msg("taken: \"%s\"", bad[i]);
}

#define FACTS(version, session, when, digest, more)                                                          \
    "{\"version\": " version ", \"session\": " session ", \"when\": " when ", \"digest\": " digest           \
    ", \"changes\": \"00000000000000010000000000000002\", \"added\": 1, \"changed\": 2, \"removed\": 3, "    \
    "\"unchanged\": 4, \"bytes\": 5" more "}"
#define DIGEST "\"0123456789abcdef0123456789abcdef\""
#define LONG   "0123456789012345678901234567890123456789012345678901234567890123"

static void only_facts_are_taken_for_facts(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "null",
                                      "{",
                                      FACTS("2", "\"\"", "0", DIGEST, ", \"failed\": 6"),
                                      FACTS("1", "7", "0", DIGEST, ", \"failed\": 6"),
                                      FACTS("1", "\"\"", "\"0\"", DIGEST, ", \"failed\": 6"),
                                      FACTS("1", "\"\"", "0", "\"0123\"", ", \"failed\": 6"),
                                      FACTS("1", "\"\"", "0", DIGEST, ""),
                                      FACTS("1", "\"\"", "0", DIGEST, ", \"failed\": -1"),
                                      FACTS("1", "\"\"", "0", DIGEST, ", \"failed\": 1.5"),
                                      FACTS("1", "\"" LONG "\"", "0", DIGEST, ", \"failed\": 6"),
                                      FACTS("1", "\"\"", "0", DIGEST, ", \"failed\": 6") "x"};
    struct staging_facts facts;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (staging_parse(str_of(bad[i]), &facts))
            fail_msg("taken: %s", bad[i]);
    assert_true(staging_parse(STR(FACTS("1", "\"s\"", "77", DIGEST, ", \"failed\": 6")), &facts));
    assert_string_equal(facts.session, "s");
    assert_int_equal(facts.when, 77);
    assert_int_equal(facts.list.high, 1);
    assert_int_equal(facts.digest.low, 0x0123456789abcdef);
    assert_int_equal(facts.counts.bytes, 5);
    assert_int_equal(facts.failed, 6);
}

// A generation ---------------------------------------------------------------------------------------------------

struct stage {
    struct scene scene;
    struct staging_how how;
    struct staging_watcher watcher;
    enum staging_obstacle obstacles[STAGING_OBSTACLES * 2];
    size_t obstacles_n;
    char notes[2000];
};

static void add_note(void *self, const char *text) {
    struct stage *s = self;
    size_t n = strlen(s->notes);
    snprintf(s->notes + n, sizeof s->notes - n, "%s\n", text);
}

static void add_obstacle(void *self, struct str path, enum staging_obstacle obstacle) {
    struct stage *s = self;
    (void)path;
    assert_true(s->obstacles_n < STAGING_OBSTACLES * 2);
    s->obstacles[s->obstacles_n++] = obstacle;
}

static struct staging_root at(struct stage *s) {
    return (struct staging_root){.fs = &s->scene.fs, .root = s->scene.root};
}

static void make_dir(struct stage *s, const char *path) {
    assert_int_equal(fs_make_dirs(&s->scene.fs, s->scene.root, path, 0777), 0);
}

static void put_published(struct stage *s) {
    make_dir(s, "d/e");
    make_dir(s, EMIT_BOOKS);
    put_text(&s->scene, "a", "old a");
    put_text(&s->scene, "d/b", "old b");
    put_text(&s->scene, "d/e/c", "old c");
    put_text(&s->scene, "gone", "old gone");
    put_text(&s->scene, "kept", "old kept");
}

static void put_journal(struct stage *s, int root, const char *path, int version) {
    struct journal *journal;
    struct journal_found found;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    struct stat st = {.st_size = 0};
    const struct journal_part part = {.name = STR("template"), .digest = {1, (uint64_t)version}};
    struct journal_recipe recipe = {.job = STR("job"), .parts = &part, .parts_n = 1};
    struct journal_entry entry = {.path = {path, strlen(path)}, .raw = {2, (uint64_t)version}};
    char staged[64];
    snprintf(staged, sizeof staged, "files/%s", path);
    assert_int_equal(fstatat(root, root == s->scene.root ? path : staged, &st, 0), 0);
    struct staging_file file = staging_file_of(&st);
    entry.size = file.size;
    entry.inode = file.inode;
    entry.mtime = file.mtime;
    assert_int_equal(
        journal_open((struct journal_options){.fs = &s->scene.fs, .root = root, .writable = true, .salt = 3},
                     &journal, &found, &err),
        STATUS_OK);
    assert_int_equal(journal_recipe(journal, &recipe, &entry.recipe, &err), STATUS_OK);
    assert_true(journal_batch_add(&batch, journal, &entry, NULL));
    assert_int_equal(journal_append(journal, &batch, false, &err), STATUS_OK);
    journal_batch_release(&batch);
    journal_close(journal);
}

// The version of an output's entry; 0: there is none.
static int journal_version(struct stage *s, const char *path) {
    struct journal *journal;
    struct journal_found found;
    struct journal_reader reader;
    struct journal_entry entry;
    struct err err;
    assert_int_equal(journal_open((struct journal_options){.fs = &s->scene.fs, .root = s->scene.root},
                                  &journal, &found, &err),
                     STATUS_OK);
    journal_reader_init(&reader, journal);
    bool known = journal_find(&reader, str_of(path), &entry);
    if (known)
        assert_int_equal(entry.recipe->parts[0].digest.low, entry.raw.low);
    int version = known ? (int)entry.raw.low : 0;
    journal_reader_release(&reader);
    journal_close(journal);
    return version;
}

static void seal(struct stage *s, bool durable) {
    struct err err;
    const struct str gone = STR("gone");
    struct staging_facts facts = {.session = "the session", .when = 5, .counts = {.unchanged = 1}};
    assert_int_equal(staging_seal(at(s), (struct staging_removed){&gone, 1}, durable, &facts, &err),
                     STATUS_OK);
}

static void put_stage(struct stage *s) {
    int stage, files;
    struct err err;
    assert_int_equal(staging_begin(at(s), &stage, &files, &err), STATUS_OK);
    close(files);
    make_dir(s, STAGING_STAGE "/files/d/e");
    make_dir(s, STAGING_STAGE "/files/n");
    put_text(&s->scene, STAGING_STAGE "/files/a", "new a");
    put_text(&s->scene, STAGING_STAGE "/files/d/b", "new b");
    put_text(&s->scene, STAGING_STAGE "/files/d/e/c", "new c");
    put_text(&s->scene, STAGING_STAGE "/files/n/f", "new f");
    put_journal(s, stage, "a", 2);
    put_journal(s, stage, "n/f", 2);
    close(stage);
    seal(s, false);
}

static void open_stage(struct stage *s) {
    *s = (struct stage){.obstacles_n = 0};
    scene_open(&s->scene);
    s->watcher = (struct staging_watcher){.self = s, .note = add_note, .obstacle = add_obstacle};
    s->how = (struct staging_how){.watcher = &s->watcher, .salt = 4};
    put_published(s);
    put_journal(s, s->scene.root, "a", 1);
    put_journal(s, s->scene.root, "gone", 1);
}

static bool has(struct stage *s, const char *path) {
    return faccessat(s->scene.root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_old(struct stage *s) {
    assert_file(&s->scene, "a", "old a");
    assert_file(&s->scene, "d/b", "old b");
    assert_file(&s->scene, "d/e/c", "old c");
    assert_file(&s->scene, "gone", "old gone");
    assert_file(&s->scene, "kept", "old kept");
    assert_false(has(s, "n/f"));
}

static void assert_new(struct stage *s, bool pruned) {
    assert_file(&s->scene, "a", "new a");
    assert_file(&s->scene, "d/b", "new b");
    assert_file(&s->scene, "d/e/c", "new c");
    assert_file(&s->scene, "n/f", "new f");
    assert_file(&s->scene, "kept", "old kept");
    assert_int_equal(has(s, "gone"), !pruned);
}

static enum status publish(struct stage *s, struct staging_outcome *outcome) {
    struct err err = {.text = ""};
    s->obstacles_n = 0;
    enum status status = staging_publish(at(s), &s->how, outcome, &err);
    if (status != STATUS_OK)
        add_note(s, err.text);
    return status;
}

static enum status roll_back(struct stage *s, struct staging_outcome *outcome) {
    struct err err = {.text = ""};
    s->obstacles_n = 0;
    enum status status = staging_rollback(at(s), &s->how, outcome, &err);
    if (status != STATUS_OK)
        add_note(s, err.text);
    return status;
}

static enum staging_state look(struct stage *s, const char *directory) {
    enum staging_state state;
    struct staging_facts facts;
    struct err err;
    assert_int_equal(staging_look(at(s), directory, &state, &facts, &err), STATUS_OK);
    return state;
}

static void names_of_any_length_are_listed(void **state) {
    (void)state;
    struct stage s;
    struct staging_reader list;
    struct staging_change change;
    struct staging_facts facts = {.when = 5};
    struct err err;
    int stage, files, n = 0;
    open_stage(&s);
    assert_int_equal(staging_begin(at(&s), &stage, &files, &err), STATUS_OK);
    for (int length = 1; length < 120; length++) { // in the order of their names, too
        char path[256];
        snprintf(path, sizeof path, STAGING_STAGE "/files/%.*s", length,
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxx");
        put_text(&s.scene, path, "x");
    }
    assert_int_equal(staging_seal(at(&s), (struct staging_removed){.n = 0}, false, &facts, &err), STATUS_OK);
    assert_int_equal(staging_read(&list, &s.scene.fs, stage, &facts.list, &err), STATUS_OK);
    while (staging_next(&list, &change) > 0)
        assert_int_equal(change.path.n, ++n);
    assert_int_equal(n, 119);
    staging_read_end(&list);
    close(stage);
    close(files);
    scene_close(&s.scene);
}

// What is in the way ---------------------------------------------------------------------------------------------

static void nothing_can_be_published_or_rolled_back(void **state) {
    (void)state;
    struct stage s;
    struct staging_outcome outcome;
    struct err err;
    int stage, files;
    open_stage(&s);
    assert_int_equal(publish(&s, &outcome), STATUS_CONFLICT);
    assert_int_equal(roll_back(&s, &outcome), STATUS_CONFLICT);
    assert_int_equal(staging_begin(at(&s), &stage, &files, &err), STATUS_OK);
    close(stage);
    close(files);
    assert_int_equal(look(&s, STAGING_STAGE), STAGING_INCOMPLETE);
    assert_int_equal(publish(&s, &outcome), STATUS_CONFLICT);
    assert_non_null(strstr(s.notes, "incomplete"));
    assert_int_equal(staging_drop(at(&s), STAGING_STAGE, &err), STATUS_OK);
    assert_int_equal(staging_drop(at(&s), STAGING_STAGE, &err), STATUS_OK);
    assert_int_equal(look(&s, STAGING_STAGE), STAGING_NONE);
    assert_old(&s);
    scene_close(&s.scene);
}

static void damage_is_not_published(void **state) {
    (void)state;
    static const char *const names[] = {"changes", "generation.json"};
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        struct stage s;
        struct staging_outcome outcome;
        snprintf(path, sizeof path, STAGING_STAGE "/%s", names[i]);
        open_stage(&s);
        put_stage(&s);
        struct buf text = get_file(&s.scene, path);
        text.p[text.n / 2] ^= 1;
        put_file(&s.scene, path, text.p, text.n);
        assert_int_equal(publish(&s, &outcome), STATUS_DATA);
        put_file(&s.scene, path, text.p, text.n / 2);
        assert_int_equal(publish(&s, &outcome), STATUS_DATA);
        assert_old(&s);
        assert_true(has(&s, STAGING_STAGE));
        buf_release(&text);
        scene_close(&s.scene);
    }
}

static void what_was_done_since_is_in_the_way(void **state) {
    (void)state;
    static const struct {
        const char *path, *text; // NULL: removed
        bool directory;
        enum staging_obstacle obstacle;
    } cases[] = {
        {"a", "edited", false, STAGING_EDITED},
        {"d/e/c", NULL, false, STAGING_VANISHED},
        {"d/b", NULL, true, STAGING_DIRECTORY},
        {"n/f", "mine", false, STAGING_APPEARED},
        {"n", "a file", false, STAGING_DIRECTORY},
        {STAGING_STAGE "/files/a", "touched", false, STAGING_LOST},
        {STAGING_STAGE "/files/n/f", NULL, false, STAGING_LOST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s;
        struct staging_outcome outcome;
        open_stage(&s);
        put_stage(&s);
        if (strcmp(cases[i].path, "n/f") == 0)
            make_dir(&s, "n");
        unlinkat(s.scene.root, cases[i].path, 0);
        if (cases[i].directory)
            make_dir(&s, cases[i].path);
        else if (cases[i].text)
            put_text(&s.scene, cases[i].path, cases[i].text);
        for (int force = 0; force < 2; force++) {
            s.how.force = force;
            bool forced = force && staging_may_force(cases[i].obstacle);
            assert_int_equal(publish(&s, &outcome), forced ? STATUS_OK : STATUS_CONFLICT);
            assert_int_equal(s.obstacles_n, !forced);
            if (!forced)
                assert_int_equal(s.obstacles[0], cases[i].obstacle);
            if (forced)
                assert_new(&s, false);
            else
                assert_true(has(&s, STAGING_STAGE));
        }
        if (staging_may_force(cases[i].obstacle)) { // what was edited is kept, and comes back
            assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
            assert_int_equal(outcome.kept, 0);
            if (cases[i].text)
                assert_file(&s.scene, cases[i].path, cases[i].text);
            else
                assert_false(has(&s, cases[i].path));
        }
        scene_close(&s.scene);
    }
}

// There and back -------------------------------------------------------------------------------------------------

static int no_exchange(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    (void)self, (void)old_dir, (void)from, (void)new_dir, (void)to;
    return -EINVAL;
}

static void published_and_rolled_back(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++) {
        struct stage s;
        struct staging_outcome outcome;
        uint64_t bytes;
        open_stage(&s);
        s.how.prune = way & 1;
        s.how.durable = way & 4;
        if (way & 2)
            s.scene.fs.exchange = no_exchange;
        put_stage(&s);
        assert_int_equal(publish(&s, &outcome), STATUS_OK);
        assert_new(&s, s.how.prune);
        assert_int_equal(outcome.added, 1);
        assert_int_equal(outcome.changed, 3);
        assert_int_equal(outcome.removed, s.how.prune);
        assert_int_equal(outcome.kept, !s.how.prune);
        assert_string_equal(outcome.facts.session, "the session");
        assert_int_equal(look(&s, STAGING_STAGE), STAGING_NONE);
        assert_int_equal(look(&s, STAGING_PREVIOUS), STAGING_COMPLETE);
        assert_int_equal(staging_measure(at(&s), STAGING_PREVIOUS, &bytes), 0);
        assert_int_equal(bytes, s.how.prune ? 23 : 15);
        assert_int_equal(journal_version(&s, "a"), 2);
        assert_int_equal(journal_version(&s, "n/f"), 2);
        assert_int_equal(journal_version(&s, "gone"), !s.how.prune);
        assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
        assert_old(&s);
        assert_int_equal(outcome.kept, 0);
        assert_int_equal(outcome.added, 1);
        assert_int_equal(outcome.changed, 3);
        assert_int_equal(journal_version(&s, "a"), 1);
        assert_int_equal(journal_version(&s, "n/f"), 0);
        assert_int_equal(journal_version(&s, "gone"), 1);
        assert_int_equal(count_temporaries(&s.scene), 0);
        assert_int_equal(roll_back(&s, &outcome), STATUS_CONFLICT);
        scene_close(&s.scene);
    }
}

static void one_generation_is_kept(void **state) {
    (void)state;
    struct stage s;
    struct staging_outcome outcome;
    int stage, files;
    struct err err;
    open_stage(&s);
    put_stage(&s);
    assert_int_equal(publish(&s, &outcome), STATUS_OK);
    assert_int_equal(staging_begin(at(&s), &stage, &files, &err), STATUS_OK);
    put_text(&s.scene, STAGING_STAGE "/files/a", "newer a");
    close(stage);
    close(files);
    struct staging_facts facts = {.when = 6};
    assert_int_equal(staging_seal(at(&s), (struct staging_removed){.n = 0}, false, &facts, &err), STATUS_OK);
    assert_int_equal(publish(&s, &outcome), STATUS_OK);
    assert_file(&s.scene, "a", "newer a");
    assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
    assert_new(&s, false);
    assert_false(has(&s, STAGING_DROPPED));
    scene_close(&s.scene);
}

static void what_was_edited_after_publishing_stays(void **state) {
    (void)state;
    struct stage s;
    struct staging_outcome outcome;
    open_stage(&s);
    s.how.prune = true;
    put_stage(&s);
    assert_int_equal(publish(&s, &outcome), STATUS_OK);
    put_text(&s.scene, "a", "edited a");
    put_text(&s.scene, "n/f", "edited f");
    put_text(&s.scene, "gone", "made again");
    unlinkat(s.scene.root, "d/b", 0);
    assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
    assert_int_equal(outcome.kept, 3);
    assert_int_equal(s.obstacles_n, 3);
    assert_file(&s.scene, "a", "edited a");
    assert_file(&s.scene, "n/f", "edited f");
    assert_file(&s.scene, "gone", "made again");
    assert_file(&s.scene, "d/b", "old b");
    assert_file(&s.scene, "d/e/c", "old c");
    scene_close(&s.scene);
}

static void an_edited_output_is_not_pruned(void **state) {
    (void)state;
    struct stage s;
    struct staging_outcome outcome;
    open_stage(&s);
    s.how.prune = true;
    put_stage(&s);
    put_text(&s.scene, "gone", "edited");
    assert_int_equal(publish(&s, &outcome), STATUS_OK);
    assert_int_equal(outcome.kept, 1);
    assert_file(&s.scene, "gone", "edited");
    assert_int_equal(journal_version(&s, "gone"), 1);
    scene_close(&s.scene);
}

// Faults and kills -----------------------------------------------------------------------------------------------

static struct fs faulty(struct faulty *f, int n, bool exchange) {
    struct fs fs = faulty_fs(f, n, EIO);
    if (!exchange)
        fs.exchange = no_exchange;
    return fs;
}

// Any call fails: all is old, and staged still; or published; and once the fault is gone it can be published.
static void a_failing_call_publishes_nothing(void **state) {
    (void)state;
    for (int exchange = 0; exchange < 2; exchange++) {
        for (int n = 1;; n++) {
            struct stage s;
            struct faulty f;
            struct staging_outcome outcome;
            struct err err;
            open_stage(&s);
            s.how.prune = true;
            put_stage(&s);
            s.scene.fs = faulty(&f, n, exchange);
            enum status status = publish(&s, &outcome);
            s.scene.fs = fs_system();
            bool staged = has(&s, STAGING_STAGE);
            if (status == STATUS_OK)
                assert_new(&s, true);
            else if (staged)
                assert_old(&s);
            assert_int_equal(staging_settle(at(&s), &s.how, &err), STATUS_OK);
            if (staged)
                assert_int_equal(publish(&s, &outcome), STATUS_OK);
            assert_new(&s, true);
            assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
            assert_old(&s);
            assert_int_equal(count_temporaries(&s.scene), 0);
            assert_int_equal(f.open_files, 0);
            bool done = !f.hit;
            scene_close(&s.scene);
            if (done)
                break;
        }
    }
}

// All calls from the n-th on fail: what is neither published nor staged is told, and finished or taken back later.
static void a_broken_disk_is_told_and_finished(void **state) {
    (void)state;
    for (int n = 1;; n++) {
        struct stage s;
        struct faulty f;
        struct staging_outcome outcome;
        struct err err;
        open_stage(&s);
        put_stage(&s);
        s.scene.fs = faulty(&f, n, n % 2);
        f.stays = true;
        enum status status = publish(&s, &outcome);
        s.scene.fs = fs_system();
        assert_true(status == STATUS_OK || *s.notes);
        if (n % 3 == 0 && has(&s, STAGING_PUBLISHING)) {
            assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
            assert_true(outcome.unfinished);
            assert_old(&s);
            assert_int_equal(publish(&s, &outcome), STATUS_OK);
        }
        assert_int_equal(staging_settle(at(&s), &s.how, &err), STATUS_OK);
        if (has(&s, STAGING_STAGE))
            assert_int_equal(publish(&s, &outcome), STATUS_OK);
        assert_new(&s, false);
        bool done = !f.hit;
        scene_close(&s.scene);
        if (done)
            break;
    }
}

// Runs `fn` in a process that dies before its n-th call; false: it did not get that far.
static bool die_at(struct stage *s, int n, bool exchange,
                   enum status (*fn)(struct stage *, struct staging_outcome *)) {
    struct faulty f;
    struct staging_outcome outcome;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        s->scene.fs = faulty(&f, n, exchange);
        f.dies = true;
        _exit(fn(s, &outcome) == STATUS_OK ? 0 : 1);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && (WEXITSTATUS(how) == 0 || WEXITSTATUS(how) == FAULTY_DIED));
    return WEXITSTATUS(how) == FAULTY_DIED;
}

static void assert_old_or_new(struct stage *s) {
    static const char *const names[] = {"a", "d/b", "d/e/c"};
    for (size_t i = 0; i < 3; i++) {
        char old[16], fresh[16];
        struct buf text = get_file(&s->scene, names[i]);
        snprintf(old, sizeof old, "old %c", names[i][strlen(names[i]) - 1]);
        snprintf(fresh, sizeof fresh, "new %c", names[i][strlen(names[i]) - 1]);
        assert_true(str_is(buf_str(&text), old) || str_is(buf_str(&text), fresh));
        buf_release(&text);
    }
}

static void a_killed_publish_is_finished(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        bool exchange = way & 1, taken_back = way & 2;
        for (int n = 1, more = 1; more; n++) {
            struct stage s;
            struct staging_outcome outcome;
            struct err err;
            open_stage(&s);
            s.how.prune = true;
            put_stage(&s);
            more = die_at(&s, n, exchange, publish);
            if (exchange)
                assert_old_or_new(&s);
            if (taken_back && has(&s, STAGING_PUBLISHING)) {
                assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
                assert_true(outcome.unfinished);
                assert_old(&s);
            }
            assert_int_equal(staging_settle(at(&s), &s.how, &err), STATUS_OK);
            if (has(&s, STAGING_STAGE))
                assert_int_equal(publish(&s, &outcome), STATUS_OK);
            assert_new(&s, true);
            assert_int_equal(journal_version(&s, "a"), 2);
            assert_int_equal(journal_version(&s, "gone"), 0);
            assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
            assert_old(&s);
            assert_int_equal(journal_version(&s, "a"), 1);
            assert_int_equal(journal_version(&s, "gone"), 1);
            assert_int_equal(count_temporaries(&s.scene), 0);
            scene_close(&s.scene);
        }
    }
}

static void a_killed_rollback_is_finished(void **state) {
    (void)state;
    for (int exchange = 0; exchange < 2; exchange++) {
        for (int n = 1, more = 1; more; n++) {
            struct stage s;
            struct staging_outcome outcome;
            struct err err;
            open_stage(&s);
            s.how.prune = true;
            put_stage(&s);
            assert_int_equal(publish(&s, &outcome), STATUS_OK);
            more = die_at(&s, n, exchange, roll_back);
            if (exchange)
                assert_old_or_new(&s);
            assert_int_equal(staging_settle(at(&s), &s.how, &err), STATUS_OK);
            if (has(&s, STAGING_PREVIOUS))
                assert_int_equal(roll_back(&s, &outcome), STATUS_OK);
            assert_old(&s);
            assert_int_equal(journal_version(&s, "a"), 1);
            assert_int_equal(journal_version(&s, "n/f"), 0);
            assert_false(has(&s, STAGING_ROLLBACK));
            assert_false(has(&s, STAGING_DROPPED));
            scene_close(&s.scene);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lines_are_taken_for_lines),
        cmocka_unit_test(only_facts_are_taken_for_facts),
        cmocka_unit_test(names_of_any_length_are_listed),
        cmocka_unit_test(nothing_can_be_published_or_rolled_back),
        cmocka_unit_test(damage_is_not_published),
        cmocka_unit_test(what_was_done_since_is_in_the_way),
        cmocka_unit_test(published_and_rolled_back),
        cmocka_unit_test(one_generation_is_kept),
        cmocka_unit_test(what_was_edited_after_publishing_stays),
        cmocka_unit_test(an_edited_output_is_not_pruned),
        cmocka_unit_test(a_failing_call_publishes_nothing),
        cmocka_unit_test(a_broken_disk_is_told_and_finished),
        cmocka_unit_test(a_killed_publish_is_finished),
        cmocka_unit_test(a_killed_rollback_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
