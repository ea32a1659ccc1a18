// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "scheduler/scheduler.h"
#include "scheduler/workers.h"

// A system made of a few files.
struct file {
    const char *path, *text;
};

struct fake {
    const struct file *files;
    size_t at; // of the one file that is open
};

static int fake_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)dir;
    (void)flags;
    (void)mode;
    struct fake *fake = self;
    fake->at = 0;
    for (int i = 0; fake->files[i].path; i++)
        if (strcmp(fake->files[i].path, path) == 0)
            return i;
    return -ENOENT;
}

static ssize_t fake_read(void *self, int fd, void *p, size_t n) {
    struct fake *fake = self;
    struct str left = str_from(str_of(fake->files[fd].text), fake->at);
    n = n < left.n ? n : left.n;
    memcpy(p, left.p, n);
    fake->at += n;
    return (ssize_t)n;
}

static int fake_stat(void *self, int fd, struct stat *st) { // these files have no size to speak of
    (void)self;
    (void)fd;
    *st = (struct stat){.st_mode = S_IFREG};
    return 0;
}

static int fake_close(void *self, int fd) {
    (void)self;
    (void)fd;
    return 0;
}

static uint32_t quota(const struct file *files) {
    struct fake fake = {.files = files};
    struct fs fs = {
        .self = &fake, .open = fake_open, .read = fake_read, .stat = fake_stat, .close = fake_close};
    return workers_cgroup_quota(&fs, "/r");
}

#define GROUP "/r/proc/self/cgroup"
#define V2    "/r/sys/fs/cgroup"
#define V1    "/r/sys/fs/cgroup/cpu"

static void no_quota(void **state) {
    (void)state;
    assert_int_equal(quota((struct file[]){{0}}), 0);
    assert_int_equal(quota((struct file[]){{GROUP, ""}, {0}}), 0);
    assert_int_equal(
        quota((struct file[]){{GROUP, "rubbish\n:\n0:\n\n"}, {V2 "/cpu.max", "100000 100000"}, {0}}), 0);
    assert_int_equal(quota((struct file[]){{GROUP, "0::/a\n"}, {V2 "/a/cpu.max", "max 100000\n"}, {0}}), 0);
    assert_int_equal(quota((struct file[]){{GROUP, "0::/a\n"}, {V2 "/a/cpu.max", "nonsense\n"}, {0}}), 0);
    assert_int_equal(quota((struct file[]){{GROUP, "0::/a\n"}, {V2 "/a/cpu.max", "100000 0\n"}, {0}}), 0);
    assert_int_equal(quota((struct file[]){{GROUP, "0::/a\n"}, {V2 "/b/cpu.max", "100000 100000\n"}, {0}}),
                     0);
    assert_int_equal(quota((struct file[]){{GROUP, "3:cpu:/\n"},
                                           {V1 "/cpu.cfs_quota_us", "-1\n"},
                                           {V1 "/cpu.cfs_period_us", "100000\n"},
                                           {0}}),
                     0);
    assert_int_equal(quota((struct file[]){{GROUP, "3:cpuset:/\n"}, // another controller
                                           {V1 "/cpu.cfs_quota_us", "100000\n"},
                                           {V1 "/cpu.cfs_period_us", "100000\n"},
                                           {0}}),
                     0);
}

