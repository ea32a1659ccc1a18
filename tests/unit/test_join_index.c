// SPDX-License-Identifier: MIT
// Records by key: in memory, in a temporary table, and whatever that table meets.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/load/joins/join_index.h"

enum { MEMORY = 1 << 20, SPILLED = 1 };

struct world {
    struct shapes *shapes;
    struct join_index *index;
    struct arena arena;
    struct err err;
};

static void begin(struct world *w, size_t most, bool one) {
    *w = (struct world){.shapes = shapes_new()};
    const struct join_index_options options = {
        .shapes = w->shapes, .name = STR("orders"), .one = one, .most = most};
    w->index = join_index_new(&options);
    arena_init(&w->arena, 0);
}

static void end(struct world *w) {
    join_index_free(w->index);
    shapes_free(w->shapes);
    arena_release(&w->arena);
}

static struct value record_of(struct world *w, int64_t id, struct str text) {
    const struct value names[] = {value_string(STR("id")), value_string(STR("text"))};
    struct map *map = map_new(&w->arena, shapes_of_names(w->shapes, names, 2));
    map->values[0] = value_int(id);
    map->values[1] = value_string(text);
    return value_map(map);
}

static enum status add(struct world *w, const char *key, int64_t id) {
    char text[24];
    snprintf(text, sizeof text, "record %d", (int)id);
    return join_index_add(w->index, str_of(key), record_of(w, id, str_of(text)), &w->err);
}

// The ids of a key's records: "1 4 ", or "none".
static const char *found(struct world *w, const char *key, char room[256]) {
    struct value v;
    size_t at = 0;
    assert_int_equal(join_index_find(w->index, str_of(key), &w->arena, &v, &w->err), STATUS_OK);
    room[0] = 0;
    if (v.tag == VALUE_NONE)
        return "none";
    if (v.tag == VALUE_MAP) {
        snprintf(room, 256, "%d", (int)map_get(v.map, STR("id")).i);
        return room;
    }
    for (uint32_t i = 0; i < v.list->n; i++) {
        const struct map *map = v.list->items[i].map;
        char text[24];
        at += (size_t)snprintf(room + at, 256 - at, "%d ", (int)map_get(map, STR("id")).i);
        snprintf(text, sizeof text, "record %d", (int)map_get(map, STR("id")).i);
        assert_true(str_is(value_str(map_get(map, STR("text"))), text));
    }
    return room;
}

static const char *const keys[] = {"7",  "-3", "07", "", "Käse", "7", "9223372036854775807",
                                   "10", "7",  "-0", "x"};

static void fill(struct world *w) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(add(w, keys[i], (int64_t)i), STATUS_OK);
    assert_int_equal(join_index_end(w->index, &w->err), STATUS_OK);
}

static void lists_are_in_order_wherever_they_are(void **state) {
    (void)state;
    static const struct {
        const char *key, *records;
    } wanted[] = {{"7", "0 5 8 "}, {"-3", "1 "}, {"07", "2 "}, {"Käse", "4 "}, {"9223372036854775807", "6 "},
                  {"10", "7 "},    {"-0", "9 "}, {"x", "10 "}, {"0", ""},      {"9223372036854775808", ""},
                  {"70", ""},      {"kase", ""}};
    for (int spilled = 0; spilled < 2; spilled++) {
        struct world w;
        char room[256];
        begin(&w, spilled ? SPILLED : MEMORY, false);
        fill(&w);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            assert_string_equal(found(&w, wanted[i].key, room), wanted[i].records);
        struct join_figures figures;
        struct str example;
        join_index_figures(w.index, &figures, &w.arena, &example);
        assert_int_equal(figures.records, 11);
        assert_int_equal(figures.keys, 9);
        assert_int_equal(figures.lost, 1); // the empty one, which is a key like any other here
        assert_true(str_is(example, ""));
        assert_int_equal(figures.spilled > 0, spilled);
        end(&w);
    }
}

static void of_one_the_first_counts(void **state) {
    (void)state;
    for (int spilled = 0; spilled < 2; spilled++) {
        struct world w;
        char room[256];
        struct join_figures figures;
        struct str example;
        begin(&w, spilled ? SPILLED : MEMORY, true);
        fill(&w);
        assert_string_equal(found(&w, "7", room), "0");
        assert_string_equal(found(&w, "x", room), "10");
        assert_string_equal(found(&w, "nobody's", room), "none");
        join_index_figures(w.index, &figures, &w.arena, &example);
        assert_int_equal(figures.repeated, 2);
        assert_int_equal(figures.records, 9);
        end(&w);
    }
}

static void what_nobody_asked_for_is_counted(void **state) {
    (void)state;
    for (int spilled = 0; spilled < 2; spilled++) {
        struct world w;
        char room[256];
        struct join_figures figures;
        struct str example;
        begin(&w, spilled ? SPILLED : MEMORY, false);
        fill(&w);
        found(&w, "-3", room);
        found(&w, "-3", room);
        found(&w, "-3", room);
        found(&w, "x", room);
        join_index_figures(w.index, &figures, &w.arena, &example);
        assert_int_equal(figures.found_again, 1);
        assert_int_equal(figures.lost, 7);
        assert_int_equal(figures.lost_records, 9);
        assert_true(str_is(example, "7")); // the first that was added, not the least
        end(&w);
    }
}

