// SPDX-License-Identifier: MIT
#include "pipeline/verify/verify.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pipeline/plan/plan.h"
#include "pipeline/reasons/job_entry.h"
#include "pipeline/run/lock.h"
#include "pipeline/verify/verify_output.h"
#include "scheduler/scheduler.h"
#include "stages/emit/emit.h"

enum { SHARE = 256 }; // outputs that one worker takes in a row
#define STREAM_NUMBER (UINT64_C(1) << 62)

const char *const verify_state_names[VERIFY_STATES] = {"verified", "missing", "edited", "unknown"};

struct finding {
    struct verify_finding finding;
    uint64_t number; // where it stands among the others
};

struct tally { // of one job
    struct str name;
    struct verify_count count;
    struct digest kept; // of the job as a whole
    bool is_kept;
    uint32_t kept_in, newest; // generations: of what is kept, and of its newest output
};

// One node of the graph: a share of the named outputs, or a stream.
struct part {
    struct verifying *verifying;
    uint32_t share;                        // which
    const struct manifest_job *stream_job; // NULL: named outputs
    size_t stream_number;
    struct readback *readback;
    struct arena arena;
    struct tally *tallies;
    size_t tallies_n, tallies_cap, last;
    struct finding *findings;
    size_t findings_n, findings_cap;
    uint64_t damaged;
};

struct verifying {
    const struct verify_options *options;
    struct journal *journal;
    int root;
    struct part *parts;
    size_t parts_n;
};

// Counting --------------------------------------------------------------------------------------------------

static struct tally *tally_of(struct part *part, struct str job) {
    if (part->last < part->tallies_n && str_equal(part->tallies[part->last].name, job))
        return &part->tallies[part->last];
    for (part->last = 0; part->last < part->tallies_n; part->last++)
        if (str_equal(part->tallies[part->last].name, job))
            return &part->tallies[part->last];
    MEM_GROW(part->tallies, part->tallies_cap, part->tallies_n + 1);
    struct tally *tally = &part->tallies[part->tallies_n++];
    *tally = (struct tally){.name = arena_str(&part->arena, job)};
    return tally;
}

static void count(struct part *part, struct str job, const struct verified *verified) {
    struct verify_count *sum = &tally_of(part, job)->count;
    sum->outputs[verified->state]++;
    sum->digest = digest_add(sum->digest, verified->digest);
    sum->expected = digest_add(sum->expected, verified->expected);
    if (verified->state == VERIFY_VERIFIED)
        sum->items += verified->items;
}

static void note(struct part *part, uint64_t number, struct str path, struct str job,
                 const struct verified *verified) {
    if (verified->state == VERIFY_VERIFIED || part->findings_n == VERIFY_FINDINGS)
        return;
    MEM_GROW(part->findings, part->findings_cap, part->findings_n + 1);
    struct finding *finding = &part->findings[part->findings_n++];
    const char *why = verified->why.text;
    *finding = (struct finding){.number = number};
    finding->finding = (struct verify_finding){.path = arena_str(&part->arena, path),
                                               .job = arena_str(&part->arena, job),
                                               .state = verified->state,
                                               .why = *why ? arena_str(&part->arena, str_of(why)).p : NULL};
}

// The newest one holds.
static void keep(struct tally *tally, struct digest digest, uint32_t generation) {
    if (tally->is_kept && tally->kept_in > generation)
        return;
    tally->kept = digest;
    tally->kept_in = generation;
    tally->is_kept = true;
}

static const struct manifest_job *find_job(const struct manifest *manifest, struct str name) {
    for (size_t j = 0; j < manifest->jobs_n; j++)
        if (str_equal(manifest->jobs[j].name, name))
            return &manifest->jobs[j];
    return NULL;
}

// Named outputs ---------------------------------------------------------------------------------------------

// Whether an entry is of a job to be looked at, and which.
static bool concerns(const struct part *part, const struct journal_entry *entry, struct str *job) {
    const struct verify_options *options = part->verifying->options;
    *job = entry->recipe ? entry->recipe->job : (struct str){NULL, 0};
    return !entry->left && (!options->selected || find_job(options->manifest, *job));
}

static bool take_entry(void *context, const struct journal_entry *entry) {
    struct part *part = context;
    const struct verifying *v = part->verifying;
    struct verified verified;
    struct str job;
    if (!concerns(part, entry, &job))
        return true;
    const struct manifest_job *known = find_job(v->options->manifest, job);
    if (job_entry_is(entry) || (known && plan_writes_stream(known))) {
        if (entry->recipe)
            keep(tally_of(part, job), entry->output, entry->generation);
        return true;
    }
    verify_file(part->readback, entry, &verified);
    count(part, job, &verified);
    note(part, entry->number, entry->path, job, &verified);
    struct tally *tally = tally_of(part, job);
    tally->newest = entry->generation > tally->newest ? entry->generation : tally->newest;
    return true;
}

