// SPDX-License-Identifier: MIT
// What was done, with what, where: failures, jobs, the cache, the strategy, work counters, the machine.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "monitor/alerts.h"
#include "report/given.h"
#include "report/report_session.h"

// ---- failures

static void add_fault(json_t *faults, const json_t *from) {
    struct buf place = BUF_INIT, record = BUF_INIT;
    const uint64_t line = given_count(from, "line"), column = given_count(from, "column"),
                   at = given_count(from, "record_line"), number = given_count(from, "record");
    const char *file = given_text(from, "file"), *path = given_text(from, "path"),
               *key = given_text(from, "key"), *job = given_text(from, "job");
    buf_add_text(&place, file);
    if (line)
        buf_printf(&place, ":%llu:%llu", (unsigned long long)line, (unsigned long long)column);
    if (*path && (*job || strcmp(path, file) != 0)) {
        buf_add_text(&record, path);
        if (at)
            buf_printf(&record, ":%llu", (unsigned long long)at);
        else if (number)
            buf_printf(&record, ", record %llu", (unsigned long long)number);
        if (*key)
            buf_printf(&record, ", key %s", key);
    }
    report_add_fault(faults, &(struct report_fault){.message = given_text(from, "message"),
                                                    .hint = given_text(from, "hint"),
                                                    .place = buf_text(&place),
                                                    .excerpt = given_text(from, "excerpt"),
                                                    .record = buf_text(&record),
                                                    .job = job,
                                                    .caret = (unsigned)given_count(from, "caret"),
                                                    .caret_n = (unsigned)given_count(from, "caret_n"),
                                                    .count = given_count(from, "count")});
    buf_release(&place);
    buf_release(&record);
}

static void add_kinds(json_t *section, const json_t *errors) {
    static const struct report_column columns[] = {{"kind", false, false}, {"how often", true, true}};
    double greatest = 0;
    size_t i;
    json_t *error;
    if (json_array_size(errors) < 2)
        return;
    json_array_foreach(errors, i, error) {
        greatest = fmax(greatest, given_number(error, "count"));
    }
    json_t *table = report_add_table(section, "Failures by kind", columns, 2);
    json_array_foreach(errors, i, error) {
        const double count = given_number(error, "count");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, given_text(error, "kind"));
        report_add_share(row, count, "", greatest > 0 ? count / greatest : 0);
    }
}

void report_session_failures(struct report *report, const json_t *session) {
    const json_t *failures = json_object_get(session, "failures"),
                 *items = json_object_get(failures, "items");
    json_t *section = report_section(
        report, "failures", "What failed",
        json_array_size(items) ? "Each place once, with the first record that failed there." : NULL, false);
    size_t i;
    json_t *item;
    if (json_array_size(items)) {
        json_t *faults = report_add_faults(section, given_count(failures, "more"));
        json_array_foreach(items, i, item) {
            add_fault(faults, item);
        }
    }
    add_kinds(section, json_object_get(session, "errors"));
}

// ---- jobs

void report_session_jobs(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {
        {"job", false, false}, {"ended", false, false}, {"because", false, false}};
    const json_t *jobs = json_object_get(session, "jobs");
    size_t i, odd = 0;
    json_t *job;
    json_array_foreach(jobs, i, job) {
        odd += strcmp(given_text(job, "state"), "done") != 0;
    }
    json_t *section =
        report_section(report, "jobs", "Jobs",
                       odd ? "Not all of them came to their end." : "All came to their end.", odd == 0);
    if (json_array_size(jobs) == 0)
        return;
    json_t *table = report_add_table(section, "How jobs ended", columns, sizeof columns / sizeof *columns);
    for (int done = 0; done < 2; done++) // the odd ones first
        json_array_foreach(jobs, i, job) {
            const char *state = given_text(job, "state");
            if ((strcmp(state, "done") == 0) != done)
                continue;
            json_t *row = report_add_row(table, done                           ? REPORT_NEUTRAL
                                                : strcmp(state, "failed") == 0 ? REPORT_BAD
                                                                               : REPORT_WARNING);
            report_add_cell(row, given_text(job, "name"));
            report_add_cell(row, state);
            report_add_cell(row, given_text(job, "because"));
        }
}

