// SPDX-License-Identifier: MIT
#include "pipeline/doctor/index_candidates.h"

#include <ctype.h>

#include "base/mem.h"
#include "stages/record/sqlite_names.h"

enum { CANDIDATES_MOST = 64 };

// ---- columns

static bool has_column(const struct index_candidate *candidate, struct str name) {
    for (size_t i = 0; i < candidate->n; i++)
        if (str_equal(candidate->columns[i].name, name))
            return true;
    return false;
}

// False: there is no more room.
static bool append(const struct wished_table *table, const struct wished_column *wished,
                   struct index_candidate *candidate) {
    const struct str name = table->fields[wished->column].name;
    if (has_column(candidate, name))
        return true;
    if (candidate->n == INDEX_COLUMNS_MOST)
        return false;
    candidate->columns[candidate->n++] =
        (struct index_column){.name = name, .collation = wished->collation, .descending = wished->descending};
    return true;
}

static void append_all(const struct wished_table *table, const struct wished_column *list, size_t n,
                       struct index_candidate *candidate) {
    for (size_t i = 0; i < n && append(table, &list[i], candidate); i++)
        continue;
}

// The other columns that are read, if all of them are known and few; an index that has all the table has is a second table.
static void find_rest(const struct wished_table *table, uint64_t used, struct index_candidate *candidate) {
    size_t n = 0, keys = 0;
    for (size_t i = 0; i < table->n; i++) {
        const struct wished_field *field = &table->fields[i];
        keys += field->is_key;
        if (!(used >> (i < 63 ? i : 63) & 1) || field->is_key || has_column(candidate, field->name))
            continue;
        if (n < INDEX_REST_MOST)
            candidate->rest[n] = (struct index_column){.name = field->name};
        n++;
    }
    const bool narrow =
        n <= INDEX_REST_MOST && candidate->n + n <= INDEX_COLUMNS_MOST && candidate->n + n + keys < table->n;
    candidate->rest_n = narrow ? n : 0;
}

static bool column_equal(const struct index_column *a, const struct index_column *b) {
    return str_equal(a->name, b->name) && str_equal(a->collation, b->collation) &&
           a->descending == b->descending;
}

bool index_candidate_begins(const struct index_candidate *candidate, const struct index_candidate *other) {
    if (!sqlite_names_equal(candidate->table, other->table) || candidate->n > other->n)
        return false;
    for (size_t i = 0; i < candidate->n; i++)
        if (!column_equal(&candidate->columns[i], &other->columns[i]))
            return false;
    return true;
}

// ---- from wishes

static void add(struct index_candidates *out, const struct wished_table *table, const struct wish *wish,
                struct index_candidate *candidate) {
    if (candidate->n == 0 || out->n == CANDIDATES_MOST)
        return;
    find_rest(table, wish->used, candidate);
    for (size_t i = 0; i < out->n; i++) {
        struct index_candidate *known = &out->list[i];
        if (known->n == candidate->n && index_candidate_begins(known, candidate)) {
            known->rest_n = candidate->rest_n > known->rest_n ? candidate->rest_n : known->rest_n;
            memcpy(known->rest, candidate->rest_n ? candidate->rest : known->rest, sizeof known->rest);
            return;
        }
    }
    MEM_GROW(out->list, out->cap, out->n + 1);
    out->list[out->n++] = *candidate;
}

static bool is_by_key(const struct wished_table *table, const struct wished_column *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (table->fields[list[i].column].is_key)
            return true;
    return false;
}

// An index on what is descending only is as good ascending, read from its end.
static void turn_around(struct index_candidate *candidate, size_t from) {
    for (size_t i = from; i < candidate->n; i++)
        if (!candidate->columns[i].descending)
            return;
    for (size_t i = from; i < candidate->n; i++)
        candidate->columns[i].descending = false;
}

static void add_wished(struct index_candidates *out, const struct wishes *wishes, const struct wish *wish) {
    const struct wished_table *table = &wishes->tables[wish->table];
    const struct index_candidate none = {.table = table->name};
    struct index_candidate equal = none, more;
    if (is_by_key(table, wish->equal, wish->equal_n))
        return; // one row at most, found by the key
    append_all(table, wish->equal, wish->equal_n, &equal);
    more = equal;
    add(out, table, wish, &more);
    for (size_t i = 0; i < wish->range_n; i++) {
        more = equal;
        if (!table->fields[wish->range[i].column].is_key && append(table, &wish->range[i], &more))
            add(out, table, wish, &more);
    }
    if (wish->order_n && !table->fields[wish->order[0].column].is_key) {
        more = equal;
        append_all(table, wish->order, wish->order_n, &more);
        turn_around(&more, equal.n);
        add(out, table, wish, &more);
    }
    for (size_t i = 0; i < wish->equal_n && wish->equal_n > 1; i++) {
        more = none;
        append(table, &wish->equal[i], &more);
        add(out, table, wish, &more);
    }
}

int index_candidates_find(struct wishes *wishes, const char *sql, struct index_candidates *out) {
    const int code = wishes_collect(wishes, sql);
    *out = (struct index_candidates){NULL, 0, 0};
    for (size_t i = 0; i < wishes->n && code == SQLITE_OK; i++)
        add_wished(out, wishes, &wishes->list[i]);
    return code;
}

void index_candidates_release(struct index_candidates *candidates) {
    mem_free(candidates->list);
}

// ---- as SQL

static void write_name(struct str name, struct buf *out) {
    bool plain = name.n && !isdigit((unsigned char)name.p[0]) && !sqlite3_keyword_check(name.p, (int)name.n);
    for (size_t i = 0; i < name.n; i++)
        plain = plain && (isalnum((unsigned char)name.p[i]) || name.p[i] == '_');
    if (plain)
        buf_add_str(out, name);
    else
        sqlite_names_add(out, name);
}

void index_candidate_write(const struct index_candidate *candidate, struct buf *out) {
    write_name(candidate->table, out);
    buf_add_text(out, " (");
    for (size_t i = 0; i < candidate->n; i++) {
        const struct index_column *column = &candidate->columns[i];
        buf_add_text(out, i ? ", " : "");
        write_name(column->name, out);
        if (column->collation.p) {
            buf_add_text(out, " COLLATE ");
            write_name(column->collation, out);
        }
        buf_add_text(out, column->descending ? " DESC" : "");
    }
    buf_add_text(out, ")");
}

void index_candidate_write_sql(const struct index_candidate *candidate, struct str name, struct buf *out) {
    buf_add_text(out, "CREATE INDEX ");
    write_name(name, out);
    buf_add_text(out, " ON ");
    index_candidate_write(candidate, out);
}
