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
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/spill.h"

// A directory of one test, on a tmpfs where there is one ------------------------------------------------------
struct scene {
    char path[256];
    int root;
    struct fs fs;
};

static void scene_open(struct scene *scene) {
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(scene->path, sizeof scene->path, "%s/pressrun-emit-XXXXXX", base);
    assert_non_null(mkdtemp(scene->path));
    scene->root = open(scene->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scene->root >= 0);
    scene->fs = fs_system();
}

static void remove_tree(int dir, const char *name) {
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d) {
        for (struct dirent *e; (e = readdir(d));)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                remove_tree(fd, e->d_name);
        closedir(d);
    }
    unlinkat(dir, name, d ? AT_REMOVEDIR : 0);
}

static void scene_close(struct scene *scene) {
    close(scene->root);
    remove_tree(AT_FDCWD, scene->path);
}

static void put_file(const struct scene *scene, const char *path, const void *p, size_t n) {
    int fd = openat(scene->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
}

static void put_text(const struct scene *scene, const char *path, const char *text) {
    put_file(scene, path, text, strlen(text));
}

// A file's bytes, owned by the caller; p is NULL where there is none.
static struct buf get_file(const struct scene *scene, const char *path) {
    struct buf b = BUF_INIT;
    int fd = openat(scene->root, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return b;
    for (;;) {
        buf_reserve(&b, 64 << 10);
        ssize_t n = read(fd, b.p + b.n, b.cap - b.n);
        assert_true(n >= 0);
        if (n == 0)
            break;
        b.n += (size_t)n;
    }
    close(fd);
    return b;
}

static void assert_file(const struct scene *scene, const char *path, const char *text) {
    struct buf b = get_file(scene, path);
    assert_non_null(b.p);
    assert_string_equal(buf_text(&b), text);
    buf_release(&b);
}

// Files below a directory; with `suffix` only those whose names end so.
static int count_files(int dir, const char *suffix) {
    int n = 0;
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        int below = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            n += count_files(below, suffix);
            close(below);
        } else if (!suffix || str_ends(str_of(e->d_name), str_of(suffix))) {
            n++;
        }
    }
    closedir(d);
    return n;
}

static int count_temporaries(const struct scene *scene) {
    return count_files(scene->root, EMIT_TEMPORARY_SUFFIX);
}

// One sink with one lane, for most tests -----------------------------------------------------------------------
struct job {
    const struct sink_kind *kind;
    struct sink *sink;
    struct lane *lane;
    struct lane_result total;
    struct err err;
};

static struct sink_options options_for(const struct scene *scene, const char *path, const char *separator) {
    return (struct sink_options){
        .fs = &scene->fs, .root = scene->root, .path = str_of(path), .separator = str_of(separator)};
}

static void job_open(struct job *job, const struct sink_kind *kind, struct sink_options options) {
    *job = (struct job){.kind = kind};
    assert_int_equal(kind->open(&options, &job->sink, &job->err), STATUS_OK);
    job->lane = kind->lane_new(job->sink);
}

static enum status job_output(struct job *job, const char *name, struct str text) {
    enum status status = job->kind->begin(job->lane, str_of(name), &job->err);
    if (status == STATUS_OK)
        status = job->kind->write(job->lane, text, &job->err);
    return status == STATUS_OK ? job->kind->commit(job->lane, &job->err) : status;
}

static enum status job_text(struct job *job, const char *name, const char *text) {
    return job_output(job, name, str_of(text));
}

static void add_result(struct lane_result *total, struct lane_result result) {
    total->written += result.written;
    total->unchanged += result.unchanged;
    total->bytes += result.bytes;
    total->stored += result.stored;
}

static enum status job_flush(struct job *job) {
    struct lane_result result;
    if (job->kind->seal && job->kind->seal(job->lane, &job->err) != STATUS_OK)
        return job->err.status;
    enum status status = job->kind->flush(job->lane, &result, &job->err);
    if (status == STATUS_OK)
        add_result(&job->total, result);
    return status;
}

static enum status job_close(struct job *job, bool publish) {
    struct lane_result result;
    job->kind->lane_free(job->lane);
    enum status status = job->kind->close(job->sink, publish, &result, &job->err);
    if (status == STATUS_OK)
        add_result(&job->total, result);
    return status;
}

