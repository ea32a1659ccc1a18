// SPDX-License-Identifier: MIT
#include "stages/record/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stages/record/reader_trail.h"
#include "stages/record/scan.h"
#include "stages/record/shape_node.h"

enum { KEEP_STACK = 64 << 10 };

/*
 * Members and elements are pushed on the reader's stack as they come, and copied to the arena in one piece
 * when their object or array ends. While an object's keys are known to the shapes, only its values are pushed;
 * once they are not (a key twice, too many keys, a full table) the object is private, and pairs of key and
 * value are.
 */
struct reading {
    struct scan scan;
    struct reader *r;
    struct shape_node *owner; // the key below which the next value stands; NULL: none, or a private one
    struct trail_step *below; // the same in the trail
    bool element;             // the next value is an array's, at whatever depth
    struct field_count fields;
};

// An object being read.
struct object_state {
    size_t base;              // of its values, or pairs, on the stack
    struct shape_node *node;  // its keys so far; NULL: private
    struct shape_node *owner; // the key it stands below, until its first key is known
    const struct projection *want;
    struct trail_step *step; // its keys so far in the trail; NULL: there is none
    bool keys;               // all of them are wanted
    uint32_t depth;
};

static const char *read_value(struct reading *in, const char *p, const struct projection *want,
                              uint32_t depth, struct value *out);

void reader_init(struct reader *r, struct shapes *shapes, const struct projection *projection) {
    *r = (struct reader){.shapes = shapes, .projection = projection, .max_depth = READER_MAX_DEPTH};
}

static void drop_stack(struct reader *r) {
    mem_free(r->stack);
    r->stack = NULL;
    r->stack_n = r->stack_cap = 0;
}

void reader_release(struct reader *r) {
    drop_stack(r);
    trail_free_all(r->trails);
    r->trails = NULL;
}

// The stack is as large as the record asks for, so a record may fail to get it, unlike bookkeeping.
static bool grow_stack(struct reading *in, size_t want) {
    struct reader *r = in->r;
    size_t cap = r->stack_cap ? r->stack_cap * 2 : 256;
    while (cap < want)
        cap *= 2;
    struct value *stack = realloc(r->stack, cap * sizeof *stack);
    if (!stack) {
        scan_memory(&in->scan);
        return false;
    }
    r->stack = stack;
    r->stack_cap = cap;
    return true;
}

static inline bool push(struct reading *in, struct value v) {
    struct reader *r = in->r;
    if (__builtin_expect(r->stack_n == r->stack_cap, 0) && !grow_stack(in, r->stack_n + 1))
        return false;
    r->stack[r->stack_n++] = v;
    return true;
}

static size_t mark_open(struct reader *r, const struct reader_mark *mark) {
    struct reader_marks *m = r->marks;
    MEM_GROW(m->marks, m->cap, m->n + 1);
    m->marks[m->n] = *mark;
    return m->n++;
}

// A value and, where marks are wanted, its place. `mark` holds what is known of the key.
static const char *read_marked(struct reading *in, const char *p, const struct projection *want,
                               uint32_t depth, struct value *out, struct reader_mark mark) {
    p = scan_space(&in->scan, p);
    mark.at = (uint32_t)(p - in->scan.begin);
    size_t i = mark_open(in->r, &mark);
    p = read_value(in, p, want, depth, out);
    if (p)
        in->r->marks->marks[i].n = (uint32_t)(p - in->scan.begin) - mark.at;
    return p;
}

static bool has_key(const struct reading *in, const struct object_state *object, struct str key) {
    if (object->node)
        return shape_node_find(object->node, key) >= 0;
    for (size_t i = object->base; i < in->r->stack_n; i += 2)
        if (str_equal(value_str(in->r->stack[i]), key))
            return true;
    return false;
}

