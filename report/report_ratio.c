// SPDX-License-Identifier: MIT
#include "report/report_ratio.h"

#include <math.h>
#include <string.h>

enum report_state report_ratio_state(const char *verdict) {
    if (strcmp(verdict, "PASS") == 0)
        return REPORT_GOOD;
    if (strcmp(verdict, "FAIL") == 0 || strcmp(verdict, "INVALID") == 0)
        return REPORT_BAD;
    return strcmp(verdict, "INCONCLUSIVE") == 0 ? REPORT_WARNING : REPORT_NEUTRAL;
}

const char *report_ratio_unit(const char *metric) {
    if (strcmp(metric, "peak_rss") == 0)
        return "B";
    return strcmp(metric, "instructions") == 0 ? "" : "s";
}

// The axis reaches as far as the intervals, and a little beyond 1 on both sides.
static void set_axis(json_t *chart, const struct report_ratio *ratios, size_t n) {
    const double beyond = 0.05, far = 10;
    double least = 1 - beyond, most = 1 + beyond;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(ratios[i].ratio))
            continue;
        least = fmin(least, isfinite(ratios[i].lower) ? ratios[i].lower : ratios[i].ratio);
        most = fmax(most, isfinite(ratios[i].upper) ? ratios[i].upper : ratios[i].ratio);
    }
    report_set_axis(chart, "x", &(struct report_axis){"B over A", "x", fmax(least, 0), fmin(most, far)},
                    false);
}

void report_add_ratios(json_t *section, const char *caption, const struct report_ratio *ratios, size_t n) {
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        known += isfinite(ratios[i].ratio) ? 1 : 0;
    if (known == 0)
        return;
    json_t *chart = report_add_chart(
        section, "intervals", caption,
        "How many times B takes what A does. Right of 1, B takes more. An interval that has 1 in it "
        "tells of no difference.");
    set_axis(chart, ratios, n);
    report_add_mark(chart, 1, "equal");
    for (size_t i = 0; i < n; i++)
        if (isfinite(ratios[i].ratio))
            report_add_bar(chart, &(struct report_bar){.name = ratios[i].name,
                                                       .low = ratios[i].lower,
                                                       .value = ratios[i].ratio,
                                                       .high = ratios[i].upper,
                                                       .unit = "x",
                                                       .state = report_ratio_state(ratios[i].verdict)});
}

void report_tell_ratio(double ratio, double lower, double upper, const char *metric, struct buf *out) {
    if (!isfinite(ratio)) {
        buf_add_text(out, "Nothing was measured");
        return;
    }
    buf_printf(out, "B takes %.3f times the %s of A", ratio,
               strcmp(metric, "peak_rss") == 0       ? "memory"
               : strcmp(metric, "wall") == 0         ? "time"
               : strcmp(metric, "instructions") == 0 ? "instructions"
                                                     : "CPU time");
    if (isfinite(lower) && isfinite(upper))
        buf_printf(out, " (%.3f to %.3f)", lower, upper);
}
