// SPDX-License-Identifier: MIT
#include "monitor/history_capsules.h"

#include <fcntl.h>

#include "base/fs.h"
#include "base/mem.h"
#include "monitor/history_private.h"

enum { WAIT_MS = 10000, DIGITS_LEAST = 8 };

static const char schema[] =
    "begin immediate;"
    "create table if not exists capsules ("
    "  digest text primary key, document text not null, file text);"
    "create table if not exists capsule_names ("
    "  name text primary key, capsule text not null, made integer not null);"
    "create table if not exists capsule_files (digest text primary key, bytes blob not null);"
    "commit";

// What no name leads to.
static const char sweep[] =
    "delete from capsules where digest not in (select capsule from capsule_names);"
    "delete from capsule_files where digest not in (select file from capsules where file is not null)";

static enum status open_store(const char *directory, struct history **h, struct err *err) {
    if (history_open_merged(directory, h, err) != STATUS_OK)
        return err->status;
    if (history_execute((*h)->db, schema, err) == STATUS_OK)
        return STATUS_OK;
    history_close(*h);
    *h = NULL;
    return err->status;
}

static enum status prepare(struct history *h, const char *sql, sqlite3_stmt **statement, struct err *err) {
    return sqlite3_prepare_v2(h->db, sql, -1, statement, NULL) == SQLITE_OK
               ? STATUS_OK
               : history_failed(h->db, "cannot read", err);
}

static void bind(sqlite3_stmt *statement, int at, struct str text) {
    if (text.p)
        sqlite3_bind_text(statement, at, text.p, (int)text.n, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, at);
}

// ---- keeping

static enum status insert(struct history *h, const char *sql, struct str first, struct str second,
                          struct str third, int64_t number, struct err *err) {
    sqlite3_stmt *statement;
    if (prepare(h, sql, &statement, err) != STATUS_OK)
        return err->status;
    bind(statement, 1, first);
    bind(statement, 2, second);
    if (number)
        sqlite3_bind_int64(statement, 3, number);
    else
        bind(statement, 3, third);
    int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot write", err);
}