// From values to pairs: each value moves up and its key goes below it, last first.
static bool make_private(struct reading *in, struct object_state *object) {
    struct reader *r = in->r;
    const struct shape_node *node = object->node;
    size_t n = r->stack_n - object->base;
    if (r->stack_cap - r->stack_n < n && !grow_stack(in, r->stack_n + n))
        return false;
    for (size_t i = n; i-- > 0; node = node->parent) {
        r->stack[object->base + 2 * i + 1] = r->stack[object->base + i];
        r->stack[object->base + 2 * i] = value_string(node_key(node));
    }
    r->stack_n += n;
    object->node = NULL;
    return true;
}

// Where key `i` of the pairs goes among the first `n` that are kept: its own place there, or n. Linear for few,
// by `index` (of mask + 1 slots, position + 1) for more.
static size_t place_of(const struct value *pairs, size_t i, size_t n, uint32_t *index, size_t mask) {
    struct str key = value_str(pairs[2 * i]);
    if (!index) {
        for (size_t k = 0; k < n; k++)
            if (str_equal(value_str(pairs[2 * k]), key))
                return k;
        return n;
    }
    size_t slot = shape_hash(key) & mask;
    for (; index[slot]; slot = (slot + 1) & mask)
        if (str_equal(value_str(pairs[2 * (index[slot] - 1)]), key))
            return index[slot] - 1;
    index[slot] = (uint32_t)n + 1;
    return n;
}

// Drops repeated keys, the last value standing at the first one's place; *n becomes how many are left.
static bool drop_repeated(struct reading *in, struct value *pairs, size_t *n) {
    struct arena_mark mark = arena_mark(in->scan.arena);
    uint32_t *index = NULL;
    size_t mask = 31, kept = 0;
    if (*n > 8) {
        while (mask < 2 * *n)
            mask = 2 * mask + 1;
        index = arena_zero(in->scan.arena, (mask + 1) * sizeof *index);
        if (!index)
            return false;
    }
    for (size_t i = 0; i < *n; i++) {
        size_t to = place_of(pairs, i, kept, index, mask);
        if (to == kept) {
            pairs[2 * kept] = pairs[2 * i];
            kept++;
        }
        pairs[2 * to + 1] = pairs[2 * i + 1];
    }
    *n = kept;
    arena_rewind(in->scan.arena, mark);
    return true;
}

static struct map *make_private_map(struct reading *in, const struct object_state *object) {
    struct arena *arena = in->scan.arena;
    struct value *pairs = in->r->stack + object->base;
    struct arena_asked asked = arena_asked(arena);
    size_t n = (in->r->stack_n - object->base) / 2;
    if (!drop_repeated(in, pairs, &n))
        return NULL;
    struct value *keys = arena_alloc(arena, n * sizeof *keys);
    struct shape *shape = NULL;
    if (keys) {
        for (size_t i = 0; i < n; i++)
            keys[i] = pairs[2 * i];
        shape = shape_new_private(arena, keys, (uint32_t)n);
    }
    arena_uncount(arena, asked); // another order of records might have found the keys in a shape
    struct map *map = shape ? map_new(arena, shape) : NULL;
    for (size_t i = 0; map && i < n; i++)
        map->values[i] = pairs[2 * i + 1];
    return map;
}

static const char *end_object(struct reading *in, struct object_state *object, const char *p,
                              struct value *out) {
    struct reader *r = in->r;
    const struct shape *shape = object->node ? shape_node_shape(r->shapes, object->node) : NULL;
    struct map *map;
    if (shape) {
        map = map_new(in->scan.arena, shape);
        if (map && shape->n)
            memcpy(map->values, r->stack + object->base, shape->n * sizeof(struct value));
        in->fields.parsed += shape->n;
    } else {
        if (object->node && !make_private(in, object))
            return NULL;
        in->fields.parsed += (r->stack_n - object->base) / 2;
        map = make_private_map(in, object);
    }
    r->stack_n = object->base;
    if (!map)
        return scan_memory(&in->scan);
    *out = value_map(map);
    return p;
}

