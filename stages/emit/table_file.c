// SPDX-License-Identifier: MIT
#include "stages/emit/table_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/emit/place.h"
#include "stages/record/sqlite_names.h"

enum {
    WAIT_MS = 10, // between two looks at somebody else's lock
    WAITS = 500,  // of them at most
    TRANSACTION_BYTES = 32 << 20,
};

// Finding the file -----------------------------------------------------------------------------------------------

enum status table_file_refuse(struct str path, const char *why, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_DATA, "cannot write %s: %s", emit_show_path(path, shown), why);
}

bool table_file_is_interrupted(const struct table_file *file) {
    return file->interrupt && atomic_load_explicit(file->interrupt, memory_order_relaxed);
}

enum status table_file_interrupted(const struct table_file *file, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_CANCELLED, "interrupted while rows were written to %s",
                   emit_show_path(file->path, shown));
}

enum status table_file_error(const struct table_file *file, struct err *err) {
    sqlite3 *db = file->db;
    char shown[EMIT_SHOWN_SIZE];
    emit_show_path(file->path, shown);
    const char *said = sqlite3_errmsg(db);
    int os = sqlite3_system_errno(db);
    switch (sqlite3_errcode(db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (table_file_is_interrupted(file))
            return table_file_interrupted(file, err);
        return err_set(err, STATUS_CONFLICT, "cannot write %s: somebody else holds a lock on the database",
                       shown);
    case SQLITE_NOTADB:
        return err_set(err, STATUS_DATA, "cannot write %s: what is there is not a SQLite database", shown);
    case SQLITE_CORRUPT:
        return err_set(err, STATUS_DATA, "cannot write %s: the database is damaged (%s)", shown, said);
    case SQLITE_NOMEM:
        return err_set(err, STATUS_MEMORY, "cannot write %s: no memory", shown);
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return os ? err_os(err, os, "cannot write %s: %s", shown, said)
                  : err_set(err, STATUS_IO, "cannot write %s: %s", shown, said);
    default:
        return err_set(err, STATUS_DATA, "cannot write %s: %s", shown, said);
    }
}

static enum status open_directory(struct table_file *file, struct err *err) {
    struct str directory, name;
    place_split(file->path, &directory, &name);
    file->name = arena_copy(&file->arena, name.p, name.n);
    char *path = arena_copy(&file->arena, directory.p, directory.n);
    if (!file->name || !path)
        return err_set(err, STATUS_MEMORY, "no memory for an output's options");
    bool made;
    file->directory = directory.n ? place_open_directory(&file->fs, file->root, path, &made) : file->root;
    return file->directory < 0 ? place_error(err, -file->directory, file->path) : STATUS_OK;
}

// The file itself, as it is there, without a look through symbolic links. O_PATH: closing any other descriptor would
// drop the locks this process holds on the file.
static int stat_file(const struct table_file *file, struct stat *st) {
    const struct fs *fs = &file->fs;
    int fd = fs->open_beneath(fs->self, file->directory, file->name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int result = fs->stat(fs->self, fd, st);
    fs->close(fs->self, fd);
    return result;
}

// Made here rather than by SQLite, which tells less well why it cannot, and has its own idea of the mode.
static enum status create_file(struct table_file *file, struct err *err) {
    const struct fs *fs = &file->fs;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int result = fs->open_beneath(fs->self, file->directory, file->name, flags, 0666);
    file->created = result >= 0;
    if (file->created)
        result = fs->close(fs->self, result);
    return result < 0 ? place_error(err, -result, file->path) : STATUS_OK;
}

static enum status find_file(struct table_file *file, struct err *err) {
    struct stat st;
    int result = stat_file(file, &st);
    if (result == -ENOENT)
        return create_file(file, err);
    if (result < 0)
        return place_error(err, -result, file->path);
    if (S_ISLNK(st.st_mode))
        return table_file_refuse(file->path,
                                 "a symbolic link is there, which a database is not written through", err);
    return S_ISREG(st.st_mode) ? STATUS_OK
                               : table_file_refuse(file->path, "what is there is not a file", err);
}

// The file's path from the system's root, through the directory that is open.
static enum status find_path(const struct table_file *file, char path[PATH_MAX], struct err *err) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file->directory);
    ssize_t n = readlink(link, path, PATH_MAX);
    if (n < 0)
        return place_error(err, errno, file->path);
    size_t size = strlen(file->name) + 1;
    const sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    // A journal's name is longer by eight bytes.
    if ((size_t)n + 1 + size + 8 > PATH_MAX || (size_t)n + 1 + size + 8 > (size_t)vfs->mxPathname)
        return table_file_refuse(file->path, "its path from the system's root is longer than SQLite takes",
                                 err);
    path[n] = '/';
    memcpy(path + n + 1, file->name, size);
    return STATUS_OK;
}

