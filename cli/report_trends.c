// SPDX-License-Identifier: MIT
#include "cli/report_trends.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "bench/trend.h"

enum { TREND_SESSIONS = 200, TREND_LEAST = 2, MOMENT_SIZE = 48 };
static const char *const metrics[] = {"run.seconds", "run.records_per_second", "render.p99",
                                      "run.peak_rss_bytes", "run.failed"};

// A moment as conditions have it, and a millisecond more, since what is kept of one is rounded.
static void write_moment(double seconds, char out[MOMENT_SIZE]) {
    struct tm tm;
    seconds =
        seconds >= 0 ? seconds <= HISTORY_LATEST ? seconds : HISTORY_LATEST : 0; // a file may say anything
    const double whole = floor(seconds + 1e-3);
    const time_t at = (time_t)whole;
    const size_t n = strftime(out, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &tm));
    snprintf(out + n, MOMENT_SIZE - n, ".%06dZ", (int)((seconds + 1e-3 - whole) * 1e6));
}

static json_t *trend_json(const struct trend *t) {
    struct buf text = BUF_INIT;
    trend_write_json(t, &text);
    json_t *trend = json_loadb(text.p, text.n, 0, NULL);
    buf_release(&text);
    return trend;
}

json_t *report_trends(struct history *h, struct str name, double started) {
    char moment[MOMENT_SIZE];
    write_moment(started, moment);
    // Those that began later are not of interest to who reads of this one.
    const struct history_filter filters[] = {{STR("name"), STR("="), name},
                                             {STR("started"), STR("<="), str_of(moment)}};
    json_t *trends = json_array();
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct trend t;
        struct err err;
        if (trend_read(h, filters, 2, str_of(metrics[i]), TREND_SESSIONS, &t, &err) == STATUS_OK &&
            t.points_n >= TREND_LEAST)
            json_array_append_new(trends, trend_json(&t));
        trend_release(&t);
    }
    return trends;
}
