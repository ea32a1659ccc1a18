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

static void available_is_sane(void **state) {
    (void)state;
    struct worker_count count = workers_available();
    assert_true(count.n >= 1 && count.n <= workers_affinity());
    assert_true(strcmp(count.source, "affinity") == 0 || strcmp(count.source, "cgroup quota") == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_quota),
        cmocka_unit_test(rounded_up_and_at_least_one),
        cmocka_unit_test(tightest_on_the_way_up_counts),
        cmocka_unit_test(version_1_and_mixtures),
        cmocka_unit_test(available_is_sane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
