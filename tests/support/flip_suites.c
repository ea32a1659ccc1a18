// SPDX-License-Identifier: MIT
// flip_suites SUITES BENCHMARKS ALPHA_SUITE SCALE SEED: reads differences of pairs (ln b / a) and prints, as one JSON object, how
// often suites of them with random signs fail (bench/suites.h). For bench/certify.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/suites.h"

static double *read_differences(size_t *n) {
    double *differences = NULL, d;
    size_t cap = 0;
    for (*n = 0; scanf("%lf", &d) == 1; differences[(*n)++] = d)
        MEM_GROW(differences, cap, *n + 1);
    return differences;
}

static void print_rate(const char *name, uint64_t hits, uint64_t n) {
    double low, high;
    quantiles_proportion(hits, n, 0.95, &low, &high);
    printf(", \"%s\": [%" PRIu64 ", %" PRIu64 ", %.9g, %.9g]", name, hits, n, low, high);
}

int main(int argc, char **argv) {
    size_t n;
    if (argc != 6)
        return 2;
    struct suites_options options = {.suites = (uint32_t)strtoul(argv[1], NULL, 10),
                                     .benchmarks = (uint32_t)strtoul(argv[2], NULL, 10),
                                     .alpha_suite = strtod(argv[3], NULL),
                                     .scale = strtod(argv[4], NULL),
                                     .rule = verdict_rule_default(),
                                     .seed = strtoull(argv[5], NULL, 10)};
    double *differences = read_differences(&n);
    uint64_t benchmarks = (uint64_t)options.suites * options.benchmarks;
    if (n < VERDICT_PAIRS || !benchmarks) {
        fprintf(stderr, "flip_suites: too few differences, or no suites\n");
        return 2;
    }
    struct suites_result result = suites_flip(differences, n, &options);
    printf("{\"differences\": %zu, \"mean_pairs\": %.6g", n, (double)result.pairs / (double)benchmarks);
    print_rate("failed", result.failed, options.suites);
    print_rate("flagged", result.flagged, benchmarks);
    print_rate("inconclusive", result.inconclusive, benchmarks);
    printf("}\n");
    mem_free(differences);
    return 0;
}
