// SPDX-License-Identifier: MIT
// Sinks that compare with one directory and write to another.
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
#include "tests/support/emit_job.h"

struct stages {
    struct scene scene;
    int stage;
};

static void open_stages(struct stages *s) {
    scene_open(&s->scene);
    assert_int_equal(mkdirat(s->scene.root, "staged", 0777), 0);
    s->stage = openat(s->scene.root, "staged", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(s->stage >= 0);
}

static void close_stages(struct stages *s) {
    close(s->stage);
    scene_close(&s->scene);
}

static struct sink_options options_of(const struct stages *s, const char *path) {
    struct sink_options options = options_for(&s->scene, path, path ? "\n" : NULL);
    options.staged = true;
    options.stage = s->stage;
    return options;
}

static void a_directory_in_the_way_fails_its_output(void **state) {
    (void)state;
    struct stages s;
    struct job job;
    open_stages(&s);
    put_text(&s.scene, "file", "a file");
    assert_int_equal(mkdirat(s.scene.root, "folder", 0777), 0);
    assert_int_equal(symlinkat("/tmp", s.scene.root, "out"), 0);
    job_open(&job, &emit_files, options_of(&s, NULL));
    assert_int_equal(job_text(&job, "folder", "x"), STATUS_IO);
    assert_int_equal(job.err.os, EISDIR);
    assert_int_equal(job_text(&job, "file/below", "x"), STATUS_IO);
    assert_int_equal(job.err.os, ENOTDIR);
    assert_int_equal(job_text(&job, "out/x", "x"), STATUS_IO);
    assert_non_null(strstr(job.err.text, "symbolic link"));
    char *large = pattern(3 << 20, 1);
    assert_int_equal(job_output(&job, "folder", (struct str){large, 3 << 20}), STATUS_IO);
    assert_int_equal(job.err.os, EISDIR);
    assert_int_equal(job_text(&job, "well", "x"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    job_close(&job, true);
    assert_int_equal(count_files(s.stage, NULL), 1);
    job_open(&job, &emit_text, options_of(&s, "folder"));
    assert_int_equal(job_text(&job, "1", "x"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_IO);
    assert_int_equal(job.err.os, EISDIR);
    assert_int_equal(count_files(s.stage, NULL), 1);
    mem_free(large);
    close_stages(&s);
}

static void only_what_differs_is_staged(void **state) {
    (void)state;
    struct stages s;
    struct job job;
    open_stages(&s);
    char *large = pattern(3 << 20, 1);
    assert_int_equal(mkdirat(s.scene.root, "d", 0777), 0);
    put_text(&s.scene, "d/same", "same");
    put_text(&s.scene, "d/other", "old");
    put_file(&s.scene, "d/large", large, 3 << 20);
    for (int inplace = 0; inplace < 2; inplace++) {
        struct sink_options options = options_of(&s, NULL);
        options.inplace = inplace;
        options.durable = inplace;
        job_open(&job, &emit_files, options);
        assert_int_equal(job_text(&job, "d/same", "same"), STATUS_OK);
        assert_int_equal(job_text(&job, "d/other", "new"), STATUS_OK);
        assert_int_equal(job_text(&job, "d/e/fresh", "fresh"), STATUS_OK);
        assert_int_equal(job_output(&job, "d/large", (struct str){large, 3 << 20}), STATUS_OK);
        large[5] = (char)(large[5] ^ 1);
        assert_int_equal(job_output(&job, "larger", (struct str){large, 3 << 20}), STATUS_OK);
        large[5] = (char)(large[5] ^ 1);
        assert_int_equal(job_flush(&job), STATUS_OK);
        job_close(&job, true);
        assert_result(&job, 3, 2, 4 + 3 + 5 + 2 * (3 << 20));
        assert_file(&s.scene, "d/other", "old");
        assert_file(&s.scene, "staged/d/other", "new");
        assert_file(&s.scene, "staged/d/e/fresh", "fresh");
        assert_int_equal(faccessat(s.scene.root, "d/e", F_OK, 0), -1);
        assert_int_equal(count_files(s.stage, NULL), 3);
        assert_int_equal(count_temporaries(&s.scene), 0);
    }
    mem_free(large);
    close_stages(&s);
}

static void streams_are_staged_whole(void **state) {
    (void)state;
    struct stages s;
    struct job job;
    open_stages(&s);
    assert_int_equal(mkdirat(s.scene.root, "a", 0777), 0);
    put_text(&s.scene, "a/all.txt", "one\ntwo");
    job_open(&job, &emit_text, options_of(&s, "a/all.txt"));
    assert_int_equal(job_text(&job, "1", "one"), STATUS_OK);
    assert_int_equal(job_text(&job, "2", "two"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    job_close(&job, true);
    assert_int_equal(count_files(s.stage, NULL), 0);
    job_open(&job, &emit_text, options_of(&s, "a/all.txt"));
    assert_int_equal(job_text(&job, "1", "one"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    job_close(&job, true);
    assert_file(&s.scene, "a/all.txt", "one\ntwo");
    assert_file(&s.scene, "staged/a/all.txt", "one");
    job_open(&job, &emit_text, options_of(&s, "a/all.txt"));
    assert_int_equal(job_text(&job, "1", "dropped"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    job_close(&job, false);
    assert_file(&s.scene, "staged/a/all.txt", "one");
    assert_int_equal(count_temporaries(&s.scene), 0);
    close_stages(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_in_the_way_fails_its_output),
        cmocka_unit_test(only_what_differs_is_staged),
        cmocka_unit_test(streams_are_staged_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
