// SPDX-License-Identifier: MIT
#include "bench/contest_figures.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/quantiles.h"

// ---- figures

typedef double value_fn(const struct contest_sample *sample, int index);

static double metric_of(const struct contest_sample *sample, int metric) {
    switch ((enum contest_metric)metric) {
    case CONTEST_WALL:
        return sample->process.wall;
    case CONTEST_CPU:
        return sample->process.user + sample->process.system;
    case CONTEST_PEAK:
        return (double)sample->process.peak_rss_bytes;
    case CONTEST_METRICS:
        break;
    }
    return 0;
}

static double workers_of(const struct contest_sample *sample, int index) {
    (void)index;
    return sample->workers;
}

static double busy_of(const struct contest_sample *sample, int index) {
    double seconds = sample->seconds * sample->workers, busy = sample->busy_seconds;
    (void)index;
    return seconds > 0 && busy < seconds ? busy / seconds : seconds > 0;
}

static double seconds_of(const struct contest_sample *sample, int index) {
    (void)index;
    return sample->seconds;
}

// Seconds of making one output.
static double render_of(const struct contest_sample *sample, int index) {
    (void)index;
    return sample->rendered ? sample->render_seconds / (double)sample->rendered : 0;
}

static double get_of(const struct contest_sample *sample, int rate) {
    return sample->rates[rate].get_seconds;
}

static double asked_of(const struct contest_sample *sample, int rate) {
    return (double)(sample->rates[rate].hits + sample->rates[rate].misses);
}

static double rate_of(const struct contest_sample *sample, int rate) {
    double asked = asked_of(sample, rate);
    return asked > 0 ? (double)sample->rates[rate].hits / asked : 0;
}

static struct contest_figure figure_of(const struct contest_series *series, value_fn *value, int index) {
    struct contest_figure figure = {.n = series->n};
    if (!series->n)
        return figure;
    double *values = MEM_NEW_ARRAY(double, series->n);
    for (uint32_t i = 0; i < series->n; i++)
        values[i] = value(&series->samples[i], index);
    figure.median = quantiles_median(values, series->n); // which sorts them
    quantiles_interval(values, series->n, 0.5, 0.95, &figure.low, &figure.high);
    mem_free(values);
    return figure;
}

static double median_of(const struct contest_result *result, uint32_t variant, enum contest_state state,
                        value_fn *value, int index) {
    return figure_of(&result->series[variant][state], value, index).median;
}

struct contest_figure contest_figure(const struct contest_result *result, uint32_t variant,
                                     enum contest_state state, enum contest_metric metric) {
    return figure_of(&result->series[variant][state], metric_of, (int)metric);
}

uint32_t contest_workers(const struct contest_result *result, uint32_t variant, enum contest_state state) {
    return (uint32_t)median_of(result, variant, state, workers_of, 0);
}

double contest_busy(const struct contest_result *result, uint32_t variant, enum contest_state state) {
    return median_of(result, variant, state, busy_of, 0);
}

double contest_rate(const struct contest_result *result, uint32_t variant, enum contest_state state,
                    int rate) {
    return median_of(result, variant, state, asked_of, rate) > 0
               ? median_of(result, variant, state, rate_of, rate)
               : -1;
}

struct ranking_ratio contest_ratio(const struct contest_result *result, enum contest_state state, uint32_t a,
                                   uint32_t b) {
    const struct contest_times *times = &result->times[state];
    return ranking_ratio(
        &(struct ranking_times){times->seconds, times->spent, times->rounds, result->variants_n}, a, b);
}

int contest_find(const struct contest_result *result, const char *name) {
    for (uint32_t v = 0; v < result->variants_n; v++)
        if (strcmp(result->variants[v].name, name) == 0)
            return (int)v;
    return -1;
}

// ---- the choice

static bool is_better(const struct contest_result *result, enum contest_state state, uint32_t a, uint32_t b) {
    uint32_t workers_a = contest_workers(result, a, state), workers_b = contest_workers(result, b, state);
    if (workers_a != workers_b)
        return workers_a < workers_b;
    return result->variants[a].preference < result->variants[b].preference;
}

