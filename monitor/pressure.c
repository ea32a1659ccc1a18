// SPDX-License-Identifier: MIT
#include "monitor/pressure.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cgroup.h"
#include "base/mem.h"

enum { BOOK_SIZE = 64 << 10, GROUPS_MOST = 4 };
#define NO_LIMIT ((uint64_t)1 << 60) // version 1 says so with a number near 2^63

// A control group with a limit on memory.
struct group {
    int used, stat;       // books
    const char *inactive; // what of it the kernel would give back, in `stat`
    uint64_t limit;
};

struct pressure {
    struct fs fs;
    struct pressure_cpus cpus;
    int stat, meminfo, usage; // books; usage: of the group with the tightest quota
    double quota;             // cores; 0: none
    double usage_unit;        // nanoseconds
    const char *usage_name;   // the line of the book; NULL: it is one number
    struct group groups[GROUPS_MOST];
    size_t groups_n;
    char *text; // of BOOK_SIZE
    // the look before
    bool looked;
    uint64_t at;
    double own, used;     // nanoseconds
    uint64_t busy, total; // ticks
};

void pressure_cpus_of_process(uint32_t known, struct pressure_cpus *cpus) {
    *cpus = (struct pressure_cpus){{0}};
    const size_t size = CPU_ALLOC_SIZE(PRESSURE_CPUS_MOST);
    cpu_set_t *set = CPU_ALLOC(PRESSURE_CPUS_MOST);
    const bool told =
        set && sched_getaffinity(0, size, set) == 0 && (uint32_t)CPU_COUNT_S(size, set) >= known;
    for (size_t cpu = 0; cpu < PRESSURE_CPUS_MOST; cpu++)
        if (!told || CPU_ISSET_S(cpu, size, set))
            cpus->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
    CPU_FREE(set);
}

// ---- books

static int open_book(const struct fs *fs, struct str directory, const char *name) {
    struct buf path = BUF_INIT;
    buf_printf(&path, "%.*s/%s", STR_ARG(directory), name);
    const int fd = fs->open(fs->self, AT_FDCWD, buf_text(&path), O_RDONLY | O_CLOEXEC, 0);
    buf_release(&path);
    return fd;
}

static void close_book(const struct fs *fs, int fd) {
    if (fd >= 0)
        fs->close(fs->self, fd);
}

static const char *read_book(struct pressure *p, int fd) { // NULL: it cannot be read
    const ssize_t n = fd < 0 ? -1 : p->fs.read_at(p->fs.self, fd, p->text, BOOK_SIZE - 1, 0);
    if (n <= 0)
        return NULL;
    p->text[n] = 0;
    return p->text;
}

// The number behind a line's first word.
static bool find_line(const char *text, const char *name, uint64_t *number) {
    const size_t n = strlen(name);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, name, n) == 0)
            return sscanf(line + n, " %" SCNu64, number) == 1;
    return false;
}

static bool read_number(const struct fs *fs, struct str directory, const char *name, int64_t *number) {
    char *text = cgroup_read(fs, directory, name);
    const bool read = text && sscanf(text, "%" SCNd64, number) == 1; // "max" is none
    mem_free(text);
    return read;
}

// ---- quotas

struct quotas {
    struct pressure *p;
    unsigned level, tightest; // groups of version 1 that were visited, counted
};

static bool is_tighter(const struct pressure *p, int64_t quota, int64_t period) {
    return quota > 0 && period > 0 && (p->quota <= 0 || (double)quota / (double)period < p->quota);
}

static void find_quota(void *context, enum cgroup_version version, struct str directory) {
    struct quotas *quotas = context;
    struct pressure *p = quotas->p;
    int64_t quota = 0, period = 0;
    quotas->level += version == CGROUP_V1;
    if (version == CGROUP_V2) {
        char *text = cgroup_read(&p->fs, directory, "cpu.max");
        if (!text || sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
            quota = 0;
        mem_free(text);
    } else if (!read_number(&p->fs, directory, "cpu.cfs_quota_us", &quota) ||
               !read_number(&p->fs, directory, "cpu.cfs_period_us", &period)) {
        return;
    }
    if (!is_tighter(p, quota, period))
        return;
    close_book(&p->fs, p->usage);
    p->quota = (double)quota / (double)period;
    p->usage = version == CGROUP_V2 ? open_book(&p->fs, directory, "cpu.stat") : -1;
    p->usage_name = version == CGROUP_V2 ? "usage_usec " : NULL;
    p->usage_unit = version == CGROUP_V2 ? 1000 : 1;
    quotas->tightest = version == CGROUP_V2 ? 0 : quotas->level;
}

// Version 1 may have use in another hierarchy than quotas: the group is the one as far up.
static void find_usage(void *context, enum cgroup_version version, struct str directory) {
    struct quotas *quotas = context;
    if (version == CGROUP_V1 && ++quotas->level == quotas->tightest)
        quotas->p->usage = open_book(&quotas->p->fs, directory, "cpuacct.usage");
}

static void open_quota(struct pressure *p, const char *root) {
    struct quotas quotas = {.p = p};
    cgroup_visit(&p->fs, root, "cpu", find_quota, &quotas);
    quotas.level = 0;
    if (quotas.tightest)
        cgroup_visit(&p->fs, root, "cpuacct", find_usage, &quotas);
}

// ---- memory's limits

static void find_limit(void *context, enum cgroup_version version, struct str directory) {
    struct pressure *p = context;
    const bool v2 = version == CGROUP_V2;
    int64_t limit;
    if (p->groups_n == GROUPS_MOST ||
        !read_number(&p->fs, directory, v2 ? "memory.max" : "memory.limit_in_bytes", &limit) || limit <= 0 ||
        (uint64_t)limit >= NO_LIMIT)
        return;
    p->groups[p->groups_n++] =
        (struct group){.used = open_book(&p->fs, directory, v2 ? "memory.current" : "memory.usage_in_bytes"),
                       .stat = open_book(&p->fs, directory, "memory.stat"),
                       .inactive = v2 ? "inactive_file " : "total_inactive_file ",
                       .limit = (uint64_t)limit};
}

// ---- opening

struct pressure *pressure_open(const struct fs *fs, const char *root, const struct pressure_cpus *cpus) {
    struct pressure *p = MEM_NEW(struct pressure);
    struct buf proc = BUF_INIT;
    p->fs = *fs;
    p->cpus = *cpus;
    p->text = MEM_NEW_ARRAY(char, BOOK_SIZE);
    p->usage = -1;
    buf_printf(&proc, "%s/proc", root);
    p->stat = open_book(fs, buf_str(&proc), "stat");
    p->meminfo = open_book(fs, buf_str(&proc), "meminfo");
    buf_release(&proc);
    open_quota(p, root);
    cgroup_visit(fs, root, "memory", find_limit, p);
    return p;
}

void pressure_close(struct pressure *p) {
    if (!p)
        return;
    close_book(&p->fs, p->stat);
    close_book(&p->fs, p->meminfo);
    close_book(&p->fs, p->usage);
    for (size_t i = 0; i < p->groups_n; i++) {
        close_book(&p->fs, p->groups[i].used);
        close_book(&p->fs, p->groups[i].stat);
    }
    mem_free(p->text);
    mem_free(p);
}

// ---- a look

static double own_time(void) { // nanoseconds
    double seconds = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage usage;
        if (getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage) == 0)
            seconds += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    return seconds * 1e9;
}

