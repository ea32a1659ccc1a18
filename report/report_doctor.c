// SPDX-License-Identifier: MIT
// What the doctor found (`doctor --json`): what is to be done, queries of databases and indexes that would help, all checks.
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "report/given.h"
#include "report/report_sources.h"

enum { QUERIES_SHOWN = 20 };

static const struct {
    const char *name, *word; // of a check, and of many
    enum report_state state;
} states[] = {
    {"fail", "failed", REPORT_BAD},
    {"warn", "to look at", REPORT_WARNING},
    {"ok", "well", REPORT_GOOD},
    {"skipped", "skipped", REPORT_NEUTRAL},
};
enum { STATES = sizeof states / sizeof *states };

static size_t state_of(const json_t *object) {
    size_t i = 0;
    while (i < STATES - 1 && strcmp(given_text(object, "state"), states[i].name) != 0)
        i++;
    return i;
}

// ---- the verdict

static void set_verdict(struct report *report, const json_t *source, const size_t counts[STATES]) {
    const size_t worst = state_of(source);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < STATES; i++)
        if (counts[i])
            buf_printf(&text, "%s%zu %s", text.n ? ", " : "", counts[i], states[i].word);
    buf_add_char(&text, '.');
    report_set_verdict(report, states[worst].state, states[worst].word, buf_text(&text));
    buf_release(&text);
}

static void add_count(struct report *report, const char *id, const char *label, size_t n,
                      enum report_state state) {
    report_add_figure(report, &(struct report_figure){
                                  .id = id, .label = label, .value = (double)n, .unit = "", .state = state});
}

static void add_figures(struct report *report, const json_t *source, const size_t counts[STATES]) {
    const json_t *queries = json_object_get(source, "queries"), *query;
    size_t slow = 0, i;
    for (i = 0; i < STATES; i++)
        add_count(report, states[i].name, states[i].word, counts[i],
                  counts[i] ? states[i].state : REPORT_NEUTRAL);
    json_array_foreach(queries, i, query) slow += json_is_true(json_object_get(query, "slow"));
    if (!queries)
        return;
    add_count(report, "queries", "queries", json_array_size(queries), REPORT_NEUTRAL);
    add_count(report, "slow", "slow queries", slow, slow ? REPORT_WARNING : REPORT_NEUTRAL);
}

// ---- checks

static void add_checks(struct report *report, const json_t *checks, const char *id, const char *title,
                       bool all) {
    static const struct report_column columns[] = {{"", false, false},
                                                   {"check", false, false},
                                                   {"of", false, false},
                                                   {"found", false, false},
                                                   {"to do", false, false}};
    json_t *section = report_section(report, id, title, NULL, all);
    json_t *table = NULL;
    size_t i;
    const json_t *check;
    json_array_foreach(checks, i, check) {
        const size_t state = state_of(check);
        if (!all && states[state].state != REPORT_BAD && states[state].state != REPORT_WARNING)
            continue;
        if (!table)
            table = report_add_table(section, title, columns, sizeof columns / sizeof *columns);
        json_t *row = report_add_row(table, states[state].state);
        report_add_cell(row, states[state].name);
        report_add_cell(row, given_text(check, "check"));
        report_add_cell(row, given_text(check, "subject"));
        report_add_cell(row, given_text(check, "found"));
        report_add_cell(row, given_text(check, "advice"));
    }
}

// ---- queries

static void add_queries(struct report *report, const json_t *queries) {
    static const struct report_column columns[] = {{"source", false, false},
                                                   {"rows", true, false},
                                                   {"time", true, true},
                                                   {"first row", true, false},
                                                   {"", false, false}};
    json_t *section =
        report_section(report, "queries", "Queries", "Each was run to its last row, or stopped.", false);
    json_t *table = json_array_size(queries) ? report_add_table(section, "Times", columns, 5) : NULL;
    double most = 0;
    size_t i;
    const json_t *query;
    json_array_foreach(queries, i, query) most =
        given_number(query, "seconds") > most ? given_number(query, "seconds") : most;
    json_array_foreach(queries, i, query) {
        const bool slow = json_is_true(json_object_get(query, "slow"));
        const double seconds = given_number(query, "seconds");
        json_t *row = report_add_row(table, slow ? REPORT_WARNING : REPORT_NEUTRAL);
        report_add_cell(row, given_text(query, "source"));
        report_add_number(row, given_number(query, "rows"), "");
        report_add_share(row, seconds, "s", most > 0 ? seconds / most : 0);
        report_add_number(row, given_number(query, "first_row_seconds"), "s");
        report_add_cell(row, *given_text(query, "fault")                       ? given_text(query, "fault")
                             : json_is_true(json_object_get(query, "stopped")) ? "stopped"
                             : slow                                            ? "slow"
                                                                               : "");
    }
}

