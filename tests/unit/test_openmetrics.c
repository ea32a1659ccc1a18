// SPDX-License-Identifier: MIT
// OpenMetrics: names and units of all metrics, hostile labels, files that cannot be written. Whole texts of real runs are
// parsed by the sessions of the command line (tests/cli/monitor).
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/openmetrics.h"
#include "tests/support/faulty_fs.h"

static void add(struct snapshot *s, const char *name, uint64_t nanoseconds) {
    struct histogram h = {0};
    histogram_add(&h, nanoseconds);
    snapshot_set_distribution(s, str_of(name), &h);
    histogram_release(&h);
}

static void test_nothing_known(void **state) {
    (void)state;
    struct snapshot s;
    struct buf text = BUF_INIT;
    snapshot_init(&s);
    openmetrics_write(&s, &text);
    assert_string_equal(buf_text(&text),
                        "# TYPE pressrun_run_state gauge\n"
                        "# HELP pressrun_run_state 1; labels say how the run is done and what came of it\n"
                        "pressrun_run_state{name=\"\",strategy=\"\",outcome=\"running\"} 1\n"
                        "# EOF\n");
    buf_release(&text);
    snapshot_release(&s);
}

// A family with a unit must end in it; no two metrics may come to the same family.
static void test_every_metric(void **state) {
    (void)state;
    struct snapshot s;
    struct buf text = BUF_INIT;
    char word[128];
    snapshot_init(&s);
    for (int i = 0; i < METRICS; i++)
        snapshot_set(&s, (enum metric)i, i);
    openmetrics_write(&s, &text);
    for (const char *at = buf_text(&text); (at = strstr(at, "# TYPE ")); at++) {
        const size_t n = strcspn(at + 7, " ") + 8; // with the blank behind it
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        assert_null(strstr(at + 1, word));
    }
    for (const char *at = buf_text(&text); (at = strstr(at, "# UNIT ")); at++) {
        char unit[16];
        assert_int_equal(sscanf(at, "# UNIT %100s %15s", word, unit), 2);
        assert_true(strlen(word) > strlen(unit));
        assert_string_equal(word + strlen(word) - strlen(unit), unit);
    }
    assert_non_null(strstr(buf_text(&text), "\npressrun_cache_hits{name=\"\",category=\"render\"} "));
    assert_null(strstr(buf_text(&text), "cache_render"));
    buf_release(&text);
    snapshot_release(&s);
}

static void test_hostile_labels(void **state) {
    (void)state;
    struct snapshot s;
    struct buf text = BUF_INIT;
    snapshot_init(&s);
    s.name = STR("a\"b\\c\nd");
    add(&s, "template.x\xff\xfe.j2", 1500000000);
    openmetrics_write(&s, &text);
    assert_non_null(strstr(buf_text(&text),
                           "\npressrun_template_output_duration_seconds{name=\"a\\\"b\\\\c\\nd\","
                           "template=\"x??.j2\",quantile=\"0.5\"} 1.5\n"));
    buf_release(&text);
    snapshot_release(&s);
}

static void test_distributions(void **state) {
    (void)state;
    struct snapshot s;
    struct buf text = BUF_INIT;
    snapshot_init(&s);
    add(&s, "render", 1000000000);
    add(&s, "job.render", 2000000000); // a job of that name is none of the stages
    add(&s, "through.mail", 3000000000);
    add(&s, "through", 4000000000);
    openmetrics_write(&s, &text);
    const char *const lines[] = {
        "\npressrun_stage_duration_seconds{name=\"\",stage=\"render\",quantile=\"1\"} 1\n",
        "\npressrun_stage_duration_seconds_sum{name=\"\",stage=\"render\"} 1\n",
        "\npressrun_stage_duration_seconds_count{name=\"\",stage=\"render\"} 1\n",
        "\npressrun_stage_duration_seconds_count{name=\"\",stage=\"through\"} 1\n",
        "\npressrun_job_output_duration_seconds_sum{name=\"\",job=\"render\"} 2\n",
        "\npressrun_filter_duration_seconds_sum{name=\"\",job=\"mail\"} 3\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(strstr(buf_text(&text), lines[i]));
    assert_null(strstr(buf_text(&text), "template_output"));
    buf_release(&text);
    snapshot_release(&s);
}

// Whichever call fails: the file is the old one or the new one, and nothing is left beside it.
static void test_each_failure(void **state) {
    (void)state;
    struct snapshot s;
    char directory[] = "/tmp/pressrun-openmetrics-XXXXXX", path[96], line[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/run.prom", directory);
    snapshot_init(&s);
    bool done = false;
    for (int fail_at = 1; !done; fail_at++) {
        struct faulty faulty;
        const struct fs fs = faulty_fs(&faulty, fail_at, ENOSPC);
        struct err err;
        FILE *file = fopen(path, "w");
        fputs("old\n", file);
        fclose(file);
        const enum status status = openmetrics_save(&fs, path, &s, &err);
        done = !faulty.hit;
        assert_int_equal(status == STATUS_OK, done);
        if (status != STATUS_OK)
            assert_non_null(strstr(err.text, "run.prom: No space left on device"));
        file = fopen(path, "r");
        assert_non_null(fgets(line, sizeof line, file));
        fclose(file);
        assert_string_equal(line, done ? "# TYPE pressrun_run_state gauge\n" : "old\n");
        assert_int_equal(faulty.open_files, 0);
        unlink(path);
        if (!faulty.unlink_failed)
            assert_int_equal(rmdir(directory), 0);
        snprintf(directory, sizeof directory, "/tmp/pressrun-openmetrics-XXXXXX");
        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof path, "%s/run.prom", directory);
        assert_true(fail_at < 20);
    }
    rmdir(directory);
    snapshot_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_known),  cmocka_unit_test(test_every_metric),
        cmocka_unit_test(test_hostile_labels), cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_each_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
