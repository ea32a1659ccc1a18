// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_TEXT_H
#define PRESSRUN_CLI_HISTORY_TEXT_H
/*
 * What `history` prints: for people, and as JSON.
 */
#include "base/buf.h"
#include "bench/changes.h"
#include "monitor/history.h"

struct history_trend {
    struct str metric;
    const struct history_point *points; // oldest first
    size_t points_n;
    const struct change *changes;
    size_t changes_n;
};

void history_text_rows(const struct history_row *rows, size_t n, bool colour, struct buf *out);
void history_text_rows_json(const struct history_row *rows, size_t n, struct buf *out);
bool history_text_session(struct str document, bool colour, struct buf *out); // false: it is no session
void history_text_trend(const struct history_trend *trend, bool colour, struct buf *out);
void history_text_trend_json(const struct history_trend *trend, struct buf *out);

#endif
