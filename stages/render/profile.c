// SPDX-License-Identifier: MIT
#include "stages/render/profile.h"

#include "base/mem.h"

enum { BUCKETS = 2 * PROFILE_CALLS };

struct profile *profile_new(void) {
    struct profile *p = MEM_NEW(struct profile);
    p->buckets = MEM_NEW_ARRAY(uint32_t, BUCKETS);
    MEM_GROW(p->calls, p->calls_cap, 1);
    p->calls[p->calls_n++] = (struct profile_call){0};
    return p;
}

void profile_free(struct profile *p) {
    if (!p)
        return;
    mem_free(p->calls);
    mem_free(p->buckets);
    mem_free(p);
}

static size_t bucket_of(uint32_t caller, uint32_t subject, const struct profile_place *place) {
    uint64_t hash = (uint64_t)(uintptr_t)place->program ^ ((uint64_t)caller << 32) ^ place->instruction;
    hash = (hash ^ ((uint64_t)subject << 48)) * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> 40) & (BUCKETS - 1);
}

// 0: there is no room.
static uint32_t find_call(struct profile *p, uint32_t caller, uint32_t subject,
                          const struct profile_place *place) {
    size_t at = bucket_of(caller, subject, place);
    for (; p->buckets[at]; at = (at + 1) & (BUCKETS - 1)) {
        const struct profile_call *call = &p->calls[p->buckets[at]];
        if (call->caller == caller && call->program == place->program &&
            call->instruction == place->instruction && call->subject == subject)
            return p->buckets[at];
    }
    if (p->calls_n == PROFILE_CALLS)
        return 0;
    MEM_GROW(p->calls, p->calls_cap, p->calls_n + 1);
    p->calls[p->calls_n] = (struct profile_call){.caller = caller,
                                                 .subject = subject,
                                                 .program = place->program,
                                                 .function = place->function,
                                                 .instruction = place->instruction};
    return p->buckets[at] = (uint32_t)p->calls_n++;
}

void profile_note(struct profile *p, const struct profile_place *places, size_t n) {
    uint64_t nanoseconds = atomic_exchange_explicit(&p->due, 0, memory_order_relaxed);
    uint32_t call = 0;
    for (size_t i = n; i > 0; i--) {
        call = find_call(p, call, p->subject, &places[i - 1]);
        if (!call)
            break;
    }
    p->calls[call].nanoseconds += nanoseconds;
    p->ticks++;
}
