// SPDX-License-Identifier: MIT
#include "bench/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/counter.h"

static void read_model(char *model, size_t size) {
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[512];
    model[0] = 0;
    while (f && !model[0] && fgets(line, sizeof line, f)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value)
            continue;
        value += 1 + strspn(value + 1, " ");
        snprintf(model, size, "%.*s", (int)strcspn(value, "\n"), value);
    }
    if (f)
        fclose(f);
}

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
    read_model(host->cpu, sizeof host->cpu);
    host_write_mask(used, host->mask, sizeof host->mask);
}