// Whether the text goes on with this member, as it is mostly written.
static inline bool is_member(const char *p, const char *end, const struct member *member) {
    uint32_t n = member->n;
    if (__builtin_expect(end - p < 16, 0) || n > 16)
        return n && (size_t)(end - p) >= n && memcmp(p, member->text, n) == 0;
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p),
                                  _mm_loadu_si128((const __m128i *)(const void *)member->text));
    unsigned wanted = (1u << n) - 1;
    return n && ((unsigned)_mm_movemask_epi8(same) & wanted) == wanted;
}

// The member's value, now that its key is read, and its key into the object's keys.
static const char *read_member(struct reading *in, struct object_state *object, const char *p, struct str key,
                               struct shape_node *child, struct reader_mark mark) {
    struct trail_step *step = object->step;
    const struct projection *want = step           ? step->want
                                    : object->want ? projection_find(object->want, key)
                                                   : NULL;
    bool unread = object->want && !want;
    if (unread) {
        in->fields.skipped++;
        if (!object->keys)
            return scan_skip(&in->scan, p, object->depth);
        in->fields.parsed--; // that the object's end will count, since it has none as its value
    }
    if (in->r->marks)
        mark.duplicate = has_key(in, object, key);
    if (object->node && !child)
        child = shape_node_next(in->r->shapes, object->node, key);
    if (object->node && !child && !make_private(in, object))
        return NULL;
    if (object->owner && child)
        node_learn_inside(object->owner, child);
    object->owner = NULL;
    object->node = child;
    in->owner = child;
    in->below = step;
    if (step)
        step->child = child;
    if (!child && !push(in, value_string(key)))
        return NULL;
    struct value v = value_none();
    p = unread         ? scan_skip(&in->scan, p, object->depth)
        : in->r->marks ? read_marked(in, p, want, object->depth, &v, mark)
                       : read_value(in, p, want, object->depth, &v);
    return p && push(in, v) ? p : NULL;
}

// What a mark says of a key that begins at `at`; p is behind the ':'.
static struct reader_mark mark_of_key(const struct scan *s, const char *at, const char *p) {
    while (p[-1] != '"')
        p--;
    return (struct reader_mark){.key_at = (uint32_t)(at - s->begin), .key_n = (uint32_t)(p - at)};
}

static const char *read_object(struct reading *in, const char *p, const struct projection *want,
                               uint32_t depth, struct value *out) {
    struct scan *s = &in->scan;
    struct shape_node *root = shapes_root(in->r->shapes);
    struct object_state object = {
        .base = in->r->stack_n, .node = root, .owner = in->owner, .want = want, .depth = depth + 1};
    if (want && in->below)
        object.step = trail_inside(in->r->trails, in->below);
    object.keys = want && (in->element ? want->element_keys : want->keys);
    in->element = false;
    struct shape_node *child = node_guess_inside(object.owner, root);
    p = scan_space(s, p + 1);
    if (p < s->end && *p == '}')
        return end_object(in, &object, p + 1, out);
    for (;;) {
        const char *at = p;
        struct str key;
        struct trail_step *step = object.step ? object.step->guess : NULL;
        const struct member *likely = step ? &step->member : child && !object.step ? &child->member : NULL;
        if (likely && is_member(p, s->end, likely)) {
            key = member_key(likely);
            p += likely->n;
        } else {
            step = NULL;
            child = NULL;
            p = scan_key(s, p, &key);
            if (!p)
                return NULL;
        }
        if (object.step) {
            object.step = step ? step : trail_follow(in->r->trails, object.step, key, want);
            child = object.step ? object.step->child : NULL;
            if (child && child->parent != object.node)
                child = NULL;
        }
        p = read_member(in, &object, p, key, child,
                        in->r->marks ? mark_of_key(s, at, p) : (struct reader_mark){0});
        if (!p)
            return NULL;
        p = scan_space(s, p);
        if (p < s->end && *p == '}')
            return end_object(in, &object, p + 1, out);
        if (p == s->end || *p != ',')
            return scan_fail(s, p, "expected ',' or '}' after the value");
        p = scan_space(s, p + 1);
        child = object.node ? node_guess(object.node) : NULL;
    }
}

