// SPDX-License-Identifier: MIT
#include "pipeline/strategy/chooser.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define TIE            0.01  // of the best total: less is not worth another strategy than the fallback
#define FLOOR          0.002 // of the remaining costs, that a probe has to bring beside its own
#define STEADY         0.03  // of the remaining costs, that a switch has to
#define HOPELESS_RATIO 1.3   // dearer than the incumbent, and by two spreads, after a part of a probe
enum {
    BUDGET = 10, // one batch in so many may be a probe
    LOOKS = 20,  // in the course of a run
    LEAST = 2    // batches of a probe
};

// ---- what is left

static uint64_t expected_batches(const struct chooser *c) {
    if (c->options.batches)
        return c->options.batches > c->handed ? c->options.batches : c->handed;
    // Of what may end at any time there is as much to come as there was, as far as anybody can say.
    uint64_t least = c->options.batches_sure > CHOOSER_FEW ? c->options.batches_sure : CHOOSER_FEW;
    return 2 * c->handed > least ? 2 * c->handed : least;
}

static uint64_t left(const struct chooser *c) {
    return expected_batches(c) - c->handed;
}

static double batch_work(const struct chooser *c) {
    double work = 0;
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        work += c->tallies[s].work;
    double share = c->options.work > 0 ? c->options.work / (double)expected_batches(c) : 0;
    double left_work = c->options.work - work, left_n = (double)expected_batches(c) - (double)c->observed;
    if (share > 0 && left_work > 0 && left_n > 0)
        return left_work / left_n;
    return c->observed ? work / (double)c->observed : share > 0 ? share : 1;
}

static double remaining(const struct chooser *c, double cost) {
    return cost * batch_work(c) * (double)left(c);
}

static uint64_t probe_size(const struct chooser *c, uint32_t s) {
    uint32_t workers = c->options.candidates[s].workers;
    return workers > LEAST ? workers : LEAST;
}

// A part of a probe that can be told something by: a batch for each worker.
static uint64_t probe_part(const struct chooser *c, uint32_t s) {
    uint32_t workers = c->options.candidates[s].workers;
    return workers > 1 ? workers : 1;
}

static double startup(const struct chooser *c, uint32_t s) {
    return c->tallies[s].used ? 0 : c->options.candidates[s].startup;
}

static uint64_t look_interval(const struct chooser *c) {
    uint64_t step = expected_batches(c) / LOOKS, least = probe_size(c, c->incumbent);
    return step > least ? step : least;
}

// ---- the record

static struct chooser_step step_of(const struct chooser *c, enum chooser_kind kind,
                                   enum chooser_reason reason, uint32_t challenger) {
    struct chooser_step step = {.kind = kind,
                                .reason = reason,
                                .incumbent = c->incumbent,
                                .challenger = challenger,
                                .batch = c->handed};
    step.incumbent_seconds = remaining(c, belief_cost(&c->belief, c->incumbent));
    step.challenger_seconds = remaining(c, belief_cost(&c->belief, challenger));
    if (challenger != c->incumbent)
        belief_ratio(&c->belief, challenger, c->incumbent, &step.sigma);
    return step;
}

static void record(struct chooser *c, const struct chooser_step *step) {
    struct chooser_step *last = c->steps_n ? &c->steps[c->steps_n - 1] : NULL;
    if (last && step->kind == CHOOSER_STAY && last->kind == CHOOSER_STAY && last->reason == step->reason &&
        last->challenger == step->challenger) {
        uint32_t repeated = last->repeated + 1;
        *last = *step;
        last->repeated = repeated;
    } else if (c->steps_n < CHOOSER_STEPS) {
        c->steps[c->steps_n++] = *step;
    } else {
        c->steps_lost++;
    }
}

// ---- the start

static double total(const struct chooser *c, uint32_t s) {
    return c->options.candidates[s].startup + remaining(c, c->options.candidates[s].cost);
}

static bool is_usable(const struct chooser_candidate *candidate) {
    return !candidate->unfit && candidate->cost > 0 && isfinite(candidate->cost) && candidate->startup >= 0 &&
           isfinite(candidate->startup);
}

