// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_ask.h"

#include <stdio.h>

#include "base/mem.h"
#include "stages/load/postgresql/pg_source.h"

struct pg_ask {
    struct pg_connection connection;
};

enum status pg_ask_open(const struct load_options *options, struct pg_ask **out, struct err *err) {
    struct pg_ask *ask = MEM_NEW(struct pg_ask);
    *out = NULL;
    if (pg_connection_open(&ask->connection, options->path, options->name, options->interrupt, NULL, err) !=
        STATUS_OK) {
        mem_free(ask);
        return err->status;
    }
    *out = ask;
    return STATUS_OK;
}

void pg_ask_close(struct pg_ask *ask) {
    if (!ask)
        return;
    pg_connection_close(&ask->connection);
    mem_free(ask);
}

static enum status run(struct pg_ask *ask, const char *sql, struct err *err) {
    PGresult *result = NULL;
    const enum status status = pg_connection_ask(&ask->connection, sql, &result, err);
    ask->connection.pg.clear(result);
    return status;
}

// What went wrong is undone, so that the transaction stands.
static enum status undo(struct pg_ask *ask, enum status status) {
    struct err ignored;
    if (status != STATUS_OK)
        run(ask, "ROLLBACK TO SAVEPOINT asked", &ignored);
    return status;
}

enum status pg_ask_query(struct pg_ask *ask, const struct load_options *options, struct buf *sql,
                         struct err *err) {
    struct pg_source source = {0};
    if (run(ask, "SAVEPOINT asked", err) != STATUS_OK)
        return err->status;
    const enum status status = pg_source_find(&source, &ask->connection, options, err);
    if (status == STATUS_OK) {
        buf_add_str(sql, buf_str(&source.sql));
        buf_add_str(sql, buf_str(&source.order));
    }
    pg_source_release(&source);
    return undo(ask, status);
}

static enum status take(const struct pg_library *pg, const PGresult *result, struct arena *arena,
                        struct pg_answer *out, struct err *err) {
    const int rows = pg->ntuples(result), columns = pg->nfields(result);
    const size_t n = (size_t)rows * (size_t)columns;
    struct str *cells = n ? ARENA_NEW_ARRAY(arena, struct str, n) : NULL;
    bool fine = !n || cells;
    for (size_t i = 0; fine && i < n; i++) {
        const int row = (int)(i / (size_t)columns), column = (int)(i % (size_t)columns);
        if (pg->getisnull(result, row, column))
            continue;
        cells[i] = arena_str(arena, (struct str){pg->getvalue(result, row, column),
                                                 (size_t)pg->getlength(result, row, column)});
        fine = cells[i].p;
    }
    *out = (struct pg_answer){cells, (size_t)rows, (size_t)columns};
    return fine ? STATUS_OK : err_set(err, STATUS_MEMORY, "no memory for an answer");
}

static enum status ask_server(struct pg_ask *ask, const char *sql, struct arena *arena, struct pg_answer *out,
                              struct err *err) {
    struct pg_connection *c = &ask->connection;
    PGresult *result = NULL;
    enum status status = pg_connection_ask(c, sql, &result, err);
    if (status == STATUS_OK)
        status = take(&c->pg, result, arena, out, err);
    c->pg.clear(result);
    return status;
}

enum status pg_ask(struct pg_ask *ask, const char *sql, unsigned seconds, struct arena *arena,
                   struct pg_answer *out, struct err *err) {
    char limit[96];
    *out = (struct pg_answer){NULL, 0, 0};
    snprintf(limit, sizeof limit, "SAVEPOINT asked; SET LOCAL statement_timeout = '%us'", seconds);
    if (run(ask, limit, err) != STATUS_OK)
        return err->status;
    return undo(ask, ask_server(ask, sql, arena, out, err));
}
