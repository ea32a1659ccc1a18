// SPDX-License-Identifier: MIT
#include "stages/load/outline.h"

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

static void open_bracket(struct walk *w, bool object) {
    if (w->depth < OUTLINE_NESTING) {
        unsigned char bit = (unsigned char)(1u << (w->depth % 8)), *byte = &w->objects[w->depth / 8];
        *byte = object ? *byte | bit : *byte & (unsigned char)~bit;
    }
    w->depth++;
}

static void close_bracket(struct walk *w, bool object) {
    w->depth--;
    if (w->depth < OUTLINE_NESTING && (w->objects[w->depth / 8] >> (w->depth % 8) & 1) != object)
        w->mismatched = true;
}

// First quote or backslash, or end.
static const char *find_in_string(const char *p, const char *end) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int stops = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        if (stops)
            return p + __builtin_ctz((unsigned)stops);
    }
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

// First quote or bracket, or end. Brackets and braces differ in one bit.
static const char *find_bracket(const char *p, const char *end) {
    const __m128i quote = _mm_set1_epi8('"'), open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
    const __m128i bit = _mm_set1_epi8(0x20);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), folded = _mm_or_si128(v, bit);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_or_si128(_mm_cmpeq_epi8(folded, open),
                                                                            _mm_cmpeq_epi8(folded, close)));
        int stops = _mm_movemask_epi8(found);
        if (stops)
            return p + __builtin_ctz((unsigned)stops);
    }
    while (p < end && *p != '"' && *p != '{' && *p != '}' && *p != '[' && *p != ']')
        p++;
    return p;
}

// On through a string, up to and with its closing quote.
static const char *walk_string(struct walk *w, const char *p, const char *end) {
    while (p < end) {
        if (w->escaped) {
            w->escaped = false;
            p++;
            continue;
        }
        p = find_in_string(p, end);
        if (p == end)
            break;
        w->escaped = *p == '\\';
        w->in_string = *p != '"';
        p++;
        if (!w->in_string)
            break;
    }
    return p;
}

// Up to the end of the value or of the block; *ended: the value's, at a ',' or closing bracket outside of it.
static const char *walk_value(struct walk *w, const char *p, const char *end, bool *ended) {
    while (p < end && !w->mismatched) {
        if (w->in_string) {
            p = walk_string(w, p, end);
            continue;
        }
        if (w->depth > 0) {
            p = find_bracket(p, end);
            if (p == end)
                break;
        } else if (*p == ',' || *p == ']' || *p == '}') {
            *ended = true;
            break;
        }
        if (*p == '"')
            w->in_string = true;
        else if (*p == '{' || *p == '[')
            open_bracket(w, *p == '{');
        else if (*p == '}' || *p == ']')
            close_bracket(w, *p == '}');
        if (w->mismatched)
            break;
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