uint32_t contest_recommended(const struct contest_result *result, enum contest_state state) {
    const struct ranking *ranking = &result->rankings[state];
    uint32_t best = ranking->leader;
    for (uint32_t c = 0; ranking->decided && c < result->candidates_n; c++)
        if (ranking->places[c] == RANKING_EQUAL && is_better(result, state, c, best))
            best = c;
    return best;
}

enum contest_state contest_state_of(const struct contest_result *result) {
    return result->states[CONTEST_WARM] ? CONTEST_WARM : CONTEST_COLD;
}

uint32_t contest_order(const struct contest_result *result, enum contest_state state,
                       uint32_t order[RANKING_MOST]) {
    double ratios[RANKING_MOST];
    uint32_t n = 0, leader = result->rankings[state].leader;
    for (uint32_t v = 0; v < result->variants_n; v++) {
        if (!result->series[v][state].n)
            continue;
        double ratio = v == leader ? 0 : contest_ratio(result, state, leader, v).estimate; // it is the first
        uint32_t at = n++;
        for (; at > 0 && ratios[at - 1] > ratio; at--) {
            ratios[at] = ratios[at - 1];
            order[at] = order[at - 1];
        }
        ratios[at] = ratio;
        order[at] = v;
    }
    return n;
}

uint32_t contest_open(const struct contest_result *result, enum contest_state state,
                      uint32_t open[RANKING_MOST]) {
    uint32_t order[RANKING_MOST], n = contest_order(result, state, order), count = 0;
    const struct ranking *ranking = &result->rankings[state];
    for (uint32_t i = 0; i < n && !ranking->decided; i++)
        if (order[i] < result->candidates_n && ranking->places[order[i]] != RANKING_SLOWER &&
            ranking->places[order[i]] != RANKING_ASIDE)
            open[count++] = order[i];
    return count;
}

// ---- sentences

static void write_time(double seconds, struct buf *out) {
    if (seconds < 1e-3)
        buf_printf(out, "%.3g us", seconds * 1e6);
    else if (seconds < 1)
        buf_printf(out, "%.3g ms", seconds * 1e3);
    else
        buf_printf(out, "%.3g s", seconds);
}

// The category of which most was found; -1: nothing was, of what costs anything to make.
static int find_rate(const struct contest_result *result, uint32_t variant, enum contest_state state) {
    int best = -1;
    for (int i = 0; i < CONTEST_RATES; i++)
        if (strcmp(contest_rates[i], "program") != 0 && contest_rate(result, variant, state, i) > 0 &&
            (best < 0 ||
             contest_rate(result, variant, state, i) > contest_rate(result, variant, state, best)))
            best = i;
    return best;
}

static const char *found_in(int rate) {
    static const struct {
        const char *category, *words;
    } all[] = {{"through", "of what goes through filters"}, {"source", "of the queries' rows"},
               {"schema", "of the databases' schemas"},     {"types", "of the tables' types"},
               {"relations", "of the tables' relations"},   {"render", "of the outputs"}};
    size_t i = 0;
    while (strcmp(all[i].category, contest_rates[rate]) != 0)
        i++;
    return all[i].words;
}

static void write_workers(uint32_t workers, double busy, struct buf *out) {
    static const double hardly = 0.05; // what runs outside, such as filters, is nobody's work here
    const char *many = workers == 1 ? "" : "s";
    if (busy < hardly)
        buf_printf(out, "%u worker%s mostly waited", (unsigned)workers, many);
    else
        buf_printf(out, "%u worker%s %s busy %.0f %% of the time", (unsigned)workers, many,
                   workers == 1 ? "was" : "were", 100 * busy);
}

