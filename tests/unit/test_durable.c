// SPDX-License-Identifier: MIT
// What is durable survives a loss of power after any call: old or new, and new once the sink is closed.
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
#include "stages/emit/recover.h"
#include "tests/support/emit_job.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/lossy_fs.h"

// Loss of power ------------------------------------------------------------------------------------------------

struct output {
    const char *path, *before, *after; // before NULL: was not there
};

struct expectation {
    const struct output *outputs;
    size_t n;
    bool may_be_removed; // by the recovery: it was torn
    bool complete;       // all must be new
    int mixtures;        // found; where that is not a fault
    bool counts;         // them only
};

static bool is_text(const struct buf *b, const char *text) {
    return text ? b->p && str_is(buf_str(b), text) : !b->p;
}

static void check_outputs(struct lossy *lossy, const struct scene *after, const char *what) {
    struct expectation *e = lossy->context;
    struct emit_leftovers found;
    assert_int_equal(emit_recover(&after->fs, after->root, &found), 0);
    assert_int_equal(count_temporaries(after), 0);
    for (size_t i = 0; i < e->n; i++) {
        const struct output *output = &e->outputs[i];
        struct buf b = get_file(after, output->path);
        bool whole = is_text(&b, output->after) || (!e->complete && is_text(&b, output->before));
        bool removed = !b.p && e->may_be_removed && !e->complete;
        e->mixtures += !whole && !removed;
        if (!whole && !removed && !e->counts)
            fail_msg("%s holds \"%.40s\" after: %s", output->path, b.p ? buf_text(&b) : "(nothing)", what);
        buf_release(&b);
    }
}

static const struct output outputs[] = {
    {"a", "old a", "the new a"}, {"b", "a much older b", "new b"}, {"d/same", "same", "same"},
    {"d/new", NULL, "new"},      {"d/e/c", "older c", "newer c"},  {"z", NULL, "the last one"},
};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

static void put_before(const struct scene *scene) {
    assert_int_equal(mkdirat(scene->root, "d", 0777), 0);
    assert_int_equal(mkdirat(scene->root, "d/e", 0777), 0);
    assert_int_equal(mkdirat(scene->root, ".pressrun", 0777), 0);
    for (size_t i = 0; i < OUTPUTS; i++)
        if (outputs[i].before)
            put_text(scene, outputs[i].path, outputs[i].before);
}

// Three batches of two outputs; returns the mixtures that were found.
static int files_losing_power(bool durable, bool inplace, bool counts) {
    struct scene scene;
    struct lossy *lossy = MEM_NEW(struct lossy);
    struct expectation e = {.outputs = outputs, .n = OUTPUTS, .may_be_removed = inplace, .counts = counts};
    scene_open(&scene);
    put_before(&scene);
    lossy->lost = check_outputs;
    lossy->context = &e;
    struct fs fs = lossy_fs(lossy, &scene);
    struct sink_options options = {.fs = &fs, .root = scene.root, .durable = durable, .inplace = inplace};
    struct job job;
    job_open(&job, &emit_files, options);
    for (size_t i = 0; i < OUTPUTS; i++) {
        assert_int_equal(job_text(&job, outputs[i].path, outputs[i].after), STATUS_OK);
        if (i % 2 == 1)
            assert_int_equal(job_flush(&job), STATUS_OK);
    }
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_result(&job, OUTPUTS - 1, 1, 9 + 5 + 4 + 3 + 7 + 12);
    e.complete = durable;
    lossy_check(lossy, "the end");
    assert_int_equal(lossy->syncs, durable ? 4 : 0); // one a batch, and the last one
    assert_true(lossy->outcomes > 10);
    assert_int_equal(count_files(scene.root, NULL), OUTPUTS);
    lossy_release(lossy);
    mem_free(lossy);
    scene_close(&scene);
    return e.mixtures;
}

