// SPDX-License-Identifier: MIT
// How often templates were used, in many sessions together.
#include "monitor/history_private.h"

enum status history_uses(struct history *h, const struct history_filter *filters, size_t filters_n,
                         uint32_t limit, struct arena *arena, struct uses *uses, struct err *err) {
    sqlite3_stmt *statement;
    if (history_prepare(h,
                        "select json_extract(d.document, '$.templates') from sessions s, documents d"
                        " where d.session = s.number",
                        " and ", filters, filters_n, 1, &statement, err) != STATUS_OK)
        return err->status;
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        json_t *list = text ? json_loadb(text, (size_t)sqlite3_column_bytes(statement, 0), 0, NULL) : NULL;
        uses_add_json(uses, list, arena);
        json_decref(list);
    }
    sqlite3_finalize(statement);
    uses_rank(uses, SIZE_MAX);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot read", err);
}
