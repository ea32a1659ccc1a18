// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_SHAPE_NODE_H
#define PRESSRUN_STAGES_RECORD_SHAPE_NODE_H
/*
 * What shape.c and the reader share about shape nodes, so that the reader can compare its input with the key
 * it expects without a call. For these two files only.
 *
 * A node stands for "these keys, in this order"; its children each add one key. Nodes are never changed once
 * published, but for the atomics, and never freed before the shapes are.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"
#include "stages/record/shape.h"

enum { MEMBER_PAD = 16 };

// A key as it opens a member in JSON text.
struct member {
    const char *text; // "\"key\":", and then MEMBER_PAD readable bytes
    uint32_t key_n;
    uint32_t n; // key_n + 3; 0: the key needs escapes in JSON, so its text cannot be compared
};

bool member_make(struct arena *arena, struct str key, struct member *out); // false: out of memory
static inline struct str member_key(const struct member *member) {
    return (struct str){member->text + 1, member->key_n};
}

struct shape_node {
    _Atomic(struct shape_node *) guess;  // the first child that was ever added: data mostly repeat
    _Atomic(struct shape_node *) inside; // the first child of the root that began an object below this key
    _Atomic(const struct shape *) shape; // made when an object first ends here
    struct member member;
    uint32_t n; // keys
    const struct shape_node *parent;
    struct shape_node *next; // in its bucket
};

static inline struct shape_node *node_guess(const struct shape_node *node) {
    return atomic_load_explicit(&((struct shape_node *)(uintptr_t)node)->guess, memory_order_acquire);
}

// How an object below this key (or, without one, any object) most likely begins; NULL: not known yet.
static inline struct shape_node *node_guess_inside(struct shape_node *owner, const struct shape_node *root) {
    return owner ? atomic_load_explicit(&owner->inside, memory_order_acquire) : node_guess(root);
}

static inline void node_learn_inside(struct shape_node *owner, struct shape_node *child) {
    if (!atomic_load_explicit(&owner->inside, memory_order_relaxed))
        atomic_store_explicit(&owner->inside, child, memory_order_release);
}

static inline struct str node_key(const struct shape_node *node) {
    return member_key(&node->member);
}

#endif