static enum step files_step(void *self, struct worker *worker) {
    struct part *part = self;
    struct journal_reader reader;
    (void)worker;
    journal_reader_init(&reader, part->verifying->journal);
    const uint64_t items = journal_items(part->verifying->journal), step = part->verifying->options->workers;
    for (uint64_t from = (uint64_t)part->share * SHARE; from < items; from += step * SHARE)
        journal_each_between(&reader, (uint32_t)from, (uint32_t)(items - from < SHARE ? items : from + SHARE),
                             take_entry, part);
    part->damaged = reader.damaged;
    journal_reader_release(&reader);
    return STEP_DONE;
}

// Streams ---------------------------------------------------------------------------------------------------

static enum step stream_step(void *self, struct worker *worker) {
    struct part *part = self;
    const struct verifying *v = part->verifying;
    const struct manifest_job *job = part->stream_job;
    struct str path = job->to;
    struct verified verified = {.state = VERIFY_UNKNOWN};
    (void)worker;
    if (str_is(path, "-")) {
        err_set(&verified.why, STATUS_UNSUPPORTED, "standard output cannot be read again");
        path = (struct str){NULL, 0};
    } else if (emit_stream_for(path)->rows) {
        err_set(&verified.why, STATUS_UNSUPPORTED, "the rows of a table do not keep their texts");
    } else {
        verify_stream(part->readback, v->options->fs, v->root, job->name, path, &verified);
    }
    count(part, job->name, &verified);
    note(part, STREAM_NUMBER + part->stream_number, path, job->name, &verified);
    return STEP_DONE;
}

// All together ----------------------------------------------------------------------------------------------

static void add_count(struct verify_count *sum, const struct verify_count *add) {
    for (int state = 0; state < VERIFY_STATES; state++)
        sum->outputs[state] += add->outputs[state];
    sum->items += add->items;
    sum->digest = digest_add(sum->digest, add->digest);
    sum->expected = digest_add(sum->expected, add->expected);
}

static void sum_of(struct verifying *v, struct part *sums, struct str job) {
    struct tally *sum = tally_of(sums, job);
    *sum = (struct tally){.name = sum->name}; // again for each part that knows it
    for (size_t p = 0; p < v->parts_n; p++)
        for (size_t t = 0; t < v->parts[p].tallies_n; t++) {
            const struct tally *tally = &v->parts[p].tallies[t];
            if (!str_equal(tally->name, job))
                continue;
            add_count(&sum->count, &tally->count);
            if (tally->is_kept)
                keep(sum, tally->kept, tally->kept_in);
            sum->newest = tally->newest > sum->newest ? tally->newest : sum->newest;
        }
    // A run in which something failed says nothing of the job as a whole.
    if (sum->kept_in < sum->newest)
        sum->is_kept = false;
}

static uint64_t outputs_of(const struct verify_count *count) {
    uint64_t n = 0;
    for (int state = 0; state < VERIFY_STATES; state++)
        n += count->outputs[state];
    return n;
}

// Why what is to be there is not known as a whole.
static const char *reason(const struct verify_report *report, const struct tally *tally) {
    if (outputs_of(&tally->count) == 0 && !tally->is_kept)
        return "no output of it is known";
    if (tally->count.outputs[VERIFY_UNKNOWN] > 0)
        return "what is unknown is not in its digest";
    if (tally->is_kept && !digest_equal(tally->kept, tally->count.expected))
        return "the outputs that are known are not all that its last run made";
    return report->damaged && !tally->is_kept ? "parts of the journal are damaged" : NULL;
}

static int by_name(const void *a, const void *b) {
    const struct tally *x = a, *y = b;
    return str_compare(x->name, y->name);
}

// The manifest's jobs in its order, then the others.
static void sum_up(struct verifying *v, struct arena *arena, struct verify_report *report) {
    const struct manifest *manifest = v->options->manifest;
    struct part sums = {.verifying = v};
    arena_init(&sums.arena, 0);
    for (size_t j = 0; j < manifest->jobs_n; j++)
        sum_of(v, &sums, manifest->jobs[j].name);
    for (size_t p = 0; p < v->parts_n; p++)
        for (size_t t = 0; t < v->parts[p].tallies_n; t++)
            sum_of(v, &sums, v->parts[p].tallies[t].name);
    if (sums.tallies_n > manifest->jobs_n)
        qsort(sums.tallies + manifest->jobs_n, sums.tallies_n - manifest->jobs_n, sizeof *sums.tallies,
              by_name);
    report->jobs_n = sums.tallies_n;
    report->jobs = ARENA_NEW_ARRAY(arena, struct verify_job, sums.tallies_n + 1);
    for (size_t t = 0; t < sums.tallies_n; t++) {
        const struct tally *tally = &sums.tallies[t];
        report->jobs[t] = (struct verify_job){
            .name = arena_str(arena, tally->name), .count = tally->count, .reason = reason(report, tally)};
        add_count(&report->count, &tally->count);
    }
    mem_free(sums.tallies);
    arena_release(&sums.arena);
}

