// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_CODEC_H
#define PRESSRUN_CACHE_CODEC_H
/*
 * zstd for small values: contexts that are used again (a new one costs more than the work) and digested
 * dictionaries, several per category, of which the newest packs and any unpacks.
 *
 * A dictionary's number is taken from its bytes, so the same one has the same number in every process. The codec
 * owns its dictionaries until it is freed; they are only ever added. Many threads may use one codec.
 */
#include "cache/entry.h"

enum { CODEC_DICTIONARY = 32 << 10, CODEC_SAMPLES = 1000 };

struct codec; // owned

struct codec *codec_new(const int levels[CACHE_CATEGORIES_N]); // NULL, or 0: the category's usual one
void codec_free(struct codec *codec);                          // NULL is fine

// Room that packing n bytes may take.
size_t codec_bound(size_t n);
// Packs a value to `out` (codec_bound of its size) and says kind, dictionary, size and stored size in `entry`, whose
// category is set. What does not get smaller stays as it is.
void codec_pack(struct codec *codec, struct str value, struct entry *entry, char *out);
// Unpacks a verified entry's payload into out, which has room for entry->size; false: it is not what it says.
bool codec_unpack(struct codec *codec, const struct entry *entry, struct str payload, char *out);

bool codec_has(struct codec *codec, uint32_t dictionary);
// The number of the one that packs this category; 0: none.
uint32_t codec_current(struct codec *codec, enum cache_category category);
// Adds one (copied), as the category's current if `current`. 0: it is no dictionary, or they are too many.
uint32_t codec_add(struct codec *codec, enum cache_category category, struct str dictionary, bool current);
// Trains one of n samples that lie one after the other. `out` has room for CODEC_DICTIONARY; 0: there is none in them.
size_t codec_train(const char *samples, const size_t *sizes, unsigned n, char *out);
uint32_t codec_number(struct str dictionary);

#endif