static void files_survive_a_loss_of_power(void **state) {
    (void)state;
    assert_int_equal(files_losing_power(true, false, false), 0);
    assert_true(files_losing_power(false, false, true) > 0); // else this shows nothing
}

static void files_in_place_survive_a_loss_of_power(void **state) {
    (void)state;
    assert_int_equal(files_losing_power(true, true, false), 0);
    assert_true(files_losing_power(false, true, true) > 0);
}

static int stream_losing_power(bool durable, bool counts) {
    static const struct output stream = {"d/e/o.txt", "the old stream", "one-two-three"};
    struct scene scene;
    struct lossy *lossy = MEM_NEW(struct lossy);
    struct expectation e = {.outputs = &stream, .n = 1, .counts = counts};
    scene_open(&scene);
    put_before(&scene);
    put_text(&scene, stream.path, stream.before);
    lossy->lost = check_outputs;
    lossy->context = &e;
    struct scene seen = scene;
    seen.fs = lossy_fs(lossy, &scene);
    struct sink_options options = options_for(&seen, stream.path, "-");
    options.durable = durable;
    struct job job;
    job_open(&job, &emit_text, options);
    static const char *const texts[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(job_text(&job, "k", texts[i]), STATUS_OK);
        assert_int_equal(job_flush(&job), STATUS_OK);
    }
    assert_int_equal(job_close(&job, true), STATUS_OK);
    e.complete = durable;
    lossy_check(lossy, "the end");
    assert_int_equal(lossy->syncs, durable ? 2 : 0);
    lossy_release(lossy);
    mem_free(lossy);
    scene_close(&scene);
    return e.mixtures;
}

static void streams_survive_a_loss_of_power(void **state) {
    (void)state;
    assert_int_equal(stream_losing_power(true, false), 0);
    assert_true(stream_losing_power(false, true) > 0);
}

// Batches ------------------------------------------------------------------------------------------------------

static struct sink_options durable_options(const struct scene *scene) {
    struct sink_options options = options_for(scene, NULL, NULL);
    options.durable = true;
    return options;
}

