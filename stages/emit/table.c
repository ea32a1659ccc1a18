// SPDX-License-Identifier: MIT
/*
 * Rows in a table of a SQLite database: each output is one, as plain text beside its record's key, or as a JSON
 * object whose keys are the columns. What rows and columns mean is table_values.h's and table_rows.h's business; here
 * are the file, the lanes and the transactions.
 *
 * A lane holds its rows in memory until it is flushed, in batch order, so that of two rows with one key the later
 * record's stays. Flushes share a transaction, since what costs is ending one: a transaction ends after so many
 * flushes or bytes, and what it holds is reported then. Where a flush fails all that was not yet reported is undone,
 * and later ones fail.
 *
 * The file is found beneath the root as all outputs are, and its own name must be no symbolic link. SQLite opens by
 * path, so it gets the real one of the directory that was found; its journal, which it makes beside the file, it does
 * not follow either.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/place.h"
#include "stages/emit/table_rows.h"

enum {
    BUSY_MS = 5000, // for which somebody else's lock is waited for
    TRANSACTION_FLUSHES = 64,
    TRANSACTION_BYTES = 32 << 20,
    TEXT_KEPT = 1 << 20,
};

struct sink {
    struct fs fs;
    int root, directory; // the latter is the root itself where the file has no other
    struct arena arena;  // of the texts below
    struct str path, table;
    const char *name; // the file's own
    struct str *unique;
    size_t unique_n;
    bool raw, durable;
    bool created; // the file; until something is in it, it goes again
    bool broken, in_transaction;
    struct shapes *shapes;
    sqlite3 *db;
    struct table_rows *rows;
    size_t flushes, bytes;      // of the transaction
    struct lane_result pending; // what it is to report
};

struct lane {
    struct sink *sink;
    struct arena arena; // of the rows
    struct table_values values;
    struct table_row *rows; // owned
    size_t rows_n, rows_cap;
    size_t bytes;
    struct buf key, text; // of the output in progress
    bool is_open;
};

// The file -------------------------------------------------------------------------------------------------------

static enum status refuse(const struct sink *sink, const char *why, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_DATA, "cannot write %s: %s", emit_show_path(sink->path, shown), why);
}

static int open_directory(struct sink *sink) {
    struct str directory, name;
    place_split(sink->path, &directory, &name);
    sink->name = arena_copy(&sink->arena, name.p, name.n);
    char *path = arena_copy(&sink->arena, directory.p, directory.n);
    if (!sink->name || !path)
        return -ENOMEM;
    bool made;
    sink->directory = directory.n ? place_open_directory(&sink->fs, sink->root, path, &made) : sink->root;
    return sink->directory;
}

// The file itself, as it is there, without a look through symbolic links. O_PATH: closing any other descriptor would
// drop the locks this process holds on the file.
static int stat_file(const struct sink *sink, struct stat *st) {
    const struct fs *fs = &sink->fs;
    int fd = fs->open_beneath(fs->self, sink->directory, sink->name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int result = fs->stat(fs->self, fd, st);
    fs->close(fs->self, fd);
    return result;
}

// Made here rather than by SQLite, which tells less well why it cannot, and has its own idea of the mode.
static enum status create_file(struct sink *sink, struct err *err) {
    const struct fs *fs = &sink->fs;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int result = fs->open_beneath(fs->self, sink->directory, sink->name, flags, 0666);
    sink->created = result >= 0;
    if (sink->created)
        result = fs->close(fs->self, result);
    return result < 0 ? place_error(err, -result, sink->path) : STATUS_OK;
}

static enum status find_file(struct sink *sink, struct err *err) {
    struct stat st;
    int result = stat_file(sink, &st);
    if (result == -ENOENT)
        return create_file(sink, err);
    if (result < 0)
        return place_error(err, -result, sink->path);
    if (S_ISLNK(st.st_mode))
        return refuse(sink, "a symbolic link is there, which a database is not written through", err);
    return S_ISREG(st.st_mode) ? STATUS_OK : refuse(sink, "what is there is not a file", err);
}

// The file's path from the system's root, through the directory that is open.
static enum status find_path(const struct sink *sink, char path[PATH_MAX], struct err *err) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", sink->directory);
    ssize_t n = readlink(link, path, PATH_MAX);
    if (n < 0)
        return place_error(err, errno, sink->path);
    size_t size = strlen(sink->name) + 1;
    const sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    // A journal's name is longer by eight bytes.
    if ((size_t)n + 1 + size + 8 > PATH_MAX || (size_t)n + 1 + size + 8 > (size_t)vfs->mxPathname)
        return refuse(sink, "its path from the system's root is longer than SQLite takes", err);
    path[n] = '/';
    memcpy(path + n + 1, sink->name, size);
    return STATUS_OK;
}

static enum status failed(const struct sink *sink, struct err *err) {
    return table_rows_error(sink->db, sink->path, err);
}

static enum status run(const struct sink *sink, const char *sql, struct err *err) {
    return sqlite3_exec(sink->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK : failed(sink, err);
}

static enum status open_database(struct sink *sink, struct err *err) {
    char path[PATH_MAX];
    if (find_path(sink, path, err) != STATUS_OK)
        return err->status;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int code = sqlite3_open_v2(path, &sink->db, flags, NULL);
    if (!sink->db)
        return err_set(err, STATUS_MEMORY, "no memory for a database");
    if (code != SQLITE_OK)
        return failed(sink, err);
    if (sqlite3_db_readonly(sink->db, "main") == 1)
        return place_error(err, EACCES, sink->path);
    sqlite3_busy_timeout(sink->db, BUSY_MS);
    sqlite3_db_config(sink->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sink->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    // A process that is killed loses nothing without syncing either: what it wrote, the journal too, is with the
    // system, and the next one who opens the file rolls back what was not finished. Only power loss asks for more.
    // The question that follows is the first look into the file, so what is no database is told here.
    return run(sink,
               sink->durable ? "PRAGMA synchronous = FULL; SELECT count(*) FROM sqlite_schema"
                             : "PRAGMA synchronous = OFF; SELECT count(*) FROM sqlite_schema",
               err);
}

// Opening and closing --------------------------------------------------------------------------------------------

// Of the file that this sink made, if nothing was written to it.
static void remove_empty(const struct sink *sink) {
    const struct fs *fs = &sink->fs;
    struct stat st;
    if (sink->created && stat_file(sink, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        fs->unlink(fs->self, sink->directory, sink->name);
}

static void sink_free(struct sink *sink) {
    const struct fs *fs = &sink->fs;
    table_rows_free(sink->rows);
    sqlite3_close(sink->db); // rolls back what is open
    remove_empty(sink);
    if (sink->directory >= 0 && sink->directory != sink->root)
        fs->close(fs->self, sink->directory);
    shapes_free(sink->shapes);
    arena_release(&sink->arena);
    mem_free(sink);
}

static enum status check_options(const struct sink_options *options, const struct sink *sink,
                                 struct err *err) {
    if (str_is(options->path, "-"))
        return err_set(err, STATUS_DATA, "a table cannot go to standard output");
    if (emit_check_path(options->path, err) != STATUS_OK)
        return err->status;
    if (str_ends(options->path, STR(".zst")))
        return refuse(sink, "a database that is compressed cannot be written row by row", err);
    if (options->table.n == 0 || memchr(options->table.p, 0, options->table.n))
        return refuse(sink, "the table needs a name, without a NUL", err);
    if (options->unique_n > 0 && !options->raw)
        return refuse(sink, "only rows of `raw` outputs have columns to say with `unique`", err);
    return STATUS_OK;
}

static enum status copy_options(struct sink *sink, const struct sink_options *options, struct err *err) {
    sink->path = arena_str(&sink->arena, options->path);
    sink->table = arena_str(&sink->arena, options->table);
    sink->unique_n = options->unique_n;
    sink->unique = ARENA_NEW_ARRAY(&sink->arena, struct str, options->unique_n);
    bool fine = sink->path.p && sink->table.p && sink->unique;
    for (size_t i = 0; fine && i < options->unique_n; i++) {
        sink->unique[i] = arena_str(&sink->arena, options->unique[i]);
        fine = sink->unique[i].p;
    }
    return fine ? STATUS_OK : err_set(err, STATUS_MEMORY, "no memory for an output's options");
}

static enum status table_open(const struct sink_options *options, struct sink **out, struct err *err) {
    struct sink *sink = MEM_NEW(struct sink);
    *sink = (struct sink){.fs = *options->fs,
                          .root = options->root,
                          .directory = -1,
                          .raw = options->raw,
                          .durable = options->durable,
                          .shapes = shapes_new()};
    arena_init(&sink->arena, 0);
    enum status status = copy_options(sink, options, err);
    if (status == STATUS_OK)
        status = check_options(options, sink, err);
    if (status == STATUS_OK && open_directory(sink) < 0)
        status = place_error(err, -sink->directory, sink->path);
    if (status == STATUS_OK)
        status = find_file(sink, err);
    if (status == STATUS_OK)
        status = open_database(sink, err);
    if (status == STATUS_OK)
        status = table_rows_open(sink->db, sink->path, sink->table, sink->unique, sink->unique_n, &sink->rows,
                                 err);
    if (status == STATUS_OK)
        *out = sink;
    else
        sink_free(sink);
    return status;
}

// Outputs --------------------------------------------------------------------------------------------------------

static struct lane *table_lane_new(struct sink *sink) {
    struct lane *lane = MEM_NEW(struct lane);
    lane->sink = sink;
    arena_init(&lane->arena, 0);
    table_values_init(&lane->values, sink->shapes, sink->unique, sink->unique_n);
    return lane;
}

static void table_lane_free(struct lane *lane) {
    if (!lane)
        return;
    table_values_release(&lane->values);
    arena_release(&lane->arena);
    buf_release(&lane->key);
    buf_release(&lane->text);
    mem_free(lane->rows);
    mem_free(lane);
}

static void table_abort(struct lane *lane) {
    lane->is_open = false;
    buf_clear(&lane->key);
    buf_clear(&lane->text);
    buf_shrink(&lane->text, TEXT_KEPT);
}

static enum status table_begin(struct lane *lane, struct str name, struct err *err) {
    table_abort(lane);
    if (name.n && memchr(name.p, 0, name.n))
        return err_set(err, STATUS_DATA, "the record's key has a NUL character");
    lane->is_open = true;
    buf_add_str(&lane->key, name);
    return STATUS_OK;
}

static enum status table_write(struct lane *lane, struct str piece, struct err *err) {
    assert(lane->is_open);
    if (piece.n > TABLE_TEXT_MAX - lane->text.n) {
        table_abort(lane);
        return err_set(err, STATUS_LIMIT, "the output is longer than a column takes (%d bytes)",
                       TABLE_TEXT_MAX);
    }
    buf_add_str(&lane->text, piece);
    return STATUS_OK;
}

static enum status make_row(struct lane *lane, struct table_row *row, struct err *err) {
    struct str text = arena_str(&lane->arena, buf_str(&lane->text));
    *row = (struct table_row){.key = arena_str(&lane->arena, buf_str(&lane->key)), .bytes = text.n};
    if (!text.p || !row->key.p)
        return err_set(err, STATUS_MEMORY, "no memory for the output");
    return lane->sink->raw ? table_values_of_json(&lane->values, text, &lane->arena, row, err)
                           : table_values_of_text(&lane->values, text, &lane->arena, row, err);
}

static enum status table_commit(struct lane *lane, struct err *err) {
    assert(lane->is_open);
    struct arena_mark mark = arena_mark(&lane->arena);
    struct table_row row;
    enum status status = make_row(lane, &row, err);
    table_abort(lane);
    if (status != STATUS_OK) {
        arena_rewind(&lane->arena, mark);
        return status;
    }
    MEM_GROW(lane->rows, lane->rows_cap, lane->rows_n + 1);
    lane->rows[lane->rows_n++] = row;
    lane->bytes += row.bytes;
    return STATUS_OK;
}

// Transactions ---------------------------------------------------------------------------------------------------

// IMMEDIATE: with the intent to write said at once, waiting for a lock is possible.
static enum status begin_transaction(struct sink *sink, struct err *err) {
    if (sink->in_transaction)
        return STATUS_OK;
    enum status status = run(sink, "BEGIN IMMEDIATE", err);
    sink->in_transaction = status == STATUS_OK;
    return status;
}

static enum status end_transaction(struct sink *sink, struct lane_result *result, struct err *err) {
    if (!sink->in_transaction)
        return STATUS_OK;
    enum status status = run(sink, "COMMIT", err);
    if (status != STATUS_OK)
        return status;
    *result = sink->pending;
    sink->pending = (struct lane_result){0};
    sink->flushes = sink->bytes = 0;
    sink->in_transaction = false;
    return STATUS_OK;
}

static void give_up(struct sink *sink) {
    sqlite3_exec(sink->db, "ROLLBACK", NULL, NULL, NULL); // SQLite may have done so by itself
    sink->in_transaction = false;
    sink->broken = true;
}

static enum status put_rows(const struct lane *lane, struct err *err) {
    struct sink *sink = lane->sink;
    enum status status = begin_transaction(sink, err);
    for (size_t i = 0; status == STATUS_OK && i < lane->rows_n; i++) {
        const struct table_row *row = &lane->rows[i];
        bool changed = false;
        status = table_rows_put(sink->rows, row, &changed, err);
        sink->pending.written += changed;
        sink->pending.unchanged += !changed;
        sink->pending.bytes += row->bytes;
        sink->pending.stored += changed ? row->bytes : 0;
    }
    return status;
}

static enum status broken_error(const struct sink *sink, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_IO, "%s is incomplete: earlier rows of it could not be written",
                   emit_show_path(sink->path, shown));
}

static void lane_clear(struct lane *lane) {
    table_abort(lane);
    lane->rows_n = lane->bytes = 0;
    arena_clear(&lane->arena);
}

static enum status table_flush(struct lane *lane, struct lane_result *result, struct err *err) {
    struct sink *sink = lane->sink;
    *result = (struct lane_result){0};
    enum status status = STATUS_OK;
    if (sink->broken) {
        status = broken_error(sink, err);
    } else if (lane->rows_n > 0) {
        status = put_rows(lane, err);
        sink->flushes++;
        sink->bytes += lane->bytes;
        if (status == STATUS_OK &&
            (sink->flushes >= TRANSACTION_FLUSHES || sink->bytes >= (size_t)TRANSACTION_BYTES))
            status = end_transaction(sink, result, err);
        if (status != STATUS_OK)
            give_up(sink);
    }
    lane_clear(lane);
    return status;
}

static enum status publish_rows(struct sink *sink, struct lane_result *result, struct err *err) {
    if (sink->broken)
        return broken_error(sink, err);
    enum status status = STATUS_OK;
    if (!table_rows_is_made(sink->rows)) { // there was no row
        const struct shape *text = shape_node_shape(
            sink->shapes, shape_node_next(sink->shapes, shapes_root(sink->shapes), STR(TABLE_TEXT_COLUMN)));
        status = begin_transaction(sink, err);
        if (status == STATUS_OK)
            status = table_rows_make(sink->rows, sink->raw ? NULL : text, err);
    }
    return status == STATUS_OK ? end_transaction(sink, result, err) : status;
}

static enum status table_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err) {
    *result = (struct lane_result){0};
    enum status status = publish ? publish_rows(sink, result, err) : STATUS_OK;
    sink_free(sink);
    return status;
}

static const char *const extensions[] = {".sqlite", ".sqlite3", ".db", NULL};

const struct sink_kind emit_table = {
    .name = "table",
    .doc = "rows of a table in a SQLite database: key and text, or with `raw` the columns of a JSON object",
    .extensions = extensions,
    .ordered = true,
    .named = false,
    .rows = true,
    .open = table_open,
    .lane_new = table_lane_new,
    .lane_free = table_lane_free,
    .begin = table_begin,
    .write = table_write,
    .commit = table_commit,
    .abort = table_abort,
    .flush = table_flush,
    .close = table_close,
};
