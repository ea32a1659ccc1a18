// SPDX-License-Identifier: MIT
#include "stages/load/files/outline.h"

#include <emmintrin.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { BLOCK_BYTES = 64 << 10 };

void outline_init(struct outline *o) {
    *o = (struct outline){.block = mem_alloc(BLOCK_BYTES), .line = 1, .column = 1};
}

void outline_release(struct outline *o) {
    mem_free(o->block);
    o->block = NULL;
}

void outline_begin(struct outline *o, const struct loader *loader, struct err *err) {
    o->input = loader->input;
    o->name = loader->name;
    o->err = err;
    err->status = STATUS_OK;
}

int outline_peek(struct outline *o) {
    if (o->at == o->n && !o->ended) {
        o->at = o->n = 0;
        if (input_read(o->input, o->block, BLOCK_BYTES, &o->n, o->err) != STATUS_OK)
            o->n = 0;
        o->ended = o->n == 0;
    }
    return o->at < o->n ? (unsigned char)o->block[o->at] : -1;
}

// Counts the next n bytes of the block and takes them.
static void pass(struct outline *o, size_t n) {
    const char *p = o->block + o->at, *end = p + n;
    o->at += n;
    o->byte += n;
    for (const char *newline; (newline = memchr(p, '\n', (size_t)(end - p)));) {
        o->line++;
        o->column = 1;
        p = newline + 1;
    }
    o->column += utf8_length((struct str){p, (size_t)(end - p)});
}

int outline_take(struct outline *o) {
    int c = outline_peek(o);
    if (c >= 0)
        pass(o, 1);
    return c;
}

int outline_peek_token(struct outline *o) {
    int c;
    while ((c = outline_peek(o)) == ' ' || c == '\t' || c == '\n' || c == '\r') {
        size_t n = 1;
        while (o->at + n < o->n && (o->block[o->at + n] == ' ' || o->block[o->at + n] == '\n'))
            n++;
        pass(o, n);
    }
    return c;
}

static enum status broken(struct outline *o, const char *expected, const char *found) {
    return err_set(o->err, STATUS_DATA, "%.*s:%llu:%llu: expected %s, %s", STR_ARG(o->name),
                   (unsigned long long)o->line, (unsigned long long)o->column, expected, found);
}

enum status outline_broken(struct outline *o, const char *expected) {
    int c = outline_peek(o);
    if (o->err->status != STATUS_OK)
        return o->err->status;
    if (c < 0)
        return broken(o, expected, "but the document ends here");
    char found[] = "found 'x'";
    if (c < 0x20 || c >= 0x7F)
        return broken(o, expected, "found something else");
    found[7] = (char)c;
    return broken(o, expected, found);
}

static void copy_bytes(struct outline_copy *copy, const char *p, size_t n) {
    if (!copy->batch || copy->too_long)
        return;
    if (copy->batch->bytes_n - copy->from + n > copy->limit) {
        copy->too_long = true;
        copy->batch->bytes_n = copy->from;
        return;
    }
    loader_reserve(copy->batch, copy->batch->bytes_n + n);
    memcpy(copy->batch->bytes + copy->batch->bytes_n, p, n);
    copy->batch->bytes_n += n;
}

// The walk through one value, kept between blocks.
struct walk {
    unsigned char objects[OUTLINE_NESTING / 8]; // one bit a level: 1 an object, 0 an array
    size_t depth;
    bool in_string, escaped, mismatched;
};

static void take_bracket(struct walk *w, char c) {
    bool object = c == '{' || c == '}';
    if (c == '}' || c == ']') {
        w->depth--;
        if (w->depth < OUTLINE_NESTING && (w->objects[w->depth / 8] >> (w->depth % 8) & 1) != object)
            w->mismatched = true;
        return;
    }
    if (w->depth < OUTLINE_NESTING) {
        unsigned char bit = (unsigned char)(1u << (w->depth % 8)), *byte = &w->objects[w->depth / 8];
        *byte = object ? *byte | bit : *byte & (unsigned char)~bit;
    }
    w->depth++;
}

