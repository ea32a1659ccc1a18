// SPDX-License-Identifier: MIT
// Health checks of a machine and a clock by the script; sessions of the command line have the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>

#include "pipeline/doctor/doctor.h"
#include "pipeline/doctor/doctor_sqlite.h"
#include "tests/support/scene.h"

#define SECOND INT64_C(1000000000)

// A clock whose wall goes on by so much a look; a variable of the environment.
struct world {
    struct scene scene;
    struct doctor doctor;
    struct doctor_options options;
    int64_t wall, wall_step;
    uint64_t monotonic, monotonic_step;
    const char *variable, *value;
};

static int64_t wall(void *self) {
    struct world *world = self;
    return world->wall += world->wall_step;
}

static uint64_t monotonic(void *self) {
    struct world *world = self;
    return world->monotonic += world->monotonic_step;
}

static const char *get_variable(void *self, const char *name) {
    const struct world *world = self;
    return world->variable && strcmp(world->variable, name) == 0 ? world->value : NULL;
}

static void begin(struct world *world) {
    *world = (struct world){.wall = 1800000000 * SECOND, .monotonic = 5};
    scene_open(&world->scene);
    world->options = (struct doctor_options){.fs = &world->scene.fs,
                                             .clock = {.self = world, .wall = wall, .monotonic = monotonic},
                                             .root = world->scene.path,
                                             .environment = {world, get_variable}};
}

static void put(struct world *world, const char *path, const char *text) {
    char directory[128];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    assert_true(fs_make_dirs(&world->scene.fs, world->scene.root, directory, 0777) >= 0);
    put_text(&world->scene, path, text);
}

// What one check says, as its first finding.
static const struct doctor_finding *examine(struct world *world, const char *check) {
    size_t i = 0;
    while (strcmp(doctor_check_name(i), check) != 0)
        i++;
    world->options.only = 1u << i;
    doctor_examine(&world->doctor, &world->options);
    assert_true(world->doctor.n >= 1);
    assert_string_equal(world->doctor.findings[0].check, check);
    return &world->doctor.findings[0];
}

static void end(struct world *world) {
    doctor_release(&world->doctor);
    scene_close(&world->scene);
}

static void test_memory(void **state) {
    (void)state;
    static const struct {
        const char *books;
        enum doctor_state wanted;
    } cases[] = {
        {NULL, DOCTOR_SKIPPED},
        {"MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n", DOCTOR_OK},
        {"MemTotal: 8000000 kB\nMemAvailable: 500000 kB\n", DOCTOR_WARN}, // more than 90 % used
        {"MemTotal: 500000 kB\nMemAvailable: 200000 kB\n", DOCTOR_WARN},  // less than 256 MiB left
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        begin(&world);
        if (cases[i].books)
            put(&world, "proc/meminfo", cases[i].books);
        const struct doctor_finding *found = examine(&world, "memory");
        assert_int_equal(found->state, cases[i].wanted);
        assert_int_equal(found->advice.p != NULL, cases[i].wanted == DOCTOR_WARN);
        end(&world);
    }
}

// What holds the thread up between looks at the clocks is no step of one.
static void test_clock(void **state) {
    (void)state;
    static const struct {
        int64_t wall_step;
        uint64_t monotonic_step;
        enum doctor_state wanted;
    } cases[] = {
        {50000000, 25000000, DOCTOR_OK},
        {200000000, 100000000, DOCTOR_OK},
        {3600 * SECOND, 25000000, DOCTOR_WARN},
        {-SECOND, 25000000, DOCTOR_WARN},
        {-1700000000 * SECOND / 2, 1, DOCTOR_WARN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        begin(&world);
        world.wall_step = cases[i].wall_step;
        world.monotonic_step = cases[i].monotonic_step;
        assert_int_equal(examine(&world, "clock")->state, cases[i].wanted);
        end(&world);
    }
}

static void test_clock_of_long_ago(void **state) {
    (void)state;
    struct world world;
    begin(&world);
    world.wall = 0;
    assert_int_equal(examine(&world, "clock")->state, DOCTOR_FAIL);
    end(&world);
}

static void test_variables(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        enum doctor_state wanted;
    } cases[] = {
        {NULL, NULL, DOCTOR_OK},
        {"OMP_WAIT_POLICY", "active", DOCTOR_WARN},
        {"OMP_WAIT_POLICY", "", DOCTOR_OK},
        {"OMP_THREAD_LIMIT", "0", DOCTOR_OK},
        {"OMP_THREAD_LIMIT", "100000", DOCTOR_OK},
        {"OMP_DYNAMIC", "false", DOCTOR_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        begin(&world);
        world.variable = cases[i].name;
        world.value = cases[i].value;
        assert_int_equal(examine(&world, "openmp")->state, cases[i].wanted);
        end(&world);
    }
}

// When the time is up a database is sound as far as it was read.
static void test_database_without_time(void **state) {
    (void)state;
    struct world world;
    struct doctor_sqlite look;
    char path[300];
    sqlite3 *db;
    begin(&world);
    snprintf(path, sizeof path, "%s/t.db", world.scene.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "create table t (a primary key, b); with recursive n(i) as (values (1) union all "
                     "select i + 1 from n where i < 5000) insert into t select i, hex(i) from n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    doctor_sqlite_look(&look, &world.options.clock, path, "select a, b from t");
    assert_int_equal(look.end, DOCTOR_SQLITE_SOUND);
    assert_true(look.whole);
    assert_true(look.pages > 10);
    world.monotonic_step = 10 * SECOND;
    doctor_sqlite_look(&look, &world.options.clock, path, "select nothing from t");
    assert_int_equal(look.end, DOCTOR_SQLITE_QUERY); // which is looked at all the same
    assert_false(look.whole);
    world.doctor = (struct doctor){.n = 0};
    scene_close(&world.scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_clock_of_long_ago),
        cmocka_unit_test(test_variables),

        cmocka_unit_test(test_database_without_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