// Which candidates there are; where none is, the fallback is taken as it is. True: some want more workers than one.
static bool find_fit(struct chooser *c, uint32_t *fit_n) {
    bool one_worker = false;
    *fit_n = 0;
    for (uint32_t s = 0; s < c->options.candidates_n; s++) {
        bool usable = is_usable(&c->options.candidates[s]);
        bool wants = c->options.workers <= 1 && c->options.candidates[s].workers > 1;
        one_worker = one_worker || (usable && wants);
        c->fit[s] = usable && !wants;
        *fit_n += c->fit[s];
    }
    if (*fit_n == 0) {
        c->fit[c->options.fallback] = true;
        *fit_n = 1;
    }
    return one_worker;
}

static uint32_t cheapest(const struct chooser *c, uint32_t besides) {
    uint32_t best = besides;
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        if (c->fit[s] && s != besides && (best == besides || total(c, s) < total(c, best)))
            best = s;
    return best;
}

static uint32_t first_of(const struct chooser *c, enum chooser_reason *reason) {
    uint32_t best = cheapest(c, CHOOSER_MOST), fallback = c->options.fallback;
    if (c->options.is_remembered && c->fit[c->options.remembered]) {
        *reason = CHOOSER_REMEMBERED;
        return c->options.remembered;
    }
    *reason = CHOOSER_PREDICTED;
    if (best == fallback || !c->fit[fallback] || total(c, fallback) > (1 + TIE) * total(c, best))
        return best;
    *reason = CHOOSER_NO_BENEFIT;
    return fallback;
}

static void start(struct chooser *c, uint32_t fit_n, bool one_worker) {
    enum chooser_reason reason;
    uint32_t first = c->first = c->incumbent = c->probing = first_of(c, &reason);
    if (reason != CHOOSER_REMEMBERED && (one_worker || fit_n == 1))
        reason = one_worker ? CHOOSER_ONE_WORKER : CHOOSER_ONLY_ONE;
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        c->totals[s] = c->options.work > 0 && is_usable(&c->options.candidates[s]) ? total(c, s) : NAN;
    uint32_t next = cheapest(c, first);
    struct chooser_step step = step_of(c, CHOOSER_START, reason, next);
    step.gain =
        total(c, next) - total(c, first); // below 0: the fallback, or what is remembered, takes longer
    record(c, &step);
}

void chooser_init(struct chooser *c, const struct chooser_options *options) {
    assert(options->candidates_n >= 1 && options->candidates_n <= CHOOSER_MOST);
    assert(options->fallback < options->candidates_n);
    assert(!options->is_remembered || options->remembered < options->candidates_n);
    *c = (struct chooser){.options = *options};
    struct belief_prior priors[CHOOSER_MOST];
    for (uint32_t s = 0; s < options->candidates_n; s++) {
        struct chooser_candidate *candidate = &c->options.candidates[s];
        priors[s] =
            (struct belief_prior){is_usable(candidate) ? candidate->cost : 1, fmax(candidate->sigma, 0)};
    }
    belief_init(&c->belief, priors, options->candidates_n, (double)expected_batches(c),
                (struct belief_spreads){.common = options->common > 0 ? options->common : CHOOSER_COMMON,
                                        .noise = options->noise > 0 ? options->noise : CHOOSER_NOISE,
                                        .wrong = options->wrong > 0 ? options->wrong : CHOOSER_WRONG});
    uint32_t fit_n;
    bool one_worker = find_fit(c, &fit_n);
    start(c, fit_n, one_worker);
}

void chooser_expect(struct chooser *c, uint64_t batches, uint64_t batches_sure, double work) {
    c->options.batches = batches;
    c->options.batches_sure = batches_sure;
    c->options.work = work;
}

// ---- probing

// What knowing the challenger better is expected to gain, in seconds.
static double expected_gain(const struct chooser *c, uint32_t s) {
    return belief_saving(&c->belief, s, c->incumbent, (double)probe_size(c, s)) *
           remaining(c, belief_cost(&c->belief, c->incumbent));
}

static double probe_cost(const struct chooser *c, uint32_t s) {
    double more = belief_mean_cost(&c->belief, s, c->incumbent) - belief_cost(&c->belief, c->incumbent);
    return fmax(more, 0) * batch_work(c) * (double)probe_size(c, s) + startup(c, s) + 2 * c->options.change;
}

