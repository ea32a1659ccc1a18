// SPDX-License-Identifier: MIT
// A scenario's records as a database, with a query that has to read and sort all of them before it gives the first;
// applications of models as a database each.
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/scenario_records.h"

const char scenario_query[] =
    "{ path: records.db, query: \"select id, json_extract(record, '$.title') as title from records "
    "order by json_extract(record, '$.body'), json_extract(record, '$.author.name'), id\" }";

static enum status fill(sqlite3 *database, const struct scenario *s, uint64_t units, uint64_t seed,
                        const atomic_bool *interrupt, struct err *err) {
    sqlite3_stmt *insert = NULL;
    struct buf record = BUF_INIT;
    int result = sqlite3_prepare_v2(database, "insert into records values (?, ?)", -1, &insert, NULL);
    for (uint64_t i = 0; i < units && result == SQLITE_OK; i++) {
        buf_clear(&record);
        s->write(&s->shape, seed, i, false, &record);
        sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
        sqlite3_bind_text(insert, 2, record.p, (int)record.n, SQLITE_STATIC);
        result = sqlite3_step(insert) == SQLITE_DONE ? sqlite3_reset(insert) : SQLITE_ERROR;
        if (interrupt && atomic_load(interrupt))
            result = SQLITE_INTERRUPT;
    }
    sqlite3_finalize(insert);
    buf_release(&record);
    if (result == SQLITE_INTERRUPT)
        return err_set(err, STATUS_CANCELLED, "interrupted");
    return result == SQLITE_OK ? STATUS_OK : err_set(err, STATUS_IO, "%s", sqlite3_errmsg(database));
}

// Rows of a database that changed just now are not kept by the run that reads them; this one is to be of the hour before.
static void make_old(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    st.st_mtim.tv_sec -= 3600;
    utimensat(AT_FDCWD, path, (const struct timespec[2]){st.st_mtim, st.st_mtim}, 0);
}

enum status scenario_write_database(const struct scenario *s, const char *directory, uint64_t units,
                                    uint64_t seed, const atomic_bool *interrupt, struct err *err) {
    static const char *const begin = "drop table if exists records; pragma journal_mode = off; begin;"
                                     "create table records (id integer primary key, record text not null)";
    char path[4096];
    sqlite3 *database = NULL;
    int n = snprintf(path, sizeof path, "%s/records.db", directory);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, STATUS_IO, "%s: its name is too long", directory);
    enum status status = STATUS_OK;
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, begin, NULL, NULL, NULL) != SQLITE_OK)
        status = err_set(err, STATUS_IO, "cannot write %s: %s", path, sqlite3_errmsg(database));
    if (status == STATUS_OK)
        status = fill(database, s, units, seed, interrupt, err);
    if (status == STATUS_OK && sqlite3_exec(database, "commit", NULL, NULL, NULL) != SQLITE_OK)
        status = err_set(err, STATUS_IO, "cannot write %s: %s", path, sqlite3_errmsg(database));
    sqlite3_close(database);
    make_old(path);
    return status;
}

static enum status write_schema(const char *path, const char *script, struct err *err) {
    sqlite3 *database = NULL;
    enum status status = STATUS_OK;
    unlink(path);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, script, NULL, NULL, NULL) != SQLITE_OK)
        status = err_set(err, STATUS_IO, "cannot write %s: %s", path, sqlite3_errmsg(database));
    sqlite3_close(database);
    make_old(path);
    return status;
}

enum status scenario_write_schemas(const struct scenario *s, const char *directory, uint64_t units,
                                   uint64_t seed, const atomic_bool *interrupt, struct err *err) {
    struct buf script = BUF_INIT;
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < units / s->shape.models && status == STATUS_OK; i++) {
        char path[4096], name[SCENARIO_NAME_SIZE];
        scenario_application(i, name);
        int n = snprintf(path, sizeof path, "%s/%s.db", directory, name);
        buf_clear(&script);
        buf_add_text(&script, "pragma journal_mode = off; begin;\n");
        scenario_write_schema(&s->shape, seed, i, &script);
        buf_add_text(&script, "commit;");
        if (n < 0 || (size_t)n >= sizeof path)
            status = err_set(err, STATUS_IO, "%s: its name is too long", directory);
        else
            status = write_schema(path, buf_text(&script), err);
        if (status == STATUS_OK && interrupt && atomic_load(interrupt))
            status = err_set(err, STATUS_CANCELLED, "interrupted");
    }
    buf_release(&script);
    return status;
}
