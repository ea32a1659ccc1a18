// SPDX-License-Identifier: MIT
#include "stages/load/sqlite_split.h"

#include <string.h>

enum { LEAST_SPAN = 2048 }; // fewer rowids than that are not worth a second connection

// Texts ----------------------------------------------------------------------------------------------------------

static void write_texts(struct sqlite_split *split, const struct sqlite_source *s) {
    const struct str key = buf_str(&s->key), whole = buf_str(&s->whole);
    const int n = s->parameters;
    buf_printf(&split->sql[SQLITE_RANGE_NULLS], "%.*s WHERE %.*s IS NULL", STR_ARG(whole), STR_ARG(key));
    buf_printf(&split->sql[SQLITE_RANGE_FIRST], "%.*s WHERE %.*s <= ?%d ORDER BY %.*s", STR_ARG(whole),
               STR_ARG(key), n + 2, STR_ARG(key));
    buf_printf(&split->sql[SQLITE_RANGE_NEXT], "%.*s WHERE %.*s > ?%d AND %.*s <= ?%d ORDER BY %.*s",
               STR_ARG(whole), STR_ARG(key), n + 1, STR_ARG(key), n + 2, STR_ARG(key));
    // "SELECT * FROM" gives way to the key alone
    const struct str from = str_from(whole, strlen("SELECT *"));
    buf_printf(&split->boundary, "SELECT %.*s%.*s WHERE %.*s > ?%d ORDER BY %.*s LIMIT 1 OFFSET ?%d",
               STR_ARG(key), STR_ARG(from), STR_ARG(key), n + 1, STR_ARG(key), n + 2);
}

// Questions --------------------------------------------------------------------------------------------------------

struct asking {
    const struct sqlite_source *source;
    const struct load_options *options;
    struct err *err;
};

// Prepares a question about the rows, with the query's parameters.
static sqlite3_stmt *prepare(const struct asking *ask, const char *before, const char *after) {
    const struct sqlite_source *s = ask->source;
    const struct str from = str_from(buf_str(&s->whole), strlen("SELECT *"));
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    buf_printf(&sql, "SELECT %s%.*s WHERE %.*s %s", before, STR_ARG(from), STR_ARG(buf_str(&s->key)), after);
    if (sqlite3_prepare_v2(s->db, sql.p, (int)sql.n, &stmt, NULL) != SQLITE_OK)
        sqlite_source_error(s, 0, ask->err);
    else if (sqlite_source_bind(s, ask->options, stmt, ask->err) != STATUS_OK) {
        sqlite3_finalize(stmt);
        stmt = NULL;
    }
    buf_release(&sql);
    return stmt;
}

// STATUS_OK: what the first row has in its first column, or NULL where there is none.
static enum status ask(const struct asking *asking, const char *before, const char *after,
                       sqlite3_value **out) {
    sqlite3_stmt *stmt = prepare(asking, before, after);
    *out = NULL;
    if (!stmt)
        return asking->err->status;
    const int code = sqlite3_step(stmt);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW)
        *out = sqlite3_value_dup(sqlite3_column_value(stmt, 0));
    else if (code != SQLITE_DONE)
        status = sqlite_source_error(asking->source, 0, asking->err);
    sqlite3_finalize(stmt);
    return status;
}

static enum status ask_end(const struct asking *asking, const char *direction, sqlite3_value **out) {
    struct buf key = BUF_INIT, after = BUF_INIT;
    const struct str name = buf_str(&asking->source->key);
    buf_add_str(&key, name);
    buf_printf(&after, "IS NOT NULL ORDER BY %.*s %s LIMIT 1", STR_ARG(name), direction);
    const enum status status = ask(asking, buf_text(&key), buf_text(&after), out);
    buf_release(&key);
    buf_release(&after);
    return status;
}

