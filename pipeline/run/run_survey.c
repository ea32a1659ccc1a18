// SPDX-License-Identifier: MIT
/*
 * Before anything is loaded: which jobs have nothing to do at all. A job that was complete after the last run, and whose
 * recipe is the same, may be one; it is if its source reads as it did, byte by byte but unparsed, and then, if all its
 * outputs are as they were left. Sources are read by a task each; the journal is gone through by all workers.
 *
 * Jobs that are not settled lose their own entry before anything of them is written, so that a run that is killed leaves
 * none that is wrong.
 */
#include <sys/stat.h>

#include "base/mem.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_watch.h"

enum { STRETCH = 2048 }; // entries of the journal that a worker takes at once

static bool any_settled(const struct run *run, const struct plan_pass *pass) {
    for (size_t i = 0; i < pass->jobs_n; i++)
        if (run->jobs[pass->jobs[i]].past->settled)
            return true;
    return false;
}

static void unsettle(const struct run *run, const struct plan_pass *pass) {
    for (size_t i = 0; i < pass->jobs_n; i++)
        run->jobs[pass->jobs[i]].past->settled = false;
}

static void end_task(struct run *run) {
    if (atomic_fetch_sub(&run->survey.remaining, 1) == 1)
        graph_wake(run->graph, run->open_node);
}

// Sources -----------------------------------------------------------------------------------------------------

static struct digest placed(uint64_t ordinal, struct digest record) {
    const uint64_t both[] = {ordinal, record.low, record.high};
    return digest_of((struct str){(const char *)both, sizeof both});
}

bool run_source_add(struct source_sum *sum, const struct item *item, const struct digest *raw,
                    const struct imprint *imprint, struct worker_run *mine) {
    struct digest record = *raw;
    if (item->error)
        return false;
    if (!record.low && !record.high) {
        MEM_GROW(mine->hashes, mine->hashes_cap, imprint_fields(imprint));
        record = imprint_take(imprint, item->record, &mine->scratch, mine->hashes);
    }
    record = placed(item->ordinal, record);
    sum->all = digest_add(sum->all, record);
    if (item->ordinal < SOURCE_FIRST)
        sum->first = digest_add(sum->first, record);
    return true;
}

// A batch of a source; `routed`: of its pass, where that has routes. False: one of its records has failed.
static bool read_batch(const struct loader *loader, const struct projection *projection,
                       const struct imprint *imprint, const struct pass_run *routed, struct batch *batch,
                       struct worker_run *mine, struct source_sum *sum) {
    bool fine = true;
    if (!load_tells_raw(loader)) {
        mine->reader.projection = projection;
        load_parse(loader, &mine->reader, batch);
    }
    for (size_t k = 0; fine && k < batch->items_n; k++) {
        struct digest raw = {0, 0};
        load_raw_digest(loader, &batch->items[k], &raw);
        fine = routed ? run_routes_add(routed, &batch->items[k], mine)
                      : run_source_add(sum, &batch->items[k], &raw, imprint, mine);
    }
    return fine;
}

bool run_survey_records(const struct pass_run *pass, struct loader *loader,
                        const struct projection *projection, const struct imprint *imprint,
                        struct worker_run *mine, struct source_sum *sum) {
    struct batch *batch = batch_new();
    struct err err;
    bool fine = true, more = true;
    while (fine && more) {
        batch_clear(batch);
        fine = !run_is_interrupted(pass->run) && load_pull(loader, batch, &err) == STATUS_OK &&
               read_batch(loader, projection, imprint, NULL, batch, mine, sum);
        more = batch->items_n > 0;
    }
    batch_free(batch);
    return fine;
}

// Those that it makes a difference to are not settled.
static void compare_first(const struct pass_run *pass, const struct source_sum *sum) {
    for (size_t i = 0; i < pass->pass->jobs_n; i++) {
        struct job_past *past = pass->run->jobs[pass->pass->jobs[i]].past;
        past->settled = past->settled && digest_equal(past->done.source.first, sum->first);
    }
}

