// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_SHOW_H
#define PRESSRUN_CLI_SHOW_H
/*
 * What a person sees of a run: a view of a few lines on a terminal (live_view.h), drawn anew in its place with each snapshot,
 * a plain line every few seconds elsewhere; the first failures as located messages. The summary at the end is another's (summary.h).
 *
 * The observer's calls come one at a time but from any thread, so all state is in struct show.
 */
#include <pthread.h>

#include "pipeline/run/run.h"

struct reason_lines;

enum { SHOW_FAILURES = 10, SHOW_ALIKE = 3, SHOW_TAKERS = 4 };

struct show {
    bool progress, notes; // what is shown
    bool colour, terminal;
    size_t lines;                 // of the view, as it stands on the terminal; the cursor is in the last one
    const atomic_bool *interrupt; // may be NULL; true: who raised it has written below the view
    bool interrupted;
    struct snapshot_taker takers[SHOW_TAKERS];
    size_t takers_n;
    double next;                  // seconds of the run when the next plain line is due
    uint64_t failures, folded;    // folded: like the one shown last, and not shown
    uint64_t alike;               // shown in a row
    char last[512];               // the fault shown last: its place and message
    struct reason_lines *reasons; // NULL: nobody wants to know
    pthread_mutex_t lock;
};

// Failures and warnings are shown in any case; they and notes also where stdout is for a machine.
void show_init(struct show *show, bool progress, bool notes, bool colour);
void show_release(struct show *show);
// Whoever else is told of each snapshot; before show_observer.
void show_add_taker(struct show *show, struct snapshot_taker taker);
struct run_observer show_observer(struct show *show);
void show_end(struct show *show, const struct run_report *report); // clears the view, counts unshown failures

// Numbers as people read them.
void show_count(struct buf *out, uint64_t n);     // 1,234,567
void show_bytes(struct buf *out, uint64_t bytes); // 1.2 MB (powers of ten)
void show_seconds(struct buf *out, double seconds);
void show_rate(struct buf *out, uint64_t n, double seconds); // records/s
// Names and texts of others may be anything; terminals are not to act on them.
void show_escaped(struct buf *out, struct str text);

#endif