static void assert_result(const struct job *job, uint64_t written, uint64_t unchanged, uint64_t bytes) {
    assert_int_equal(job->total.written, written);
    assert_int_equal(job->total.unchanged, unchanged);
    assert_int_equal(job->total.bytes, bytes);
}

static char *pattern(size_t n, unsigned seed) {
    char *p = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 31 + i / 997 + seed) % 26);
    return p;
}

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
static void files_sealed_hold_no_descriptors(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, options_for(&scene, NULL, NULL));
    size_t before = count_descriptors();
    assert_int_equal(job_text(&job, "a/first", "1"), STATUS_OK);
    assert_int_equal(job_text(&job, "b/first", "1"), STATUS_OK);
    assert_true(count_descriptors() > before); // else this shows nothing
    assert_int_equal(job.kind->seal(job.lane, &job.err), STATUS_OK);
    assert_int_equal(count_descriptors(), before);
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

// Streams ------------------------------------------------------------------------------------------------------
static void text_is_joined_across_lanes(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "out.txt", "old");
    struct job job;
    job_open(&job, &emit_text, options_for(&scene, "out.txt", "--"));
    struct lane *second = job.kind->lane_new(job.sink), *first = job.lane;
    job_text(&job, "1", "one");
    job.kind->begin(job.lane, STR("x"), &job.err);
    job.kind->write(job.lane, STR("dropped"), &job.err);
    job.kind->abort(job.lane);
    job_text(&job, "2", "");
    job.lane = second;
    job.kind->begin(job.lane, STR("x"), &job.err); // an abort that comes first must not eat the separator
    job.kind->abort(job.lane);
    job_text(&job, "3", "three");
    job.lane = first;
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK); // empty by now
    job.lane = second;
    assert_int_equal(job_flush(&job), STATUS_OK);
    job_text(&job, "4", "four"); // a lane is used again
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_file(&scene, "out.txt", "old");
    job.kind->lane_free(first);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_file(&scene, "out.txt", "one----three--four");
    assert_result(&job, 4, 0, 12);
    assert_int_equal(job.total.stored, 18);
    assert_int_equal(count_files(scene.root, NULL), 1);
    scene_close(&scene);
}

static void streams_that_are_dropped_leave_the_old_one(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "out.jsonl", "old");
    static const char *const paths[] = {"out.jsonl", "sub/dir/new.txt.zst"};
    for (size_t i = 0; i < 2; i++) {
        struct job job;
        job_open(&job, emit_stream_for(str_of(paths[i])), options_for(&scene, paths[i], NULL));
        job_text(&job, "1", "one");
        assert_int_equal(job_flush(&job), STATUS_OK);
        assert_int_equal(count_temporaries(&scene), 1);
        assert_int_equal(job_close(&job, false), STATUS_OK);
    }
    assert_file(&scene, "out.jsonl", "old");
    assert_int_equal(count_files(scene.root, NULL), 1);
    scene_close(&scene);
}

static void stream_paths_are_checked(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "file", "f");
    assert_int_equal(symlinkat("/", scene.root, "away"), 0);
    static const char *const bad[] = {"../x", "/x", "", "file/x", "away/tmp/x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink *sink = NULL;
        struct err err = {0};
        struct sink_options options = options_for(&scene, bad[i], NULL);
        assert_int_not_equal(emit_text.open(&options, &sink, &err), STATUS_OK);
        assert_true(err.text[0] != 0);
    }
    assert_int_equal(count_files(scene.root, NULL), 2);
    scene_close(&scene);
}

static void jsonl_quotes_however_it_is_cut(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    static const char text[] = "a\"b\\\n\x01\xc3\xa9z";
    struct job job;
    job_open(&job, &emit_jsonl, options_for(&scene, "o.jsonl", "ignored"));
    for (size_t step = 1; step < sizeof text; step += 3) {
        assert_int_equal(job.kind->begin(job.lane, STR("k"), &job.err), STATUS_OK);
        for (size_t at = 0; at < sizeof text - 1; at += step)
            assert_int_equal(job.kind->write(job.lane, str_slice(str_of(text), at, at + step), &job.err),
                             STATUS_OK);
        assert_int_equal(job.kind->write(job.lane, STR(""), &job.err), STATUS_OK);
        assert_int_equal(job.kind->commit(job.lane, &job.err), STATUS_OK);
    }
    job_text(&job, "k", "");
    job.kind->begin(job.lane, STR("k"), &job.err);
    job.kind->commit(job.lane, &job.err);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
#define QUOTED "\"a\\\"b\\\\\\n\\u0001\xc3\xa9z\"\n"
    assert_file(&scene, "o.jsonl", QUOTED QUOTED QUOTED "\"\"\n\"\"\n");
    assert_result(&job, 5, 0, 3 * (sizeof text - 1));
    scene_close(&scene);
}

