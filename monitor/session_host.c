// SPDX-License-Identifier: MIT
#include "monitor/session_host.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/processor.h"
#include "monitor/pressure.h"

static json_int_t cpus_allowed(uint32_t known, json_int_t online) {
    struct pressure_cpus cpus;
    json_int_t n = 0;
    pressure_cpus_of_process(known, &cpus);
    for (size_t i = 0; i < PRESSURE_CPUS_MOST / 64; i++)
        n += __builtin_popcountll(cpus.bits[i]);
    return n < online ? n : online;
}

static void set_memory(json_t *object, const struct fs *fs) {
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    struct pressure_cpus cpus;
    struct pressure_load load;
    pressure_cpus_of_process(0, &cpus);
    struct pressure *pressure = pressure_open(fs, "", &cpus);
    pressure_look(pressure, 0, &load);
    pressure_close(pressure);
    json_object_set_new(object, "memory_bytes", json_integer((json_int_t)memory));
    if (load.memory_known && (double)load.memory_limit < memory * 0.99)
        json_object_set_new(object, "memory_limit_bytes", json_integer((json_int_t)load.memory_limit));
}

json_t *session_host_json(const struct fs *fs, uint32_t known) {
    const json_int_t online = (json_int_t)sysconf(_SC_NPROCESSORS_ONLN);
    char processor[128], system[256];
    struct utsname name = {0};
    json_t *object = json_object();
    uname(&name);
    processor_name(processor, sizeof processor);
    snprintf(system, sizeof system, "%.60s %.100s %.60s", name.sysname, name.release, name.machine);
    json_object_set_new(object, "system", json_string(system));
    if (processor[0])
        json_object_set_new(object, "processor", json_string(processor));
    json_object_set_new(object, "cpus", json_integer(online));
    json_object_set_new(object, "cpus_allowed", json_integer(cpus_allowed(known, online)));
    set_memory(object, fs);
    return object;
}
