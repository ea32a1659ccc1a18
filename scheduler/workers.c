// SPDX-License-Identifier: MIT
#include "scheduler/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "scheduler/scheduler.h"

enum { FILE_LIMIT = 1 << 20 };

uint32_t workers_affinity(void) {
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) { // the kernel says EINVAL while the set is too small
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (!set)
            break;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int result = sched_getaffinity(0, size, set), os = errno;
        int n = result == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (n > 0)
            return (uint32_t)n;
        if (result == 0 || os != EINVAL)
            break;
    }
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

// A small file's text, owned; NULL: not there.
static char *read_small(const struct fs *fs, struct buf *path) {
    char *text;
    size_t n;
    struct err err;
    return fs_read_file(fs, buf_text(path), FILE_LIMIT, &text, &n, &err) == STATUS_OK ? text : NULL;
}

static uint32_t round_up(int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t n = quota / period + (quota % period != 0);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static char *read_in(const struct fs *fs, struct str directory, const char *name) {
    struct buf path = BUF_INIT;
    buf_printf(&path, "%.*s/%s", STR_ARG(directory), name);
    char *text = read_small(fs, &path);
    buf_release(&path);
    return text;
}

// Version 2: "max 100000" or "150000 100000".
static uint32_t quota_of_v2(const struct fs *fs, struct str directory) {
    int64_t quota, period;
    char *text = read_in(fs, directory, "cpu.max");
    uint32_t n = 0;
    if (text && sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) == 2)
        n = round_up(quota, period);
    mem_free(text);
    return n;
}

// Version 1: two files; a quota of -1 is none.
static uint32_t quota_of_v1(const struct fs *fs, struct str directory) {
    int64_t quota, period;
    char *quota_text = read_in(fs, directory, "cpu.cfs_quota_us");
    char *period_text = read_in(fs, directory, "cpu.cfs_period_us");
    uint32_t n = 0;
    if (quota_text && period_text && sscanf(quota_text, "%" SCNd64, &quota) == 1 &&
        sscanf(period_text, "%" SCNd64, &period) == 1)
        n = round_up(quota, period);
    mem_free(quota_text);
    mem_free(period_text);
    return n;
}

static uint32_t tighter(uint32_t a, uint32_t b) {
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

// From a group up to the mount point. Groups that are not to be seen are passed over: in a container the path
// is often the host's, while the mount shows the container's own group at its top.
static uint32_t quota_upwards(const struct fs *fs, const char *root, const char *mount, struct str group,
                              uint32_t (*quota_of)(const struct fs *fs, struct str directory)) {
    uint32_t tightest = 0;
    struct buf path = BUF_INIT;
    for (;;) {
        while (group.n > 0 && group.p[group.n - 1] == '/')
            group.n--;
        buf_clear(&path);
        buf_printf(&path, "%s%s%.*s", root, mount, STR_ARG(group));
        tightest = tighter(tightest, quota_of(fs, buf_str(&path)));
        if (group.n == 0)
            break;
        while (group.n > 0 && group.p[group.n - 1] != '/')
            group.n--;
    }
    buf_release(&path);
    return tightest;
}

static bool has_controller(struct str list, const char *name) {
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (str_is((struct str){list.p, n}, name))
            return true;
        list = str_from(list, n + 1);
    }
    return false;
}

// One line of /proc/self/cgroup: "0::/group" (version 2) or "4:cpu,cpuacct:/group" (version 1).
static uint32_t quota_of_line(const struct fs *fs, const char *root, struct str line) {
    static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    static const char *const v1[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};
    const char *first = memchr(line.p, ':', line.n);
    if (!first)
        return 0;
    struct str rest = str_from(line, (size_t)(first - line.p) + 1);
    const char *second = memchr(rest.p, ':', rest.n);
    if (!second)
        return 0;
    struct str controllers = {rest.p, (size_t)(second - rest.p)};
    struct str group = str_from(rest, controllers.n + 1);
    uint32_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        if (controllers.n == 0)
            n = tighter(n, quota_upwards(fs, root, v2[i], group, quota_of_v2));
        else if (has_controller(controllers, "cpu"))
            n = tighter(n, quota_upwards(fs, root, v1[i], group, quota_of_v1));
    }
    return n;
}

uint32_t workers_cgroup_quota(const struct fs *fs, const char *root) {
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/proc/self/cgroup", root);
    char *text = read_small(fs, &path);
    buf_release(&path);
    uint32_t tightest = 0;
    for (struct str left = str_of(text); left.n > 0;) {
        const char *end = memchr(left.p, '\n', left.n);
        struct str line = {left.p, end ? (size_t)(end - left.p) : left.n};
        tightest = tighter(tightest, quota_of_line(fs, root, line));
        left = str_from(left, line.n + 1);
    }
    mem_free(text);
    return tightest;
}

struct worker_count workers_available(void) {
    struct fs fs = fs_system();
    uint32_t affinity = workers_affinity(), quota = workers_cgroup_quota(&fs, "");
    if (quota > 0 && quota < affinity)
        return (struct worker_count){.n = quota, .source = "cgroup quota"};
    return (struct worker_count){.n = affinity, .source = "affinity"};
}
