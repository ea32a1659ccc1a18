// SPDX-License-Identifier: MIT
#include "bench/selftest.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/quantiles.h"

enum { CHUNK = 25 };
static const double confidence = 0.95, noisier = 5;

const char *const selftest_states[] = {[SELFTEST_STATED] = "stated",
                                       [SELFTEST_KEPT] = "kept",
                                       [SELFTEST_UNCLEAR] = "unclear",
                                       [SELFTEST_BROKEN] = "broken"};

void selftest_init(struct selftest *s) {
    *s = (struct selftest){.levels_n = 1};
    arena_init(&s->arena, 0);
}

void selftest_release(struct selftest *s) {
    for (size_t i = 0; i < s->levels_n; i++)
        mem_free(s->levels[i].trials);
    mem_free(s->differences);
    arena_release(&s->arena);
    *s = (struct selftest){0};
}

struct selftest_level *selftest_level(struct selftest *s, double percent) {
    for (size_t i = 0; i < s->levels_n; i++)
        if (fabs(s->levels[i].percent - percent) < 1e-9)
            return &s->levels[i];
    if (s->levels_n == SELFTEST_LEVELS_MOST)
        return NULL;
    s->levels[s->levels_n].percent = percent;
    return &s->levels[s->levels_n++];
}

// ---- answers

static void count_rounds(struct selftest *s, const struct comparison *c, struct selftest_trial *trial) {
    for (size_t i = 0; i < c->rounds_n; i++) {
        const struct comparison_round *round = &c->rounds[i];
        uint32_t dropped = comparison_dropped(c, i);
        trial->pairs += round->pairs_n - dropped;
        s->pairs += round->pairs_n;
        s->dropped += dropped;
        for (uint32_t k = 0; k < round->pairs_n; k++)
            s->seconds += round->pairs[k].a.wall + round->pairs[k].b.wall;
    }
}

// What a comparison that stops when it is sure would have said of these pairs.
static void take_equals(struct selftest *s, const struct comparison *c, struct selftest_trial *trial) {
    const struct comparison_round *round = &c->rounds[0];
    MEM_GROW(s->differences, s->differences_cap, s->differences_n + round->pairs_n);
    double *differences = s->differences + s->differences_n;
    uint32_t n = paired_differences(round->pairs, round->pairs_n, c->metric, differences);
    struct verdict_look look = verdict_of(differences, n, &c->rule);
    s->differences_n += n;
    trial->verdict = look.verdict;
    trial->ratio = look.estimate;
}

bool selftest_take(struct selftest *s, double percent, const struct comparison *c) {
    struct selftest_level *level = selftest_level(s, percent);
    struct selftest_trial trial = {.verdict = VERDICT_MORE};
    if (!level || !c->rounds_n)
        return level != NULL;
    count_rounds(s, c, &trial);
    if (level == s->levels) {
        take_equals(s, c, &trial);
    } else {
        struct verdict_look first = comparison_look(c, 0);
        struct judgement judgement = comparison_judge(c);
        trial.verdict = judgement.reason == JUDGED_TOO_EARLY ? VERDICT_MORE : judgement.verdict;
        trial.flagged = first.verdict == VERDICT_FAIL;
        trial.ratio = first.estimate;
    }
    if (trial.verdict == VERDICT_MORE)
        return true; // interrupted: its pairs are true, but it is no answer
    MEM_GROW(level->trials, level->cap, level->n + 1);
    level->trials[level->n++] = trial;
    return true;
}

static uint64_t count_verdicts(const struct selftest_level *level, enum verdict verdict) {
    uint64_t n = 0;
    for (size_t i = 0; i < level->n; i++)
        n += level->trials[i].verdict == verdict;
    return n;
}

struct comparison_median selftest_ratio(const struct selftest_level *level) {
    struct comparison_median median = {0};
    double *ratios = MEM_NEW_ARRAY(double, level->n + 1);
    for (size_t i = 0; i < level->n; i++)
        ratios[i] = level->trials[i].ratio;
    if (level->n) {
        median.value = quantiles_median(ratios, level->n); // which sorts them
        median.bounded = quantiles_interval(ratios, level->n, 0.5, confidence, &median.low, &median.high);
    }
    mem_free(ratios);
    return median;
}

double selftest_mean_pairs(const struct selftest_level *level) {
    double pairs = 0;
    for (size_t i = 0; i < level->n; i++)
        pairs += level->trials[i].pairs;
    return level->n ? pairs / (double)level->n : 0;
}

// ---- rates

static enum selftest_state judge(const struct selftest_rate *rate) {
    if (rate->at_least <= 0 && rate->at_most >= 1)
        return SELFTEST_STATED;
    double seen = rate->n ? (double)rate->hits / (double)rate->n : -1;
    if (rate->n && seen >= rate->at_least && seen <= rate->at_most)
        return SELFTEST_KEPT;
    return rate->low <= rate->at_most && rate->high >= rate->at_least ? SELFTEST_UNCLEAR : SELFTEST_BROKEN;
}

static void add_rate(struct selftest_figures *f, struct selftest_rate rate) {
    rate.high = 1;
    if (rate.n)
        quantiles_proportion(rate.hits, rate.n, confidence, &rate.low, &rate.high);
    rate.state = judge(&rate);
    if (rate.state > f->state)
        f->state = rate.state;
    f->rates[f->rates_n++] = rate;
}

static const char *keep(struct selftest_figures *f, const char *format, double x) {
    const char *text = arena_printf(&f->arena, format, x);
    if (!text)
        mem_fail(strlen(format));
    return text;
}

