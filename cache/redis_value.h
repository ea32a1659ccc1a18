// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_VALUE_H
#define PRESSRUN_CACHE_REDIS_VALUE_H
/*
 * A value as redis holds it:
 *
 *      0  32  BLAKE2b-256 of all that follows, keyed with the secret's BLAKE2b-512
 *     32   .  an entry (cache/entry.h) without a dictionary: category, key, time, tag, sizes, payload
 *
 * Nothing of it is believed, allocated or unpacked before sum, key, category and sizes were looked at. Many threads
 * may use one sealer.
 */
#include "base/buf.h"
#include "cache/codec.h"
#include "cache/redis_library.h"

enum { REDIS_SUM = 32, REDIS_SECRET = 64 };

// What is used without a secret: everybody knows it, so it proves nothing but that bytes are whole.
#define REDIS_OPEN_SECRET "pressrun: no secret"

struct redis_sealer {
    const struct redis_library *library; // borrowed, as is the codec
    struct codec *codec;
    uint8_t secret[REDIS_SECRET];
    size_t largest; // bytes of a value
};

void redis_sealer_init(struct redis_sealer *sealer, const struct redis_library *library, struct codec *codec,
                       struct str secret, size_t largest);
size_t redis_value_bound(size_t n); // bytes that a value of n bytes may take
// Adds the value's form to `out`.
void redis_value_seal(const struct redis_sealer *sealer, struct cache_key key,
                      const struct cache_value *value, struct buf *out);
// Held, or NULL: it is not what was sealed for this key.
struct cache_value *redis_value_open(const struct redis_sealer *sealer, struct cache_key key,
                                     struct str bytes);

#endif
