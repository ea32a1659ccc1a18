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

const char *run_strategy(const struct run_options *options) {
    return options->workers == 1 ? "sequential" : "parallel";
}

void run_write_json(const struct run_report *report, const struct run_options *options, struct str session,
                    struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    const struct run_counters *c = &report->counters;
    struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"session", json_stringn(session.p, session.n)},
        {"strategy", json_string(run_strategy(options))},
        {"workers", integer(report->workers)},
        {"loaded", integer(c->loaded)},
        {"excluded", integer(c->excluded)},
        {"up_to_date", integer(0)}, // every run renders everything: nothing is remembered between runs
        {"rendered", integer(c->rendered)},
        {"cached", integer(0)},
        {"written", integer(c->written)},
        {"unchanged", integer(c->unchanged)},
        {"failed", integer(c->failed)},
        {"pruned", integer(0)},
        {"seconds", json_real(report->seconds)},
        {"records_per_second", json_real(report->seconds > 0 ? (double)c->loaded / report->seconds : 0)},
        {"source_bytes", integer(c->source_bytes)},
        {"bytes_written", integer(c->stored)},
        {"output_bytes", integer(c->bytes)},
        {"templates", integer(c->templates)},
        {"fields_parsed", integer(c->fields_parsed)},
        {"fields_skipped", integer(c->fields_skipped)},
        {"opcodes", integer(c->opcodes)},
        {"allocations", integer(c->allocations)},
        {"allocated_bytes", integer(c->allocated_bytes)},
        {"stage_seconds", stages(report)},
        {"jobs_done", integer(report->jobs_done)},
        {"jobs_failed", integer(report->jobs_failed)},
        {"jobs_skipped", integer(report->jobs_skipped)},
        {"peak_rss_bytes", integer(report->peak_rss_bytes)},
        {"interrupted", json_boolean(report->interrupted)},
        {"digest", json_string(digest)},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        json_object_set_new(object, fields[i].name, fields[i].value);
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    if (text)
        buf_add_text(out, text);
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}
