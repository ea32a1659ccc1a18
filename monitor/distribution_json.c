// SPDX-License-Identifier: MIT
#include "monitor/distribution_json.h"

#include <math.h>

static const json_int_t COUNT_MOST = INT64_C(1) << 40; // more than any run has

double distribution_figure(const struct histogram *h, enum metric_figure figure) {
    switch (figure) {
    case FIGURE_P50:
        return (double)histogram_quantile(h, 0.5) / 1e9;
    case FIGURE_P95:
        return (double)histogram_quantile(h, 0.95) / 1e9;
    case FIGURE_P99:
        return (double)histogram_quantile(h, 0.99) / 1e9;
    case FIGURE_MAX:
        return (double)h->max / 1e9;
    case FIGURE_MEAN:
        return histogram_mean(h) / 1e9;
    case FIGURE_COUNT:
        return (double)h->n;
    case FIGURES:
        break;
    }
    return 0;
}

json_t *distribution_json(const struct histogram *h) {
    json_t *object = json_object(), *buckets = json_array();
    for (int f = 0; f < FIGURES; f++)
        json_object_set_new(object, metric_figures[f],
                            json_real(distribution_figure(h, (enum metric_figure)f)));
    uint32_t bucket, before = 0;
    uint64_t count;
    for (uint32_t next = 0; histogram_next(h, &next, &bucket, &count); before = bucket) {
        json_array_append_new(buckets, json_integer((json_int_t)(bucket - before)));
        json_array_append_new(buckets, json_integer((json_int_t)count));
    }
    json_object_set_new(object, "buckets", buckets);
    return object;
}

// The number at `i`; false: not a whole one in these bounds.
static bool take(const json_t *buckets, size_t i, json_int_t least, json_int_t most, json_int_t *out) {
    const json_t *number = json_array_get(buckets, i);
    *out = json_integer_value(number);
    return json_is_integer(number) && *out >= least && *out <= most;
}

static bool add_buckets(const json_t *buckets, struct histogram *h) {
    const size_t n = json_array_size(buckets);
    json_int_t bucket = 0, distance, count;
    if (n == 0 || n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        if (!take(buckets, i, i > 0, HISTOGRAM_COARSE_BUCKETS - 1 - bucket, &distance) ||
            !take(buckets, i + 1, 1, COUNT_MOST, &count))
            return false;
        bucket += distance;
        for (uint64_t left = (uint64_t)count; left;) {
            uint32_t some = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
            histogram_add_times(h, histogram_middle((uint32_t)bucket), some);
            left -= some;
        }
    }
    return true;
}

static double figure_of(const json_t *distribution, enum metric_figure figure) {
    return json_number_value(json_object_get(distribution, metric_figures[figure]));
}

bool distribution_read(const json_t *distribution, struct histogram *h) {
    const double most = figure_of(distribution, FIGURE_MAX) * 1e9,
                 mean = figure_of(distribution, FIGURE_MEAN) * 1e9;
    if (!(most >= 0 && most < 9e18 && mean >= 0 && mean <= most * (1 + 1e-9) + 1) ||
        !add_buckets(json_object_get(distribution, "buckets"), h) ||
        (double)h->max > most * (1 + 2 * HISTOGRAM_COARSE_ERROR) + 4) {
        histogram_release(h);
        return false;
    }
    // The buckets have these only nearly.
    h->max = (uint64_t)llround(most);
    h->min = h->min < h->max ? h->min : h->max;
    h->sum = mean * (double)h->n;
    return true;
}
