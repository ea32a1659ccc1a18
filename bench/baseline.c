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

enum { FILTERS = 6, WORKERS_SIZE = 32 };

static size_t conditions(const struct baseline_question *q, char workers[WORKERS_SIZE],
                         struct history_filter filters[FILTERS]) {
    size_t n = 0;
    filters[n++] = (struct history_filter){STR("name"), STR("="), q->name};
    filters[n++] = (struct history_filter){STR("outcome"), STR("="), STR("done")};
    if (q->machine.n)
        filters[n++] = (struct history_filter){STR("machine"), STR("~"), baseline_machine_class(q->machine)};
    if (q->strategy.n)
        filters[n++] = (struct history_filter){STR("strategy"), STR("="), q->strategy};
    snprintf(workers, WORKERS_SIZE, "%.17g", q->workers);
    if (q->workers > 0)
        filters[n++] = (struct history_filter){STR("run.workers"), STR("="), str_of(workers)};
    if (q->before.n)
        filters[n++] = (struct history_filter){STR("id"), STR("<"), q->before};
    return n;
}

static bool finish(const double *values, size_t n, const struct baseline_question *q, struct baseline *out) {
    return baseline_of(values, n, q->alpha > 0 ? q->alpha : BASELINE_ALPHA, out);
}

enum status baseline_ask(struct history *h, const struct baseline_question *question, struct baseline *out,
                         bool *known, struct err *err) {
    struct history_filter filters[FILTERS];
    char workers[WORKERS_SIZE];
    size_t points_n;
    double values[BASELINE_SESSIONS];
    struct history_point *points;
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = history_series(h, filters, conditions(question, workers, filters), question->figure,
                                        BASELINE_SESSIONS, &arena, &points, &points_n, err);
    for (size_t i = 0; status == STATUS_OK && i < points_n; i++)
        values[i] = points[i].value;
    *known = finish(values, status == STATUS_OK ? points_n : 0, question, out);
    arena_release(&arena);
    return status;
}

enum status baseline_ask_all(struct history *h, const struct baseline_question *question,
                             const char *const *figures, size_t figures_n, struct baseline *out, bool *known,
                             struct err *err) {
    struct history_filter filters[FILTERS];
    char workers[WORKERS_SIZE];
    size_t rows_n;
    struct history_session *rows;
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = history_table(h, filters, conditions(question, workers, filters), figures, figures_n,
                                       BASELINE_SESSIONS, &arena, &rows, &rows_n, err);
    for (size_t f = 0; status == STATUS_OK && f < figures_n; f++) {
        double values[BASELINE_SESSIONS];
        size_t n = 0;
        for (size_t i = 0; i < rows_n; i++)
            if (!isnan(rows[i].values[f]))
                values[n++] = rows[i].values[f];
        known[f] = finish(values, n, question, &out[f]);
    }
    arena_release(&arena);
    return status;
}