static void outputs_wait_for_their_batch(void **state) {
    (void)state;
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    put_text(&scene, "same", "same");
    scene.fs = faulty_fs(&faulty, 0, EIO);
    char *big = pattern(3 << 20, 1);
    struct job job;
    job_open(&job, &emit_files, durable_options(&scene));
    assert_int_equal(job_text(&job, "same", "same"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK); // nothing to be synced
    assert_int_equal(faulty.syncs, 0);
    assert_result(&job, 0, 1, 4);
    assert_int_equal(job_text(&job, "d/a", "a"), STATUS_OK);
    assert_int_equal(job.kind->begin(job.lane, STR("d/left-out"), &job.err), STATUS_OK);
    assert_int_equal(job.kind->write(job.lane, (struct str){big, 3 << 20}, &job.err), STATUS_OK);
    job.kind->abort(job.lane);
    assert_int_equal(job_output(&job, "d/large", (struct str){big, 3 << 20}), STATUS_OK);
    assert_int_equal(job_text(&job, "d/b", "b"), STATUS_OK);
    assert_int_equal(count_files(scene.root, NULL), 4);
    assert_int_equal(count_temporaries(&scene), 3);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(faulty.syncs, 1);
    assert_int_equal(count_temporaries(&scene), 0);
    assert_result(&job, 3, 1, 6 + (3 << 20));
    assert_int_equal(job.total.stored, 2 + (3 << 20));
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_result(&job, 3, 1, 6 + (3 << 20));
    // a lane that is given up leaves out what waits
    assert_int_equal(job_text(&job, "e/given-up", "x"), STATUS_OK);
    assert_int_equal(job_text(&job, "d/a", "other"), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_int_equal(faulty.syncs, 2);
    assert_int_equal(count_files(scene.root, NULL), 4);
    assert_file(&scene, "d/a", "a");
    assert_int_equal(faulty.open_files, 0);
    mem_free(big);
    scene_close(&scene);
}

static void large_batches_have_a_name_each(void **state) {
    (void)state;
    enum { N = 500 }; // more than there are tries for a name
    struct scene scene;
    scene_open(&scene);
    struct job job;
    job_open(&job, &emit_files, durable_options(&scene));
    for (int i = 0; i < N; i++) {
        char name[64];
        snprintf(name, sizeof name, "d%d/f%d", i % 40, i);
        assert_int_equal(job_text(&job, name, name), STATUS_OK);
    }
    assert_int_equal(count_temporaries(&scene), N);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    for (int i = 0; i < N; i++) {
        char name[64];
        snprintf(name, sizeof name, "d%d/f%d", i % 40, i);
        assert_file(&scene, name, name);
    }
    assert_int_equal(count_files(scene.root, NULL), N);
    scene_close(&scene);
}

static void outputs_of_a_batch_fail_alone(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, "dir", 0777), 0);
    assert_int_equal(mkdirat(scene.root, "other", 0777), 0);
    struct job job;
    job_open(&job, &emit_files, durable_options(&scene));
    assert_int_equal(job_text(&job, "a", "a"), STATUS_OK);
    assert_int_equal(job_text(&job, "dir", "x"), STATUS_OK); // cannot take the name of a directory
    assert_int_equal(job_text(&job, "other", "x"), STATUS_OK);
    assert_int_equal(job_text(&job, "b", "b"), STATUS_OK);
    struct lane_result result;
    assert_int_equal(emit_files.flush(job.lane, &result, &job.err), STATUS_IO);
    assert_int_equal(job.err.os, EISDIR);
    assert_non_null(strstr(job.err.text, "cannot write dir:"));
    assert_non_null(strstr(job.err.text, "and 1 more"));
    assert_int_equal(result.written, 2);
    assert_int_equal(result.bytes, 2);
    assert_int_equal(count_temporaries(&scene), 0);
    assert_int_equal(job_text(&job, "c", "c"), STATUS_OK);
    assert_int_equal(job_flush(&job), STATUS_OK);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_file(&scene, "a", "a");
    assert_file(&scene, "b", "b");
    assert_file(&scene, "c", "c");
    scene_close(&scene);
}

static void failing_syncs_are_told(void **state) {
    (void)state;
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    put_text(&scene, "a", "old");
    scene.fs = faulty_fs(&faulty, 0, ENOSPC);
    struct job job;
    job_open(&job, &emit_files, durable_options(&scene));
    assert_int_equal(job_text(&job, "a", "new"), STATUS_OK);
    assert_int_equal(job_text(&job, "b", "new"), STATUS_OK);
    assert_int_equal(job_text(&job, "c", "new"), STATUS_OK);
    faulty.fail_at = faulty.calls + 1;
    struct lane_result result;
    assert_int_equal(emit_files.flush(job.lane, &result, &job.err), STATUS_IO);
    assert_int_equal(faulty.syncs, 1);
    assert_non_null(strstr(job.err.text, "cannot write a:"));
    assert_non_null(strstr(job.err.text, "and 2 more"));
    assert_int_equal(result.written, 0);
    assert_int_equal(count_files(scene.root, NULL), 1);
    assert_file(&scene, "a", "old");
    job.kind->lane_free(job.lane);
    faulty.fail_at = faulty.calls + 1;
    assert_int_equal(emit_files.close(job.sink, true, &result, &job.err), STATUS_IO);
    assert_int_equal(faulty.syncs, 2);
    assert_int_equal(faulty.open_files, 0);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_survive_a_loss_of_power),
        cmocka_unit_test(files_in_place_survive_a_loss_of_power),
        cmocka_unit_test(streams_survive_a_loss_of_power),
        cmocka_unit_test(outputs_wait_for_their_batch),
        cmocka_unit_test(large_batches_have_a_name_each),
        cmocka_unit_test(outputs_of_a_batch_fail_alone),
        cmocka_unit_test(failing_syncs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