static void raw_jsonl_takes_one_line_only(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct sink_options options = options_for(&scene, "o.jsonl", NULL);
    options.raw = true;
    struct job job;
    job_open(&job, &emit_jsonl, options);
    static const struct {
        const char *text;
        enum status want;
    } cases[] = {
        {"{\"a\": 1}", STATUS_OK},
        {"[1] \r\n\t\n", STATUS_OK},
        {"{\n}", STATUS_DATA},
        {"", STATUS_DATA},
        {" \n ", STATUS_DATA},
        {"\n1", STATUS_DATA},
        {" 2", STATUS_OK},
        {"3\n 4", STATUS_DATA},
        {"\""
         "after a fault"
         "\"\n",
         STATUS_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step < 20; step += 9) {
            struct str text = str_of(cases[i].text);
            assert_int_equal(job.kind->begin(job.lane, STR("k"), &job.err), STATUS_OK);
            for (size_t at = 0; at < text.n; at += step)
                assert_int_equal(job.kind->write(job.lane, str_slice(text, at, at + step), &job.err),
                                 STATUS_OK);
            assert_int_equal(job.kind->commit(job.lane, &job.err), cases[i].want);
        }
    }
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_file(&scene, "o.jsonl",
                "{\"a\": 1}\n{\"a\": 1}\n{\"a\": 1}\n[1]\n[1]\n[1]\n 2\n 2\n 2\n"
                "\"after a fault\"\n\"after a fault\"\n\"after a fault\"\n");
    scene_close(&scene);
}

static struct buf decompress(const struct buf *packed) {
    struct buf out = BUF_INIT;
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {.src = packed->p, .size = packed->n};
    size_t left = 1;
    while (in.pos < in.size) {
        buf_reserve(&out, 1 << 20);
        ZSTD_outBuffer to = {.dst = out.p + out.n, .size = out.cap - out.n};
        left = ZSTD_decompressStream(stream, &to, &in);
        assert_false(ZSTD_isError(left));
        out.n += to.pos;
    }
    assert_int_equal(left, 0); // the last frame is whole
    ZSTD_freeDStream(stream);
    return out;
}

static void empty_streams_are_files(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    static const char *const paths[] = {"a.txt", "a.jsonl", "a.txt.zst", "a.jsonl.zst"};
    for (size_t i = 0; i < 4; i++) {
        struct job job;
        job_open(&job, emit_stream_for(str_of(paths[i])), options_for(&scene, paths[i], "sep"));
        assert_int_equal(job_flush(&job), STATUS_OK);
        assert_int_equal(job_close(&job, true), STATUS_OK);
        struct buf file = get_file(&scene, paths[i]);
        assert_non_null(file.p);
        assert_int_equal(file.n > 0, i >= 2);
        assert_int_equal(job.total.stored, file.n);
        if (i >= 2) {
            struct buf text = decompress(&file);
            assert_int_equal(text.n, 0);
            buf_release(&text);
        }
        buf_release(&file);
    }
    scene_close(&scene);
}

// Against a model: random outputs, pieces, aborts and lanes, some lanes beyond memory.
static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void random_lane(struct job *job, const char *text, size_t text_n, bool huge, struct str separator,
                        uint64_t *seed, struct buf *want, uint64_t *outputs) {
    uint64_t n = next_random(seed) % 8;
    for (uint64_t i = 0; i < n; i++) {
        size_t size = next_random(seed) % (huge ? text_n : 3000), at = 0;
        bool keep = next_random(seed) % 4 != 0;
        assert_int_equal(job->kind->begin(job->lane, STR("k"), &job->err), STATUS_OK);
        while (at < size) {
            size_t to = at + next_random(seed) % (size / 2 + 1) + 1;
            to = to < size ? to : size;
            struct str piece = {text + at, to - at};
            assert_int_equal(job->kind->write(job->lane, piece, &job->err), STATUS_OK);
            at = to;
        }
        if (!keep) {
            job->kind->abort(job->lane);
            continue;
        }
        assert_int_equal(job->kind->commit(job->lane, &job->err), STATUS_OK);
        if ((*outputs)++ > 0)
            buf_add_str(want, separator);
        if (job->kind == &emit_jsonl)
            buf_add_json(want, (struct str){text, size});
        else
            buf_add(want, text, size);
        if (job->kind == &emit_jsonl)
            buf_add_char(want, '\n');
    }
}

