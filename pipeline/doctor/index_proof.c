// SPDX-License-Identifier: MIT
#include "pipeline/doctor/index_proof.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "pipeline/doctor/database_copy.h"
#include "pipeline/doctor/database_outline.h"
#include "stages/record/sqlite_names.h"

enum {
    TRIED_MOST = 12,   // indexes that are made, for one of the proposals
    COVERING_MOST = 4, // candidates that are tried with all that is read, where none was worth it without
    WORK_LEAST = 10 * 1000,    // steps of SQLite's machine, some thousand rows: what does less is left alone
    INDEXED_LEAST = 1000,      // rows of an automatic index that is made anew each time
    SPARED = 50 * 1000,        // nanoseconds at least
    LITTLE = 200 * 1000,       // nanoseconds: is not worth another column
    MUCH = 10 * 1000 * 1000,   // that a query which is not slow does not have to take
    PAUSE = 500 * 1000 * 1000, // that the machine may be busy with something else
    FAR_FASTER = 4,
    FAR_LESS = 8, // a query that is not slow does so much too much
};

// ---- names

static bool is_taken(sqlite3 *db, struct str name) {
    sqlite3_stmt *stmt = NULL;
    bool taken = false;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", -1, &stmt,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name.p, (int)name.n, SQLITE_STATIC);
        taken = sqlite3_step(stmt) == SQLITE_ROW;
    }
    sqlite3_finalize(stmt);
    return taken;
}

static struct str keep(struct arena *arena, const struct buf *text) {
    const struct str kept = arena_str(arena, buf_str(text));
    if (!kept.p)
        mem_fail(text->n);
    return kept;
}

// "orders_customer_id", as nothing of the database is named yet.
static struct str name_index(const struct index_prover *prover, const struct index_candidate *candidate) {
    struct buf name = BUF_INIT;
    buf_add_str(&name, candidate->table);
    for (size_t i = 0; i < candidate->n; i++) {
        buf_add_char(&name, '_');
        buf_add_str(&name, candidate->columns[i].name);
    }
    const size_t n = name.n;
    for (int i = 2; is_taken(prover->outline, buf_str(&name)); i++) {
        name.n = n;
        buf_printf(&name, "_%d", i);
    }
    const struct str kept = keep(prover->arena, &name);
    buf_release(&name);
    return kept;
}

static void write_out(struct index_prover *prover, struct index_proposal *proposal) {
    struct buf text = BUF_INIT;
    proposal->name = name_index(prover, &proposal->index);
    index_candidate_write_sql(&proposal->index, proposal->name, &text);
    proposal->sql = keep(prover->arena, &text);
    buf_clear(&text);
    index_candidate_write(&proposal->index, &text);
    proposal->what = keep(prover->arena, &text);
    buf_release(&text);
}

static int run(sqlite3 *db, struct str sql) {
    return sqlite3_exec(db, sql.p, NULL, NULL, NULL);
}

static void drop(sqlite3 *db, struct str name) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "DROP INDEX ");
    sqlite_names_add(&sql, name);
    sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL);
    buf_release(&sql);
}

// ---- on the outline

// Whether there is an index that begins so. Rows of an index, in the order of its columns.
static bool index_begins_with(sqlite3 *db, const char *index, const struct index_candidate *candidate) {
    sqlite3_stmt *stmt = NULL;
    size_t i = 0;
    sqlite3_prepare_v2(db, "SELECT name, desc, coll FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno", -1,
                       &stmt, NULL);
    sqlite3_bind_text(stmt, 1, index, -1, SQLITE_STATIC);
    while (i < candidate->n && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0),
                   *collation = (const char *)sqlite3_column_text(stmt, 2);
        const struct index_column *column = &candidate->columns[i];
        if (!name || !str_equal(str_of(name), column->name) ||
            (sqlite3_column_int(stmt, 1) != 0) != column->descending ||
            (column->collation.p && sqlite3_stricmp(collation, column->collation.p) != 0))
            break;
        i++;
    }
    sqlite3_finalize(stmt);
    return i == candidate->n;
}