static int by_number(const void *a, const void *b) {
    const struct finding *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_path(const void *a, const void *b) {
    const struct verify_finding *x = a, *y = b;
    int paths = str_compare(x->path, y->path);
    return paths ? paths : str_compare(x->job, y->job);
}

// Each part has its first ones, so the first ones of all are among them. Which job's outputs came first into the journal
// is chance, so it is not their order here.
static void list(struct verifying *v, struct arena *arena, struct verify_report *report) {
    size_t n = 0;
    for (size_t p = 0; p < v->parts_n; p++)
        n += v->parts[p].findings_n;
    struct finding *all = MEM_NEW_ARRAY(struct finding, n + 1);
    n = 0;
    for (size_t p = 0; p < v->parts_n; p++)
        for (size_t f = 0; f < v->parts[p].findings_n; f++)
            all[n++] = v->parts[p].findings[f];
    qsort(all, n, sizeof *all, by_number);
    report->findings_n = n < VERIFY_FINDINGS ? n : VERIFY_FINDINGS;
    report->findings = ARENA_NEW_ARRAY(arena, struct verify_finding, report->findings_n + 1);
    for (size_t f = 0; f < report->findings_n; f++) {
        const struct verify_finding *from = &all[f].finding;
        report->findings[f] =
            (struct verify_finding){.path = arena_str(arena, from->path),
                                    .job = arena_str(arena, from->job),
                                    .state = from->state,
                                    .why = from->why ? arena_str(arena, str_of(from->why)).p : NULL};
    }
    mem_free(all);
    qsort(report->findings, report->findings_n, sizeof *report->findings, by_path);
}

static struct part *add_part(struct verifying *v, struct graph *graph,
                             enum step (*step)(void *self, struct worker *worker)) {
    struct part *part = &v->parts[v->parts_n++];
    *part = (struct part){.verifying = v, .readback = readback_new(v->options->fs, v->root)};
    arena_init(&part->arena, 0);
    graph_add(graph, &(struct node_spec){.name = "verify", .self = part, .step = step});
    return part;
}

static void release_parts(struct verifying *v) {
    for (size_t p = 0; p < v->parts_n; p++) {
        struct part *part = &v->parts[p];
        readback_free(part->readback);
        arena_release(&part->arena);
        mem_free(part->tallies);
        mem_free(part->findings);
    }
    mem_free(v->parts);
}

static void verify_all(struct verifying *v, struct arena *arena, struct verify_report *report) {
    const struct manifest *manifest = v->options->manifest;
    struct graph *graph = graph_new();
    v->parts = MEM_NEW_ARRAY(struct part, v->options->workers + manifest->jobs_n);
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        if (!plan_writes_stream(&manifest->jobs[j]))
            continue;
        struct part *part = add_part(v, graph, stream_step);
        part->stream_job = &manifest->jobs[j];
        part->stream_number = j;
    }
    for (uint32_t share = 0; share < v->options->workers; share++)
        add_part(v, graph, files_step)->share = share;
    graph_run(graph, v->options->workers);
    graph_free(graph);
    for (size_t p = 0; p < v->parts_n; p++)
        report->damaged += v->parts[p].damaged;
    sum_up(v, arena, report);
    list(v, arena, report);
    release_parts(v);
}

static bool is_at_work(const struct fs *fs, int root) {
    struct stat st;
    int fd = fs->open_beneath(fs->self, root, LOCK_FILE, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool filled = fs->stat(fs->self, fd, &st) == 0 && st.st_size > 0;
    fs->close(fs->self, fd);
    return filled;
}

enum status verify_outputs(const struct verify_options *options, struct arena *arena,
                           struct verify_report *report, struct err *err) {
    const struct fs *fs = options->fs;
    const char *output = options->output ? options->output : options->manifest->output.p;
    const char *shown = options->output ? options->output : options->manifest->output_shown.p;
    struct verifying v = {.options = options};
    struct journal_found found;
    *report = (struct verify_report){.damaged = 0};
    v.root = fs->open(fs->self, AT_FDCWD, output, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (v.root < 0)
        return err_os(err, -v.root, "cannot open the output directory %s", shown);
    report->at_work = is_at_work(fs, v.root);
    const struct journal_options journal = {.fs = fs, .root = v.root, .writable = false};
    enum status status = journal_open(journal, &v.journal, &found, err);
    if (status == STATUS_OK) {
        report->damaged = found.damaged;
        verify_all(&v, arena, report);
        journal_close(v.journal);
    }
    fs->close(fs->self, v.root);
    return status;
}

enum verify_answer verify_answer(const struct verify_report *report) {
    const struct verify_count *count = &report->count;
    if (count->outputs[VERIFY_MISSING] || count->outputs[VERIFY_EDITED])
        return VERIFY_DIFFERENT;
    for (size_t j = 0; j < report->jobs_n; j++)
        if (report->jobs[j].reason)
            return VERIFY_CANNOT_SAY;
    return VERIFY_EQUAL;
}
