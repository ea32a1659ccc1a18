// SPDX-License-Identifier: MIT
#include "base/digest.h"

#include <xxhash.h>

#include "base/mem.h"

static struct digest from_xxh(XXH128_hash_t h) {
    return (struct digest){.high = h.high64, .low = h.low64};
}

struct digest digest_of(struct str bytes) {
    return from_xxh(XXH3_128bits(bytes.p, bytes.n));
}

static unsigned char *put_u64(unsigned char *p, uint64_t v) {
    for (int i = 0; i < 8; i++)
        *p++ = (unsigned char)(v >> (8 * i));
    return p;
}

// What an output's digest is taken of: three lengths, then three digests, little-endian, low half first.
// Constant size, so an output whose length is known only at its end needs no second pass.
static struct digest combine(const struct str parts[2], uint64_t bytes_n, struct digest bytes) {
    unsigned char frame[3 * 8 + 3 * 16], *p = frame;
    p = put_u64(p, parts[0].n);
    p = put_u64(p, parts[1].n);
    p = put_u64(p, bytes_n);
    for (int i = 0; i < 3; i++) {
        struct digest d = i < 2 ? digest_of(parts[i]) : bytes;
        p = put_u64(p, d.low);
        p = put_u64(p, d.high);
    }
    return from_xxh(XXH3_128bits(frame, sizeof frame));
}

struct digest digest_output(struct str job, struct str name, struct str bytes) {
    return combine((struct str[2]){job, name}, bytes.n, digest_of(bytes));
}

struct digest_stream {
    XXH3_state_t *state;
    struct str job, name; // our copies
    uint64_t n;
};

struct digest_stream *digest_stream_new(void) {
    struct digest_stream *s = MEM_NEW(struct digest_stream);
    s->state = XXH3_createState();
    if (!s->state)
        mem_fail(sizeof *s);
    XXH3_128bits_reset(s->state);
    return s;
}

static void drop_names(struct digest_stream *s) {
    mem_free((char *)s->job.p);
    mem_free((char *)s->name.p);
    s->job = s->name = (struct str){NULL, 0};
}

void digest_stream_begin(struct digest_stream *s, struct str job, struct str name) {
    drop_names(s);
    s->job = (struct str){mem_copy(job.p, job.n), job.n};
    s->name = (struct str){mem_copy(name.p, name.n), name.n};
    s->n = 0;
    XXH3_128bits_reset(s->state);
}

void digest_stream_add(struct digest_stream *s, struct str bytes) {
    if (bytes.n)
        XXH3_128bits_update(s->state, bytes.p, bytes.n);
    s->n += bytes.n;
}

struct digest digest_stream_end(struct digest_stream *s) {
    struct digest bytes = from_xxh(XXH3_128bits_digest(s->state));
    struct digest d = combine((struct str[2]){s->job, s->name}, s->n, bytes);
    drop_names(s);
    return d;
}

void digest_stream_free(struct digest_stream *s) {
    if (!s)
        return;
    drop_names(s);
    XXH3_freeState(s->state);
    mem_free(s);
}

struct digest digest_add(struct digest a, struct digest b) {
    uint64_t low = a.low + b.low;
    return (struct digest){.high = a.high + b.high + (low < a.low), .low = low};
}

struct digest digest_subtract(struct digest a, struct digest b) {
    return (struct digest){.high = a.high - b.high - (a.low < b.low), .low = a.low - b.low};
}

void digest_hex(struct digest d, char out[DIGEST_HEX_SIZE]) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[i] = hex[d.high >> (60 - 4 * i) & 15];
        out[16 + i] = hex[d.low >> (60 - 4 * i) & 15];
    }
    out[32] = 0;
}
