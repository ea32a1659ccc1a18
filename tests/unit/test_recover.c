// SPDX-License-Identifier: MIT
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
#include <unistd.h>

#include "base/mem.h"
#include "stages/emit/inplace.h"
#include "stages/emit/place.h"
#include "stages/emit/recover.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

#define TEMPORARY ".1a2b-7ffe01-0" EMIT_TEMPORARY_SUFFIX
#define JOURNAL   ".pressrun/inplace-9.jsonl"

static void make_dir(const struct scene *scene, const char *path) {
    assert_int_equal(mkdirat(scene->root, path, 0777), 0);
}

static bool is_there(const struct scene *scene, const char *path) {
    struct stat st;
    return fstatat(scene->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct emit_leftovers recover(const struct scene *scene) {
    struct emit_leftovers found;
    assert_int_equal(emit_recover(&scene->fs, scene->root, &found), 0);
    assert_int_equal(found.kept, 0);
    return found;
}

// Temporary files ----------------------------------------------------------------------------------------------
static void temporaries_are_told_by_their_whole_name(void **state) {
    (void)state;
    char made[PLACE_TEMPORARY_SIZE];
    struct scene scene;
    scene_open(&scene);
    struct place_owner owner;
    place_owner_init(&owner, &scene);
    int fd = place_open_numbered(&scene.fs, scene.root, &owner, 4000000000U, O_WRONLY, made);
    assert_true(fd >= 0);
    close(fd);
    assert_true(place_is_temporary(made));
    assert_true(place_is_temporary(TEMPORARY));
    static const char *const others[] = {
        "",
        ".",
        EMIT_TEMPORARY_SUFFIX,
        "notes" EMIT_TEMPORARY_SUFFIX,
        ".notes" EMIT_TEMPORARY_SUFFIX,
        "1a-2b-0" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b-" EMIT_TEMPORARY_SUFFIX,
        ".-2b-0" EMIT_TEMPORARY_SUFFIX,
        ".1a--0" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b-c" EMIT_TEMPORARY_SUFFIX,
        ".1A-2b-0" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b-0-1" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b-0" EMIT_TEMPORARY_SUFFIX "~",
        "..1a-2b-0" EMIT_TEMPORARY_SUFFIX,
        ".1a-2b-0.pressrun-tm",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (place_is_temporary(others[i]))
            fail_msg("%s", others[i]);
    scene_close(&scene);
}

static void temporaries_are_removed_wherever_they_are(void **state) {
    (void)state;
    struct scene scene, outside;
    scene_open(&scene);
    scene_open(&outside);
    put_text(&outside, TEMPORARY, "another's");
    make_dir(&scene, "a");
    make_dir(&scene, "a/b");
    make_dir(&scene, "c");
    make_dir(&scene, "c/" TEMPORARY); // a directory is no temporary file
    put_text(&scene, TEMPORARY, "1");
    put_text(&scene, "a/" TEMPORARY, "2");
    put_text(&scene, "a/b/" TEMPORARY, "3");
    put_text(&scene, "a/b/.ff-0-17" EMIT_TEMPORARY_SUFFIX, "4");
    put_text(&scene, "c/" TEMPORARY "/" TEMPORARY, "5");
    put_text(&scene, "a/b/output", "kept");
    put_text(&scene, "a/notes" EMIT_TEMPORARY_SUFFIX, "kept");
    assert_int_equal(symlinkat(outside.path, scene.root, "away"), 0);
    assert_int_equal(symlinkat("output", scene.root, "a/b/.1-2-3" EMIT_TEMPORARY_SUFFIX), 0);
    assert_int_equal(recover(&scene).temporaries, 5);
    assert_int_equal(count_files(scene.root, NULL), 4);
    assert_file(&scene, "a/b/output", "kept");
    assert_file(&scene, "a/notes" EMIT_TEMPORARY_SUFFIX, "kept");
    assert_file(&outside, TEMPORARY, "another's");
    assert_int_equal(recover(&scene).temporaries, 0);
    scene_close(&scene);
    scene_close(&outside);
}

// In an output directory below this one another run may be at work.
static void directories_of_other_runs_are_passed_by(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    make_dir(&scene, ".pressrun");
    put_text(&scene, ".pressrun/" TEMPORARY, "a tier's own business");
    put_text(&scene, ".pressrun/book" EMIT_TEMPORARY_SUFFIX, "removed");
    make_dir(&scene, "sub");
    make_dir(&scene, "sub/a");
    make_dir(&scene, "sub/.pressrun");
    make_dir(&scene, "sub/z");
    make_dir(&scene, "tub");
    put_text(&scene, "sub/" TEMPORARY, "kept");
    put_text(&scene, "sub/a/" TEMPORARY, "kept");
    put_text(&scene, "sub/z/" TEMPORARY, "kept");
    put_text(&scene, "tub/.pressrun", "a file, not a directory");
    put_text(&scene, "tub/" TEMPORARY, "removed");
    assert_int_equal(recover(&scene).temporaries, 2);
    assert_int_equal(count_temporaries(&scene), 4);
    assert_false(is_there(&scene, "tub/" TEMPORARY));
    assert_false(is_there(&scene, ".pressrun/book" EMIT_TEMPORARY_SUFFIX));
    scene_close(&scene);
}

// Torn outputs -------------------------------------------------------------------------------------------------
static void add_line(struct buf *lines, const char *path, const char *before, const char *after) {
    inplace_add_line(lines, (struct inplace_entry){.before = digest_of(str_of(before)),
                                                   .after = digest_of(str_of(after)),
                                                   .path = str_of(path)});
}

static void put_journal(const struct scene *scene, const char *name, struct buf *lines) {
    if (!is_there(scene, ".pressrun"))
        make_dir(scene, ".pressrun");
    put_file(scene, name, lines->p, lines->n);
    buf_release(lines);
}

static void journal_lines_come_back(void **state) {
    (void)state;
    static const char *const paths[] = {"a", "a/b.html", "q\"q", "b\\", "\\\"", "\xc3\xa9", "}", "\"}"};
    struct buf lines = BUF_INIT, room = BUF_INIT;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct inplace_entry entry;
        buf_clear(&lines);
        add_line(&lines, paths[i], "old", "new");
        assert_int_equal(lines.p[lines.n - 1], '\n');
        struct str line = {lines.p, lines.n - 1};
        assert_true(inplace_parse(line, &room, &entry));
        assert_true(str_is(entry.path, paths[i]));
        assert_true(digest_equal(entry.before, digest_of(STR("old"))));
        assert_true(digest_equal(entry.after, digest_of(STR("new"))));
        for (size_t n = 0; n < line.n; n++) // cut anywhere it is no line
            assert_false(inplace_parse((struct str){line.p, n}, &room, &entry));
        assert_false(inplace_parse(buf_str(&lines), &room, &entry));
        lines.p[8] = 'g';
        assert_false(inplace_parse(line, &room, &entry));
    }
    buf_release(&lines);
    buf_release(&room);
}

static void journals_are_told_by_their_whole_name(void **state) {
    (void)state;
    static const char *const others[] = {"inplace-.jsonl",   "inplace-1.jsonl~",        "inplace-1x.jsonl",
                                         "inplace-01.jsonl", "xinplace-1.jsonl",        "inplace-1",
                                         "inplace--1.jsonl", "inplace-1234567890.jsonl"};
    unsigned number;
    char path[INPLACE_NAME_SIZE];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(inplace_number(others[i], &number));
    for (unsigned n = 0; n < 1000000000U; n = n * 7 + 1) {
        inplace_name(n, path);
        assert_true(inplace_number(path + sizeof EMIT_BOOKS, &number));
        assert_int_equal(number, n);
    }
}

static void torn_outputs_are_put_aside_and_named(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct buf lines = BUF_INIT;
    make_dir(&scene, "d");
    put_text(&scene, "d/old", "old");
    put_text(&scene, "d/new", "newer");
    put_text(&scene, "d/torn\"", "nld");
    put_text(&scene, "cut", "new");
    put_text(&scene, "grown", "olderxx");
    put_text(&scene, "other", "nld"); // in no journal
    put_text(&scene, "unwritten", "x");
    add_line(&lines, "d/old", "old", "new");
    add_line(&lines, "d/new", "old", "newer");
    add_line(&lines, "d/torn\"", "old", "new");
    add_line(&lines, "cut", "old", "newer");
    add_line(&lines, "grown", "older", "newest!");
    add_line(&lines, "gone", "old", "new");
    add_line(&lines, "unwritten", "old", "new"); // its line is not whole
    lines.n--;
    put_journal(&scene, JOURNAL, &lines);
    struct emit_leftovers found = recover(&scene);
    assert_int_equal(found.torn, 3);
    assert_string_equal(found.torn_shown[0], "d/torn\"");
    assert_string_equal(found.torn_shown[1], "cut");
    assert_string_equal(found.torn_shown[2], "grown");
    assert_int_equal(found.temporaries, 0);
    assert_false(is_there(&scene, "d/torn\"") || is_there(&scene, "cut") || is_there(&scene, "grown"));
    assert_int_equal(count_files(scene.root, NULL), 7);
    char digest[DIGEST_HEX_SIZE], aside[128]; // perhaps somebody's edit: it is not lost
    digest_hex(digest_of(STR("d/torn\"")), digest);
    snprintf(aside, sizeof aside, EMIT_TORN_DIRECTORY "/torn\"-%s", digest);
    assert_file(&scene, aside, "nld");
    assert_file(&scene, "d/old", "old");
    assert_file(&scene, "d/new", "newer");
    assert_file(&scene, "other", "nld");
    assert_file(&scene, "unwritten", "x");
    assert_false(is_there(&scene, JOURNAL));
    assert_int_equal(recover(&scene).torn, 0);
    scene_close(&scene);
}

// Its bytes may be the old ones while its time is the new one's: whoever goes by times is to look at it anew.
static void what_was_not_overwritten_gets_another_time(void **state) {
    (void)state;
    static const char *const names[] = {"old", "new", "other"};
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct scene scene;
    scene_open(&scene);
    struct buf lines = BUF_INIT;
    for (size_t i = 0; i < 3; i++) {
        put_text(&scene, names[i], names[i]);
        assert_int_equal(utimensat(scene.root, names[i], long_ago, 0), 0);
    }
    add_line(&lines, "old", "old", "new");
    add_line(&lines, "new", "old", "new");
    put_journal(&scene, JOURNAL, &lines);
    assert_int_equal(recover(&scene).torn, 0);
    for (size_t i = 0; i < 3; i++) {
        struct stat st;
        assert_int_equal(fstatat(scene.root, names[i], &st, 0), 0);
        assert_int_equal(st.st_mtim.tv_sec == 1000, i > 0);
    }
    scene_close(&scene);
}

static void a_file_is_whole_if_any_journal_says_so(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct buf first = BUF_INIT, second = BUF_INIT;
    put_text(&scene, "a", "three");
    put_text(&scene, "b", "thrwo");
    add_line(&first, "a", "one", "two");
    add_line(&first, "b", "one", "two");
    add_line(&second, "a", "two", "three");
    add_line(&second, "b", "two", "three");
    put_journal(&scene, JOURNAL, &first);
    put_journal(&scene, ".pressrun/inplace-10.jsonl", &second);
    struct emit_leftovers found = recover(&scene);
    assert_int_equal(found.torn, 1);
    assert_string_equal(found.torn_shown[0], "b");
    assert_file(&scene, "a", "three");
    assert_false(is_there(&scene, "b"));
    assert_int_equal(count_files(scene.root, ".jsonl"), 0);
    scene_close(&scene);
}

static void many_are_counted_and_few_named(void **state) {
    (void)state;
    enum { N = 3000 }; // a journal of more than one read
    struct scene scene;
    scene_open(&scene);
    struct buf lines = BUF_INIT;
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        put_text(&scene, name, i % 2 ? "old" : "mix");
        add_line(&lines, name, "old", "new");
    }
    put_journal(&scene, JOURNAL, &lines);
    struct emit_leftovers found = recover(&scene);
    assert_int_equal(found.torn, N / 2);
    assert_string_equal(found.torn_shown[EMIT_LEFTOVERS_SHOWN - 1], "file-4");
    assert_int_equal(count_files(scene.root, NULL), N); // nothing is lost
    assert_false(is_there(&scene, "file-0"));
    scene_close(&scene);
}

// Of many that the first journal has torn, some are what another one says, and some are named again and again.
static void many_are_cleared_by_another_journal(void **state) {
    (void)state;
    enum { N = 3000, REPEATED = 3 };
    struct scene scene;
    scene_open(&scene);
    struct buf first = BUF_INIT, second = BUF_INIT;
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        put_text(&scene, name, i % 7 ? "mix" : "max");
        for (int k = 0; k < (i % 100 ? 1 : REPEATED); k++)
            add_line(&first, name, "old", "new");
    }
    for (int i = N - 1; i >= 0; i--) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        if (i % 3 == 0)
            add_line(&second, name, i % 2 ? "mix" : "new", i % 2 ? "newer" : "mix");
    }
    put_journal(&scene, JOURNAL, &first);
    put_journal(&scene, ".pressrun/inplace-10.jsonl", &second);
    struct emit_leftovers found = recover(&scene);
    int whole = 0;
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        bool is_whole = i % 3 == 0 && i % 7;
        whole += is_whole;
        if (is_there(&scene, name) != is_whole)
            fail_msg("%s %s", name, is_whole ? "is gone" : "is still there");
    }
    assert_int_equal(found.torn, N - whole);
    assert_string_equal(found.torn_shown[0], "file-0");
    assert_string_equal(found.torn_shown[2], "file-2");
    scene_close(&scene);
}

