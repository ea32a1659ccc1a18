// SPDX-License-Identifier: MIT
// The source of a pass, and those that it joins: opening them, and what is done when they cannot be read.
#include "base/backoff.h"
#include "base/digest.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_watch.h"

enum status run_open_loader(struct run *run, const struct manifest_source *source,
                            const struct projection *projection, const struct load_routes *routes,
                            struct run_keeper *keeper, struct loader **loader, struct err *err) {
    struct load_options options = manifest_load_options(run->plan->manifest, source);
    options.fs = run->options->fs;
    options.shapes = run->shapes;
    options.pools = run->pools;
    options.servers = run->servers;
    options.interrupt = run->options->interrupt;
    options.impatient =
        source->retry.times > 0; // locks are waited for by trying again, which keeps no worker
    options.projection = projection;
    options.routes = routes;
    options.keeper = run_cache_has(run, CACHE_SOURCE) ? &keeper->keeper : NULL;
    options.shelf = run_cache_shelf(run, keeper);
    return load_open(&options, loader, err);
}

enum status run_open_source(struct pass_run *pass, struct loader **loader, struct err *err) {
    return run_open_loader(pass->run, pass->source, pass->pass->projection,
                           pass->pass->routed ? &pass->routes : NULL, &pass->keeper, loader, err);
}

static void note_remark(const struct pass_run *pass, const struct loader *loader) {
    const char *remark = load_remark(loader);
    struct buf text = BUF_INIT;
    if (!remark)
        return;
    buf_printf(&text, "source %.*s: %s", STR_ARG(pass->source->name), remark);
    run_note(pass->run, buf_text(&text));
    buf_release(&text);
}

enum status run_source_open(struct pass_run *pass, struct err *err) {
    struct loader *loader;
    if (run_open_source(pass, &loader, err) != STATUS_OK)
        return err->status;
    note_remark(pass, loader);
    atomic_store(&pass->loader, loader);
    return STATUS_OK;
}

static void note_again(struct run *run, const struct manifest_source *source, uint32_t tried, uint64_t delay,
                       const struct err *err) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "source %.*s: tries again (%u of %u) after %llu ms: %s", STR_ARG(source->name), tried,
               source->retry.times, (unsigned long long)(delay / 1000000), err->text);
    run_note(run, buf_text(&text));
    buf_release(&text);
}

// The timer comes often enough to see an interrupt soon.
enum step run_source_wait(const struct pass_run *pass) {
    enum { LOOK_NS = 100000000 };
    const uint64_t now = run_now(pass->run), left = pass->resume_at > now ? pass->resume_at - now : 0;
    graph_wake_after(pass->run->graph, pass->node, left < LOOK_NS ? left : LOOK_NS);
    return STEP_BLOCKED;
}

// What another time may go better, and has given no record yet: what comes behind these might not be the same source.
static bool is_worth_it(const struct pass_run *pass, const struct manifest_source *source, uint32_t tried,
                        const struct err *err) {
    return (err->status == STATUS_IO || err->status == STATUS_CONFLICT) && tried < source->retry.times &&
           !run_is_interrupted(pass->run);
}

static enum step try_again(struct pass_run *pass, const struct manifest_source *source, uint32_t tried,
                           const struct err *err) {
    const uint64_t delay = backoff_delay(source->retry.backoff, tried - 1, digest_of(source->name).low);
    pass->resume_at = run_now(pass->run) + delay;
    note_again(pass->run, source, tried, delay, err);
    return run_source_wait(pass);
}

// Told where the manifest has the source.
static enum step give_up(struct pass_run *pass, const struct manifest_source *source, const struct err *err) {
    struct run *run = pass->run;
    pass->source_known = false;
    pass->failure = *err;
    pthread_mutex_lock(&run->lock);
    diags_error(run->diags, &run->plan->manifest->text, source->path_span, "%s", err->text);
    if (!run->broken)
        *run->err = *err;
    run->broken = true; // without run_break, which would tell of it a second time
    pthread_mutex_unlock(&run->lock);
    return STEP_FAILED;
}

enum step run_source_failed(struct pass_run *pass, const struct err *err) {
    if (pass->pulled > 0 || !is_worth_it(pass, pass->source, pass->tried, err))
        return give_up(pass, pass->source, err);
    pass->failed[pass->tried++] = pass->loader;
    atomic_store(&pass->loader, NULL);
    return try_again(pass, pass->source, pass->tried, err);
}

enum step run_source_joins(struct pass_run *pass, struct worker *worker) {
    struct run_join *join = NULL;
    struct err err;
    const enum step step = run_joins_step(pass, worker, &join, &err);
    if (step != STEP_FAILED)
        return step;
    pass->source_known = false;
    if (err.status == STATUS_CANCELLED && run_is_interrupted(pass->run))
        return STEP_DONE;
    const struct manifest_source *source = join->join->source;
    if (join->batches > 0 || !is_worth_it(pass, source, join->tried, &err))
        return give_up(pass, source, &err);
    pass->source_known = true;
    run_joins_start_over(join);
    return try_again(pass, source, ++join->tried, &err);
}

// Unless it waited for somebody, and an interrupt ended that.
enum step run_source_open_failed(struct pass_run *pass, const struct err *err) {
    if (err->status != STATUS_CANCELLED || !run_is_interrupted(pass->run))
        return run_source_failed(pass, err);
    pass->source_known = false;
    return STEP_DONE;
}
