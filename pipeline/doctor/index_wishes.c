// SPDX-License-Identifier: MIT
#include "pipeline/doctor/index_wishes.h"

#include "base/buf.h"
#include "base/mem.h"
#include "pipeline/doctor/database_outline.h"
#include "stages/record/sqlite_names.h"

enum { WISHES_MOST = 400 };

struct wishing_table { // what SQLite holds of a table of the outline
    sqlite3_vtab base;
    struct wishes *wishes;
    size_t table;
};

// ---- the planner's questions

static struct str collation_of(const struct wished_table *table, int column, const char *name) {
    return !name || sqlite3_stricmp(name, table->fields[column].collation.p) == 0 ? (struct str){NULL, 0}
                                                                                  : str_of(name);
}

static void add_column(struct wished_column *list, size_t *n, const struct wished_column *column) {
    for (size_t i = 0; i < *n; i++)
        if (list[i].column == column->column)
            return;
    if (*n < WISH_COLUMNS_MOST)
        list[(*n)++] = *column;
}

static struct str kept_collation(struct wishes *wishes, struct str collation) {
    return collation.p ? arena_str(wishes->arena, collation) : collation;
}

static void take_constraint(struct wishes *wishes, const struct wished_table *table, struct wish *wish,
                            sqlite3_index_info *info, int i) {
    const int column = info->aConstraint[i].iColumn;
    const struct wished_column wished = {
        .column = (uint16_t)column,
        .collation = kept_collation(wishes, collation_of(table, column, sqlite3_vtab_collation(info, i)))};
    switch (info->aConstraint[i].op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
    case SQLITE_INDEX_CONSTRAINT_IS:
    case SQLITE_INDEX_CONSTRAINT_ISNULL:
        add_column(wish->equal, &wish->equal_n, &wished);
        break;
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
        add_column(wish->range, &wish->range_n, &wished);
        break;
    default:
        break;
    }
}

static void take_order(struct wish *wish, const sqlite3_index_info *info) {
    for (int i = 0; i < info->nOrderBy; i++) {
        if (info->aOrderBy[i].iColumn < 0 || i >= WISH_COLUMNS_MOST) {
            wish->order_n = 0; // the order of something else than columns
            return;
        }
        wish->order[wish->order_n++] = (struct wished_column){.column = (uint16_t)info->aOrderBy[i].iColumn,
                                                              .descending = info->aOrderBy[i].desc != 0};
    }
}

static bool columns_equal(const struct wished_column *a, const struct wished_column *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i].column != b[i].column || a[i].descending != b[i].descending ||
            !str_equal(a[i].collation, b[i].collation))
            return false;
    return true;
}

static bool wishes_same(const struct wish *a, const struct wish *b) {
    return a->table == b->table && a->equal_n == b->equal_n && a->range_n == b->range_n &&
           a->order_n == b->order_n && a->used == b->used && columns_equal(a->equal, b->equal, a->equal_n) &&
           columns_equal(a->range, b->range, a->range_n) && columns_equal(a->order, b->order, a->order_n);
}

static void add_wish(struct wishes *wishes, const struct wish *wish) {
    if (wish->equal_n + wish->range_n + wish->order_n == 0 || wishes->n == WISHES_MOST)
        return;
    for (size_t i = 0; i < wishes->n; i++)
        if (wishes_same(&wishes->list[i], wish))
            return;
    MEM_GROW(wishes->list, wishes->cap, wishes->n + 1);
    wishes->list[wishes->n++] = *wish;
}

// Each condition that is looked up by makes a table cheaper, so that loops are put in an order with as many as can be.
static int answer(sqlite3_vtab *base, sqlite3_index_info *info) {
    struct wishing_table *self = (struct wishing_table *)base;
    struct wishes *wishes = self->wishes;
    const struct wished_table *table = &wishes->tables[self->table];
    struct wish wish = {.table = self->table, .used = info->colUsed};
    int taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        const int column = info->aConstraint[i].iColumn;
        if (!info->aConstraint[i].usable || column < 0 || (size_t)column >= table->n)
            continue;
        if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ)
            info->aConstraintUsage[i].argvIndex = ++taken;
        take_constraint(wishes, table, &wish, info, i);
    }
    take_order(&wish, info);
    add_wish(wishes, &wish);
    info->estimatedCost = 1e6;
    for (size_t i = 0; i < wish.equal_n; i++)
        info->estimatedCost /= 10;
    info->estimatedRows = (sqlite3_int64)info->estimatedCost;
    return SQLITE_OK;
}

// ---- the tables

