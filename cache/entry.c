// SPDX-License-Identifier: MIT
#include "cache/entry.h"

static const char magic[ENTRY_MAGIC_SIZE] = {'P', 'R', 'E', 2};

enum {
    AT_CATEGORY = 20,
    AT_KIND = 21,
    AT_AGE = 22,
    AT_DICTIONARY = 24,
    AT_SIZE = 28,
    AT_STORED = 32,
    AT_KEY = 36,
    AT_TIME = 52,
    AT_TAG = 60,
};

static void put_number(char *p, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++)
        p[i] = (char)(v >> (8 * i) & 255);
}

static uint64_t get_number(const char *p, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

enum { AGE_BITS = 11 };
static const int64_t second = 1000000000;

// Rounded up where it has more bits than there are: an old value does not become younger by going from hand to hand.
static uint64_t code_age(int64_t age) {
    const uint64_t seconds = age > 0 ? (uint64_t)(age / second) : 0;
    uint64_t shift = 0;
    while ((seconds + (UINT64_C(1) << shift) - 1) >> shift >> AGE_BITS)
        shift++;
    return shift << AGE_BITS | (seconds + (UINT64_C(1) << shift) - 1) >> shift;
}

static int64_t age_of(uint64_t code) {
    const uint64_t bits = code & ((1 << AGE_BITS) - 1), shift = code >> AGE_BITS;
    const uint64_t most = (uint64_t)(INT64_MAX / second);
    return bits > most >> shift ? INT64_MAX : (int64_t)(bits << shift) * second;
}

static struct digest checksum(const char *bytes, size_t stored) {
    return digest_of((struct str){bytes + ENTRY_MAGIC_AT, ENTRY_HEADER - ENTRY_MAGIC_AT + stored});
}

void entry_seal(const struct entry *entry, char *bytes) {
    memcpy(bytes + ENTRY_MAGIC_AT, magic, sizeof magic);
    bytes[AT_CATEGORY] = (char)entry->key.category;
    bytes[AT_KIND] = (char)entry->kind;
    put_number(bytes + AT_AGE, code_age(entry->age), 2);
    put_number(bytes + AT_DICTIONARY, entry->dictionary, 4);
    put_number(bytes + AT_SIZE, entry->size, 4);
    put_number(bytes + AT_STORED, entry->stored, 4);
    put_number(bytes + AT_KEY, entry->key.digest.low, 8);
    put_number(bytes + AT_KEY + 8, entry->key.digest.high, 8);
    put_number(bytes + AT_TIME, (uint64_t)entry->time, 8);
    put_number(bytes + AT_TAG, entry->tag, 4);
    struct digest sum = checksum(bytes, entry->stored);
    put_number(bytes, sum.low, 8);
    put_number(bytes + 8, sum.high, 8);
}

bool entry_peek(struct str bytes, struct entry *entry) {
    if (bytes.n < ENTRY_HEADER || memcmp(bytes.p + ENTRY_MAGIC_AT, magic, sizeof magic) != 0)
        return false;
    unsigned category = (unsigned char)bytes.p[AT_CATEGORY], kind = (unsigned char)bytes.p[AT_KIND];
    if (category >= CACHE_CATEGORIES_N || kind >= ENTRY_KINDS_N)
        return false;
    *entry = (struct entry){
        .key = {.category = (enum cache_category)category,
                .digest = {.low = get_number(bytes.p + AT_KEY, 8),
                           .high = get_number(bytes.p + AT_KEY + 8, 8)}},
        .kind = (enum entry_kind)kind,
        .dictionary = (uint32_t)get_number(bytes.p + AT_DICTIONARY, 4),
        .size = (uint32_t)get_number(bytes.p + AT_SIZE, 4),
        .stored = (uint32_t)get_number(bytes.p + AT_STORED, 4),
        .time = (int64_t)get_number(bytes.p + AT_TIME, 8),
        .age = age_of(get_number(bytes.p + AT_AGE, 2)),
        .tag = (uint32_t)get_number(bytes.p + AT_TAG, 4),
    };
    // Times are added to and compared; those of the year 2116 and later are none of ours.
    return entry->size <= ENTRY_LARGEST && entry->stored <= ENTRY_LARGEST && entry->time >= 0 &&
           entry->time <= INT64_MAX / 2;
}

bool entry_open(struct str bytes, struct entry *entry) {
    if (!entry_peek(bytes, entry) || bytes.n < entry_size(entry))
        return false;
    struct digest sum = checksum(bytes.p, entry->stored);
    return get_number(bytes.p, 8) == sum.low && get_number(bytes.p + 8, 8) == sum.high;
}

size_t entry_search(struct str bytes, size_t at) {
    if (at >= bytes.n || bytes.n - at < ENTRY_HEADER)
        return bytes.n;
    const char *from = bytes.p + at + ENTRY_MAGIC_AT;
    const char *found = memmem(from, bytes.n - at - ENTRY_MAGIC_AT, magic, sizeof magic);
    return found ? (size_t)(found - bytes.p) - ENTRY_MAGIC_AT : bytes.n;
}
