// SPDX-License-Identifier: MIT
#include "base/digest.h"

#include <xxhash.h>

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
