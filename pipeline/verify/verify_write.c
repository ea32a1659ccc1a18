// SPDX-License-Identifier: MIT
#include <jansson.h>

#include "monitor/json_line.h"
#include "pipeline/verify/verify.h"

static json_t *text_or_null(struct str text) {
    return text.n ? json_stringn(text.p, text.n) : json_null();
}

static json_t *words_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static void add_count(json_t *object, const struct verify_count *count) {
    char digest[DIGEST_HEX_SIZE], expected[DIGEST_HEX_SIZE];
    uint64_t outputs = 0;
    digest_hex(count->digest, digest);
    digest_hex(count->expected, expected);
    for (int state = 0; state < VERIFY_STATES; state++)
        outputs += count->outputs[state];
    json_object_set_new(object, "digest", json_string(digest));
    json_object_set_new(object, "expected", json_string(expected));
    json_object_set_new(object, "outputs", json_integer((json_int_t)outputs));
    for (int state = 0; state < VERIFY_STATES; state++)
        json_object_set_new(object, verify_state_names[state],
                            json_integer((json_int_t)count->outputs[state]));
    json_object_set_new(object, "items", json_integer((json_int_t)count->items));
}

static json_t *jobs(const struct verify_report *report) {
    json_t *array = json_array();
    for (size_t j = 0; j < report->jobs_n; j++) {
        json_t *object = json_object();
        json_object_set_new(object, "job", text_or_null(report->jobs[j].name));
        add_count(object, &report->jobs[j].count);
        json_object_set_new(object, "reason", words_or_null(report->jobs[j].reason));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *findings(const struct verify_report *report) {
    json_t *array = json_array();
    for (size_t f = 0; f < report->findings_n; f++) {
        const struct verify_finding *finding = &report->findings[f];
        json_t *object = json_object();
        json_object_set_new(object, "path", text_or_null(finding->path));
        json_object_set_new(object, "job", text_or_null(finding->job));
        json_object_set_new(object, "state", json_string(verify_state_names[finding->state]));
        json_object_set_new(object, "why", words_or_null(finding->why));
        json_array_append_new(array, object);
    }
    return array;
}

void verify_write_json(const struct verify_report *report, struct buf *out) {
    static const char *const answers[] = {"equal", "different", "cannot say"};
    json_t *object = json_object();
    json_object_set_new(object, "answer", json_string(answers[verify_answer(report)]));
    add_count(object, &report->count);
    json_object_set_new(object, "jobs", jobs(report));
    json_object_set_new(object, "findings", findings(report));
    char *text = json_dumps(object, 0);
    if (text)
        buf_add_text(out, text);
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}
