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
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/spill.h"
#include "tests/support/emit_job.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_joined_across_lanes),
        cmocka_unit_test(streams_that_are_dropped_leave_the_old_one),
        cmocka_unit_test(stream_paths_are_checked),
        cmocka_unit_test(jsonl_quotes_however_it_is_cut),
        cmocka_unit_test(raw_jsonl_takes_one_line_only),
        cmocka_unit_test(empty_streams_are_files),
        cmocka_unit_test(streams_match_the_model),
        cmocka_unit_test(spill_matches_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