static void random_stream(struct scene *scene, const char *path, const char *separator, bool huge,
                          const char *text, size_t text_n, uint64_t *seed) {
    struct job job;
    struct buf want = BUF_INIT;
    uint64_t outputs = 0;
    job_open(&job, emit_stream_for(str_of(path)), options_for(scene, path, separator));
    for (int lane = 0; lane < 4; lane++) {
        random_lane(&job, text, text_n, huge && lane % 2 == 0,
                    str_of(job.kind == &emit_text ? separator : ""), seed, &want, &outputs);
        assert_int_equal(job_flush(&job), STATUS_OK);
    }
    assert_int_equal(job_close(&job, true), STATUS_OK);
    struct buf file = get_file(scene, path);
    assert_int_equal(job.total.written, outputs);
    assert_int_equal(job.total.stored, file.n);
    if (str_ends(str_of(path), STR(".zst"))) {
        struct buf unpacked = decompress(&file);
        buf_release(&file);
        file = unpacked;
    }
    assert_int_equal(file.n, want.n);
    assert_true(want.n == 0 || memcmp(file.p, want.p, want.n) == 0);
    assert_int_equal(count_temporaries(scene), 0);
    buf_release(&file);
    buf_release(&want);
}

static void streams_match_the_model(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    enum { N = 11 << 20 };
    char *text = pattern(N, 3);
    for (size_t i = 0; i < N; i += 57)
        text[i] = i % 2 ? '"' : '\n';
    static const char *const paths[] = {"a.txt", "a.jsonl", "a.txt.zst", "a.jsonl.zst"};
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 120; i++)
        random_stream(&scene, paths[i % 4], i % 3 == 0 ? "" : "<=>", i % 30 < 4, text, N, &seed);
    mem_free(text);
    scene_close(&scene);
}

static int collect_piece(void *self, struct str piece) {
    buf_add_str(self, piece);
    return 0;
}

static void spill_matches_the_model(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    char *text = pattern(1000, 5);
    uint64_t seed = 2463534242u;
    struct spill spill;
    spill_init(&spill, &scene.fs, scene.root, 100);
    for (int i = 0; i < 500; i++) {
        struct buf want = BUF_INIT, got = BUF_INIT;
        for (uint64_t n = next_random(&seed) % 30; n > 0; n--) {
            uint64_t start = spill_end(&spill);
            size_t want_start = want.n;
            for (uint64_t pieces = next_random(&seed) % 4; pieces > 0; pieces--) {
                struct str piece = {text, next_random(&seed) % 90};
                buf_add_str(&spill.text, piece);
                buf_add_str(&want, piece);
                assert_int_equal(spill_settle(&spill), 0);
                assert_true(spill.text.n <= 100 + 90);
            }
            if (next_random(&seed) % 3 == 0) {
                spill_cut(&spill, start);
                want.n = want_start;
            }
        }
        assert_int_equal(spill_read(&spill, collect_piece, &got), 0);
        assert_true(str_equal(buf_str(&got), buf_str(&want)));
        spill_clear(&spill);
        buf_release(&want);
        buf_release(&got);
    }
    assert_int_equal(count_files(scene.root, NULL), 0); // nameless
    spill_release(&spill);
    mem_free(text);
    scene_close(&scene);
}

// A file system that fails its n-th call -------------------------------------------------------------------------
struct faulty {
    struct fs real;
    int calls, fail_at, error;
    bool hit, unlink_failed, is_short;
    int fills_up; // 2: the next write takes 1000 bytes; 1: it finds no space; 0: there is space (again)
    int open_files;
    struct buf standard_output;
};

static bool fails(struct faulty *f) {
    bool now = ++f->calls == f->fail_at;
    f->hit = f->hit || now;
    return now;
}

static int faulty_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct faulty *f = self;
    int fd = fails(f) ? -f->error : f->real.open(f->real.self, dir, path, flags, mode);
    f->open_files += fd >= 0;
    return fd;
}

