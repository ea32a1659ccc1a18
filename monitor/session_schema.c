// SPDX-License-Identifier: MIT
#include "monitor/session_schema.h"

#include <jansson.h>
#include <stdlib.h>

#include "monitor/metrics.h"

static json_t *typed(const char *type, const char *description) {
    json_t *schema = json_pack("{s:s}", "type", type);
    if (description)
        json_object_set_new(schema, "description", json_string(description));
    return schema;
}

static json_t *number(const char *description) {
    return typed("number", description);
}

static json_t *count(const char *description) {
    json_t *schema = typed("integer", description);
    json_object_set_new(schema, "minimum", json_integer(0));
    return schema;
}

static json_t *text(const char *description) {
    return typed("string", description);
}

static json_t *list_of(json_t *items, const char *description) {
    json_t *schema = typed("array", description);
    json_object_set_new(schema, "items", items);
    return schema;
}

// All members that it has so far are required, too.
static void require_all(json_t *object) {
    json_t *required = json_array(), *value;
    const char *key;
    json_object_foreach(json_object_get(object, "properties"), key, value) {
        json_array_append_new(required, json_string(key));
    }
    json_object_set_new(object, "required", required);
}

static json_t *object_with(json_t *properties, const char *description) {
    json_t *schema = typed("object", description);
    json_object_set_new(schema, "properties", properties);
    return schema;
}

static json_t *metrics_schema(void) {
    json_t *properties = json_object();
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        json_t *metric = number(row->meaning);
        if (row->unit[0])
            json_object_set_new(metric, "x-unit", json_string(row->unit));
        if (row->work)
            json_object_set_new(metric, "x-work", json_true());
        json_object_set_new(properties, row->name, metric);
    }
    json_t *schema = object_with(properties, "what was measured, by name; what is not known is not there");
    json_object_set_new(schema, "additionalProperties", number(NULL));
    return schema;
}

// Figures; a merged session may lack quantiles and buckets, one of an older version the buckets.
static json_t *distribution_schema(void) {
    json_t *properties = json_object(), *buckets = count(NULL);
    for (int f = 0; f < FIGURES; f++) {
        json_t *figure = number(f == FIGURE_COUNT ? "how many were observed" : "seconds");
        json_object_set_new(figure, "minimum", json_integer(0));
        json_object_set_new(properties, metric_figures[f], figure);
    }
    json_object_set_new(buckets, "maximum", json_integer(INT64_C(1) << 40));
    json_object_set_new(properties, "buckets",
                        list_of(buckets, "bucket, count, distance to the next bucket, count, ..."));
    json_t *schema = object_with(properties, NULL);
    json_object_set_new(schema, "required",
                        json_pack("[s, s, s]", metric_figures[FIGURE_MAX], metric_figures[FIGURE_MEAN],
                                  metric_figures[FIGURE_COUNT]));
    return schema;
}

static json_t *errors_schema(void) {
    json_t *error = object_with(json_pack("{s:o, s:o}", "kind", text(NULL), "count", count(NULL)), NULL);
    require_all(error);
    return list_of(error, "failures by kind: the message, with what is quoted and numbers left out");
}

static json_t *samples_schema(void) {
    json_t *sample = object_with(
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "seconds", number("since the start"), "cpu",
                  number("processors busy"), "rss_bytes", count(NULL), "read_bytes", count("since the start"),
                  "written_bytes", count("since the start"), "in_flight", count("batches")),
        NULL);
    require_all(sample);
    return list_of(sample, "what the run used, at moments");
}

static json_t *part_schema(const char *description) {
    json_t *part = object_with(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "stage",
                                         text(NULL), "job", text(NULL), "source", text(NULL), "seconds",
                                         number(NULL), "share", number("of run.seconds"), "outputs",
                                         count(NULL), "batches", count(NULL), "p50", number("seconds"), "p95",
                                         number("seconds"), "through_seconds", number("of filters outside")),
                               NULL);
    json_object_set_new(part, "required", json_pack("[s, s]", "stage", "seconds"));
    return list_of(part, description);
}