// Whoever can write into the directory can write a journal there.
static void hostile_journals_remove_nothing_outside(void **state) {
    (void)state;
    struct scene scene, outside;
    scene_open(&scene);
    scene_open(&outside);
    put_text(&outside, "victim", "v");
    assert_int_equal(symlinkat(outside.path, scene.root, "away"), 0);
    char victim[300];
    snprintf(victim, sizeof victim, "%s/victim", outside.path);
    assert_int_equal(symlinkat(victim, scene.root, "link"), 0);
    assert_int_equal(mkfifoat(scene.root, "fifo", 0666), 0);
    make_dir(&scene, "dir");
    char *large = pattern(INPLACE_MAX + 1, 1);
    put_text(&scene, "large", large);
    mem_free(large);
    struct buf lines = BUF_INIT;
    static const char *const paths[] = {"away/victim", "link",  "../victim",      "fifo",
                                        "dir",         "large", ".pressrun/lock", ""};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        add_line(&lines, paths[i], "old", "new");
    add_line(&lines, victim, "old", "new");
    buf_add_text(&lines, "rubbish\n\n{\"old\":\n");
    buf_add(&lines, "\0\0\n", 3);
    put_text(&scene, "torn", "x");
    add_line(&lines, "torn", "old", "new"); // what is well is still read
    put_journal(&scene, JOURNAL, &lines);
    put_text(&scene, ".pressrun/lock", "kept");
    assert_int_equal(recover(&scene).torn, 1);
    assert_file(&outside, "victim", "v");
    assert_true(is_there(&scene, "link") && is_there(&scene, "fifo") && is_there(&scene, "large"));
    assert_file(&scene, ".pressrun/lock", "kept");
    scene_close(&scene);
    scene_close(&outside);
}

