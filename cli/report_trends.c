// SPDX-License-Identifier: MIT
#include "cli/report_trends.h"

#include "base/mem.h"
#include "cli/history_text.h"

enum { TREND_SESSIONS = 200, TREND_LEAST = 2 };
static const char *const metrics[] = {"run.seconds", "run.records_per_second", "render.p99",
                                      "run.peak_rss_bytes", "run.failed"};

// Those that began later are not of interest to who reads of this one.
static size_t points_until(const struct history_point *points, size_t n, double started) {
    while (n && (double)points[n - 1].started / 1e9 > started + 1e-3)
        n--;
    return n;
}

static json_t *trend_of(const char *metric, const struct history_point *points, size_t n) {
    struct buf text = BUF_INIT;
    size_t changes_n;
    double *values = MEM_NEW_ARRAY(double, n);
    for (size_t i = 0; i < n; i++)
        values[i] = points[i].value;
    struct change *changes = changes_find(values, n, &(struct changes_options){0}, &changes_n);
    history_text_trend_json(&(struct history_trend){str_of(metric), points, n, changes, changes_n}, &text);
    json_t *trend = json_loadb(text.p, text.n, 0, NULL);
    buf_release(&text);
    mem_free(changes);
    mem_free(values);
    return trend;
}

json_t *report_trends(struct history *h, struct str name, double started, struct arena *arena) {
    const struct history_filter filter = {STR("name"), STR("="), name};
    json_t *trends = json_array();
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct history_point *points;
        struct err err;
        size_t n;
        if (history_series(h, &filter, 1, str_of(metrics[i]), TREND_SESSIONS, arena, &points, &n, &err) !=
            STATUS_OK)
            continue;
        n = points_until(points, n, started);
        if (n >= TREND_LEAST)
            json_array_append_new(trends, trend_of(metrics[i], points, n));
    }
    return trends;
}
