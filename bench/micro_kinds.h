// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_MICRO_KINDS_H
#define PRESSRUN_BENCH_MICRO_KINDS_H
/*
 * What micro-benchmarks work on, and their rounds. For micro.c.
 *
 * Material is made by micro_material_new and owned by whoever did; it works in a directory of its own below scratch.
 */
#include "bench/micro.h"
#include "bench/scenario.h"

enum { MICRO_LINES, MICRO_CSV, MICRO_MACHINE, MICRO_FILES, MICRO_JSONL, MICRO_TEXT, MICRO_ROUTES };

struct material;
enum status micro_material_new(const struct micro *micro, const struct micro_options *options,
                               struct material **material, struct err *err);
void micro_material_free(struct material *m); // NULL is fine; removes its directory

typedef enum status micro_round(void *material, uint64_t *operations, uint64_t *bytes, struct err *err);
micro_round micro_round_read, micro_round_read_fields, micro_round_csv, micro_round_compile,
    micro_round_render, micro_round_emit, micro_round_route;

#endif
