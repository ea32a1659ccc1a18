// SPDX-License-Identifier: MIT
/*
 * launch CPUS REPORT PROGRAM ARGUMENT...: runs a program on the CPUs (numbers joined by commas) and writes
 * "SECONDS CPU_SECONDS PEAK_KB STATUS" to REPORT.
 *
 * A process inherits its parent's peak memory when it is forked from it: below a Python interpreter nothing seems to
 * take less than 12 MB. This parent is small. STATUS is the exit code, or 128 and the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int pin(const char *cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const char *p = cpus; *p;) {
        char *end;
        unsigned long cpu = strtoul(p, &end, 10);
        if (end == p || cpu >= CPU_SETSIZE)
            return -1;
        CPU_SET(cpu, &set);
        p = *end == ',' ? end + 1 : end;
    }
    return sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv) {
    if (argc < 4 || pin(argv[1]) < 0) {
        dprintf(2, "usage: launch CPUS REPORT PROGRAM ARGUMENT...\n");
        return 2;
    }
    int report = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (report < 0) {
        dprintf(2, "%s: %s\n", argv[2], strerror(errno));
        return 2;
    }
    double started = now();
    pid_t pid;
    int result = posix_spawnp(&pid, argv[3], NULL, NULL, argv + 3, environ);
    if (result) {
        dprintf(2, "%s: %s\n", argv[3], strerror(result));
        return 127;
    }
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    double seconds = now() - started;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(report, "%.6f %.6f %ld %d\n", seconds, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
            usage.ru_maxrss, code);
    close(report);
    return code;
}
