// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_ALERTS_H
#define PRESSRUN_MONITOR_ALERTS_H
/*
 * Alert rules: when a figure of a run is what it should not be. This is the judging alone, of snapshots, by their times:
 * there is no clock here, and what is done about an alert (a line, a command, an exit code) is up to who asks.
 *
 * A rule is judged at every snapshot of a run, the one of its end included:
 *   - one without `lasting` speaks of the run as a whole. It fires at the end; and before that only where what it says cannot
 *     become untrue again: a figure that never falls is above its bound. Of a figure live.*, which the end does not have, it
 *     speaks of the moment, and fires at the first snapshot at which it holds;
 *   - one with `lasting` speaks of a stretch of time. It fires when it held at all snapshots over at least so long, the
 *     last one included. A snapshot that does not know the figure interrupts it.
 * A rule fires once a run at most. What is not known makes nothing hold.
 *
 * Figures are those of metrics.h: a row of metrics.def, or a figure of a distribution, which may be a job's or a
 * template's. Times are seconds since the run began. Rules and their texts are borrowed; one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "monitor/snapshot.h"

enum alert_op { ALERT_GT, ALERT_GTE, ALERT_LT, ALERT_LTE, ALERT_EQ, ALERT_OPS };
extern const char *const alert_op_names[ALERT_OPS];   // "gt", ...
extern const char *const alert_op_symbols[ALERT_OPS]; // ">", ...

enum alert_severity { ALERT_LOW, ALERT_MEDIUM, ALERT_HIGH, ALERT_CRITICAL, ALERT_SEVERITIES };
extern const char *const alert_severity_names[ALERT_SEVERITIES]; // "low", ...
int alert_severity_find(struct str name);                        // enum alert_severity, or -1

// What a rule is about.
struct alert_subject {
    enum metric metric;      // where there is no distribution
    struct str distribution; // {NULL, 0}: none
    enum metric_figure figure;
};

struct alert_rule {
    struct str metric; // as written
    struct alert_subject subject;
    enum alert_op op;
    double value;
    enum alert_severity severity;
    double lasting;             // seconds, `for`; 0: the run as a whole
    const char *const *command; // arguments, NULL last; NULL: none
    const char *program;        // what command[0] stands for, as can be run from the manifest's directory
};

// The subject of that name. False: no metric, and no figure of whatever distribution, is called so.
bool alert_subject_of(struct str name, struct alert_subject *subject);
// As base/quantity.h names them: "s", "B", "B/s", "1/s", "share", "".
const char *alert_subject_unit(const struct alert_subject *subject);

struct alert {
    const struct alert_rule *rule;
    bool fired;
    double at;    // when it fired
    double value; // its figure then
    bool live;    // before the end
    bool known;   // the figure, at the last snapshot
    double last;  // and what it was
    bool holding; // what the rule says, at the last snapshot,
    double since; // and at all of them since then
};

struct alerts {
    struct alert *alerts; // owned, one for each rule, in their order
    size_t n;
};
void alerts_init(struct alerts *alerts, const struct alert_rule *rules, size_t n);
void alerts_release(struct alerts *alerts);

// Whoever wants to know of those that fire, in their order.
struct alert_taker {
    void *self;
    void (*take)(void *self, const struct alert *alert);
};
void alerts_judge(struct alerts *alerts, const struct snapshot *snapshot, const struct alert_taker *taker);

// Of those that fired, the worst severity; -1: none did.
int alerts_worst(const struct alerts *alerts);

#endif
