// SPDX-License-Identifier: MIT
/*
 *     rows    key, place, packed           as they were added; gone when all are sorted
 *     groups  key, number, place, n, packed  of a key its records, one behind the other; in the order of keys
 *
 * A key that is an integer is stored as nine bytes that sort as the integers do, any other one behind a byte that is
 * greater than theirs.
 */
#include "stages/load/joins/join_spill.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"

enum { STEPS = 4096, INTEGER = 1, TEXT = 2 };

struct join_spill {
    sqlite3 *db;
    sqlite3_stmt *add, *find;
    pthread_mutex_t lock; // of `find`
    struct str name;
    const atomic_bool *interrupt;
    struct buf key;
};

static int look_up(void *self) {
    const struct join_spill *spill = self;
    return spill->interrupt && atomic_load_explicit(spill->interrupt, memory_order_relaxed);
}

static enum status failure(const struct join_spill *spill, struct err *err) {
    switch (sqlite3_errcode(spill->db)) {
    case SQLITE_INTERRUPT:
        return err_set(err, STATUS_CANCELLED, "%.*s: interrupted", STR_ARG(spill->name));
    case SQLITE_NOMEM:
        return err_set(err, STATUS_MEMORY, "%.*s: no memory for its records by key", STR_ARG(spill->name));
    default:
        return err_set(err, STATUS_IO,
                       "%.*s: its records by key do not fit in memory (limits: join_bytes), and the "
                       "temporary file for them failed: %s",
                       STR_ARG(spill->name), sqlite3_errmsg(spill->db));
    }
}

// Keys ---------------------------------------------------------------------------------------------------------

// As it would be written: "7", but neither "07" nor "+7".
static bool is_integer(struct str key, int64_t *number) {
    const bool minus = key.n > 1 && key.p[0] == '-';
    const struct str digits = str_from(key, minus);
    if (digits.n == 0 || (digits.p[0] == '0' && key.n > 1))
        return false;
    return digits.p[0] >= '0' && digits.p[0] <= '9' && number_parse_int(key, number);
}

static struct str stored_key(struct buf *out, struct str key) {
    int64_t number;
    buf_clear(out);
    if (!is_integer(key, &number)) {
        buf_add_char(out, TEXT);
        buf_add_str(out, key);
        return buf_str(out);
    }
    const uint64_t bits = (uint64_t)number ^ (1ull << 63);
    buf_add_char(out, INTEGER);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_char(out, (char)(bits >> shift & 255));
    return buf_str(out);
}

static struct str shown_key(struct str stored, char room[24]) {
    uint64_t bits = 0;
    if (stored.n == 0 || stored.p[0] != INTEGER)
        return str_from(stored, 1);
    for (size_t i = 1; i < stored.n; i++)
        bits = bits << 8 | (unsigned char)stored.p[i];
    return (struct str){room, (size_t)snprintf(room, 24, "%lld", (long long)(bits ^ (1ull << 63)))};
}

static struct str blob(sqlite3_stmt *stmt, int column) {
    const char *p = sqlite3_column_blob(stmt, column);
    return (struct str){p ? p : "", (size_t)sqlite3_column_bytes(stmt, column)};
}

static void bind_blob(sqlite3_stmt *stmt, int at, struct str bytes) {
    sqlite3_bind_blob64(stmt, at, bytes.n ? bytes.p : "", bytes.n, SQLITE_STATIC);
}

// ------------------------------------------------------------------------------------------------------------