// Opening and closing --------------------------------------------------------------------------------------------

static enum status run(const struct table_file *file, const char *sql, struct err *err) {
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                      : table_file_error(file, err);
}

static int wait_for_lock(void *self, int times) {
    if (times >= WAITS || table_file_is_interrupted(self))
        return 0;
    sqlite3_sleep(WAIT_MS);
    return 1;
}

static enum status open_database(struct table_file *file, bool durable, struct err *err) {
    char path[PATH_MAX];
    if (find_path(file, path, err) != STATUS_OK)
        return err->status;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int code = sqlite3_open_v2(path, &file->db, flags, NULL);
    if (!file->db)
        return err_set(err, STATUS_MEMORY, "no memory for a database");
    if (code != SQLITE_OK)
        return table_file_error(file, err);
    if (sqlite3_db_readonly(file->db, "main") == 1)
        return place_error(err, EACCES, file->path);
    sqlite3_busy_handler(file->db, wait_for_lock, file);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    // A process that is killed loses nothing without syncing either: what it wrote, the journal too, is with the
    // system, and the next one who opens the file rolls back what was not finished. Only power loss asks for more.
    if (run(file, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF", err) != STATUS_OK)
        return err->status;
    // Pages that do not fit into the cache would be written before the commit, for which SQLite waits until nobody
    // reads, page for page, and keeps to itself that it waited in vain. The question that follows is the first look
    // into the file, so what is no database is told here.
    return run(file, "PRAGMA cache_spill = OFF; SELECT count(*) FROM sqlite_schema", err);
}

// Of the file that was made here, if nothing was written to it.
static void remove_empty(const struct table_file *file) {
    const struct fs *fs = &file->fs;
    struct stat st;
    if (file->created && stat_file(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        fs->unlink(fs->self, file->directory, file->name);
}

static void file_free(struct table_file *file) {
    sqlite3_close(file->db); // rolls back what is open
    remove_empty(file);
    if (file->directory >= 0 && file->directory != file->root)
        file->fs.close(file->fs.self, file->directory);
    pthread_mutex_destroy(&file->lock);
    arena_release(&file->arena);
    mem_free(file);
}

static enum status open_file(const struct sink_options *options, struct table_file **out, struct err *err) {
    struct table_file *file = MEM_NEW(struct table_file);
    *file = (struct table_file){.fs = *options->fs,
                                .root = options->root,
                                .directory = -1,
                                .force = options->force,
                                .interrupt = options->interrupt};
    arena_init(&file->arena, 0);
    pthread_mutex_init(&file->lock, NULL);
    file->path = arena_str(&file->arena, options->path);
    enum status status =
        file->path.p ? STATUS_OK : err_set(err, STATUS_MEMORY, "no memory for an output's options");
    if (status == STATUS_OK)
        status = open_directory(file, err);
    if (status == STATUS_OK)
        status = find_file(file, err);
    file->nameless = file->created && options->durable;
    if (status == STATUS_OK)
        status = open_database(file, options->durable, err);
    if (status == STATUS_OK)
        *out = file;
    else
        file_free(file);
    return status;
}

enum status table_file_enter(const struct sink_options *options, const struct table_writer *beside,
                             struct table_writer *writer, struct err *err) {
    struct table_file *file = beside ? beside->file : NULL;
    assert(!file || str_equal(file->path, options->path));
    if (!file && open_file(options, &file, err) != STATUS_OK)
        return err->status;
    table_file_lock(file);
    enum status status = STATUS_OK;
    for (const struct table_writer *other = file->first; other; other = other->next)
        if (sqlite_names_equal(other->table, writer->table))
            status = table_file_refuse(file->path, "another output is written to the same table", err);
    if (status == STATUS_OK) {
        writer->file = file;
        writer->next = file->first;
        file->first = writer;
    }
    table_file_unlock(file);
    return status;
}

void table_file_leave(struct table_writer *writer) {
    struct table_file *file = writer->file;
    if (!file)
        return;
    table_file_lock(file);
    struct table_writer **link = &file->first;
    while (*link != writer)
        link = &(*link)->next;
    *link = writer->next;
    bool last = !file->first;
    table_file_unlock(file);
    if (last)
        file_free(file);
}

void table_file_lock(struct table_file *file) {
    pthread_mutex_lock(&file->lock);
}

void table_file_unlock(struct table_file *file) {
    pthread_mutex_unlock(&file->lock);
}

// Transactions ---------------------------------------------------------------------------------------------------

// Moves what has been committed in the meantime.
static void look(struct table_writer *writer) {
    if (writer->transaction == 0 || writer->transaction > writer->file->committed)
        return;
    writer->settled.written += writer->pending.written;
    writer->settled.unchanged += writer->pending.unchanged;
    writer->settled.bytes += writer->pending.bytes;
    writer->settled.stored += writer->pending.stored;
    writer->pending = (struct lane_result){0};
    writer->transaction = 0;
}

// IMMEDIATE: with the intent to write said at once, waiting for a lock is possible.
enum status table_file_join(struct table_writer *writer, struct err *err) {
    struct table_file *file = writer->file;
    look(writer);
    if (!file->in_transaction) {
        if (run(file, "BEGIN IMMEDIATE", err) != STATUS_OK)
            return err->status;
        file->in_transaction = true;
        file->transaction++;
        file->joined = file->flushes = file->bytes = 0;
    }
    if (writer->transaction != file->transaction) {
        writer->transaction = file->transaction;
        file->joined++;
    }
    return STATUS_OK;
}

bool table_file_is_large(const struct table_file *file) {
    return file->in_transaction && file->bytes >= (size_t)TRANSACTION_BYTES;
}

bool table_file_is_due(const struct table_file *file) {
    return (file->in_transaction && file->flushes >= TABLE_FILE_FLUSHES) || table_file_is_large(file);
}

enum status table_file_commit(struct table_file *file, struct err *err) {
    if (!file->in_transaction)
        return STATUS_OK;
    enum status status = run(file, "COMMIT", err);
    if (status != STATUS_OK) {
        table_file_break(file);
        return status;
    }
    file->in_transaction = false;
    file->committed = file->transaction;
    return STATUS_OK;
}

// SQLite syncs the file, but need not sync the directory that has its name.
enum status table_file_keep_name(struct table_file *file, struct err *err) {
    if (!file->nameless || file->committed == 0)
        return STATUS_OK;
    const struct fs *fs = &file->fs;
    int result = fs->open_beneath(fs->self, file->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (result >= 0) {
        int fd = result;
        result = fs->sync(fs->self, fd);
        fs->close(fs->self, fd);
    }
    if (result < 0)
        return place_error(err, -result, file->path);
    file->nameless = false;
    return STATUS_OK;
}

static void roll_back(struct table_file *file) {
    sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL); // SQLite may have done so by itself
    file->in_transaction = false;
}

void table_file_break(struct table_file *file) {
    roll_back(file);
    file->broken = true;
}

enum status table_file_withdraw(struct table_writer *writer, struct err *err) {
    struct table_file *file = writer->file;
    look(writer);
    if (writer->transaction == 0 || file->broken)
        return STATUS_OK;
    if (file->joined > 1)
        return table_file_commit(file, err);
    roll_back(file);
    writer->pending = (struct lane_result){0};
    writer->transaction = 0;
    return STATUS_OK;
}

void table_file_settle(struct table_writer *writer, struct lane_result *result) {
    look(writer);
    *result = writer->settled;
    writer->settled = (struct lane_result){0};
}

bool table_file_has_lost(const struct table_writer *writer) {
    return writer->file->broken && writer->transaction > writer->file->committed;
}