static void nothing_at_all_is_found_in_nothing(void **state) {
    (void)state;
    struct world w;
    char room[256];
    struct value v;
    begin(&w, MEMORY, false);
    assert_int_equal(join_index_end(w.index, &w.err), STATUS_OK);
    assert_string_equal(found(&w, "7", room), "");
    assert_int_equal(join_index_find(w.index, (struct str){NULL, 0}, &w.arena, &v, &w.err), STATUS_OK);
    assert_int_equal(v.list->n, 0);
    end(&w);
}

// Many keys, some with many records, moved to the table in the middle.
static void many_are_the_same_in_the_table(void **state) {
    (void)state;
    enum { RECORDS = 3000, KEYS = 331 };
    struct world in, out;
    begin(&in, 64 << 20, false);
    begin(&out, 100000, false);
    for (int i = 0; i < RECORDS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%s%d", i % 3 ? "" : "k", i * i % KEYS - KEYS / 2);
        assert_int_equal(add(&in, key, i), STATUS_OK);
        assert_int_equal(add(&out, key, i), STATUS_OK);
    }
    assert_int_equal(join_index_end(in.index, &in.err), STATUS_OK);
    assert_int_equal(join_index_end(out.index, &out.err), STATUS_OK);
    for (int k = -KEYS; k < KEYS; k++) {
        char key[16], a[256], b[256];
        snprintf(key, sizeof key, "%s%d", k % 2 ? "" : "k", k / 2);
        assert_string_equal(found(&in, key, a), found(&out, key, b));
    }
    struct join_figures figures;
    struct str example;
    join_index_figures(out.index, &figures, &out.arena, &example);
    assert_true(figures.spilled > 0);
    assert_int_equal(figures.records, RECORDS);
    end(&in);
    end(&out);
}

struct looking {
    struct world *w;
    int from, sum;
};

static void *look(void *self) {
    struct looking *l = self;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    for (int i = 0; i < 400; i++) {
        char key[16];
        struct value v;
        snprintf(key, sizeof key, "%d", (l->from + i) % 100);
        if (join_index_find(l->w->index, str_of(key), &arena, &v, &err) == STATUS_OK)
            l->sum += (int)v.list->n;
    }
    arena_release(&arena);
    return NULL;
}

static void several_threads_look_up_at_once(void **state) {
    (void)state;
    enum { THREADS = 3 };
    for (int spilled = 0; spilled < 2; spilled++) {
        struct world w;
        pthread_t threads[THREADS];
        struct looking looking[THREADS];
        begin(&w, spilled ? SPILLED : MEMORY, false);
        for (int i = 0; i < 200; i++) {
            char key[16];
            snprintf(key, sizeof key, "%d", i % 50);
            assert_int_equal(add(&w, key, i), STATUS_OK);
        }
        assert_int_equal(join_index_end(w.index, &w.err), STATUS_OK);
        for (int t = 0; t < THREADS; t++) {
            looking[t] = (struct looking){&w, t * 31, 0};
            assert_int_equal(pthread_create(&threads[t], NULL, look, &looking[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(threads[t], NULL);
            assert_int_equal(looking[t].sum, 800);
        }
        end(&w);
    }
}

static void an_interrupt_ends_the_sorting(void **state) {
    (void)state;
    struct world w;
    atomic_bool interrupt = false;
    begin(&w, SPILLED, false);
    join_index_free(w.index);
    const struct join_index_options options = {
        .shapes = w.shapes, .name = STR("orders"), .most = SPILLED, .interrupt = &interrupt};
    w.index = join_index_new(&options);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(add(&w, i % 2 ? "a" : "b", i), STATUS_OK);
    atomic_store(&interrupt, true);
    assert_int_equal(join_index_end(w.index, &w.err), STATUS_CANCELLED);
    end(&w);
}

// No file may be larger than this, as on a disk that is full.
static void a_full_disk_is_told(void **state) {
    (void)state;
    enum { BYTES = 1 << 20, MOST = 40 };
    struct world w;
    struct rlimit old, low;
    char *long_text = mem_alloc(BYTES);
    memset(long_text, 'x', BYTES);
    begin(&w, SPILLED, false);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){64 << 10, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    enum status status = STATUS_OK;
    for (int i = 0; i < MOST && status == STATUS_OK; i++)
        status =
            join_index_add(w.index, STR("key"), record_of(&w, i, (struct str){long_text, BYTES}), &w.err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, STATUS_IO);
    assert_non_null(
        strstr(w.err.text, "orders: its records by key do not fit in memory (limits: join_bytes)"));
    mem_free(long_text);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_in_order_wherever_they_are),
        cmocka_unit_test(of_one_the_first_counts),
        cmocka_unit_test(what_nobody_asked_for_is_counted),
        cmocka_unit_test(nothing_at_all_is_found_in_nothing),
        cmocka_unit_test(many_are_the_same_in_the_table),
        cmocka_unit_test(several_threads_look_up_at_once),
        cmocka_unit_test(an_interrupt_ends_the_sorting),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
