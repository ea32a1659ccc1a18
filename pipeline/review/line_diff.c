// SPDX-License-Identifier: MIT
#include "pipeline/review/line_diff.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

// Lines ----------------------------------------------------------------------------------------------------------

static void split(struct line_side *side, struct str text) {
    side->n = 0;
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
        MEM_GROW(side->lines, side->lines_cap, side->n + 1);
        MEM_GROW(side->hashes, side->hashes_cap, side->n + 1);
        side->lines[side->n] = (struct str){text.p, n};
        side->hashes[side->n] = digest_of(side->lines[side->n]).low;
        side->n++;
        text = str_from(text, n);
    }
}

static bool same(const struct line_diff *d, size_t old, size_t fresh) {
    return d->old.hashes[old] == d->fresh.hashes[fresh] &&
           str_equal(d->old.lines[old], d->fresh.lines[fresh]);
}

static void add_block(struct line_diff *d, struct line_block block) {
    if (block.old_n + block.new_n == 0)
        return;
    d->removed += block.old_n;
    d->added += block.new_n;
    struct line_block *last = d->n ? &d->blocks[d->n - 1] : NULL;
    if (last && last->old_at + last->old_n == block.old_at && last->new_at + last->new_n == block.new_at) {
        last->old_n += block.old_n;
        last->new_n += block.new_n;
        return;
    }
    MEM_GROW(d->blocks, d->cap, d->n + 1);
    d->blocks[d->n++] = block;
}

// The search -----------------------------------------------------------------------------------------------------

// What is between the common beginning and the common end.
struct middle {
    size_t at, old_n, new_n;
};

// Furthest old line reached on diagonal k with d edits; round d has 2d + 1 diagonals, from -d on.
static int32_t *reached(const struct line_diff *d, long edits, long k) {
    return &d->trace[edits * edits + edits + k];
}

static long start_of(const struct line_diff *d, long edits, long k, bool *down) {
    if (edits == 0) {
        *down = false;
        return 0;
    }
    long from_above = k < edits - 1 ? *reached(d, edits - 1, k + 1) : -1;
    long from_left = k > 1 - edits ? *reached(d, edits - 1, k - 1) + 1 : -1;
    *down = from_above >= from_left;
    return *down ? from_above : from_left;
}

// The number of edits by which the ends are reached; -1: more than the bound.
static long search(struct line_diff *d, struct middle m) {
    long old_n = (long)m.old_n, new_n = (long)m.new_n;
    for (long edits = 0; edits <= LINE_DIFF_MOST && edits <= old_n + new_n; edits++) {
        MEM_GROW(d->trace, d->trace_cap, (size_t)((edits + 1) * (edits + 1)));
        for (long k = -edits; k <= edits; k += 2) {
            bool down;
            long x = start_of(d, edits, k, &down), y = x - k;
            if (x < 0 || x > old_n || y < 0 || y > new_n) {
                *reached(d, edits, k) =
                    -1 - (1 << 30); // out of bounds, and so are its neighbours' next steps
                continue;
            }
            while (x < old_n && y < new_n && same(d, m.at + (size_t)x, m.at + (size_t)y)) {
                x++;
                y++;
            }
            *reached(d, edits, k) = (int32_t)x;
            if (x >= old_n && y >= new_n)
                return edits;
        }
    }
    return -1;
}

struct step {
    bool down; // a new line came; else an old one went
    size_t x, y;
};

// Back from the end, then forward again: blocks in order.
static void trace_back(struct line_diff *d, struct middle m, long edits) {
    struct step *steps = MEM_NEW_ARRAY(struct step, edits + 1);
    long k = (long)m.old_n - (long)m.new_n;
    for (long e = edits; e > 0; e--) {
        bool down;
        long x = start_of(d, e, k, &down);
        steps[e - 1] = (struct step){down, (size_t)(down ? x : x - 1), (size_t)(down ? x - k - 1 : x - k)};
        k += down ? 1 : -1;
    }
    for (long e = 0; e < edits; e++)
        add_block(d, (struct line_block){.old_at = m.at + steps[e].x,
                                         .old_n = !steps[e].down,
                                         .new_at = m.at + steps[e].y,
                                         .new_n = steps[e].down});
    mem_free(steps);
}

static void line_by_line(struct line_diff *d, struct middle m) {
    for (size_t i = 0; i < m.old_n; i++)
        if (!same(d, m.at + i, m.at + i))
            add_block(d, (struct line_block){m.at + i, 1, m.at + i, 1});
}

