// SPDX-License-Identifier: MIT
#include "cache/redis_reply.h"

#include <hiredis/hiredis.h>

#include "base/mem.h"

enum { BYTES_KEPT = 1 << 20 };

struct redis_replies {
    struct redis_library library;
    redisReplyObjectFunctions functions;
    redisReader *reader;
    struct redis_bounds bounds;
    size_t fed;
    struct buf bytes;
    struct redis_item *items;
    size_t n, cap;
};

// What hiredis takes for an object: anything but NULL, which ends the reading.
static void *add(const redisReadTask *task, struct redis_item item) {
    struct redis_replies *replies = task->privdata;
    if (replies->n >= replies->bounds.items)
        return NULL;
    MEM_GROW(replies->items, replies->cap, replies->n + 1);
    replies->items[replies->n++] = item;
    return replies;
}

static void *add_string(const redisReadTask *task, char *text, size_t n) {
    struct redis_replies *replies = task->privdata;
    struct redis_item item = {.kind = REDIS_STRANGE, .at = replies->bytes.n, .n = n};
    if (task->type == REDIS_REPLY_STRING)
        item.kind = REDIS_TEXT;
    else if (task->type == REDIS_REPLY_STATUS)
        item.kind = REDIS_STATUS;
    else if (task->type == REDIS_REPLY_ERROR)
        item.kind = REDIS_ERROR;
    void *added = add(task, item);
    if (added)
        buf_add(&replies->bytes, text, n);
    return added;
}

#if HIREDIS_MAJOR >= 1
static void *add_array(const redisReadTask *task, size_t n) {
#else
static void *add_array(const redisReadTask *task, int n) {
#endif
    const struct redis_replies *replies = task->privdata;
    if (n < 0 || (size_t)n > replies->bounds.items)
        return NULL;
    return add(task,
               (struct redis_item){.kind = task->type == REDIS_REPLY_ARRAY ? REDIS_ARRAY : REDIS_STRANGE,
                                   .number = (int64_t)n});
}

static void *add_integer(const redisReadTask *task, long long number) {
    return add(task, (struct redis_item){.kind = REDIS_INTEGER, .number = number});
}

static void *add_nil(const redisReadTask *task) {
    return add(task, (struct redis_item){.kind = REDIS_NIL});
}

#if HIREDIS_MAJOR >= 1
static void *add_double(const redisReadTask *task, double number, char *text, size_t n) {
    (void)number, (void)text, (void)n;
    return add(task, (struct redis_item){.kind = REDIS_STRANGE});
}

static void *add_bool(const redisReadTask *task, int is) {
    (void)is;
    return add(task, (struct redis_item){.kind = REDIS_STRANGE});
}
#endif

static void free_nothing(void *object) {
    (void)object;
}

struct redis_replies *redis_replies_new(const struct redis_library *library) {
    struct redis_replies *replies = MEM_NEW(struct redis_replies);
    replies->library = *library;
    replies->functions = (redisReplyObjectFunctions) {
        .createString = add_string, .createArray = add_array, .createInteger = add_integer,
        .createNil = add_nil, .freeObject = free_nothing,
#if HIREDIS_MAJOR >= 1
        .createDouble = add_double, .createBool = add_bool,
#endif
    };
    replies->reader = library->reader_new(&replies->functions);
    if (!replies->reader) {
        mem_free(replies);
        return NULL;
    }
    replies->reader->privdata = replies;
    return replies;
}

void redis_replies_free(struct redis_replies *replies) {
    if (!replies)
        return;
    replies->library.reader_free(replies->reader);
    buf_release(&replies->bytes);
    mem_free(replies->items);
    mem_free(replies);
}

bool redis_replies_begin(struct redis_replies *replies, struct redis_bounds bounds) {
    replies->bounds = bounds;
    replies->fed = 0;
    replies->n = 0;
    buf_clear(&replies->bytes);
    buf_shrink(&replies->bytes, BYTES_KEPT);
    return replies->reader->pos == replies->reader->len;
}

bool redis_replies_feed(struct redis_replies *replies, struct str bytes, unsigned *whole) {
    const struct redis_library *library = &replies->library;
    replies->fed += bytes.n;
    if (replies->fed > replies->bounds.bytes ||
        library->reader_feed(replies->reader, bytes.p, bytes.n) != REDIS_OK)
        return false;
    for (void *reply = replies; reply;) {
        reply = NULL;
        if (library->reader_get(replies->reader, &reply) != REDIS_OK)
            return false;
        *whole += reply != NULL;
    }
    return true;
}

size_t redis_replies_n(const struct redis_replies *replies) {
    return replies->n;
}

const struct redis_item *redis_replies_item(const struct redis_replies *replies, size_t i) {
    return &replies->items[i];
}

struct str redis_replies_text(const struct redis_replies *replies, size_t i) {
    const struct redis_item *item = &replies->items[i];
    return item->n ? (struct str){replies->bytes.p + item->at, item->n} : (struct str){"", 0};
}
