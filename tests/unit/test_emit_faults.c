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

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"
#include "tests/support/emit_job.h"
#include "tests/support/faulty_fs.h"

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
        cmocka_unit_test(files_survive_any_fault),
        cmocka_unit_test(streams_survive_any_fault),
        cmocka_unit_test(broken_streams_stay_broken),
        cmocka_unit_test(lanes_that_lost_their_place_are_dropped),
        cmocka_unit_test(standard_output_gets_lanes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
