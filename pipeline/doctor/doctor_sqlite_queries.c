// SPDX-License-Identifier: MIT
// The queries of SQLite sources: timed, their plans read, indexes proved that would help.
#include "base/mem.h"
#include "pipeline/doctor/doctor_queries.h"
#include "pipeline/doctor/doctor_sqlite.h"
#include "pipeline/doctor/index_proof.h"
#include "stages/load/sqlite/sqlite_connection.h"
#include "stages/load/sqlite/sqlite_source.h"
#include "stages/record/sqlite_names.h"

static const uint64_t MS = 1000000;

// ---- what is asked

// The rows of a table or view, as they are read; of which there is only one where none is named.
static struct str table_query(struct doctor *doctor, sqlite3 *db, struct str table) {
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    buf_add_text(&sql, "SELECT * FROM ");
    if (table.p)
        sqlite_names_add(&sql, table);
    else if (sqlite3_prepare_v2(
                 db,
                 "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE "
                 "'sqlite\\_%' ESCAPE '\\'",
                 -1, &stmt, NULL) == SQLITE_OK &&
             sqlite3_step(stmt) == SQLITE_ROW)
        sqlite_names_add(&sql, str_of((const char *)sqlite3_column_text(stmt, 0)));
    sqlite3_finalize(stmt);
    const struct str kept = doctor_keep(doctor, buf_str(&sql));
    buf_release(&sql);
    return kept;
}

// ---- a query

static void take_proposals(struct doctor *doctor, const struct index_advice *advice,
                           struct query_look *look) {
    struct query_proposal *list =
        advice->n ? ARENA_NEW_ARRAY(&doctor->arena, struct query_proposal, advice->n) : NULL;
    if (advice->n && !list)
        mem_fail(sizeof *list);
    for (size_t i = 0; i < advice->n; i++) {
        const struct index_proposal *from = &advice->proposals[i];
        list[i] = (struct query_proposal){.sql = from->sql,
                                          .what = from->what,
                                          .proved = from->proved,
                                          .together = from->together,
                                          .before = from->before.cpu,
                                          .before_stopped = from->before.stopped,
                                          .after = from->after.cpu,
                                          .bytes = from->bytes,
                                          .plan = from->plan};
    }
    look->proposals = list;
    look->proposals_n = advice->n;
    look->tried = advice->tried;
    if (advice->unproved)
        look->unproved = doctor_keep(doctor, str_of(advice->unproved));
}

// What is looked at of a source, between one thing and the next.
struct asking {
    const struct manifest_source *source;
    const char *sql; // with the values of its parameters; NULL: it cannot be asked
    struct index_advice advice;
};

static bool bind(const struct doctor *doctor, const struct manifest_source *source, sqlite3 *db,
                 sqlite3_stmt *stmt, struct err *err) {
    struct sqlite_connection connection = {.db = db, .name = source->shown};
    const struct sqlite_source bound = {.connection = &connection, .db = db, .name = source->shown};
    const struct load_options options = {.name = source->shown,
                                         .query = source->query,
                                         .parameters = source->parameters,
                                         .globals = doctor->options->manifest->globals};
    return sqlite_source_bind(&bound, &options, stmt, err) == STATUS_OK;
}

// What is no question is not asked, on a copy least of all. NULL, with the fault in the look.
static const char *find_question(struct doctor *doctor, sqlite3 *db, const struct manifest_source *source,
                                 struct query_look *look) {
    sqlite3_stmt *stmt = NULL;
    struct err err = {.status = STATUS_OK};
    if (sqlite3_prepare_v2(db, look->sql.p, -1, &stmt, NULL) != SQLITE_OK)
        err_set(&err, STATUS_DATA, "%s", sqlite3_errmsg(db));
    else if (!stmt || !sqlite3_stmt_readonly(stmt) || sqlite3_column_count(stmt) == 0)
        err_set(&err, STATUS_DATA, "a query only reads");
    else
        bind(doctor, source, db, stmt, &err);
    char *text = err.status == STATUS_OK ? sqlite3_expanded_sql(stmt) : NULL;
    sqlite3_finalize(stmt);
    if (!text)
        look->fault = doctor_keep(doctor, str_of(err.status == STATUS_OK ? "no memory" : err.text));
    const char *kept = text ? doctor_keep(doctor, str_of(text)).p : NULL;
    sqlite3_free(text);
    return kept;
}

static bool time_query(struct doctor *doctor, const struct index_prover *prover, const char *sql,
                       struct query_look *look, struct query_time *timed) {
    if (query_plan_read(prover->db, sql, &doctor->arena, &look->plan) != SQLITE_OK ||
        query_time_best(prover->db, sql, prover->clock, prover->query_most, timed) != SQLITE_OK) {
        look->fault = doctor_keep(doctor, str_of(sqlite3_errmsg(prover->db)));
        return false;
    }
    look->rows = timed->rows;
    look->took = timed->wall;
    look->first = timed->first;
    look->scanned = timed->scanned;
    look->stopped = timed->stopped;
    look->slow = timed->stopped || timed->wall >= prover->slow;
    return true;
}

