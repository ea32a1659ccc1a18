// SPDX-License-Identifier: MIT
#include "pipeline/claims.h"

#include <pthread.h>

#include "base/digest.h"
#include "base/mem.h"

// hash: 64 bits; rest: 8 more bits of hash, 16 of job + 1 (0: an empty slot), 40 of record.
struct slot {
    uint64_t hash, rest;
};

enum { FIRST_SLOTS = 1024 };
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

bool claims_take(struct claims *claims, struct str path, struct claim claim, struct claim *holder) {
    struct digest digest = digest_of(path);
    uint64_t record = claim.record < RECORD_MASK ? claim.record : RECORD_MASK;
    struct slot wanted = {digest.low, digest.high << 56 | (uint64_t)(claim.job + 1) << 40 | record};
    for (size_t i = wanted.hash & claims->mask; claims->slots[i].rest; i = (i + 1) & claims->mask) {
        struct slot *slot = &claims->slots[i];
        if (slot->hash == wanted.hash && slot->rest >> 56 == wanted.rest >> 56) {
            holder->job = (uint32_t)(slot->rest >> 40 & 0xffff) - 1;
            holder->record = slot->rest & RECORD_MASK;
            return false;
        }
    }
    if ((claims->n + 1) * 10 > (claims->mask + 1) * 7)
        grow(claims);
    insert(claims->slots, claims->mask, wanted);
    claims->n++;
    return true;
}

size_t claims_count(const struct claims *claims) {
    return claims->n;
}
