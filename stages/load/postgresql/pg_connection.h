// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_CONNECTION_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_CONNECTION_H
/*
 * A connection to a PostgreSQL server, asked without ever waiting for it blindly: whoever waits looks at `interrupt` ten
 * times a second, and what is under way is then cancelled on the server too.
 *
 * All that is read is read in one transaction, REPEATABLE READ and read-only, so a writer in between changes nothing, and a
 * query that writes is refused by the server. What values look like as text does not depend on how the server is set up:
 * dates are ISO's, times with a zone are UTC, bytes are hexadecimal.
 *
 * Whose host, user and password it is, is libpq's business: the url, its environment variables, a service or password file.
 * Sentences about errors never have the url but as `name`, which is fit to be shown.
 *
 * Not here: what a query's rows become (pg_rows.c), which queries (pg_query.h).
 *
 * One thread at a time.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/load/postgresql/pg_library.h"

struct pg_connection {
    struct pg_library pg;         // owned
    PGconn *conn;                 // owned
    struct str name;              // of the source, for messages; set anew by whoever borrows the connection
    const atomic_bool *interrupt; // may be NULL
    uint64_t until;               // while it is being opened: when that has taken too long; else 0
    bool busy;                    // something is under way that was not read to its end
    bool starting;                // of a COPY the server has not yet said that it began
};

// Connects, and begins the transaction: in `snapshot` of another connection where not NULL. 10 seconds at most, or the url's connect_timeout. On an error everything is closed again.
enum status pg_connection_open(struct pg_connection *c, const char *url, struct str name,
                               const atomic_bool *interrupt, const char *snapshot, struct err *err);
enum { PG_SNAPSHOT_SIZE = 64 };
// Lets other connections begin with what this one sees, as long as it is open. Before it is protected.
enum status pg_connection_export(struct pg_connection *c, char snapshot[PG_SNAPSHOT_SIZE], struct err *err);
void pg_connection_close(struct pg_connection *c); // a zeroed one too

// Sends statements and waits for all their results. *result, the last one's, is the caller's (pg.clear).
enum status pg_connection_ask(struct pg_connection *c, const char *sql, PGresult **result, struct err *err);
// The same of what was sent already.
enum status pg_connection_answer(struct pg_connection *c, PGresult **result, struct err *err);

// Until the server has sent something, which is taken in.
enum status pg_connection_wait(struct pg_connection *c, struct err *err);
// For who waits by himself: STATUS_CANCELLED after an interrupt, of which the server is told.
enum { PG_LOOK_MS = 100 };
enum status pg_connection_look(struct pg_connection *c, struct err *err);

// COPY ... TO STDOUT, a row at a time. *row stays the caller's (pg.freemem), with its line end.
enum pg_got { PG_ROW, PG_LATER, PG_END, PG_FAILED }; // PG_LATER: the next one is not here yet
// The server is only asked: it says that it began when it sends the first rows.
enum status pg_connection_copy(struct pg_connection *c, const char *sql, struct err *err);
enum pg_got pg_connection_next(struct pg_connection *c, uint64_t rows, char **row, size_t *n,
                               struct err *err);

// What the server had to say; `rows` came before it. Without a result, what libpq had.
enum status pg_connection_error(struct pg_connection *c, const PGresult *result, uint64_t rows,
                                struct err *err);
// Lets the server give up what is under way. It is told on a connection of its own, which libpq waits for: a server that
// has gone silent since can keep the caller for as long as the system tries to connect.
void pg_connection_cancel(struct pg_connection *c);
// What is asked from now on can be undone by a reset.
enum status pg_connection_protect(struct pg_connection *c, struct err *err);
// As it was when it was protected, in the same transaction, whatever was asked and not read, or went wrong. False: that cannot be.
bool pg_connection_reset(struct pg_connection *c);
// Whether it could be used: the server has not closed it meanwhile, and the transaction stands.
bool pg_connection_is_sound(struct pg_connection *c);

#endif