static int faulty_open_beneath(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct faulty *f = self;
    int fd = fails(f) ? -f->error : f->real.open_beneath(f->real.self, dir, path, flags, mode);
    f->open_files += fd >= 0;
    return fd;
}

static int faulty_make_dir(void *self, int dir, const char *path, mode_t mode) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.make_dir(f->real.self, dir, path, mode);
}

static ssize_t faulty_read(void *self, int fd, void *p, size_t n) {
    struct faulty *f = self;
    if (fails(f))
        return -f->error;
    if (f->is_short && f->calls % 3 == 0)
        return -EINTR;
    return f->real.read(f->real.self, fd, p, f->is_short && n > 7000 ? 7000 : n);
}

static ssize_t faulty_write(void *self, int fd, const void *p, size_t n) {
    struct faulty *f = self;
    if (fails(f))
        return -f->error;
    if (f->is_short && f->calls % 3 == 0)
        return -EINTR;
    if (f->fills_up > 0 && --f->fills_up == 0)
        return -ENOSPC;
    n = f->fills_up > 0 && n > 1000 ? 1000 : n;
    n = f->is_short && n > 7000 ? 7000 : n;
    if (fd == STDOUT_FILENO) {
        buf_add(&f->standard_output, p, n);
        return (ssize_t)n;
    }
    return f->real.write(f->real.self, fd, p, n);
}

static int faulty_rename(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.rename(f->real.self, old_dir, from, new_dir, to);
}

static int faulty_unlink(void *self, int dir, const char *path) {
    struct faulty *f = self;
    if (!fails(f))
        return f->real.unlink(f->real.self, dir, path);
    f->unlink_failed = true;
    return -f->error;
}

static int faulty_stat(void *self, int fd, struct stat *st) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.stat(f->real.self, fd, st);
}

static int faulty_close(void *self, int fd) { // fails, but closes, as close does
    struct faulty *f = self;
    bool now = fails(f);
    f->open_files--;
    int result = f->real.close(f->real.self, fd);
    return now ? -f->error : result;
}

static struct fs faulty_fs(struct faulty *f, int fail_at, int error) {
    *f = (struct faulty){.real = fs_system(), .fail_at = fail_at, .error = error};
    return (struct fs){
        .self = f,
        .open = faulty_open,
        .open_beneath = faulty_open_beneath,
        .make_dir = faulty_make_dir,
        .read = faulty_read,
        .write = faulty_write,
        .rename = faulty_rename,
        .unlink = faulty_unlink,
        .stat = faulty_stat,
        .close = faulty_close,
    };
}

struct expected {
    const char *path, *before, *after; // before NULL: was not there
};

static void assert_old_or_new(const struct scene *scene, const struct expected *e, enum status status) {
    struct buf b = get_file(scene, e->path);
    bool is_new = b.p && strcmp(buf_text(&b), e->after) == 0;
    bool is_old = e->before ? b.p && strcmp(buf_text(&b), e->before) == 0 : !b.p;
    if (!is_new && !is_old)
        fail_msg("%s is neither old nor new", e->path);
    if (status == STATUS_OK && !is_new)
        fail_msg("%s was said to be written", e->path);
    if (status != STATUS_OK && is_new && !is_old)
        fail_msg("%s was said to have failed", e->path);
    buf_release(&b);
}

// True while the n-th call was reached.
static bool files_with_fault(int fail_at, int error, struct expected *files, size_t n) {
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    for (size_t i = 0; i < n; i++)
        if (files[i].before)
            put_text(&scene, files[i].path, files[i].before);
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    struct sink_options options = {.fs = &fs, .root = scene.root};
    struct job job = {.kind = &emit_files};
    enum status statuses[8];
    int failed = 0;
    assert_int_equal(emit_files.open(&options, &job.sink, &job.err), STATUS_OK);
    job.lane = emit_files.lane_new(job.sink);
    for (size_t i = 0; i < n; i++) {
        statuses[i] = job_text(&job, files[i].path, files[i].after);
        failed += statuses[i] != STATUS_OK;
        if (statuses[i] != STATUS_OK)
            assert_non_null(strstr(job.err.text, files[i].path));
    }
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job.total.written + job.total.unchanged, n - (size_t)failed);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_true(failed <= 1); // the others go on
    for (size_t i = 0; i < n; i++)
        assert_old_or_new(&scene, &files[i], statuses[i]);
    assert_int_equal(count_temporaries(&scene), faulty.unlink_failed ? 1 : 0);
    assert_int_equal(faulty.open_files, 0);
    scene_close(&scene);
    return faulty.hit;
}

