// SPDX-License-Identifier: MIT
// How often templates were used, in many sessions together.
#include "base/mem.h"
#include "monitor/history_private.h"

// What a session says of it. What is no such list adds nothing.
static void add_session(struct uses *uses, const char *text, size_t n, struct arena *arena) {
    json_t *list = json_loadb(text, n, 0, NULL), *one;
    size_t i;
    json_array_foreach(list, i, one) {
        const json_t *name = json_object_get(one, "name");
        const json_int_t used = json_integer_value(json_object_get(one, "uses"));
        if (!json_is_string(name) || used <= 0)
            continue;
        const struct str kept =
            arena_str(arena, (struct str){json_string_value(name), json_string_length(name)});
        if (!kept.p)
            mem_fail(json_string_length(name));
        uses_add(uses, kept, (uint64_t)used);
    }
    json_decref(list);
}

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
        if (text)
            add_session(uses, text, (size_t)sqlite3_column_bytes(statement, 0), arena);
    }
    sqlite3_finalize(statement);
    uses_rank(uses, SIZE_MAX);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot read", err);
}
