// SPDX-License-Identifier: MIT
// Alert rules: their metrics must be such as a run of this manifest can have, their values of the metric's unit.
#include <stdio.h>

#include "base/number.h"
#include "base/suggest.h"
#include "pipeline/manifest/manifest_private.h"
#include "pipeline/manifest/manifest_table.h"

static const char *const stages[] = {"load", "compile", "render", "emit", "batch", "through"};
enum { STAGES = sizeof stages / sizeof *stages, NAME_SIZE = 512 };

static const struct {
    const char *prefix;
    bool of_templates;
} named[] = {{"job.", false}, {"through.", false}, {"template.", true}};
enum { NAMED = sizeof named / sizeof *named };

static struct str name_of(const struct manifest_job *job, size_t kind) {
    return named[kind].of_templates ? job->template_name : job->name;
}

static bool has_distribution(const struct manifest *m, struct str distribution) {
    for (size_t i = 0; i < STAGES; i++)
        if (str_is(distribution, stages[i]))
            return true;
    for (size_t i = 0; i < NAMED; i++) {
        const struct str prefix = str_of(named[i].prefix);
        for (size_t j = 0; j < m->jobs_n && str_starts(distribution, prefix); j++)
            if (str_equal(name_of(&m->jobs[j], i), str_from(distribution, prefix.n)))
                return true;
    }
    return false;
}

// The name is kept where it is the best one so far.
static void offer_figures(struct manifest *m, struct suggestion *s, const char *prefix, struct str name) {
    for (int figure = 0; figure < FIGURES; figure++) {
        char text[NAME_SIZE];
        const struct str best = s->best;
        snprintf(text, sizeof text, "%s%.*s.%s", prefix, STR_ARG(name), metric_figures[figure]);
        suggest_offer(s, str_of(text));
        if (s->best.p != best.p)
            s->best = document_text(&m->arena, s->best);
    }
}

static void unknown_metric(struct manifest_filling *f, const struct document_node *node) {
    struct manifest *m = f->m;
    struct diag *d = diags_error(f->diags, &m->text, node->span, "there is no metric \"%.*s\"",
                                 STR_ARG(str_slice(node->text, 0, NAME_SIZE / 4)));
    struct suggestion s = suggest_for(node->text);
    for (int i = 0; i < METRICS; i++)
        suggest_offer(&s, str_of(metric_rows[i].name));
    for (size_t i = 0; i < STAGES; i++)
        offer_figures(m, &s, "", str_of(stages[i]));
    for (size_t j = 0; j < m->jobs_n; j++)
        for (size_t i = 0; i < NAMED; i++)
            offer_figures(m, &s, named[i].prefix, str_slice(name_of(&m->jobs[j], i), 0, NAME_SIZE / 2));
    if (s.best.p)
        diag_hint(f->diags, d, "did you mean \"%.*s\"?", STR_ARG(s.best));
    else
        diag_hint(f->diags, d, "\"pressrun help metrics\" lists them");
}

static void fill_metric(struct manifest_filling *f, const struct document_node *node,
                        struct alert_rule *rule) {
    rule->metric = node->text;
    if (!alert_subject_of(node->text, &rule->subject) ||
        (rule->subject.distribution.p && !has_distribution(f->m, rule->subject.distribution))) {
        rule->metric = (struct str){NULL, 0};
        unknown_metric(f, node);
    }
}

// ---- values

enum unit_of { OF_SECONDS, OF_BYTES, OF_SHARES };
static const struct {
    const char *suffix;
    enum unit_of of;
    double size;
} units[] = {
    {"us", OF_SECONDS, 1e-6},     {"ms", OF_SECONDS, 1e-3},
    {"s", OF_SECONDS, 1},         {"m", OF_SECONDS, 60},
    {"min", OF_SECONDS, 60},      {"h", OF_SECONDS, 3600},
    {"d", OF_SECONDS, 86400},     {"B", OF_BYTES, 1},
    {"kB", OF_BYTES, 1e3},        {"MB", OF_BYTES, 1e6},
    {"GB", OF_BYTES, 1e9},        {"KiB", OF_BYTES, 1024},
    {"MiB", OF_BYTES, 1048576.0}, {"GiB", OF_BYTES, 1073741824},
    {"%", OF_SHARES, 0.01},
};

