// SPDX-License-Identifier: MIT
#include "bench/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/processor.h"
#include "bench/counter.h"

void host_write_mask(const cpu_set_t *set, char *text, uint32_t size) {
    uint32_t at = 0;
    text[0] = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        size_t last = cpu;
        if (!CPU_ISSET(cpu, set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
            last++;
        char range[32];
        int n = last > cpu ? snprintf(range, sizeof range, "%s%zu-%zu", at ? "," : "", cpu, last)
                           : snprintf(range, sizeof range, "%s%zu", at ? "," : "", cpu);
        if (n < 0 || at + (uint32_t)n + 1 > size)
            return;
        memcpy(text + at, range, (size_t)n + 1);
        at += (uint32_t)n;
        cpu = last;
    }
}

void host_describe(struct host *host, const cpu_set_t *used) {
    struct utsname name;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    *host = (struct host){.cpus = cpus > 0 ? (uint32_t)cpus : 1,
                          .counts_instructions = counter_exists(COUNTER_INSTRUCTIONS)};
    if (uname(&name) == 0)
        snprintf(host->system, sizeof host->system, "%.64s %.64s %.64s", name.sysname, name.release,
                 name.machine);
    processor_name(host->cpu, sizeof host->cpu);
    host_write_mask(used, host->mask, sizeof host->mask);
}