void contest_write_reason(const struct contest_result *result, enum contest_state state, int base,
                          struct buf *out) {
    const uint32_t chosen = contest_recommended(result, state), leader = result->rankings[state].leader;
    const uint32_t workers = contest_workers(result, chosen, state);
    const int rate = find_rate(result, chosen, state);
    if (chosen != leader)
        buf_printf(out, "as fast as %s (within 3 %%)%s", result->variants[leader].name,
                   workers < contest_workers(result, leader, state) ? ", with fewer workers"
                                                                    : ", and the simpler one");
    else if (base >= 0 && chosen != (uint32_t)base)
        buf_printf(out, "takes %.0f %% less time than %s",
                   100 * (1 - contest_ratio(result, state, (uint32_t)base, chosen).estimate),
                   result->variants[base].name);
    else
        buf_add_text(out,
                     result->candidates_n > 1 ? "takes the least time" : "there was nothing else to compare");
    if (rate >= 0)
        buf_printf(out, "; %.0f %% %s came from the cache", 100 * contest_rate(result, chosen, state, rate),
                   found_in(rate));
    buf_add_text(out, "; its ");
    write_workers(workers, contest_busy(result, chosen, state), out);
}

// What making one output takes, by whoever made some.
static double find_render(const struct contest_result *result, enum contest_state state, uint32_t variant) {
    double made = median_of(result, variant, state, render_of, 0);
    for (uint32_t v = 0; v < result->variants_n && !(made > 0); v++)
        made = median_of(result, v, state, render_of, 0);
    return made;
}

static bool asks(const struct contest_result *result, enum contest_state state, uint32_t variant) {
    for (int i = 0; i < CONTEST_RATES; i++)
        if (strcmp(contest_rates[i], "program") != 0 && contest_rate(result, variant, state, i) >= 0)
            return true;
    return false;
}

// Why a cache gains nothing; nothing, where it is not the cache.
static void write_cache(const struct contest_result *result, enum contest_state state, uint32_t variant,
                        struct buf *out) {
    const int rate = find_rate(result, variant, state);
    const double made = find_render(result, state, variant);
    const double got = rate >= 0 ? median_of(result, variant, state, get_of, rate) : 0;
    if (got > 0 && made > 0) {
        buf_printf(out, "%.0f %% of what it looked up was found, which takes ",
                   100 * contest_rate(result, variant, state, rate));
        write_time(got, out);
        buf_add_text(out, " each, while rendering one takes ");
        write_time(made, out);
    } else if (result->variants[variant].caches && asks(result, state, variant)) {
        buf_add_text(out, state == CONTEST_COLD ? "its cache was empty, and filling it takes time"
                                                : "nothing of what it looked up was there");
    } else if (result->variants[variant].caches && made > 0) {
        buf_add_text(out, "nothing is dear enough to be kept: rendering an output takes ");
        write_time(made, out);
    }
}

bool contest_write_idle(const struct contest_result *result, enum contest_state state, int base,
                        uint32_t variant, struct buf *out) {
    static const double helps = 0.05, startup = 0.02;
    if (base < 0 || variant == (uint32_t)base || variant >= result->candidates_n ||
        variant == contest_recommended(result, state))
        return false;
    const struct ranking_ratio ratio = contest_ratio(result, state, (uint32_t)base, variant);
    const uint32_t workers = contest_workers(result, variant, state);
    const double seconds = median_of(result, variant, state, seconds_of, 0);
    if (!ratio.rounds || ratio.estimate < 1 - helps)
        return false;
    struct buf why = BUF_INIT;
    write_cache(result, state, variant, &why);
    if (workers > contest_workers(result, (uint32_t)base, state)) {
        buf_add_text(&why, why.n ? "; its " : "its ");
        write_workers(workers, contest_busy(result, variant, state), &why);
    } else if (!why.n && seconds < startup) {
        buf_add_text(&why, "the run itself takes only ");
        write_time(seconds, &why);
    }
    const bool any = why.n > 0;
    if (any)
        buf_printf(out, "%s does not help (%.2f times the time of %s): %.*s", result->variants[variant].name,
                   ratio.estimate, result->variants[base].name, STR_ARG(buf_str(&why)));
    buf_release(&why);
    return any;
}