static double needed_gain(const struct chooser *c, uint32_t s) {
    return 2 * probe_cost(c, s) + FLOOR * remaining(c, belief_cost(&c->belief, c->incumbent));
}

// Whatever comes, a tenth: of those that are sure, or of those that were handed out.
static bool may_probe(const struct chooser *c, uint32_t s) {
    uint64_t probes = c->probe_batches + probe_size(c, s);
    uint64_t sure = c->options.batches_sure > c->handed ? c->options.batches_sure : c->handed;
    return probes * BUDGET <= sure && left(c) > probe_size(c, s);
}

static uint32_t most_worth(const struct chooser *c) {
    uint32_t best = c->incumbent;
    double most = -INFINITY;
    for (uint32_t s = 0; s < c->options.candidates_n; s++) {
        double worth = c->fit[s] && s != c->incumbent ? expected_gain(c, s) - needed_gain(c, s) : -INFINITY;
        if (worth > most) {
            most = worth;
            best = s;
        }
    }
    return best;
}

// True: a probe begins. What speaks against it is the step.
static bool consider_probe(struct chooser *c, struct chooser_step *step) {
    uint32_t s = most_worth(c);
    *step = step_of(c, CHOOSER_STAY, CHOOSER_NO_WORTH, s);
    if (s == c->incumbent)
        return false;
    step->gain = expected_gain(c, s);
    step->needed = needed_gain(c, s);
    if (step->gain <= step->needed)
        return false;
    if (!may_probe(c, s)) {
        step->reason = CHOOSER_SPENT;
        return false;
    }
    step->kind = CHOOSER_PROBE;
    step->reason = CHOOSER_WORTH;
    c->probing = s;
    c->probe_left = probe_size(c, s);
    c->probes++;
    return true;
}

static bool is_hopeless(const struct chooser *c) {
    double sigma, ratio = belief_ratio(&c->belief, c->probing, c->incumbent, &sigma);
    return ratio > log(HOPELESS_RATIO) && ratio > 2 * sigma;
}

static void hand_out(struct chooser *c, uint32_t strategy, uint64_t batches, bool probe,
                     struct chooser_slice *slice) {
    bool first = !c->tallies[strategy].used;
    *slice = (struct chooser_slice){strategy, batches, probe, probe || first};
    c->tallies[strategy].used = true;
    c->handed += batches;
}

static bool next_probe_part(struct chooser *c, struct chooser_slice *slice) {
    if (c->probe_left == 0)
        return false;
    uint64_t part = probe_part(c, c->probing), begun = probe_size(c, c->probing) - c->probe_left;
    if (begun && is_hopeless(c)) {
        struct chooser_step step = step_of(c, CHOOSER_STAY, CHOOSER_HOPELESS, c->probing);
        record(c, &step);
        c->probe_left = 0;
        return false;
    }
    part = part < c->probe_left ? part : c->probe_left;
    part = part < left(c) ? part : left(c);
    c->probe_left -= part;
    c->probe_batches += part;
    hand_out(c, c->probing, part, true, slice);
    return true;
}

// ---- switching

static void consider_switch(struct chooser *c) {
    const double rb = remaining(c, belief_cost(&c->belief, c->incumbent));
    uint32_t best = c->incumbent;
    double most = 0, best_saved = 0, best_needed = 0;
    for (uint32_t s = 0; s < c->options.candidates_n; s++) {
        if (!c->fit[s] || s == c->incumbent)
            continue;
        // One not seen yet is rather probed; where it cannot be, it is taken for what it costs on average.
        bool seen = c->tallies[s].batches > 0;
        if (!seen && may_probe(c, s))
            continue;
        double cost = seen ? belief_cost(&c->belief, s) : belief_mean_cost(&c->belief, s, c->incumbent);
        double steady = STEADY * ldexp(1, (int)(c->left_times[s] < 5 ? c->left_times[s] : 5));
        double saved = rb - remaining(c, cost), needed = startup(c, s) + c->options.change + steady * rb;
        if (saved - needed > most) {
            most = saved - needed;
            best_saved = saved;
            best_needed = needed;
            best = s;
        }
    }
    if (best == c->incumbent)
        return;
    struct chooser_step step = step_of(c, CHOOSER_SWITCH, CHOOSER_GAIN, best);
    step.gain = best_saved;
    step.needed = best_needed;
    record(c, &step);
    c->left_times[c->incumbent]++;
    c->incumbent = best;
    c->switches++;
}

