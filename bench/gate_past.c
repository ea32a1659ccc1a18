// SPDX-License-Identifier: MIT
#include "bench/gate_past.h"

#include <string.h>

#include "base/mem.h"
#include "monitor/history.h"

// What decides the records of a benchmark is part of its name: others are not to be compared with.
static struct str name_of(const struct gate_suite *suite, const struct gate_benchmark *b,
                          struct arena *arena) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "gate %s/%s", suite->name, b->name);
    if (b->scenario)
        buf_printf(&text, ", scale %g, seed %llu", b->scale, (unsigned long long)suite->seed);
    struct str name = arena_str(arena, buf_str(&text));
    if (!name.p)
        mem_fail(text.n);
    buf_release(&text);
    return name;
}

// ---- what there was

// This machine, as sessions have it.
static struct str machine_here(struct arena *arena) {
    struct session session;
    session_init(&session);
    session_begin(&session, 0);
    struct str machine = arena_str(arena, session.machine);
    session_release(&session);
    if (!machine.p)
        mem_fail(1);
    return machine;
}

static enum status find_usual(struct history *h, struct str name, struct arena *arena,
                              struct gate_record *record, struct err *err) {
    const struct baseline_question question = {
        .figure = str_of(metric_rows[METRIC_RUN_CPU].name), .name = name, .machine = machine_here(arena)};
    return baseline_ask(h, &question, &record->usual, &record->usual_known, err);
}

// STATUS_OK also where there is none: its digest is zero.
static enum status find_newest(struct history *h, struct str name, struct arena *arena,
                               struct gate_record *record, bool *found, struct err *err) {
    const struct history_filter filter = {STR("name"), STR("="), name};
    const char *figures[METRICS];
    int rows[METRICS];
    size_t figures_n = 0, sessions_n, listed_n;
    struct history_session *sessions;
    struct history_row *listed;
    for (int i = 0; i < METRICS; i++)
        if (metric_rows[i].work) {
            rows[figures_n] = i;
            figures[figures_n++] = metric_rows[i].name;
        }
    if (history_list(h, &filter, 1, 1, arena, &listed, &listed_n, err) != STATUS_OK ||
        history_table(h, &filter, 1, figures, figures_n, 1, arena, &sessions, &sessions_n, err) != STATUS_OK)
        return err->status;
    *found = listed_n && sessions_n && digest_parse(listed->digest, &record->digest);
    for (size_t i = 0; *found && i < figures_n; i++)
        if (sessions->values[i] >= 0)
            work_add(&record->work, metric_rows[rows[i]].name, (uint64_t)sessions->values[i]);
    return STATUS_OK;
}

static enum status find_all(struct history *h, const struct gate_suite *suite, struct arena *arena,
                            struct gate_record *records, size_t *n, struct err *err) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < suite->n && status == STATUS_OK; i++) {
        const struct gate_benchmark *b = &suite->benchmarks[i];
        const struct str name = name_of(suite, b, arena);
        struct gate_record record = {.name = b->name, .scale = b->scale};
        bool found;
        status = find_newest(h, name, arena, &record, &found, err);
        if (status == STATUS_OK && found)
            status = find_usual(h, name, arena, &record, err);
        if (status == STATUS_OK && found)
            records[(*n)++] = record;
    }
    return status;
}

enum status gate_past_find(const struct fs *fs, const char *directory, const struct gate_suite *suite,
                           struct arena *arena, struct gate_record *records, size_t *n, struct err *err) {
    struct history *h;
    *n = 0;
    if (history_open(fs, directory, HISTORY_KEEP_ALL, &h, err) != STATUS_OK)
        return err->status;
    enum status status = find_all(h, suite, arena, records, n, err);
    history_close(h);
    return status;
}

// ---- what is now

// A strategy says nothing of its work, and is no baseline for one that does; a command never does.
static bool is_worth_keeping(const struct gate_row *row) {
    const struct comparison_side *sides = row->comparison.sides;
    if (!row->only_record || row->reason != GATE_BY_RECORD)
        return false;
    return row->kind == GATE_COMMAND ||
           (sides[1].work.n && (row->verdict == VERDICT_PASS || !sides[0].known));
}

static void fill(struct session *session, const struct gate_result *r, const struct gate_row *row,
                 struct str name) {
    const struct comparison_side *b = &row->comparison.sides[1];
    char digest[DIGEST_HEX_SIZE];
    digest_hex(b->digest, digest);
    session->name = session_keep(session, name);
    session->strategy = STR("default");
    session->outcome = STR("done");
    session->digest = session_keep(session, str_of(digest));
    session->version = session_keep(session, str_of(r->candidate.version ? r->candidate.version : ""));
    session_set(session, METRIC_RUN_CPU, row->cpu_seconds);
    session_set(session, METRIC_RUN_SECONDS, row->wall_seconds);
    for (size_t i = 0; i < b->work.n; i++) {
        const int metric = metric_find(str_of(b->work.counters[i].name));
        if (metric >= 0)
            session_set(session, (enum metric)metric, (double)b->work.counters[i].value);
    }
}

enum status gate_past_keep(const struct fs *fs, const char *directory, const struct gate_suite *suite,
                           const struct gate_result *r, int64_t now, struct err *err) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < suite->n && status == STATUS_OK; i++) {
        struct session session;
        if (!is_worth_keeping(&r->rows[i]))
            continue;
        session_init(&session);
        session_begin(&session, now);
        fill(&session, r, &r->rows[i], name_of(suite, &suite->benchmarks[i], &session.arena));
        status = history_add(fs, directory, &session, HISTORY_KEEP_ALL, err);
        session_release(&session);
    }
    return status;
}
