// SPDX-License-Identifier: MIT
// What is kept of a stream's items comes back as it was, or not at all.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/lengths_format.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

static const struct lengths_stream sample = {.job = {"cards", 5},
                                             .path = {"a/b.txt", 7},
                                             .separator = {"\n--\n", 4},
                                             .spelling = LENGTHS_LINES,
                                             .items = 3,
                                             .digest = {1, 2},
                                             .size = 300,
                                             .inode = 4,
                                             .mtime = -5};

struct given {
    const char *key;
    uint64_t n;
    const char *tail;
};

// Every form of key, and what comes close to being another.
static const struct given mixed[] = {
    {"1", 10, ""},
    {"2", 0, ""},
    {"7", 300, "\n"},
    {"8", 1, ""},
    {"08", 2, ""},
    {"9", 3, " \n"},
    {"", 4, ""},
    {"user-17", 5, ""},
    {"user-18", 6, ""},
    {"users", 7, ""},
    {"0", 8, ""},
    {"1", 9, ""},
    {"999999999999999999", 10, ""},
    {"1000000000000000000", 11, ""},
    {"999999999999999999", 12, ""},
    {"18446744073709551616", 13, ""},
    {"-1", 14, ""},
    {"\xc3\xa9t\xc3\xa9", (1ULL << 60) - 1, ""},
    {"10", 15, ""},
};
enum { MIXED = sizeof mixed / sizeof *mixed };

static struct lengths_item item_of(const struct given *given) {
    return (struct lengths_item){str_of(given->key), given->n, str_of(given->tail)};
}

static enum status publish(const struct fs *fs, int root, const struct given *items, size_t n,
                           struct err *err) {
    struct lengths_writer *writer = lengths_write(fs, root, &sample);
    uint64_t bytes;
    for (size_t i = 0; i < n; i++) {
        const struct lengths_item item = item_of(&items[i]);
        lengths_add(writer, &item);
    }
    return lengths_publish(writer, &sample, &bytes, err);
}