static const char *end_array(struct reading *in, size_t base, const char *p, struct value *out) {
    struct reader *r = in->r;
    size_t n = r->stack_n - base;
    struct list *list = list_new(in->scan.arena, (uint32_t)n);
    if (!list)
        return scan_memory(&in->scan);
    if (n)
        memcpy(list->items, r->stack + base, n * sizeof(struct value));
    r->stack_n = base;
    in->element = false;
    *out = value_list(list);
    return p;
}

static const char *read_array(struct reading *in, const char *p, const struct projection *want,
                              uint32_t depth, struct value *out) {
    struct scan *s = &in->scan;
    size_t base = in->r->stack_n;
    struct shape_node *owner = in->owner;
    struct trail_step *below = in->below;
    p = scan_space(s, p + 1);
    if (p < s->end && *p == ']')
        return end_array(in, base, p + 1, out);
    for (;;) {
        struct value v;
        in->owner = owner;
        in->below = below;
        in->element = true;
        p = in->r->marks ? read_marked(in, p, want, depth + 1, &v, (struct reader_mark){0})
                         : read_value(in, p, want, depth + 1, &v);
        if (!p || !push(in, v))
            return NULL;
        p = scan_space(s, p);
        if (p < s->end && *p == ']')
            return end_array(in, base, p + 1, out);
        if (p == s->end || *p != ',')
            return scan_fail(s, p, "expected ',' or ']' after the value");
        p++;
    }
}

// Calls itself through objects and arrays, at most max_depth deep. `want` applies to what is inside.
static const char *read_value(struct reading *in, const char *p, const struct projection *want,
                              uint32_t depth, struct value *out) {
    struct scan *s = &in->scan;
    p = scan_space(s, p);
    if (p == s->end)
        return scan_literal(s, p, out);
    if (*p == '"') {
        struct str text;
        p = scan_string(s, p + 1, &text);
        *out = value_string(text);
        return p;
    }
    if (*p == '{' || *p == '[') {
        if (depth >= s->max_depth)
            return scan_fail(s, p, "nested too deeply");
        if (want && want->whole)
            want = NULL;
        return *p == '{' ? read_object(in, p, want, depth, out) : read_array(in, p, want, depth, out);
    }
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return scan_number(s, p, out);
    return scan_literal(s, p, out);
}

static const char *read_document(struct reading *in, struct str text, struct value *out) {
    struct scan *s = &in->scan;
    const struct projection *want = in->r->projection;
    if (text.n > UINT32_MAX)
        return scan_fail(s, text.p, "a text of 4 GiB or more");
    const char *p = in->r->marks ? read_marked(in, text.p, want, 0, out, (struct reader_mark){0})
                                 : read_value(in, text.p, want, 0, out);
    if (!p)
        return NULL;
    p = scan_space(s, p);
    return p == s->end ? p : scan_fail(s, p, "expected nothing more after the value");
}

enum status reader_parse(struct reader *r, struct str text, struct arena *arena, struct value *out) {
    if (!text.n)
        text.p = "";
    struct reading in = {
        .scan = {.begin = text.p, .end = text.p + text.n, .arena = arena, .max_depth = r->max_depth},
        .r = r,
    };
    if (r->projection && (*text.p == '{' || *text.p == '['))
        in.below = trail_of(&r->trails, r->projection)->root;
    r->stack_n = 0;
    bool ok = read_document(&in, text, out) != NULL;
    r->fields.parsed += in.fields.parsed;
    r->fields.skipped += in.fields.skipped;
    if (!ok) {
        *out = value_missing();
        r->fault = in.scan.fault;
        r->fault_at = in.scan.fault_at;
    }
    if (r->stack_cap > KEEP_STACK) // a huge record's room is not kept for the small ones after it
        drop_stack(r);
    return ok ? STATUS_OK : in.scan.status;
}
