// SPDX-License-Identifier: MIT
// Passes in which each record goes to one job: the route that takes its file.
#include "base/mem.h"
#include "pipeline/run/run_private.h"
#include "stages/load/routes/routes.h"

static uint32_t job_of(const struct pass_run *pass, uint32_t route) {
    return pass->run->plan->sources[pass->pass->source].route_jobs[route];
}

struct job_run *run_route_job(const struct pass_run *pass, const struct item *item) {
    return &pass->run->jobs[job_of(pass, item->route)];
}

void run_routes_want(struct pass_run *pass) {
    const struct plan_source *source = &pass->run->plan->sources[pass->pass->source];
    if (!pass->pass->routed)
        return;
    if (!pass->routes_wanted)
        pass->routes_wanted = MEM_NEW_ARRAY(bool, source->routes_n + 1);
    bool *is_here = MEM_NEW_ARRAY(bool, pass->run->plan->manifest->jobs_n + 1);
    for (size_t i = 0; i < pass->jobs_n; i++)
        is_here[pass->jobs[i]] = true;
    for (uint32_t r = 0; r < source->routes_n; r++)
        pass->routes_wanted[r] = source->route_jobs[r] != MANIFEST_NO_ROUTE && is_here[source->route_jobs[r]];
    mem_free(is_here);
    pass->routes = (struct load_routes){source->routes, pass->routes_wanted};
}

// A job's lots are numbered by themselves, since not every flight has one.
void run_routes_take_lots(struct flight *flight) {
    struct pass_run *pass = flight->pass;
    struct batch *batch = flight->batch;
    flight->lots_n = 0;
    flight->lot_of = arena_alloc(&flight->past, batch->items_n * sizeof *flight->lot_of);
    if (!flight->lot_of)
        mem_fail(batch->items_n * sizeof *flight->lot_of);
    for (size_t k = 0; k < batch->items_n; k++) {
        struct job_run *job = run_route_job(pass, &batch->items[k]);
        if (!job->routed_lot) {
            job->routed_place = (uint32_t)flight->lots_n;
            job->routed_lot = run_lot_take(job, flight, job->routed_lots++);
            flight->lots[flight->lots_n++] = job->routed_lot;
        }
        flight->lot_of[k] = job->routed_place;
    }
    for (size_t i = 0; i < flight->lots_n; i++)
        flight->lots[i]->job->routed_lot = NULL;
}

void run_routes_note(struct pass_run *pass, const struct loader *loader) {
    const struct load_left_out left = load_left_out(loader);
    if (!pass->pass->routed)
        return;
    mem_free(pass->left_out_first);
    pass->left_out = left.n;
    pass->left_out_first = left.n ? mem_copy(left.first.p, left.first.n) : NULL;
}

// Passes of one source look at the same files.
static bool is_told(const struct run *run, const struct pass_run *pass) {
    for (const struct pass_run *other = run->passes; other < pass; other++)
        if (other->pass->source == pass->pass->source && other->left_out)
            return true;
    return false;
}

uint64_t run_routes_left_out(const struct run *run) {
    uint64_t n = 0;
    for (size_t p = 0; p < run->plan->passes_n; p++)
        n += is_told(run, &run->passes[p]) ? 0 : run->passes[p].left_out;
    return n;
}

void run_routes_tell(struct run *run) {
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        const struct pass_run *pass = &run->passes[p];
        struct buf text = BUF_INIT;
        if (!pass->left_out || is_told(run, pass) || run->options->asked_n)
            continue;
        buf_printf(&text, "source %.*s: %llu file%s no route%s %s", STR_ARG(pass->source->name),
                   (unsigned long long)pass->left_out, pass->left_out == 1 ? " has" : "s have",
                   pass->left_out == 1 ? ":" : ", such as", pass->left_out_first);
        run_note(run, buf_text(&text));
        buf_release(&text);
    }
}

// What a file is to its route: others may come and go, so it is its path that tells it apart.
static bool digest_file(const struct pass_run *pass, const struct item *item, struct worker_run *mine,
                        struct digest *file) {
    if (item->error)
        return false;
    MEM_GROW(mine->hashes, mine->hashes_cap, imprint_fields(pass->imprint) + 1);
    const struct digest parts[] = {
        digest_of(value_str(map_get(item->record.map, STR("path")))),
        imprint_take(pass->imprint, item->record, &mine->scratch, mine->hashes),
    };
    *file = digest_of((struct str){(const char *)parts, sizeof parts});
    return true;
}

bool run_routes_add(const struct pass_run *pass, const struct item *item, struct worker_run *mine) {
    struct source_sum *sum = &run_route_job(pass, item)->past->surveyed;
    struct digest file;
    if (!digest_file(pass, item, mine, &file))
        return false;
    sum->all = digest_add(sum->all, file);
    return true;
}

bool run_routes_note_record(const struct flight *flight, const struct item *item, struct worker_run *mine) {
    struct job_run *job = flight->lots[flight->lot_of[item - flight->batch->items]]->job;
    struct digest file;
    if (!digest_file(flight->pass, item, mine, &file))
        return false;
    pthread_mutex_lock(&job->run->lock);
    job->sum.all = digest_add(job->sum.all, file);
    pthread_mutex_unlock(&job->run->lock);
    return true;
}

struct source_sum run_source_of(const struct job_run *job) {
    const struct pass_run *pass = &job->run->passes[job->job->pass];
    struct source_sum sum = pass->sum;
    if (pass->pass->routed)
        sum.all = digest_add(sum.all, job->sum.all);
    return sum;
}
