// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_LIVE_VIEW_H
#define PRESSRUN_CLI_LIVE_VIEW_H
/*
 * A snapshot of a run as a few lines for a terminal, and as one plain line for a log.
 *
 * No line is wider than asked, by the columns that its characters take: what does not fit is left out from its end, and
 * lines that do not fit the height from the bottom. Nothing is assumed that is not known: a run whose sources do not tell
 * their size has neither bar nor ETA. It only reads the snapshot and moves no cursor (show.h does).
 */
#include "base/buf.h"
#include "monitor/snapshot.h"

struct live_view {
    size_t columns, rows; // that there are
    bool colour;
};

// The lines, with a line feed between two of them; returns how many, at least one.
size_t live_view_write(const struct live_view *view, const struct snapshot *s, struct buf *out);
// "1,234 records, 1,200 written, 3 failed, 512 records/s, ETA 4 s"
void live_view_write_line(const struct snapshot *s, struct buf *out);

#endif