// ---- the cache

static void add_tier_row(json_t *table, const char *category, const char *tier, const json_t *figures) {
    json_t *row = report_add_row(table, REPORT_NEUTRAL);
    report_add_cell(row, category);
    report_add_cell(row, tier);
    report_add_number(row, given_number(figures, "hits"), "");
    report_add_cell(row, "");
    report_add_cell(row, "");
    report_add_number(row, given_number(figures, "get_seconds"), "s");
}

static void add_categories(json_t *section, const json_t *cache) {
    static const struct report_column columns[] = {
        {"category", false, false}, {"tier", false, false},   {"hits", true, false},
        {"misses", true, false},    {"hit rate", true, true}, {"time of a get", true, false}};
    const char *name, *tier;
    json_t *category, *figures, *table = NULL;
    json_object_foreach((json_t *)cache, name, category) {
        const double rate = given_number(category, "hit_rate");
        if (!isfinite(rate))
            continue;
        if (!table)
            table =
                report_add_table(section, "What was looked up", columns, sizeof columns / sizeof *columns);
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, name);
        report_add_cell(row, "all");
        report_add_number(row, given_number(category, "hits"), "");
        report_add_number(row, given_number(category, "misses"), "");
        report_add_share(row, rate, "share", rate);
        report_add_cell(row, "");
        json_object_foreach(json_object_get(category, "tiers"), tier, figures) {
            add_tier_row(table, name, tier, figures);
        }
    }
}

static void add_tiers(json_t *section, const json_t *tiers) {
    static const struct report_column columns[] = {{"tier", false, false},   {"entries", true, false},
                                                   {"size", true, true},     {"room", true, false},
                                                   {"evicted", true, false}, {"damaged", true, false}};
    const char *name;
    json_t *tier, *table = NULL;
    json_object_foreach((json_t *)tiers, name, tier) {
        const double size = given_number(tier, "bytes"), cap = given_number(tier, "cap");
        if (!table)
            table = report_add_table(section, "Tiers", columns, sizeof columns / sizeof *columns);
        json_t *row = report_add_row(table, given_count(tier, "damaged") ? REPORT_WARNING : REPORT_NEUTRAL);
        report_add_cell(row, name);
        report_add_number(row, given_number(tier, "entries"), "");
        report_add_share(row, size, "B", cap > 0 ? size / cap : 0);
        report_add_number(row, cap, "B");
        report_add_number(row, given_number(tier, "evictions"), "");
        report_add_number(row, given_number(tier, "damaged"), "");
    }
}

void report_session_cache(struct report *report, const json_t *session) {
    const json_t *cache = json_object_get(session, "cache");
    json_t *section = report_section(report, "cache", "The cache",
                                     "What was looked up instead of made, and where it was found.", false);
    add_categories(section, cache);
    add_tiers(section, json_object_get(cache, "tiers"));
}

// ---- databases

void report_session_databases(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {{"database", false, false}, {"connections", true, false},
                                                   {"at once", true, false},   {"ranges", true, false},
                                                   {"failed", true, false},    {"waits", true, false},
                                                   {"waited", true, false}};
    const json_t *databases = json_object_get(session, "databases");
    if (json_array_size(databases) == 0)
        return;
    json_t *section =
        report_section(report, "databases", "Databases", "Connections that sources were read with.", false);
    json_t *table = report_add_table(section, "Connections", columns, sizeof columns / sizeof *columns),
           *database;
    size_t i;
    json_array_foreach(databases, i, database) {
        json_t *row =
            report_add_row(table, given_count(database, "failed") ? REPORT_WARNING : REPORT_NEUTRAL);
        report_add_cell(row, given_text(database, "name"));
        report_add_number(row, given_number(database, "opened"), "");
        report_add_number(row, given_number(database, "at_once"), "");
        report_add_number(row, given_number(database, "ranges"), "");
        report_add_number(row, given_number(database, "failed"), "");
        report_add_number(row, given_number(database, "waited"), "");
        report_add_number(row, given_number(database, "waited_seconds"), "s");
    }
}

