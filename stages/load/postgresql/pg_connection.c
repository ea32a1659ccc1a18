// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    CONNECT_SECONDS = 10, // unless the url or the environment says otherwise
    SAID_SIZE = 400,      // of a message of somebody else's
};

// Errors -----------------------------------------------------------------------------------------------------

static bool is_interrupted(const struct pg_connection *c) {
    return c->interrupt && atomic_load_explicit(c->interrupt, memory_order_relaxed);
}

static enum status interrupted(struct pg_connection *c, struct err *err) {
    pg_connection_cancel(c);
    return err_set(err, STATUS_CANCELLED, "%.*s: interrupted", STR_ARG(c->name));
}

// In one line, without what libpq or the server put around it.
static void take_said(const char *from, char said[SAID_SIZE]) {
    size_t n = 0;
    for (; *from && n + 1 < SAID_SIZE; from++) {
        bool space = *from == '\n' || *from == '\t' || *from == ' ';
        if (!space)
            said[n++] = *from;
        else if (n > 0 && said[n - 1] != ' ')
            said[n++] = ' ';
    }
    while (n > 0 && (said[n - 1] == ' ' || ((unsigned char)said[n - 1] >= 0x80 && n + 1 == SAID_SIZE)))
        n--;
    said[n] = '\0';
}

// What another time may go better, is somebody else's doing, or nobody's.
static enum status status_of(const char *state) {
    static const struct {
        const char *prefix;
        enum status status;
    } classes[] = {
        {"08", STATUS_IO},          // connection
        {"57P", STATUS_IO},         // the server ends, or only starts
        {"58", STATUS_IO},          // its system
        {"53", STATUS_CONFLICT},    // too many connections, no room
        {"40", STATUS_CONFLICT},    // a replica had to take away what was read
        {"55P03", STATUS_CONFLICT}, // a lock
        {"57014", STATUS_LIMIT},    // statement_timeout
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].status;
    return STATUS_DATA;
}

enum status pg_connection_error(struct pg_connection *c, const PGresult *result, uint64_t rows,
                                struct err *err) {
    char said[SAID_SIZE], after[48] = "";
    const char *state = result ? c->pg.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? c->pg.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (rows > 0)
        snprintf(after, sizeof after, " after row %llu", (unsigned long long)rows);
    if (state && strcmp(state, "57014") == 0 && is_interrupted(c))
        return interrupted(c, err);
    take_said(primary ? primary : c->pg.errorMessage(c->conn), said);
    if (!state || c->pg.status(c->conn) == CONNECTION_BAD)
        return err_set(err, STATUS_IO, "%.*s: the connection was lost%s: %s", STR_ARG(c->name), after, said);
    return err_set(err, status_of(state), "%.*s: %s%s", STR_ARG(c->name), said, after);
}

// There are no codes for these.
static bool is_refusal(const char *said) {
    static const char *const words[] = {"password", "does not exist", "pg_hba.conf", "authentication",
                                        "not permitted"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(said, words[i]))
            return true;
    return false;
}

static enum status connect_error(const struct pg_connection *c, struct err *err) {
    char said[SAID_SIZE];
    take_said(c->conn ? c->pg.errorMessage(c->conn) : "no memory", said);
    return err_set(err, is_refusal(said) ? STATUS_DATA : STATUS_IO, "cannot connect to %.*s: %s",
                   STR_ARG(c->name), said);
}

// Waiting ----------------------------------------------------------------------------------------------------

static uint64_t now(void) {
    const struct clock clock = clock_system();
    return clock.monotonic(clock.self);
}

enum status pg_connection_look(struct pg_connection *c, struct err *err) {
    return is_interrupted(c) ? interrupted(c, err) : STATUS_OK;
}

// Until the socket is ready.
static enum status wait_socket(struct pg_connection *c, short events, struct err *err) {
    for (;;) {
        if (pg_connection_look(c, err) != STATUS_OK)
            return err->status;
        struct pollfd fd = {.fd = c->pg.socket(c->conn), .events = events};
        int ready = fd.fd < 0 ? 1 : poll(&fd, 1, PG_LOOK_MS);
        if (ready > 0 || (ready < 0 && errno != EINTR)) // what is wrong with it is found by whoever uses it
            return STATUS_OK;
        if (c->until && now() >= c->until)
            return err_set(err, STATUS_IO, "cannot connect to %.*s: the server does not answer",
                           STR_ARG(c->name));
    }
}

enum status pg_connection_wait(struct pg_connection *c, struct err *err) {
    if (wait_socket(c, POLLIN, err) != STATUS_OK)
        return err->status;
    return c->pg.consumeInput(c->conn) ? STATUS_OK : pg_connection_error(c, NULL, 0, err);
}

