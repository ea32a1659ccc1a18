// SPDX-License-Identifier: MIT
#include "monitor/session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/processor.h"
#include "base/salt.h"
#include "monitor/alerts_json.h"
#include "monitor/costs_json.h"
#include "monitor/distribution_json.h"
#include "monitor/json_line.h"
#include "monitor/session_faults.h"

void session_init(struct session *s) {
    *s = (struct session){0};
    arena_init(&s->arena, 0);
}

void session_begin(struct session *s, int64_t started) {
    enum { SECOND = 1000000000, MICROSECOND = 1000 };
    char processor[128], id[64];
    struct utsname host = {0};
    struct tm tm;
    time_t seconds = (time_t)(started / SECOND);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(id, sizeof id, "%Y%m%dT%H%M%S", &tm);
    // Containers on one host may begin a run in the same microsecond, each as process 1.
    const uint16_t lot = (uint16_t)salt_draw();
    snprintf(id + n, sizeof id - n, ".%06dZ-%d-%04x", (int)(started % SECOND / MICROSECOND), (int)getpid(),
             lot);
    s->id = session_keep(s, str_of(id));
    s->started = started;
    s->version = STR(PRESSRUN_VERSION);
    uname(&host);
    processor_name(processor, sizeof processor);
    char *machine =
        arena_printf(&s->arena, "%s, %s", host.nodename, processor[0] ? processor : "unknown processor");
    s->machine = str_of(machine ? machine : "");
}

void session_release(struct session *s) {
    for (size_t i = 0; i < s->distributions_n; i++)
        histogram_release(&s->distributions[i].histogram);
    mem_free(s->distributions);
    mem_free(s->errors);
    mem_free(s->samples);
    mem_free(s->nodes.parts);
    mem_free(s->path.parts);
    mem_free(s->faults);
    json_decref(s->more);
    arena_release(&s->arena);
}

