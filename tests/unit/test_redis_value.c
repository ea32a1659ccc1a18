// SPDX-License-Identifier: MIT
// What of the redis tier needs no server: its form of a value, bit by bit; urls and options; libraries that are missing.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cache/entry.h"
#include "tests/support/redis_run.h"
#include "tests/support/scene.h"

enum { LARGEST = 64 << 10 };

struct sealed {
    struct redis_library library;
    struct redis_sealer sealer;
    struct cache_key key;
    struct cache_value *value;
    struct buf bytes;
};

static void seal_one(struct sealed *sealed, unsigned i, const char *secret) {
    struct err err = {0};
    *sealed = (struct sealed){.key = redis_run_key(i), .value = redis_run_value(i)};
    if (redis_library_open(PRESSRUN_HIREDIS, PRESSRUN_LIBB2, &sealed->library, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    sealed->value->tag = i * 2654435761u;
    redis_sealer_init(&sealed->sealer, &sealed->library, codec_new(NULL), str_of(secret), LARGEST);
    redis_value_seal(&sealed->sealer, sealed->key, sealed->value, &sealed->bytes);
}

static void release(struct sealed *sealed) {
    cache_value_drop(sealed->value);
    buf_release(&sealed->bytes);
    codec_free(sealed->sealer.codec);
    redis_library_close(&sealed->library);
}

static bool opens(const struct sealed *sealed, struct str bytes) {
    struct cache_value *value = redis_value_open(&sealed->sealer, sealed->key, bytes);
    bool opened = value != NULL;
    if (opened) {
        assert_int_equal(value->n, sealed->value->n);
        assert_memory_equal(value->bytes, sealed->value->bytes, value->n);
        assert_true(value->made == sealed->value->made);
        assert_int_equal(value->tag, sealed->value->tag);
    }
    cache_value_drop(value);
    return opened;
}

static void test_every_bit(void **state) {
    (void)state;
    for (unsigned i = 3000; i < 3400; i += 133) { // the first is empty
        struct sealed sealed;
        seal_one(&sealed, i, REDIS_OPEN_SECRET);
        struct buf *bytes = &sealed.bytes;
        assert_true(opens(&sealed, buf_str(bytes)));
        for (size_t bit = 0; bit < 8 * bytes->n; bit++) {
            bytes->p[bit / 8] = (char)(bytes->p[bit / 8] ^ (1 << bit % 8));
            assert_false(opens(&sealed, buf_str(bytes)));
            bytes->p[bit / 8] = (char)(bytes->p[bit / 8] ^ (1 << bit % 8));
        }
        for (size_t n = 0; n < bytes->n; n++)
            assert_false(opens(&sealed, (struct str){bytes->p, n}));
        buf_add_char(bytes, 'x');
        assert_false(opens(&sealed, buf_str(bytes)));
        release(&sealed);
    }
}

static void test_keys_and_secrets(void **state) {
    (void)state;
    struct sealed mine, other;
    seal_one(&mine, 100, "mine");
    seal_one(&other, 100, "other");
    assert_true(opens(&mine, buf_str(&mine.bytes)));
    assert_false(opens(&mine, buf_str(&other.bytes)));
    struct cache_key key = mine.key;
    mine.key.category = CACHE_PROGRAM;
    assert_false(opens(&mine, buf_str(&mine.bytes)));
    mine.key = key;
    mine.key.digest.low ^= 1;
    assert_false(opens(&mine, buf_str(&mine.bytes)));
    mine.key = key;
    assert_true(opens(&mine, buf_str(&mine.bytes)));
    // The published test vector of keyed BLAKE2b-512: key 00..3f, input 00.
    uint8_t secret[64], out[64], in = 0;
    for (unsigned i = 0; i < 64; i++)
        secret[i] = (uint8_t)i;
    assert_int_equal(mine.library.blake2b(out, &in, secret, 64, 1, 64), 0);
    static const uint8_t wanted[] = {0x96, 0x1f, 0x6d, 0xd1, 0xe4, 0xdd, 0x30, 0xf6};
    assert_memory_equal(out, wanted, sizeof wanted);
    release(&mine);
    release(&other);
}

// Entries that whoever knows the secret could make, and that are no values.
static void test_forged(void **state) {
    (void)state;
    struct sealed sealed;
    seal_one(&sealed, 1234, "known");
    struct entry real, forged;
    assert_true(entry_open(str_from(buf_str(&sealed.bytes), REDIS_SUM), &real));
    for (int kind = 0; kind < 9; kind++) {
        struct buf bytes = BUF_INIT;
        buf_add_str(&bytes, buf_str(&sealed.bytes));
        forged = real;
        forged.size = kind == 1 ? LARGEST + 1 : kind == 2 ? real.size + 1 : kind == 3 ? 0 : real.size;
        forged.dictionary = kind == 4 ? 7 : 0;
        forged.kind = kind == 5   ? ENTRY_RAW
                      : kind == 6 ? ENTRY_GONE
                      : kind == 7 ? ENTRY_DICTIONARY
                                  : real.kind;
        forged.stored = kind == 8 ? real.stored - 1 : real.stored;
        entry_seal(&forged, bytes.p + REDIS_SUM);
        sealed.library.blake2b((uint8_t *)bytes.p, bytes.p + REDIS_SUM, sealed.sealer.secret, REDIS_SUM,
                               bytes.n - REDIS_SUM, REDIS_SECRET);
        assert_int_equal(opens(&sealed, buf_str(&bytes)), kind == 0);
        buf_release(&bytes);
    }
    release(&sealed);
}

static const char *words(char *out, size_t n, const struct redis_place *place) {
    snprintf(out, n, "%s %s %s %s %s %u", place->host ? place->host : "-", place->port ? place->port : "-",
             place->path ? place->path : "-", place->user ? place->user : "-",
             place->password ? place->password : "-", place->db);
    return out;
}

static void test_urls(void **state) {
    (void)state;
    static const struct {
        const char *url, *wanted; // NULL: refused
    } cases[] = {
        {"redis://h", "h 6379 - - - 0"},
        {"redis://h:1/", "h 1 - - - 0"},
        {"redis://h:65535/15", "h 65535 - - - 15"},
        {"redis://:p@h", "h 6379 - - p 0"},
        {"redis://u:p:q@h/1", "h 6379 - u p:q 1"},
        {"redis://u:p@q@h", "h 6379 - u p@q 0"},
        {"redis://u%40:%2f%25@h", "h 6379 - u@ /% 0"},
        {"redis://[::1]", "::1 6379 - - - 0"},
        {"redis://[::1]:70/3", "::1 70 - - - 3"},
        {"unix:///run/r.sock", "- - /run/r.sock - - 0"},
        {"unix:///run/r.sock?db=9", "- - /run/r.sock - - 9"},
        {"rediss://h", NULL},
        {"", NULL},
        {"redis:", NULL},
        {"http://h", NULL},
        {"redis://", NULL},
        {"redis:///1", NULL},
        {"redis://h:", NULL},
        {"redis://h:0", NULL},
        {"redis://h:65536", NULL},
        {"redis://h:99999999999999999999", NULL},
        {"redis://h:1x", NULL},
        {"redis://h/x", NULL},
        {"redis://h/-1", NULL},
        {"redis://h/1/2", NULL},
        {"redis://u@h", NULL},
        {"redis://u:@h", NULL},
        {"redis://:p%@h", NULL},
        {"redis://:p%4@h", NULL},
        {"redis://:p%zz@h", NULL},
        {"redis://:p%00@h", NULL},
        {"redis://[::1", NULL},
        {"redis://[::1]x", NULL},
        {"redis://[]", NULL},
        {"unix://r.sock", NULL},
        {"unix:///", NULL},
        {"unix:///r?db=", NULL},
        {"unix:///r?x=1", NULL},
        {"unix:///"
         "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "9"
         "0123456789",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct redis_place place;
        struct err err = {0};
        char got[400];
        enum status status = redis_url_parse(str_of(cases[i].url), &place, &err);
        if (cases[i].wanted) {
            assert_int_equal(status, STATUS_OK);
            assert_string_equal(words(got, sizeof got, &place), cases[i].wanted);
        } else {
            assert_int_equal(status, STATUS_DATA);
            assert_true(str_starts(str_of(err.text), STR("redis url: ")));
        }
        redis_place_release(&place);
    }
    char nul[] = "redis://h\0x", long_one[2000];
    struct redis_place place;
    struct err err = {0};
    assert_int_equal(redis_url_parse((struct str){nul, sizeof nul - 1}, &place, &err), STATUS_DATA);
    memset(long_one, 'x', sizeof long_one);
    memcpy(long_one, "redis://", 8);
    assert_int_equal(redis_url_parse((struct str){long_one, sizeof long_one}, &place, &err), STATUS_DATA);
}

static enum status open_with(struct redis_options options, struct err *err) {
    struct fs fs = fs_system();
    struct clock clock = clock_system();
    struct redis *redis;
    options.fs = &fs;
    options.clock = &clock;
    options.url = options.url.n ? options.url : STR("redis://127.0.0.1:1");
    enum status status = redis_open(&options, &redis, err);
    assert_int_equal(redis != NULL, status == STATUS_OK);
    if (redis) {
        struct cache_tier tier = redis_tier(redis);
        assert_string_equal(cache_tier_name(tier.kind), "redis");
        tier.close(tier.self);
    }
    return status;
}

static void test_options(void **state) {
    (void)state;
    struct scene scene;
    struct err err = {0};
    char path[300];
    scene_open(&scene);
    snprintf(path, sizeof path, "%s/secret", scene.path);
    assert_int_equal(open_with((struct redis_options){0}, &err), STATUS_OK);
    assert_int_equal(open_with((struct redis_options){.connections = 1000}, &err), STATUS_OK);
    assert_int_equal(open_with((struct redis_options){.prefix = STR("a-b_c.d:E9")}, &err), STATUS_OK);
    static const char *const prefixes[] = {
        "a b", "a*", "[a]", "\xc3\xa4",
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        assert_int_equal(open_with((struct redis_options){.prefix = str_of(prefixes[i])}, &err), STATUS_DATA);
    assert_int_equal(open_with((struct redis_options){.prefix = {"a\0b", 3}}, &err), STATUS_DATA);
    assert_int_equal(open_with((struct redis_options){.secret_file = path}, &err), STATUS_IO);
    put_text(&scene, "secret", "\r\n");
    assert_int_equal(open_with((struct redis_options){.secret_file = path}, &err), STATUS_DATA);
    put_text(&scene, "secret", "word\n");
    assert_int_equal(open_with((struct redis_options){.secret_file = path}, &err), STATUS_OK);
    unsetenv("PRESSRUN_TEST_SECRET");
    assert_int_equal(open_with((struct redis_options){.secret_variable = "PRESSRUN_TEST_SECRET"}, &err),
                     STATUS_DATA);
    assert_non_null(strstr(err.text, "PRESSRUN_TEST_SECRET"));
    assert_int_equal(open_with((struct redis_options){.url = STR("rediss://h")}, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "TLS"));
    scene_close(&scene);
}

static void test_missing_libraries(void **state) {
    (void)state;
    struct redis_library library;
    struct err err = {0};
    assert_int_equal(redis_library_open("libno-such.so.0", PRESSRUN_LIBB2, &library, &err),
                     STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.text, "libno-such.so.0 is not installed"));
    assert_int_equal(redis_library_open(PRESSRUN_HIREDIS, "libno-such.so.0", &library, &err),
                     STATUS_UNSUPPORTED);
    assert_int_equal(redis_library_open("libc.so.6", PRESSRUN_LIBB2, &library, &err), STATUS_UNSUPPORTED);
    assert_non_null(strstr(err.text, "is not the library"));
    assert_null(library.hiredis);
    assert_null(library.b2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit), cmocka_unit_test(test_keys_and_secrets),
        cmocka_unit_test(test_forged),    cmocka_unit_test(test_urls),
        cmocka_unit_test(test_options),   cmocka_unit_test(test_missing_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
