// SPDX-License-Identifier: MIT
#include "bench/baseline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/special.h"

// The t that is exceeded with probability alpha: of X = freedom / (freedom + t^2), a beta variable.
static double student_beyond(double alpha, double freedom) {
    double x = special_beta_inverse(freedom / 2, 0.5, 2 * alpha);
    return x > 0 ? sqrt(freedom * (1 - x) / x) : INFINITY;
}

bool baseline_of(const double *values, size_t n, double alpha, struct baseline *out) {
    double sum = 0, squares = 0;
    *out = (struct baseline){.n = n};
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    out->mean = n ? sum / (double)n : 0;
    if (n < BASELINE_LEAST || !isfinite(sum))
        return false;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - out->mean) * (values[i] - out->mean);
    out->deviation = sqrt(squares / (double)(n - 1));
    double reach = student_beyond(alpha, (double)(n - 1)) * out->deviation * sqrt(1 + 1 / (double)n);
    out->low = out->mean - reach;
    out->high = out->mean + reach;
    return true;
}

struct str baseline_machine_class(struct str machine) {
    for (size_t i = 0; i + 1 < machine.n; i++)
        if (machine.p[i] == ',' && machine.p[i + 1] == ' ')
            return str_from(machine, i);
    return machine;
}

enum status baseline_ask(struct history *h, const struct baseline_question *question, struct baseline *out,
                         bool *known, struct err *err) {
    struct history_filter filters[6];
    char workers[32];
    size_t n = 0, points_n;
    double values[BASELINE_SESSIONS];
    struct history_point *points;
    struct arena arena;
    filters[n++] = (struct history_filter){STR("name"), STR("="), question->name};
    filters[n++] = (struct history_filter){STR("outcome"), STR("="), STR("done")};
    if (question->machine.n)
        filters[n++] =
            (struct history_filter){STR("machine"), STR("~"), baseline_machine_class(question->machine)};
    if (question->strategy.n)
        filters[n++] = (struct history_filter){STR("strategy"), STR("="), question->strategy};
    snprintf(workers, sizeof workers, "%.17g", question->workers);
    if (question->workers > 0)
        filters[n++] = (struct history_filter){STR("run.workers"), STR("="), str_of(workers)};
    if (question->before.n)
        filters[n++] = (struct history_filter){STR("id"), STR("<"), question->before};
    arena_init(&arena, 0);
    enum status status =
        history_series(h, filters, n, question->figure, BASELINE_SESSIONS, &arena, &points, &points_n, err);
    for (size_t i = 0; status == STATUS_OK && i < points_n; i++)
        values[i] = points[i].value;
    *known = baseline_of(values, status == STATUS_OK ? points_n : 0, BASELINE_ALPHA, out);
    arena_release(&arena);
    return status;
}
