// SPDX-License-Identifier: MIT
#include "monitor/slowest.h"

static void insert(struct slowest *s, const struct slow_one *one) {
    if (!slowest_takes(s, one->nanoseconds))
        return;
    uint32_t at = s->n < SLOWEST ? s->n++ : SLOWEST - 1;
    for (; at > 0 && s->ones[at - 1].nanoseconds < one->nanoseconds; at--)
        s->ones[at] = s->ones[at - 1];
    s->ones[at] = *one;
}

void slowest_add(struct slowest *s, uint64_t nanoseconds, struct str name, uint64_t record, uint64_t line) {
    struct slow_one one = {.nanoseconds = nanoseconds, .record = record, .line = line};
    size_t n = name.n < SLOWEST_NAME ? name.n : SLOWEST_NAME;
    while (n < name.n && n && ((unsigned char)name.p[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(one.name, name.p, n);
    one.name_n = (uint32_t)n;
    insert(s, &one);
}

void slowest_merge(struct slowest *s, const struct slowest *other) {
    for (uint32_t i = 0; i < other->n; i++)
        insert(s, &other->ones[i]);
}
