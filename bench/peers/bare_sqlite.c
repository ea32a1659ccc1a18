// SPDX-License-Identifier: MIT
/*
 * bare_sqlite DATABASE QUERY: what reading rows costs at least. Steps through the query's rows and asks for each
 * column's value by its type, as whoever makes values of them must. Prints the rows, the seconds from opening to the
 * end, and the bytes of text seen.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct totals {
    long rows;
    size_t bytes;
    double numbers; // so that no read is left out
};

static void read_column(sqlite3_stmt *statement, int i, struct totals *totals) {
    switch (sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER:
        totals->numbers += (double)sqlite3_column_int64(statement, i);
        break;
    case SQLITE_FLOAT:
        totals->numbers += sqlite3_column_double(statement, i);
        break;
    case SQLITE_TEXT:
        if (sqlite3_column_text(statement, i))
            totals->bytes += (size_t)sqlite3_column_bytes(statement, i);
        break;
    case SQLITE_BLOB:
        if (sqlite3_column_blob(statement, i))
            totals->bytes += (size_t)sqlite3_column_bytes(statement, i);
        break;
    default:
        break;
    }
}

static int read_rows(sqlite3 *database, const char *query, struct totals *totals) {
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(database, query, -1, &statement, NULL);
    if (result != SQLITE_OK)
        return result;
    int columns = sqlite3_column_count(statement);
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        totals->rows++;
        for (int i = 0; i < columns; i++)
            read_column(statement, i, totals);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        dprintf(2, "usage: bare_sqlite DATABASE QUERY\n");
        return 2;
    }
    struct totals totals = {0};
    sqlite3 *database = NULL;
    double started = now();
    int result = sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (result == SQLITE_OK)
        result = read_rows(database, argv[2], &totals);
    double seconds = now() - started;
    if (result != SQLITE_OK) {
        dprintf(2, "bare_sqlite: %s: %s\n", argv[1], sqlite3_errmsg(database));
        sqlite3_close(database);
        return 1;
    }
    sqlite3_close(database);
    dprintf(1, "sqlite: %ld records %.6f s (%zu bytes, sum %.1f)\n", totals.rows, seconds, totals.bytes,
            totals.numbers);
    return 0;
}
