// SPDX-License-Identifier: MIT
#include "bench/changes.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/special.h"

enum { WINDOW = 30, LEAST = 2 };      // values on each side of a change
static const double CANDIDATE = 0.05; // error of a split within a window: weak ones are dropped later

// Ascending positions, each once.
struct points {
    size_t *at;
    size_t n, cap;
};

static void add_point(struct points *points, size_t at) {
    size_t i = points->n;
    for (size_t k = 0; k < points->n; k++)
        if (points->at[k] == at)
            return;
    MEM_GROW(points->at, points->cap, points->n + 1);
    points->n++;
    for (; i > 0 && points->at[i - 1] > at; i--)
        points->at[i] = points->at[i - 1];
    points->at[i] = at;
}

static double mean_of(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

// Student's t-test with a common variance.
static struct change compare(const double *x, size_t from, size_t at, size_t to) {
    size_t m = at - from, n = to - at;
    struct change change = {at, mean_of(x + from, m), mean_of(x + at, n), 1};
    double squares = 0;
    for (size_t i = from; i < to; i++) {
        double d = x[i] - (i < at ? change.before : change.after);
        squares += d * d;
    }
    double difference = change.after - change.before, freedom = (double)(m + n) - 2;
    if (difference == 0 || freedom < 1)
        return change;
    double error = sqrt(squares / freedom * (1 / (double)m + 1 / (double)n));
    change.p = error > 0 ? special_student_two_sided(difference / error, freedom) : 0;
    return change;
}

// Where [from, to) is best cut in two by the energy distance; `to` where it is too short. Sums of distances within and
// between the parts are kept up to date from one cut to the next, so that this is quadratic and not cubic.
static size_t best_cut(const double *x, size_t from, size_t to) {
    double within_left = 0, within_right = 0, between = 0, best = -INFINITY;
    size_t cut = to;
    for (size_t i = from; i < to; i++)
        for (size_t j = i + 1; j < to; j++)
            within_right += fabs(x[i] - x[j]);
    for (size_t at = from; at + LEAST < to; at++) { // x[at] moves to the left
        double to_left = 0, to_right = 0;
        for (size_t i = from; i < at; i++)
            to_left += fabs(x[at] - x[i]);
        for (size_t i = at + 1; i < to; i++)
            to_right += fabs(x[at] - x[i]);
        within_left += to_left;
        within_right -= to_right;
        between += to_right - to_left;
        double m = (double)(at + 1 - from), n = (double)(to - at - 1);
        if (m < LEAST)
            continue;
        double energy =
            m * n / (m + n) *
            (2 * between / (m * n) - 2 * within_left / (m * (m - 1)) - 2 * within_right / (n * (n - 1)));
        if (energy > best) {
            best = energy;
            cut = at + 1;
        }
    }
    return cut;
}

static void split(const double *x, size_t from, size_t to, double p, struct points *points) {
    size_t cut = best_cut(x, from, to);
    if (cut == to || compare(x, from, cut, to).p > p)
        return;
    add_point(points, cut);
    split(x, from, cut, p, points);
    split(x, cut, to, p, points);
}

static void split_windows(const double *x, size_t n, size_t window, double p, struct points *points) {
    for (size_t from = 0; from < n;) {
        size_t to = from + window < n ? from + window : n, step = window / 2;
        split(x, from, to, p, points);
        if (to == n)
            break;
        // Goes on from the last change in the window's second half, so that the next one begins with a level.
        size_t next = from + step;
        for (size_t i = 0; i < points->n; i++)
            if (points->at[i] > next && points->at[i] < to)
                next = points->at[i];
        from = next;
    }
}

static struct change between_neighbours(const double *x, size_t n, const struct points *points, size_t i) {
    size_t from = i ? points->at[i - 1] : 0, to = i + 1 < points->n ? points->at[i + 1] : n;
    return compare(x, from, points->at[i], to);
}

static double magnitude(const struct change *change) {
    double before = fabs(change->before);
    return before > 0 ? fabs(change->after - change->before) / before : INFINITY;
}

// Drops the weakest point that is not good enough; false: all are.
static bool drop_weakest(const double *x, size_t n, const struct changes_options *options,
                         struct points *points) {
    size_t weakest = points->n, smallest = points->n;
    double worst = options->p, least = options->min_magnitude;
    for (size_t i = 0; i < points->n; i++) {
        struct change change = between_neighbours(x, n, points, i);
        if (change.p > worst) {
            worst = change.p;
            weakest = i;
        }
        if (magnitude(&change) < least) {
            least = magnitude(&change);
            smallest = i;
        }
    }
    size_t drop = weakest < points->n ? weakest : smallest;
    if (drop == points->n)
        return false;
    for (size_t i = drop + 1; i < points->n; i++)
        points->at[i - 1] = points->at[i];
    points->n--;
    return true;
}

// A window may have begun just before a change and seen too little of the level before it. Each point moves to the best
// place among its neighbours.
static void settle(const double *x, size_t n, size_t window, struct points *points) {
    for (size_t i = 0; i < points->n; i++) {
        size_t at = points->at[i], from = i ? points->at[i - 1] : 0,
               to = i + 1 < points->n ? points->at[i + 1] : n;
        from = at - from > window ? at - window : from;
        to = to - at > window ? at + window : to;
        size_t cut = best_cut(x, from, to);
        points->at[i] = cut < to ? cut : at;
    }
}

struct change *changes_find(const double *series, size_t n, const struct changes_options *given,
                            size_t *changes_n) {
    struct changes_options options = *given;
    if (!options.window)
        options.window = WINDOW;
    if (options.window < 2 * LEAST)
        options.window = 2 * LEAST;
    if (options.p <= 0)
        options.p = n > options.window ? 0.001 * (double)options.window / (double)n : 0.001;
    struct points points = {0};
    split_windows(series, n, options.window, CANDIDATE, &points);
    while (drop_weakest(series, n, &options, &points))
        ;
    settle(series, n, options.window, &points);
    while (drop_weakest(series, n, &options, &points))
        ;
    struct change *changes = points.n ? MEM_NEW_ARRAY(struct change, points.n) : NULL;
    for (size_t i = 0; i < points.n; i++)
        changes[i] = between_neighbours(series, n, &points, i);
    *changes_n = points.n;
    mem_free(points.at);
    return changes;
}

// ---- values that stand alone

enum { AROUND = 5, AROUND_LEAST = 5 }; // values on each side; how many there must be in all
static const double FAR = 6,           // times the spread of those around it
    SPREAD_LEAST = 0.005,              // of what they are, where they hardly vary
    NORMAL = 1.4826;                   // the standard deviation over the median deviation, of normal noise

struct surroundings {
    double median, far;
};

static bool look_around(const double *x, size_t n, size_t at, struct surroundings *out) {
    double others[2 * AROUND];
    const size_t from = at > AROUND ? at - AROUND : 0, to = n - at > AROUND ? at + AROUND + 1 : n;
    size_t m = 0;
    for (size_t i = from; i < to; i++)
        if (i != at)
            others[m++] = x[i];
    if (m < AROUND_LEAST)
        return false;
    out->median = quantiles_median(others, m);
    for (size_t i = 0; i < m; i++)
        others[i] = fabs(others[i] - out->median);
    out->far = FAR * fmax(NORMAL * quantiles_median(others, m), SPREAD_LEAST * fabs(out->median));
    return true;
}

static bool alike(const struct surroundings *around, double x, double other) {
    const double a = x - around->median, b = other - around->median;
    return a * b > 0 && fabs(b) > around->far;
}

size_t changes_set_aside(const double *x, size_t n, double *cleaned, bool *outlier) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        struct surroundings around;
        outlier[i] = look_around(x, n, i, &around) && fabs(x[i] - around.median) > around.far &&
                     !(i > 0 && alike(&around, x[i], x[i - 1])) &&
                     !(i + 1 < n && alike(&around, x[i], x[i + 1]));
        cleaned[i] = outlier[i] ? around.median : x[i];
        found += outlier[i];
    }
    return found;
}