static void files_survive_any_fault(void **state) {
    (void)state;
    char *big = pattern(1500000, 1), *other = pattern(1500000, 2);
    struct expected files[] = {
        {"old", "old", "newer"},       {"same", "same", "same"}, {"dir/deep/new", NULL, "new"},
        {"dir/deep/two", NULL, "two"}, {"large", other, big},    {"large-same", big, big},
        {"sized", "aaaa", "bbbb"},
    };
    static const int errors[] = {ENOSPC, EIO, EMFILE, EACCES};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        int n = 1;
        while (files_with_fault(n, errors[e], files, sizeof files / sizeof *files))
            n++;
        assert_true(n > 30); // it went through many calls
    }
    mem_free(big);
    mem_free(other);
}

static bool stream_with_fault(int fail_at, int error, const char *path, struct str large,
                              const struct buf *after) {
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, "d", 0777), 0);
    put_text(&scene, path, "old");
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    struct sink_options options = {
        .fs = &fs, .root = scene.root, .path = str_of(path), .separator = STR("-")};
    struct job job = {.kind = emit_stream_for(str_of(path))};
    bool bad = job.kind->open(&options, &job.sink, &job.err) != STATUS_OK;
    if (!bad) {
        job.lane = job.kind->lane_new(job.sink);
        for (int lane = 0; lane < 3; lane++) {
            bad |= job_text(&job, "k", "text") != STATUS_OK;
            if (lane == 1)
                bad |= job_output(&job, "k", large) != STATUS_OK; // an output that fails is left out
            bad |= job_flush(&job) != STATUS_OK;
        }
        bad |= job_close(&job, !bad) != STATUS_OK;
    }
    struct buf file = get_file(&scene, path);
    bool is_new = str_equal(buf_str(&file), buf_str(after)), is_old = str_is(buf_str(&file), "old");
    assert_true(bad ? is_old : is_new);
    if (bad)
        assert_true(job.err.text[0] != 0);
    assert_int_equal(count_temporaries(&scene), faulty.unlink_failed ? 1 : 0);
    assert_int_equal(faulty.open_files, 0);
    buf_release(&file);
    scene_close(&scene);
    return faulty.hit;
}

static void streams_survive_any_fault(void **state) {
    (void)state;
    char *big = pattern(9 << 20, 1);
    static const char *const paths[] = {"d/o.txt", "d/o.txt.zst", "d/o.jsonl"};
    for (size_t i = 0; i < 3; i++) {
        // what a run without a fault makes
        struct scene scene;
        scene_open(&scene);
        struct job job;
        job_open(&job, emit_stream_for(str_of(paths[i])), options_for(&scene, paths[i], "-"));
        for (int lane = 0; lane < 3; lane++) {
            job_text(&job, "k", "text");
            if (lane == 1)
                job_output(&job, "k", (struct str){big, 9 << 20});
            job_flush(&job);
        }
        assert_int_equal(job_close(&job, true), STATUS_OK);
        struct buf after = get_file(&scene, paths[i]);
        assert_true(after.n > 100);
        scene_close(&scene);
        int n = 1;
        while (stream_with_fault(n, n % 2 ? ENOSPC : EIO, paths[i], (struct str){big, 9 << 20}, &after))
            n++;
        assert_true(n > 10);
        buf_release(&after);
    }
    mem_free(big);
}

static void broken_streams_stay_broken(void **state) {
    (void)state;
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    put_text(&scene, "o.txt", "old");
    scene.fs = faulty_fs(&faulty, 0, ENOSPC);
    struct job job;
    job_open(&job, &emit_text, options_for(&scene, "o.txt", ""));
    job_text(&job, "1", "one");
    faulty.fail_at = faulty.calls + 1;
    assert_int_equal(job_flush(&job), STATUS_IO);
    assert_int_equal(job.err.os, ENOSPC);
    assert_non_null(strstr(job.err.text, "o.txt"));
    job_text(&job, "2", "two");
    assert_int_equal(job_flush(&job), STATUS_IO);
    assert_int_equal(job_close(&job, true), STATUS_IO);
    assert_non_null(strstr(job.err.text, "o.txt"));
    assert_file(&scene, "o.txt", "old");
    assert_int_equal(count_files(scene.root, NULL), 1);
    scene_close(&scene);
}