static enum status insert_file(struct history *h, struct str digest, struct str file, struct err *err) {
    sqlite3_stmt *statement;
    if (prepare(h, "insert or ignore into capsule_files values (?, ?)", &statement, err) != STATUS_OK)
        return err->status;
    bind(statement, 1, digest);
    sqlite3_bind_blob64(statement, 2, file.p, file.n, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot write", err);
}

static enum status put(struct history *h, struct str name, int64_t made, struct str document, struct str file,
                       struct err *err) {
    char capsule[DIGEST_HEX_SIZE], bytes[DIGEST_HEX_SIZE];
    const struct str none = {NULL, 0};
    digest_hex(digest_of(document), capsule);
    digest_hex(digest_of(file), bytes);
    if (history_execute(h->db, "begin immediate", err) != STATUS_OK)
        return err->status;
    enum status status = file.p ? insert_file(h, str_of(bytes), file, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = insert(h, "insert or ignore into capsules values (?, ?, ?)", str_of(capsule), document,
                        file.p ? str_of(bytes) : none, 0, err);
    if (status == STATUS_OK)
        status = insert(h, "insert or replace into capsule_names values (?, ?, ?)", name, str_of(capsule),
                        none, made > 0 ? made : 1, err);
    if (status == STATUS_OK)
        status = history_execute(h->db, sweep, err);
    if (status == STATUS_OK)
        status = history_execute(h->db, "commit", err);
    if (status != STATUS_OK)
        sqlite3_exec(h->db, "rollback", NULL, NULL, NULL);
    return status;
}

enum status history_capsules_put(const char *directory, struct str name, int64_t made, struct str document,
                                 struct str file, struct err *err) {
    const struct fs fs = fs_system();
    sqlite3 *db;
    int failed = fs_make_dirs(&fs, AT_FDCWD, directory, 0777);
    if (failed < 0)
        return err_os(err, -failed, "cannot make %s", directory);
    if (file.n > HISTORY_CAPSULE_MOST)
        return err_set(err, STATUS_LIMIT, "a file of %zu bytes is too large to be kept", file.n);
    if (history_open_database(directory, WAIT_MS, &db, err) != STATUS_OK)
        return err->status;
    struct history h = {.db = db};
    enum status status = history_execute(db, schema, err);
    if (status == STATUS_OK)
        status = put(&h, name, made, document, file, err);
    sqlite3_close(db);
    return status;
}

// ---- finding

static struct history_capsule take(sqlite3_stmt *statement, struct arena *arena) {
    struct history_capsule capsule = {.name = history_text(statement, 0, arena),
                                      .made = sqlite3_column_int64(statement, 2),
                                      .document = history_text(statement, 3, arena)};
    capsule.digest = digest_of(capsule.document);
    return capsule;
}

#define SELECT "select name, digest, made, document from capsules join capsule_names on capsule = digest "

static bool is_digits(struct str text) {
    bool digits = text.n >= DIGITS_LEAST && text.n < DIGEST_HEX_SIZE;
    for (size_t i = 0; i < text.n && digits; i++)
        digits = (text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f');
    return digits;
}

// The one row there is; *found counts all that are not of the same capsule.
static enum status find(struct history *h, const char *sql, struct str word, struct arena *arena,
                        struct history_capsule *out, size_t *found, struct err *err) {
    sqlite3_stmt *statement;
    if (prepare(h, sql, &statement, err) != STATUS_OK)
        return err->status;
    bind(statement, 1, word);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct history_capsule capsule = take(statement, arena);
        *found += *found == 0 || !digest_equal(capsule.digest, out->digest);
        *out = capsule;
    }
    sqlite3_finalize(statement);
    return STATUS_OK;
}

enum status history_capsules_get(const char *directory, struct str name, struct arena *arena,
                                 struct history_capsule *out, struct err *err) {
    struct history *h;
    size_t found = 0;
    if (open_store(directory, &h, err) != STATUS_OK)
        return err->status;
    enum status status = find(h, SELECT "where name = ?", name, arena, out, &found, err);
    if (status == STATUS_OK && !found && is_digits(name))
        status = find(h, SELECT "where substr(digest, 1, length(?1)) = ?1", name, arena, out, &found, err);
    history_close(h);
    if (status == STATUS_OK && found != 1)
        status =
            err_set(err, STATUS_DATA, "%s capsule \"%.*s\" is kept in %s", found ? "more than one" : "no",
                    (int)(name.n < 200 ? name.n : 200), name.p, directory);
    return status;
}

static enum status read_file(struct history *h, struct digest capsule, char **bytes, size_t *n,
                             struct err *err) {
    sqlite3_stmt *statement;
    char hex[DIGEST_HEX_SIZE];
    struct digest wanted;
    digest_hex(capsule, hex);
    if (prepare(h,
                "select bytes, f.digest from capsule_files f join capsules c on c.file = f.digest where "
                "c.digest = ?",
                &statement, err) != STATUS_OK)
        return err->status;
    bind(statement, 1, str_of(hex));
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found) {
        const char *digest = (const char *)sqlite3_column_text(statement, 1),
                   *blob = sqlite3_column_blob(statement, 0);
        *n = (size_t)sqlite3_column_bytes(statement, 0);
        found = digest && blob && digest_parse(str_of(digest), &wanted) &&
                digest_equal(wanted, digest_of((struct str){blob, *n}));
        *bytes = found ? mem_copy(blob, *n) : NULL;
    }
    sqlite3_finalize(statement);
    return found ? STATUS_OK
                 : err_set(err, STATUS_DATA, "the file of capsule %.12s is damaged, or not there", hex);
}

enum status history_capsules_file(const char *directory, struct digest capsule, char **bytes, size_t *n,
                                  struct err *err) {
    struct history *h;
    if (open_store(directory, &h, err) != STATUS_OK)
        return err->status;
    enum status status = read_file(h, capsule, bytes, n, err);
    history_close(h);
    return status;
}

enum status history_capsules_list(const char *directory, struct arena *arena, struct history_capsule **out,
                                  size_t *n, struct err *err) {
    struct history *h;
    sqlite3_stmt *statement;
    size_t cap = 0;
    struct history_capsule *rows = NULL;
    *n = 0;
    if (open_store(directory, &h, err) != STATUS_OK)
        return err->status;
    if (prepare(h, SELECT "order by name", &statement, err) == STATUS_OK) {
        while (sqlite3_step(statement) == SQLITE_ROW) {
            MEM_GROW(rows, cap, *n + 1);
            rows[(*n)++] = take(statement, arena);
        }
        sqlite3_finalize(statement);
        *out = (struct history_capsule *)arena_copy(arena, (const char *)rows, *n * sizeof *rows);
        mem_free(rows);
        history_close(h);
        return STATUS_OK;
    }
    history_close(h);
    return err->status;
}

enum status history_capsules_forget(const char *directory, struct str name, struct err *err) {
    struct history *h;
    sqlite3_stmt *statement;
    int gone = 0;
    if (open_store(directory, &h, err) != STATUS_OK)
        return err->status;
    enum status status = prepare(h, "delete from capsule_names where name = ?", &statement, err);
    if (status == STATUS_OK) {
        bind(statement, 1, name);
        if (sqlite3_step(statement) != SQLITE_DONE)
            status = history_failed(h->db, "cannot write", err);
        sqlite3_finalize(statement);
        gone = sqlite3_changes(h->db);
    }
    if (status == STATUS_OK)
        status = history_execute(h->db, sweep, err);
    history_close(h);
    if (status == STATUS_OK && !gone)
        status = err_set(err, STATUS_DATA, "no capsule \"%.*s\" is kept in %s",
                         (int)(name.n < 200 ? name.n : 200), name.p, directory);
    return status;
}
