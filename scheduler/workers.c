// SPDX-License-Identifier: MIT
#include "scheduler/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/mem.h"
#include "scheduler/scheduler.h"

enum { CPUS_MOST = 1 << 20 };

static uint32_t affinity_of_thread(void) {
    for (int cpus = 1024; cpus <= CPUS_MOST; cpus *= 2) { // the kernel says EINVAL while the set is too small
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

// OpenMP binds the thread that asks (OMP_PROC_BIND) before main begins; it knows what there was before.
uint32_t workers_affinity(void) {
    const uint32_t mine = affinity_of_thread();
    const int known = omp_get_num_procs();
    return known > 0 && (uint32_t)known > mine ? (uint32_t)known : mine;
}

static uint32_t round_up(int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t n = quota / period + (quota % period != 0);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

// Version 2: "max 100000" or "150000 100000".
static uint32_t quota_of_v2(const struct fs *fs, struct str directory) {
    int64_t quota, period;
    char *text = cgroup_read(fs, directory, "cpu.max");
    uint32_t n = 0;
    if (text && sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) == 2)
        n = round_up(quota, period);
    mem_free(text);
    return n;
}

// Version 1: two files; a quota of -1 is none.
static uint32_t quota_of_v1(const struct fs *fs, struct str directory) {
    int64_t quota, period;
    char *quota_text = cgroup_read(fs, directory, "cpu.cfs_quota_us");
    char *period_text = cgroup_read(fs, directory, "cpu.cfs_period_us");
    uint32_t n = 0;
    if (quota_text && period_text && sscanf(quota_text, "%" SCNd64, &quota) == 1 &&
        sscanf(period_text, "%" SCNd64, &period) == 1)
        n = round_up(quota, period);
    mem_free(quota_text);
    mem_free(period_text);
    return n;
}

struct search {
    const struct fs *fs;
    uint32_t found; // 0: nothing yet
};

static void tighten(void *context, enum cgroup_version version, struct str directory) {
    struct search *search = context;
    const uint32_t n =
        version == CGROUP_V2 ? quota_of_v2(search->fs, directory) : quota_of_v1(search->fs, directory);
    if (n && (search->found == 0 || n < search->found))
        search->found = n;
}

uint32_t workers_cgroup_quota(const struct fs *fs, const char *root) {
    struct search search = {.fs = fs};
    cgroup_visit(fs, root, "cpu", tighten, &search);
    return search.found;
}

// "0-3,8" has five. 0: it is no such list.
static uint32_t count_list(const char *text) {
    uint32_t n = 0;
    for (char *end;; text = end + 1) {
        if (*text < '0' || *text > '9')
            return 0;
        const unsigned long first = strtoul(text, &end, 10);
        unsigned long last = first;
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            last = strtoul(end + 1, &end, 10);
        if (last < first || last >= CPUS_MOST)
            return 0;
        n += (uint32_t)(last - first + 1);
        if (*end != ',')
            return *end == 0 || *end == '\n' ? n : 0;
    }
}

static void count_cpus(void *context, enum cgroup_version version, struct str directory) {
    static const char *const files[] = {"cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"};
    struct search *search = context;
    for (size_t i = version == CGROUP_V2 ? 0 : 1; search->found == 0 && i < 3; i++) {
        char *text = cgroup_read(search->fs, directory, files[i]);
        search->found = text ? count_list(text) : 0;
        mem_free(text);
    }
}

uint32_t workers_cgroup_cpus(const struct fs *fs, const char *root) {
    struct search search = {.fs = fs};
    cgroup_visit(fs, root, "cpuset", count_cpus, &search);
    return search.found;
}

static uint32_t smaller(uint32_t a, uint32_t b) { // of those that are known
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

struct worker_count workers_choose(const struct workers_machine *machine,
                                   const struct workers_environment *environment) {
    struct worker_count count = {.n = machine->affinity, .source = "affinity"};
    if (machine->quota > 0 && machine->quota < count.n)
        count = (struct worker_count){.n = machine->quota, .source = "cgroup quota"};
    const struct worker_count hinted = workers_hinted(machine, environment);
    return hinted.n > 0 && hinted.n < count.n ? hinted : count;
}

static const char *get_variable(void *self, const char *variable) {
    (void)self;
    return getenv(variable);
}

struct worker_count workers_available(void) {
    const struct fs fs = fs_system();
    const struct workers_environment environment = {.get = get_variable};
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    struct workers_machine machine = {.affinity = workers_affinity(), .quota = workers_cgroup_quota(&fs, "")};
    machine.shared = smaller(workers_cgroup_cpus(&fs, ""), online > 0 ? (uint32_t)online : 0);
    machine.shared = smaller(machine.shared, machine.quota);
    return workers_choose(&machine, &environment);
}
