// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "tests/support/redis_run.h"

static const uint64_t generous = 10000000000;

void redis_run_open(struct redis_run *run, const char *url, struct redis_options options) {
    struct err err = {0};
    run->clock = clock_system();
    run->fs = fs_system();
    options.url = str_of(url);
    options.clock = &run->clock;
    options.fs = &run->fs;
    options.connect_limit = options.connect_limit ? options.connect_limit : generous;
    options.command_limit = options.command_limit ? options.command_limit : generous;
    if (redis_open(&options, &run->redis, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    run->tier = redis_tier(run->redis);
}

void redis_run_close(struct redis_run *run) {
    run->tier.close(run->tier.self);
}

struct cache_key redis_run_key(unsigned i) {
    return (struct cache_key){.category = i % 3 == 0 ? CACHE_THROUGH : CACHE_RENDER,
                              .digest = digest_of((struct str){(const char *)&i, sizeof i})};
}

struct cache_value *redis_run_value(unsigned i) {
    struct clock clock = clock_system();
    struct cache_value *value = cache_value_new(i % 3000, clock.wall(clock.self));
    for (size_t k = 0; k < value->n; k++)
        value->bytes[k] = (char)((k % 7 == 0 ? i * k >> 3 : i) & 255);
    return value;
}

bool redis_run_put(struct redis_run *run, unsigned i) {
    struct cache_value *value = redis_run_value(i);
    bool kept = run->tier.put(run->tier.self, redis_run_key(i), value);
    cache_value_drop(value);
    return kept;
}

bool redis_run_is_right(const struct cache_value *value, unsigned i) {
    struct cache_value *wanted = redis_run_value(i);
    bool right = value->n == wanted->n && memcmp(value->bytes, wanted->bytes, value->n) == 0;
    cache_value_drop(wanted);
    return right;
}

bool redis_run_has(struct redis_run *run, unsigned i) {
    struct cache_value *value = run->tier.get(run->tier.self, redis_run_key(i));
    bool there = value != NULL;
    if (there)
        assert_true(redis_run_is_right(value, i));
    cache_value_drop(value);
    return there;
}

struct redis_item redis_run_raw(const char *url, const struct str *words, unsigned n, struct buf *text) {
    struct redis_library library;
    struct redis_place place;
    struct redis_link link;
    struct buf command = BUF_INIT;
    struct clock clock = clock_system();
    struct err err = {0};
    if (redis_library_open(PRESSRUN_HIREDIS, PRESSRUN_LIBB2, &library, &err) != STATUS_OK ||
        redis_url_parse(str_of(url), &place, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    redis_link_init(&link, &place, &library, &clock, generous);
    redis_command(&command, n);
    for (unsigned i = 0; i < n; i++)
        redis_word(&command, words[i]);
    struct redis_exchange exchange = {
        .commands = buf_str(&command), .replies = 1, .bounds = {1 << 24, 1 << 16}, .limit = generous};
    if (!redis_link_exchange(&link, &exchange, &err))
        fail_msg("%s", err.text);
    struct redis_item item = *redis_replies_item(link.replies, 0);
    if (text) {
        buf_clear(text);
        buf_add_str(text, redis_replies_text(link.replies, 0));
    }
    redis_link_close(&link);
    redis_place_release(&place);
    redis_library_close(&library);
    buf_release(&command);
    return item;
}
