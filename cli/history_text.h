// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_TEXT_H
#define PRESSRUN_CLI_HISTORY_TEXT_H
/*
 * What `history` prints: for people, and as JSON.
 */
#include "base/buf.h"
#include "monitor/history.h"

void history_text_rows(const struct history_row *rows, size_t n, bool colour, struct buf *out);
void history_text_rows_json(const struct history_row *rows, size_t n, struct buf *out);
bool history_text_session(struct str document, bool colour, struct buf *out); // false: it is no session

#endif
