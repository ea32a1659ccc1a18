// SPDX-License-Identifier: MIT
// What a redis server may say, as any bytes: a value in our form, one whose sums are right although its entry is
// anything, and replies that come in pieces. A value is only ever what an entry says it is, within the bounds.
#include <stdlib.h>

#include "cache/entry.h"
#include "cache/redis_reply.h"
#include "cache/redis_value.h"
#include "tests/fuzz/fuzz.h"

enum { AS_IT_IS, SEALED, REPLIES, KINDS };
enum { LARGEST = 1 << 20, PIECE = 37, ITEMS = 100 };

static void open_value(const struct redis_sealer *sealer, struct str bytes) {
    struct cache_key key = {CACHE_RENDER, {1, 2}};
    struct entry entry;
    if (bytes.n > REDIS_SUM && entry_peek(str_from(bytes, REDIS_SUM), &entry))
        key = entry.key;
    struct cache_value *value = redis_value_open(sealer, key, bytes);
    if (value && (value->n != entry.size || value->n > LARGEST || value->made != entry.time ||
                  value->tag != entry.tag))
        abort();
    cache_value_drop(value);
}

static void open_sealed(const struct redis_sealer *sealer, struct str given) {
    struct buf bytes = BUF_INIT;
    struct entry entry;
    buf_add_str(&bytes, given);
    if (bytes.n > REDIS_SUM) {
        if (entry_peek(str_from(buf_str(&bytes), REDIS_SUM), &entry) &&
            REDIS_SUM + entry_size(&entry) <= bytes.n)
            entry_seal(&entry, bytes.p + REDIS_SUM);
        sealer->library->blake2b((uint8_t *)bytes.p, bytes.p + REDIS_SUM, sealer->secret, REDIS_SUM,
                                 bytes.n - REDIS_SUM, REDIS_SECRET);
    }
    open_value(sealer, buf_str(&bytes));
    buf_release(&bytes);
}

static void read_replies(const struct redis_sealer *sealer, struct str bytes) {
    struct redis_replies *replies = redis_replies_new(sealer->library);
    struct redis_bounds bounds = {.bytes = LARGEST, .items = ITEMS};
    unsigned whole = 0;
    if (!replies || !redis_replies_begin(replies, bounds))
        abort();
    for (bool well = true; well && bytes.n; bytes = str_from(bytes, PIECE))
        well = redis_replies_feed(replies, str_slice(bytes, 0, PIECE), &whole);
    if (redis_replies_n(replies) > ITEMS || redis_replies_n(replies) < whole)
        abort();
    for (size_t i = 0; i < redis_replies_n(replies); i++)
        open_value(sealer, redis_replies_text(replies, i));
    redis_replies_free(replies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct redis_library library;
    struct redis_sealer sealer;
    struct err err;
    if (size == 0)
        return 0;
    if (redis_library_open(PRESSRUN_HIREDIS, PRESSRUN_LIBB2, &library, &err) != STATUS_OK)
        abort();
    redis_sealer_init(&sealer, &library, codec_new(NULL), STR(REDIS_OPEN_SECRET), LARGEST);
    struct str bytes = {(const char *)data + 1, size - 1};
    if (data[0] % KINDS == REPLIES)
        read_replies(&sealer, bytes);
    else if (data[0] % KINDS == SEALED)
        open_sealed(&sealer, bytes);
    else
        open_value(&sealer, bytes);
    codec_free(sealer.codec);
    redis_library_close(&library);
    return 0;
}