static bool is_there(sqlite3 *db, const struct index_candidate *candidate) {
    sqlite3_stmt *stmt = NULL;
    bool there = false;
    sqlite3_prepare_v2(db, "SELECT name FROM pragma_index_list(?1) WHERE NOT partial", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, candidate->table.p, (int)candidate->table.n, SQLITE_STATIC);
    while (!there && sqlite3_step(stmt) == SQLITE_ROW)
        there = index_begins_with(db, (const char *)sqlite3_column_text(stmt, 0), candidate);
    sqlite3_finalize(stmt);
    return there;
}

// Whether SQLite would use it, as far as it knows beforehand.
static bool would_be_used(struct index_prover *prover, const char *sql, struct index_proposal *proposal) {
    bool used = false;
    if (is_there(prover->outline, &proposal->index))
        return false;
    write_out(prover, proposal);
    if (run(prover->outline, proposal->sql) == SQLITE_OK &&
        query_plan_read(prover->outline, sql, prover->arena, &proposal->plan) == SQLITE_OK)
        used = query_plan_uses(&proposal->plan, proposal->name);
    drop(prover->outline, proposal->name);
    return used;
}

// ---- on the copy

static uint64_t now(const struct index_prover *prover) {
    return prover->clock->monotonic(prover->clock->self);
}

static bool has_time(const struct index_prover *prover) {
    return now(prover) < prover->deadline.end;
}

static bool have_copy(struct index_prover *prover) {
    struct err err;
    if (prover->copy || prover->why_not[0])
        return prover->copy;
    if (database_copy_open(prover->db, prover->directory, prover->copy_most, &prover->deadline, &prover->copy,
                           &err) != STATUS_OK)
        snprintf(prover->why_not, sizeof prover->why_not, "%s", err.text);
    return prover->copy;
}

static bool is_analyzed(sqlite3 *db) {
    return is_taken(db, STR("sqlite_stat1"));
}

static bool has_indexes(sqlite3 *db) {
    sqlite3_stmt *stmt = NULL;
    const bool has = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE type = 'index'", -1, &stmt,
                                        NULL) == SQLITE_OK &&
                     sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return has;
}

// ANALYZE's figures, found out once; and away again.
static bool have_figures(struct index_prover *prover) {
    static const char *const again =
        "INSERT INTO sqlite_stat1 SELECT * FROM temp.figures; ANALYZE sqlite_schema";
    static const char *const first = "ANALYZE; CREATE TEMP TABLE figures AS SELECT * FROM main.sqlite_stat1";
    query_deadline_set(prover->copy, &prover->deadline);
    const bool had = is_analyzed(prover->copy),
               have = sqlite3_exec(prover->copy, had ? again : first, NULL, NULL, NULL) == SQLITE_OK;
    query_deadline_clear(prover->copy);
    return have;
}

static void drop_figures(struct index_prover *prover) {
    sqlite3_exec(prover->copy, "DELETE FROM main.sqlite_stat1; ANALYZE sqlite_schema", NULL, NULL, NULL);
}

// With figures about it where the database has some about others.
static bool make_index(struct index_prover *prover, const struct index_proposal *proposal) {
    struct buf sql = BUF_INIT;
    buf_add_str(&sql, proposal->sql);
    if (is_analyzed(prover->db)) {
        buf_add_text(&sql, "; ANALYZE ");
        sqlite_names_add(&sql, proposal->name);
    }
    query_deadline_set(prover->copy, &prover->deadline);
    const bool made = sqlite3_exec(prover->copy, buf_text(&sql), NULL, NULL, NULL) == SQLITE_OK;
    query_deadline_clear(prover->copy);
    buf_release(&sql);
    return made;
}

