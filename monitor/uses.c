// SPDX-License-Identifier: MIT
#include "monitor/uses.h"

#include <stdlib.h>

#include "base/mem.h"
#include "monitor/json_line.h"

void uses_add(struct uses *uses, struct str name, uint64_t n) {
    if (!n)
        return;
    MEM_GROW(uses->list, uses->cap, uses->n + 1);
    uses->list[uses->n++] = (struct use){name, n};
}

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct use *)a)->name, ((const struct use *)b)->name);
}

static int by_uses(const void *a, const void *b) {
    const struct use *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? 1 : -1) : str_compare(x->name, y->name);
}

void uses_rank(struct uses *uses, size_t most) {
    size_t n = 0;
    if (uses->n)
        qsort(uses->list, uses->n, sizeof *uses->list, by_name);
    for (size_t i = 0; i < uses->n; i++) {
        if (n && str_equal(uses->list[n - 1].name, uses->list[i].name))
            uses->list[n - 1].n += uses->list[i].n;
        else
            uses->list[n++] = uses->list[i];
    }
    if (n)
        qsort(uses->list, n, sizeof *uses->list, by_uses);
    uses->n = n < most ? n : most;
}

void uses_release(struct uses *uses) {
    mem_free(uses->list);
    *uses = (struct uses){0};
}

json_t *uses_json(const struct uses *uses) {
    json_t *array = uses->n ? json_array() : NULL;
    for (size_t i = 0; i < uses->n; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_line_text(uses->list[i].name));
        json_object_set_new(object, "uses", json_integer((json_int_t)uses->list[i].n));
        json_array_append_new(array, object);
    }
    return array;
}

void uses_add_json(struct uses *uses, const json_t *list, struct arena *arena) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        const json_t *name = json_object_get(one, "name");
        const json_int_t used = json_integer_value(json_object_get(one, "uses"));
        if (!json_is_string(name) || used <= 0)
            continue;
        const struct str kept =
            arena_str(arena, (struct str){json_string_value(name), json_string_length(name)});
        if (!kept.p)
            mem_fail(json_string_length(name));
        uses_add(uses, kept, (uint64_t)used);
    }
}
