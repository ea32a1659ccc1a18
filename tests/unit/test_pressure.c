// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "monitor/pressure.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

#define SECOND UINT64_C(1000000000)

// A tree that looks like the system's, of files that may change between looks.
struct tree {
    struct scene scene;
    struct pressure *pressure;
    struct pressure_load load;
    uint64_t at;
};

static void put(struct tree *tree, const char *path, const char *text) {
    char directory[128];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    assert_true(fs_make_dirs(&tree->scene.fs, tree->scene.root, directory, 0777) >= 0);
    put_text(&tree->scene, path, text);
}

static void plant(struct tree *tree) {
    *tree = (struct tree){.at = 77};
    scene_open(&tree->scene);
}

static void look(struct tree *tree) { // a second later
    tree->at += SECOND;
    pressure_look(tree->pressure, tree->at, &tree->load);
}

static void begin(struct tree *tree, uint64_t cpus) { // bits of the first CPUs
    const struct pressure_cpus mine = {.bits = {cpus}};
    tree->pressure = pressure_open(&tree->scene.fs, tree->scene.path, &mine);
    look(tree);
}

static void fell(struct tree *tree) {
    pressure_close(tree->pressure);
    scene_close(&tree->scene);
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static void knows_nothing_of_nothing(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    begin(&tree, 3);
    look(&tree);
    assert_false(tree.load.cpu_known);
    assert_false(tree.load.memory_known);
    fell(&tree);
    pressure_close(NULL);
}

static void counts_the_cpus_it_may_use(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/stat",
        "cpu  0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n"
        "cpu2 0 0 0 0 0 0 0 0 0 0\nintr 1 2\n");
    begin(&tree, 3);
    assert_false(tree.load.cpu_known); // of one look nothing can be told
    // Half of the first; of the second a quarter, and a quarter that a hypervisor took; the third is others'.
    put(&tree, "proc/stat",
        "cpu  9 9 9 9\ncpu0 20 10 15 40 10 2 3 0 9 9\ncpu1 25 0 0 50 0 0 0 25 0 0\n"
        "cpu2 100 0 0 0 0 0 0 0 0 0\nintr 1 2\n");
    look(&tree);
    assert_true(tree.load.cpu_known);
    assert_near(tree.load.cpus, 2);
    assert_near(tree.load.busy, 1);
    look(&tree); // a clock that stands still
    assert_false(tree.load.cpu_known);
    put(&tree, "proc/stat", "rubbish\n");
    look(&tree);
    assert_false(tree.load.cpu_known);
    fell(&tree);
}