void pg_connection_cancel(struct pg_connection *c) {
    char text[256];
    if (!c->busy || c->pg.status(c->conn) != CONNECTION_OK)
        return;
    PGcancel *cancel = c->pg.getCancel(c->conn);
    if (cancel)
        c->pg.cancel(cancel, text, sizeof text);
    c->pg.freeCancel(cancel);
    c->busy = false;
}

// Asking -----------------------------------------------------------------------------------------------------

static enum status next_result(struct pg_connection *c, PGresult **result, struct err *err) {
    while (c->pg.isBusy(c->conn))
        if (pg_connection_wait(c, err) != STATUS_OK)
            return err->status;
    *result = c->pg.getResult(c->conn);
    return STATUS_OK;
}

static bool is_fine(const struct pg_connection *c, const PGresult *result) {
    ExecStatusType status = c->pg.resultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_OUT;
}

enum status pg_connection_answer(struct pg_connection *c, PGresult **result, struct err *err) {
    PGresult *last = NULL, *next;
    enum status status;
    c->busy = true;
    while ((status = next_result(c, &next, err)) == STATUS_OK && next) {
        if (last && !is_fine(c, last)) { // the first fault is what is told
            c->pg.clear(next);
            continue;
        }
        c->pg.clear(last);
        last = next;
        if (c->pg.resultStatus(last) == PGRES_COPY_OUT)
            break;
    }
    c->busy = c->busy && last && c->pg.resultStatus(last) == PGRES_COPY_OUT;
    if (status == STATUS_OK && (!last || !is_fine(c, last)))
        status = pg_connection_error(c, last, 0, err);
    *result = last;
    if (status != STATUS_OK && status != STATUS_DATA) {
        c->pg.clear(last);
        *result = NULL;
    }
    return status;
}

enum status pg_connection_ask(struct pg_connection *c, const char *sql, PGresult **result, struct err *err) {
    *result = NULL;
    if (!c->pg.sendQuery(c->conn, sql))
        return pg_connection_error(c, NULL, 0, err);
    return pg_connection_answer(c, result, err);
}

enum status pg_connection_copy(struct pg_connection *c, const char *sql, struct err *err) {
    if (!c->pg.sendQuery(c->conn, sql))
        return pg_connection_error(c, NULL, 0, err);
    c->busy = c->starting = true;
    return STATUS_OK;
}

// Takes what is left of the statement's results.
static enum pg_got end_of_rows(struct pg_connection *c, PGresult *result, uint64_t rows, struct err *err) {
    enum status status = result && is_fine(c, result) ? STATUS_OK : pg_connection_error(c, result, rows, err);
    c->pg.clear(result);
    for (struct err unseen; result && next_result(c, &result, &unseen) == STATUS_OK && result;)
        c->pg.clear(result);
    c->busy = c->starting = false;
    return status == STATUS_OK ? PG_END : PG_FAILED;
}

// Whether the server has begun to send rows; what it sent instead is an error.
static enum pg_got start(struct pg_connection *c, struct err *err) {
    if (c->pg.isBusy(c->conn))
        return PG_LATER;
    PGresult *result = c->pg.getResult(c->conn);
    if (!result || c->pg.resultStatus(result) != PGRES_COPY_OUT)
        return end_of_rows(c, result, 0, err);
    c->pg.clear(result);
    c->starting = false;
    return PG_ROW;
}

enum pg_got pg_connection_next(struct pg_connection *c, uint64_t rows, char **row, size_t *n,
                               struct err *err) {
    *row = NULL;
    *n = 0;
    enum pg_got started = c->starting ? start(c, err) : PG_ROW;
    if (started != PG_ROW)
        return started;
    int got = c->pg.getCopyData(c->conn, row, 1);
    *n = got > 0 ? (size_t)got : 0;
    if (got > 0)
        return PG_ROW;
    *row = NULL;
    if (got == 0)
        return PG_LATER;
    PGresult *result;
    if (got == -1 && next_result(c, &result, err) == STATUS_OK)
        return end_of_rows(c, result, rows, err);
    if (got == -1)
        return PG_FAILED;
    pg_connection_error(c, NULL, rows, err);
    return PG_FAILED;
}

// Connecting -------------------------------------------------------------------------------------------------

static void ignore_notice(void *self, const char *message) {
    (void)self, (void)message;
}

// How long connecting may take, all hosts together.
static uint64_t patience(const struct pg_connection *c) {
    PQconninfoOption *options = c->pg.conninfo(c->conn);
    uint64_t seconds = CONNECT_SECONDS, hosts = 1;
    for (const PQconninfoOption *o = options; o && o->keyword; o++) {
        if (o->val && strcmp(o->keyword, "connect_timeout") == 0 && strtoul(o->val, NULL, 10) > 0)
            seconds = strtoul(o->val, NULL, 10);
        for (const char *p = o->val; p && *p && strcmp(o->keyword, "host") == 0; p++)
            hosts += *p == ',';
    }
    c->pg.conninfoFree(options);
    return seconds * hosts * 1000000000;
}