static int connect(sqlite3 *outline, void *self, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **fault) {
    struct wishes *wishes = self;
    struct buf sql = BUF_INIT;
    (void)argc, (void)fault;
    size_t i = wishes->tables_n;
    while (i-- > 0 && !str_is(wishes->tables[i].name, argv[2]))
        continue;
    if (i == SIZE_MAX)
        return SQLITE_ERROR;
    const struct wished_table *table = &wishes->tables[i];
    buf_add_text(&sql, "CREATE TABLE t (");
    for (size_t k = 0; k < table->n; k++) {
        buf_add_text(&sql, k ? ", " : "");
        sqlite_names_add(&sql, table->fields[k].name);
        buf_printf(&sql, " %s COLLATE ", table->fields[k].affinity);
        sqlite_names_add(&sql, table->fields[k].collation);
    }
    buf_add_text(&sql, ")");
    const int code = sqlite3_declare_vtab(outline, buf_text(&sql));
    buf_release(&sql);
    struct wishing_table *made = code == SQLITE_OK ? sqlite3_malloc(sizeof *made) : NULL;
    if (made)
        *made = (struct wishing_table){.wishes = wishes, .table = i};
    *out = made ? &made->base : NULL;
    return code == SQLITE_OK && !made ? SQLITE_NOMEM : code;
}

static int disconnect(sqlite3_vtab *base) {
    sqlite3_free(base);
    return SQLITE_OK;
}

// Nothing is ever run.
static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    (void)base, (void)out;
    return SQLITE_ERROR;
}

static const sqlite3_module module = {
    .xCreate = connect,
    .xConnect = connect,
    .xBestIndex = answer,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
};

struct making {
    struct wishes *wishes;
    sqlite3 *db;
};

// As SQLite has it, so that comparisons are those of the table itself.
static const char *affinity_of(struct str type) {
    static const struct {
        const char *part, *affinity;
    } rules[] = {{"int", "INTEGER"}, {"char", "TEXT"}, {"clob", "TEXT"}, {"text", "TEXT"},
                 {"blob", ""},       {"real", "REAL"}, {"floa", "REAL"}, {"doub", "REAL"}};
    if (type.n == 0)
        return "";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (size_t at = 0; at + 4 <= type.n + (i == 0); at++)
            if (sqlite3_strnicmp(type.p + at, rules[i].part, (int)strlen(rules[i].part)) == 0)
                return rules[i].affinity;
    return "NUMERIC";
}

static struct str kept_text(struct arena *arena, const char *text) {
    const struct str kept = arena_str(arena, str_of(text));
    if (!kept.p)
        mem_fail(strlen(text));
    return kept;
}

static void add_field(const struct making *making, struct wished_table *table, sqlite3_stmt *stmt) {
    struct arena *arena = making->wishes->arena;
    const char *name = (const char *)sqlite3_column_text(stmt, 0), *type = NULL, *collation = NULL;
    if (sqlite3_table_column_metadata(making->db, "main", table->name.p, name, &type, &collation, NULL, NULL,
                                      NULL) != SQLITE_OK)
        collation = NULL;
    MEM_GROW(table->fields, table->cap, table->n + 1);
    table->fields[table->n++] =
        (struct wished_field){.name = kept_text(arena, name),
                              .collation = kept_text(arena, collation ? collation : "BINARY"),
                              .affinity = affinity_of(str_of(type ? type : "")),
                              .is_key = sqlite3_column_int(stmt, 1) != 0};
}

// The row id is the one column of type INTEGER that is the key; in a table that has no row ids it is one all the same.
static const char *const fields = "SELECT name, pk = 1 AND upper(type) = 'INTEGER' AND "
                                  "(SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0) = 1 "
                                  "FROM pragma_table_xinfo(?1) ORDER BY cid";

static void make_table(void *self, sqlite3 *outline, struct str name, struct str written) {
    const struct making *making = self;
    struct wishes *wishes = making->wishes;
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    (void)written;
    MEM_GROW(wishes->tables, wishes->tables_cap, wishes->tables_n + 1);
    struct wished_table *table = &wishes->tables[wishes->tables_n++];
    *table = (struct wished_table){.name = kept_text(wishes->arena, name.p)};
    if (sqlite3_prepare_v2(making->db, fields, -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name.p, (int)name.n, SQLITE_STATIC);
        while (sqlite3_step(stmt) == SQLITE_ROW)
            add_field(making, table, stmt);
    }
    sqlite3_finalize(stmt);
    buf_add_text(&sql, "CREATE VIRTUAL TABLE ");
    sqlite_names_add(&sql, name);
    buf_add_text(&sql, " USING wishes");
    if (wishes->tables_n == 1)
        sqlite3_create_module(outline, "wishes", &module, wishes);
    sqlite3_exec(outline, buf_text(&sql), NULL, NULL, NULL);
    buf_release(&sql);
}

int wishes_open(sqlite3 *db, struct arena *arena, struct wishes *wishes) {
    struct making making = {.wishes = wishes, .db = db};
    const struct outline_maker maker = {&making, make_table};
    *wishes = (struct wishes){.arena = arena};
    return database_outline_open(db, &maker, &wishes->outline);
}

int wishes_collect(struct wishes *wishes, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    wishes->n = 0;
    const int code = sqlite3_prepare_v2(wishes->outline, sql, -1, &stmt, NULL);
    sqlite3_finalize(stmt);
    return code;
}

void wishes_release(struct wishes *wishes) {
    sqlite3_close(wishes->outline);
    for (size_t i = 0; i < wishes->tables_n; i++)
        mem_free(wishes->tables[i].fields);
    mem_free(wishes->tables);
    mem_free(wishes->list);
}
