// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_OPENMETRICS_H
#define PRESSRUN_MONITOR_OPENMETRICS_H
/*
 * A snapshot in the OpenMetrics text format (1.0), for a collector that reads files, such as that of Prometheus' node exporter.
 *
 *   # TYPE pressrun_load_records gauge
 *   # HELP pressrun_load_records records read, bad ones included
 *   pressrun_load_records{name="nightly"} 612345
 *
 * A metric "load.records" is the family pressrun_load_records, in its own unit (seconds, bytes), which then ends its name.
 * Metrics of the cache share families (pressrun_cache_hits) and have the label `category`. Distributions are summaries:
 * pressrun_stage_duration_seconds with the label `stage`, and of the outputs of a job, of a template, and of filters.
 * pressrun_run_state is 1; its labels `strategy` and `outcome` say how the run goes or went.
 *
 * Totals are gauges, not counters: they are of one run, and begin at 0 with the next. So the text also is what the older
 * Prometheus format takes it for, which tells counters' names otherwise.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "monitor/snapshot.h"

void openmetrics_write(const struct snapshot *snapshot, struct buf *out);
// Into a file, which at each moment is the old one or the new one, whole. Its name while it is written begins with a dot and
// does not end in what the file's ends in.
enum status openmetrics_save(const struct fs *fs, const char *path, const struct snapshot *snapshot,
                             struct err *err);

#endif