// Reads a source to its end, or until it is known to be another one. False: it could not be read.
static bool read_source(struct pass_run *pass, struct worker_run *mine, struct source_sum *sum) {
    struct run *run = pass->run;
    struct loader *loader = NULL;
    struct err err;
    *sum = (struct source_sum){0};
    if (run_open_source(pass, &loader, &err) != STATUS_OK)
        return false;
    struct batch *batch = batch_new();
    bool fine = true, more = true;
    for (uint64_t n = 0; fine && more; n += batch->items_n) {
        batch_clear(batch);
        fine = !run_is_interrupted(run) && load_pull(loader, batch, &err) == STATUS_OK &&
               read_batch(loader, pass->pass->projection, pass->imprint, pass->pass->routed ? pass : NULL,
                          batch, mine, sum);
        more = batch->items_n > 0;
        if (!pass->pass->routed && n < SOURCE_FIRST && (!more || n + batch->items_n >= SOURCE_FIRST)) {
            compare_first(pass, sum);
            more = more && any_settled(run, pass->pass);
        }
    }
    run_routes_note(pass, loader);
    batch_free(batch);
    load_close(loader);
    return fine && (!any_settled(run, pass->pass) || run_joins_survey(pass, mine, sum));
}

static void survey_source(void *self, struct worker *worker) {
    struct pass_run *pass = self;
    struct run *run = pass->run;
    struct worker_run *mine = &run->workers[worker->index];
    const struct field_count fields = mine->reader.fields;
    struct source_sum sum;
    const uint64_t from = run_now(run);
    if (!read_source(pass, mine, &sum))
        unsettle(run, pass->pass);
    mine->reader.fields = fields; // what is parsed for this does not count
    for (size_t i = 0; i < pass->pass->jobs_n; i++) {
        struct job_past *past = run->jobs[pass->pass->jobs[i]].past;
        const struct digest now = pass->pass->routed ? digest_add(past->surveyed.all, sum.all) : sum.all;
        past->settled = past->settled && digest_equal(past->done.source.all, now);
    }
    const struct run_span span = {.kind = SPAN_SURVEY,
                                  .subject = pass->source->name,
                                  .index = (uint32_t)(pass - run->passes),
                                  .from = from,
                                  .to = run_now(run),
                                  .after = {run->surveying}};
    run_opened(run, run_spent(run, worker, &span));
    end_task(run);
}

