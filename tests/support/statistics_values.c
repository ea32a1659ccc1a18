// SPDX-License-Identifier: MIT
// Prints what the statistics make of the numbers on standard input, for check_statistics.py. A line is a word and its
// arguments; the answer is a line of numbers.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/changes.h"
#include "bench/quantiles.h"
#include "bench/signed_rank.h"
#include "bench/special.h"

enum { MOST = 4096 };

static size_t read_numbers(double x[MOST]) {
    size_t n = 0;
    while (n < MOST && scanf("%lf", &x[n]) == 1)
        n++;
    return n;
}

static void interval(const double *x, size_t n) { // confidence, then pairs
    struct walsh w;
    walsh_init(&w, x + 1, (uint32_t)(n - 1));
    double risk = (1 - x[0]) / 2;
    printf("%.17g %.17g %.17g\n", walsh_estimate(&w), walsh_lower(&w, risk), walsh_upper(&w, risk));
    walsh_release(&w);
}

int main(int argc, char **argv) {
    static double x[MOST];
    size_t n = read_numbers(x);
    if (argc != 2 || n < 1)
        return 2;
    double low, high;
    if (strcmp(argv[1], "normal") == 0) {
        printf("%.17g\n", special_normal_cdf(x[0]));
    } else if (strcmp(argv[1], "beta") == 0) {
        printf("%.17g %.17g\n", special_beta(x[0], x[1], x[2]), special_beta_inverse(x[0], x[1], x[2]));
    } else if (strcmp(argv[1], "student") == 0) {
        printf("%.17g\n", special_student_two_sided(x[0], x[1]));
    } else if (strcmp(argv[1], "ranks") == 0) {
        for (uint32_t w = 0; w <= (uint32_t)(x[0] * (x[0] + 1) / 2); w++)
            printf("%.17g ", signed_rank_cdf((uint32_t)x[0], w));
    } else if (strcmp(argv[1], "interval") == 0) {
        interval(x, n);
    } else if (strcmp(argv[1], "proportion") == 0) {
        quantiles_proportion((uint64_t)x[0], (uint64_t)x[1], x[2], &low, &high);
        printf("%.17g %.17g\n", low, high);
    } else if (strcmp(argv[1], "quantile") == 0) { // q, confidence, then samples
        quantiles_sort(x + 2, n - 2);
        bool both = quantiles_interval(x + 2, n - 2, x[0], x[1], &low, &high);
        printf("%.17g %.17g %.17g %d\n", quantiles_of_sorted(x + 2, n - 2, x[0]), low, high, both);
    } else if (strcmp(argv[1], "change") == 0) {
        size_t found;
        struct change *changes = changes_find(x, n, &(struct changes_options){0}, &found);
        for (size_t i = 0; i < found; i++)
            printf("%zu %.17g ", changes[i].at, changes[i].p);
        mem_free(changes);
    } else {
        return 2;
    }
    return 0;
}
