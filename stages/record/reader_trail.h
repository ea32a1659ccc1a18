// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_READER_TRAIL_H
#define PRESSRUN_STAGES_RECORD_READER_TRAIL_H
/*
 * What a reader with a projection remembers of the records it has read: which key followed which, skipped ones included,
 * and what is wanted of each. Records are mostly alike, so the next member is known by one compare of its text, and no
 * key is looked up in the projection twice.
 *
 * A step stands for "these keys in this order", as a shape's node does, but for all keys of the text. Steps of an object
 * that stands below a key begin at that key's `inside`. There are at most TRAIL_STEPS of them, and TRAIL_FOLLOWERS after
 * one: mappings whose keys are data have no trail beyond that.
 *
 * For reader.c only. Owned by the reader, which is one thread's.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/record/projection.h"
#include "stages/record/shape_node.h"

enum { TRAIL_STEPS = 4096, TRAIL_FOLLOWERS = 32 };

struct trail_step {
    struct member member;
    const struct projection *want; // of the key; NULL: it is not wanted
    struct shape_node *child;      // of the object's keys up to this one; NULL: not known, or none
    struct trail_step *guess;      // what followed last
    struct trail_step *followers, *next;
    struct trail_step *inside; // where an object below this key begins
    uint32_t followers_n;
};

struct trail {
    struct arena arena;
    const struct projection *projection; // that it is about
    struct trail_step *root;             // below which a record stands
    struct trail *older;
    uint32_t steps;
};

// The trail of a projection among a reader's, made where there is none; the one used last is the first.
struct trail *trail_of(struct trail **trails, const struct projection *projection);
void trail_free_all(struct trail *trails);
struct trail_step *trail_inside(struct trail *trail, struct trail_step *step); // NULL: there is no room
// The step after `step` by a key; `within` is what is wanted of the object. NULL: there is no room.
struct trail_step *trail_follow(struct trail *trail, struct trail_step *step, struct str key,
                                const struct projection *within);

#endif
