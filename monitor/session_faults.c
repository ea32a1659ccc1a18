// SPDX-License-Identifier: MIT
#include "monitor/session_faults.h"

#include "base/mem.h"
#include "monitor/json_line.h"

struct session_fault {
    struct str job, path, key, file, message, hint, excerpt;
    uint32_t line, column, caret, caret_n;
    uint64_t record_line, record, count;
};

struct session_faults {
    size_t n;
    uint64_t more; // failures elsewhere
    struct session_fault faults[SESSION_FAULTS];
};

// A text that is cut stays UTF-8.
static struct str keep(struct session *s, struct str text) {
    size_t n = text.n < FAULT_TEXT ? text.n : FAULT_TEXT;
    while (n < text.n && n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n ? session_keep(s, (struct str){text.p, n}) : STR("");
}

// Messages at one place tell of different values, mostly; without a place they are what tells faults apart.
static bool is_same(const struct session_fault *fault, const struct diag *diag, struct str job) {
    return fault->line == diag->line && fault->column == diag->column && str_equal(fault->job, job) &&
           str_equal(fault->file, str_slice(diag->file, 0, fault->file.n)) &&
           (diag->line || str_equal(fault->message, str_slice(diag->message, 0, fault->message.n)));
}

void session_add_fault(struct session *s, const struct diag *diag, const struct session_fault_of *of) {
    if (!s->faults)
        s->faults = MEM_NEW(struct session_faults);
    struct session_faults *all = s->faults;
    for (size_t i = 0; i < all->n; i++)
        if (is_same(&all->faults[i], diag, of->job)) {
            all->faults[i].count++;
            return;
        }
    if (all->n == SESSION_FAULTS) {
        all->more++;
        return;
    }
    all->faults[all->n++] = (struct session_fault){.job = keep(s, of->job),
                                                   .path = keep(s, of->path),
                                                   .key = keep(s, of->key),
                                                   .file = keep(s, diag->file),
                                                   .message = keep(s, diag->message),
                                                   .hint = keep(s, diag->hint),
                                                   .excerpt = keep(s, diag->line_text),
                                                   .line = diag->line,
                                                   .column = diag->column,
                                                   .caret = diag->caret,
                                                   .caret_n = diag->caret_n,
                                                   .record_line = of->line,
                                                   .record = of->record,
                                                   .count = 1};
}

static void set_text(json_t *object, const char *key, struct str text) {
    if (!text.n)
        return;
    json_object_set_new(object, key, json_line_text(text));
}

static void set_number(json_t *object, const char *key, uint64_t n) {
    if (n)
        json_object_set_new(object, key, json_integer((json_int_t)n));
}

static json_t *fault_json(const struct session_fault *fault) {
    json_t *object = json_object();
    set_text(object, "message", fault->message);
    set_text(object, "hint", fault->hint);
    set_text(object, "file", fault->file);
    set_number(object, "line", fault->line);
    set_number(object, "column", fault->column);
    if (fault->line) {
        set_text(object, "excerpt", fault->excerpt);
        json_object_set_new(object, "caret", json_integer(fault->caret));
        json_object_set_new(object, "caret_n", json_integer(fault->caret_n));
    }
    set_text(object, "job", fault->job);
    set_text(object, "path", fault->path);
    set_number(object, "record_line", fault->record_line);
    set_number(object, "record", fault->record);
    set_text(object, "key", fault->key);
    set_number(object, "count", fault->count);
    return object;
}

json_t *session_faults_json(const struct session *s) {
    json_t *object = json_object(), *items = json_array();
    for (size_t i = 0; s->faults && i < s->faults->n; i++)
        json_array_append_new(items, fault_json(&s->faults->faults[i]));
    json_object_set_new(object, "items", items);
    json_object_set_new(object, "more", json_integer(s->faults ? (json_int_t)s->faults->more : 0));
    return object;
}

// ---- of several sessions

static bool is_equal(const json_t *a, const json_t *b, const char *key) {
    const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);
    return (!x && !y) || json_equal(x, y);
}

static json_t *find(json_t *items, const json_t *fault) {
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        const bool placed = json_object_get(fault, "line") != NULL;
        if (is_equal(item, fault, "file") && is_equal(item, fault, "line") &&
            is_equal(item, fault, "column") && is_equal(item, fault, "job") &&
            (placed || is_equal(item, fault, "message")))
            return item;
    }
    return NULL;
}

static void count_on(json_t *object, const char *key, const json_t *more) {
    const json_int_t n = json_integer_value(json_object_get(object, key));
    json_object_set_new(object, key, json_integer(n + json_integer_value(more)));
}

void session_faults_merge(json_t *into, const json_t *more) {
    json_t *items = json_object_get(into, "items"), *fault;
    size_t i;
    json_array_foreach(json_object_get(more, "items"), i, fault) {
        json_t *same = find(items, fault);
        const json_t *count = json_object_get(fault, "count");
        if (same)
            count_on(same, "count", count);
        else if (json_array_size(items) < SESSION_FAULTS)
            json_array_append_new(items, json_deep_copy(fault));
        else
            count_on(into, "more", count);
    }
    count_on(into, "more", json_object_get(more, "more"));
}
