// SPDX-License-Identifier: MIT
#include "bench/micro.h"

#include "bench/micro_kinds.h"
#include "bench/quantiles.h"

const struct micro micros[] = {
#define MICRO(id, of, prepared, work, unit, doc)                                                             \
    {.name = (id),                                                                                           \
     .scenario = #of,                                                                                        \
     .operation = (unit),                                                                                    \
     .what = (doc),                                                                                          \
     .needs = (prepared),                                                                                    \
     .round = micro_round_##work},
#include "bench/micros.def"
    {0}};

const struct micro *micro_find(struct str name) {
    for (const struct micro *m = micros; m->name; m++)
        if (str_is(name, m->name))
            return m;
    return NULL;
}

// Rounds until the time is up; *sample: nanoseconds an operation.
static enum status repeat(const struct micro *micro, const struct micro_options *options,
                          struct material *material, struct micro_result *result, double *sample,
                          struct err *err) {
    const struct clock *clock = options->clock;
    uint64_t operations = 0, bytes = 0, began = clock->monotonic(clock->self), now = began;
    do {
        if (micro->round(material, &operations, &bytes, err) != STATUS_OK)
            return err->status;
        now = clock->monotonic(clock->self);
    } while ((double)(now - began) < options->seconds * 1e9);
    *sample = (double)(now - began) / (double)operations;
    result->bytes = (double)bytes / (double)operations;
    result->operations += operations;
    return STATUS_OK;
}

enum status micro_run(const struct micro *micro, const struct micro_options *options,
                      struct micro_result *result, struct err *err) {
    struct material *material = NULL;
    double warm_up;
    *result = (struct micro_result){.micro = micro};
    enum status status = micro_material_new(micro, options, &material, err);
    if (status == STATUS_OK)
        status = repeat(micro, options, material, result, &warm_up, err);
    result->operations = 0;
    for (int i = 0; i < MICRO_REPETITIONS && status == STATUS_OK && !result->interrupted; i++) {
        status = repeat(micro, options, material, result, &result->samples[i], err);
        result->interrupted = options->interrupt && atomic_load(options->interrupt);
    }
    micro_material_free(material);
    if (status != STATUS_OK || result->interrupted)
        return status;
    result->median = quantiles_median(result->samples, MICRO_REPETITIONS);
    quantiles_interval(result->samples, MICRO_REPETITIONS, 0.5, 0.95, &result->low, &result->high);
    return STATUS_OK;
}
