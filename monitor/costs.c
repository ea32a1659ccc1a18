// SPDX-License-Identifier: MIT
#include "monitor/costs.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"

enum { LINE_BUCKETS = 2 * COSTS_LINES, STACK_BUCKETS = 2 * COSTS_STACKS, TEXT_KEPT = 100 };
enum { STACKS_SPARE = 1024 }; // for stacks of one frame, to which those count that find no room

struct costs *costs_new(void) {
    struct costs *c = MEM_NEW(struct costs);
    arena_init(&c->arena, 0);
    c->line_buckets = MEM_NEW_ARRAY(uint32_t, LINE_BUCKETS);
    c->stack_buckets = MEM_NEW_ARRAY(uint32_t, STACK_BUCKETS);
    return c;
}

void costs_free(struct costs *c) {
    if (!c)
        return;
    arena_release(&c->arena);
    mem_free(c->lines);
    mem_free(c->stacks);
    mem_free(c->line_buckets);
    mem_free(c->stack_buckets);
    mem_free(c);
}

static struct str keep(struct costs *c, struct str text) {
    struct str kept = arena_str(&c->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

static struct str trimmed(struct str text) {
    while (text.n && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = str_from(text, 1);
    return text.n > TEXT_KEPT ? str_slice(text, 0, TEXT_KEPT) : text;
}

// NULL: there are too many.
static struct costs_line *find_line(struct costs *c, const struct costs_frame *frame, struct buf *key) {
    buf_clear(key);
    buf_printf(key, "%.*s:%u", STR_ARG(frame->name), (unsigned)frame->line);
    size_t at = digest_of(buf_str(key)).low & (LINE_BUCKETS - 1);
    for (; c->line_buckets[at]; at = (at + 1) & (LINE_BUCKETS - 1))
        if (str_equal(c->lines[c->line_buckets[at] - 1].key, buf_str(key)))
            return &c->lines[c->line_buckets[at] - 1];
    if (c->lines_n == COSTS_LINES)
        return NULL;
    MEM_GROW(c->lines, c->lines_cap, c->lines_n + 1);
    struct costs_line *line = &c->lines[c->lines_n++];
    *line = (struct costs_line){.key = keep(c, buf_str(key)),
                                .name = keep(c, frame->name),
                                .text = keep(c, trimmed(frame->text)),
                                .line = frame->line};
    c->line_buckets[at] = (uint32_t)c->lines_n;
    return line;
}

static void add_lines(struct costs *c, const struct costs_frame *frames, size_t n, uint64_t nanoseconds) {
    struct buf key = BUF_INIT;
    bool ended = false; // the line that the time was spent on is found
    for (size_t i = n; i > 0; i--) {
        if (!frames[i - 1].line)
            continue;
        struct costs_line *line = find_line(c, &frames[i - 1], &key);
        if (line && !ended)
            line->self += nanoseconds;
        if (line && line->seen != c->added)
            line->total += nanoseconds;
        if (line)
            line->seen = c->added;
        ended = true;
    }
    buf_release(&key);
}

// What a frame is called in a folded stack, in which semicolons, spaces at the end and line breaks have a meaning.
static void add_name(struct str name, struct buf *out) {
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        buf_add_char(out, c == ';' || c < ' ' || c == 127 ? '_' : (char)c);
    }
}

static void add_stack(struct costs *c, const struct costs_frame *frames, size_t n, uint64_t nanoseconds) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(&text, ';');
        add_name(frames[i].name, &text);
        if (frames[i].line)
            buf_printf(&text, ":%u", (unsigned)frames[i].line);
        if (frames[i].function.n) {
            buf_add_char(&text, ' ');
            add_name(frames[i].function, &text);
        }
    }
    size_t at = digest_of(buf_str(&text)).low & (STACK_BUCKETS - 1);
    while (c->stack_buckets[at] && !str_equal(c->stacks[c->stack_buckets[at] - 1].text, buf_str(&text)))
        at = (at + 1) & (STACK_BUCKETS - 1);
    if (c->stack_buckets[at]) {
        c->stacks[c->stack_buckets[at] - 1].nanoseconds += nanoseconds;
    } else if (c->stacks_n + (n > 1 ? STACKS_SPARE : 0) < COSTS_STACKS) {
        MEM_GROW(c->stacks, c->stacks_cap, c->stacks_n + 1);
        c->stacks[c->stacks_n++] = (struct costs_stack){keep(c, buf_str(&text)), nanoseconds};
        c->stack_buckets[at] = (uint32_t)c->stacks_n;
    } else if (n > 1) {
        add_stack(c, frames, n - 1, nanoseconds);
    }
    buf_release(&text);
}

void costs_add(struct costs *c, const struct costs_frame *frames, size_t n, uint64_t nanoseconds) {
    c->added++;
    c->nanoseconds += nanoseconds;
    add_lines(c, frames, n, nanoseconds);
    if (n)
        add_stack(c, frames, n, nanoseconds);
}

static int by_self(const void *a, const void *b) {
    const struct costs_line *x = a, *y = b;
    if (x->self != y->self)
        return x->self < y->self ? 1 : -1;
    if (x->total != y->total)
        return x->total < y->total ? 1 : -1;
    return str_compare(x->key, y->key);
}

static int by_text(const void *a, const void *b) {
    return str_compare(((const struct costs_stack *)a)->text, ((const struct costs_stack *)b)->text);
}

void costs_sort(struct costs *c) {
    if (c->lines_n)
        qsort(c->lines, c->lines_n, sizeof *c->lines, by_self);
    if (c->stacks_n)
        qsort(c->stacks, c->stacks_n, sizeof *c->stacks, by_text);
}

void costs_write_folded(const struct costs *c, struct buf *out) {
    for (size_t i = 0; i < c->stacks_n; i++) {
        uint64_t us = (c->stacks[i].nanoseconds + 500) / 1000;
        buf_add_str(out, c->stacks[i].text);
        buf_printf(out, " %llu\n", (unsigned long long)(us ? us : 1));
    }
}
