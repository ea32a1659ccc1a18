// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_TEXT_H
#define PRESSRUN_STAGES_RENDER_TEXT_H
/*
 * A text that grows in an arena: how the library builds strings that become values. Nothing is checked while it
 * grows; running out of memory is remembered and reported once, by text_finish, as the item's memory limit.
 *
 * The last allocation of an arena grows in place, so a text that is built while nothing else is allocated is
 * not copied. Texts stay below 4 GiB, as strings must.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/program/library.h"

struct text {
    struct arena *arena;
    char *p;
    size_t n, cap;
    bool full; // out of memory: what came after is lost
};

void text_init(struct text *t, struct arena *arena, size_t expected);
bool text_grow(struct text *t, size_t more); // room for `more` bytes after n; false: full

static inline void text_add(struct text *t, const char *p, size_t n) {
    if (t->cap - t->n < n && !text_grow(t, n))
        return;
    if (n)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}
static inline void text_add_str(struct text *t, struct str s) {
    text_add(t, s.p, s.n);
}
static inline void text_add_char(struct text *t, char c) {
    text_add(t, &c, 1);
}
void text_add_point(struct text *t, uint32_t point);
void text_fill(struct text *t, struct str unit, size_t times);
void text_add_escaped(struct text *t, struct str s); // as print_escaped does

// The text as the call's result: a string, safe markup where `safe`. False: call_no_memory.
bool text_finish(struct text *t, struct call *call, bool safe);
bool text_finish_str(struct text *t, struct call *call, struct str *out);

#endif
