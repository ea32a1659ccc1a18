// SPDX-License-Identifier: MIT
#include "bench/counter.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    uint32_t type;
    uint64_t config;
} events[] = {
    [COUNTER_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [COUNTER_TASK_NANOSECONDS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
};

int counter_open(enum counter counter, pid_t pid) {
    struct perf_event_attr attr = {.type = events[counter].type,
                                   .size = sizeof attr,
                                   .config = events[counter].config,
                                   .read_format =
                                       PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
                                   .disabled = 1,
                                   .inherit = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1,
                                   .enable_on_exec = 1};
    return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t counter_read(int fd) {
    struct {
        uint64_t value, enabled, running;
    } count;
    // A counter that had to be shared with others has an estimate, which is not comparable: rather none.
    if (read(fd, &count, sizeof count) != sizeof count || count.running < count.enabled)
        return 0;
    return count.value;
}

bool counter_exists(enum counter counter) {
    int fd = counter_open(counter, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
