// SPDX-License-Identifier: MIT
#include "stages/emit/table_keys.h"

#include "base/mem.h"
#include "base/number.h"
#include "stages/emit/emit.h"
#include "stages/record/sqlite_names.h"

enum { SLOTS_MIN = 1024 };

enum affinity { AFFINITY_NUMBER, AFFINITY_REAL, AFFINITY_TEXT, AFFINITY_NONE };
enum collation { COLLATION_BINARY, COLLATION_NOCASE, COLLATION_RTRIM };

struct key_column {
    enum affinity affinity;
    enum collation collation;
    uint32_t at; // in the rows of the shape that was located
};

void table_keys_init(struct table_keys *keys, sqlite3 *db, struct str table, const struct str *unique,
                     size_t unique_n, bool keyed) {
    *keys = (struct table_keys){.db = db,
                                .table = table,
                                .unique = unique,
                                .unique_n = unique_n,
                                .keyed = keyed,
                                .columns = MEM_NEW_ARRAY(struct key_column, unique_n)};
}

void table_keys_release(struct table_keys *keys) {
    mem_free(keys->columns);
    mem_free(keys->slots);
    sqlite3_finalize(keys->convert);
    buf_release(&keys->bytes);
}

// The table ------------------------------------------------------------------------------------------------------

static struct key_column *find_column(const struct table_keys *keys, struct str name) {
    for (size_t i = 0; i < keys->unique_n; i++)
        if (sqlite_names_equal(keys->unique[i], name))
            return &keys->columns[i];
    return NULL;
}

static struct str text_of(sqlite3_stmt *stmt, int column) {
    return str_of((const char *)sqlite3_column_text(stmt, column));
}

static int prepare(const struct table_keys *keys, const char *sql, sqlite3_stmt **stmt) {
    int code = sqlite3_prepare_v2(keys->db, sql, -1, stmt, NULL);
    if (code == SQLITE_OK)
        sqlite3_bind_text(*stmt, 1, keys->table.p, (int)keys->table.n, SQLITE_STATIC);
    return code;
}

