// SPDX-License-Identifier: MIT
#include "stages/record/shape.h"

#include <pthread.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "stages/record/shape_node.h"
#include "stages/record/value.h"

/*
 * A tree of nodes, kept in one hash table by (parent, key). Readers walk the buckets without a lock: a node is
 * complete before it is put, with release, at the head of its bucket, and stays there.
 */
enum {
    NODES_LIMIT = 8 * SHAPES_LIMIT,
    BUCKETS = 4 * SHAPES_LIMIT, // a power of two
    LINEAR_KEYS = 8,            // up to here looking at the keys in turn is as fast as an index
};

struct shapes {
    struct shape_node root;
    pthread_mutex_t lock; // of all below but the heads of buckets, which are read without it
    struct arena arena;
    // Written with the lock, but looked at without it too: a full table must not make readers queue for nothing.
    _Atomic(uint32_t) nodes_n, shapes_n;
    _Atomic(struct shape_node *) buckets[BUCKETS];
};

static bool is_full(const _Atomic(uint32_t) *n, uint32_t limit) {
    return atomic_load_explicit(n, memory_order_relaxed) >= limit;
}

struct shapes *shapes_new(void) {
    struct shapes *shapes = MEM_NEW(struct shapes);
    arena_init(&shapes->arena, 0);
    pthread_mutex_init(&shapes->lock, NULL);
    shapes->root.member.text = "";
    shape_node_shape(shapes, &shapes->root); // so that {} is shared even when the table is full
    return shapes;
}

void shapes_free(struct shapes *shapes) {
    if (!shapes)
        return;
    arena_release(&shapes->arena);
    pthread_mutex_destroy(&shapes->lock);
    mem_free(shapes);
}

uint64_t shape_hash(struct str key) {
    return XXH3_64bits(key.p, key.n);
}

int64_t shape_find(const struct shape *shape, struct str key) {
    if (shape->mask) {
        for (uint32_t slot = (uint32_t)shape_hash(key) & shape->mask;; slot = (slot + 1) & shape->mask) {
            uint32_t at = shape->index[slot];
            if (at == 0)
                return -1;
            const struct value *k = &shape->keys[at - 1];
            if (k->tag == VALUE_STRING && str_equal(value_str(*k), key))
                return at - 1;
        }
    }
    for (uint32_t i = 0; i < shape->n; i++)
        if (shape->keys[i].tag == VALUE_STRING && str_equal(value_str(shape->keys[i]), key))
            return i;
    return -1;
}

static uint32_t index_size(uint32_t n) { // a power of two, at most half full
    uint32_t size = 16;
    while (size / 2 < n)
        size *= 2;
    return size;
}

static void fill_index(struct shape *shape) {
    for (uint32_t i = 0; i < shape->n; i++) {
        uint32_t slot = (uint32_t)shape_hash(value_str(shape->keys[i])) & shape->mask;
        while (shape->index[slot])
            slot = (slot + 1) & shape->mask;
        shape->index[slot] = i + 1;
    }
}

// A shape in one piece of the arena: itself, its index, and room for n keys where `keys` is NULL.
static struct shape *make_shape(struct arena *arena, const struct value *keys, uint32_t n) {
    if (n > UINT32_MAX / 8)
        return NULL;
    uint32_t size = n > LINEAR_KEYS ? index_size(n) : 0;
    size_t keys_size = keys ? 0 : n * sizeof(struct value);
    struct shape *shape = arena_alloc(arena, sizeof *shape + keys_size + size * sizeof(uint32_t));
    if (!shape)
        return NULL;
    struct value *own = (struct value *)(void *)(shape + 1);
    *shape = (struct shape){.n = n, .mask = size ? size - 1 : 0, .keys = keys ? keys : own};
    if (size) {
        shape->index = (uint32_t *)(void *)((char *)(shape + 1) + keys_size);
        memset(shape->index, 0, size * sizeof(uint32_t));
    }
    return shape;
}

struct shape *shape_new_private(struct arena *arena, const struct value *keys, uint32_t n) {
    struct shape *shape = make_shape(arena, keys, n);
    bool strings = true; // a template's map may have had other keys, which have no hash here
    for (uint32_t i = 0; i < n; i++)
        strings = strings && keys[i].tag == VALUE_STRING;
    if (shape && !strings)
        shape->mask = 0;
    if (shape && shape->mask)
        fill_index(shape);
    return shape;
}

struct shape_node *shapes_root(struct shapes *shapes) {
    return &shapes->root;
}

int64_t shape_node_find(const struct shape_node *node, struct str key) {
    for (; node->parent; node = node->parent)
        if (str_equal(node_key(node), key))
            return (int64_t)node->n - 1;
    return -1;
}

