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
    const char *path, *before, *text; // before NULL: was not there
    struct str after;                 // the file's bytes then
};

enum { FILES_MAX = 8 };

struct variant {
    const char *name;
    bool durable, force, inplace;
    int calls; // at the least
};

static struct sink_options variant_options(const struct variant *variant, const struct fs *fs, int root) {
    return (struct sink_options){.fs = fs,
                                 .root = root,
                                 .durable = variant->durable,
                                 .force = variant->force,
                                 .inplace = variant->inplace};
}

static void put_before(const struct scene *scene, const struct expected *files, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (files[i].before)
            put_text(scene, files[i].path, files[i].before);
}

// True: it is the new one.
static bool assert_old_or_new(const struct scene *scene, const struct expected *e) {
    struct buf b = get_file(scene, e->path);
    bool is_new = b.p && str_equal(buf_str(&b), e->after);
    bool is_old = e->before ? b.p && str_is(buf_str(&b), e->before) : !b.p;
    if (!is_new && !is_old)
        fail_msg("%s is neither old nor new", e->path);
    buf_release(&b);
    return is_new;
}

static bool names_one(const char *text, const struct expected *files, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strstr(text, files[i].path))
            return true;
    return false;
}

// True while the n-th call was reached. An output whose commit fails is old; where the flush fails, as many are new
// as it says.
static bool files_with_fault(const struct variant *variant, int fail_at, int error, struct expected *files,
                             size_t n) {
    struct scene scene;
    struct faulty faulty;
    struct lane_result total = {0}, result;
    scene_open(&scene);
    put_before(&scene, files, n);
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    struct sink_options options = variant_options(variant, &fs, scene.root);
    struct job job = {.kind = &emit_files};
    enum status statuses[FILES_MAX] = {0}, flushed = STATUS_OK, closed = STATUS_OK;
    uint64_t failed = 0, new_n = 0;
    enum status opened = emit_files.open(&options, &job.sink, &job.err);
    if (opened == STATUS_OK) {
        job.lane = emit_files.lane_new(job.sink);
        for (size_t i = 0; i < n; i++) {
            statuses[i] = job_text(&job, files[i].path, files[i].text);
            failed += statuses[i] != STATUS_OK;
            if (statuses[i] != STATUS_OK)
                assert_non_null(strstr(job.err.text, files[i].path));
        }
        emit_files.seal(job.lane, &job.err);
        flushed = emit_files.flush(job.lane, &total, &job.err);
        if (flushed != STATUS_OK)
            assert_true(names_one(job.err.text, files, n));
        emit_files.lane_free(job.lane);
        closed = emit_files.close(job.sink, true, &result, &job.err);
        if (closed != STATUS_OK)
            assert_non_null(strstr(job.err.text, "disk"));
        assert_true(failed + (flushed != STATUS_OK) + (closed != STATUS_OK) <= 1); // the others go on
    }
    for (size_t i = 0; i < n; i++) {
        bool is_new = assert_old_or_new(&scene, &files[i]),
             is_same = files[i].before && str_is(files[i].after, files[i].before);
        new_n += is_new;
        if (opened == STATUS_OK && flushed == STATUS_OK && is_new != (statuses[i] == STATUS_OK) && !is_same)
            fail_msg("%s: it is %s", files[i].path, is_new ? "new" : "old");
    }
    if (opened == STATUS_OK && flushed == STATUS_OK)
        assert_int_equal(total.written + total.unchanged, n - failed);
    if (flushed != STATUS_OK)
        assert_true(total.written + total.unchanged <= new_n && total.written + total.unchanged < n);
    // The journal stays where what it tells of may not be on the disk.
    assert_int_equal(count_temporaries(&scene) + count_files(scene.root, ".jsonl"),
                     faulty.unlink_failed || (closed != STATUS_OK && variant->inplace) ? 1 : 0);
    assert_int_equal(faulty.open_files, 0);
    scene_close(&scene);
    return faulty.hit;
}

// The bytes that a run without a fault makes, owned by `bytes`.
static void make_expected(const struct variant *variant, struct expected *files, size_t n,
                          struct buf *bytes) {
    struct scene scene;
    scene_open(&scene);
    put_before(&scene, files, n);
    struct job job;
    job_open(&job, &emit_files, variant_options(variant, &scene.fs, scene.root));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(job_text(&job, files[i].path, files[i].text), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = get_file(&scene, files[i].path);
        assert_non_null(bytes[i].p);
        files[i].after = buf_str(&bytes[i]);
    }
    scene_close(&scene);
}

