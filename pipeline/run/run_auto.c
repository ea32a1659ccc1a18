// SPDX-License-Identifier: MIT
#include "pipeline/run/run_auto.h"

#include "pipeline/run/run_watch.h"

// A record's part of the work, in bytes: for sources whose bytes are not known, and records that are hardly any.
enum { RECORD_WORK = 100 };
enum { SETTLED = 4, WARM_MOST = 128, WARM_STEP = 2, SMOOTH = 2 };
// Of the batches that are expected, so many will come at least.
#define SURE 0.5
// Seconds that a batch takes a worker, about, when its size has settled.
#define USUAL_BATCH (BATCH_SIZE_TARGET / 1e9)

void run_auto_init(struct run *run, const struct forecast *forecast) {
    run->automatic.forecast = forecast;
    pthread_mutex_init(&run->automatic.lock, NULL);
}

void run_auto_release(struct run *run) {
    pthread_mutex_destroy(&run->automatic.lock);
}

// What is to come -------------------------------------------------------------------------------------------

// Of the sources that are open: what is read of them, and what there is. False: of some that is not known.
static bool sources_progress(const struct run *run, double *read, double *total) {
    bool known = true;
    *read = *total = 0;
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        const struct loader *loader = run->passes[p].loader;
        if (!loader)
            continue;
        known &= load_bytes_total(loader) > 0;
        *read += (double)load_bytes_read(loader);
        *total += (double)load_bytes_total(loader);
    }
    return known && *total > 0;
}

// What is left: work, batches. 0: nobody knows.
struct outlook {
    double work, batches;
};

static struct outlook look_ahead(const struct run *run) {
    const struct run_auto *a = &run->automatic;
    const uint64_t ended = a->handed - a->open;
    double read, total;
    if (!sources_progress(run, &read, &total))
        return (struct outlook){0, 0};
    if (ended == 0 || read <= 0 || a->batch_work <= 0) {
        const struct chooser_candidate *fallback =
            &a->forecast->options.candidates[a->forecast->options.fallback];
        const double work = a->forecast->work.source_bytes;
        return (struct outlook){work, work * fallback->cost / USUAL_BATCH + 1};
    }
    // What has been read has been handed out; of what is in flight it is not known yet what it comes to.
    const double handed = a->work * (double)a->handed / (double)ended;
    const double left = read < total ? handed * (total - read) / read : 0;
    return (struct outlook){left, left / a->batch_work};
}

static void expect(struct run *run) {
    struct run_auto *a = &run->automatic;
    const struct outlook left = look_ahead(run);
    const double told = (double)a->chooser.handed;
    // Nothing left is not known either, as long as batches come.
    if (left.batches > 0)
        chooser_expect(&a->chooser, (uint64_t)(told + left.batches) + 1,
                       (uint64_t)(told + SURE * left.batches), a->chooser_work + left.work);
}

static void begin(struct run *run) {
    struct run_auto *a = &run->automatic;
    struct chooser_options options = a->forecast->options;
    const struct outlook outlook = look_ahead(run);
    if (a->dear && a->forecast->caches)
        forecast_keep_outputs(&options);
    options.uneven = a->dear;
    options.batches = (uint64_t)outlook.batches;
    options.batches_sure = (uint64_t)(SURE * outlook.batches);
    options.work = outlook.work;
    chooser_init(&a->chooser, &options);
    a->begun = true;
    a->next = (struct chooser_slice){.strategy = a->chooser.incumbent, .batches = WARM_STEP};
}

// Until some batches have had their size, or a single unit is so dear that none is larger; but not for ever.
static bool is_warm(const struct run *run) {
    const struct run_auto *a = &run->automatic;
    return a->dear || a->settled >= SETTLED * (uint64_t)run->options->workers || a->handed >= WARM_MOST;
}

// Slices ----------------------------------------------------------------------------------------------------

// What the window took. The few batches of a try begin and end with workers that wait for each other; were they more, it
// would take what the workers did, shared out. Unless filters did it, for whom they waited.
static double window_seconds(const struct run *run) {
    const struct run_auto *a = &run->automatic;
    const uint64_t elapsed = a->window_ended - a->window_began;
    const uint64_t workers = strategy_workers(strategies[a->slice.strategy], run->options->workers).start;
    const bool shared = a->slice.alone && !run->through && a->window_worked > 0;
    const uint64_t share = a->window_worked / (workers < a->window_batches ? workers : a->window_batches);
    return (double)(shared && share < elapsed ? share : elapsed) / 1e9;
}