// ---- joins

static bool fits(const json_t *join) {
    return !given_count(join, "lost") && !given_count(join, "missed") && !given_count(join, "repeated") &&
           !given_count(join, "shared") && !given_count(join, "failed");
}

void report_session_joins(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {
        {"source", false, false}, {"join", false, false},  {"from", false, false},
        {"records", true, false}, {"keys", true, false},   {"keyless", true, false},
        {"lost", true, false},    {"missed", true, false}, {"repeated", true, false},
        {"shared", true, false},  {"failed", true, false}, {"spilled", true, false}};
    static const char *const numbers[] = {"records", "keys",     "keyless", "lost",
                                          "missed",  "repeated", "shared",  "failed"};
    const json_t *joins = json_object_get(session, "joins");
    if (json_array_size(joins) == 0)
        return;
    json_t *section = report_section(
        report, "joins", "Joins",
        "Records of other sources that belong to a source's own, and what did not fit.", false);
    json_t *table = report_add_table(section, "Joins", columns, sizeof columns / sizeof *columns), *join;
    size_t i;
    json_array_foreach(joins, i, join) {
        json_t *row = report_add_row(table, fits(join) ? REPORT_NEUTRAL : REPORT_WARNING);
        report_add_cell(row, given_text(join, "source"));
        report_add_cell(row, given_text(join, "join"));
        report_add_cell(row, given_text(join, "from"));
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            report_add_number(row, given_number(join, numbers[n]), "");
        report_add_number(row, given_number(join, "spilled_bytes"), "B");
    }
}

// ---- the strategy that was chosen on the way

void report_session_strategy(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {{"strategy", false, false},
                                                   {"workers", true, false},
                                                   {"predicted", true, false},
                                                   {"batches tried", true, false},
                                                   {"all would have taken", true, false}};
    const json_t *choice = json_object_get(session, "auto");
    const char *chosen = given_text(choice, "choice");
    char text[300];
    size_t i;
    json_t *candidate;
    if (!json_is_object(choice))
        return;
    const double regret = given_number(choice, "regret");
    snprintf(text, sizeof text,
             "Chosen on the way: %.60s. It began as %.60s and changed %llu time(s). Regret: %.1f %%.", chosen,
             given_text(choice, "first"), (unsigned long long)given_count(choice, "switches"),
             isfinite(regret) ? 100 * regret : 0);
    json_t *section = report_section(report, "strategy", "The strategy", text, false);
    json_t *table =
        report_add_table(section, "What was considered", columns, sizeof columns / sizeof *columns);
    json_array_foreach(json_object_get(choice, "candidates"), i, candidate) {
        const char *name = given_text(candidate, "strategy");
        json_t *row = report_add_row(table, strcmp(name, chosen) == 0 ? REPORT_GOOD : REPORT_NEUTRAL);
        report_add_cell(row, name);
        report_add_number(row, given_number(candidate, "workers"), "");
        report_add_number(row, given_number(candidate, "predicted_seconds"), "s");
        report_add_number(row, given_number(candidate, "batches"), "");
        report_add_number(row, given_number(candidate, "seconds_for_all"), "s");
    }
}

// ---- alerts

static enum report_state state_of_severity(const char *severity) {
    const bool bad = strcmp(severity, "high") == 0 || strcmp(severity, "critical") == 0;
    return bad ? REPORT_BAD : REPORT_WARNING;
}

