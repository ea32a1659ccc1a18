// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_SOURCES_H
#define PRESSRUN_REPORT_REPORT_SOURCES_H
/*
 * What reports are made from: the documents that commands print with --json or keep. Which kind a document is follows from
 * its members (report_sources.c has a row for each):
 *
 *   session, merged   `history SESSION --json`, `history merge`
 *   history           `history --trend METRIC --json`, `history changes --json`, `history --json`
 *   comparison        `bench compare --json`, `history compare A B --json`
 *   benchmark         `bench --json`, `bench load --json`
 *   strategy          `strategies --json`
 *   gate              `gate --json`
 *   doctor            `doctor --json`
 *
 * A document that is a report already stays what it is.
 *
 * To add a kind: its name in report.h, a function below in a file of its own, a row in report_sources.c.
 */
#include "base/err.h"
#include "report/report.h"

struct report_options {
    double made;           // seconds since 1970
    const json_t *history; // trends of figures, each as `history --trend --json` prints it; NULL: none
};

// The report's document about what `text` has, on one line. STATUS_DATA: no report can be made of it.
enum status report_make(struct str text, const struct report_options *options, bool indented,
                        struct buf *document, struct err *err);

// One function a kind. `source` may lack anything.
typedef struct report *report_build_fn(const json_t *source, const struct report_options *options);
report_build_fn report_build_session, report_build_merged, report_build_history, report_build_trend,
    report_build_comparison, report_build_difference, report_build_benchmark, report_build_load,
    report_build_strategy, report_build_gate, report_build_changes, report_build_doctor;

#endif
