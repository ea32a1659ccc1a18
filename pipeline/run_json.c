// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <stdlib.h>

#include "pipeline/run.h"

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *stages(const struct run_report *report) {
    json_t *object = json_object();
    for (int stage = 0; stage < RUN_STAGES; stage++)
        json_object_set_new(object, run_stage_names[stage], json_real(report->stage_seconds[stage]));
    return object;
}

static void add_figures(json_t *object, const struct run_report *report) {
    struct run_figures figures;
    run_figures_of(report, &figures);
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        bool whole = row->unit[0] == 0 || row->unit[0] == 'B';
        if (row->key && figures.known[i])
            json_object_set_new(object, row->key,
                                whole ? integer((uint64_t)figures.values[i]) : json_real(figures.values[i]));
    }
}

const char *run_strategy(const struct run_options *options) {
    return options->workers == 1 ? "sequential" : "parallel";
}

void run_write_json(const struct run_report *report, const struct run_options *options, struct str session,
                    struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"up_to_date", integer(0)}, // every run renders everything: nothing is remembered between runs
        {"cached", integer(0)},
        {"pruned", integer(0)},
        {"stage_seconds", stages(report)},
        {"jobs_done", integer(report->jobs_done)},
        {"jobs_failed", integer(report->jobs_failed)},
        {"jobs_skipped", integer(report->jobs_skipped)},
        {"interrupted", json_boolean(report->interrupted)},
        {"digest", json_string(digest)},
    };
    json_t *object = json_object();
    json_object_set_new(object, "session", json_stringn(session.p, session.n));
    json_object_set_new(object, "strategy", json_string(run_strategy(options)));
    add_figures(object, report);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        json_object_set_new(object, fields[i].name, fields[i].value);
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    if (text)
        buf_add_text(out, text);
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}
