// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_split.h"

#include <string.h>

enum { LEAST_SPAN = 2048 }; // fewer rowids than that are not worth a second connection

// Texts ----------------------------------------------------------------------------------------------------------

// Where it is read from: an own lower bound, which SQLite is to begin at whatever other bounds the query has.
static void write_texts(struct sqlite_split *split, const struct sqlite_source *s, bool likely) {
    const struct str key = buf_str(&s->key), from = str_from(buf_str(&s->whole), strlen("SELECT *"));
    const char *open = likely ? "likelihood(" : "", *close = likely ? ", 0.0001)" : "";
    const char *compare[SQLITE_RANGE_KINDS] = {NULL, ">=", ">"};
    buf_clear(&split->sql[SQLITE_RANGE_NULLS]);
    buf_printf(&split->sql[SQLITE_RANGE_NULLS], "SELECT *, 1%.*s WHERE %.*s IS NULL", STR_ARG(from),
               STR_ARG(key));
    for (int i = SQLITE_RANGE_FIRST; i <= SQLITE_RANGE_NEXT; i++) {
        buf_clear(&split->sql[i]);
        buf_printf(&split->sql[i],
                   "SELECT *, %.*s <= " SQLITE_RANGE_TO "%.*s WHERE %s%.*s %s " SQLITE_RANGE_FROM
                   "%s ORDER BY %.*s",
                   STR_ARG(key), STR_ARG(from), open, STR_ARG(key), compare[i], close, STR_ARG(key));
    }
    buf_clear(&split->boundary);
    buf_printf(&split->boundary,
               "SELECT %.*s%.*s WHERE %s%.*s > " SQLITE_RANGE_FROM
               "%s ORDER BY %.*s LIMIT 1 OFFSET " SQLITE_RANGE_TO,
               STR_ARG(key), STR_ARG(from), open, STR_ARG(key), close, STR_ARG(key));
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

static sqlite3_stmt *explain(const struct sqlite_split *split, const struct asking *asking, const char *how) {
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    buf_printf(&sql, "%s %.*s", how, STR_ARG(buf_str(&split->sql[SQLITE_RANGE_NEXT])));
    if (sqlite3_prepare_v2(asking->source->db, sql.p, (int)sql.n, &stmt, NULL) != SQLITE_OK)
        sqlite_source_error(asking->source, 0, asking->err);
    buf_release(&sql);
    return stmt;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

// Whether SQLite reads on from where it went to, in the range's order, and looks up all else: what it scans, sorts or
// indexes it would for each range. What happens within subqueries for each row is not looked at.
static bool is_planned(sqlite3_stmt *plan) {
    enum { PARENT = 1, DETAIL = 3 };
    bool first = true, fine = true;
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, DETAIL);
        if (sqlite3_column_int(plan, PARENT) != 0 || !detail)
            continue;
        if (first)
            fine = begins(detail, "SEARCH ") && strstr(detail, ">?");
        else if (begins(detail, "USE TEMP B-TREE") || begins(detail, "BLOOM") ||
                 strstr(detail, "AUTOMATIC") ||
                 (begins(detail, "SCAN ") && !strstr(detail, "VIRTUAL TABLE") &&
                  !strstr(detail, "CONSTANT ROW")))
            fine = false;
        first = false;
    }
    return fine && !first;
}

// Whether it goes to our bound, and not to one of the query's own: then each range would read all that is before it. The
// program tells: the first search is by what was made of our parameter.
static bool is_ours(sqlite3_stmt *program) {
    enum { OPCODE = 1, P1, P2, P3, REGISTERS = 1 << 12 };
    const int parameter = sqlite3_bind_parameter_index(program, SQLITE_RANGE_FROM);
    bool ours[REGISTERS] = {false}; // by register
    for (int pass = 0; pass < 2; pass++, sqlite3_reset(program))
        while (sqlite3_step(program) == SQLITE_ROW) {
            const char *opcode = (const char *)sqlite3_column_text(program, OPCODE);
            const int p1 = sqlite3_column_int(program, P1), p2 = sqlite3_column_int(program, P2),
                      p3 = sqlite3_column_int(program, P3);
            if (pass == 0 && strcmp(opcode, "Variable") == 0 && p1 == parameter && p2 >= 0 && p2 < REGISTERS)
                ours[p2] = true;
            if (pass == 1 && (begins(opcode, "SeekG") || begins(opcode, "SeekL")))
                return p3 >= 0 && p3 < REGISTERS && ours[p3];
        }
    return false;
}