struct str session_keep(struct session *s, struct str text) {
    struct str kept = arena_str(&s->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

void session_set(struct session *s, enum metric metric, double value) {
    s->values[metric] = value;
    s->known[metric] = true;
}

struct histogram *session_distribution(struct session *s, struct str name) {
    for (size_t i = 0; i < s->distributions_n; i++)
        if (str_equal(s->distributions[i].name, name))
            return &s->distributions[i].histogram;
    MEM_GROW(s->distributions, s->distributions_cap, s->distributions_n + 1);
    struct session_distribution *d = &s->distributions[s->distributions_n++];
    *d = (struct session_distribution){.name = session_keep(s, name)};
    return &d->histogram;
}

void session_add_sample(struct session *s, const struct session_sample *sample) {
    MEM_GROW(s->samples, s->samples_cap, s->samples_n + 1);
    s->samples[s->samples_n++] = *sample;
}

struct session_part *session_add_part(struct session_parts *parts) {
    MEM_GROW(parts->parts, parts->cap, parts->n + 1);
    return &parts->parts[parts->n++];
}

void session_set_more(struct session *s, const char *key, json_t *value) {
    if (!value)
        return;
    if (!s->more)
        s->more = json_object();
    json_object_set_new(s->more, key, value);
}

enum { KIND_SIZE = 160 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "the field \"...\" is missing": records differ in the rest.
static struct str kind_of(struct str message, char kind[KIND_SIZE]) {
    size_t n = 0;
    for (size_t i = 0; i < message.n && n < KIND_SIZE - 4; i++) {
        char c = message.p[i];
        const char *end = c == '"' ? memchr(message.p + i + 1, '"', message.n - i - 1) : NULL;
        if (end) {
            memcpy(kind + n, "\"...", 4);
            n += 4;
            i = (size_t)(end - message.p);
        } else if (is_digit(c)) {
            while (i + 1 < message.n && is_digit(message.p[i + 1]))
                i++;
            c = '#';
        }
        kind[n++] = c == '\n' ? ' ' : c;
    }
    if (n >= KIND_SIZE - 4) { // cut off, perhaps within a character
        while (n && ((unsigned char)kind[n - 1] & 0xc0) == 0x80)
            n--;
        n -= n && ((unsigned char)kind[n - 1] & 0xc0) == 0xc0;
    }
    return (struct str){kind, n};
}

void session_count_error(struct session *s, struct str message) {
    char text[KIND_SIZE];
    struct str kind = kind_of(message, text);
    size_t i = 0;
    while (i < s->errors_n && !str_equal(s->errors[i].kind, kind))
        i++;
    if (i >= SESSION_ERROR_KINDS)
        i = SESSION_ERROR_KINDS - 1;
    if (i == s->errors_n) {
        MEM_GROW(s->errors, s->errors_cap, s->errors_n + 1);
        bool last = i == SESSION_ERROR_KINDS - 1;
        s->errors[s->errors_n++] = (struct session_error){last ? STR("others") : session_keep(s, kind), 0};
    }
    s->errors[i].count++;
}

// ---- JSON

enum { REAL_DIGITS = 15 }; // counts are exact, and moments to 10 us; 0.1 stays 0.1

static void set_text(json_t *object, const char *key, struct str text) {
    json_object_set_new(object, key, json_line_text(text));
}

static json_t *metrics_json(const struct session *s) {
    json_t *object = json_object();
    for (int i = 0; i < METRICS; i++)
        if (s->known[i])
            json_object_set_new(object, metric_rows[i].name, json_real(s->values[i]));
    return object;
}

static json_t *distributions_json(const struct session *s) {
    json_t *object = json_object();
    for (size_t i = 0; i < s->distributions_n; i++) {
        const struct session_distribution *d = &s->distributions[i];
        json_object_set_new(object, d->name.p, distribution_json(&d->histogram)); // kept with an end
    }
    return object;
}

static json_t *errors_json(const struct session *s) {
    json_t *array = json_array();
    for (size_t i = 0; i < s->errors_n; i++) {
        json_t *error = json_object();
        set_text(error, "kind", s->errors[i].kind);
        json_object_set_new(error, "count", json_integer((json_int_t)s->errors[i].count));
        json_array_append_new(array, error);
    }
    return array;
}

static json_t *samples_json(const struct session *s) {
    json_t *array = json_array();
    for (size_t i = 0; i < s->samples_n; i++) {
        const struct session_sample *sample = &s->samples[i];
        json_t *object = json_object();
        json_object_set_new(object, "seconds", json_real(sample->seconds));
        json_object_set_new(object, "cpu", json_real(sample->cpu));
        json_object_set_new(object, "rss_bytes", json_integer((json_int_t)sample->rss_bytes));
        json_object_set_new(object, "read_bytes", json_integer((json_int_t)sample->read_bytes));
        json_object_set_new(object, "written_bytes", json_integer((json_int_t)sample->written_bytes));
        json_object_set_new(object, "in_flight", json_integer(sample->in_flight));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *parts_json(const struct session *s, const struct session_parts *parts, bool of_run) {
    const double whole = s->values[METRIC_RUN_SECONDS];
    json_t *array = json_array();
    for (size_t i = 0; i < parts->n; i++) {
        const struct session_part *part = &parts->parts[i];
        json_t *object = json_object();
        json_object_set_new(object, "stage", json_string(part->stage));
        if (part->role)
            set_text(object, part->role, part->subject);
        json_object_set_new(object, "seconds", json_real(part->seconds));
        if (of_run && whole > 0)
            json_object_set_new(object, "share", json_real(part->seconds / whole));
        if (part->unit) {
            json_object_set_new(object, part->unit, json_integer((json_int_t)part->n));
            json_object_set_new(object, "p50", json_real(part->p50));
            json_object_set_new(object, "p95", json_real(part->p95));
        }
        if (part->through > 0)
            json_object_set_new(object, "through_seconds", json_real(part->through));
        json_array_append_new(array, object);
    }
    return array;
}

void session_write_json(const struct session *s, struct buf *out) {
    json_t *object = json_object();
    set_text(object, "session", s->id);
    set_text(object, "name", s->name);
    set_text(object, "strategy", s->strategy);
    set_text(object, "machine", s->machine);
    set_text(object, "version", s->version);
    set_text(object, "outcome", s->outcome);
    set_text(object, "digest", s->digest);
    json_object_set_new(object, "started", json_real((double)s->started / 1e9));
    json_object_set_new(object, "metrics", metrics_json(s));
    json_object_set_new(object, "distributions", distributions_json(s));
    json_object_set_new(object, "errors", errors_json(s));
    json_object_set_new(object, "samples", samples_json(s));
    if (s->nodes.n)
        json_object_set_new(object, "nodes", parts_json(s, &s->nodes, false));
    if (s->path.n)
        json_object_set_new(object, "critical_path", parts_json(s, &s->path, true));
    if (s->alerts)
        json_object_set_new(object, "alerts", alerts_json(s->alerts));
    if (s->faults)
        json_object_set_new(object, "failures", session_faults_json(s));
    if (s->more)
        json_object_update_missing(object, s->more);
    if (s->costs)
        json_object_set_new(object, "profile", costs_json(s->costs));
    json_line_add(object, REAL_DIGITS, out);
}
