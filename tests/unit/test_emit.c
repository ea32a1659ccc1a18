// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"
#include "tests/support/emit_job.h"

// Paths --------------------------------------------------------------------------------------------------------
static void hostile_paths_are_refused(void **state) {
    (void)state;
    static const struct {
        struct str path;
        const char *why;
    } cases[] = {
        {{"", 0}, "empty"},
        {{"/", 1}, "absolute"},
        {{"/etc/passwd", 11}, "absolute"},
        {{"a/", 2}, "ends in"},
        {{"a//b", 4}, "empty part"},
        {{".", 1}, "part \".\""},
        {{"..", 2}, "part \".\""},
        {{"../a", 4}, "part \".\""},
        {{"a/../b", 6}, "part \".\""},
        {{"a/./b", 5}, "part \".\""},
        {{"a/..", 4}, "part \".\""},
        {{"a\0b", 3}, "control"},
        {{"a\nb", 3}, "control"},
        {{"a\x1b[31m", 6}, "control"},
        {{"a\x7f", 2}, "control"},
        {{"a\xc2\x85", 3}, "control"},
        {{"a\xff", 2}, "UTF-8"},
        {{"\xc0\xae\xc0\xae/a", 6}, "UTF-8"},
        {{"a\xed\xa0\x80", 4}, "UTF-8"},
        {{"a\xc2", 2}, "UTF-8"},
        {{".pressrun", 9}, ".pressrun"},
        {{".pressrun/errors.jsonl", 22}, ".pressrun"},
        {{"x" EMIT_TEMPORARY_SUFFIX, 1 + sizeof EMIT_TEMPORARY_SUFFIX - 1}, "temporary"},
        {{"x" EMIT_TEMPORARY_SUFFIX "/y", 3 + sizeof EMIT_TEMPORARY_SUFFIX - 1}, "temporary"},
        {{EMIT_TEMPORARY_SUFFIX, sizeof EMIT_TEMPORARY_SUFFIX - 1}, "temporary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_int_equal(emit_check_path(cases[i].path, &err), STATUS_DATA);
        if (!strstr(err.text, cases[i].why))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.text, cases[i].why);
        for (const char *p = err.text; *p; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f); // safe to print
    }
}

static void long_paths_are_refused(void **state) {
    (void)state;
    struct err err;
    char path[5000];
    memset(path, 'a', sizeof path);
    assert_int_equal(emit_check_path((struct str){path, 255}, &err), STATUS_OK);
    assert_int_equal(emit_check_path((struct str){path, 256}, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "255 bytes"));
    for (size_t i = 200; i < sizeof path; i += 201)
        path[i] = '/';
    assert_int_equal(emit_check_path((struct str){path, 4095}, &err), STATUS_OK);
    assert_int_equal(emit_check_path((struct str){path, 4096}, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "4095 bytes"));
}

static void good_paths_are_taken(void **state) {
    (void)state;
    static const char *const good[] = {"a",       "a/b/c.html",
                                       "...",     "..a/b..",
                                       "a b",     "a\\b",
                                       ".hidden", "a/.pressrun",
                                       "-",       ".pressrunner",
                                       "~",       "d\xc3\xa9j\xc3\xa0",
                                       "C:x",     "a" EMIT_TEMPORARY_SUFFIX "x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct err err;
        assert_int_equal(emit_check_path(str_of(good[i]), &err), STATUS_OK);
    }
}