void report_session_alerts(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {
        {"severity", false, false}, {"rule", false, false}, {"was", true, false}, {"after", true, false}};
    const json_t *alerts = json_object_get(session, "alerts");
    json_t *section =
        report_section(report, "alerts", "Alerts", "Rules of the manifest that were broken.", false);
    size_t i;
    json_t *alert, *table = NULL;
    json_array_foreach(alerts, i, alert) {
        const char *severity = given_text(alert, "severity"), *metric = given_text(alert, "metric");
        struct alert_subject subject;
        const char *unit = alert_subject_of(str_of(metric), &subject) ? alert_subject_unit(&subject) : "";
        const double lasting = given_number(alert, "for");
        struct buf rule = BUF_INIT;
        if (strcmp(given_text(alert, "state"), "fired") != 0)
            continue;
        if (!table)
            table = report_add_table(section, "Alerts", columns, sizeof columns / sizeof *columns);
        buf_printf(&rule, "%s %s ", metric, given_text(alert, "op"));
        quantity_add(&rule, given_number(alert, "value"), unit);
        if (lasting > 0) {
            buf_add_text(&rule, " for ");
            quantity_seconds(&rule, lasting);
        }
        json_t *row = report_add_row(table, state_of_severity(severity));
        report_add_cell(row, severity);
        report_add_cell(row, buf_text(&rule));
        report_add_number(row, given_number(alert, "observed"), unit);
        report_add_number(row, given_number(alert, "at"), "s");
        buf_release(&rule);
    }
}

// ---- all that was measured

void report_session_work(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {
        {"metric", false, false}, {"value", true, false}, {"what it is", false, false}};
    json_t *section =
        report_section(report, "metrics", "All that was measured",
                       "Work depends on manifest and data alone; the rest on time and machine, too.", true);
    for (int work = 1; work >= 0; work--) {
        json_t *table = NULL;
        for (int i = 0; i < METRICS; i++) {
            const double value = report_session_metric(session, metric_rows[i].name);
            if (metric_rows[i].work != work || !isfinite(value))
                continue;
            if (!table)
                table = report_add_table(section, work ? "Work done" : "Time, memory and the rest", columns,
                                         sizeof columns / sizeof *columns);
            json_t *row = report_add_row(table, REPORT_NEUTRAL);
            report_add_cell(row, metric_rows[i].name);
            report_add_number(row, value, metric_rows[i].unit);
            report_add_cell(row, metric_rows[i].meaning);
        }
    }
}

// ---- the machine

static void add_fact(json_t *table, const char *name, const char *value) {
    if (!*value)
        return;
    json_t *row = report_add_row(table, REPORT_NEUTRAL);
    report_add_cell(row, name);
    report_add_cell(row, value);
}

// Of sessions that were merged these are several.
static void add_texts(json_t *table, const char *name, const json_t *session, const char *key) {
    struct buf text = BUF_INIT;
    given_texts(session, key, &text);
    add_fact(table, name, buf_text(&text));
    buf_release(&text);
}

static void add_number_fact(json_t *table, const char *name, double value, const char *unit) {
    struct buf text = BUF_INIT;
    if (isfinite(value)) {
        quantity_add(&text, value, unit);
        add_fact(table, name, buf_text(&text));
    }
    buf_release(&text);
}

void report_session_machine(struct report *report, const json_t *session) {
    static const struct report_column columns[] = {{"fact", false, false}, {"value", false, false}};
    const json_t *host = json_object_get(session, "host");
    json_t *section = report_section(report, "machine", "Run and machine", NULL, true);
    json_t *table = report_add_table(section, "What ran where", columns, 2);
    add_texts(table, "session", session, "session");
    add_texts(table, "digest of all outputs", session, "digest");
    add_texts(table, "strategy", session, "strategy");
    add_texts(table, "pressrun", session, "version");
    add_texts(table, "machine", session, "machine");
    add_fact(table, "system", given_text(host, "system"));
    add_number_fact(table, "CPUs", given_number(host, "cpus"), "");
    add_number_fact(table, "CPUs it may use", given_number(host, "cpus_allowed"), "");
    add_number_fact(table, "memory", given_number(host, "memory_bytes"), "B");
    add_number_fact(table, "memory it may use", given_number(host, "memory_limit_bytes"), "B");
}
