// SPDX-License-Identifier: MIT
// cache_entry DIR put CATEGORY HEX TEMPLATE TEXT [SECONDS]  puts an entry, as made so many seconds ago
// cache_entry DIR spoil CATEGORY TEXT                        puts TEXT in the place of every value, with right checksums
// cache_entry DIR hold FILE                                  appends, and keeps the segment to itself until FILE is there
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/packs.h"

enum { HOLDS = 6000 }; // hundredths of a second

struct keys {
    struct packs_entry *all; // owned
    size_t n, cap;
};

static void see(void *context, const struct packs_entry *entry) {
    struct keys *keys = context;
    MEM_GROW(keys->all, keys->cap, keys->n + 1);
    keys->all[keys->n++] = *entry;
}

static int64_t wall(void *self) {
    return clock_system().wall(NULL) - *(int64_t *)self;
}

static int fail(const char *text) {
    fprintf(stderr, "cache_entry: %s\n", text);
    return 2;
}

static void put(const struct cache_tier *tier, struct cache_key key, uint32_t tag, const char *text) {
    struct cache_value *value = cache_value_of(str_of(text), 0);
    value->tag = tag;
    tier->put(tier->self, key, value);
    cache_value_drop(value);
}

static int put_one(const struct cache_tier *tier, char **words) {
    struct cache_key key;
    if (!cache_category_find(str_of(words[0]), &key.category) || !digest_parse(str_of(words[1]), &key.digest))
        return fail("no such category, or no key");
    uint32_t tag = (uint32_t)digest_of(str_of(words[2])).low;
    put(tier, key, tag ? tag : 1, words[3]);
    return 0;
}

static int spoil(const struct cache_tier *tier, struct packs *packs, char **words) {
    struct keys keys = {0};
    enum cache_category category;
    if (!cache_category_find(str_of(words[0]), &category))
        return fail("no such category");
    packs_each(packs, see, &keys);
    for (size_t i = 0; i < keys.n; i++)
        if (keys.all[i].key.category == category)
            put(tier, keys.all[i].key, keys.all[i].tag, words[1]);
    mem_free(keys.all);
    return 0;
}

int main(int argc, char **argv) {
    struct fs fs = fs_system();
    struct err err;
    int64_t ago = argc == 8 ? strtoll(argv[7], NULL, 10) * 1000000000 : 0;
    struct clock clock = clock_system();
    clock.self = &ago;
    clock.wall = wall;
    if (argc < 4)
        return fail("DIR put|spoil|hold ...");
    int dir = open(argv[1], O_RDONLY | O_DIRECTORY);
    struct packs *packs;
    const struct packs_options options = {.fs = &fs, .clock = &clock, .dir = dir};
    if (dir < 0 || packs_open(&options, &packs, &err) != STATUS_OK)
        return fail("the directory cannot be opened");
    struct cache_tier tier = packs_tier(packs);
    int code = 0;
    if (strcmp(argv[2], "put") == 0 && argc >= 7) {
        code = put_one(&tier, argv + 3);
    } else if (strcmp(argv[2], "spoil") == 0 && argc == 5) {
        code = spoil(&tier, packs, argv + 3);
    } else if (strcmp(argv[2], "hold") == 0) {
        put(&tier, (struct cache_key){CACHE_THROUGH, digest_of(STR("held"))}, 0, "held");
        tier.flush(tier.self);
        puts("held");
        fflush(stdout);
        for (int i = 0; i < HOLDS && access(argv[3], F_OK) != 0; i++)
            usleep(10000);
    } else {
        code = fail("no such command");
    }
    tier.close(tier.self);
    close(dir);
    return code;
}
