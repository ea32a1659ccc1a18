// SPDX-License-Identifier: MIT
#include "bench/selftest_store.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "bench/comparison_json.h"
#include "monitor/json_line.h"

enum { FORMAT = 1, DIGITS = 15 };
static const double percent_most = 1000, step_most = 1;

void selftest_store_head(const struct selftest *s, struct buf *out) {
    json_t *object = json_object(), *machine = json_object(), *operation = json_object();
    json_object_set_new(machine, "system", json_string(s->host.system));
    json_object_set_new(machine, "cpu", json_string(s->host.cpu));
    json_object_set_new(machine, "cpus", json_integer(s->host.cpus));
    json_object_set_new(machine, "used", json_string(s->host.mask));
    json_object_set_new(operation, "records", json_integer(s->operation.records));
    json_object_set_new(operation, "cpu_seconds", json_real(s->operation.seconds));
    json_object_set_new(operation, "share_per_step", json_real(s->operation.share_per_step));
    json_object_set_new(object, "selftest", json_integer(FORMAT));
    json_object_set_new(object, "program", json_string(s->program));
    json_object_set_new(object, "started", json_string(s->started));
    json_object_set_new(object, "machine", machine);
    json_object_set_new(object, "operation", operation);
    json_line_add(object, DIGITS, out);
}

void selftest_store_mark(struct comparison *c, double percent) {
    const char **words = ARENA_NEW_ARRAY(&c->arena, const char *, 2);
    char text[32];
    if (!words)
        mem_fail(2 * sizeof *words);
    snprintf(text, sizeof text, "%g", percent);
    words[0] = "selftest";
    words[1] = comparison_keep(c, text);
    c->arguments = words;
    c->arguments_n = 2;
}

// ---- reading

static const char *keep_text(struct selftest *s, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? arena_str(&s->arena, str_of(text)).p : NULL;
}

static void copy_text(const json_t *object, const char *key, char *text, size_t size) {
    const char *found = json_string_value(json_object_get(object, key));
    snprintf(text, size, "%s", found ? found : "");
}

static bool read_number(const json_t *object, const char *key, double least, double most, double *number) {
    const json_t *value = json_object_get(object, key);
    *number = json_number_value(value);
    return json_is_number(value) && *number >= least && *number <= most;
}

static enum status read_head(struct selftest *s, struct str line, struct err *err) {
    json_error_t error;
    json_t *root = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &error);
    const json_t *machine = json_object_get(root, "machine"), *operation = json_object_get(root, "operation");
    double cpus = 0, records = 0;
    copy_text(machine, "system", s->host.system, sizeof s->host.system);
    copy_text(machine, "cpu", s->host.cpu, sizeof s->host.cpu);
    copy_text(machine, "used", s->host.mask, sizeof s->host.mask);
    s->program = keep_text(s, root, "program");
    s->started = keep_text(s, root, "started");
    bool good = json_integer_value(json_object_get(root, "selftest")) == FORMAT && s->program && s->started &&
                read_number(machine, "cpus", 1, 1e6, &cpus) &&
                read_number(operation, "records", 1, UINT32_MAX, &records) &&
                read_number(operation, "cpu_seconds", 0, 1e6, &s->operation.seconds) &&
                read_number(operation, "share_per_step", 0, step_most, &s->operation.share_per_step);
    s->host.cpus = (uint32_t)cpus;
    s->operation.records = (uint32_t)records;
    json_decref(root);
    return good ? STATUS_OK : err_set(err, STATUS_DATA, "line 1 does not begin a self-test");
}

static enum status read_answer(struct selftest *s, struct str line, size_t number, struct err *err) {
    struct comparison c;
    struct err fault;
    const char *stored;
    double percent;
    comparison_init(&c);
    enum status status = comparison_read_json(&c, line, &stored, &fault);
    if (status != STATUS_OK)
        err_set(err, STATUS_DATA, "line %zu: %s", number, fault.text);
    else if (c.arguments_n != 2 || strcmp(c.arguments[0], "selftest") != 0 ||
             !number_parse_double(str_of(c.arguments[1]), &percent) ||
             !(percent >= 0 && percent <= percent_most) || !c.rounds_n)
        status = err_set(err, STATUS_DATA, "line %zu is no comparison of a self-test", number);
    else if (!selftest_take(s, percent, &c))
        status = err_set(err, STATUS_DATA, "line %zu: there are more than %d percentages", number,
                         SELFTEST_LEVELS_MOST - 1);
    comparison_release(&c);
    return status;
}

enum status selftest_store_read(struct selftest *s, struct str text, size_t *whole, struct err *err) {
    size_t number = 0;
    enum status status = STATUS_OK;
    *whole = 0;
    for (size_t at = 0; at < text.n && status == STATUS_OK; at++) {
        if (text.p[at] != '\n')
            continue;
        struct str line = {text.p + *whole, at - *whole};
        status = ++number == 1 ? read_head(s, line, err) : read_answer(s, line, number, err);
        *whole = at + 1;
    }
    return status;
}