static void observe(struct run *run) {
    struct run_auto *a = &run->automatic;
    if (a->window_batches > 0 && a->warm)
        chooser_observe(&a->chooser, a->slice.strategy, a->window_batches, a->window_work,
                        window_seconds(run));
    a->chooser_work += a->warm ? a->window_work : 0;
    a->window_batches = a->window_worked = 0;
    a->window_work = 0;
    a->window_began = a->window_ended;
}

static void take_up(struct run *run) {
    struct run_auto *a = &run->automatic;
    const bool changes = strategies[a->next.strategy] != run_strategy(run);
    a->slice = a->next;
    a->slice_left = a->slice.batches;
    a->has_next = false;
    if (a->open == 0) // else the window goes on
        a->window_began = a->window_ended = run_now(run);
    a->first_began = a->first_began ? a->first_began : a->window_began;
    if (changes)
        run_use_strategy(run, strategies[a->slice.strategy]);
}

static void find_next(struct run *run) {
    struct run_auto *a = &run->automatic;
    a->has_next = true;
    if (!a->begun) {
        begin(run);
        return;
    }
    if (!a->warm && !is_warm(run)) {
        a->next.batches = WARM_STEP;
        return;
    }
    if (!a->warm && a->dear)
        begin(run); // anew, now that it is known
    a->warm = true;
    expect(run);
    // When all that was expected has been handed out, what comes on top of it goes on as before.
    if (!chooser_next(&a->chooser, &a->next))
        a->next = (struct chooser_slice){.strategy = a->chooser.incumbent, .batches = 1};
}

bool run_auto_admit(struct run *run) {
    struct run_auto *a = &run->automatic;
    bool admitted = true;
    if (!a->forecast)
        return true;
    pthread_mutex_lock(&a->lock);
    if (a->slice_left == 0) {
        // A slice that is to be observed alone is over when its last batch has ended.
        const bool flows = !a->slice.alone || a->open == 0;
        if (flows && !a->has_next)
            find_next(run);
        admitted = flows && (a->open == 0 || (!a->next.alone && a->next.strategy == a->slice.strategy));
        if (admitted)
            take_up(run);
    }
    if (admitted) {
        a->slice_left--;
        a->handed++;
        a->open++;
    } else {
        a->waited = true;
    }
    pthread_mutex_unlock(&a->lock);
    return admitted;
}

// Enough that the time between two ends tells something; the last ones of a slice that ends alone are all there is.
static bool window_is_full(const struct run_auto *a) {
    if (a->slice.alone)
        return a->open == 0 && a->slice_left == 0;
    return a->open == 0 || a->window_batches >= 2 * (uint64_t)a->forecast->options.workers + 2;
}

static bool drained(struct run_auto *a) {
    const bool wakes = a->open == 0 && a->waited;
    if (wakes)
        a->waited = false;
    return wakes;
}

static void wake_passes(struct run *run) {
    for (size_t p = 0; p < run->plan->passes_n; p++)
        graph_wake(run->graph, run->passes[p].node);
}

void run_auto_ended(struct run *run, uint64_t bytes, uint64_t records, uint64_t worked) {
    struct run_auto *a = &run->automatic;
    const double work = (double)bytes + (double)records * RECORD_WORK;
    if (!a->forecast)
        return;
    pthread_mutex_lock(&a->lock);
    a->open--;
    a->work += work;
    a->batch_work += (work - a->batch_work) / (a->batch_work > 0 ? SMOOTH : 1);
    a->window_ended = run_now(run);
    a->window_batches++;
    a->window_worked += worked;
    a->settled += worked >= BATCH_SIZE_TARGET / 2;
    a->dear |= worked >= BATCH_SIZE_TARGET / 2 && records <= 2;
    a->window_work += work;
    if (window_is_full(a))
        observe(run);
    const bool wakes = drained(a);
    pthread_mutex_unlock(&a->lock);
    if (wakes)
        wake_passes(run);
}

void run_auto_unused(struct run *run) {
    struct run_auto *a = &run->automatic;
    if (!a->forecast)
        return;
    pthread_mutex_lock(&a->lock);
    a->open--;
    a->handed--;
    a->slice_left++;
    const bool wakes = drained(a);
    pthread_mutex_unlock(&a->lock);
    if (wakes)
        wake_passes(run);
}

// A run that was over before its batches had settled has still taken the time it took.
void run_auto_end(struct run *run) {
    struct run_auto *a = &run->automatic;
    if (!a->begun)
        return;
    if (a->chooser.observed == 0) {
        a->warm = true;
        a->window_batches = a->handed;
        a->window_work = a->work;
        a->window_began = a->first_began;
    }
    observe(run);
}
