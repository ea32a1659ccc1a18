// SPDX-License-Identifier: MIT
#include "stages/render/text.h"

#include "base/utf8.h"
#include "stages/render/escape.h"

void text_init(struct text *t, struct arena *arena, size_t expected) {
    *t = (struct text){.arena = arena};
    if (expected)
        text_grow(t, expected);
}

bool text_grow(struct text *t, size_t more) {
    size_t want = t->n + more;
    if (t->full || want < more || want > UINT32_MAX) {
        t->full = true;
        return false;
    }
    if (want <= t->cap)
        return true;
    size_t cap = t->cap < 32 ? 64 : t->cap * 2;
    cap = ((cap < want ? want : cap) + 15) & ~(size_t)15;
    char *p = arena_extend(t->arena, t->p, t->cap, cap, t->n);
    if (!p) {
        t->full = true;
        return false;
    }
    t->p = p;
    t->cap = cap;
    return true;
}

void text_add_point(struct text *t, uint32_t point) {
    char bytes[4];
    text_add(t, bytes, utf8_encode(point, bytes));
}

void text_fill(struct text *t, struct str unit, size_t times) {
    if (unit.n == 0 || times == 0)
        return;
    if (times > UINT32_MAX / unit.n) {
        t->full = true;
        return;
    }
    if (!text_grow(t, unit.n * times))
        return;
    if (unit.n == 1) {
        memset(t->p + t->n, unit.p[0], times);
    } else {
        for (size_t i = 0; i < times; i++)
            memcpy(t->p + t->n + i * unit.n, unit.p, unit.n);
    }
    t->n += unit.n * times;
}

void text_add_escaped(struct text *t, struct str s) {
    size_t more = escape_growth(s);
    if (!text_grow(t, s.n + more))
        return;
    if (more == 0)
        text_add_str(t, s);
    else
        t->n += escape_copy(s, t->p + t->n);
}

bool text_finish_str(struct text *t, struct call *call, struct str *out) {
    if (t->full)
        return call_no_memory(call);
    arena_shrink(t->arena, t->p, t->cap, (t->n + 15) & ~(size_t)15); // what was reserved ahead
    *out = t->n ? (struct str){t->p, t->n} : STR("");
    return true;
}

bool text_finish(struct text *t, struct call *call, bool safe) {
    struct str s;
    if (!text_finish_str(t, call, &s))
        return false;
    call->result = safe ? value_safe(s) : value_string(s);
    return true;
}
