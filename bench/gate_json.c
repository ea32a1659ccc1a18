// SPDX-License-Identifier: MIT
#include "bench/gate_json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/comparison_json.h"
#include "monitor/json_line.h"

enum { DIGITS = 15, ARGUMENTS_MOST = 1024, WARNINGS_MOST = 1024 };

// ---- writing

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text) {
    json_t *value = text ? json_string(text) : json_null();
    return value ? value : json_string("(not UTF-8)");
}

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *positive(double x) {
    return isinf(x) || x <= 0 ? json_null() : json_real(x);
}

static json_t *texts(const char *const *list, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(array, text_or_null(list[i]));
    }
    return array;
}

static json_t *side(const struct gate_side *side) {
    json_t *object = json_object();
    set(object, "shown", text_or_null(side->shown));
    set(object, "version", text_or_null(side->version));
    set(object, "capsule", text_or_null(side->capsule));
    return object;
}

static json_t *median(const struct comparison_median *median) {
    json_t *object = json_object();
    set(object, "median", positive(median->value));
    set(object, "low", positive(median->low));
    set(object, "high", positive(median->high));
    return object;
}

static json_t *work(const struct gate_row *row) {
    json_t *array = json_array();
    for (size_t i = 0; i < row->counters_n; i++) {
        const struct gate_counter *counter = &row->counters[i];
        json_t *object = json_object();
        set(object, "name", text_or_null(counter->name));
        set(object, "a", integer(counter->a));
        set(object, "b", integer(counter->b));
        set(object, "grown", json_boolean(counter->grown));
        set(object, "accepted", json_boolean(counter->accepted));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *stages(const struct gate_row *row) {
    json_t *array = json_array();
    for (size_t i = 0; i < row->stages_n; i++) {
        json_t *object = json_object();
        set(object, "name", text_or_null(row->stages[i].name));
        set(object, "a", json_real(row->stages[i].a));
        set(object, "b", json_real(row->stages[i].b));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *ratios(const struct gate_row *row) {
    json_t *object = json_object();
    for (enum paired_metric metric = 0; metric < PAIRED_METRICS; metric++)
        set(object, paired_metric_name(metric), positive(row->ratios[metric]));
    return object;
}

static void set_figures(json_t *object, const struct gate_row *row) {
    set(object, "metric", json_string(paired_metric_name(row->metric)));
    set(object, "unit", text_or_null(row->unit));
    set(object, "ratio", positive(row->ratio));
    set(object, "lower", positive(row->lower));
    set(object, "upper", positive(row->upper));
    set(object, "sure", positive(row->sure));
    set(object, "pairs", integer(row->pairs));
    set(object, "dropped", integer(row->dropped));
    set(object, "session", integer(row->session));
    set(object, "a", median(&row->medians[0]));
    set(object, "b", median(&row->medians[1]));
    set(object, "ratios", ratios(row));
    set(object, "work", work(row));
    set(object, "stages", stages(row));
    set(object, "smallest", positive(row->smallest));
    set(object, "wanted_pairs", row->wanted ? integer(row->wanted) : json_null());
}

static json_t *benchmark(const struct gate_row *row, bool samples) {
    json_t *object = json_object();
    set(object, "name", text_or_null(row->name));
    set(object, "kind", json_string(gate_kinds[row->kind]));
    set(object, "of", text_or_null(row->of));
    set(object, "verdict", json_string(verdict_name(row->verdict)));
    set(object, "reason", json_string(gate_reasons[row->reason]));
    set(object, "change", json_string(gate_changes[row->change]));
    set(object, "text", text_or_null(row->text));
    set(object, "cause", text_or_null(row->cause));
    set_figures(object, row);
    set(object, "seconds", json_real(row->seconds));
    set(object, "error", text_or_null(row->error));
    set(object, "note", text_or_null(row->note));
    set(object, "only_record", json_boolean(row->only_record));
    set(object, "counts_instructions", json_boolean(row->counts_instructions));
    if (samples)
        set(object, "comparison", comparison_to_json(&row->comparison));
    if (samples)
        set(object, "mirror", row->mirror.rounds_n ? comparison_to_json(&row->mirror) : json_null());
    return object;
}

static json_t *counts(const struct gate_result *r) {
    json_t *object = json_object();
    set(object, "benchmarks", integer(r->benchmarks));
    set(object, "pass", integer(r->counts[VERDICT_PASS]));
    set(object, "fail", integer(r->counts[VERDICT_FAIL]));
    set(object, "inconclusive", integer(r->counts[VERDICT_INCONCLUSIVE]));
    set(object, "invalid", integer(r->counts[VERDICT_INVALID]));
    set(object, "faster", integer(r->faster));
    return object;
}

void gate_write_json(const struct gate_result *r, bool samples, struct buf *out) {
    json_t *object = json_object(), *rows = json_array();
    set(object, "gate", json_integer(GATE_FORMAT));
    set(object, "verdict", json_string(verdict_name(r->verdict)));
    set(object, "text", text_or_null(r->text));
    set(object, "suite", text_or_null(r->suite));
    set(object, "baseline", side(&r->baseline));
    set(object, "candidate", side(&r->candidate));
    set(object, "counts", counts(r));
    set(object, "moved", text_or_null(r->moved));
    set(object, "seed", integer(r->seed));
    set(object, "alpha", json_real(r->alpha));
    set(object, "alpha_suite", json_real(r->alpha_suite));
    set(object, "alpha_confirming", json_real(r->alpha_confirming));
    set(object, "interrupted", json_boolean(r->interrupted));
    set(object, "started", text_or_null(r->started));
    set(object, "seconds", json_real(r->seconds));
    set(object, "program", text_or_null(r->program));
    set(object, "arguments", texts(r->arguments, r->arguments_n));
    set(object, "machine", comparison_host_to_json(&r->host));
    set(object, "warnings", texts(r->warnings, r->warnings_n));
    for (size_t i = 0; i < r->rows_n; i++)
        json_array_append_new(rows, benchmark(&r->rows[i], samples));
    set(object, "rows", rows);
    json_line_add(object, DIGITS, out);
}

// ---- reading

// Remembers the first thing that was wrong.
struct reader {
    struct gate_result *r;
    struct err *err;
    bool failed;
};

static void refuse(struct reader *reader, const char *key, const char *expected) {
    if (!reader->failed)
        err_set(reader->err, STATUS_DATA, "\"%s\" is not %s", key, expected);
    reader->failed = true;
}

static double get_number(struct reader *reader, const json_t *object, const char *key, double most) {
    const json_t *value = json_object_get(object, key);
    double x = json_number_value(value);
    if (!json_is_number(value) || !(x >= 0 && x <= most))
        refuse(reader, key, "a number within its limits");
    return x;
}

static bool get_flag(struct reader *reader, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        refuse(reader, key, "true or false");
    return json_is_true(value);
}

// A copy; NULL for null.
static const char *get_text(struct reader *reader, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) && !json_is_null(value))
        refuse(reader, key, "a text");
    return json_is_string(value) ? gate_keep(reader->r, json_string_value(value)) : NULL;
}

static const json_t *get_array(struct reader *reader, const json_t *object, const char *key, size_t most) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_array(value) || json_array_size(value) > most)
        refuse(reader, key, "a list within its limits");
    return reader->failed ? NULL : value;
}

