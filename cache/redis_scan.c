// SPDX-License-Identifier: MIT
// Going through all keys of a category, a page at a time: others use the server, too.
#include <stdio.h>

#include "base/mem.h"
#include "cache/entry.h"
#include "cache/redis_private.h"

enum {
    PAGE_BYTES = 4 << 20, // of a SCAN that is to look at a thousand keys
    PAGE_ITEMS = 64 << 10,
    CURSOR_MOST = 32,
    PEEK_BYTES = 512, // of a GETRANGE's reply: a header, or an error
};

struct scan {
    enum cache_category category;
    char ours[REDIS_KEY_MOST]; // what the keys of the category begin with
    char cursor[CURSOR_MOST];
    struct cache_key *keys; // of this page
    size_t n, cap;
};

// The form of a reply was counted by the reader, so what has the right kinds in the right places is all there. Keys that
// are not of our form are somebody else's, whatever they begin with.
static bool read_page(const struct redis_replies *replies, struct scan *scan) {
    size_t n = redis_replies_n(replies), ours = strlen(scan->ours);
    if (n < 3 || redis_replies_item(replies, 0)->kind != REDIS_ARRAY ||
        redis_replies_item(replies, 0)->number != 2 || redis_replies_item(replies, 1)->kind != REDIS_TEXT ||
        redis_replies_item(replies, 2)->kind != REDIS_ARRAY ||
        (size_t)redis_replies_item(replies, 2)->number != n - 3)
        return false;
    struct str next = redis_replies_text(replies, 1);
    if (next.n == 0 || next.n >= CURSOR_MOST)
        return false;
    memcpy(scan->cursor, next.p, next.n);
    scan->cursor[next.n] = '\0';
    for (size_t i = 3; i < n; i++) {
        struct str key = redis_replies_text(replies, i);
        struct cache_key found = {.category = scan->category};
        if (redis_replies_item(replies, i)->kind != REDIS_TEXT || !str_starts(key, str_of(scan->ours)) ||
            !digest_parse(str_from(key, ours), &found.digest))
            continue;
        MEM_GROW(scan->keys, scan->cap, scan->n + 1);
        scan->keys[scan->n++] = found;
    }
    return true;
}

static bool ask_page(struct redis *redis, struct scan *scan) {
    struct buf command = BUF_INIT, pattern = BUF_INIT;
    struct redis_asked asked;
    buf_add_text(&pattern, scan->ours);
    buf_add_char(&pattern, '*');
    redis_command(&command, 6);
    redis_word(&command, STR("SCAN"));
    redis_word(&command, str_of(scan->cursor));
    redis_word(&command, STR("MATCH"));
    redis_word(&command, buf_str(&pattern));
    redis_word(&command, STR("COUNT"));
    redis_word(&command, STR("1000"));
    struct redis_exchange exchange = {.commands = buf_str(&command),
                                      .replies = 1,
                                      .bounds = {PAGE_BYTES, PAGE_ITEMS},
                                      .limit = redis->command_limit};
    scan->n = 0;
    bool well = redis_ask(redis, exchange, 1, &asked);
    if (well) {
        well = read_page(asked.replies, scan);
        if (!well)
            redis_note_error(redis, redis_replies_item(asked.replies, 0)->kind == REDIS_ERROR
                                        ? redis_replies_text(asked.replies, 0)
                                        : STR("SCAN was not answered with a page"));
        redis_done(redis, &asked, well);
    }
    buf_release(&command);
    buf_release(&pattern);
    return well;
}

bool redis_scan(struct redis *redis, enum cache_category category, redis_page_fn page, void *context) {
    struct scan scan = {.category = category, .cursor = "0"};
    uint64_t until = redis->clock.monotonic(redis->clock.self) + redis->clear_limit;
    bool well = true, more = true;
    snprintf(scan.ours, sizeof scan.ours, "%s:1:%s:", redis->prefix, cache_category_name(category));
    while (well && more) {
        well = ask_page(redis, &scan) && (scan.n == 0 || page(context, redis, scan.keys, (unsigned)scan.n));
        more = strcmp(scan.cursor, "0") != 0;
        if (well && more && redis->clock.monotonic(redis->clock.self) > until) {
            redis_note_error(redis, STR("going through all keys takes too long, and was left"));
            well = false;
        }
    }
    mem_free(scan.keys);
    return well;
}

struct looking {
    void (*see)(void *context, const struct redis_entry *entry);
    void *context;
};

static void ask_for_headers(struct redis *redis, const struct cache_key *keys, unsigned n,
                            struct buf *command) {
    char from[16], to[16];
    snprintf(from, sizeof from, "%d", REDIS_SUM);
    snprintf(to, sizeof to, "%d", REDIS_SUM + ENTRY_HEADER - 1);
    for (unsigned i = 0; i < n; i++) {
        char name[REDIS_KEY_MOST];
        redis_command(command, 4);
        redis_word(command, STR("GETRANGE"));
        redis_word(command, redis_key(redis, keys[i], name));
        redis_word(command, str_of(from));
        redis_word(command, str_of(to));
    }
}

// What is no header of an entry of that key is left out, as are keys that are gone meanwhile. The number of the others.
static unsigned take_headers(const struct redis_replies *replies, const struct cache_key *keys, unsigned n,
                             struct redis_entry *entries, unsigned *refused) {
    unsigned m = 0;
    for (unsigned i = 0; i < n; i++) {
        enum redis_kind kind = redis_replies_item(replies, i)->kind;
        struct entry entry;
        *refused += kind == REDIS_ERROR; // somebody put something else there than a text
        if (kind == REDIS_TEXT && entry_peek(redis_replies_text(replies, i), &entry) &&
            cache_key_equal(entry.key, keys[i]))
            entries[m++] = (struct redis_entry){.key = entry.key,
                                                .made = entry.time,
                                                .tag = entry.tag,
                                                .bytes = entry.size,
                                                .stored = REDIS_SUM + entry_size(&entry)};
    }
    return m;
}

static bool look_at(void *context, struct redis *redis, const struct cache_key *keys, unsigned n) {
    const struct looking *looking = context;
    struct redis_entry *entries = MEM_NEW_ARRAY(struct redis_entry, n);
    struct buf command = BUF_INIT;
    struct redis_asked asked;
    unsigned m = 0, refused = 0;
    ask_for_headers(redis, keys, n, &command);
    struct redis_exchange exchange = {.commands = buf_str(&command),
                                      .replies = n,
                                      .bounds = {(size_t)n * PEEK_BYTES, n},
                                      .limit = redis->command_limit};
    bool well = redis_ask(redis, exchange, 1, &asked);
    if (well) {
        m = take_headers(asked.replies, keys, n, entries, &refused);
        well = refused < n;
        redis_done(redis, &asked, well);
    }
    if (refused)
        redis_note_error(redis, STR("GETRANGE was refused"));
    for (unsigned i = 0; i < m; i++)
        looking->see(looking->context, &entries[i]);
    mem_free(entries);
    buf_release(&command);
    return well;
}

bool redis_each(struct redis *redis, enum cache_category category,
                void (*see)(void *context, const struct redis_entry *entry), void *context) {
    struct looking looking = {see, context};
    redis_flush(redis);
    return redis_scan(redis, category, look_at, &looking);
}
