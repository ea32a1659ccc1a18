// SPDX-License-Identifier: MIT
#include "pipeline/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/quantity.h"

const char *const doctor_state_names[DOCTOR_STATES] = {"ok", "skipped", "warn", "fail"};

static const struct {
    const char *name;
    void (*run)(struct doctor *doctor);
} checks[] = {
    {"processors", doctor_check_processors}, {"memory", doctor_check_memory},
    {"openmp", doctor_check_openmp},         {"limits", doctor_check_limits},
    {"clock", doctor_check_clock},           {"manifest", doctor_check_manifest},
    {"times", doctor_check_times},           {"disk", doctor_check_disk},
    {"journal", doctor_check_journal},       {"cache", doctor_check_cache},
    {"redis", doctor_check_redis},           {"history", doctor_check_history},
    {"databases", doctor_check_databases},   {"queries", doctor_check_queries},
};
enum { CHECKS = sizeof checks / sizeof *checks };

const char *doctor_check_name(size_t i) {
    return i < CHECKS ? checks[i].name : NULL;
}

static struct str keep(struct doctor *doctor, const char *text) {
    const struct str kept = arena_str(&doctor->arena, str_of(text));
    if (!kept.p)
        mem_fail(strlen(text));
    return kept;
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *subject, const char *advice,
                const char *format, ...) {
    char found[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(found, sizeof found, format, args);
    va_end(args);
    MEM_GROW(doctor->findings, doctor->cap, doctor->n + 1);
    struct doctor_finding *finding = &doctor->findings[doctor->n++];
    *finding = (struct doctor_finding){.check = doctor->check, .state = state, .found = keep(doctor, found)};
    if (subject)
        finding->subject = keep(doctor, subject);
    if (advice)
        finding->advice = keep(doctor, advice);
    doctor->counts[state]++;
}

void doctor_add_detail(struct doctor *doctor, uint32_t depth, struct str text) {
    struct doctor_detail **end = &doctor->findings[doctor->n - 1].details;
    while (*end)
        end = &(*end)->next;
    *end = ARENA_NEW(&doctor->arena, struct doctor_detail);
    const struct str kept = arena_str(&doctor->arena, text);
    if (!*end || !kept.p)
        mem_fail(text.n);
    **end = (struct doctor_detail){.depth = depth, .text = kept};
}

const char *doctor_variable(const struct doctor *doctor, const char *name) {
    const struct workers_environment *environment = &doctor->options->environment;
    const char *value = environment->get(environment->self, name);
    return value && *value ? value : NULL;
}

void doctor_write_bytes(uint64_t bytes, char *out, size_t size) {
    struct buf text = BUF_INIT;
    quantity_bytes(&text, bytes);
    snprintf(out, size, "%s", buf_text(&text));
    buf_release(&text);
}

void doctor_examine(struct doctor *doctor, const struct doctor_options *options) {
    *doctor = (struct doctor){.options = options};
    arena_init(&doctor->arena, 0);
    for (size_t i = 0; i < CHECKS; i++) {
        doctor->check = checks[i].name;
        if (!options->only || options->only >> i & 1)
            checks[i].run(doctor);
    }
}

void doctor_release(struct doctor *doctor) {
    mem_free(doctor->findings);
    mem_free(doctor->looks.queries);
    mem_free(doctor->looks.indexes);
    arena_release(&doctor->arena);
}