static bool is_in(const struct alert_subject *subject, enum unit_of of) {
    const char *unit = alert_subject_unit(subject);
    return of == OF_SHARES  ? strcmp(unit, "share") == 0
           : of == OF_BYTES ? unit[0] == 'B'
                            : strcmp(unit, "s") == 0;
}

// Index into units, or -1: it is no number with a unit.
static int parse_value(struct str text, double *value) {
    size_t n = 0;
    while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '.'))
        n++;
    const struct str suffix = str_trim(str_from(text, n));
    if (n == 0 || text.p[0] == '.' || !number_parse_double(str_slice(text, 0, n), value))
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_is(suffix, units[i].suffix)) {
            *value *= units[i].size;
            return (int)i;
        }
    return -1;
}

static const char *measured_in(const struct alert_subject *subject) {
    return is_in(subject, OF_SECONDS)  ? "seconds"
           : is_in(subject, OF_BYTES)  ? "bytes"
           : is_in(subject, OF_SHARES) ? "shares of 1"
                                       : "numbers without a unit";
}

static void fill_value(struct manifest_filling *f, const struct document_node *node,
                       struct alert_rule *rule) {
    if (node->kind == DOCUMENT_INT)
        rule->value = (double)node->integer;
    else if (node->kind == DOCUMENT_FLOAT)
        rule->value = node->real;
    if (node->kind != DOCUMENT_TEXT)
        return;
    const int unit = parse_value(node->text, &rule->value);
    const struct str shown = str_slice(node->text, 0, 60);
    if (unit < 0)
        diags_error(f->diags, &f->m->text, node->span,
                    "\"%.*s\" is no value: a number, or text such as 90%%, 250ms or 2GiB", STR_ARG(shown));
    else if (rule->metric.p && !is_in(&rule->subject, units[unit].of))
        diags_error(f->diags, &f->m->text, node->span, "\"%.*s\": %.*s is measured in %s", STR_ARG(shown),
                    STR_ARG(rule->metric), measured_in(&rule->subject));
}

// A program that is not there now is no reason not to run, and may be there where the run is.
static void fill_command(struct manifest_filling *f, const struct document_node *command,
                         struct alert_rule *rule) {
    struct err err;
    const struct document_node *name = command->entries ? command->entries->value : NULL;
    rule->command = manifest_take_command(f, command);
    if (!rule->command)
        return;
    rule->program = manifest_find_program(f->m, name->text, &err);
    if (!rule->program)
        diags_warning(f->diags, &f->m->text, name->span, "%s", err.text);
}

static int choice_of(const struct document_node *node, const char *const *names, int n, int standard) {
    for (int i = 0; node && i < n; i++)
        if (str_is(node->text, names[i]))
            return i;
    return standard;
}

static void fill_alert(struct manifest_filling *f, const struct document_node *mapping) {
    enum { PER_SECOND = 1000 };
    const struct document_node *metric = manifest_node(mapping, "metric"),
                               *value = manifest_node(mapping, "value"),
                               *lasting = manifest_node(mapping, "for"),
                               *command = manifest_node(mapping, "command");
    struct alert_rule rule = {.metric = {NULL, 0}};
    uint64_t wait = 0;
    if (metric)
        fill_metric(f, metric, &rule);
    if (value)
        fill_value(f, value, &rule);
    if (lasting)
        manifest_parse_wait(lasting->text, &wait);
    if (command)
        fill_command(f, command, &rule);
    rule.lasting = (double)wait / PER_SECOND;
    rule.op = (enum alert_op)choice_of(manifest_node(mapping, "op"), alert_op_names, ALERT_OPS, ALERT_GT);
    rule.severity = (enum alert_severity)choice_of(manifest_node(mapping, "severity"), alert_severity_names,
                                                   ALERT_SEVERITIES, ALERT_MEDIUM);
    f->m->alerts[f->m->alerts_n++] = rule;
}

void manifest_fill_alerts(struct manifest_filling *f, const struct document_node *root) {
    struct manifest *m = f->m;
    const struct document_node *alerts = manifest_node(root, "alerts");
    m->alert_exit = choice_of(manifest_node(root, "alert_exit"), alert_severity_names, ALERT_SEVERITIES,
                              ALERT_SEVERITIES);
    if (!alerts)
        return;
    m->alerts = document_alloc(&m->arena, sizeof *m->alerts * (alerts->entries_n + 1));
    for (const struct document_entry *e = alerts->entries; e; e = e->next)
        if (!e->value->faulty && e->value->kind == DOCUMENT_MAPPING)
            fill_alert(f, e->value);
}