// Whether SQLite goes to where a range begins and reads on from there, in the range's order. What happens within
// subqueries for each row is not looked at.
static enum status look_at_plan(struct sqlite_split *split, const struct asking *asking) {
    const struct sqlite_source *s = asking->source;
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    enum { PARENT = 1, DETAIL = 3 };
    buf_printf(&sql, "EXPLAIN QUERY PLAN %.*s", STR_ARG(buf_str(&split->sql[SQLITE_RANGE_NEXT])));
    if (sqlite3_prepare_v2(s->db, sql.p, (int)sql.n, &stmt, NULL) != SQLITE_OK) {
        buf_release(&sql);
        return sqlite_source_error(s, 0, asking->err);
    }
    int code;
    bool first = true;
    split->possible = true;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, DETAIL);
        if (sqlite3_column_int(stmt, PARENT) != 0 || !detail)
            continue;
        const bool ranged =
            strncmp(detail, "SEARCH ", 7) == 0 && strstr(detail, ">?") && strstr(detail, "<?");
        if ((first && !ranged) || strncmp(detail, "USE TEMP B-TREE", 15) == 0)
            split->possible = false;
        first = false;
    }
    split->possible = split->possible && !first;
    const enum status status = code == SQLITE_DONE ? STATUS_OK : sqlite_source_error(s, 0, asking->err);
    sqlite3_finalize(stmt);
    buf_release(&sql);
    return status;
}

// ------------------------------------------------------------------------------------------------------------------

static void take_ends(struct sqlite_split *split, sqlite3_value *least, sqlite3_value *most) {
    split->whole_numbers =
        sqlite3_value_type(least) == SQLITE_INTEGER && sqlite3_value_type(most) == SQLITE_INTEGER;
    if (split->whole_numbers) {
        split->least = sqlite3_value_int64(least);
        split->most = sqlite3_value_int64(most);
    } else {
        split->lowest = sqlite3_value_dup(least);
        split->highest = sqlite3_value_dup(most);
    }
    split->rows = split->width = 1;
}

static enum status find_ends(struct sqlite_split *split, const struct asking *asking) {
    const bool by_rowid = asking->source->by_rowid;
    sqlite3_value *null = NULL, *least = NULL, *most = NULL;
    enum status status = by_rowid ? STATUS_OK : ask(asking, "1", "IS NULL LIMIT 1", &null);
    if (status == STATUS_OK)
        status = ask_end(asking, "ASC", &least);
    if (status == STATUS_OK)
        status = ask_end(asking, "DESC", &most);
    split->has_nulls = null != NULL;
    if (least && most)
        take_ends(split, least, most);
    else
        split->possible = false; // no rows, or none with a key
    if (split->possible && by_rowid && (uint64_t)split->most - (uint64_t)split->least < LEAST_SPAN)
        split->possible = false;
    sqlite3_value_free(null);
    sqlite3_value_free(least);
    sqlite3_value_free(most);
    return status;
}

enum status sqlite_split_init(struct sqlite_split *split, const struct sqlite_source *source,
                              const struct load_options *options, struct err *err) {
    const struct asking asking = {source, options, err};
    *split = (struct sqlite_split){.possible = false};
    if (source->key.n == 0)
        return STATUS_OK;
    write_texts(split, source);
    if (look_at_plan(split, &asking) != STATUS_OK)
        return err->status;
    if (split->possible)
        return find_ends(split, &asking);
    if (options->split.p)
        split->unsplit = "split: no index leads to its ranges, so it is read by one connection";
    return STATUS_OK;
}

void sqlite_split_release(struct sqlite_split *split) {
    for (int i = 0; i < SQLITE_RANGE_KINDS; i++)
        buf_release(&split->sql[i]);
    buf_release(&split->boundary);
    sqlite3_value_free(split->lowest);
    sqlite3_value_free(split->highest);
    sqlite3_value_free(split->next_key);
    split->lowest = split->highest = split->next_key = NULL;
}

// Ranges -----------------------------------------------------------------------------------------------------------

