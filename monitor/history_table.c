// SPDX-License-Identifier: MIT
// Figures of many sessions, as rows and columns.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/history_private.h"

enum { FIGURES_MOST = 4096, TEXTS = 6 };

static void *take(struct arena *arena, size_t n) {
    void *p = arena_alloc(arena, n ? n : 1);
    if (!p)
        mem_fail(n);
    return p;
}

// The number of a figure's name; -1: no session has it.
static sqlite3_int64 number_of(struct history *h, const char *figure) {
    sqlite3_stmt *statement;
    sqlite3_int64 number = -1;
    if (sqlite3_prepare_v2(h->db, "select number from names where name = ?", -1, &statement, NULL) !=
        SQLITE_OK)
        return -1;
    sqlite3_bind_text(statement, 1, figure, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static enum status read_values(struct history *h, sqlite3_stmt *statement, sqlite3_int64 session,
                               const sqlite3_int64 *numbers, size_t n, double *values, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        values[i] = NAN;
        if (numbers[i] < 0)
            continue;
        sqlite3_bind_int64(statement, 1, numbers[i]);
        sqlite3_bind_int64(statement, 2, session);
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
            values[i] = sqlite3_column_double(statement, 0);
        sqlite3_reset(statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return history_failed(h->db, "cannot read", err);
    }
    return STATUS_OK;
}

struct table {
    struct history *h;
    sqlite3_stmt *list, *value;
    sqlite3_int64 *numbers; // of the figures
    size_t figures_n;
    struct arena *arena;
    struct history_session *rows;
    size_t n, cap;
};

static enum status read_rows(struct table *t, struct err *err) {
    int code;
    while ((code = sqlite3_step(t->list)) == SQLITE_ROW) {
        MEM_GROW(t->rows, t->cap, t->n + 1);
        struct history_session *row = &t->rows[t->n++];
        *row = (struct history_session){.started = history_moment(sqlite3_column_double(t->list, TEXTS + 1)),
                                        .values = take(t->arena, t->figures_n * sizeof(double))};
        struct str *texts[TEXTS] = {&row->id,      &row->name,    &row->strategy,
                                    &row->version, &row->machine, &row->outcome};
        for (int i = 0; i < TEXTS; i++)
            *texts[i] = history_text(t->list, i + 1, t->arena);
        if (read_values(t->h, t->value, sqlite3_column_int64(t->list, 0), t->numbers, t->figures_n,
                        row->values, err) != STATUS_OK)
            return err->status;
    }
    return code == SQLITE_DONE ? STATUS_OK : history_failed(t->h->db, "cannot read", err);
}

enum status history_table(struct history *h, const struct history_filter *filters, size_t filters_n,
                          const char *const *figures, size_t figures_n, uint32_t limit, struct arena *arena,
                          struct history_session **sessions, size_t *n, struct err *err) {
    struct table t = {.h = h, .figures_n = figures_n, .arena = arena};
    *n = 0;
    if (figures_n > FIGURES_MOST)
        return err_set(err, STATUS_DATA, "at most %d figures can be asked for at once", (int)FIGURES_MOST);
    if (history_prepare(h,
                        "select s.number, s.id, s.name, s.strategy, s.version, s.machine, s.outcome, "
                        "s.started from sessions s",
                        " where ", filters, filters_n, 1, &t.list, err) != STATUS_OK)
        return err->status;
    sqlite3_bind_int64(t.list, sqlite3_bind_parameter_count(t.list), limit);
    enum status status = STATUS_OK;
    if (sqlite3_prepare_v2(h->db, "select value from figures where name = ? and session = ?", -1, &t.value,
                           NULL) != SQLITE_OK)
        status = history_failed(h->db, "cannot read", err);
    t.numbers = take(arena, figures_n * sizeof *t.numbers);
    for (size_t i = 0; i < figures_n; i++)
        t.numbers[i] = number_of(h, figures[i]);
    if (status == STATUS_OK)
        status = read_rows(&t, err);
    sqlite3_finalize(t.list);
    sqlite3_finalize(t.value);
    if (status == STATUS_OK) {
        *sessions = take(arena, t.n * sizeof **sessions);
        if (t.n)
            memcpy(*sessions, t.rows, t.n * sizeof *t.rows);
        *n = t.n;
    }
    mem_free(t.rows);
    return status;
}

enum status history_figures(struct history *h, struct arena *arena, const char ***names, size_t *n,
                            struct err *err) {
    sqlite3_stmt *statement;
    const char **list = NULL;
    size_t cap = 0;
    *n = 0;
    if (sqlite3_prepare_v2(h->db, "select name from names order by name", -1, &statement, NULL) != SQLITE_OK)
        return history_failed(h->db, "cannot read", err);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        MEM_GROW(list, cap, *n + 1);
        list[(*n)++] = history_text(statement, 0, arena).p;
    }
    sqlite3_finalize(statement);
    *names = take(arena, *n * sizeof **names);
    if (*n)
        memcpy(*names, list, *n * sizeof *list);
    mem_free(list);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot read", err);
}
