// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_ALERTING_H
#define PRESSRUN_CLI_ALERTING_H
/*
 * A run held to its manifest's alert rules (monitor/alerts.h): who judges them while it goes and when it is over, and what is
 * done about those that fire: a line on standard error at once, the rule's command, an entry in the session and the report.
 *
 *     struct alerting alerting;
 *     alerting_init(&alerting, cli, manifest, session_id);
 *     ... the run, with alerting_taker(&alerting) told of its snapshots, and its observer set for lines ...
 *     alerting_end(&alerting, &session);      judges what it came to
 *     ... session.alerts and report.alerts are &alerting.alerts: they are kept and told of ...
 *     alerting_release(&alerting);            waits for commands
 *
 * Snapshots are judged by one thread at a time, and none after alerting_end.
 */
#include "cli/alert_command.h"
#include "cli/command.h"
#include "monitor/alerts.h"
#include "pipeline/run/run.h"

struct alerting {
    const struct manifest *manifest;
    struct str session; // its id, borrowed
    struct clock clock;
    const struct run_observer
        *observer; // lines go by its way while somebody draws on the terminal; NULL: straight
    struct alerts alerts;
    struct alert_command *commands; // by rule, zeroed where none was started
};

void alerting_init(struct alerting *a, const struct cli *cli, const struct manifest *manifest,
                   struct str session);
struct snapshot_taker alerting_taker(struct alerting *a);
void alerting_end(struct alerting *a, const struct session *session);
void alerting_release(struct alerting *a); // commands that did not do well are told of

// "high: run.seconds > 120.00 s: 130.20 s"
void alerting_write(const struct alert *alert, struct buf *out);

#endif