static void a_quota_that_is_used_more_counts(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/self/cgroup", "0::/a/b\n");
    put(&tree, "proc/stat", "cpu0 0 0 0 0\ncpu1 0 0 0 0\n");
    put(&tree, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put(&tree, "sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    put(&tree, "sys/fs/cgroup/cpu.max", "800000 100000\n");
    put(&tree, "sys/fs/cgroup/a/b/cpu.stat", "usage_usec 1\n");
    put(&tree, "sys/fs/cgroup/a/cpu.stat", "usage_usec 5000000\nuser_usec 1\n");
    begin(&tree, 3);
    put(&tree, "proc/stat", "cpu0 50 0 0 50\ncpu1 50 0 0 50\n");
    put(&tree, "sys/fs/cgroup/a/cpu.stat", "usage_usec 6200000\nuser_usec 1\n");
    look(&tree);
    assert_near(tree.load.cpus, 1.5); // 1.2 of 1.5 rather than 1 of 2
    assert_near(tree.load.busy, 1.2);
    put(&tree, "proc/stat", "cpu0 150 0 0 50\ncpu1 140 0 0 60\n");
    look(&tree);
    assert_near(tree.load.cpus, 2); // 0 of 1.5, but 1.9 of 2
    assert_near(tree.load.busy, 1.9);
    fell(&tree);
}

static void version_1_has_use_elsewhere(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/self/cgroup", "3:cpuacct:/g/h\n2:cpu:/g/h\n");
    put(&tree, "sys/fs/cgroup/cpu/g/h/cpu.cfs_quota_us", "-1\n");
    put(&tree, "sys/fs/cgroup/cpu/g/h/cpu.cfs_period_us", "100000\n");
    put(&tree, "sys/fs/cgroup/cpu/g/cpu.cfs_quota_us", "400000\n");
    put(&tree, "sys/fs/cgroup/cpu/g/cpu.cfs_period_us", "100000\n");
    put(&tree, "sys/fs/cgroup/cpuacct/g/h/cpuacct.usage", "7\n");
    put(&tree, "sys/fs/cgroup/cpuacct/g/cpuacct.usage", "1000\n");
    begin(&tree, 3);
    put(&tree, "sys/fs/cgroup/cpuacct/g/cpuacct.usage", "3000001000\n");
    look(&tree);
    assert_true(tree.load.cpu_known);
    assert_near(tree.load.cpus, 4);
    assert_near(tree.load.busy, 3);
    fell(&tree);
}

static void the_machine_has_memory(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n");
    begin(&tree, 1);
    assert_true(tree.load.memory_known);
    assert_int_equal(tree.load.memory_limit, 1000 * 1024);
    assert_int_equal(tree.load.memory_used, 600 * 1024);
    put(&tree, "proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\n"); // of an old kernel
    look(&tree);
    assert_false(tree.load.memory_known);
    fell(&tree);
}

// Without the file cache, which gives way.
static void a_groups_limit_that_is_used_more_counts(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/self/cgroup", "0::/a/b\n");
    put(&tree, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n");
    put(&tree, "sys/fs/cgroup/a/b/memory.max", "max\n");
    put(&tree, "sys/fs/cgroup/a/memory.max", "1000\n");
    put(&tree, "sys/fs/cgroup/a/memory.current", "900\n");
    put(&tree, "sys/fs/cgroup/a/memory.stat", "anon 100\ninactive_file 200\n");
    begin(&tree, 1);
    assert_int_equal(tree.load.memory_limit, 1000);
    assert_int_equal(tree.load.memory_used, 700);
    put(&tree, "sys/fs/cgroup/a/memory.current", "650\n");
    look(&tree);
    assert_int_equal(tree.load.memory_limit, 1000 * 1024); // 60 % rather than 45 %
    put(&tree, "sys/fs/cgroup/a/memory.stat", "inactive_file 700\n");
    look(&tree);
    assert_int_equal(tree.load.memory_limit, 1000 * 1024);
    fell(&tree);
}

static void version_1_has_memory(void **state) {
    (void)state;
    struct tree tree;
    plant(&tree);
    put(&tree, "proc/self/cgroup", "4:memory:/g\n");
    put(&tree, "sys/fs/cgroup/memory/g/memory.limit_in_bytes", "5000\n");
    put(&tree, "sys/fs/cgroup/memory/g/memory.usage_in_bytes", "4000\n");
    put(&tree, "sys/fs/cgroup/memory/g/memory.stat", "inactive_file 1\ntotal_inactive_file 1500\n");
    put(&tree, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); // none
    put(&tree, "sys/fs/cgroup/memory/memory.usage_in_bytes", "9223372036854771000\n");
    begin(&tree, 1);
    assert_int_equal(tree.load.memory_limit, 5000);
    assert_int_equal(tree.load.memory_used, 2500);
    fell(&tree);
}

static void calls_fail(void **state) {
    (void)state;
    for (int at = 1;; at++) {
        struct tree tree;
        struct faulty faulty;
        plant(&tree);
        put(&tree, "proc/self/cgroup", "4:memory,cpu:/g\n0::/\n");
        put(&tree, "proc/stat", "cpu0 1 2 3 4\n");
        put(&tree, "sys/fs/cgroup/memory/g/memory.limit_in_bytes", "5000\n");
        put(&tree, "sys/fs/cgroup/memory/g/memory.usage_in_bytes", "4000\n");
        put(&tree, "sys/fs/cgroup/cpu.max", "200000 100000\n");
        put(&tree, "sys/fs/cgroup/cpu.stat", "usage_usec 6200000\n");
        tree.scene.fs = faulty_fs(&faulty, at, EIO);
        begin(&tree, 1);
        look(&tree);
        const bool hit = faulty.hit;
        pressure_close(tree.pressure);
        assert_int_equal(faulty.open_files, 0);
        scene_close(&tree.scene);
        if (!hit)
            break;
    }
}

// This very machine: whatever it tells, it can be.
static void the_system_is_sane(void **state) {
    (void)state;
    struct fs fs = fs_system();
    struct pressure_cpus cpus;
    struct pressure_load load;
    pressure_cpus_of_process(1, &cpus);
    struct pressure *p = pressure_open(&fs, "", &cpus);
    pressure_look(p, SECOND, &load);
    pressure_look(p, 2 * SECOND, &load);
    assert_true(!load.cpu_known || (load.cpus > 0 && load.busy >= 0));
    assert_true(!load.memory_known || load.memory_limit > 0);
    assert_true(load.own >= 0);
    pressure_close(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_of_nothing),
        cmocka_unit_test(counts_the_cpus_it_may_use),
        cmocka_unit_test(a_quota_that_is_used_more_counts),
        cmocka_unit_test(version_1_has_use_elsewhere),
        cmocka_unit_test(the_machine_has_memory),
        cmocka_unit_test(a_groups_limit_that_is_used_more_counts),
        cmocka_unit_test(version_1_has_memory),
        cmocka_unit_test(calls_fail),
        cmocka_unit_test(the_system_is_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
