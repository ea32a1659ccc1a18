// SPDX-License-Identifier: MIT
#define ZDICT_STATIC_LINKING_ONLY // fastcover's parameters
#include "cache/codec.h"

#include <pthread.h>
#include <zdict.h>
#include <zstd.h>

#include "base/mem.h"

enum { DICTIONARIES = 256, CONTEXTS = 64 };

struct dictionary {
    uint32_t number;
    enum cache_category category;
    ZSTD_CDict *pack; // NULL: never was current
    ZSTD_DDict *unpack;
};

struct contexts { // of one thread for one call
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

struct codec {
    pthread_mutex_t lock;
    struct contexts idle[CONTEXTS];
    unsigned idle_n;
    struct dictionary dictionaries[DICTIONARIES]; // [0, n) never change but for `pack`
    unsigned dictionaries_n;
    const ZSTD_CDict *current[CACHE_CATEGORIES_N];
    uint32_t current_number[CACHE_CATEGORIES_N];
    int levels[CACHE_CATEGORIES_N];
};

struct codec *codec_new(const int levels[CACHE_CATEGORIES_N]) {
    struct codec *codec = MEM_NEW(struct codec);
    for (unsigned i = 0; i < CACHE_CATEGORIES_N; i++)
        codec->levels[i] = levels && levels[i] ? levels[i] : cache_usual[i].level;
    pthread_mutex_init(&codec->lock, NULL);
    return codec;
}

void codec_free(struct codec *codec) {
    if (!codec)
        return;
    for (unsigned i = 0; i < codec->idle_n; i++) {
        ZSTD_freeCCtx(codec->idle[i].pack);
        ZSTD_freeDCtx(codec->idle[i].unpack);
    }
    for (unsigned i = 0; i < codec->dictionaries_n; i++) {
        ZSTD_freeCDict(codec->dictionaries[i].pack);
        ZSTD_freeDDict(codec->dictionaries[i].unpack);
    }
    pthread_mutex_destroy(&codec->lock);
    mem_free(codec);
}

static void give_back(struct codec *codec, struct contexts contexts) {
    pthread_mutex_lock(&codec->lock);
    bool kept = codec->idle_n < CONTEXTS;
    if (kept)
        codec->idle[codec->idle_n++] = contexts;
    pthread_mutex_unlock(&codec->lock);
    if (!kept) {
        ZSTD_freeCCtx(contexts.pack);
        ZSTD_freeDCtx(contexts.unpack);
    }
}

size_t codec_bound(size_t n) {
    return ZSTD_compressBound(n);
}

void codec_pack(struct codec *codec, struct str value, struct entry *entry, char *out) {
    struct contexts contexts = {0};
    enum cache_category category = entry->key.category;
    pthread_mutex_lock(&codec->lock);
    if (codec->idle_n)
        contexts = codec->idle[--codec->idle_n];
    const ZSTD_CDict *dictionary = codec->current[category];
    uint32_t number = codec->current_number[category];
    pthread_mutex_unlock(&codec->lock);
    if (!contexts.pack)
        contexts.pack = ZSTD_createCCtx();
    size_t n = value.n;
    size_t bound = ZSTD_compressBound(value.n);
    if (contexts.pack && value.n > 0) {
        // Number, sizes and checksum are in our header already.
        ZSTD_CCtx_setParameter(contexts.pack, ZSTD_c_dictIDFlag, 0);
        ZSTD_CCtx_setParameter(contexts.pack, ZSTD_c_compressionLevel, codec->levels[category]);
        ZSTD_CCtx_refCDict(contexts.pack, dictionary);
        n = ZSTD_compress2(contexts.pack, out, bound, value.p, value.n);
    }
    give_back(codec, contexts);
    bool packed = !ZSTD_isError(n) && n < value.n;
    if (!packed && value.n)
        memcpy(out, value.p, value.n);
    entry->kind = packed ? ENTRY_ZSTD : ENTRY_RAW;
    entry->dictionary = packed ? number : 0;
    entry->size = (uint32_t)value.n;
    entry->stored = (uint32_t)(packed ? n : value.n);
}

// With the lock held; numbers are few.
static const struct dictionary *find(const struct codec *codec, uint32_t number) {
    for (unsigned i = codec->dictionaries_n; i-- > 0;)
        if (codec->dictionaries[i].number == number)
            return &codec->dictionaries[i];
    return NULL;
}

bool codec_unpack(struct codec *codec, const struct entry *entry, struct str payload, char *out) {
    if (payload.n != entry->stored)
        return false;
    if (entry->kind == ENTRY_RAW) {
        if (payload.n != entry->size)
            return false;
        if (payload.n)
            memcpy(out, payload.p, payload.n);
        return true;
    }
    if (entry->kind != ENTRY_ZSTD || ZSTD_getFrameContentSize(payload.p, payload.n) != entry->size)
        return false;
    struct contexts contexts = {0};
    pthread_mutex_lock(&codec->lock);
    if (codec->idle_n)
        contexts = codec->idle[--codec->idle_n];
    const struct dictionary *dictionary = entry->dictionary ? find(codec, entry->dictionary) : NULL;
    const ZSTD_DDict *unpack = dictionary ? dictionary->unpack : NULL;
    pthread_mutex_unlock(&codec->lock);
    if (!contexts.unpack)
        contexts.unpack = ZSTD_createDCtx();
    size_t n = 0;
    bool able = contexts.unpack && (unpack || entry->dictionary == 0);
    if (able)
        n = ZSTD_decompress_usingDDict(contexts.unpack, out, entry->size, payload.p, payload.n, unpack);
    give_back(codec, contexts);
    return able && !ZSTD_isError(n) && n == entry->size;
}

bool codec_has(struct codec *codec, uint32_t number) {
    pthread_mutex_lock(&codec->lock);
    bool has = find(codec, number) != NULL;
    pthread_mutex_unlock(&codec->lock);
    return has;
}

uint32_t codec_current(struct codec *codec, enum cache_category category) {
    pthread_mutex_lock(&codec->lock);
    uint32_t number = codec->current_number[category];
    pthread_mutex_unlock(&codec->lock);
    return number;
}

uint32_t codec_number(struct str dictionary) {
    uint32_t number = (uint32_t)digest_of(dictionary).low;
    return number ? number : 1;
}

uint32_t codec_add(struct codec *codec, enum cache_category category, struct str bytes, bool current) {
    if (ZDICT_getDictID(bytes.p, bytes.n) == 0)
        return 0;
    uint32_t number = codec_number(bytes);
    ZSTD_DDict *unpack = ZSTD_createDDict(bytes.p, bytes.n);
    ZSTD_CDict *pack = current ? ZSTD_createCDict(bytes.p, bytes.n, codec->levels[category]) : NULL;
    bool kept = false;
    pthread_mutex_lock(&codec->lock);
    bool known = find(codec, number) != NULL;
    if (unpack && (pack || !current) && !known && codec->dictionaries_n < DICTIONARIES) {
        codec->dictionaries[codec->dictionaries_n++] =
            (struct dictionary){.number = number, .category = category, .pack = pack, .unpack = unpack};
        if (current) {
            codec->current[category] = pack;
            codec->current_number[category] = number;
        }
        kept = true;
    }
    pthread_mutex_unlock(&codec->lock);
    if (!kept) {
        ZSTD_freeDDict(unpack);
        ZSTD_freeCDict(pack);
    }
    return kept || known ? number : 0;
}

size_t codec_train(const char *samples, const size_t *sizes, unsigned n, char *out) {
    ZDICT_fastCover_params_t params = {.d = 8,
                                       .steps = 4,
                                       .nbThreads = 1,
                                       .splitPoint = 0.75,
                                       .accel = 4,
                                       .f = 20,
                                       .zParams = {.compressionLevel = 3}};
    size_t got = ZDICT_optimizeTrainFromBuffer_fastCover(out, CODEC_DICTIONARY, samples, sizes, n, &params);
    return ZDICT_isError(got) ? 0 : got;
}