static json_t *merged_schema(void) {
    json_t *merged =
        object_with(json_pack("{s:o, s:o, s:o, s:o, s:o}", "sessions",
                              list_of(text(NULL), "ids of those that were merged"), "first",
                              number("when the first one began, seconds since 1970"), "last",
                              number("when the last one ended"), "elapsed_seconds",
                              number("from first to last"), "without_quantiles",
                              list_of(text(NULL), "distributions of which not all have a histogram")),
                    "of a merged session");
    require_all(merged);
    return merged;
}

static json_t *profile_schema(void) {
    json_t *line = object_with(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "template", text(NULL), "line",
                                         count("from 1"), "seconds", number("of its own"), "total_seconds",
                                         number("with what it leads to"), "share",
                                         number("of its own, of all"), "text", text("of the line")),
                               NULL);
    json_t *sum = object_with(json_pack("{s:o, s:o, s:o}", "template", text(NULL), "seconds", number(NULL),
                                        "share", number("of all")),
                              NULL);
    require_all(line);
    require_all(sum);
    json_t *profile = object_with(
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "seconds", number("in templates, summed over workers"),
                  "samples", count("that this is known by"), "templates", list_of(sum, "the dearest"),
                  "lines", list_of(line, "the dearest"), "more", count("lines that are not told")),
        "where templates spent their time, where that was asked for");
    require_all(profile);
    return profile;
}

static json_t *templates_schema(void) {
    json_t *use = object_with(json_pack("{s:o, s:o}", "name", text(NULL), "uses", count(NULL)), NULL);
    require_all(use);
    return list_of(use, "how often templates were used, the most used first; at most 500");
}

static json_t *distributions_schema(void) {
    json_t *schema = typed("object", "durations, by name: of stages, jobs, templates, filters outside");
    json_object_set_new(schema, "additionalProperties", distribution_schema());
    return schema;
}

static json_t *session_schema(void) {
    json_t *outcome = json_pack("{s:[s, s, s]}", "enum", "done", "failed", "interrupted"),
           *properties = json_object();
    json_object_set_new(properties, "session",
                        text("id: when it began, the process, four digits; or \"merged\""));
    json_object_set_new(properties, "name", text("of the manifest"));
    json_object_set_new(properties, "strategy", text(NULL));
    json_object_set_new(properties, "machine", text("host, processor"));
    json_object_set_new(properties, "version", text("of pressrun"));
    json_object_set_new(properties, "outcome", outcome);
    json_object_set_new(properties, "digest", text("of all outputs; 32 hex digits, or empty"));
    json_object_set_new(properties, "started", number("seconds since 1970"));
    json_object_set_new(properties, "metrics", metrics_schema());
    json_object_set_new(properties, "distributions", distributions_schema());
    json_object_set_new(properties, "errors", errors_schema());
    json_object_set_new(properties, "samples", samples_schema());
    json_t *schema = object_with(properties, NULL);
    require_all(schema); // but for those below
    json_object_set_new(properties, "nodes",
                        part_schema("busy time by node of the graph, summed over workers"));
    json_object_set_new(properties, "critical_path", part_schema("what decided how long the run took"));
    json_object_set_new(properties, "profile", profile_schema());
    json_object_set_new(properties, "templates", templates_schema());
    json_object_set_new(properties, "merged", merged_schema());
    return schema;
}

void session_write_schema(struct buf *out) {
    json_t *schema = session_schema(), *document = json_object();
    json_object_set_new(document, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(document, "title", json_string("pressrun session"));
    json_object_update(document, schema);
    char *dumped = json_dumps(document, JSON_INDENT(2));
    buf_add_text(out, dumped ? dumped : "null");
    buf_add_char(out, '\n');
    free(dumped);
    json_decref(schema);
    json_decref(document);
}