void line_diff(struct line_diff *d, struct str old, struct str fresh) {
    d->n = d->removed = d->added = 0;
    d->coarse = false;
    split(&d->old, old);
    split(&d->fresh, fresh);
    struct middle m = {.at = 0};
    size_t shorter = d->old.n < d->fresh.n ? d->old.n : d->fresh.n, tail = 0;
    while (m.at < shorter && same(d, m.at, m.at))
        m.at++;
    while (tail < shorter - m.at && same(d, d->old.n - 1 - tail, d->fresh.n - 1 - tail))
        tail++;
    m.old_n = d->old.n - m.at - tail;
    m.new_n = d->fresh.n - m.at - tail;
    long edits = m.old_n && m.new_n ? search(d, m) : -1;
    if (edits >= 0)
        trace_back(d, m, edits);
    else if (m.old_n && m.new_n && m.old_n == m.new_n)
        line_by_line(d, m);
    else
        add_block(d, (struct line_block){m.at, m.old_n, m.at, m.new_n});
    d->coarse = edits < 0 && m.old_n && m.new_n;
}

static void release_side(struct line_side *side) {
    mem_free(side->lines);
    mem_free(side->hashes);
    *side = (struct line_side){.n = 0};
}

void line_diff_release(struct line_diff *d) {
    release_side(&d->old);
    release_side(&d->fresh);
    mem_free(d->blocks);
    mem_free(d->trace);
    *d = (struct line_diff){.n = 0};
}

// Unified text ---------------------------------------------------------------------------------------------------

struct writing {
    const struct line_diff *d;
    const struct line_colours *colours;
    size_t left; // lines that may still be written
    struct buf *out;
};

// Control characters but the tab as \xNN: what records hold is not for the terminal to act on.
static void add_visible(struct buf *out, struct str line) {
    size_t from = 0;
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        bool c1 = c == 0xC2 && i + 1 < line.n && (unsigned char)line.p[i + 1] < 0xA0;
        if ((c >= 0x20 && c != 0x7F && !c1) || c == '\t')
            continue;
        buf_add(out, line.p + from, i - from);
        buf_printf(out, "\\x%02x", c);
        if (c1)
            buf_printf(out, "\\x%02x", (unsigned char)line.p[++i]);
        from = i + 1;
    }
    buf_add(out, line.p + from, line.n - from);
}

static bool write_line(struct writing *w, char mark, const char *colour, struct str line) {
    if (w->left == 0)
        return false;
    w->left--;
    bool ended = str_ends(line, STR("\n"));
    buf_add_text(w->out, colour);
    buf_add_char(w->out, mark);
    add_visible(w->out, str_slice(line, 0, line.n - ended));
    buf_add_text(w->out, *colour ? w->colours->end : "");
    buf_add_text(w->out, ended ? "\n" : "\n\\ no line end\n");
    return true;
}

static bool write_lines(struct writing *w, char mark, const char *colour, const struct line_side *side,
                        size_t from, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!write_line(w, mark, colour, side->lines[from + i]))
            return false;
    return true;
}

// Blocks first..last-1 with what is around and between them.
static bool write_hunk(struct writing *w, size_t first, size_t last) {
    const struct line_diff *d = w->d;
    const struct line_block *a = &d->blocks[first], *z = &d->blocks[last - 1];
    size_t lead = a->old_at < LINE_DIFF_CONTEXT ? a->old_at : LINE_DIFF_CONTEXT;
    size_t rest = d->old.n - z->old_at - z->old_n, tail = rest < LINE_DIFF_CONTEXT ? rest : LINE_DIFF_CONTEXT;
    size_t old_at = a->old_at - lead, new_at = a->new_at - lead;
    size_t old_n = z->old_at + z->old_n + tail - old_at, new_n = z->new_at + z->new_n + tail - new_at;
    buf_printf(w->out, "%s@@ -%zu,%zu +%zu,%zu @@%s\n", w->colours->hunk, old_n ? old_at + 1 : old_at, old_n,
               new_n ? new_at + 1 : new_at, new_n, w->colours->end);
    for (size_t i = first; i < last; i++) {
        const struct line_block *b = &d->blocks[i];
        if (!write_lines(w, ' ', "", &d->old, old_at, b->old_at - old_at) ||
            !write_lines(w, '-', w->colours->removed, &d->old, b->old_at, b->old_n) ||
            !write_lines(w, '+', w->colours->added, &d->fresh, b->new_at, b->new_n))
            return false;
        old_at = b->old_at + b->old_n;
    }
    return write_lines(w, ' ', "", &d->old, old_at, tail);
}

bool line_diff_write(const struct line_diff *d, size_t lines_most, const struct line_colours *colours,
                     struct buf *out) {
    struct writing w = {.d = d, .colours = colours, .left = lines_most ? lines_most : SIZE_MAX, .out = out};
    for (size_t first = 0, last; first < d->n; first = last) {
        for (last = first + 1; last < d->n; last++) {
            const struct line_block *before = &d->blocks[last - 1];
            if (d->blocks[last].old_at - before->old_at - before->old_n > 2 * (size_t)LINE_DIFF_CONTEXT)
                break;
        }
        if (!write_hunk(&w, first, last))
            return false;
    }
    return true;
}
