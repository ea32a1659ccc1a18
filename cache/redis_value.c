// SPDX-License-Identifier: MIT
#include "cache/redis_value.h"

#include "cache/entry.h"

void redis_sealer_init(struct redis_sealer *sealer, const struct redis_library *library, struct codec *codec,
                       struct str secret, size_t largest) {
    *sealer = (struct redis_sealer){.library = library, .codec = codec, .largest = largest};
    library->blake2b(sealer->secret, secret.p, NULL, REDIS_SECRET, secret.n, 0);
}

size_t redis_value_bound(size_t n) {
    return REDIS_SUM + ENTRY_HEADER + codec_bound(n);
}

static void sum_of(const struct redis_sealer *sealer, struct str entry, uint8_t sum[REDIS_SUM]) {
    sealer->library->blake2b(sum, entry.p, sealer->secret, REDIS_SUM, entry.n, REDIS_SECRET);
}

void redis_value_seal(const struct redis_sealer *sealer, struct cache_key key,
                      const struct cache_value *value, struct buf *out) {
    struct entry entry = {.key = key, .tag = value->tag, .time = value->made > 0 ? value->made : 0};
    buf_reserve(out, redis_value_bound(value->n));
    char *bytes = out->p + out->n + REDIS_SUM;
    codec_pack(sealer->codec, (struct str){value->bytes, value->n}, &entry, bytes + ENTRY_HEADER);
    entry_seal(&entry, bytes);
    sum_of(sealer, (struct str){bytes, entry_size(&entry)}, (uint8_t *)bytes - REDIS_SUM);
    out->n += REDIS_SUM + entry_size(&entry);
}

// In a time that does not tell where they differ.
static bool is_same(const uint8_t *a, const uint8_t *b, size_t n) {
    unsigned differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

struct cache_value *redis_value_open(const struct redis_sealer *sealer, struct cache_key key,
                                     struct str bytes) {
    if (bytes.n < REDIS_SUM + ENTRY_HEADER || bytes.n > redis_value_bound(sealer->largest))
        return NULL;
    uint8_t sum[REDIS_SUM];
    struct str sealed = str_from(bytes, REDIS_SUM);
    struct entry entry;
    sum_of(sealer, sealed, sum);
    if (!is_same(sum, (const uint8_t *)bytes.p, REDIS_SUM) || !entry_open(sealed, &entry) ||
        entry_size(&entry) != sealed.n || !cache_key_equal(entry.key, key) || entry.dictionary != 0 ||
        entry.size > sealer->largest)
        return NULL;
    struct cache_value *value = cache_value_new(entry.size, entry.time);
    if (value && codec_unpack(sealer->codec, &entry, str_from(sealed, ENTRY_HEADER), value->bytes)) {
        value->tag = entry.tag;
        return value;
    }
    cache_value_drop(value);
    return NULL;
}
