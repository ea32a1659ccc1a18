// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_SHAPE_H
#define PRESSRUN_STAGES_RECORD_SHAPE_H
/*
 * Shapes: the ordered keys of a map, shared by all maps with the same keys in the same order. A renderer that
 * remembers "this shape has `name` at position 3" finds a field with one pointer compare.
 *
 * struct shapes interns shapes for a whole run. Readers of all threads share it: finding a known shape takes
 * no lock, adding one does. It holds at most SHAPES_LIMIT shapes; beyond that, and for objects of more than
 * SHAPE_SHARED_KEYS keys, readers make private shapes in their arena (`shared` false). Shared shapes live as
 * long as the run, so their address may be remembered; a private shape's address must never be.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct value;

enum { SHAPES_LIMIT = 4096, SHAPE_SHARED_KEYS = 128 };

struct shape {
    uint32_t n;
    bool shared;
    uint32_t mask;            // of the hash index; 0: no index, look at the keys in turn
    const struct value *keys; // n strings (a template's own map may also have other values)
    uint32_t *index;          // mask + 1 slots of position + 1, 0 is empty; linear probing by shape_hash
};

struct shapes; // owned by the run
struct shapes *shapes_new(void);
void shapes_free(struct shapes *shapes);

uint64_t shape_hash(struct str key);

// Position of a key, or -1.
int64_t shape_find(const struct shape *shape, struct str key);

// Walking an object's keys in order, as readers do:
//     node = shapes_root(shapes); node = shape_node_next(shapes, node, key) ...; shape = shape_node_shape(node)
// shape_node_next returns NULL where the object must become private: table full, too many keys, or a key that
// the object already has (the reader then overwrites the earlier value: last wins).
struct shape_node;
struct shape_node *shapes_root(struct shapes *shapes);
struct shape_node *shape_node_next(struct shapes *shapes, struct shape_node *node, struct str key);
// NULL where the table is full: the object must become private.
const struct shape *shape_node_shape(struct shapes *shapes, struct shape_node *node);
int64_t shape_node_find(const struct shape_node *node, struct str key); // position among its keys, or -1

// The same at once, for whoever has all the names (strings); NULL as above, and where there are no shapes.
const struct shape *shapes_of_names(struct shapes *shapes, const struct value *names, uint32_t n);

// A private shape in an arena from n keys (strings, distinct); NULL: out of memory.
struct shape *shape_new_private(struct arena *arena, const struct value *keys, uint32_t n);

#endif