// SQLite's own rules; in a STRICT table ANY is a type, and converts nothing.
static int look_at_affinities(struct table_keys *keys) {
    sqlite3_stmt *stmt = NULL;
    int code = prepare(
        keys,
        "SELECT name, CASE WHEN type LIKE '%INT%' THEN 0 "
        "WHEN type LIKE '%CHAR%' OR type LIKE '%CLOB%' OR type LIKE '%TEXT%' THEN 2 "
        "WHEN type = '' OR type LIKE '%BLOB%' THEN 3 "
        "WHEN type LIKE '%REAL%' OR type LIKE '%FLOA%' OR type LIKE '%DOUB%' THEN 1 "
        "WHEN type LIKE 'ANY' AND (SELECT strict FROM pragma_table_list(?1) WHERE schema = 'main') THEN 3 "
        "ELSE 0 END " // enum affinity
        "FROM pragma_table_xinfo(?1, 'main')",
        &stmt);
    while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct key_column *column = find_column(keys, text_of(stmt, 0));
        if (column)
            column->affinity = (enum affinity)sqlite3_column_int(stmt, 1);
        code = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static enum collation collation_of(struct str name) {
    return sqlite_names_equal(name, STR("NOCASE"))  ? COLLATION_NOCASE
           : sqlite_names_equal(name, STR("RTRIM")) ? COLLATION_RTRIM
                                                    : COLLATION_BINARY;
}

// Of the first index that is over the unique columns and no others. Where there is none, it is the INTEGER PRIMARY
// KEY, which has no text.
static int look_at_collations(struct table_keys *keys) {
    sqlite3_stmt *stmt = NULL;
    enum collation *collations = MEM_NEW_ARRAY(enum collation, keys->unique_n);
    int code = prepare(keys,
                       "SELECT l.name, x.name, x.coll, count(*) OVER (PARTITION BY l.seq) "
                       "FROM pragma_index_list(?1, 'main') AS l, pragma_index_xinfo(l.name, 'main') AS x "
                       "WHERE l.\"unique\" AND NOT l.partial AND x.key ORDER BY l.seq, x.seqno",
                       &stmt);
    size_t n = 0;
    bool found = false;
    for (struct buf index = BUF_INIT;;) {
        if (code == SQLITE_OK)
            code = sqlite3_step(stmt);
        if (code != SQLITE_ROW) {
            buf_release(&index);
            break;
        }
        code = SQLITE_OK;
        if (!str_equal(buf_str(&index), text_of(stmt, 0))) { // the next one
            buf_clear(&index);
            buf_add_str(&index, text_of(stmt, 0));
            n = 0;
        }
        const struct key_column *column = find_column(keys, text_of(stmt, 1));
        if (found || !column || sqlite3_column_int64(stmt, 3) != (sqlite3_int64)keys->unique_n)
            continue;
        collations[column - keys->columns] = collation_of(text_of(stmt, 2));
        found = ++n == keys->unique_n;
    }
    for (size_t i = 0; found && i < keys->unique_n; i++)
        keys->columns[i].collation = collations[i];
    mem_free(collations);
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int look(struct table_keys *keys) {
    if (keys->looked)
        return SQLITE_OK;
    int code = look_at_affinities(keys);
    if (code == SQLITE_OK)
        code = look_at_collations(keys);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(keys->db, "SELECT ?1", -1, SQLITE_PREPARE_PERSISTENT, &keys->convert, NULL);
    keys->looked = code == SQLITE_OK;
    return code;
}

// Values ---------------------------------------------------------------------------------------------------------

int table_bind(sqlite3_stmt *stmt, int i, struct value v) {
    switch (v.tag) {
    case VALUE_BOOL:
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, i, v.i);
    case VALUE_FLOAT:
        return sqlite3_bind_double(stmt, i, v.f);
    case VALUE_STRING:
        return sqlite3_bind_text64(stmt, i, v.n ? v.s : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
    default:
        return sqlite3_bind_null(stmt, i);
    }
}

// Framed by the kind, and text by its length.
static void add_number(struct buf *out, char kind, const void *number) {
    buf_add_char(out, kind);
    buf_add(out, number, 8);
}

static void add_integer(struct buf *out, int64_t i) {
    add_number(out, 'i', &i);
}

// Doubles that are whole are compared with integers, by their value.
static void add_double(struct buf *out, double f) {
    if (f >= -0x1p63 && f < 0x1p63 && (double)(int64_t)f == f)
        add_integer(out, (int64_t)f);
    else
        add_number(out, 'f', &f);
}

static void add_text(struct buf *out, struct str text, enum collation collation) {
    while (collation == COLLATION_RTRIM && text.n && text.p[text.n - 1] == ' ')
        text.n--;
    uint64_t n = text.n;
    add_number(out, 's', &n);
    size_t start = out->n;
    buf_add_str(out, text);
    for (size_t i = start; collation == COLLATION_NOCASE && i < out->n; i++)
        if (out->p[i] >= 'A' && out->p[i] <= 'Z')
            out->p[i] = (char)(out->p[i] - 'A' + 'a');
}

// A number that becomes text, or a text that may become a number: SQLite knows how.
static int add_converted(struct table_keys *keys, const struct key_column *column, struct value v) {
    sqlite3_stmt *stmt = keys->convert;
    int code = table_bind(stmt, 1, v);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(stmt);
    sqlite3_value *value = code == SQLITE_ROW ? sqlite3_value_dup(sqlite3_column_value(stmt, 0)) : NULL;
    sqlite3_reset(stmt);
    if (!value)
        return code == SQLITE_ROW ? SQLITE_NOMEM : code;
    int type = column->affinity == AFFINITY_TEXT ? SQLITE_TEXT : sqlite3_value_numeric_type(value);
    if (type == SQLITE_INTEGER && column->affinity != AFFINITY_REAL)
        add_integer(&keys->bytes, sqlite3_value_int64(value));
    else if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        add_double(&keys->bytes, sqlite3_value_double(value));
    else
        add_text(&keys->bytes, str_of((const char *)sqlite3_value_text(value)), column->collation);
    sqlite3_value_free(value);
    return SQLITE_OK;
}

static int add_value(struct table_keys *keys, const struct key_column *column, struct value v) {
    bool text = v.tag == VALUE_STRING;
    if (v.tag == VALUE_NONE)
        buf_add_char(&keys->bytes, 'n');
    else if (text ? column->affinity == AFFINITY_NUMBER || column->affinity == AFFINITY_REAL
                  : column->affinity == AFFINITY_TEXT)
        return add_converted(keys, column, v);
    else if (text)
        add_text(&keys->bytes, value_str(v), column->collation);
    else if (v.tag == VALUE_FLOAT)
        add_double(&keys->bytes, v.f);
    else if (column->affinity == AFFINITY_REAL)
        add_double(&keys->bytes, (double)v.i);
    else
        add_integer(&keys->bytes, v.i);
    return SQLITE_OK;
}

static struct value value_in(const struct table_keys *keys, const struct table_row *row, size_t i) {
    if (keys->keyed)
        return value_string(row->key);
    uint32_t at = keys->columns[i].at;
    return at < row->shape->n ? row->values[at] : (struct value){.tag = VALUE_NONE};
}

static void locate(struct table_keys *keys, const struct shape *shape) {
    if (keys->keyed || shape == keys->located)
        return;
    for (size_t i = 0; i < keys->unique_n; i++) {
        uint32_t at = 0;
        while (at < shape->n && !sqlite_names_equal(keys->unique[i], value_str(shape->keys[at])))
            at++;
        keys->columns[i].at = at;
    }
    keys->located = shape->shared ? shape : NULL; // the address of another one says nothing
}

int table_keys_of(struct table_keys *keys, const struct table_row *row, struct digest *key) {
    int code = look(keys);
    locate(keys, row->shape);
    buf_clear(&keys->bytes);
    for (size_t i = 0; code == SQLITE_OK && i < keys->unique_n; i++)
        code = add_value(keys, &keys->columns[i], value_in(keys, row, i));
    *key = digest_of(buf_str(&keys->bytes));
    if (key->high == 0 && key->low == 0)
        key->low = 1;
    return code;
}

void table_keys_show(struct table_keys *keys, const struct table_row *row, struct buf *out) {
    char shown[EMIT_SHOWN_SIZE], number[NUMBER_TEXT_SIZE];
    locate(keys, row->shape);
    for (size_t i = 0; i < keys->unique_n; i++) {
        struct value v = value_in(keys, row, i);
        buf_add_text(out, i ? ", " : "");
        if (v.tag == VALUE_STRING)
            buf_printf(out, "\"%s\"", emit_show_path(value_str(v), shown));
        else if (v.tag == VALUE_FLOAT)
            buf_add(out, number, number_write_double(number, v.f));
        else if (v.tag == VALUE_BOOL)
            buf_add_text(out, v.i ? "true" : "false");
        else
            buf_add(out, number, number_write_int(number, v.i));
    }
    buf_add_text(out, " (");
    for (size_t i = 0; i < keys->unique_n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", emit_show_path(keys->unique[i], shown));
    buf_add_text(out, ")");
}

// The set --------------------------------------------------------------------------------------------------------

static struct digest *slot_of(const struct table_keys *keys, struct digest key) {
    size_t at = (size_t)key.low & (keys->slots_n - 1);
    while ((keys->slots[at].high || keys->slots[at].low) && !digest_equal(keys->slots[at], key))
        at = (at + 1) & (keys->slots_n - 1);
    return &keys->slots[at];
}

bool table_keys_have(const struct table_keys *keys, struct digest key) {
    return keys->slots_n > 0 && digest_equal(*slot_of(keys, key), key);
}

static void grow(struct table_keys *keys) {
    struct digest *old = keys->slots;
    size_t old_n = keys->slots_n;
    keys->slots_n = old_n ? old_n * 2 : SLOTS_MIN;
    keys->slots = MEM_NEW_ARRAY(struct digest, keys->slots_n);
    for (size_t i = 0; i < old_n; i++)
        if (old[i].high || old[i].low)
            *slot_of(keys, old[i]) = old[i];
    mem_free(old);
}

void table_keys_add(struct table_keys *keys, struct digest key) {
    if ((keys->n + 1) * 4 > keys->slots_n * 3)
        grow(keys);
    *slot_of(keys, key) = key;
    keys->n++;
}