bool run_can_read_twice(const struct run *run, const struct manifest_source *source) {
    struct stat st;
    if (source->url.p) // of a server, in the run's snapshot
        return true;
    return plan_stat_source(run->options->fs, source, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

// How many tasks there are.
static unsigned begin_sources(struct run *run, struct worker *worker) {
    unsigned n = 0;
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        const struct pass_run *pass = &run->passes[p];
        if (any_settled(run, pass->pass) &&
            !(run_can_read_twice(run, pass->source) && run_joins_can_be_read_twice(pass)))
            unsettle(run, pass->pass);
        n += any_settled(run, pass->pass);
    }
    atomic_store(&run->survey.remaining, n);
    for (size_t p = 0; p < run->plan->passes_n; p++)
        if (any_settled(run, run->passes[p].pass)) // no task changes that before all are counted
            run->passes[p].surveyed = true;
    for (size_t p = 0; p < run->plan->passes_n; p++)
        if (run->passes[p].surveyed)
            graph_spawn(worker, survey_source, &run->passes[p]);
    return n;
}

// Outputs -----------------------------------------------------------------------------------------------------

struct looking {
    const struct run *run;
    struct job_run *job; // of the entry before
};

static struct job_run *settled_job(struct looking *looking, const struct journal_entry *entry) {
    if (looking->job && looking->job->past->recipe == entry->recipe)
        return looking->job;
    for (size_t j = 0; j < looking->run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &looking->run->jobs[j];
        if (job->past->settled && job->past->recipe == entry->recipe)
            return looking->job = job;
    }
    return NULL;
}

static bool look(void *context, const struct journal_entry *entry) {
    struct looking *looking = context;
    const struct run *run = looking->run;
    struct job_run *job = entry->left ? NULL : settled_job(looking, entry);
    const struct lane_stamp stamp = run_past_stamp(entry);
    uint32_t why = 0;
    if (!job || atomic_load_explicit(&job->past->differs, memory_order_relaxed))
        return true;
    if (!job_entry_is(entry)) {
        if (!run->options->trust && !run_past_is_untouched(run, entry->path, &stamp, &why))
            atomic_store(&job->past->differs, true);
        atomic_fetch_add_explicit(&job->past->left_alone, 1, memory_order_relaxed);
    }
    journal_see(run->past->journal, entry->number);
    return true;
}

static void survey_outputs(void *self, struct worker *worker) {
    struct run *run = self;
    struct looking looking = {.run = run};
    const uint32_t items = journal_items(run->past->journal);
    const uint64_t from = run_now(run);
    uint64_t next;
    while ((next = atomic_fetch_add(&run->survey.next, STRETCH)) < items && !run_is_interrupted(run)) {
        const uint32_t end = items - next < STRETCH ? items : (uint32_t)next + STRETCH;
        journal_each_between(&run->workers[worker->index].past, (uint32_t)next, end, look, &looking);
    }
    const struct run_span span = {.kind = SPAN_LOOK,
                                  .subject = STR("outputs"),
                                  .from = from,
                                  .to = run_now(run),
                                  .after = {run->surveying}};
    run_opened(run, run_spent(run, worker, &span));
    end_task(run);
}

static unsigned begin_outputs(struct run *run, struct worker *worker) {
    bool any = false;
    for (size_t p = 0; p < run->plan->passes_n; p++)
        any |= any_settled(run, run->passes[p].pass);
    if (!any)
        return 0;
    const uint32_t n = run->options->workers;
    atomic_store(&run->survey.remaining, n);
    for (uint32_t w = 0; w < n; w++)
        graph_spawn(worker, survey_outputs, run);
    return n;
}

// What it comes to ----------------------------------------------------------------------------------------------

static void settle(struct job_run *job) {
    struct job_past *past = job->past;
    const uint64_t expected = job->job->stream.p ? 1 : past->done.outputs;
    past->settled =
        past->settled && !past->differs && past->left_alone == expected && !run_is_interrupted(job->run);
    past->settled = past->settled && !run_why_wants_records(job);
    if (!past->settled)
        return;
    job->digest = past->done.output;
    job->counters.up_to_date = past->done.outputs;
    job->counters.excluded = past->done.excluded;
}

static bool see_settled(void *context, const struct journal_entry *entry) {
    struct looking *looking = context;
    if (!entry->left && settled_job(looking, entry))
        journal_see(looking->run->past->journal, entry->number);
    return true;
}

// Of a job that is not settled after all, what was seen may be more than belongs: a run that was killed while it ended
// did not say what does not. The job's records tell.
static void see_again(struct run *run) {
    struct looking looking = {.run = run};
    bool any = false, undone = false;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        const struct job_past *past = run->jobs[j].past;
        any |= past->settled;
        undone |= !past->settled && past->left_alone > 0;
    }
    if (!undone)
        return;
    journal_see_none(run->past->journal);
    if (any)
        journal_each(&run->workers[0].past, see_settled, &looking);
}

// The jobs of a pass that have something to do.
static void leave_out(struct pass_run *pass) {
    size_t n = 0;
    for (size_t i = 0; i < pass->jobs_n; i++) {
        struct job_run *job = &pass->run->jobs[pass->jobs[i]];
        if (job->past->settled)
            continue;
        pass->jobs[n++] = pass->jobs[i];
    }
    pass->jobs_n = n;
    run_routes_want(pass);
}

static void forget_unsettled(struct run *run) {
    struct journal_batch batch = {0};
    struct err err;
    if (!run->past->writable)
        return;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        if (run->jobs[j].past->has_entry && !run->jobs[j].past->settled)
            run_past_forget_job(&run->jobs[j], &batch);
    if (batch.entries && journal_append(run->past->notes, &batch, run->options->durable, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    journal_batch_release(&batch);
}

static void end_survey(struct run *run) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        settle(&run->jobs[j]);
    see_again(run);
    for (size_t p = 0; p < run->plan->passes_n; p++)
        leave_out(&run->passes[p]);
    forget_unsettled(run);
}

enum step run_survey_step(struct run *run, struct worker *worker) {
    if (!run->past)
        return STEP_DONE;
    switch (run->survey.phase++) {
    case 0:
        if (begin_sources(run, worker) > 0)
            return STEP_BLOCKED;
        run->survey.phase++;
        // fall through
    case 1:
        if (begin_outputs(run, worker) > 0)
            return STEP_BLOCKED;
        // fall through
    default:
        end_survey(run);
        return STEP_DONE;
    }
}