static void next_number(struct sqlite_split *split, uint64_t rows, struct sqlite_range *range) {
    const uint64_t start = split->begun ? (uint64_t)split->next + 1 : (uint64_t)split->least;
    const uint64_t before_last = (uint64_t)split->most - start; // ids behind the first one
    const double wide = (double)rows * split->width / split->rows;
    const uint64_t most = before_last / 8 + rows; // a gap must not make all that is behind it a single range
    uint64_t width = wide < 1 ? 1 : wide < 1e18 ? (uint64_t)wide : UINT64_C(1000000000000000000);
    width = width < most ? width : most;
    range->from = split->next;
    range->width = width > before_last ? before_last + 1 : width;
    split->ended = width > before_last;
    range->to = split->next = split->ended ? split->most : (int64_t)(start + width - 1);
}

static bool next_key(struct sqlite_split *split, sqlite3_stmt *boundary, int parameters, uint64_t rows,
                     struct sqlite_range *range) {
    sqlite3_value *to = NULL;
    range->from_key = split->next_key ? sqlite3_value_dup(split->next_key) : NULL;
    if (split->next_key) {
        sqlite3_reset(boundary);
        sqlite3_bind_value(boundary, parameters + 1, split->next_key);
        sqlite3_bind_int64(boundary, parameters + 2, (int64_t)rows - 1);
        const int code = sqlite3_step(boundary);
        if (code == SQLITE_ROW)
            to = sqlite3_value_dup(sqlite3_column_value(boundary, 0));
        else if (code != SQLITE_DONE)
            return false;
        sqlite3_reset(boundary);
    } else {
        to = sqlite3_value_dup(split->lowest);
    }
    split->ended = !to;
    range->to_key = to ? to : sqlite3_value_dup(split->highest);
    sqlite3_value_free(split->next_key);
    split->next_key = sqlite3_value_dup(range->to_key);
    return true;
}

bool sqlite_split_next(struct sqlite_split *split, sqlite3_stmt *boundary, int parameters, uint64_t rows,
                       struct sqlite_range *range) {
    *range = (struct sqlite_range){.kind = split->begun ? SQLITE_RANGE_NEXT : SQLITE_RANGE_FIRST};
    if (split->has_nulls) {
        range->kind = SQLITE_RANGE_NULLS;
        split->has_nulls = false;
        return true;
    }
    if (split->whole_numbers)
        next_number(split, rows, range);
    else if (!next_key(split, boundary, parameters, rows, range))
        return false;
    split->begun = true;
    return true;
}

// Later ranges count more.
void sqlite_split_learn(struct sqlite_split *split, const struct sqlite_range *range, uint64_t rows) {
    enum { FORGET = 2 };
    if (range->width == 0)
        return;
    split->rows = split->rows / FORGET + (double)rows;
    split->width = split->width / FORGET + (double)range->width;
}

double sqlite_split_share(const struct sqlite_split *split) {
    if (!split->whole_numbers || !split->begun)
        return 0;
    const double all = (double)((uint64_t)split->most - (uint64_t)split->least) + 1;
    return ((double)((uint64_t)split->next - (uint64_t)split->least) + 1) / all;
}

void sqlite_range_bind(const struct sqlite_range *range, int parameters, sqlite3_stmt *stmt) {
    if (range->kind == SQLITE_RANGE_NULLS)
        return;
    if (range->to_key) {
        sqlite3_bind_value(stmt, parameters + 2, range->to_key);
        if (range->kind == SQLITE_RANGE_NEXT)
            sqlite3_bind_value(stmt, parameters + 1, range->from_key);
        return;
    }
    sqlite3_bind_int64(stmt, parameters + 2, range->to);
    if (range->kind == SQLITE_RANGE_NEXT)
        sqlite3_bind_int64(stmt, parameters + 1, range->from);
}

void sqlite_range_release(struct sqlite_range *range) {
    sqlite3_value_free(range->from_key);
    sqlite3_value_free(range->to_key);
    range->from_key = range->to_key = NULL;
}
