// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_DIGEST_H
#define PRESSRUN_BASE_DIGEST_H
/*
 * 128-bit digests (XXH3-128; not for security) and the digest of a run: the sum modulo 2^128 of one digest
 * per output, so that neither order nor threads nor shards matter, and parts can be added up.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct digest {
    uint64_t high, low;
};

enum { DIGEST_HEX_SIZE = 33 }; // 32 hex digits, high half first, and NUL

struct digest digest_of(struct str bytes);

// The digest of one output: job, its name (output path, or record key in a stream) and its uncompressed
// bytes. Fields are framed by their lengths, so ("a","bc") and ("ab","c") differ: it is the digest of the
// three lengths (64 bits each) and the three fields' digests, all little-endian. Digests are compared across
// runs and versions, so this does not change.
struct digest digest_output(struct str job, struct str name, struct str bytes);

// The same for bytes that come in pieces.
struct digest_stream; // owned
struct digest_stream *digest_stream_new(void);
void digest_stream_add(struct digest_stream *s, struct str piece);
struct digest digest_stream_output(const struct digest_stream *s, struct str job, struct str name);
void digest_stream_free(struct digest_stream *s); // NULL is fine

struct digest digest_add(struct digest a, struct digest b); // modulo 2^128
static inline bool digest_equal(struct digest a, struct digest b) {
    return a.high == b.high && a.low == b.low;
}
void digest_hex(struct digest d, char out[DIGEST_HEX_SIZE]);
bool digest_parse(struct str hex, struct digest *d); // of what digest_hex writes; false: it is something else

#endif