static struct gate_side read_side(struct reader *reader, const json_t *root, const char *key) {
    const json_t *object = json_object_get(root, key);
    return (struct gate_side){.shown = get_text(reader, object, "shown"),
                              .version = get_text(reader, object, "version"),
                              .capsule = get_text(reader, object, "capsule")};
}

static void read_comparison(struct reader *reader, const json_t *object, struct comparison *c) {
    const char *stored;
    if (!reader->failed && comparison_from_json(c, object, &stored, reader->err) != STATUS_OK)
        reader->failed = true;
}

static enum gate_kind read_kind(struct reader *reader, const json_t *object) {
    const char *text = json_string_value(json_object_get(object, "kind"));
    enum gate_kind kind = 0;
    while (text && kind < GATE_KINDS && strcmp(text, gate_kinds[kind]) != 0)
        kind++;
    if (text && kind < GATE_KINDS)
        return kind;
    refuse(reader, "kind", "one that there is");
    return GATE_COMMAND;
}

static void read_row(struct reader *reader, const json_t *object) {
    struct gate_result *r = reader->r;
    const char *name = get_text(reader, object, "name"), *of = get_text(reader, object, "of");
    if (!name || !of || gate_find(r, name))
        refuse(reader, "name", "a name of its own");
    enum gate_kind kind = read_kind(reader, object);
    if (reader->failed)
        return;
    struct gate_row *row = gate_add(r, name, kind, of);
    row->error = get_text(reader, object, "error");
    row->note = get_text(reader, object, "note");
    row->only_record = get_flag(reader, object, "only_record");
    row->counts_instructions = get_flag(reader, object, "counts_instructions");
    row->seconds = get_number(reader, object, "seconds", 1e9);
    const json_t *comparison = json_object_get(object, "comparison");
    if (!comparison && !reader->failed) {
        err_set(reader->err, STATUS_DATA,
                "it has no samples, as `--write samples:FILE` keeps them and `--json` does not");
        reader->failed = true;
    }
    read_comparison(reader, comparison, &row->comparison);
    const json_t *mirror = json_object_get(object, "mirror");
    if (!json_is_null(mirror))
        read_comparison(reader, mirror, &row->mirror);
}

