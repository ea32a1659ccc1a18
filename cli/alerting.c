// SPDX-License-Identifier: MIT
#include "cli/alerting.h"

#include <math.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "cli/show.h"
#include "monitor/alerts_json.h"
#include "monitor/json_line.h"

enum { DIGITS = 15 };

// ---- as a line

static void write_value(const struct alert_subject *subject, double value, struct buf *out) {
    const char *unit = alert_subject_unit(subject);
    const bool countable = value >= 0 && value < 1e15;
    if (strcmp(unit, "share") == 0) {
        buf_printf(out, "%.4g %%", value * 100);
    } else if (strcmp(unit, "s") == 0 && value >= 0) {
        quantity_seconds(out, value);
    } else if (unit[0] == 'B' && countable) {
        show_bytes(out, (uint64_t)value);
        buf_add_text(out, unit + 1);
    } else if (countable && !(value < floor(value) || value > floor(value))) {
        show_count(out, (uint64_t)value);
        buf_add_text(out, unit[0] == '1' ? unit + 1 : "");
    } else {
        buf_printf(out, "%.4g%s", value, unit[0] == '1' ? unit + 1 : "");
    }
}

void alerting_write(const struct alert *alert, struct buf *out) {
    const struct alert_rule *rule = alert->rule;
    buf_printf(out, "%s: %.*s %s ", alert_severity_names[rule->severity], STR_ARG(rule->metric),
               alert_op_symbols[rule->op]);
    write_value(&rule->subject, rule->value, out);
    if (rule->lasting > 0) {
        buf_add_text(out, " for ");
        quantity_seconds(out, rule->lasting);
    }
    buf_add_text(out, ": ");
    write_value(&rule->subject, alert->value, out);
}

static void say(const struct alerting *a, struct buf *text) {
    if (a->observer)
        a->observer->warning(a->observer->self, buf_text(text));
    else
        cli_note("%s", buf_text(text));
    buf_release(text);
}

static void tell(const struct alerting *a, const struct alert *alert) {
    struct buf text = BUF_INIT;
    buf_add_text(&text, "alert, ");
    alerting_write(alert, &text);
    say(a, &text);
}

static void tell_no_program(const struct alerting *a, const struct alert *alert) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "the alert's command %s was not run: there was no such program when the run began",
               alert->rule->command[0]);
    say(a, &text);
}

// ---- its command

static void run_command(struct alerting *a, const struct alert *alert) {
    const struct manifest *manifest = a->manifest;
    const struct alert_rule *rule = alert->rule;
    struct buf input = BUF_INIT;
    json_t *object = json_object();
    json_object_set_new(object, "session", json_stringn(a->session.p, a->session.n));
    json_object_set_new(object, "name",
                        json_stringn(manifest->name.n ? manifest->name.p : "", manifest->name.n));
    json_object_set_new(object, "manifest", json_stringn(manifest->text.name.p, manifest->text.name.n));
    json_object_set_new(object, "alert", alert_json(alert));
    json_line_add(object, DIGITS, &input);
    alert_command_start(&a->commands[rule - manifest->alerts], rule->program, rule->command,
                        manifest->directory.n ? manifest->directory.p : ".", a->clock, input);
}

static void fire(void *self, const struct alert *alert) {
    struct alerting *a = self;
    tell(a, alert);
    if (alert->rule->command && alert->rule->program)
        run_command(a, alert);
    else if (alert->rule->command)
        tell_no_program(a, alert);
}

// ---- a run

static void judge(void *self, const struct snapshot *snapshot) {
    struct alerting *a = self;
    alerts_judge(&a->alerts, snapshot, &(struct alert_taker){a, fire});
}

void alerting_init(struct alerting *a, const struct cli *cli, const struct manifest *manifest,
                   struct str session) {
    *a = (struct alerting){.manifest = manifest,
                           .session = session,
                           .clock = cli->clock,
                           .commands = MEM_NEW_ARRAY(struct alert_command, manifest->alerts_n + 1)};
    alerts_init(&a->alerts, manifest->alerts, manifest->alerts_n);
}

struct snapshot_taker alerting_taker(struct alerting *a) {
    return (struct snapshot_taker){a, judge};
}

void alerting_end(struct alerting *a, const struct session *session) {
    struct snapshot snapshot;
    snapshot_init(&snapshot);
    snapshot_of_session(&snapshot, session);
    judge(a, &snapshot);
    snapshot_release(&snapshot);
}

void alerting_release(struct alerting *a) {
    struct buf fault = BUF_INIT;
    for (size_t i = 0; i < a->alerts.n; i++) {
        if (!a->commands[i].command.program)
            continue;
        buf_clear(&fault);
        if (!alert_command_end(&a->commands[i], &fault))
            cli_note("the alert's command %s", buf_text(&fault));
    }
    buf_release(&fault);
    mem_free(a->commands);
    alerts_release(&a->alerts);
}