static void shown_paths_are_printable_and_bounded(void **state) {
    (void)state;
    char shown[EMIT_SHOWN_SIZE], path[3000];
    assert_string_equal(emit_show_path(STR("a/\xc3\xa9.html"), shown), "a/\xc3\xa9.html");
    assert_string_equal(emit_show_path(STR(""), shown), "");
    assert_string_equal(emit_show_path(STR("a\n\xff\x80z"), shown), "a\\x0a\\xff\\x80z");
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? '\xa9' : '\xc3';
    emit_show_path((struct str){path, sizeof path}, shown);
    assert_true(strlen(shown) < EMIT_SHOWN_SIZE && strlen(shown) > EMIT_SHOWN_SIZE - 8);
    assert_non_null(strstr(shown, "..."));
    char *cut = strstr(shown, "...");
    assert_int_equal((cut - shown) % 2, 0); // whole characters on both sides
    assert_int_equal((unsigned char)cut[3], 0xc3);
    memset(path, '\xff', sizeof path);
    emit_show_path((struct str){path, sizeof path}, shown);
    assert_true(strlen(shown) < EMIT_SHOWN_SIZE);
}

static void extensions_choose_the_stream(void **state) {
    (void)state;
    assert_ptr_equal(emit_stream_for(STR("a.jsonl")), &emit_jsonl);
    assert_ptr_equal(emit_stream_for(STR("a.jsonl.zst")), &emit_jsonl);
    assert_ptr_equal(emit_stream_for(STR("a.jsonl.gz")), &emit_text);
    assert_ptr_equal(emit_stream_for(STR("a.csv.zst")), &emit_text);
    assert_ptr_equal(emit_stream_for(STR("-")), &emit_text);
    for (const struct sink_kind *const *kind = emit_sinks; *kind; kind++)
        assert_true((*kind)->name && (*kind)->doc && (*kind)->open && (*kind)->close);
}

// Files --------------------------------------------------------------------------------------------------------
static void files_refuse_to_leave_the_root(void **state) {
    (void)state;
    struct scene scene, outside;
    scene_open(&scene);
    scene_open(&outside);
    assert_int_equal(symlinkat(outside.path, scene.root, "away"), 0);
    assert_int_equal(symlinkat("..", scene.root, "up"), 0);
    put_text(&outside, "victim", "untouched");
    char victim[300];
    snprintf(victim, sizeof victim, "%s/victim", outside.path);
    assert_int_equal(symlinkat(victim, scene.root, "link"), 0);

    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    assert_int_equal(job_text(&job, "away/x", "x"), STATUS_IO);
    assert_non_null(strstr(job.err.text, "away/x"));
    assert_int_equal(job_text(&job, "away/new/x", "x"), STATUS_IO);
    assert_int_equal(job_text(&job, "up/x", "x"), STATUS_IO);
    assert_int_equal(job_text(&job, "../x", "x"), STATUS_DATA);
    // A link in the place of the output itself is replaced, not followed, also where the bytes are the same.
    assert_int_equal(job_text(&job, "link", "untouched"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_result(&job, 1, 0, 9);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    struct stat st;
    assert_int_equal(fstatat(scene.root, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_file(&outside, "victim", "untouched");
    assert_int_equal(count_files(outside.root, NULL), 1);
    assert_int_equal(count_temporaries(&scene), 0);
    scene_close(&scene);
    scene_close(&outside);
}

static void files_fail_alone_and_loudly(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, "dir", 0777), 0);
    put_text(&scene, "dir/inside", "i");
    put_text(&scene, "file", "old");
    assert_int_equal(mkfifoat(scene.root, "fifo", 0666), 0);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    assert_int_equal(job_text(&job, "dir", "x"), STATUS_IO);
    assert_int_equal(job.err.os, EISDIR);
    assert_non_null(strstr(job.err.text, "dir"));
    assert_int_equal(job_text(&job, "file/below", "x"), STATUS_IO);
    assert_int_equal(job.err.os, ENOTDIR);
    assert_non_null(strstr(job.err.text, "file/below"));
    assert_int_equal(job_text(&job, "good", "g"), STATUS_OK);
    assert_int_equal(job_text(&job, "fifo", ""), STATUS_OK); // replaced, and nothing waited for a reader
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_result(&job, 2, 0, 1);
    job_close(&job, true);
    assert_file(&scene, "good", "g");
    assert_file(&scene, "file", "old");
    assert_file(&scene, "fifo", "");
    assert_file(&scene, "dir/inside", "i");
    assert_int_equal(count_temporaries(&scene), 0);
    scene_close(&scene);
}

static size_t count_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

// There are many more lanes than workers, and a process may be allowed few descriptors.
static void files_sealed_hold_few_descriptors(void **state) {
    (void)state;
    enum { ALLOWED = 64, KEPT = ALLOWED / 4 };
    struct scene scene;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ALLOWED, limit.rlim_max}), 0);
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    size_t before = count_descriptors();
    for (int i = 0; i < 2 * KEPT; i++) {
        char path[32];
        snprintf(path, sizeof path, "%d/first", i);
        assert_int_equal(job_text(&job, path, "1"), STATUS_OK);
    }
    assert_true(count_descriptors() > before + KEPT); // else this shows nothing
    assert_int_equal(job.kind->seal(job.lane, &job.err), STATUS_OK);
    assert_int_equal(count_descriptors(), before + KEPT);
    job_close(&job, true);
    assert_int_equal(count_descriptors(), before);
    scene_close(&scene);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void files_find_a_directory_that_went_away(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    assert_int_equal(job_text(&job, "a/first", "1"), STATUS_OK);
    assert_int_equal(job_text(&job, "b/first", "1"), STATUS_OK);
    assert_int_equal(unlinkat(scene.root, "b/first", 0), 0);
    assert_int_equal(unlinkat(scene.root, "b", AT_REMOVEDIR), 0);
    assert_int_equal(job_text(&job, "a/second", "2"), STATUS_OK);
    assert_int_equal(job_text(&job, "b/second", "2"), STATUS_OK); // gone meanwhile: made again
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_result(&job, 4, 0, 4);
    job_close(&job, true);
    assert_file(&scene, "a/second", "2");
    assert_file(&scene, "b/second", "2");
    scene_close(&scene);
}

