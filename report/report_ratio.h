// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_RATIO_H
#define PRESSRUN_REPORT_REPORT_RATIO_H
/*
 * Ratios of B over A with their intervals and verdicts, for reports of comparisons and of the gate.
 */
#include "report/report.h"

struct report_ratio {
    const char *name;
    double ratio, lower, upper; // NAN: not known; a bound that is not known is not drawn
    const char *verdict;        // "PASS", "FAIL", "INCONCLUSIVE", "INVALID", "MORE"
};

enum report_state report_ratio_state(const char *verdict);
const char *report_ratio_unit(const char *metric); // of the medians of a metric: "cpu" is in "s"
// A chart of intervals around 1; those without a ratio are left out. Nothing where none has one.
void report_add_ratios(json_t *section, const char *caption, const struct report_ratio *ratios, size_t n);
// A verdict's sentence: "B takes 1.107 times the CPU time of A".
void report_tell_ratio(double ratio, double lower, double upper, const char *metric, struct buf *out);

#endif