static uint64_t size_of(sqlite3 *db, struct str name) {
    sqlite3_stmt *stmt = NULL;
    uint64_t bytes = 0;
    if (sqlite3_prepare_v2(db, "SELECT sum(pgsize) FROM dbstat WHERE name = ?1", -1, &stmt, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, name.p, (int)name.n, SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return bytes;
}

static bool is_little(const struct query_time *time) {
    return !time->stopped && (time->cpu < SPARED || (time->work < WORK_LEAST && time->cpu < LITTLE));
}

static bool is_worth(const struct index_prover *prover, const struct query_time *before,
                     const struct query_time *after) {
    if (after->stopped || after->cpu >= before->cpu)
        return false;
    if (before->stopped)
        return true; // what ran over all bounds ends now
    if (before->cpu - after->cpu < SPARED)
        return false;
    if (before->wall >= prover->slow)
        return after->cpu + after->cpu / 2 <= before->cpu;
    return (after->work < before->work / FAR_LESS && after->cpu < before->cpu / 2) ||
           (before->indexed >= INDEXED_LEAST && after->indexed == 0) ||
           (prover->toils && before->cpu - after->cpu >= MUCH && after->cpu < before->cpu / FAR_FASTER);
}

// Makes it, times the query, and takes it away again.
static bool time_with(struct index_prover *prover, const char *sql, uint64_t most,
                      struct index_proposal *proposal) {
    bool timed = false;
    if (make_index(prover, proposal) &&
        query_plan_read(prover->copy, sql, prover->arena, &proposal->plan) == SQLITE_OK &&
        query_plan_uses(&proposal->plan, proposal->name) &&
        query_time_best(prover->copy, sql, prover->clock, most, &proposal->after) == SQLITE_OK) {
        proposal->bytes = size_of(prover->copy, proposal->name);
        timed = true;
    }
    drop(prover->copy, proposal->name);
    return timed;
}

// Whether `a` is to be had rather: much faster, or about as fast with fewer columns.
static bool is_better(const struct index_proposal *a, const struct index_proposal *b) {
    const uint64_t x = a->after.cpu, y = b->after.cpu;
    if (a->index.n < b->index.n)
        return x < y + y / 3 + LITTLE;
    if (a->index.n > b->index.n)
        return x + x / 3 + LITTLE < y;
    return x < y;
}

static void try_one(struct index_prover *prover, const char *sql, const struct query_time *before,
                    struct index_proposal *proposal, struct index_advice *advice,
                    struct index_proposal *best) {
    const uint64_t most = before->stopped ? prover->query_most : before->wall * 2 + PAUSE;
    proposal->before = *before;
    proposal->proved = true;
    advice->tried++;
    if (time_with(prover, sql, most, proposal) && is_worth(prover, before, &proposal->after) &&
        (!best->name.p || is_better(proposal, best)))
        *best = *proposal;
}

// With all columns that are read, where looking them up in the table is most of the work.
static void try_covering(struct index_prover *prover, const char *sql, const struct query_time *before,
                         const struct index_candidate *base, struct index_advice *advice,
                         struct index_proposal *best) {
    struct index_proposal wide = {.index = *base};
    const bool heavy =
        before->wall >= prover->slow || before->cpu >= MUCH || before->indexed >= INDEXED_LEAST;
    if (base->rest_n == 0 || !heavy || !has_time(prover) || base->n + base->rest_n > INDEX_COLUMNS_MOST)
        return;
    memcpy(&wide.index.columns[wide.index.n], base->rest, base->rest_n * sizeof *base->rest);
    wide.index.n += base->rest_n;
    wide.index.rest_n = 0;
    if (would_be_used(prover, sql, &wide))
        try_one(prover, sql, before, &wide, advice, best);
}

static struct index_proposal find_best(struct index_prover *prover, const char *sql,
                                       const struct index_candidates *candidates,
                                       const struct query_time *before, struct index_advice *advice) {
    struct index_proposal best = {.name = {NULL, 0}};
    for (size_t i = 0, tried = 0; i < candidates->n && tried < TRIED_MOST && has_time(prover); i++) {
        struct index_proposal proposal = {.index = candidates->list[i]};
        if (would_be_used(prover, sql, &proposal)) {
            try_one(prover, sql, before, &proposal, advice, &best);
            tried++;
        }
    }
    if (best.name.p && best.after.cpu >= MUCH) {
        const struct index_candidate base = best.index;
        try_covering(prover, sql, before, &base, advice, &best);
    }
    for (size_t i = 0; i < candidates->n && i < COVERING_MOST && !best.name.p; i++)
        try_covering(prover, sql, before, &candidates->list[i], advice, &best);
    return best;
}

// ---- several at once

// Those that SQLite would use if it had all of the candidates.
static size_t find_set(struct index_prover *prover, const char *sql,
                       const struct index_candidates *candidates, struct index_proposal set[PROPOSALS_MOST]) {
    struct index_proposal *all = MEM_NEW_ARRAY(struct index_proposal, candidates->n + 1);
    struct query_plan plan = {NULL, 0};
    size_t n = 0, made = 0;
    for (size_t i = 0; i < candidates->n; i++) {
        all[made].index = candidates->list[i];
        if (is_there(prover->outline, &candidates->list[i]))
            continue;
        write_out(prover, &all[made]);
        made += run(prover->outline, all[made].sql) == SQLITE_OK;
    }
    if (query_plan_read(prover->outline, sql, prover->arena, &plan) != SQLITE_OK)
        plan.n = 0;
    for (size_t i = 0; i < made; i++)
        drop(prover->outline, all[i].name);
    for (size_t i = 0; i < made && n < PROPOSALS_MOST; i++)
        if (query_plan_uses(&plan, all[i].name)) {
            set[n] = all[i];
            write_out(prover, &set[n++]); // its name when it is alone
        }
    mem_free(all);
    return n;
}

static bool uses_all(const struct query_plan *plan, const struct index_proposal *set, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!query_plan_uses(plan, set[i].name))
            return false;
    return true;
}

// Into the advice and left in place, if together they are worth it.
static bool prove_set(struct index_prover *prover, const char *sql, const struct query_time *before,
                      struct index_proposal *set, size_t n, struct index_advice *advice) {
    struct query_time after;
    struct query_plan plan;
    size_t made = 0;
    while (made < n && make_index(prover, &set[made]))
        made++;
    advice->tried += made;
    const bool worth =
        made == n && query_plan_read(prover->copy, sql, prover->arena, &plan) == SQLITE_OK &&
        uses_all(&plan, set, n) &&
        query_time_best(prover->copy, sql, prover->clock, prover->query_most, &after) == SQLITE_OK &&
        is_worth(prover, before, &after);
    for (size_t i = 0; i < made && !worth; i++)
        drop(prover->copy, set[i].name);
    for (size_t i = 0; i < n && worth; i++) {
        set[i].proved = set[i].together = true;
        set[i].before = *before;
        set[i].after = after;
        set[i].plan = plan;
        set[i].bytes = size_of(prover->copy, set[i].name);
        run(prover->outline, set[i].sql);
        advice->proposals[advice->n++] = set[i];
    }
    return worth;
}

// ---- all of it

static bool prove_next(struct index_prover *prover, const char *sql,
                       const struct index_candidates *candidates, const struct query_time *before,
                       struct index_advice *advice) {
    struct index_proposal set[PROPOSALS_MOST];
    const struct index_proposal best = find_best(prover, sql, candidates, before, advice);
    if (best.name.p) {
        advice->proposals[advice->n++] = best;
        return make_index(prover, &best) && run(prover->outline, best.sql) == SQLITE_OK;
    }
    const size_t n = find_set(prover, sql, candidates, set);
    return n > 1 && advice->n + n <= PROPOSALS_MOST && has_time(prover) &&
           prove_set(prover, sql, before, set, n, advice);
}

static bool begin_query(struct index_prover *prover, const char *sql, struct query_time *before) {
    struct query_plan plan;
    if (query_plan_read(prover->copy, sql, prover->arena, &plan) != SQLITE_OK)
        return false;
    prover->toils = query_plan_toils(&plan);
    return query_time_best(prover->copy, sql, prover->clock, prover->query_most, before) == SQLITE_OK;
}

// The indexes there are may be all that is needed, if SQLite knew more of them. False: that is no use.
static bool try_figures(struct index_prover *prover, const char *sql, const struct query_time *before,
                        struct index_proposal *proposal) {
    *proposal = (struct index_proposal){.sql = STR("ANALYZE"), .proved = true, .before = *before};
    if (is_analyzed(prover->db) || !has_indexes(prover->db) || !have_figures(prover))
        return false;
    const bool worth = query_plan_read(prover->copy, sql, prover->arena, &proposal->plan) == SQLITE_OK &&
                       query_time_best(prover->copy, sql, prover->clock, prover->query_most,
                                       &proposal->after) == SQLITE_OK &&
                       is_worth(prover, before, &proposal->after);
    drop_figures(prover);
    return worth;
}

// ANALYZE where it leaves nothing to wish for, or no index is any better.
static void prove_on_copy(struct index_prover *prover, const char *sql,
                          const struct index_candidates *candidates, struct index_advice *advice) {
    struct query_time before;
    struct index_proposal figures;
    if (!begin_query(prover, sql, &before))
        return;
    const bool helps = try_figures(prover, sql, &before, &figures),
               enough = helps && is_little(&figures.after);
    while (!enough && advice->n < PROPOSALS_MOST && !is_little(&before) && has_time(prover) &&
           prove_next(prover, sql, candidates, &before, advice))
        before = advice->proposals[advice->n - 1].after;
    for (size_t i = 0; i < advice->n; i++) {
        drop(prover->copy, advice->proposals[i].name);
        drop(prover->outline, advice->proposals[i].name);
    }
    if (helps && advice->n == 0)
        advice->proposals[advice->n++] = figures;
}

// Where no copy can be had: the first that SQLite would use, for a query that is slow.
static void guess(struct index_prover *prover, const char *sql, const struct index_candidates *candidates,
                  const struct query_time *timed, struct index_advice *advice) {
    advice->unproved = prover->why_not;
    for (size_t i = 0; i < candidates->n && timed->wall >= prover->slow && advice->n == 0; i++) {
        struct index_proposal proposal = {.index = candidates->list[i], .before = *timed};
        if (would_be_used(prover, sql, &proposal))
            advice->proposals[advice->n++] = proposal;
    }
}

// Half of what is left, so that no query takes all of it.
static uint64_t take_time(struct index_prover *prover) {
    const uint64_t from = now(prover);
    prover->deadline = (struct query_deadline){prover->clock, from + prover->time_left / 2};
    return from;
}

static void count_time(struct index_prover *prover, uint64_t from) {
    const uint64_t spent = now(prover) - from;
    prover->time_left = prover->time_left > spent ? prover->time_left - spent : 0;
}

static bool have_outlines(struct index_prover *prover) {
    if (!prover->outline && database_outline_open(prover->db, NULL, &prover->outline) == SQLITE_OK)
        wishes_open(prover->db, prover->arena, &prover->wishes);
    return prover->wishes.outline;
}

void index_prove(struct index_prover *prover, const char *sql, const struct query_time *timed,
                 struct index_advice *advice) {
    struct index_candidates candidates = {NULL, 0, 0};
    struct index_proposal set[PROPOSALS_MOST];
    *advice = (struct index_advice){.n = 0};
    if (prover->time_left == 0 || is_little(timed))
        return;
    const uint64_t from = take_time(prover);
    if (have_outlines(prover) && index_candidates_find(&prover->wishes, sql, &candidates) == SQLITE_OK &&
        find_set(prover, sql, &candidates, set) > 0) {
        if (have_copy(prover))
            prove_on_copy(prover, sql, &candidates, advice);
        else
            guess(prover, sql, &candidates, timed, advice);
    }
    index_candidates_release(&candidates);
    count_time(prover, from);
}

bool index_prove_wider(struct index_prover *prover, const char *sql, const struct index_proposal *wider,
                       struct index_proposal *proposal) {
    struct index_proposal other = *wider;
    if (!prover->copy || prover->time_left == 0 || proposal->index.n == 0 || proposal->together ||
        !proposal->proved || !index_candidate_begins(&proposal->index, &wider->index) ||
        wider->index.n == proposal->index.n)
        return false;
    const uint64_t from = take_time(prover);
    const bool as_good = time_with(prover, sql, proposal->before.wall + PAUSE, &other) &&
                         !other.after.stopped &&
                         other.after.cpu <= proposal->after.cpu + proposal->after.cpu / 2 + LITTLE;
    count_time(prover, from);
    other.before = proposal->before;
    other.together = false;
    if (as_good)
        *proposal = other;
    return as_good;
}

void index_prover_release(struct index_prover *prover) {
    wishes_release(&prover->wishes);
    sqlite3_close(prover->outline);
    sqlite3_close(prover->copy);
}
