// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_types.h"

#include <stdlib.h>

#include "base/buf.h"

// By oid, which are the same in all databases.
static const struct {
    Oid oid;
    enum pg_kind kind;
} kinds[] = {
    {16, PG_BOOLEAN}, {20, PG_INTEGER}, {21, PG_INTEGER}, {23, PG_INTEGER},   {26, PG_INTEGER},
    {114, PG_JSON},   {700, PG_FLOAT},  {701, PG_FLOAT},  {1700, PG_NUMERIC}, {3802, PG_JSON},
};

static enum pg_kind kind_of(Oid oid) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].oid == oid)
            return kinds[i].kind;
    return PG_TEXT;
}

// What need not be looked up: text of all kinds, times, uuid.
static bool is_plain(Oid oid) {
    static const Oid plain[] = {17, 18, 19, 25, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 2950};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i] == oid)
            return true;
    return kind_of(oid) != PG_TEXT;
}

// From each type asked for down to one that is neither a domain nor an array, whichever way it gets there. The vectors
// of oids and small integers are written otherwise than arrays are.
#define IS_LIST(t)                                                                                           \
    t "typtype <> 'd' AND " t "typcategory = 'A' AND " t "typlen = -1 AND " t "oid NOT IN (22, 30)"
#define NEXT(t)                                                                                              \
    "CASE WHEN " t "typtype = 'd' THEN " t "typbasetype WHEN " IS_LIST(t) " THEN " t "typelem ELSE 0 END"

static void write_question(const struct pg_connection *c, const PGresult *described, struct buf *sql) {
    bool any = false;
    buf_add_text(sql,
                 "WITH RECURSIVE step(asked, oid, next, is_list, delimiter) AS (SELECT t.oid, t.oid, " NEXT(
                     "t.") ", " IS_LIST("t.") ", t.typdelim FROM pg_catalog.pg_type t WHERE t.oid IN (");
    for (int i = 0; i < c->pg.nfields(described); i++) {
        if (is_plain(c->pg.ftype(described, i)))
            continue;
        buf_printf(sql, "%s%u", any ? ", " : "", c->pg.ftype(described, i));
        any = true;
    }
    buf_add_text(
        sql, ") UNION ALL SELECT s.asked, t.oid, " NEXT("t.") ", s.is_list OR (" IS_LIST(
                 "t.") "), s.delimiter FROM step s JOIN pg_catalog.pg_type t ON t.oid = s.next "
                       "WHERE s.next <> 0) SELECT asked, oid, is_list, delimiter FROM step WHERE next = 0");
    if (!any)
        buf_clear(sql);
}

static void take_found(const struct pg_connection *c, const PGresult *described, const PGresult *found,
                       int row, struct pg_type *types) {
    Oid asked = (Oid)strtoul(c->pg.getvalue(found, row, 0), NULL, 10);
    Oid oid = (Oid)strtoul(c->pg.getvalue(found, row, 1), NULL, 10);
    for (int i = 0; i < c->pg.nfields(described); i++)
        if (c->pg.ftype(described, i) == asked)
            types[i] = (struct pg_type){.kind = kind_of(oid),
                                        .is_list = c->pg.getvalue(found, row, 2)[0] == 't',
                                        .delimiter = c->pg.getvalue(found, row, 3)[0]};
}

enum status pg_types_find(struct pg_connection *c, const PGresult *described, struct pg_type *types,
                          struct err *err) {
    struct buf sql = BUF_INIT;
    PGresult *found = NULL;
    enum status status = STATUS_OK;
    for (int i = 0; i < c->pg.nfields(described); i++)
        types[i] = (struct pg_type){.kind = kind_of(c->pg.ftype(described, i))};
    write_question(c, described, &sql);
    if (sql.n > 0)
        status = pg_connection_ask(c, buf_text(&sql), &found, err);
    for (int row = 0; status == STATUS_OK && found && row < c->pg.ntuples(found); row++)
        take_found(c, described, found, row, types);
    c->pg.clear(found);
    buf_release(&sql);
    return status;
}