static enum status connect_server(struct pg_connection *c, const char *url, struct err *err) {
    static const char *const keywords[] = {"dbname", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {url, "UTF8", "pressrun", NULL};
    c->conn = c->pg.connectStartParams(keywords, values, 1);
    if (!c->conn || c->pg.status(c->conn) == CONNECTION_BAD)
        return connect_error(c, err);
    c->pg.setNoticeProcessor(c->conn, ignore_notice, NULL);
    c->until = now() + patience(c);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        if (wait_socket(c, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, err) != STATUS_OK)
            return err->status;
        state = c->pg.connectPoll(c->conn);
    }
    return state == PGRES_POLLING_OK ? STATUS_OK : connect_error(c, err);
}

// libpq's words about a wrong url repeat it.
static enum status check_url(const struct pg_connection *c, const char *url, struct err *err) {
    char *wrong = NULL;
    PQconninfoOption *options = c->pg.conninfoParse(url, &wrong);
    c->pg.conninfoFree(options);
    if (wrong)
        c->pg.freemem(wrong);
    if (options)
        return STATUS_OK;
    return err_set(err, STATUS_DATA,
                   "%.*s: this is no url of a database: it is "
                   "postgresql://[user@][host][:port]/[database][?name=value&...]",
                   STR_ARG(c->name));
}

static enum status say(struct pg_connection *c, const char *sql, struct err *err) {
    PGresult *result;
    enum status status = pg_connection_ask(c, sql, &result, err);
    c->pg.clear(result);
    return status;
}

// pg_export_snapshot wants no savepoint before it.
static enum status begin(struct pg_connection *c, const char *snapshot, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;");
    if (snapshot)
        buf_printf(&sql, "SET TRANSACTION SNAPSHOT '%s';", snapshot);
    buf_add_text(
        &sql, "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC';"
              "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';"
              "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL synchronize_seqscans = off");
    enum status status = say(c, buf_text(&sql), err);
    buf_release(&sql);
    return status;
}

enum status pg_connection_export(struct pg_connection *c, char snapshot[PG_SNAPSHOT_SIZE], struct err *err) {
    PGresult *result;
    enum status status = pg_connection_ask(c, "SELECT pg_catalog.pg_export_snapshot()", &result, err);
    if (status == STATUS_OK)
        snprintf(snapshot, PG_SNAPSHOT_SIZE, "%s", c->pg.getvalue(result, 0, 0));
    c->pg.clear(result);
    return status;
}

bool pg_connection_is_sound(struct pg_connection *c) {
    struct pollfd fd = {.fd = c->pg.socket(c->conn), .events = POLLIN};
    while (fd.fd >= 0 && poll(&fd, 1, 0) > 0) // what a server says before it goes, and then that it has gone
        if (!c->pg.consumeInput(c->conn))
            return false;
    return c->pg.status(c->conn) == CONNECTION_OK && c->pg.transactionStatus(c->conn) == PQTRANS_INTRANS;
}

bool pg_connection_reset(struct pg_connection *c) {
    struct err err;
    char *row;
    size_t n;
    bool busy = c->busy;
    pg_connection_cancel(c);
    c->busy = busy;
    while (c->busy &&
           c->pg.status(c->conn) == CONNECTION_OK) { // its end is an error, or it was quicker than that
        enum pg_got got = pg_connection_next(c, 0, &row, &n, &err);
        if (got == PG_FAILED || (got == PG_LATER && pg_connection_wait(c, &err) != STATUS_OK))
            break;
        c->pg.freemem(row);
    }
    c->busy = false;
    if (is_interrupted(c) || c->pg.status(c->conn) != CONNECTION_OK)
        return false;
    return say(c, "ROLLBACK TO SAVEPOINT pressrun", &err) == STATUS_OK && pg_connection_is_sound(c);
}

enum status pg_connection_protect(struct pg_connection *c, struct err *err) {
    return say(c, "SAVEPOINT pressrun", err);
}

enum status pg_connection_open(struct pg_connection *c, const char *url, struct str name,
                               const atomic_bool *interrupt, const char *snapshot, struct err *err) {
    *c = (struct pg_connection){.name = name, .interrupt = interrupt};
    enum status status = pg_library_open(PRESSRUN_LIBPQ, &c->pg, err);
    if (status == STATUS_OK)
        status = check_url(c, url, err);
    if (status == STATUS_OK)
        status = connect_server(c, url, err);
    if (status == STATUS_OK)
        status = begin(c, snapshot, err);
    c->until = 0;
    if (status != STATUS_OK) {
        c->busy = false; // a server that does not answer would not answer to that either
        pg_connection_close(c);
    }
    return status;
}

void pg_connection_close(struct pg_connection *c) {
    if (c->conn) {
        pg_connection_cancel(c);
        c->pg.finish(c->conn);
    }
    pg_library_close(&c->pg);
    c->conn = NULL;
}