// Faults -------------------------------------------------------------------------------------------------------
// What is whole stays whatever fails; what is torn goes, or is counted and found by the next recovery.
static bool recover_with_fault(int fail_at, int error) {
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    make_dir(&scene, "d");
    make_dir(&scene, "d/e");
    put_text(&scene, "d/" TEMPORARY, "t");
    put_text(&scene, "d/e/" TEMPORARY, "t");
    put_text(&scene, "whole", "three");
    put_text(&scene, "d/torn", "x");
    struct buf first = BUF_INIT, second = BUF_INIT;
    add_line(&first, "whole", "one", "two");
    add_line(&first, "d/torn", "old", "new");
    add_line(&second, "whole", "two", "three");
    put_journal(&scene, JOURNAL, &first);
    put_journal(&scene, ".pressrun/inplace-10.jsonl", &second);
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    struct emit_leftovers found;
    int result = emit_recover(&fs, scene.root, &found);
    assert_true(result == 0 || (faulty.hit && result == -error));
    assert_file(&scene, "whole", "three");
    assert_int_equal(faulty.open_files, 0);
    struct emit_leftovers again = recover(&scene);
    assert_int_equal(found.temporaries + again.temporaries, 2);
    assert_int_equal(found.torn + again.torn, 1);
    if (result == 0) // a close may fail; but then all is done
        assert_int_equal(found.temporaries + found.torn, 3);
    assert_file(&scene, "whole", "three");
    assert_false(is_there(&scene, "d/torn"));
    assert_int_equal(count_files(scene.root, NULL), 2);
    scene_close(&scene);
    return faulty.hit;
}

static void any_fault_leaves_the_rest_to_the_next_recovery(void **state) {
    (void)state;
    static const int errors[] = {EIO, EACCES, EMFILE};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        int n = 1;
        while (recover_with_fault(n, errors[e]))
            n++;
        assert_true(n > 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temporaries_are_told_by_their_whole_name),
        cmocka_unit_test(temporaries_are_removed_wherever_they_are),
        cmocka_unit_test(directories_of_other_runs_are_passed_by),
        cmocka_unit_test(journal_lines_come_back),
        cmocka_unit_test(journals_are_told_by_their_whole_name),
        cmocka_unit_test(torn_outputs_are_put_aside_and_named),
        cmocka_unit_test(what_was_not_overwritten_gets_another_time),
        cmocka_unit_test(a_file_is_whole_if_any_journal_says_so),
        cmocka_unit_test(many_are_counted_and_few_named),
        cmocka_unit_test(many_are_cleared_by_another_journal),
        cmocka_unit_test(hostile_journals_remove_nothing_outside),
        cmocka_unit_test(any_fault_leaves_the_rest_to_the_next_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
