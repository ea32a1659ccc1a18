// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_FORMATS_H
#define PRESSRUN_BENCH_GATE_FORMATS_H
/*
 * A gate in the formats of others, each a file of its own: gate_junit.c, gate_markdown.c, gate_github.c, gate_tracker.c. All
 * say the verdict first and make nothing up: what stands there is the result's. The text for terminals is cli/gate_summary.h,
 * the document with all of it gate_json.h; cli/gate_output.h has the table of all.
 *
 * `r` has been judged; its arena keeps what is made on the way. One thread.
 */
#include "base/buf.h"
#include "bench/gate.h"

enum { GATE_MARKDOWN_MOST = 512 << 10 };

// JUnit XML, as CI systems read it: a test for each row. FAIL is a failure, INVALID an error, INCONCLUSIVE is skipped.
void gate_write_junit(struct gate_result *r, struct buf *out);
// GitHub's Markdown, for a summary or a comment: changed rows, the others folded. Less than GATE_MARKDOWN_MOST bytes,
// whatever there is: rows that have no room are counted.
void gate_write_markdown(struct gate_result *r, struct buf *out);
// Workflow commands of GitHub Actions, which become annotations; no more of a kind than are shown.
void gate_write_github(struct gate_result *r, struct buf *out);
// JSON for github-action-benchmark (tool: customSmallerIsBetter): medians of B, so that a chart over commits comes of it.
void gate_write_tracker(struct gate_result *r, struct buf *out);

// For the writers: "1.107 (1.085 to 1.147)"; "" where there is no ratio. In the arena.
const char *gate_ratio_text(struct gate_result *r, const struct gate_row *row);
// "A 12.0 ms, B 13.1 ms"; "" where nothing was timed.
const char *gate_medians_text(struct gate_result *r, const struct gate_row *row);
// What more there is to say of an INCONCLUSIVE row, or NULL.
const char *gate_outlook_text(struct gate_result *r, const struct gate_row *row);
// "pressrun 1.2.3, capsule 0123456789ab": what a side is, beside what it was given as; "" where nothing is known.
const char *gate_side_text(struct gate_result *r, const struct gate_side *side);
bool gate_is_changed(const struct gate_row *row); // worth a line
// All rows: those that changed first, the worst of them first, else in the suite's order. In the arena; *changed of them did.
const struct gate_row **gate_sort_rows(struct gate_result *r, size_t *changed);

#endif
