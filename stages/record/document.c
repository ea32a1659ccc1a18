// SPDX-License-Identifier: MIT
#include "stages/record/document.h"

#include <stdlib.h>

#include "base/mem.h"

void *document_alloc(struct arena *arena, size_t size) {
    void *p = arena_zero(arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

struct str document_text(struct arena *arena, struct str text) {
    char *copy = document_alloc(arena, text.n + 1);
    if (text.n)
        memcpy(copy, text.p, text.n);
    return (struct str){copy, text.n};
}

struct document_node *document_new_node(struct arena *arena, enum document_kind kind, struct span span) {
    struct document_node *node = document_alloc(arena, sizeof *node);
    node->kind = kind;
    node->span = span;
    node->weight = 1;
    node->height = kind == DOCUMENT_LIST || kind == DOCUMENT_MAPPING;
    return node;
}

void document_append(struct arena *arena, struct document_node *parent, struct document_entry **last,
                     struct document_entry entry) {
    struct document_entry *e = document_alloc(arena, sizeof *e);
    *e = entry;
    e->next = NULL;
    if (*last)
        (*last)->next = e;
    else
        parent->entries = e;
    *last = e;
    parent->entries_n++;
    if (parent->height <= entry.value->height)
        parent->height = entry.value->height + 1;
    uint32_t more = entry.value->weight;
    parent->weight = parent->weight > UINT32_MAX - more ? UINT32_MAX : parent->weight + more;
}

struct document_entry *document_find(const struct document_node *mapping, struct str key) {
    if (mapping->kind != DOCUMENT_MAPPING)
        return NULL;
    for (struct document_entry *e = mapping->entries; e; e = e->next) {
        if (str_equal(e->key, key))
            return e;
    }
    return NULL;
}

const char *document_describe(const struct document_node *node) {
    switch (node->kind) {
    case DOCUMENT_NULL:
        return node->text.n ? "null" : "nothing";
    case DOCUMENT_BOOL:
        return node->boolean ? "true" : "false";
    case DOCUMENT_INT:
    case DOCUMENT_BIG:
    case DOCUMENT_FLOAT:
        return "a number";
    case DOCUMENT_TEXT:
        return "text";
    case DOCUMENT_LIST:
        return "a list";
    case DOCUMENT_MAPPING:
        break;
    }
    return "a mapping";
}

static int compare_entries(const void *left, const void *right) {
    const struct document_entry *a = *(const struct document_entry *const *)left;
    const struct document_entry *b = *(const struct document_entry *const *)right;
    int c = str_compare(a->key, b->key);
    return c ? c : (a->key_span.at > b->key_span.at) - (a->key_span.at < b->key_span.at);
}

void document_check_keys(const struct document_node *mapping, const struct source_text *source,
                         struct diags *diags) {
    if (mapping->entries_n < 2)
        return;
    const struct document_entry **sorted = MEM_NEW_ARRAY(const struct document_entry *, mapping->entries_n);
    size_t n = 0;
    for (const struct document_entry *e = mapping->entries; e; e = e->next)
        sorted[n++] = e;
    qsort(sorted, n, sizeof(struct document_entry *), compare_entries);
    for (size_t i = 1, first = 0; i < n && diags->errors < DOCUMENT_ERRORS; i++) {
        if (!str_equal(sorted[i]->key, sorted[first]->key)) {
            first = i;
            continue;
        }
        uint32_t line, column;
        source_locate(source->text, sorted[first]->key_span.at, &line, &column, NULL);
        diags_error(diags, source, sorted[i]->key_span, "duplicate key \"%.*s\"; the first one is on line %u",
                    STR_ARG(sorted[i]->key), line);
    }
    mem_free(sorted);
}

struct span document_text_span(struct str source, struct span span, struct str text) {
    struct str written = str_slice(source, span.at, (size_t)span.at + span.n);
    if (str_equal(written, text))
        return span;
    if (written.n == text.n + 2 && str_equal(str_slice(written, 1, written.n - 1), text))
        return (struct span){span.at + 1, span.n - 2};
    if (span.n == text.n) // two escapes that are shorter than what they stand for
        span.n--;
    return span;
}

// Values ----------------------------------------------------------------------------------------------------

static struct value mapping_value(struct arena *arena, const struct document_node *node) {
    struct value *keys = document_alloc(arena, sizeof *keys * (node->entries_n + 1));
    size_t i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        keys[i++] = value_string(e->key);
    struct shape *shape = shape_new_private(arena, keys, node->entries_n);
    struct map *map = shape ? map_new(arena, shape) : NULL;
    if (!map)
        mem_fail(sizeof *keys * node->entries_n);
    i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        map->values[i++] = document_value(arena, e->value);
    return value_map(map);
}

static struct value list_value(struct arena *arena, const struct document_node *node) {
    struct list *list = list_new(arena, node->entries_n);
    if (!list)
        mem_fail(sizeof(struct value) * node->entries_n);
    size_t i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        list->items[i++] = document_value(arena, e->value);
    return value_list(list);
}

struct value document_value(struct arena *arena, const struct document_node *node) {
    switch (node->kind) {
    case DOCUMENT_NULL:
        break;
    case DOCUMENT_BOOL:
        return value_bool(node->boolean);
    case DOCUMENT_INT:
        return value_int(node->integer);
    case DOCUMENT_BIG:
        return (struct value){.tag = VALUE_BIG, .n = (uint32_t)node->text.n, .s = node->text.p};
    case DOCUMENT_FLOAT:
        return value_float(node->real);
    case DOCUMENT_TEXT:
        return value_string(node->text);
    case DOCUMENT_LIST:
        return list_value(arena, node);
    case DOCUMENT_MAPPING:
        return mapping_value(arena, node);
    }
    return value_none();
}