static void files_survive_any_fault(void **state) {
    (void)state;
    static const struct variant variants[] = {
        {.name = "plain", .calls = 30},
        {.name = "force", .force = true, .calls = 30},
        {.name = "inplace", .inplace = true, .calls = 40},
        {.name = "durable", .durable = true, .calls = 40},
        {.name = "durable, inplace", .durable = true, .inplace = true, .calls = 50},
        {.name = "force, inplace", .force = true, .inplace = true, .calls = 40},
    };
    char *big = pattern(1100000, 1), *other = pattern(1100000, 2);
    struct expected files[] = {
        {.path = "old", .before = "old", .text = "newer"},
        {.path = "same", .before = "same", .text = "same"},
        {.path = "dir/deep/new", .text = "new"},
        {.path = "dir/deep/two.zst", .text = "two"},
        {.path = "large", .before = other, .text = big},
        {.path = "large-same", .before = big, .text = big},
        {.path = "large.zst", .before = "not a frame", .text = big},
        {.path = "shrunk", .before = "aaaaaaaa", .text = "bbbb"},
    };
    enum { N = sizeof files / sizeof *files };
    static const int errors[] = {ENOSPC, EIO, EMFILE, EACCES};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        struct buf bytes[N];
        make_expected(&variants[v], files, N, bytes);
        int n = 1;
        while (files_with_fault(&variants[v], n, errors[n % 4], files, N))
            n++;
        if (n <= variants[v].calls) // else it did not go through many calls
            fail_msg("%s: %d calls", variants[v].name, n);
        for (size_t i = 0; i < N; i++)
            buf_release(&bytes[i]);
    }
    mem_free(big);
    mem_free(other);
}

static bool stream_with_fault(int fail_at, int error, const char *path, struct str large,
                              const struct buf *after, bool durable, bool same) {
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, "d", 0777), 0);
    struct str before = same ? buf_str(after) : STR("old");
    put_file(&scene, path, before.p, before.n);
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    struct sink_options options = {
        .fs = &fs, .root = scene.root, .path = str_of(path), .separator = STR("-"), .durable = durable};
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
    bool is_new = str_equal(buf_str(&file), buf_str(after)), is_old = str_equal(buf_str(&file), before);
    assert_true(bad ? is_old || (durable && is_new)
                    : is_new); // the last sync may fail: it is there, but who knows
    if (bad)
        assert_non_null(strstr(job.err.text, path));
    assert_int_equal(count_temporaries(&scene), faulty.unlink_failed ? 1 : 0);
    assert_int_equal(faulty.open_files, 0);
    buf_release(&file);
    scene_close(&scene);
    return faulty.hit;
}

static void streams_survive_faults(const char *path, struct str large, bool durable, bool same) {
    // what a run without a fault makes
    struct scene scene;
    struct job job;
    scene_open(&scene);
    job_open(&job, emit_stream_for(str_of(path)), options_for(&scene, path, "-"));
    for (int lane = 0; lane < 3; lane++) {
        job_text(&job, "k", "text");
        if (lane == 1)
            job_output(&job, "k", large);
        job_flush(&job);
    }
    assert_int_equal(job_close(&job, true), STATUS_OK);
    struct buf after = get_file(&scene, path);
    assert_true(after.n > 100);
    scene_close(&scene);
    int n = 1;
    while (stream_with_fault(n, n % 2 ? ENOSPC : EIO, path, large, &after, durable, same))
        n++;
    assert_true(n > 10);
    buf_release(&after);
}

static void streams_survive_any_fault(void **state) {
    (void)state;
    enum { SPILLS = 9 << 20, SMALL = 600000 };
    char *big = pattern(SPILLS, 1);
    static const char *const paths[] = {"d/o.txt", "d/o.txt.zst", "d/o.jsonl"};
    for (size_t i = 0; i < 3; i++) {
        streams_survive_faults(paths[i], (struct str){big, SPILLS}, false, false);
        streams_survive_faults(paths[i], (struct str){big, SMALL}, true, false);
        streams_survive_faults(paths[i], (struct str){big, SMALL}, false, true);
        streams_survive_faults(paths[i], (struct str){big, SMALL}, true, true);
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