static void files_aborted_leave_nothing(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "kept", "old");
    char *big = pattern(3 << 20, 1);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    job.kind->abort(job.lane); // nothing begun: nothing happens
    assert_int_equal(job.kind->begin(job.lane, STR("kept"), &job.err), STATUS_OK);
    assert_int_equal(job.kind->write(job.lane, STR("half"), &job.err), STATUS_OK);
    job.kind->abort(job.lane);
    assert_int_equal(job.kind->begin(job.lane, STR("sub/large"), &job.err), STATUS_OK);
    assert_int_equal(job.kind->write(job.lane, (struct str){big, 3 << 20}, &job.err), STATUS_OK);
    assert_int_equal(count_temporaries(&scene), 1);
    job.kind->abort(job.lane);
    assert_int_equal(count_temporaries(&scene), 0);
    // begun, and then the lane is given up
    assert_int_equal(job.kind->begin(job.lane, STR("sub/other"), &job.err), STATUS_OK);
    assert_int_equal(job.kind->write(job.lane, (struct str){big, 3 << 20}, &job.err), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_int_equal(count_files(scene.root, NULL), 1);
    assert_file(&scene, "kept", "old");
    mem_free(big);
    scene_close(&scene);
}

static void files_make_parents_and_keep_what_is_the_same(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    char *big = pattern((3 << 20) + 17, 1), name[300];
    struct str large = {big, (3 << 20) + 17};
    memset(name, 'n', 255);
    name[255] = 0;
    struct stat before, after;
    for (int run = 0; run < 3; run++) {
        if (run == 2)
            big[large.n - 1] ^= 1; // same size, other bytes
        struct job job;
        job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
        assert_int_equal(job_text(&job, "a/b/c/d.html", "deep"), STATUS_OK);
        assert_int_equal(job_text(&job, "a/b/e.html", run == 2 ? "otheR" : "other"), STATUS_OK);
        assert_int_equal(job_text(&job, "empty", ""), STATUS_OK);
        assert_int_equal(job_text(&job, name, "long"), STATUS_OK);
        assert_int_equal(job_output(&job, "z/large", large), STATUS_OK);
        assert_int_equal(job_flush(&job), STATUS_OK);
        assert_result(&job, run == 0 ? 5 : run == 1 ? 0 : 2, run == 0 ? 0 : run == 1 ? 5 : 3, 13 + large.n);
        assert_int_equal(job.total.stored, run == 0 ? 13 + large.n : run == 1 ? 0 : 5 + large.n);
        assert_int_equal(job_close(&job, true), STATUS_OK);
        assert_int_equal(fstatat(scene.root, "a/b/c/d.html", run ? &after : &before, 0), 0);
        assert_file(&scene, "a/b/e.html", run == 2 ? "otheR" : "other");
        assert_file(&scene, name, "long");
        assert_file(&scene, "empty", "");
        assert_file(&scene, "z/large", big);
        assert_int_equal(count_files(scene.root, NULL), 5);
    }
    assert_int_equal(before.st_ino, after.st_ino);
    mem_free(big);
    scene_close(&scene);
}

