// SPDX-License-Identifier: MIT
/*
 * Outputs that come from the cache instead of being rendered. Most templates are so quick that looking an output up costs
 * more than making it, so it is measured whether that pays, job by job: the first outputs of a run are timed, and only
 * if they take RUN_CACHE_FACTOR times what keeping and getting them would, the others are looked up. What a job was
 * like is remembered (cache_books.h), so the next run looks up from its first output on. Of a job that is looked up, too,
 * only outputs that were dear are kept; of one that is not yet, those that nobody could take for anything else.
 *
 * Time is that of the processor, since waiting for it is no work. The very first outputs do not count: they pay for
 * much that the others find done.
 *
 * A strategy may want all looked up and kept (struct strategy_caching); it is measured all the same, for those that come
 * after it.
 *
 * The key is what the journal knows an output by: all that the job's outputs are made with, and the fields of the
 * record that it reads. So there is none where nothing is known of earlier runs, none for a template that may ask for
 * the time, which would never be found again, and none for outputs of filters, which have a category of their own.
 */
#include "base/mem.h"
#include "pipeline/run/run_private.h"

enum render_state {
    UNASKED,
    TRYING,
    USED,
    UNUSED,  // it does not pay
    KEYLESS, // it cannot be
};

enum { COLD = 4, TRIES = 16 };
static const uint64_t SLOW = 5 * 1000 * 1000; // nanoseconds that are dear, whatever else

static bool may_ask_for_now(const struct journal_recipe *recipe) {
    for (uint32_t i = 0; i < recipe->parts_n; i++)
        if (str_is(recipe->parts[i].name, "now"))
            return true;
    return false;
}

// Once: whoever comes at the same time finds the same, but may be late.
static void begin(struct job_run *job) {
    int state = TRYING, unasked = UNASKED;
    struct run *run = job->run;
    struct cache_books_job known;
    if (!job->past || job->job->filter.argv || may_ask_for_now(job->past->recipe))
        state = KEYLESS;
    else if (run->options->cache.warm ||
             (run_cache_known(run, CACHE_RENDER, job->job->job->name, &known) && known.used))
        state = USED;
    atomic_compare_exchange_strong(&job->cached.state, &unasked, state);
}

bool run_cache_looks(struct lot *lot) {
    struct job_run *job = lot->job;
    if (!run_cache_has(job->run, CACHE_RENDER))
        return false;
    int state = atomic_load_explicit(&job->cached.state, memory_order_acquire);
    if (state == UNASKED) {
        begin(job);
        state = atomic_load_explicit(&job->cached.state, memory_order_acquire);
    }
    return state != KEYLESS && (state != UNUSED || lot->strategy->caching.keeps_all);
}

static bool key_of(struct lot *lot, const struct entry *entry, const struct worker *worker,
                   struct cache_key *key) {
    key->category = CACHE_RENDER;
    return run_past_fingerprint(lot, entry, worker, &key->digest);
}

// Makes an output that was found, and compares. False: it cannot be made.
static bool make_again(struct lot *lot, struct entry *entry, struct vm *vm, struct cache_key key,
                       struct str kept) {
    const struct diag *fault = NULL;
    char ordinal[RUN_ORDINAL_SIZE];
    struct buf text = BUF_INIT;
    const bool made = run_output_whole(entry, vm, lot->job->job->body, &text, &fault);
    run_cache_compare(lot->job->run, key, kept, made ? buf_str(&text) : (struct str){NULL, 0},
                      run_entry_key(entry, ordinal));
    if (made) {
        lot->counters.rendered++;
        run_output_text(lot, entry, buf_str(&text));
    }
    buf_release(&text);
    return made;
}

bool run_cache_output(struct lot *lot, struct entry *entry, struct vm *vm, const struct worker *worker) {
    struct run *run = lot->job->run;
    struct cache_key key;
    const bool is_used = lot->strategy->caching.keeps_all ||
                         atomic_load_explicit(&lot->job->cached.state, memory_order_relaxed) == USED;
    if (!is_used || !key_of(lot, entry, worker, &key))
        return false;
    struct cache_value *value = run_cache_get(run, key, &lot->hits.found);
    if (!value)
        return false;
    const struct str kept = {value->bytes, value->n};
    bool done = true;
    if (run_cache_audits(run, key))
        done = make_again(lot, entry, vm, key, kept);
    else
        run_output_text(lot, entry, kept);
    cache_value_drop(value);
    return done;
}

// Without the slowest one, which may have met something that was no fault of its own.
static struct cache_books_job figures_of(const struct job_run *job) {
    const uint64_t n = atomic_load(&job->cached.counted), time = atomic_load(&job->cached.time),
                   slowest = n > 1 ? atomic_load(&job->cached.slowest) : 0;
    struct cache_books_job figures = {.category = CACHE_RENDER,
                                      .name = job->job->job->name,
                                      .make = (time - slowest) / (n > 1 ? n - 1 : 1),
                                      .keep = run_cache_cost(atomic_load(&job->cached.bytes) / n)};
    figures.used = figures.make >= RUN_CACHE_FACTOR * figures.keep;
    return figures;
}

static void count(struct run_cached *cached, uint64_t took, uint64_t bytes) {
    unsigned long long slowest = atomic_load(&cached->slowest);
    while (took > slowest && !atomic_compare_exchange_weak(&cached->slowest, &slowest, took))
        ;
    atomic_fetch_add(&cached->time, took);
    atomic_fetch_add(&cached->bytes, bytes);
    atomic_fetch_add(&cached->counted, 1);
}

void run_cache_rendered(struct lot *lot, const struct entry *entry, struct str text, uint64_t took,
                        const struct worker *worker) {
    struct job_run *job = lot->job;
    struct run_cached *cached = &job->cached;
    struct cache_key key;
    if (!text.p || !entry->emitted)
        return;
    const uint64_t timed = atomic_fetch_add(&cached->timed, 1) + 1;
    if (timed > COLD || took >= SLOW)
        count(cached, took, text.n);
    const bool tries = atomic_load_explicit(&cached->state, memory_order_relaxed) == TRYING;
    const uint64_t pays = RUN_CACHE_FACTOR * run_cache_cost(text.n);
    const uint64_t least = lot->strategy->caching.keeps_all ? 0 : tries && pays < SLOW ? SLOW : pays;
    if (took >= least && key_of(lot, entry, worker, &key))
        run_cache_put(job->run, key, caches_tag(job->job->job->template_name), text);
    if (tries && timed == TRIES)
        atomic_store(&cached->state, figures_of(job).used ? USED : UNUSED);
}

// What came of it, for the next run. A job of which all was found is what it was; of one with a handful of outputs that
// were no work nothing needs to be known.
void run_cache_learn_renders(struct run *run) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        if (atomic_load(&job->cached.counted) == 0)
            continue;
        const struct cache_books_job learnt = figures_of(job);
        if (learnt.used || atomic_load(&job->cached.timed) >= TRIES)
            run_cache_learn(run, &learnt);
    }
}