// Part of a write may have reached the file before it failed: what follows would stand in the wrong place.
static void lanes_that_lost_their_place_are_dropped(void **state) {
    (void)state;
    enum { LARGE = 9 << 20 };
    static const char *const paths[] = {"o.txt", "o.txt.zst", "o.jsonl"};
    char *large[3] = {pattern(LARGE, 1), pattern(LARGE, 2), pattern(LARGE, 3)};
    for (int i = 0; i < 3; i++)
        for (int full_at = 0; full_at < 3; full_at++) {
            struct scene scene;
            struct faulty faulty;
            scene_open(&scene);
            put_text(&scene, paths[i], "old");
            scene.fs = faulty_fs(&faulty, 0, ENOSPC);
            struct job job;
            job_open(&job, emit_stream_for(str_of(paths[i])), options_for(&scene, paths[i], ""));
            for (int k = 0; k < 3; k++) {
                faulty.fills_up = k == full_at ? 2 : 0;
                enum status status = job_output(&job, "k", (struct str){large[k], LARGE});
                assert_int_equal(status, k < full_at ? STATUS_OK : STATUS_IO);
                if (k == full_at)
                    assert_int_equal(job.err.os, ENOSPC);
            }
            assert_int_equal(job_text(&job, "k", "small"), STATUS_IO);
            assert_int_equal(job_flush(&job), STATUS_IO);
            assert_int_equal(job_text(&job, "k", "small"), STATUS_OK);
            assert_int_equal(job_flush(&job), STATUS_IO); // the rest would be incomplete
            assert_int_equal(job_close(&job, true), STATUS_IO);
            assert_file(&scene, paths[i], "old");
            assert_int_equal(count_files(scene.root, NULL), 1);
            assert_int_equal(faulty.open_files, 0);
            scene_close(&scene);
        }
    for (int k = 0; k < 3; k++)
        mem_free(large[k]);
}

// Short writes and interrupted calls, one write of a lane, and standard output, which has no temporary file.
static void standard_output_gets_lanes_whole(void **state) {
    (void)state;
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    scene.fs = faulty_fs(&faulty, 0, EIO);
    struct job job;
    job_open(&job, &emit_text, options_for(&scene, "-", "\n"));
    for (int i = 0; i < 1000; i++)
        job_text(&job, "k", "0123456789");
    int calls = faulty.calls;
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(faulty.calls, calls + 1);
    assert_int_equal(faulty.standard_output.n, 1000 * 11 - 1);
    faulty.is_short = true;
    for (int i = 0; i < 5000; i++)
        job_text(&job, "k", "0123456789");
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_int_equal(faulty.standard_output.n, 6000 * 11 - 1);
    for (size_t i = 0; i < faulty.standard_output.n; i++)
        assert_int_equal(faulty.standard_output.p[i], "0123456789\n"[i % 11]);
    assert_int_equal(count_files(scene.root, NULL), 0);
    assert_int_equal(faulty.open_files, 0);
    buf_release(&faulty.standard_output);
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
        cmocka_unit_test(files_sealed_hold_no_descriptors),
        cmocka_unit_test(files_aborted_leave_nothing),
        cmocka_unit_test(files_make_parents_and_keep_what_is_the_same),
        cmocka_unit_test(files_in_many_directories),
        cmocka_unit_test(files_give_back_descriptors_when_they_run_out),
        cmocka_unit_test(files_pass_by_a_stale_temporary),
        cmocka_unit_test(text_is_joined_across_lanes),
        cmocka_unit_test(streams_that_are_dropped_leave_the_old_one),
        cmocka_unit_test(stream_paths_are_checked),
        cmocka_unit_test(jsonl_quotes_however_it_is_cut),
        cmocka_unit_test(raw_jsonl_takes_one_line_only),
        cmocka_unit_test(empty_streams_are_files),
        cmocka_unit_test(streams_match_the_model),
        cmocka_unit_test(spill_matches_the_model),
        cmocka_unit_test(files_survive_any_fault),
        cmocka_unit_test(streams_survive_any_fault),
        cmocka_unit_test(broken_streams_stay_broken),
        cmocka_unit_test(lanes_that_lost_their_place_are_dropped),
        cmocka_unit_test(standard_output_gets_lanes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
