// SPDX-License-Identifier: MIT
#include "pipeline/run/run_profile.h"

#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "monitor/costs.h"
#include "pipeline/run/run_watch.h"

static const uint64_t LEAST = 2000000, MOST = 5000000; // nanoseconds between ticks
enum { SHARE = 5000 };

struct run_ticker {
    struct run *run;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending, running;
};

static struct timespec time_of(uint64_t nanoseconds) {
    return (struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000),
                             .tv_nsec = (long)(nanoseconds % 1000000000)};
}

static uint64_t machine_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

// The interval varies, so that ticks do not fall in step with what is rendered.
static uint64_t next_interval(uint64_t elapsed, uint64_t *random) {
    uint64_t usual = elapsed / SHARE;
    usual = usual < LEAST ? LEAST : usual > MOST ? MOST : usual;
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return usual / 2 + (*random >> 33) % usual;
}

static void *tick(void *self) {
    struct run_ticker *ticker = self;
    const struct run *run = ticker->run;
    uint64_t began = machine_now(), last = began, random = began;
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->ending) {
        const struct timespec until = time_of(machine_now() + next_interval(last - began, &random));
        if (pthread_cond_clockwait(&ticker->wake, &ticker->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
            continue;
        uint64_t now = machine_now(), since = now - last;
        last = now;
        for (uint32_t w = 0; w < run->options->workers; w++)
            profile_tick(run->workers[w].profile, since);
    }
    pthread_mutex_unlock(&ticker->lock);
    return NULL;
}

void run_profile_begin(struct run *run) {
    if (!run->options->costs)
        return;
    for (uint32_t w = 0; w < run->options->workers; w++)
        run->workers[w].profile = profile_new();
    struct run_ticker *ticker = run->ticker = MEM_NEW(struct run_ticker);
    ticker->run = run;
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_cond_init(&ticker->wake, NULL);
    ticker->running = pthread_create(&ticker->thread, NULL, tick, ticker) == 0; // else there are no samples
}

static void stop(struct run_ticker *ticker) {
    if (!ticker->running)
        return;
    pthread_mutex_lock(&ticker->lock);
    ticker->ending = true;
    pthread_cond_signal(&ticker->wake);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    ticker->running = false;
}

// ---- what it comes to

static struct costs_frame frame_of(const struct profile_call *call) {
    const struct program *program = call->program;
    const struct str text = program->source.text;
    size_t at = program->positions[call->instruction], from = 0;
    uint32_t line = 1;
    for (size_t i = 0; i < at && i < text.n; i++)
        if (text.p[i] == '\n') {
            line++;
            from = i + 1;
        }
    const char *end = memchr(text.p + from, '\n', text.n - from);
    return (struct costs_frame){.name = program->source.name,
                                .line = line,
                                .text = str_slice(text, from, end ? (size_t)(end - text.p) : text.n),
                                .function = call->function->name};
}

// What is not in a line of its own: the filter that the instruction applies.
static struct str filter_of(const struct run *run, const struct profile_call *call) {
    const struct instruction *in = &call->program->code[call->instruction];
    const struct library *library = run->plan->compile.library;
    if (in->op == OP_FILTER && in->b < library->filters_n)
        return str_of(library->filters[in->b].name);
    return (struct str){NULL, 0};
}

static void add_call(const struct run *run, const struct profile *profile, const struct profile_call *call) {
    struct costs_frame frames[PROFILE_DEPTH + 2];
    size_t n = PROFILE_DEPTH + 1; // filled from its end: the innermost is known first
    struct str filter = filter_of(run, call);
    frames[PROFILE_DEPTH + 1] = (struct costs_frame){.name = filter};
    for (const struct profile_call *at = call; n > 1; at = &profile->calls[at->caller]) {
        frames[--n] = frame_of(at);
        if (!at->caller)
            break;
    }
    frames[--n] = (struct costs_frame){.name = run->jobs[call->subject].job->job->name};
    costs_add(run->options->costs, frames + n, PROFILE_DEPTH + 1 - n + (filter.n > 0), call->nanoseconds);
}

static void add_profile(const struct run *run, const struct profile *profile) {
    struct costs *costs = run->options->costs;
    costs->samples += profile->ticks;
    if (profile->calls[0].nanoseconds)
        costs_add(costs, &(struct costs_frame){.name = STR("others")}, 1, profile->calls[0].nanoseconds);
    for (size_t i = 1; i < profile->calls_n; i++)
        if (profile->calls[i].nanoseconds)
            add_call(run, profile, &profile->calls[i]);
}

void run_profile_end(struct run *run) {
    if (!run->ticker)
        return;
    stop(run->ticker);
    for (uint32_t w = 0; w < run->options->workers; w++)
        add_profile(run, run->workers[w].profile);
    costs_sort(run->options->costs);
    if (run->options->session)
        run->options->session->costs = run->options->costs;
}

void run_profile_release(struct run *run) {
    if (!run->ticker)
        return;
    stop(run->ticker);
    pthread_cond_destroy(&run->ticker->wake);
    pthread_mutex_destroy(&run->ticker->lock);
    mem_free(run->ticker);
    for (uint32_t w = 0; run->workers && w < run->options->workers; w++)
        profile_free(run->workers[w].profile);
}
