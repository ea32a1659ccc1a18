// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_DISTRIBUTION_JSON_H
#define PRESSRUN_MONITOR_DISTRIBUTION_JSON_H
/*
 * A distribution of durations as sessions keep it: its figures (metrics.h) in seconds, and `buckets`, enough of the
 * histogram to add distributions of several sessions: [bucket, count, distance, count, distance, count, ...], of those that
 * are not empty, each told by how far it is from the one before (histogram.h says where buckets begin, in nanoseconds).
 *
 * Read back, quantiles are known to within HISTOGRAM_COARSE_ERROR more; count, mean and greatest are what they were.
 * Nothing here keeps anything; one thread per histogram.
 */
#include <jansson.h>
#include <stdbool.h>

#include "monitor/histogram.h"
#include "monitor/metrics.h"

double distribution_figure(const struct histogram *h,
                           enum metric_figure figure); // seconds; of COUNT a number
json_t *distribution_json(const struct histogram *h);  // the caller's
// The histogram again, in an empty one. False, and it stays empty: there are no buckets (of older sessions), or what is
// there cannot be true.
bool distribution_read(const json_t *distribution, struct histogram *h);

#endif