static enum status look_at_plan(struct sqlite_split *split, const struct asking *asking) {
    sqlite3_stmt *plan = explain(split, asking, "EXPLAIN QUERY PLAN"),
                 *program = explain(split, asking, "EXPLAIN");
    const bool told = plan && program;
    split->possible = told && is_planned(plan) && is_ours(program);
    sqlite3_finalize(plan);
    sqlite3_finalize(program);
    return told ? STATUS_OK : asking->err->status;
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
    for (int likely = 0; likely < 2 && !split->possible; likely++) {
        write_texts(split, source, likely);
        if (look_at_plan(split, &asking) != STATUS_OK)
            return err->status;
    }
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

static int from_of(sqlite3_stmt *stmt) {
    return sqlite3_bind_parameter_index(stmt, SQLITE_RANGE_FROM);
}

static int to_of(sqlite3_stmt *stmt) {
    return sqlite3_bind_parameter_index(stmt, SQLITE_RANGE_TO);
}

static void next_number(struct sqlite_split *split, uint64_t rows, struct sqlite_range *range) {
    const uint64_t start = split->begun ? (uint64_t)split->next + 1 : (uint64_t)split->least;
    const uint64_t before_last = (uint64_t)split->most - start; // ids behind the first one
    const double wide = (double)rows * split->width / split->rows;
    const uint64_t most = before_last / 8 + rows; // a gap must not make all that is behind it a single range
    uint64_t width = wide < 1 ? 1 : wide < 1e18 ? (uint64_t)wide : UINT64_C(1000000000000000000);
    width = width < most ? width : most;
    range->from = split->begun ? split->next : split->least;
    range->width = width > before_last ? before_last + 1 : width;
    split->ended = width > before_last;
    range->to = split->next = split->ended ? split->most : (int64_t)(start + width - 1);
}

// The first range has the lowest key alone.
static bool next_key(struct sqlite_split *split, sqlite3_stmt *boundary, uint64_t rows,
                     struct sqlite_range *range) {
    sqlite3_value *to = NULL;
    range->from_key = sqlite3_value_dup(split->next_key ? split->next_key : split->lowest);
    if (split->next_key) {
        sqlite3_reset(boundary);
        sqlite3_bind_value(boundary, from_of(boundary), split->next_key);
        sqlite3_bind_int64(boundary, to_of(boundary), (int64_t)rows - 1);
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

bool sqlite_split_next(struct sqlite_split *split, sqlite3_stmt *boundary, uint64_t rows,
                       struct sqlite_range *range) {
    *range = (struct sqlite_range){.kind = split->begun ? SQLITE_RANGE_NEXT : SQLITE_RANGE_FIRST};
    if (split->has_nulls) {
        range->kind = SQLITE_RANGE_NULLS;
        split->has_nulls = false;
        return true;
    }
    if (split->whole_numbers)
        next_number(split, rows, range);
    else if (!next_key(split, boundary, rows, range))
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

void sqlite_range_bind(const struct sqlite_range *range, sqlite3_stmt *stmt) {
    if (range->kind == SQLITE_RANGE_NULLS)
        return;
    if (range->to_key) {
        sqlite3_bind_value(stmt, from_of(stmt), range->from_key);
        sqlite3_bind_value(stmt, to_of(stmt), range->to_key);
        return;
    }
    sqlite3_bind_int64(stmt, from_of(stmt), range->from);
    sqlite3_bind_int64(stmt, to_of(stmt), range->to);
}

void sqlite_range_release(struct sqlite_range *range) {
    sqlite3_value_free(range->from_key);
    sqlite3_value_free(range->to_key);
    range->from_key = range->to_key = NULL;
}