// More directories than a lane keeps, in an order that drops and reopens them.
static void files_in_many_directories(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    for (int run = 0; run < 2; run++) {
        struct job job;
        job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
        for (int i = 0; i < 200; i++) {
            char name[64];
            snprintf(name, sizeof name, "d%d/e%d/f%d", i % 3, i * 7 % 41, i);
            assert_int_equal(job_text(&job, name, name), STATUS_OK);
        }
        assert_int_equal(job_flush(&job), STATUS_OK);
        assert_int_equal(run ? job.total.unchanged : job.total.written, 200);
        job_close(&job, true);
    }
    for (int i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof name, "d%d/e%d/f%d", i % 3, i * 7 % 41, i);
        assert_file(&scene, name, name);
    }
    assert_int_equal(count_files(scene.root, NULL), 200);
    scene_close(&scene);
}

static void files_give_back_descriptors_when_they_run_out(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    struct rlimit limit, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(scene.root);
    assert_true(next >= 0);
    close(next);
    tight = (struct rlimit){.rlim_cur = (rlim_t)next + 6, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int good = 0;
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "d%d/f", i);
        good += job_text(&job, name, "x") == STATUS_OK;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    job_close(&job, true);
    assert_int_equal(good, 40);
    assert_int_equal(count_files(scene.root, NULL), 40);
    scene_close(&scene);
}

// What a killed process left behind is not in the way, and is not touched either.
static void files_pass_by_a_stale_temporary(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    char stale[100];
    snprintf(stale, sizeof stale, ".%lx-%lx-0" EMIT_TEMPORARY_SUFFIX, (unsigned long)getpid(),
             (unsigned long)(uintptr_t)job.lane);
    put_text(&scene, stale, "stale");
    assert_int_equal(job_text(&job, "a", "new"), STATUS_OK);
    job_close(&job, true);
    assert_file(&scene, "a", "new");
    assert_file(&scene, stale, "stale");
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_paths_are_refused),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(good_paths_are_taken),
        cmocka_unit_test(shown_paths_are_printable_and_bounded),
        cmocka_unit_test(extensions_choose_the_stream),
        cmocka_unit_test(files_refuse_to_leave_the_root),
        cmocka_unit_test(files_fail_alone_and_loudly),
        cmocka_unit_test(files_sealed_hold_few_descriptors),
        cmocka_unit_test(files_find_a_directory_that_went_away),
        cmocka_unit_test(files_aborted_leave_nothing),
        cmocka_unit_test(files_make_parents_and_keep_what_is_the_same),
        cmocka_unit_test(files_in_many_directories),
        cmocka_unit_test(files_give_back_descriptors_when_they_run_out),
        cmocka_unit_test(files_pass_by_a_stale_temporary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
