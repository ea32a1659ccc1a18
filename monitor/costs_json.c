// SPDX-License-Identifier: MIT
#include "monitor/costs_json.h"

#include <stdlib.h>

#include "base/mem.h"

static json_t *seconds_json(uint64_t nanoseconds) {
    return json_real((double)nanoseconds / 1e9);
}

// Lines are cut where that may be within a character.
static json_t *text_json(struct str text) {
    json_t *json = json_stringn(text.p, text.n);
    for (int i = 0; !json && i < 4 && text.n; i++) {
        text.n--;
        json = json_stringn(text.p, text.n);
    }
    return json ? json : json_string("");
}

static json_t *line_json(const struct costs *costs, const struct costs_line *line) {
    json_t *object = json_object();
    json_object_set_new(object, "template", text_json(line->name));
    json_object_set_new(object, "line", json_integer(line->line));
    json_object_set_new(object, "seconds", seconds_json(line->self));
    json_object_set_new(object, "total_seconds", seconds_json(line->total));
    json_object_set_new(object, "share", json_real((double)line->self / (double)costs->nanoseconds));
    json_object_set_new(object, "text", text_json(line->text));
    return object;
}

struct sum {
    struct str name;
    uint64_t self;
};

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct sum *)a)->name, ((const struct sum *)b)->name);
}

static int by_self(const void *a, const void *b) {
    const struct sum *x = a, *y = b;
    return x->self != y->self ? (x->self < y->self ? 1 : -1) : by_name(a, b);
}

static json_t *templates_json(const struct costs *costs) {
    struct sum *sums = MEM_NEW_ARRAY(struct sum, costs->lines_n + 1);
    size_t n = 0;
    for (size_t i = 0; i < costs->lines_n; i++)
        sums[i] = (struct sum){costs->lines[i].name, costs->lines[i].self};
    if (costs->lines_n)
        qsort(sums, costs->lines_n, sizeof *sums, by_name);
    for (size_t i = 0; i < costs->lines_n; i++)
        if (n && str_equal(sums[n - 1].name, sums[i].name))
            sums[n - 1].self += sums[i].self;
        else
            sums[n++] = sums[i];
    if (n)
        qsort(sums, n, sizeof *sums, by_self);
    json_t *array = json_array();
    for (size_t i = 0; i < n && i < COSTS_TOLD; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "template", text_json(sums[i].name));
        json_object_set_new(object, "seconds", seconds_json(sums[i].self));
        json_object_set_new(object, "share", json_real((double)sums[i].self / (double)costs->nanoseconds));
        json_array_append_new(array, object);
    }
    mem_free(sums);
    return array;
}

json_t *costs_json(const struct costs *costs) {
    json_t *object = json_object(), *lines = json_array();
    size_t n = 0;
    for (; n < costs->lines_n && n < COSTS_TOLD && costs->lines[n].self; n++)
        json_array_append_new(lines, line_json(costs, &costs->lines[n]));
    json_object_set_new(object, "seconds", seconds_json(costs->nanoseconds));
    json_object_set_new(object, "samples", json_integer((json_int_t)costs->samples));
    json_object_set_new(object, "templates", templates_json(costs));
    json_object_set_new(object, "lines", lines);
    json_object_set_new(object, "more", json_integer((json_int_t)(costs->lines_n - n)));
    return object;
}
