// SPDX-License-Identifier: MIT
#include "base/digest.h"

#include <xxhash.h>

#include "base/mem.h"

struct digest_stream {
    XXH3_state_t *state;
    uint64_t n;
};

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

struct digest_stream *digest_stream_new(void) {
    struct digest_stream *s = MEM_NEW(struct digest_stream);
    s->state = XXH3_createState();
    if (!s->state)
        mem_fail(sizeof *s);
    XXH3_128bits_reset(s->state);
    return s;
}

void digest_stream_add(struct digest_stream *s, struct str piece) {
    XXH3_128bits_update(s->state, piece.p, piece.n);
    s->n += piece.n;
}

struct digest digest_stream_output(const struct digest_stream *s, struct str job, struct str name) {
    return combine((struct str[2]){job, name}, s->n, from_xxh(XXH3_128bits_digest(s->state)));
}

void digest_stream_free(struct digest_stream *s) {
    if (!s)
        return;
    XXH3_freeState(s->state);
    mem_free(s);
}

struct digest digest_add(struct digest a, struct digest b) {
    uint64_t low = a.low + b.low;
    return (struct digest){.high = a.high + b.high + (low < a.low), .low = low};
}

void digest_hex(struct digest d, char out[DIGEST_HEX_SIZE]) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[i] = hex[d.high >> (60 - 4 * i) & 15];
        out[16 + i] = hex[d.low >> (60 - 4 * i) & 15];
    }
    out[32] = 0;
}

bool digest_parse(struct str hex, struct digest *d) {
    *d = (struct digest){0};
    if (hex.n != DIGEST_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < hex.n; i++) {
        char c = hex.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            return false;
        uint64_t *half = i < 16 ? &d->high : &d->low;
        *half = *half << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}