// ---- the run's side

static bool has_choice(const struct chooser *c) {
    uint32_t fit_n = 0;
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        fit_n += c->fit[s];
    return fit_n >= 2;
}

static bool is_settled(const struct chooser *c) {
    return !has_choice(c) || c->options.uneven || expected_batches(c) < CHOOSER_FEW;
}

// Why the prediction counts, whatever is seen.
static void record_settled(struct chooser *c) {
    const bool few = expected_batches(c) < CHOOSER_FEW;
    struct chooser_step step = step_of(c, CHOOSER_STAY, few ? CHOOSER_TOO_FEW : CHOOSER_UNEVEN, c->incumbent);
    if (few || (has_choice(c) && c->options.uneven))
        record(c, &step);
}

static uint64_t slice_size(const struct chooser *c) {
    uint64_t until = c->decide_at > c->handed ? c->decide_at - c->handed : 1;
    return until < left(c) ? until : left(c);
}

// What is known once everything handed out has been seen, or most of it: a decision.
static bool decide(struct chooser *c, struct chooser_slice *slice) {
    consider_switch(c);
    struct chooser_step step;
    bool probes = consider_probe(c, &step);
    record(c, &step);
    if (probes)
        return next_probe_part(c, slice);
    c->decide_at = c->handed + look_interval(c);
    return false;
}

bool chooser_next(struct chooser *c, struct chooser_slice *slice) {
    if (left(c) == 0)
        return false;
    if (is_settled(c)) {
        if (c->handed == 0)
            record_settled(c);
        c->decide_at = c->handed + look_interval(c);
    } else if (c->handed == 0) {
        c->decide_at = probe_size(c, c->incumbent); // something to compare with
    } else if (next_probe_part(c, slice)) {
        return true;
    } else if (c->handed >= c->decide_at && c->tallies[c->incumbent].batches) {
        if (decide(c, slice))
            return true;
    }
    hand_out(c, c->incumbent, slice_size(c), false, slice);
    return true;
}

void chooser_observe(struct chooser *c, uint32_t strategy, uint64_t batches, double work, double seconds) {
    assert(strategy < c->options.candidates_n);
    struct chooser_tally *tally = &c->tallies[strategy];
    c->observed += batches;
    tally->batches += batches;
    tally->work += work > 0 ? work : 0;
    tally->seconds += seconds > 0 ? seconds : 0;
    if (work > 0 && batches)
        belief_observe(&c->belief, strategy, (double)batches, seconds / work);
}

double chooser_hindsight(const struct chooser *c, uint32_t strategy) {
    double seconds = c->options.candidates[strategy].startup, sigma;
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        seconds += c->tallies[s].seconds * exp(belief_ratio(&c->belief, strategy, s, &sigma));
    return seconds;
}

void chooser_result(const struct chooser *c, struct chooser_result *result) {
    *result = (struct chooser_result){.first = c->first,
                                      .choice = c->incumbent,
                                      .runner_up = c->incumbent,
                                      .predicted = c->totals[c->first],
                                      .batches = c->observed,
                                      .probes = c->probes,
                                      .probe_batches = c->probe_batches,
                                      .switches = c->switches};
    result->best_seconds = chooser_hindsight(c, c->incumbent);
    for (uint32_t s = 0; s < c->options.candidates_n; s++) {
        result->actual += c->tallies[s].seconds + (c->tallies[s].used ? c->options.candidates[s].startup : 0);
        if (!c->fit[s] || s == c->incumbent)
            continue;
        double seconds = chooser_hindsight(c, s);
        if (result->runner_up == c->incumbent || seconds < result->runner_up_seconds) {
            result->runner_up = s;
            result->runner_up_seconds = seconds;
        }
        result->best_seconds = fmin(result->best_seconds, seconds);
    }
    if (result->best_seconds > 0 && result->actual > result->best_seconds)
        result->regret = result->actual / result->best_seconds - 1;
}