static void must_publish(const struct scene *scene, const struct given *items, size_t n) {
    struct err err = {.text = ""};
    if (publish(&scene->fs, scene->root, items, n, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

static bool same_item(const struct lengths_item *a, const struct given *b) {
    return str_is(a->key, b->key) && a->n == b->n && str_is(a->tail, b->tail);
}

// What can be read. Everything that is given out must be as it was written; *whole: and all of it was.
static enum status read_all(const struct fs *fs, int root, const struct given *items, size_t n, bool *whole) {
    struct lengths_reader *reader;
    struct err err;
    *whole = false;
    enum status status = lengths_open(fs, root, sample.path, &reader, &err);
    if (status != STATUS_OK || !reader)
        return status;
    const struct lengths_stream *about = lengths_about(reader);
    bool same = str_equal(about->job, sample.job) && str_equal(about->separator, sample.separator) &&
                about->spelling == sample.spelling && about->items == n && about->size == sample.size &&
                about->inode == sample.inode && about->mtime == sample.mtime &&
                digest_equal(about->digest, sample.digest);
    struct lengths_item item;
    bool end = false;
    size_t got = 0;
    assert_true(same);
    while ((status = lengths_next(reader, &item, &end, &err)) == STATUS_OK && !end) {
        assert_true(got < n && same_item(&item, &items[got]));
        got++;
    }
    *whole = status == STATUS_OK && got == n;
    lengths_close(reader);
    return status;
}

static char name_room[LENGTHS_NAME_SIZE];
static const char *name(void) {
    lengths_name(sample.path, name_room);
    return name_room;
}

static void items_come_back(void **state) {
    (void)state;
    struct scene scene;
    bool whole;
    scene_open(&scene);
    assert_int_equal(read_all(&scene.fs, scene.root, mixed, MIXED, &whole), STATUS_OK);
    assert_false(whole); // there is none yet
    for (size_t n = 0; n <= MIXED; n++) {
        must_publish(&scene, mixed, n);
        assert_int_equal(read_all(&scene.fs, scene.root, mixed, n, &whole), STATUS_OK);
        assert_true(whole);
    }
    assert_int_equal(lengths_forget(&scene.fs, scene.root, sample.path), 0);
    assert_int_equal(lengths_forget(&scene.fs, scene.root, sample.path), 0);
    assert_null(get_file(&scene, name()).p);
    scene_close(&scene);
}

enum { MANY = 100000 };

static struct given *many(char (*room)[24], bool numbers) {
    struct given *items = MEM_NEW_ARRAY(struct given, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(room[i], sizeof room[i], numbers ? "%u" : "u%06u", i + 1);
        items[i] = (struct given){room[i], 200 + i * 2654435761u % 300, i % 1000 ? "" : "\n"};
    }
    return items;
}

static void many_items_take_few_bytes(void **state) {
    (void)state;
    char(*room)[24] = mem_alloc(sizeof *room * MANY);
    for (int numbers = 0; numbers < 2; numbers++) {
        struct scene scene;
        bool whole;
        scene_open(&scene);
        struct given *items = many(room, numbers);
        must_publish(&scene, items, MANY);
        assert_int_equal(read_all(&scene.fs, scene.root, items, MANY, &whole), STATUS_OK);
        assert_true(whole);
        struct buf file = get_file(&scene, name());
        assert_in_range(file.n, MANY / 10, 2 * MANY);
        buf_release(&file);
        mem_free(items);
        scene_close(&scene);
    }
    mem_free(room);
}

// Several blocks, small enough to be damaged everywhere.
static struct buf small_file(struct scene *scene, const struct given *items, size_t n) {
    scene_open(scene);
    must_publish(scene, items, n);
    return get_file(scene, name());
}

static void no_flipped_byte_is_believed(void **state) {
    (void)state;
    struct scene scene;
    struct buf file = small_file(&scene, mixed, MIXED);
    for (size_t at = 0; at < file.n; at++)
        for (unsigned bit = 0; bit < 9; bit++) {
            bool whole;
            unsigned char flip = (unsigned char)(bit < 8 ? 1u << bit : 0xFFu);
            file.p[at] = (char)(file.p[at] ^ flip);
            put_file(&scene, name(), file.p, file.n);
            enum status status = read_all(&scene.fs, scene.root, mixed, MIXED, &whole);
            if (status != STATUS_DATA && status != STATUS_UNSUPPORTED)
                fail_msg("byte %zu ^ %02x is believed", at, flip);
            file.p[at] = (char)(file.p[at] ^ flip);
        }
    buf_release(&file);
    scene_close(&scene);
}

static void no_cut_or_longer_file_is_believed(void **state) {
    (void)state;
    struct scene scene;
    bool whole;
    struct buf file = small_file(&scene, mixed, MIXED);
    for (size_t n = 0; n < file.n; n++) {
        put_file(&scene, name(), file.p, n);
        assert_int_equal(read_all(&scene.fs, scene.root, mixed, MIXED, &whole), STATUS_DATA);
        put_file(&scene, name(), file.p + n + 1, file.n - n - 1);
        assert_int_equal(read_all(&scene.fs, scene.root, mixed, MIXED, &whole), STATUS_DATA);
    }
    buf_add_char(&file, 0);
    put_file(&scene, name(), file.p, file.n);
    assert_int_equal(read_all(&scene.fs, scene.root, mixed, MIXED, &whole), STATUS_DATA);
    buf_release(&file);
    scene_close(&scene);
}

// Sound blocks in another order, one twice, or one too few are not what was written.
static void blocks_keep_their_places(void **state) {
    (void)state;
    struct scene scene;
    bool whole;
    char(*room)[24] = mem_alloc(sizeof *room * MANY);
    struct given *items = many(room, false);
    struct buf file = small_file(&scene, items, MANY), other = BUF_INIT;
    size_t ends[4] = {LENGTHS_HEAD};
    for (int i = 1; i < 4; i++) {
        uint32_t stored; // little-endian, as are the machines this test runs on
        memcpy(&stored, file.p + ends[i - 1] + 16, sizeof stored);
        ends[i] = ends[i - 1] + LENGTHS_FRAME + stored;
    }
    assert_true(ends[3] < file.n);
    static const int orders[][3] = {{1, 0, 2}, {0, 0, 2}, {0, 2, -1}, {0, -1, -1}, {2, 1, 0}};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        buf_clear(&other);
        buf_add(&other, file.p, LENGTHS_HEAD);
        for (int i = 0; i < 3; i++)
            if (orders[o][i] >= 0)
                buf_add(&other, file.p + ends[orders[o][i]], ends[orders[o][i] + 1] - ends[orders[o][i]]);
        buf_add(&other, file.p + ends[3], file.n - ends[3]);
        put_file(&scene, name(), other.p, other.n);
        struct lengths_reader *reader;
        struct lengths_item item;
        struct err err;
        bool end = false;
        enum status status = lengths_open(&scene.fs, scene.root, sample.path, &reader, &err);
        while (status == STATUS_OK && !end)
            status = lengths_next(reader, &item, &end, &err);
        lengths_close(reader);
        assert_int_equal(status, STATUS_DATA);
    }
    put_file(&scene, name(), file.p, file.n);
    assert_int_equal(read_all(&scene.fs, scene.root, items, MANY, &whole), STATUS_OK);
    assert_true(whole);
    buf_release(&file);
    buf_release(&other);
    mem_free(items);
    mem_free(room);
    scene_close(&scene);
}

static void another_streams_file_is_not_taken(void **state) {
    (void)state;
    struct scene scene;
    struct lengths_reader *reader;
    struct err err;
    char other[LENGTHS_NAME_SIZE];
    struct buf file = small_file(&scene, mixed, MIXED);
    lengths_name(STR("other.txt"), other);
    put_file(&scene, other, file.p, file.n);
    assert_int_equal(lengths_open(&scene.fs, scene.root, STR("other.txt"), &reader, &err), STATUS_DATA);
    assert_null(reader);
    buf_release(&file);
    scene_close(&scene);
}

static void what_is_too_long_is_not_kept(void **state) {
    (void)state;
    struct scene scene;
    struct err err;
    uint64_t bytes;
    scene_open(&scene);
    for (int i = 0; i < 2; i++) {
        char *key = pattern((size_t)LENGTHS_LONGEST + (size_t)i, 1);
        struct lengths_writer *writer = lengths_write(&scene.fs, scene.root, &sample);
        const struct lengths_item item = {.key = {key, (size_t)LENGTHS_LONGEST + (size_t)i}, .n = 1};
        lengths_add(writer, &item);
        lengths_add(writer, &item);
        assert_int_equal(lengths_publish(writer, &sample, &bytes, &err), i ? STATUS_LIMIT : STATUS_OK);
        mem_free(key);
    }
    assert_int_equal(count_files(scene.root, LENGTHS_NEW_SUFFIX), 0);
    scene_close(&scene);
}

// Whatever call fails, there is what was there, or what was to be, or nothing; and it says which.
static void a_failing_call_is_told_and_leaves_nothing_half(void **state) {
    (void)state;
    bool hit = true;
    for (int at = 1; hit; at++) {
        struct scene scene;
        struct faulty faulty;
        struct err err = {.text = ""};
        bool whole;
        scene_open(&scene);
        must_publish(&scene, mixed, 2);
        struct fs fs = faulty_fs(&faulty, at, ENOSPC);
        enum status status = publish(&fs, scene.root, mixed, MIXED, &err);
        hit = faulty.hit;
        if (hit && status != STATUS_OK)
            assert_true(strlen(err.text) > 0);
        assert_int_equal(read_all(&scene.fs, scene.root, mixed, status == STATUS_OK ? MIXED : 2, &whole),
                         STATUS_OK);
        assert_true(whole);
        if (!faulty.unlink_failed)
            assert_int_equal(count_files(scene.root, LENGTHS_NEW_SUFFIX), 0);
        assert_int_equal(faulty.open_files, 0);
        scene_close(&scene);
    }
}

static void a_failing_read_is_not_believed(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    must_publish(&scene, mixed, MIXED);
    bool hit = true;
    for (int at = 1; hit; at++) {
        struct faulty faulty;
        bool whole;
        struct fs fs = faulty_fs(&faulty, at, EIO);
        enum status status = read_all(&fs, scene.root, mixed, MIXED, &whole);
        hit = faulty.hit;
        assert_true(whole == (status == STATUS_OK));
        assert_int_equal(faulty.open_files, 0);
    }
    scene_close(&scene);
}

static void a_dropped_one_leaves_what_was_there(void **state) {
    (void)state;
    struct scene scene;
    bool whole;
    scene_open(&scene);
    must_publish(&scene, mixed, 3);
    struct lengths_writer *writer = lengths_write(&scene.fs, scene.root, &sample);
    const struct lengths_item item = item_of(&mixed[0]);
    lengths_add(writer, &item);
    lengths_drop(writer);
    assert_int_equal(read_all(&scene.fs, scene.root, mixed, 3, &whole), STATUS_OK);
    assert_true(whole);
    assert_int_equal(count_files(scene.root, LENGTHS_NEW_SUFFIX), 0);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_back),
        cmocka_unit_test(many_items_take_few_bytes),
        cmocka_unit_test(no_flipped_byte_is_believed),
        cmocka_unit_test(no_cut_or_longer_file_is_believed),
        cmocka_unit_test(blocks_keep_their_places),
        cmocka_unit_test(another_streams_file_is_not_taken),
        cmocka_unit_test(what_is_too_long_is_not_kept),
        cmocka_unit_test(a_failing_call_is_told_and_leaves_nothing_half),
        cmocka_unit_test(a_failing_read_is_not_believed),
        cmocka_unit_test(a_dropped_one_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
