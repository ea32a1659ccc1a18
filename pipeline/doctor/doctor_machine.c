// SPDX-License-Identifier: MIT
// What there is to work with: processors, memory, and what the environment does to the workers.
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/processor.h"
#include "monitor/pressure.h"
#include "pipeline/doctor/doctor.h"

enum { PERCENT = 100, NAME_SIZE = 128, SIZE_TEXT = 32, LOOK_MS = 100 };
static const uint64_t MEMORY_LEAST = 256 << 20; // that a run of some workers is at ease with
static const double MEMORY_MOST = 0.9, BUSY_MOST = 0.5;

static struct worker_count count_workers(const struct doctor *doctor, struct workers_machine *machine) {
    const struct doctor_options *options = doctor->options;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    *machine = (struct workers_machine){.affinity = workers_affinity(),
                                        .quota = workers_cgroup_quota(options->fs, options->root),
                                        .shared = workers_cgroup_cpus(options->fs, options->root)};
    if (online > 0 && (!machine->shared || (uint32_t)online < machine->shared))
        machine->shared = (uint32_t)online;
    if (machine->quota && machine->quota < machine->shared)
        machine->shared = machine->quota;
    return workers_choose(machine, &options->environment);
}

// Two looks, some time apart, so that it is known how busy it is now.
static void look(const struct doctor *doctor, struct pressure_load *load) {
    const struct doctor_options *options = doctor->options;
    const struct clock *clock = &options->clock;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    struct pressure_cpus cpus;
    pressure_cpus_of_process(online > 0 ? (uint32_t)online : 1, &cpus);
    struct pressure *pressure = pressure_open(options->fs, options->root, &cpus);
    pressure_look(pressure, clock->monotonic(clock->self), load);
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    pressure_look(pressure, clock->monotonic(clock->self), load);
    pressure_close(pressure);
}

void doctor_check_processors(struct doctor *doctor) {
    struct workers_machine machine;
    const struct worker_count workers = count_workers(doctor, &machine);
    struct pressure_load load;
    char name[NAME_SIZE], busy[NAME_SIZE] = "";
    processor_name(name, sizeof name);
    look(doctor, &load);
    const double others = load.busy - load.own;
    if (load.cpu_known && load.cpus > 0)
        snprintf(busy, sizeof busy, "; %.1f of %.0f busy with other work", others > 0 ? others : 0,
                 load.cpus);
    const bool crowded = load.cpu_known && others > BUSY_MOST * load.cpus;
    doctor_say(doctor, crowded ? DOCTOR_WARN : DOCTOR_OK, NULL,
               crowded
                   ? "runs take longer, and what is measured varies; `workers: {least: 1}` in the manifest "
                     "makes room for others"
                   : NULL,
               "%u worker%s (%s)%s%s%s", workers.n, workers.n == 1 ? "" : "s", workers.source,
               name[0] ? ", " : "", name, busy);
}

void doctor_check_memory(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    struct pressure_cpus cpus = {.bits = {1}};
    struct pressure_load load;
    char left_text[SIZE_TEXT], limit_text[SIZE_TEXT];
    struct pressure *pressure = pressure_open(options->fs, options->root, &cpus);
    pressure_look(pressure, options->clock.monotonic(options->clock.self), &load);
    pressure_close(pressure);
    if (!load.memory_known || !load.memory_limit) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "the system does not tell how much there is");
        return;
    }
    const uint64_t left = load.memory_limit > load.memory_used ? load.memory_limit - load.memory_used : 0;
    const bool short_of =
        left < MEMORY_LEAST || (double)load.memory_used > MEMORY_MOST * (double)load.memory_limit;
    doctor_write_bytes(left, left_text, sizeof left_text);
    doctor_write_bytes(load.memory_limit, limit_text, sizeof limit_text);
    doctor_say(doctor, short_of ? DOCTOR_WARN : DOCTOR_OK, NULL,
               short_of
                   ? "fewer workers (-j) and a smaller `cache.memory` take less; `workers: {memory: 80%}` "
                     "pauses loading before it runs out"
                   : NULL,
               "%s of %s free", left_text, limit_text);
}

