// SPDX-License-Identifier: MIT
// The queries of PostgreSQL sources: timed on the server, their plans read, and which indexes it says that nobody uses.
#include "pipeline/doctor/doctor_queries.h"
#include "pipeline/doctor/pg_plan.h"
#include "stages/load/postgresql/pg_ask.h"

enum { SECONDS = DOCTOR_QUERY_MS / 1000 };

// As a run reads it.
static struct load_options options_of(const struct doctor *doctor, const struct manifest_source *source) {
    return (struct load_options){.fs = doctor->options->fs,
                                 .path = source->url.p,
                                 .name = source->shown,
                                 .query = source->query,
                                 .table = source->table,
                                 .parameters = source->parameters,
                                 .globals = doctor->options->manifest->globals};
}

// ---- a query

static void take_plan(struct doctor *doctor, const struct pg_plan *plan, struct query_look *look) {
    look->plan = plan->plan;
    look->rows = plan->rows;
    look->took = plan->took;
    look->scanned = plan->scanned;
    look->slow = plan->took >= doctor->options->slow;
}

static enum status explain(struct doctor *doctor, struct pg_ask *ask, const char *how, const struct buf *sql,
                           struct pg_plan *plan, struct err *err) {
    struct buf text = BUF_INIT;
    struct pg_answer answer;
    buf_printf(&text, "EXPLAIN (%s, FORMAT JSON) ", how);
    buf_add_str(&text, buf_str(sql));
    enum status status = pg_ask(ask, buf_text(&text), SECONDS, &doctor->arena, &answer, err);
    buf_release(&text);
    if (status == STATUS_OK && (!answer.rows || !pg_plan_read(answer.cells[0], &doctor->arena, plan)))
        status = err_set(err, STATUS_DATA, "the server does not say how it goes about it");
    return status;
}

// The server runs it, and keeps the rows to itself.
static void run(struct doctor *doctor, struct pg_ask *ask, const struct buf *sql, struct query_look *look) {
    struct pg_plan plan;
    struct err err;
    enum status status = explain(doctor, ask, "ANALYZE, TIMING OFF, SUMMARY ON", sql, &plan, &err);
    if (status == STATUS_LIMIT) {
        status = explain(doctor, ask, "COSTS OFF", sql, &plan, &err);
        plan.took = (uint64_t)DOCTOR_QUERY_MS * 1000000;
        look->stopped = true;
    }
    if (status == STATUS_OK) {
        take_plan(doctor, &plan, look);
        look->slow = look->slow || look->stopped;
    } else {
        look->fault = doctor_keep(doctor, str_of(err.text));
    }
}

static void look_at_query(struct doctor *doctor, struct pg_ask *ask, const struct manifest_source *source) {
    const struct load_options options = options_of(doctor, source);
    struct query_look *look = doctor_add_query(doctor);
    struct buf sql = BUF_INIT;
    struct err err;
    *look = (struct query_look){.source = source->name, .database = source->shown, .sql = source->query};
    if (pg_ask_query(ask, &options, &sql, &err) != STATUS_OK)
        look->fault = doctor_keep(doctor, str_of(err.text));
    else
        run(doctor, ask, &sql, look);
    if (!look->sql.p)
        look->sql = doctor_keep(doctor, sql.n ? buf_str(&sql) : source->table.p ? source->table : STR(""));
    buf_release(&sql);
}

// ---- indexes

// Less those that a constraint brings with it. The server counts what everybody does.
static const char *const indexes =
    "SELECT CASE WHEN pg_catalog.pg_table_is_visible(s.relid) THEN '' ELSE s.schemaname || '.' END || "
    "s.relname, "
    "s.indexrelname, i.indisunique, pg_catalog.pg_relation_size(s.indexrelid), s.idx_scan "
    "FROM pg_catalog.pg_stat_user_indexes s JOIN pg_catalog.pg_index i ON i.indexrelid = s.indexrelid "
    "WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conindid = s.indexrelid) "
    "ORDER BY s.schemaname, s.relname, s.indexrelname";
enum { TABLE, INDEX, UNIQUE, BYTES, SCANS, COLUMNS };

static int64_t number_of(struct str text) {
    int64_t n = 0;
    for (size_t i = 0; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && n < INT64_MAX / 10 - 1; i++)
        n = n * 10 + (text.p[i] - '0');
    return n;
}

static void look_at_indexes(struct doctor *doctor, struct pg_ask *ask, struct str database) {
    struct pg_answer answer;
    struct err err;
    if (pg_ask(ask, indexes, SECONDS, &doctor->arena, &answer, &err) != STATUS_OK ||
        answer.columns != COLUMNS)
        return; // statistics that may not be read are none
    for (size_t i = 0; i < answer.rows; i++) {
        const struct str *cells = &answer.cells[i * COLUMNS];
        struct index_look *look = doctor_add_index(doctor);
        *look = (struct index_look){.database = database,
                                    .table = cells[TABLE],
                                    .index = cells[INDEX],
                                    .unique = str_is(cells[UNIQUE], "t"),
                                    .bytes = (uint64_t)number_of(cells[BYTES]),
                                    .scans = number_of(cells[SCANS])};
    }
}

void doctor_examine_postgresql(struct doctor *doctor, const struct manifest_source *const *sources,
                               size_t n) {
    const struct load_options options = options_of(doctor, sources[0]);
    struct pg_ask *ask;
    struct err err;
    if (pg_ask_open(&options, &ask, &err) != STATUS_OK)
        return;                                      // which the check of databases tells
    look_at_indexes(doctor, ask, sources[0]->shown); // before these queries are counted, too
    for (size_t i = 0; i < n; i++)
        look_at_query(doctor, ask, sources[i]);
    pg_ask_close(ask);
}

// ---- whether it answers at all

void doctor_check_server(struct doctor *doctor, const struct manifest_source *source) {
    const struct load_options options = options_of(doctor, source);
    struct pg_ask *ask;
    struct pg_answer answer;
    struct err err;
    struct buf name = BUF_INIT;
    char size[32];
    buf_add_str(&name, source->name);
    enum status status = pg_ask_open(&options, &ask, &err);
    if (status == STATUS_OK)
        status = pg_ask(
            ask, "SELECT current_setting('server_version'), pg_catalog.pg_database_size(current_database())",
            SECONDS, &doctor->arena, &answer, &err);
    pg_ask_close(ask);
    if (status != STATUS_OK || answer.columns != 2 || answer.rows != 1) {
        doctor_say(doctor, DOCTOR_FAIL, buf_text(&name), NULL, "%s",
                   status == STATUS_OK ? "the server does not say what it is" : err.text);
    } else {
        doctor_write_bytes((uint64_t)number_of(answer.cells[1]), size, sizeof size);
        doctor_say(doctor, DOCTOR_OK, buf_text(&name), NULL, "%.*s, %s: PostgreSQL %.*s answers",
                   STR_ARG(source->shown), size, STR_ARG(answer.cells[0]));
    }
    buf_release(&name);
}