static void read_settings(struct reader *reader, const json_t *root) {
    struct gate_result *r = reader->r;
    r->suite = get_text(reader, root, "suite");
    r->baseline = read_side(reader, root, "baseline");
    r->candidate = read_side(reader, root, "candidate");
    r->moved = get_text(reader, root, "moved");
    r->seed = (uint64_t)get_number(reader, root, "seed", (double)(1ll << 53));
    r->alpha = get_number(reader, root, "alpha", 0.5);
    r->alpha_suite = get_number(reader, root, "alpha_suite", 0.5);
    if (!(r->alpha > 0))
        refuse(reader, "alpha", "above 0");
    r->interrupted = get_flag(reader, root, "interrupted");
    r->started = get_text(reader, root, "started");
    r->seconds = get_number(reader, root, "seconds", 1e9);
    r->program = get_text(reader, root, "program");
}

static void read_lists(struct reader *reader, const json_t *root) {
    struct gate_result *r = reader->r;
    const json_t *arguments = get_array(reader, root, "arguments", ARGUMENTS_MOST),
                 *warnings = get_array(reader, root, "warnings", WARNINGS_MOST);
    const char **words = ARENA_NEW_ARRAY(&r->arena, const char *, json_array_size(arguments) + 1);
    if (!words)
        mem_fail(json_array_size(arguments));
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *text = json_string_value(json_array_get(arguments, i));
        words[r->arguments_n++] = gate_keep(r, text ? text : "?");
    }
    r->arguments = words;
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const char *text = json_string_value(json_array_get(warnings, i));
        gate_warn(r, text ? text : "?");
    }
    const json_t *rows = get_array(reader, root, "rows", GATE_BENCHMARKS_MOST + 1);
    for (size_t i = 0; i < json_array_size(rows) && !reader->failed; i++)
        read_row(reader, json_array_get(rows, i));
    if (r->rows_n)
        r->host = r->rows[0].comparison.host;
}

enum status gate_read_json(struct gate_result *r, struct str text, const char **stored, struct err *err) {
    json_error_t error;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    struct reader reader = {.r = r, .err = err};
    *stored = NULL;
    if (!root)
        return err_set(err, STATUS_DATA, "%d:%d: %s", error.line, error.column, error.text);
    if (json_integer_value(json_object_get(root, "gate")) != GATE_FORMAT) {
        refuse(&reader, "gate", "1, as this version writes it");
    } else {
        *stored = get_text(&reader, root, "verdict");
        read_settings(&reader, root);
        if (!reader.failed)
            read_lists(&reader, root);
    }
    json_decref(root);
    if (reader.failed)
        return STATUS_DATA;
    gate_judge(r);
    return STATUS_OK;
}