// What stands in 64 bytes, one bit each.
struct marks {
    uint64_t quotes, backslashes, brackets;
};

static struct marks find_marks(const char *p) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}'), bit = _mm_set1_epi8(0x20);
    struct marks m = {.quotes = 0};
    for (int i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i folded = _mm_or_si128(v, bit); // makes braces of brackets
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close));
        m.quotes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << i;
        m.backslashes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, backslash)) << i;
        m.brackets |= (uint64_t)(unsigned)_mm_movemask_epi8(found) << i;
    }
    return m;
}

// The bytes that a backslash takes with it; *carry: whether one before the block took its first byte, and then
// whether its last byte takes the next block's first.
static uint64_t find_escaped(uint64_t backslashes, bool *carry) {
    uint64_t escaped = *carry;
    backslashes &= ~escaped;
    *carry = false;
    while (backslashes) {
        uint64_t first = backslashes & (0 - backslashes);
        escaped |= first << 1;
        *carry = first >> 63;
        backslashes &= ~(first | first << 1);
    }
    return escaped;
}

// Each bit: whether the number of bits up to and with it is odd. Of quotes, that is what they enclose.
static uint64_t is_odd(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

// 64 bytes at a time while the value is within brackets. Stops behind the bracket that ends it, or at one that
// does not match.
static const char *walk_blocks(struct walk *w, const char *p, const char *end) {
    for (; end - p >= 64; p += 64) {
        struct marks m = find_marks(p);
        uint64_t escaped = find_escaped(m.backslashes, &w->escaped);
        uint64_t inside = is_odd(m.quotes & ~escaped) ^ (w->in_string ? UINT64_MAX : 0);
        for (uint64_t left = m.brackets & ~inside & ~escaped; left; left &= left - 1) {
            const char *at = p + __builtin_ctzll(left);
            take_bracket(w, *at);
            if (w->mismatched || w->depth == 0) {
                w->in_string = w->escaped = false;
                return at + !w->mismatched;
            }
        }
        w->in_string = inside >> 63;
    }
    return p;
}

// Up to the end of the value or of the block; *ended: the value's, at a ',' or closing bracket outside of it.
// A backslash takes the next byte with it, wherever it stands; outside of strings the reader refuses it anyway.
static const char *walk_value(struct walk *w, const char *p, const char *end, bool *ended) {
    while (p < end && !w->mismatched) {
        if (w->depth > 0 && end - p >= 64) {
            p = walk_blocks(w, p, end);
            continue;
        }
        char c = *p;
        if (w->escaped) {
            w->escaped = false;
        } else if (c == '\\') {
            w->escaped = true;
        } else if (c == '"') {
            w->in_string = !w->in_string;
        } else if (!w->in_string && w->depth == 0 && (c == ',' || c == ']' || c == '}')) {
            *ended = true;
            break;
        } else if (!w->in_string && (c == '{' || c == '[' || c == '}' || c == ']')) {
            take_bracket(w, c);
            if (w->mismatched)
                break;
        }
        p++;
    }
    return p;
}

enum status outline_take_value(struct outline *o, struct outline_copy *copy) {
    struct walk w = {.depth = 0};
    bool ended = false;
    while (!ended && !w.mismatched && outline_peek(o) >= 0) {
        const char *from = o->block + o->at;
        size_t n = (size_t)(walk_value(&w, from, o->block + o->n, &ended) - from);
        copy_bytes(copy, from, n);
        pass(o, n);
    }
    if (w.mismatched)
        return outline_broken(o, outline_peek(o) == '}' ? "']'" : "'}'");
    if (o->err->status != STATUS_OK)
        return o->err->status;
    if (w.in_string)
        return outline_broken(o, "the end of a string");
    return w.depth > 0 ? outline_broken(o, "a closing bracket") : STATUS_OK;
}
