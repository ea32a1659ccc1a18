// SPDX-License-Identifier: MIT
// The bulk reader over any bytes, with a projection and without: what it accepts must copy, faults must lie within the
// text, and a projection gives the same values, those that it leaves out excepted.
#include <stdlib.h>

#include "stages/record/reader.h"
#include "tests/fuzz/fuzz.h"

static const struct projection node_d = {.name = {"d", 1}, .whole = true};
static const struct projection node_c = {.name = {"c", 1}};
static const struct projection node_a = {.name = {"a", 1}, .whole = true};
static const struct projection node_b = {
    .name = {"b", 1}, .children = (const struct projection *const[]){&node_c, &node_d}, .n = 2};
static const struct projection wanted = {
    .children = (const struct projection *const[]){&node_a, &node_b, &node_c}, .n = 3};

static void is_part(struct value part, struct value full, const struct projection *want);

static void is_part_of_map(const struct map *part, const struct map *full, const struct projection *want) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < full->shape->n; i++) {
        struct str key = value_str(full->shape->keys[i]);
        const struct projection *below = projection_find(want, key);
        if (!below)
            continue;
        if (at == part->shape->n || !str_equal(value_str(part->shape->keys[at]), key))
            abort();
        is_part(part->values[at++], full->values[i], below);
    }
    if (at != part->shape->n)
        abort();
}

// Aborts unless `part` is what a projection leaves of `full`.
static void is_part(struct value part, struct value full, const struct projection *want) {
    if (part.tag != full.tag)
        abort();
    if (part.tag == VALUE_MAP) {
        is_part_of_map(part.map, full.map, want);
    } else if (part.tag == VALUE_LIST) {
        for (uint32_t i = 0; i < full.list->n; i++)
            is_part(part.list->items[i], full.list->items[i], want);
        if (part.list->n != full.list->n)
            abort();
    } else if (part.tag == VALUE_STRING || part.tag == VALUE_BIG) {
        if (!str_equal(value_str(part), value_str(full)))
            abort();
    } else if (part.i != full.i) { // of a float, its bits
        abort();
    }
}

static enum status read_json(struct shapes *shapes, const struct projection *projection, struct str text,
                             struct arena *arena, struct value *out) {
    struct reader reader;
    reader_init(&reader, shapes, projection);
    enum status status = reader_parse(&reader, text, arena, out);
    if (status == STATUS_DATA && (!reader.fault || reader.fault_at > text.n))
        abort();
    reader_release(&reader);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct shapes *shapes = shapes_new();
    struct arena arena, other;
    struct value value, part, copy;
    arena_init(&arena, 64 << 20);
    arena_init(&other, 64 << 20);
    enum status status = read_json(shapes, NULL, text, &arena, &value);
    if (status == STATUS_OK && !value_copy(&other, value, &copy))
        abort();
    enum status partly = read_json(shapes, &wanted, text, &arena, &part);
    if (status == STATUS_OK && partly == STATUS_OK) {
        is_part(copy, value, &(struct projection){.whole = true});
        is_part(part, value, &wanted);
    } else if (status == STATUS_OK && partly != STATUS_MEMORY) {
        abort(); // what is whole is sound in part
    }
    arena_release(&arena);
    arena_release(&other);
    shapes_free(shapes);
    return 0;
}