static void add_plan(json_t *section, const char *caption, const json_t *plan) {
    static const struct report_column columns[] = {{"the database", false, false},
                                                   {"in its words", false, false}};
    json_t *table = json_array_size(plan) ? report_add_table(section, caption, columns, 2) : NULL;
    struct buf text = BUF_INIT;
    size_t i;
    const json_t *step;
    json_array_foreach(plan, i, step) {
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        buf_clear(&text);
        for (uint64_t depth = given_count(step, "depth"); depth > 0 && text.n < 40; depth--)
            buf_add_text(&text, "· ");
        buf_add_text(&text, given_text(step, "words"));
        report_add_cell(row, buf_text(&text));
        report_add_cell(row, given_text(step, "text"));
    }
    buf_release(&text);
}

static void add_proposals(json_t *section, const json_t *proposals) {
    static const struct report_column columns[] = {{"index", false, false},
                                                   {"before", true, false},
                                                   {"with it", true, false},
                                                   {"faster", true, false},
                                                   {"its size", true, false}};
    json_t *table =
        json_array_size(proposals) ? report_add_table(section, "Indexes that would help", columns, 5) : NULL;
    size_t i;
    const json_t *proposal;
    json_array_foreach(proposals, i, proposal) {
        const double before = given_number(proposal, "before_seconds"),
                     after = given_number(proposal, "after_seconds");
        json_t *row = report_add_row(table, REPORT_WARNING);
        report_add_cell(row, given_text(proposal, "sql"));
        report_add_number(row, before, "s");
        report_add_number(row, after, "s");
        report_add_number(row, before / after, "x");
        report_add_number(row, given_number(proposal, "bytes"), "B");
    }
}

// One that is slow, or could be faster.
static void add_query(struct report *report, const json_t *query, size_t number) {
    const json_t *proposals = json_object_get(query, "proposals"), *proposal;
    char id[32];
    struct buf title = BUF_INIT;
    size_t i;
    snprintf(id, sizeof id, "query-%zu", number);
    buf_printf(&title, "%s of %s", given_text(query, "source"), given_text(query, "database"));
    json_t *section = report_section(report, id, buf_text(&title), given_text(query, "sql"), false);
    add_plan(section, "Its plan", json_object_get(query, "plan"));
    add_proposals(section, proposals);
    json_array_foreach(proposals, i, proposal) {
        if (*given_text(proposal, "unproved"))
            report_add_text(section, given_text(proposal, "unproved"));
        else
            add_plan(section, "With the index", json_object_get(proposal, "plan"));
    }
    buf_release(&title);
}

// ---- indexes

static void add_indexes(struct report *report, const json_t *indexes) {
    static const struct report_column columns[] = {{"index", false, false},
                                                   {"table", false, false},
                                                   {"database", false, false},
                                                   {"size", true, false},
                                                   {"queries that use it", true, false},
                                                   {"uses counted", true, false}};
    json_t *section =
        report_section(report, "indexes", "Indexes",
                       "Those that no query of the manifest uses may be of use to somebody else.", true);
    json_t *table = json_array_size(indexes) ? report_add_table(section, "Indexes", columns, 6) : NULL;
    size_t i;
    const json_t *index;
    json_array_foreach(indexes, i, index) {
        const bool idle =
            given_count(index, "queries") == 0 && !json_is_true(json_object_get(index, "unique"));
        json_t *row = report_add_row(table, idle ? REPORT_WARNING : REPORT_NEUTRAL);
        report_add_cell(row, given_text(index, "index"));
        report_add_cell(row, given_text(index, "table"));
        report_add_cell(row, given_text(index, "database"));
        report_add_number(row, given_number(index, "bytes"), "B");
        report_add_number(row, given_number(index, "queries"), "");
        report_add_number(row, given_number(index, "scans"), "");
    }
}

struct report *report_build_doctor(const json_t *source, const struct report_options *options) {
    const json_t *checks = json_object_get(source, "checks"), *queries = json_object_get(source, "queries"),
                 *one;
    struct report *report = report_new(REPORT_DOCTOR, "Health checks", options->made);
    size_t counts[STATES] = {0}, shown = 0, i;
    json_array_foreach(checks, i, one) counts[state_of(one)]++;
    set_verdict(report, source, counts);
    add_figures(report, source, counts);
    add_checks(report, checks, "attention", "What to look at", false);
    add_queries(report, queries);
    json_array_foreach(queries, i, one) {
        if ((json_is_true(json_object_get(one, "slow")) ||
             json_array_size(json_object_get(one, "proposals"))) &&
            shown++ < QUERIES_SHOWN)
            add_query(report, one, i + 1);
    }
    add_indexes(report, json_object_get(source, "indexes"));
    add_checks(report, checks, "checks", "All checks", true);
    return report;
}