static void form_suites(const struct selftest *s, struct selftest_suites *suites, uint32_t n, uint64_t seed,
                        const atomic_bool *interrupt, bool *interrupted) {
    struct suites_options options = {.benchmarks = SELFTEST_SUITE,
                                     .alpha_suite = GATE_ALPHA_SUITE,
                                     .scale = suites->scale,
                                     .rule = verdict_rule_default()};
    while (s->differences_n >= VERDICT_PAIRS && suites->suites < n && !*interrupted) {
        options.suites = n - suites->suites < CHUNK ? n - suites->suites : CHUNK;
        options.seed = seed * 1000003 + suites->suites;
        struct suites_result more = suites_flip(s->differences, s->differences_n, &options);
        suites->result.failed += more.failed;
        suites->result.flagged += more.flagged;
        suites->result.passed += more.passed;
        suites->result.inconclusive += more.inconclusive;
        suites->result.pairs += more.pairs;
        suites->suites += options.suites;
        *interrupted = interrupt && atomic_load(interrupt);
    }
}

static void add_suites(struct selftest_figures *f, const struct selftest_suites *suites) {
    static const char *const ids[2][3] = {
        {"suites.failed", "suites.flagged", "suites.inconclusive"},
        {"noisy_suites.failed", "noisy_suites.flagged", "noisy_suites.inconclusive"}};
    static const char *const words[2][3] = {
        {"suites of 40 equals: FAIL", "their benchmarks: FAIL at first", "their benchmarks: INCONCLUSIVE"},
        {"the same, 5 times the noise: FAIL", "their benchmarks: FAIL at first",
         "their benchmarks: INCONCLUSIVE"}};
    bool noisy = suites->scale > 1;
    const struct suites_result *r = &suites->result;
    uint64_t benchmarks = (uint64_t)suites->suites * SELFTEST_SUITE;
    add_rate(f, (struct selftest_rate){.id = ids[noisy][0],
                                       .what = words[noisy][0],
                                       .hits = r->failed,
                                       .n = suites->suites,
                                       .at_most = GATE_ALPHA_SUITE});
    add_rate(f, (struct selftest_rate){.id = ids[noisy][1],
                                       .what = words[noisy][1],
                                       .hits = r->flagged,
                                       .n = benchmarks,
                                       .at_most = verdict_rule_default().alpha});
    add_rate(f, (struct selftest_rate){.id = ids[noisy][2],
                                       .what = words[noisy][2],
                                       .hits = r->inconclusive,
                                       .n = benchmarks,
                                       .at_most = noisy ? 1 : 0.1});
}

// What is promised of slowdowns: of 10 % and more, of 5 % and more, of less nothing.
static void add_level(struct selftest_figures *f, const struct selftest_level *level) {
    bool large = level->percent >= 10 - 1e-9, medium = level->percent >= 5 - 1e-9;
    add_rate(f, (struct selftest_rate){.id = keep(f, "slower-%g.found", level->percent),
                                       .what = keep(f, "%g %% slower: FAIL", level->percent),
                                       .hits = count_verdicts(level, VERDICT_FAIL),
                                       .n = level->n,
                                       .at_least = large    ? 0.95
                                                   : medium ? 0.85
                                                            : 0,
                                       .at_most = 1});
    add_rate(f, (struct selftest_rate){.id = keep(f, "slower-%g.inconclusive", level->percent),
                                       .what = keep(f, "%g %% slower: INCONCLUSIVE", level->percent),
                                       .hits = count_verdicts(level, VERDICT_INCONCLUSIVE),
                                       .n = level->n,
                                       .at_most = medium ? 0.1 : 1});
    add_rate(f, (struct selftest_rate){.id = keep(f, "slower-%g.passed", level->percent),
                                       .what = keep(f, "%g %% slower: PASS", level->percent),
                                       .hits = count_verdicts(level, VERDICT_PASS),
                                       .n = level->n,
                                       .at_most = medium ? verdict_rule_default().beta : 1});
}

static void measure_noise(const struct selftest *s, struct selftest_figures *f) {
    double *sizes = MEM_NEW_ARRAY(double, s->differences_n + 1);
    for (size_t i = 0; i < s->differences_n; i++)
        sizes[i] = expm1(fabs(s->differences[i]));
    if (s->differences_n) {
        quantiles_sort(sizes, s->differences_n);
        f->middle = quantiles_of_sorted(sizes, s->differences_n, 0.5);
        f->most = quantiles_of_sorted(sizes, s->differences_n, 0.9);
    }
    mem_free(sizes);
}

void selftest_figures(const struct selftest *s, uint32_t suites, uint64_t seed, const atomic_bool *interrupt,
                      struct selftest_figures *f) {
    *f = (struct selftest_figures){.suites = {{.scale = 1}, {.scale = noisier}}};
    arena_init(&f->arena, 0);
    measure_noise(s, f);
    for (int i = 0; i < 2; i++) {
        form_suites(s, &f->suites[i], i ? (suites + 3) / 4 : suites, seed, interrupt, &f->interrupted);
        add_suites(f, &f->suites[i]);
    }
    add_rate(f, (struct selftest_rate){.id = "equals.failed",
                                       .what = "equals, as they were: FAIL",
                                       .hits = count_verdicts(&s->levels[0], VERDICT_FAIL),
                                       .n = s->levels[0].n,
                                       .at_most = verdict_rule_default().alpha});
    add_rate(f, (struct selftest_rate){.id = "equals.inconclusive",
                                       .what = "equals, as they were: INCONCLUSIVE",
                                       .hits = count_verdicts(&s->levels[0], VERDICT_INCONCLUSIVE),
                                       .n = s->levels[0].n,
                                       .at_most = 0.1});
    for (size_t i = 1; i < s->levels_n; i++)
        add_level(f, &s->levels[i]);
}

void selftest_figures_release(struct selftest_figures *f) {
    arena_release(&f->arena);
    *f = (struct selftest_figures){0};
}