// In the order that it is read in.
static const char *in_order(struct doctor *doctor, const char *sql, struct str split) {
    size_t n = strlen(sql);
    struct buf text = BUF_INIT;
    while (n > 0 && (sql[n - 1] == ';' || sql[n - 1] == ' ' || sql[n - 1] == '\n'))
        n--;
    buf_printf(&text, "SELECT * FROM (%.*s\n) ORDER BY ", (int)n, sql);
    sqlite_names_add(&text, split);
    const struct str ordered = doctor_keep(doctor, buf_str(&text));
    buf_release(&text);
    return ordered.p;
}

// What the plan says, or that rows are found by an index which leads to many others first.
static bool may_be_faster(const struct query_look *look, const struct query_time *timed) {
    enum { STEPS_A_ROW = 50 };
    return look->slow || query_plan_costs(&look->plan) || timed->work / STEPS_A_ROW > timed->rows;
}

static void look_at_query(struct doctor *doctor, struct index_prover *prover, struct asking *asking) {
    const struct manifest_source *source = asking->source;
    struct query_look *look = doctor_add_query(doctor);
    struct query_time timed;
    *look = (struct query_look){.source = source->name, .database = source->shown, .sql = source->query};
    if (!look->sql.p)
        look->sql = table_query(doctor, prover->db, source->table);
    asking->sql = find_question(doctor, prover->db, source, look);
    if (asking->sql && source->split.p)
        asking->sql = in_order(doctor, asking->sql, source->split);
    if (asking->sql && time_query(doctor, prover, asking->sql, look, &timed) && may_be_faster(look, &timed))
        index_prove(prover, asking->sql, &timed, &asking->advice);
}

// An index that begins another one's way need not be beside it.
static void widen(struct index_prover *prover, struct asking *all, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n && all[i].advice.n == 1; k++)
            for (size_t p = 0; p < all[k].advice.n && k != i; p++)
                if (index_prove_wider(prover, all[i].sql, &all[k].advice.proposals[p],
                                      &all[i].advice.proposals[0]))
                    break;
}

// ---- indexes

// Those that somebody made; a constraint's belong to it.
static const char *const indexes =
    "SELECT t.name, i.name, i.\"unique\" FROM pragma_table_list AS t, pragma_index_list(t.name) AS i "
    "WHERE t.schema = 'main' AND t.type = 'table' AND i.origin = 'c' ORDER BY t.name, i.name";

static struct str column(struct doctor *doctor, sqlite3_stmt *stmt, int i) {
    const char *text = (const char *)sqlite3_column_text(stmt, i);
    return doctor_keep(doctor, str_of(text ? text : ""));
}

// As far as there is time: SQLite goes through an index to tell.
static void measure_indexes(struct doctor *doctor, sqlite3 *db, size_t from) {
    struct query_deadline deadline = {&doctor->options->clock, 0};
    sqlite3_stmt *stmt = NULL;
    deadline.end = deadline.clock->monotonic(deadline.clock->self) + DOCTOR_SQLITE_MS * MS;
    query_deadline_set(db, &deadline);
    if (sqlite3_prepare_v2(db, "SELECT sum(pgsize) FROM dbstat WHERE name = ?1", -1, &stmt, NULL) ==
        SQLITE_OK)
        for (size_t i = from; i < doctor->looks.indexes_n; i++) {
            struct index_look *look = &doctor->looks.indexes[i];
            sqlite3_bind_text(stmt, 1, look->index.p, (int)look->index.n, SQLITE_STATIC);
            look->bytes = sqlite3_step(stmt) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
            sqlite3_reset(stmt);
        }
    sqlite3_finalize(stmt);
    query_deadline_clear(db);
}

static void look_at_indexes(struct doctor *doctor, sqlite3 *db, struct str database) {
    const size_t from = doctor->looks.indexes_n;
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(db, indexes, -1, &stmt, NULL);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        struct index_look *look = doctor_add_index(doctor);
        *look = (struct index_look){.database = database, .scans = -1};
        look->table = column(doctor, stmt, 0);
        look->index = column(doctor, stmt, 1);
        look->unique = sqlite3_column_int(stmt, 2) != 0;
    }
    sqlite3_finalize(stmt);
    measure_indexes(doctor, db, from);
}

void doctor_examine_sqlite(struct doctor *doctor, const struct manifest_source *const *sources, size_t n) {
    const struct doctor_options *options = doctor->options;
    const size_t first = doctor->looks.queries_n;
    struct index_prover prover = {.clock = &options->clock,
                                  .directory = doctor_variable(doctor, "TMPDIR"),
                                  .copy_most = options->copy_most,
                                  .slow = options->slow,
                                  .query_most = DOCTOR_QUERY_MS * MS,
                                  .time_left = DOCTOR_PROOF_MS * MS,
                                  .arena = &doctor->arena};
    if (!doctor_sqlite_open(sources[0]->path.p, &prover.db))
        return;
    struct asking *all = MEM_NEW_ARRAY(struct asking, n);
    for (size_t i = 0; i < n; i++) {
        all[i].source = sources[i];
        look_at_query(doctor, &prover, &all[i]);
    }
    widen(&prover, all, n);
    for (size_t i = 0; i < n; i++)
        take_proposals(doctor, &all[i].advice, &doctor->looks.queries[first + i]);
    mem_free(all);
    look_at_indexes(doctor, prover.db, sources[0]->shown);
    index_prover_release(&prover);
    sqlite3_close(prover.db);
}