static bool run_sql(const struct join_spill *spill, const char *sql) {
    return sqlite3_exec(spill->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(const struct join_spill *spill, const char *sql, sqlite3_stmt **stmt) {
    return sqlite3_prepare_v2(spill->db, sql, -1, stmt, NULL) == SQLITE_OK;
}

enum status join_spill_open(struct str name, const atomic_bool *interrupt, struct join_spill **out,
                            struct err *err) {
    struct join_spill *spill = MEM_NEW(struct join_spill);
    spill->name = name;
    spill->interrupt = interrupt;
    pthread_mutex_init(&spill->lock, NULL);
    *out = spill;
    // No name: a file that is gone when it is closed. Nobody else sees it, so nothing need be undone.
    if (sqlite3_open_v2("", &spill->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return spill->db ? failure(spill, err)
                         : err_set(err, STATUS_MEMORY, "%.*s: no memory", STR_ARG(name));
    sqlite3_progress_handler(spill->db, STEPS, look_up, spill);
    const bool fine =
        run_sql(spill, "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                       "PRAGMA cache_size = -16384; PRAGMA temp_store = FILE;"
                       "PRAGMA locking_mode = EXCLUSIVE;"
                       "CREATE TABLE rows (key BLOB, place INTEGER, packed BLOB); BEGIN") &&
        prepare(spill, "INSERT INTO rows VALUES (?1, ?2, ?3)", &spill->add);
    return fine ? STATUS_OK : failure(spill, err);
}

void join_spill_close(struct join_spill *spill) {
    if (!spill)
        return;
    sqlite3_finalize(spill->add);
    sqlite3_finalize(spill->find);
    sqlite3_close(spill->db);
    pthread_mutex_destroy(&spill->lock);
    buf_release(&spill->key);
    mem_free(spill);
}

enum status join_spill_add(struct join_spill *spill, struct str key, uint64_t place, struct str packed,
                           struct err *err) {
    sqlite3_reset(spill->add);
    bind_blob(spill->add, 1, stored_key(&spill->key, key));
    sqlite3_bind_int64(spill->add, 2, (sqlite3_int64)place);
    bind_blob(spill->add, 3, packed);
    return sqlite3_step(spill->add) == SQLITE_DONE ? STATUS_OK : failure(spill, err);
}

// Sorting ------------------------------------------------------------------------------------------------------

struct sorting {
    const struct join_spill *spill;
    sqlite3_stmt *put;
    bool one;
    struct buf key, packed; // of the group that is being put together
    uint64_t place, keys, repeated;
    uint32_t n;
};

static bool put_group(struct sorting *s) {
    if (s->n == 0)
        return true;
    sqlite3_reset(s->put);
    bind_blob(s->put, 1, buf_str(&s->key));
    sqlite3_bind_int64(s->put, 2, (sqlite3_int64)s->keys++);
    sqlite3_bind_int64(s->put, 3, (sqlite3_int64)s->place);
    sqlite3_bind_int64(s->put, 4, s->n);
    bind_blob(s->put, 5, buf_str(&s->packed));
    return sqlite3_step(s->put) == SQLITE_DONE;
}

static bool take_row(struct sorting *s, sqlite3_stmt *row) {
    const struct str key = blob(row, 0);
    if (s->n > 0 && str_equal(key, buf_str(&s->key))) {
        s->repeated += s->one;
        s->n += !s->one;
        if (!s->one)
            buf_add_str(&s->packed, blob(row, 2));
        return true;
    }
    if (!put_group(s))
        return false;
    buf_clear(&s->key);
    buf_add_str(&s->key, key);
    buf_clear(&s->packed);
    buf_add_str(&s->packed, blob(row, 2));
    s->place = (uint64_t)sqlite3_column_int64(row, 1);
    s->n = 1;
    return true;
}

static bool sort(struct sorting *s) {
    sqlite3_stmt *rows = NULL;
    bool fine = prepare(s->spill, "INSERT INTO groups VALUES (?1, ?2, ?3, ?4, ?5)", &s->put) &&
                prepare(s->spill, "SELECT key, place, packed FROM rows ORDER BY key, place", &rows);
    int code = SQLITE_ROW;
    while (fine && (code = sqlite3_step(rows)) == SQLITE_ROW)
        fine = take_row(s, rows);
    fine = fine && code == SQLITE_DONE && put_group(s);
    return fine;
}

enum status join_spill_end(struct join_spill *spill, bool one, uint64_t *keys, uint64_t *repeated,
                           struct err *err) {
    struct sorting s = {.spill = spill, .one = one};
    sqlite3_finalize(spill->add);
    spill->add = NULL;
    const bool fine =
        run_sql(spill, "CREATE TABLE groups (key BLOB PRIMARY KEY, number INTEGER, place INTEGER, "
                       "n INTEGER, packed BLOB) WITHOUT ROWID") &&
        sort(&s);
    enum status status = fine ? STATUS_OK : failure(spill, err);
    for (sqlite3_stmt *stmt; (stmt = sqlite3_next_stmt(spill->db, NULL));)
        sqlite3_finalize(stmt);
    if (fine && (!run_sql(spill, "DROP TABLE rows; COMMIT") ||
                 !prepare(spill, "SELECT number, n, packed FROM groups WHERE key = ?1", &spill->find)))
        status = failure(spill, err);
    sqlite3_progress_handler(spill->db, 0, NULL, NULL); // what is looked up is soon found
    *keys = s.keys;
    *repeated = s.repeated;
    buf_release(&s.key);
    buf_release(&s.packed);
    return status;
}

// Looking up -----------------------------------------------------------------------------------------------------

static enum status take_found(const struct join_spill *spill, struct arena *arena, struct join_spilled *out,
                              struct err *err) {
    const int code = sqlite3_step(spill->find);
    if (code == SQLITE_DONE)
        return STATUS_OK;
    if (code != SQLITE_ROW)
        return failure(spill, err);
    out->number = (uint64_t)sqlite3_column_int64(spill->find, 0);
    out->n = (uint32_t)sqlite3_column_int64(spill->find, 1);
    out->packed = arena_str(arena, blob(spill->find, 2));
    return out->packed.p ? STATUS_OK
                         : err_set(err, STATUS_MEMORY, "%.*s: no memory for the records of a key",
                                   STR_ARG(spill->name));
}

enum status join_spill_find(struct join_spill *spill, struct str key, struct arena *arena,
                            struct join_spilled *out, struct err *err) {
    *out = (struct join_spilled){0};
    pthread_mutex_lock(&spill->lock);
    bind_blob(spill->find, 1, stored_key(&spill->key, key));
    const enum status status = take_found(spill, arena, out, err);
    sqlite3_reset(spill->find);
    pthread_mutex_unlock(&spill->lock);
    return status;
}

void join_spill_each(struct join_spill *spill, join_spill_fn fn, void *context) {
    sqlite3_stmt *stmt = NULL;
    char room[24];
    bool more = prepare(spill, "SELECT number, key, place, n FROM groups ORDER BY key", &stmt);
    while (more && sqlite3_step(stmt) == SQLITE_ROW)
        more = fn(context, (uint64_t)sqlite3_column_int64(stmt, 0), shown_key(blob(stmt, 1), room),
                  (uint64_t)sqlite3_column_int64(stmt, 2), (uint32_t)sqlite3_column_int64(stmt, 3));
    sqlite3_finalize(stmt);
}

uint64_t join_spill_bytes(const struct join_spill *spill) {
    sqlite3_stmt *stmt = NULL;
    uint64_t bytes = 0;
    if (prepare(spill, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &stmt) &&
        sqlite3_step(stmt) == SQLITE_ROW)
        bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return bytes;
}