static void rounded_up_and_at_least_one(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {{"1 100000", 1},      {"100000 100000", 1}, {"100001 100000\n", 2},
                 {"250000 100000", 3}, {"800000 100000", 8}, {"150 100", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(quota((struct file[]){{GROUP, "0::/\n"}, {V2 "/cpu.max", cases[i].text}, {0}}),
                         cases[i].want);
}

static void tightest_on_the_way_up_counts(void **state) {
    (void)state;
    struct file files[] = {
        {GROUP, "12:memory:/x\n0::/a/b/c\n"},   {V2 "/a/b/c/cpu.max", "max 100000\n"},
        {V2 "/a/b/cpu.max", "600000 100000\n"}, {V2 "/a/cpu.max", "200000 100000\n"},
        {V2 "/cpu.max", "900000 100000\n"},     {0},
    };
    assert_int_equal(quota(files), 2);
    files[1].text = "100000 100000\n";
    assert_int_equal(quota(files), 1);
    // The path is the host's, while only the top of the mount is to be seen.
    files[0].text = "0::/docker/0123\n";
    assert_int_equal(quota(files), 9);
}

static void version_1_and_mixtures(void **state) {
    (void)state;
    struct file files[] = {
        {GROUP, "4:cpuacct,cpu:/g/h\n0::/u\n"},
        {V1 "/g/h/cpu.cfs_quota_us", "-1\n"},
        {V1 "/g/h/cpu.cfs_period_us", "100000\n"},
        {V1 "/g/cpu.cfs_quota_us", "350000\n"},
        {V1 "/g/cpu.cfs_period_us", "100000\n"},
        {V2 "/unified/u/cpu.max", "500000 100000\n"},
        {0},
    };
    assert_int_equal(quota(files), 4);
    files[5].text = "300000 100000\n";
    assert_int_equal(quota(files), 3);
    files[4].path = "gone";
    files[5].path = "gone";
    assert_int_equal(quota(files), 0);
}

// CPU sets ----------------------------------------------------------------------------------------------------

static uint32_t cpus(const struct file *files) {
    struct fake fake = {.files = files};
    struct fs fs = {
        .self = &fake, .open = fake_open, .read = fake_read, .stat = fake_stat, .close = fake_close};
    return workers_cgroup_cpus(&fs, "/r");
}

static void cpu_sets_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {
        {"0-3\n", 4}, {"7", 1},  {"0-3,8,10-11\n", 7}, {"", 0},          {"\n", 0}, {"3-1", 0}, {"x", 0},
        {"1-", 0},    {"1,", 0}, {"1 2\n", 0},         {"0-99999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            cpus((struct file[]){{GROUP, "0::/\n"}, {V2 "/cpuset.cpus.effective", cases[i].text}, {0}}),
            cases[i].want);
        assert_int_equal(cpus((struct file[]){{GROUP, "3:cpuset:/a\n"},
                                              {"/r/sys/fs/cgroup/cpuset/a/cpuset.cpus", cases[i].text},
                                              {0}}),
                         cases[i].want);
    }
    // The own group's, not its parent's.
    assert_int_equal(cpus((struct file[]){{GROUP, "0::/a\n"},
                                          {V2 "/a/cpuset.cpus.effective", "0-1\n"},
                                          {V2 "/cpuset.cpus.effective", "0\n"},
                                          {0}}),
                     2);
    assert_int_equal(cpus((struct file[]){{GROUP, "3:cpu:/a\n"}, {V1 "/a/cpuset.cpus", "0-1\n"}, {0}}), 0);
}

// Launchers ---------------------------------------------------------------------------------------------------

struct variable {
    const char *name, *value;
};

static const char *get(void *self, const char *name) {
    for (const struct variable *v = self; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v->value;
    return NULL;
}

static struct worker_count chosen(const struct workers_machine *machine, struct variable *variables) {
    const struct workers_environment environment = {.self = variables, .get = get};
    return workers_choose(machine, &environment);
}

#define CHOSEN(MACHINE, N, SOURCE, ...)                                                                      \
    do {                                                                                                     \
        struct worker_count count = chosen(&(MACHINE), (struct variable[]){__VA_ARGS__, {0}});               \
        assert_int_equal(count.n, N);                                                                        \
        assert_string_equal(count.source, SOURCE);                                                           \
    } while (0)

static const struct workers_machine big = {.affinity = 32, .shared = 32};

static void the_smallest_counts(void **state) {
    (void)state;
    const struct workers_machine quota = {.affinity = 8, .quota = 3, .shared = 3};
    const struct workers_machine wide = {.affinity = 8, .quota = 12, .shared = 8};
    CHOSEN(big, 32, "affinity", {NULL, NULL});
    CHOSEN(quota, 3, "cgroup quota", {NULL, NULL});
    CHOSEN(wide, 8, "affinity", {NULL, NULL});
    CHOSEN(big, 4, "OMP_NUM_THREADS", {"OMP_NUM_THREADS", "4"});
    CHOSEN(quota, 3, "cgroup quota", {"OMP_NUM_THREADS", "4"});
    CHOSEN(quota, 3, "cgroup quota", {"OMP_NUM_THREADS", "3"}); // no less than the kernel says
    CHOSEN(quota, 2, "OMP_NUM_THREADS", {"OMP_NUM_THREADS", "2"});
    CHOSEN(big, 2, "SLURM_CPUS_PER_TASK", {"OMP_NUM_THREADS", "4"}, {"SLURM_CPUS_PER_TASK", "2"});
    CHOSEN(big, 2, "OMP_NUM_THREADS", {"OMP_NUM_THREADS", "2"}, {"SLURM_CPUS_PER_TASK", "4"});
    CHOSEN(big, 32, "affinity", {"OMP_NUM_THREADS", "64"});
}

static void each_launcher_is_understood(void **state) {
    (void)state;
    CHOSEN(big, 6, "OMP_NUM_THREADS", {"OMP_NUM_THREADS", "6,2,1"});
    CHOSEN(big, 6, "OMP_NUM_THREADS", {"OMP_NUM_THREADS", " 6 , 2"});
    CHOSEN(big, 5, "OMP_THREAD_LIMIT", {"OMP_THREAD_LIMIT", "5"});
    CHOSEN(big, 4, "SLURM_CPUS_PER_TASK", {"SLURM_CPUS_PER_TASK", "4"});
    CHOSEN(big, 16, "SLURM_CPUS_ON_NODE", {"SLURM_CPUS_ON_NODE", "16"});
    CHOSEN(big, 8, "PBS_NUM_PPN", {"PBS_NUM_PPN", "8"});
    CHOSEN(big, 7, "NCPUS", {"PBS_JOBID", "12.host"}, {"NCPUS", "7"});
    CHOSEN(big, 32, "affinity", {"NCPUS", "7"}); // somebody else's
    CHOSEN(big, 12, "LSB_DJOB_NUMPROC", {"LSB_DJOB_NUMPROC", "12"});
    CHOSEN(big, 3, "NSLOTS", {"NSLOTS", "3"}, {"SGE_TASK_ID", "undefined"});
    CHOSEN(big, 32, "affinity", {"NSLOTS", "3"});
}

static void tasks_of_a_node_share_it(void **state) {
    (void)state;
#define ON_NODE {"SLURM_CPUS_ON_NODE", "16"}
    CHOSEN(big, 8, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", "2"});
    CHOSEN(big, 8, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"},
           {"SLURM_NODEID", "2"});
    CHOSEN(big, 16, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", "2(x3),1"},
           {"SLURM_NODEID", "3"});
    CHOSEN(big, 5, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", "1,3"},
           {"SLURM_NODEID", "1"});
    CHOSEN(big, 1, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", "40"});
    static const char *const wrong[] = {"", "x", "2(x", "2(x3", "2(y3)", "2;3", "0", "2(x0)"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHOSEN(big, 16, "SLURM_CPUS_ON_NODE", ON_NODE, {"SLURM_STEP_TASKS_PER_NODE", wrong[i]},
               {"SLURM_NODEID", "1"});
#undef ON_NODE
}

static void ranks_of_a_node_share_it(void **state) {
    (void)state;
    const struct workers_machine bound = {.affinity = 1, .shared = 32}, // one core each
        socket = {.affinity = 16, .shared = 32},                        // 16 cores that some share
        container = {.affinity = 32, .quota = 6, .shared = 6}, unknown = {.affinity = 12};
    static const char *const variables[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                            "MV2_COMM_WORLD_LOCAL_SIZE"};
    for (size_t i = 0; i < 3; i++) {
        CHOSEN(big, 8, variables[i], {variables[i], "4"});
        CHOSEN(big, 10, variables[i], {variables[i], "3"});
        CHOSEN(big, 1, variables[i], {variables[i], "64"});
        CHOSEN(big, 32, "affinity", {variables[i], "1"});
        CHOSEN(bound, 1, "affinity", {variables[i], "4"});
        CHOSEN(socket, 8, variables[i], {variables[i], "4"});
        CHOSEN(container, 3, variables[i], {variables[i], "2"});
        CHOSEN(unknown, 4, variables[i], {variables[i], "3"});
    }
}

static void what_cannot_be_meant_is_passed_over(void **state) {
    (void)state;
    static const char *const variables[] = {
        "OMP_NUM_THREADS",
        "OMP_THREAD_LIMIT",
        "SLURM_CPUS_PER_TASK",
        "SLURM_CPUS_ON_NODE",
        "PBS_NUM_PPN",
        "NCPUS",
        "LSB_DJOB_NUMPROC",
        "NSLOTS",
        "MPI_LOCALNRANKS",
        "PBS_JOBID",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "MV2_COMM_WORLD_LOCAL_SIZE",
    };
    static const char *const values[] = {"",    "0",    "-1",   "+2",  "4x",         "x4",
                                         "2.5", "0x10", "four", "4 2", "4294967297", "99999999999999999999"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            CHOSEN(big, 32, "affinity", {variables[i], values[k]}, {"PBS_JOBID", "1"}, {"SGE_TASK_ID", "1"});
    // And does not stand in the way of another.
    CHOSEN(big, 4, "SLURM_CPUS_PER_TASK", {"OMP_NUM_THREADS", "many"}, {"SLURM_CPUS_PER_TASK", "4"});
}

static void available_is_sane(void **state) {
    (void)state;
    struct worker_count count = workers_available();
    assert_true(count.n >= 1 && count.n <= workers_affinity());
    assert_non_null(count.source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_quota),
        cmocka_unit_test(rounded_up_and_at_least_one),
        cmocka_unit_test(tightest_on_the_way_up_counts),
        cmocka_unit_test(version_1_and_mixtures),
        cmocka_unit_test(cpu_sets_are_counted),
        cmocka_unit_test(the_smallest_counts),
        cmocka_unit_test(each_launcher_is_understood),
        cmocka_unit_test(tasks_of_a_node_share_it),
        cmocka_unit_test(ranks_of_a_node_share_it),
        cmocka_unit_test(what_cannot_be_meant_is_passed_over),
        cmocka_unit_test(available_is_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
