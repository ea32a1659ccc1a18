// SPDX-License-Identifier: MIT
#include "report/report_sources.h"

#include <stdlib.h>
#include <string.h>

#include "report/given.h"

enum { DIGITS = 12 };

// The first row whose member a document has says what it is.
static const struct source {
    const char *member;
    report_build_fn *build;
} sources[] = {
    {"gate", report_build_gate},
    {"checks", report_build_doctor},
    {"comparison", report_build_comparison},
    {"session_comparison", report_build_difference},
    {"merged", report_build_merged},
    {"history_changes", report_build_changes},
    {"distributions", report_build_session},
    {"points", report_build_trend},
    {"scenarios", report_build_benchmark},
    {"mix", report_build_load},
    {"states", report_build_strategy},
};

static report_build_fn *builder_of(const json_t *source) {
    if (json_is_array(source))
        return json_array_size(source) == 0 || *given_text(json_array_get(source, 0), "session")
                   ? report_build_history
                   : NULL;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (json_object_get(source, sources[i].member))
            return sources[i].build;
    return NULL;
}

static enum status write_again(const json_t *document, bool indented, struct buf *out, struct err *err) {
    const json_int_t version = json_integer_value(json_object_get(document, "report"));
    if (version != REPORT_VERSION)
        return err_set(err, STATUS_DATA, "the report is of version %lld, this is for version %d",
                       (long long)version, REPORT_VERSION);
    char *text = json_dumps(document, JSON_REAL_PRECISION(DIGITS) | (indented ? JSON_INDENT(2) : 0));
    buf_add_text(out, text ? text : "null");
    buf_add_char(out, '\n');
    free(text);
    return STATUS_OK;
}

static enum status make(const json_t *source, const struct report_options *options, bool indented,
                        struct buf *document, struct err *err) {
    if (json_is_integer(json_object_get(source, "report")))
        return write_again(source, indented, document, err);
    report_build_fn *build = builder_of(source);
    if (!build)
        return err_set(
            err, STATUS_DATA,
            "this is nothing that a report is made of: a session, or what history, strategies, bench, "
            "bench compare, gate or doctor print with --json");
    struct report *report = build(source, options);
    report_write_json(report, indented, document);
    report_free(report);
    return STATUS_OK;
}

enum status report_make(struct str text, const struct report_options *options, bool indented,
                        struct buf *document, struct err *err) {
    json_error_t error;
    json_t *source = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (!source)
        return err_set(err, STATUS_DATA, "%d:%d: %s", error.line, error.column, error.text);
    const enum status status = make(source, options, indented, document, err);
    json_decref(source);
    return status;
}
