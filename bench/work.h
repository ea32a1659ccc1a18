// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_WORK_H
#define PRESSRUN_BENCH_WORK_H
/*
 * Work counters: what a run of pressrun had to do, by its own count, as its `--json` says. They depend on manifest and data
 * alone, so that one run of each is enough and noise has no say: a candidate that does more than 1 % more of anything has
 * become worse, whatever the clock says.
 *
 * Which numbers are work is what monitor/metrics.def says. Pure functions, thread-safe.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { WORK_MOST = 64, WORK_NAME = 64, WORK_STAGES = 4 };
extern const char *const work_stages[WORK_STAGES]; // "compile", ... of a run's report

struct work_counter {
    char name[WORK_NAME]; // "render.opcodes"
    uint64_t value;
};

struct work {
    struct work_counter counters[WORK_MOST];
    size_t n;
};

// The report of a run in what it printed, which is the last line; the caller's (json_decref), NULL where it is none.
json_t *work_report(struct str output);
// Of such a report. Whatever else it has is left alone.
void work_read(struct work *work, const json_t *report);
// Seconds that stages took ("stage_seconds"), summed over workers; 0 where it does not say.
void work_read_stages(double seconds[WORK_STAGES], const json_t *report);
void work_add(struct work *work, const char *name,
              uint64_t value); // once each; too many or too long ones are left out
const struct work_counter *work_find(const struct work *work, const char *name); // or NULL
bool work_is_counter(const char *name); // whether there is one of this name

// What B does of it over what A does, less 1; INFINITY from nothing to something.
double work_growth(uint64_t a, uint64_t b);
bool work_is_worse(uint64_t a, uint64_t b); // by more than 1 %

#endif
