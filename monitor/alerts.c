// SPDX-License-Identifier: MIT
#include "monitor/alerts.h"

#include <math.h>

#include "base/mem.h"

const char *const alert_op_names[ALERT_OPS] = {"gt", "gte", "lt", "lte", "eq"};
const char *const alert_op_symbols[ALERT_OPS] = {">", ">=", "<", "<=", "="};
const char *const alert_severity_names[ALERT_SEVERITIES] = {"low", "medium", "high", "critical"};

int alert_severity_find(struct str name) {
    for (int i = 0; i < ALERT_SEVERITIES; i++)
        if (str_is(name, alert_severity_names[i]))
            return i;
    return -1;
}

bool alert_subject_of(struct str name, struct alert_subject *subject) {
    const int metric = metric_find(name);
    *subject = (struct alert_subject){.metric = metric < 0 ? METRICS : (enum metric)metric};
    if (metric >= 0)
        return true;
    const int figure = metric_figure_of(name, &subject->distribution);
    if (figure < 0)
        return false;
    subject->figure = (enum metric_figure)figure;
    return true;
}

static bool is_share(enum metric metric) {
    switch (metric) {
    case METRIC_RUN_EFFICIENCY:
    case METRIC_STRATEGY_REGRET:
    case METRIC_CACHE_RENDER_HIT_RATE:
    case METRIC_CACHE_THROUGH_HIT_RATE:
    case METRIC_CACHE_SOURCE_HIT_RATE:
    case METRIC_CACHE_PROGRAM_HIT_RATE:
    case METRIC_CACHE_SCHEMA_HIT_RATE:
    case METRIC_CACHE_TYPES_HIT_RATE:
    case METRIC_CACHE_RELATIONS_HIT_RATE:
    case METRIC_LIVE_PROGRESS:
        return true;
    default:
        return false;
    }
}

const char *alert_subject_unit(const struct alert_subject *subject) {
    if (subject->distribution.p)
        return subject->figure == FIGURE_COUNT ? "" : "s";
    return is_share(subject->metric) ? "share" : metric_rows[subject->metric].unit;
}

// What is counted up while the run goes, and nothing else: a stream that is not published withdraws what it wrote, and
// how many workers there are changes.
static bool never_falls(enum metric metric) {
    switch (metric) {
    case METRIC_RUN_SECONDS:
    case METRIC_RUN_CPU:
    case METRIC_RUN_PEAK_RSS:
    case METRIC_RUN_DISK_READ:
    case METRIC_RUN_DISK_WRITTEN:
    case METRIC_RUN_FAILED:
    case METRIC_RUN_EXCLUDED:
    case METRIC_RUN_BATCHES:
    case METRIC_RUN_RETRIED:
    case METRIC_RUN_INTAKE_PAUSES:
    case METRIC_LOAD_RECORDS:
    case METRIC_LOAD_BYTES:
    case METRIC_LOAD_FIELDS_PARSED:
    case METRIC_LOAD_FIELDS_SKIPPED:
    case METRIC_RENDER_OUTPUTS:
    case METRIC_RENDER_OPCODES:
    case METRIC_RENDER_ALLOCATIONS:
    case METRIC_RENDER_ALLOCATED:
    case METRIC_THROUGH_PROCESSES:
    case METRIC_CACHE_RENDER_MISSES:
    case METRIC_CACHE_THROUGH_MISSES:
    case METRIC_CACHE_SOURCE_MISSES:
    case METRIC_CACHE_PROGRAM_MISSES:
    case METRIC_CACHE_SCHEMA_MISSES:
    case METRIC_CACHE_TYPES_MISSES:
    case METRIC_CACHE_RELATIONS_MISSES:
    case METRIC_CACHE_DIFFERING:
    case METRIC_QUEUE_PEAK:
        return true;
    default:
        return false;
    }
}

static bool is_live(const struct alert_rule *rule) {
    return str_starts(rule->metric, STR("live."));
}

// Once it holds, it holds to the end of the run.
static bool is_final(const struct alert_rule *rule) {
    const struct alert_subject *subject = &rule->subject;
    if (rule->op != ALERT_GT && rule->op != ALERT_GTE)
        return false;
    if (subject->distribution.p)
        return subject->figure == FIGURE_MAX || subject->figure == FIGURE_COUNT;
    return never_falls(subject->metric);
}

void alerts_init(struct alerts *alerts, const struct alert_rule *rules, size_t n) {
    *alerts = (struct alerts){.alerts = MEM_NEW_ARRAY(struct alert, n + 1), .n = n};
    for (size_t i = 0; i < n; i++)
        alerts->alerts[i] = (struct alert){.rule = &rules[i]};
}

void alerts_release(struct alerts *alerts) {
    mem_free(alerts->alerts);
    *alerts = (struct alerts){.alerts = NULL};
}

static bool holds(const struct alert_rule *rule, double value) {
    switch (rule->op) {
    case ALERT_GT:
        return value > rule->value;
    case ALERT_GTE:
        return value >= rule->value;
    case ALERT_LT:
        return value < rule->value;
    case ALERT_LTE:
        return value <= rule->value;
    case ALERT_EQ:
        return !(value < rule->value || value > rule->value);
    case ALERT_OPS:
        break;
    }
    return false;
}

// False: it is not known, or no number.
static bool read_figure(const struct snapshot *snapshot, const struct alert_subject *subject, double *value) {
    const struct snapshot_distribution *of;
    if (subject->distribution.p) {
        of = snapshot_distribution(snapshot, subject->distribution);
        *value = of ? of->figures[subject->figure] : 0;
        return of && isfinite(*value);
    }
    *value = snapshot->values[subject->metric];
    return snapshot->known[subject->metric] && isfinite(*value);
}

static void see(struct alert *alert, const struct snapshot *snapshot) {
    const bool held = alert->holding;
    double value;
    alert->known = read_figure(snapshot, &alert->rule->subject, &value);
    if (alert->known)
        alert->last = value;
    alert->holding = alert->known && holds(alert->rule, value);
    if (alert->holding && !held)
        alert->since = snapshot->seconds;
}

static bool is_due(const struct alert *alert, const struct snapshot *snapshot) {
    if (!alert->holding || alert->fired)
        return false;
    if (alert->rule->lasting > 0)
        return snapshot->seconds - alert->since >= alert->rule->lasting;
    return snapshot->over || is_live(alert->rule) || is_final(alert->rule);
}

void alerts_judge(struct alerts *alerts, const struct snapshot *snapshot, const struct alert_taker *taker) {
    for (size_t i = 0; i < alerts->n; i++) {
        struct alert *alert = &alerts->alerts[i];
        see(alert, snapshot);
        if (!is_due(alert, snapshot))
            continue;
        alert->fired = true;
        alert->at = snapshot->seconds;
        alert->value = alert->last;
        alert->live = !snapshot->over;
        if (taker)
            taker->take(taker->self, alert);
    }
}

int alerts_worst(const struct alerts *alerts) {
    int worst = -1;
    for (size_t i = 0; i < alerts->n; i++)
        if (alerts->alerts[i].fired && (int)alerts->alerts[i].rule->severity > worst)
            worst = (int)alerts->alerts[i].rule->severity;
    return worst;
}