// ---- OpenMP

static void check_limit(struct doctor *doctor, uint32_t workers) {
    const char *limit = doctor_variable(doctor, "OMP_THREAD_LIMIT");
    char *end;
    const unsigned long n = limit ? strtoul(limit, &end, 10) : 0;
    if (n && n < workers)
        doctor_say(doctor, DOCTOR_WARN, "OMP_THREAD_LIMIT", "unset it, or ask for so many workers (-j)",
                   "it is %lu, and there are to be %u workers: only so many would work", n, workers);
}

void doctor_check_openmp(struct doctor *doctor) {
    struct workers_machine machine;
    const struct worker_count workers = count_workers(doctor, &machine);
    const char *policy = doctor_variable(doctor, "OMP_WAIT_POLICY"),
               *spin = doctor_variable(doctor, "GOMP_SPINCOUNT"),
               *dynamic = doctor_variable(doctor, "OMP_DYNAMIC"),
               *bind = doctor_variable(doctor, "OMP_PROC_BIND");
    const size_t before = doctor->n;
    if (policy && strcasecmp(policy, "active") == 0)
        doctor_say(doctor, DOCTOR_WARN, "OMP_WAIT_POLICY", "unset it, or set it to passive",
                   "it is active: threads that wait burn their processors");
    if (spin && (strcasecmp(spin, "infinite") == 0 || strcasecmp(spin, "infinity") == 0))
        doctor_say(doctor, DOCTOR_WARN, "GOMP_SPINCOUNT", "unset it",
                   "it is %s: threads that wait burn their processors", spin);
    if (dynamic && strcasecmp(dynamic, "true") == 0)
        doctor_say(doctor, DOCTOR_WARN, "OMP_DYNAMIC",
                   "unset it; `workers` in the manifest lets their number change",
                   "it is true: there may be fewer workers than are told of");
    if (bind && workers.n > 1 && strcasecmp(bind, "false") != 0)
        doctor_say(doctor, DOCTOR_WARN, "OMP_PROC_BIND", "unset it where other work shares the processors",
                   "it is %s: workers stay on their processors, also where others are free", bind);
    check_limit(doctor, workers.n);
    if (doctor->n == before)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s%s",
                   policy ? "OMP_WAIT_POLICY is " : "no variable is in the way", policy ? policy : "");
}

// ---- limits

static rlim_t limit_of(int resource) {
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

static void say_size(struct doctor *doctor, int resource, rlim_t least, const char *subject, const char *what,
                     const char *advice) {
    const rlim_t limit = limit_of(resource);
    char text[SIZE_TEXT];
    if (limit == RLIM_INFINITY || limit >= least)
        return;
    doctor_write_bytes(limit, text, sizeof text);
    doctor_say(doctor, DOCTOR_WARN, subject, advice, "%s %s", what, text);
}

void doctor_check_limits(struct doctor *doctor) {
    enum { DESCRIPTORS_LEAST = 256 };
    const rlim_t descriptors = limit_of(RLIMIT_NOFILE), gigabyte = (rlim_t)1 << 30;
    const size_t before = doctor->n;
    say_size(doctor, RLIMIT_FSIZE, gigabyte, "file size", "no file may be larger than",
             "ulimit -f unlimited");
    say_size(doctor, RLIMIT_AS, gigabyte, "address space", "a process may have no more than",
             "ulimit -v unlimited");
    if (descriptors < DESCRIPTORS_LEAST)
        doctor_say(doctor, DOCTOR_WARN, "descriptors", "ulimit -n 1024", "only %llu may be open at once",
                   (unsigned long long)descriptors);
    else if (doctor->n == before)
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%llu descriptors", (unsigned long long)descriptors);
}
