// SPDX-License-Identifier: MIT
#include "pipeline/run/claims.h"

#include <pthread.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

// hash: 64 bits; rest: 8 more bits of hash, 16 of job + 1 (0: an empty slot), 40 of record.
struct slot {
    uint64_t hash, rest;
};

enum { FIRST_SLOTS = 1024, CLAIMS_PATH_MAX = 4096 };
static const uint64_t RECORD_MASK = ((uint64_t)1 << 40) - 1;

struct claims {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t mask, n;
};

struct claims *claims_new(void) {
    struct claims *claims = MEM_NEW(struct claims);
    pthread_mutex_init(&claims->lock, NULL);
    claims->slots = MEM_NEW_ARRAY(struct slot, FIRST_SLOTS);
    claims->mask = FIRST_SLOTS - 1;
    return claims;
}

void claims_free(struct claims *claims) {
    if (!claims)
        return;
    pthread_mutex_destroy(&claims->lock);
    mem_free(claims->slots);
    mem_free(claims);
}

void claims_lock(struct claims *claims) {
    pthread_mutex_lock(&claims->lock);
}

void claims_unlock(struct claims *claims) {
    pthread_mutex_unlock(&claims->lock);
}

static void insert(struct slot *slots, size_t mask, struct slot slot) {
    size_t i = slot.hash & mask;
    while (slots[i].rest)
        i = (i + 1) & mask;
    slots[i] = slot;
}

static void grow(struct claims *claims) {
    size_t mask = claims->mask * 2 + 1;
    struct slot *slots = MEM_NEW_ARRAY(struct slot, mask + 1);
    for (size_t i = 0; i <= claims->mask; i++)
        if (claims->slots[i].rest)
            insert(slots, mask, claims->slots[i]);
    mem_free(claims->slots);
    claims->slots = slots;
    claims->mask = mask;
}

static struct slot slot_for(struct str name, struct claim claim) {
    struct digest digest = digest_of(name);
    uint64_t record = claim.record < RECORD_MASK ? claim.record : RECORD_MASK;
    return (struct slot){digest.low, digest.high << 56 | (uint64_t)(claim.job + 1) << 40 | record};
}

// Whoever holds a name; NULL: nobody.
static const struct slot *find(const struct claims *claims, const struct slot *wanted) {
    for (size_t i = wanted->hash & claims->mask; claims->slots[i].rest; i = (i + 1) & claims->mask) {
        const struct slot *slot = &claims->slots[i];
        if (slot->hash == wanted->hash && slot->rest >> 56 == wanted->rest >> 56)
            return slot;
    }
    return NULL;
}

static void add(struct claims *claims, struct slot slot) {
    if ((claims->n + 1) * 10 > (claims->mask + 1) * 7)
        grow(claims);
    insert(claims->slots, claims->mask, slot);
    claims->n++;
}

static bool is_held(const struct claims *claims, const struct slot *wanted, struct claim *holder) {
    const struct slot *slot = find(claims, wanted);
    if (slot)
        *holder = (struct claim){(uint32_t)(slot->rest >> 40 & 0xffff) - 1, slot->rest & RECORD_MASK};
    return slot != NULL;
}

// The end of the directory that a path (or directory, without its last '/') is in, with its '/'; 0: none.
static size_t parent_end(struct str path, size_t end) {
    while (end > 0 && path.p[end - 1] != '/')
        end--;
    return end;
}

// A directory is held under its name with a '/' at the end. One that is held already has its parents held too.
static bool take_directories(struct claims *claims, struct str path, struct claim claim,
                             struct claim *holder) {
    for (size_t end = parent_end(path, path.n); end > 0; end = parent_end(path, end - 1)) {
        struct slot directory = slot_for(str_slice(path, 0, end), claim);
        if (find(claims, &directory))
            return true;
        struct slot file = slot_for(str_slice(path, 0, end - 1), claim);
        if (is_held(claims, &file, holder))
            return false;
        add(claims, directory);
    }
    return true;
}

bool claims_take(struct claims *claims, struct str path, struct claim claim, struct claim *holder) {
    char directory[CLAIMS_PATH_MAX + 1];
    if (path.n > CLAIMS_PATH_MAX)
        return false;
    // The table is larger than any cache: both places are on their way while the digests are made.
    struct slot file = slot_for(path, claim);
    __builtin_prefetch(&claims->slots[file.hash & claims->mask]);
    memcpy(directory, path.p, path.n);
    directory[path.n] = '/';
    struct slot as_directory = slot_for((struct str){directory, path.n + 1}, claim);
    __builtin_prefetch(&claims->slots[as_directory.hash & claims->mask]);
    if (is_held(claims, &file, holder))
        return false;
    if (is_held(claims, &as_directory, holder) || !take_directories(claims, path, claim, holder))
        return false;
    add(claims, file);
    return true;
}