// "cpu7 user nice system idle iowait irq softirq steal ...": ticks; what guests get is in user and nice already.
static bool add_cpu(const struct pressure *p, const char *line, uint64_t *busy, uint64_t *total) {
    enum { IDLE = 3, IO_WAIT = 4, FIELDS = 8 };
    char *at;
    const unsigned long cpu = strtoul(line, &at, 10);
    if (at == line || cpu >= PRESSURE_CPUS_MOST || !(p->cpus.bits[cpu / 64] >> cpu % 64 & 1))
        return false;
    for (int i = 0; i < FIELDS && *at == ' '; i++) {
        const uint64_t ticks = strtoull(at, &at, 10);
        *total += ticks;
        *busy += i == IDLE || i == IO_WAIT ? 0 : ticks;
    }
    return true;
}

static unsigned look_at_cpus(struct pressure *p, uint64_t *busy, uint64_t *total) {
    unsigned n = 0;
    *busy = *total = 0;
    for (const char *line = read_book(p, p->stat); line && strncmp(line, "cpu", 3) == 0;) {
        n += add_cpu(p, line + 3, busy, total);
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return n;
}

static bool look_at_usage(struct pressure *p, double *used) {
    const char *text = read_book(p, p->usage);
    uint64_t n;
    if (!text || !(p->usage_name ? find_line(text, p->usage_name, &n) : sscanf(text, "%" SCNu64, &n) == 1))
        return false;
    *used = (double)n * p->usage_unit;
    return true;
}

static void take_cpu(struct pressure_load *load, double busy, double cpus) {
    if (load->cpu_known && load->busy / load->cpus >= busy / cpus)
        return;
    load->cpu_known = true;
    load->busy = busy;
    load->cpus = cpus;
}

static void look_at_processor(struct pressure *p, uint64_t at, struct pressure_load *load) {
    const double own = own_time(), took = at > p->at ? (double)(at - p->at) : 0;
    uint64_t busy, total;
    double used = p->used;
    const unsigned cpus = look_at_cpus(p, &busy, &total);
    const bool quota_known = look_at_usage(p, &used);
    if (p->looked && took > 0) {
        load->own = own > p->own ? (own - p->own) / took : 0;
        if (cpus && total > p->total && busy >= p->busy)
            take_cpu(load, cpus * (double)(busy - p->busy) / (double)(total - p->total), cpus);
        if (quota_known && used >= p->used)
            take_cpu(load, (used - p->used) / took, p->quota);
    }
    p->looked = true;
    p->at = at;
    p->own = own;
    p->used = used;
    p->busy = busy;
    p->total = total;
}

static void take_memory(struct pressure_load *load, uint64_t used, uint64_t limit) {
    if (load->memory_known &&
        (double)load->memory_used / (double)load->memory_limit >= (double)used / (double)limit)
        return;
    load->memory_known = true;
    load->memory_used = used;
    load->memory_limit = limit;
}

static void look_at_memory(struct pressure *p, struct pressure_load *load) {
    uint64_t total, available, used, inactive;
    const char *text = read_book(p, p->meminfo);
    if (text && find_line(text, "MemTotal:", &total) && find_line(text, "MemAvailable:", &available) &&
        total > 0)
        take_memory(load, available < total ? (total - available) * 1024 : 0, total * 1024);
    for (size_t i = 0; i < p->groups_n; i++) {
        const struct group *group = &p->groups[i];
        text = read_book(p, group->used);
        if (!text || sscanf(text, "%" SCNu64, &used) != 1)
            continue;
        text = read_book(p, group->stat);
        if (!text || !find_line(text, group->inactive, &inactive))
            inactive = 0;
        take_memory(load, inactive < used ? used - inactive : 0, group->limit);
    }
}

void pressure_look(struct pressure *p, uint64_t at, struct pressure_load *load) {
    *load = (struct pressure_load){.cpus = 0};
    look_at_processor(p, at, load);
    look_at_memory(p, load);
}