static _Atomic(struct shape_node *) *bucket_of(struct shapes *shapes, const struct shape_node *parent,
                                               struct str key) {
    uint64_t hash = shape_hash(key) ^ (uint64_t)(uintptr_t)parent * UINT64_C(0x9E3779B97F4A7C15);
    return &shapes->buckets[(hash ^ hash >> 32) & (BUCKETS - 1)];
}

static struct shape_node *find_child(_Atomic(struct shape_node *) *bucket, const struct shape_node *parent,
                                     struct str key) {
    struct shape_node *child = atomic_load_explicit(bucket, memory_order_acquire);
    while (child && (child->parent != parent || !str_equal(node_key(child), key)))
        child = child->next;
    return child;
}

// Whether the key stands in JSON text as it is.
static bool is_plain(struct str key) {
    for (size_t i = 0; i < key.n; i++)
        if ((unsigned char)key.p[i] < 0x20 || key.p[i] == '"' || key.p[i] == '\\')
            return false;
    return true;
}

bool member_make(struct arena *arena, struct str key, struct member *out) {
    char *text = arena_zero(arena, key.n + 3 + MEMBER_PAD);
    if (!text)
        return false;
    text[0] = '"';
    if (key.n)
        memcpy(text + 1, key.p, key.n);
    memcpy(text + 1 + key.n, "\":", 2);
    *out = (struct member){text, (uint32_t)key.n, is_plain(key) ? (uint32_t)key.n + 3 : 0};
    return true;
}

static struct shape_node *make_node(struct shapes *shapes, const struct shape_node *parent, struct str key) {
    struct shape_node *node = ARENA_NEW(&shapes->arena, struct shape_node);
    if (!node || !member_make(&shapes->arena, key, &node->member))
        return NULL;
    node->n = parent->n + 1;
    node->parent = parent;
    return node;
}

// With the lock held: somebody else may have added the child in the meantime.
static struct shape_node *add_child(struct shapes *shapes, _Atomic(struct shape_node *) *bucket,
                                    struct shape_node *parent, struct str key) {
    struct shape_node *child = find_child(bucket, parent, key);
    if (child || is_full(&shapes->nodes_n, NODES_LIMIT))
        return child;
    child = make_node(shapes, parent, key);
    if (!child)
        return NULL;
    atomic_fetch_add_explicit(&shapes->nodes_n, 1, memory_order_relaxed);
    child->next = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, child, memory_order_release);
    if (!atomic_load_explicit(&parent->guess, memory_order_relaxed))
        atomic_store_explicit(&parent->guess, child, memory_order_release);
    return child;
}

struct shape_node *shape_node_next(struct shapes *shapes, struct shape_node *node, struct str key) {
    _Atomic(struct shape_node *) *bucket = bucket_of(shapes, node, key);
    struct shape_node *child = find_child(bucket, node, key);
    if (child)
        return child;
    if (node->n >= SHAPE_SHARED_KEYS || is_full(&shapes->nodes_n, NODES_LIMIT) || key.n > UINT32_MAX - 3 ||
        shape_node_find(node, key) >= 0)
        return NULL;
    pthread_mutex_lock(&shapes->lock);
    child = add_child(shapes, bucket, node, key);
    pthread_mutex_unlock(&shapes->lock);
    return child;
}

static const struct shape *make_shared(struct shapes *shapes, const struct shape_node *node) {
    if (is_full(&shapes->shapes_n, SHAPES_LIMIT))
        return NULL;
    struct shape *shape = make_shape(&shapes->arena, NULL, node->n);
    if (!shape)
        return NULL;
    struct value *keys = (struct value *)(void *)(shape + 1);
    for (; node->parent; node = node->parent)
        keys[node->n - 1] = value_string(node_key(node));
    if (shape->mask)
        fill_index(shape);
    shape->shared = true;
    atomic_fetch_add_explicit(&shapes->shapes_n, 1, memory_order_relaxed);
    return shape;
}

const struct shape *shape_node_shape(struct shapes *shapes, struct shape_node *node) {
    const struct shape *shape = atomic_load_explicit(&node->shape, memory_order_acquire);
    if (shape || is_full(&shapes->shapes_n, SHAPES_LIMIT))
        return shape;
    pthread_mutex_lock(&shapes->lock);
    shape = atomic_load_explicit(&node->shape, memory_order_relaxed);
    if (!shape) {
        shape = make_shared(shapes, node);
        atomic_store_explicit(&node->shape, shape, memory_order_release);
    }
    pthread_mutex_unlock(&shapes->lock);
    return shape;
}

const struct shape *shapes_of_names(struct shapes *shapes, const struct value *names, uint32_t n) {
    struct shape_node *node = shapes ? shapes_root(shapes) : NULL;
    for (uint32_t i = 0; node && i < n; i++)
        node = shape_node_next(shapes, node, value_str(names[i]));
    return node ? shape_node_shape(shapes, node) : NULL;
}
