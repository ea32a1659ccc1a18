// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_PRIVATE_H
#define PRESSRUN_PIPELINE_RUN_PRIVATE_H
/*
 * The parts of a run, for the files run*.c only.
 *
 *   flight   a batch of records on its way, with one lot per job of its pass
 *   lot      what one job makes of one flight, or of a handful of groups: entries, and a lane into the sink
 *   entry    one output in the making: a record, or a group of records
 *   passage  an entry's way through a filter outside
 *
 * A lot goes: select (where, group_by, paths) → claim in turn → render → emit in turn → end. Each arrow may
 * hand it to another worker, but only one worker has it at a time. What several lots share (sink totals,
 * groups, failures) is touched in a turn or under run->lock.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "monitor/histogram.h"
#include "pipeline/run/batch_size.h"
#include "pipeline/run/claims.h"
#include "pipeline/run/failures.h"
#include "pipeline/run/lock.h"
#include "pipeline/run/run.h"
#include "pipeline/run/run_auto.h"
#include "pipeline/run/run_live.h"
#include "pipeline/run/run_past.h"
#include "pipeline/run/run_path.h"
#include "stages/load/load.h"
#include "stages/render/through.h"
#include "stages/render/vm.h"

enum { UNDEFINED_MODES = 3 };

struct group {
    struct value key;          // VALUE_MISSING: all records (collect)
    struct str text;           // of the key
    struct list *records;      // grows
    const struct item **items; // that they are of; owned
    size_t items_n, items_cap;
    struct group *next_equal; // hash chain
};

enum entry_state { ENTRY_PENDING, ENTRY_UP_TO_DATE, ENTRY_EXCLUDED, ENTRY_FAILED };

struct entry {
    const struct item *item;   // NULL: a group
    const struct group *group; // NULL: a record
    struct value group_key;    // gathering: what group_by gave
    struct str key;            // names the record in failures
    struct str group_text;     // and its text
    struct str path;           // named sinks: the output's path
    enum entry_state state;
    bool unwanted;            // of a retry: claims its path, and is left out then
    bool emitted;             // its text is in the lane
    struct digest digest;     // of what was emitted, or is there
    uint64_t text_n;          // its length
    struct str tail;          // the end of it that a stream of raw lines leaves out; in the lot's arena
    struct entry_past *past;  // NULL: nothing is known of it, and nothing will be
    const struct diag *fault; // of a failed entry, or of one that fell back
};

struct flight;
struct job_run;
struct run_joins;

// Outputs that were there already: in the cache, by kind of tier, or up to date.
struct run_hits {
    struct cache_found found;
    uint64_t up_to_date;
};
struct run_hits_totals {
    atomic_uint_fast64_t found, up_to_date;
};

struct passage {
    struct through_task task; // its texts are gone when the entry is settled
    struct lot *lot;
    size_t entry;
    struct cache_value *kept;   // what came out of it before; held
    bool again;                 // an audit: it is filtered all the same
    struct digest text;         // where it is looked up: what it is known by
    const struct passage *like; // of the same bite, with the same text; it alone is filtered
    bool unfiltered;            // its rendering failed; it is here to keep the order
    void (*back)(void *lot, struct worker *worker); // gets the lot when all have come back
};

struct lot {
    struct job_run *job;
    struct flight *flight;           // NULL: a lot of groups
    const struct strategy *strategy; // the run's when it began
    uint64_t sequence;
    size_t first_group;   // of a lot of groups: the index of its first one
    size_t group_records; // and how many records they have
    struct entry *entries;
    size_t entries_n, entries_cap;
    struct arena arena;
    struct lane *lane;
    struct digest digest;
    struct run_counters counters;
    struct journal_batch remembered;
    uint64_t began;            // of a lot of groups
    uint64_t emit_nanoseconds; // spent in a named sink while rendering
    uint64_t worked;           // nanoseconds of workers and filters
    atomic_int claim_phase;    // enum claim_phase, see run_lot.c
    size_t rendered_to;        // entries before this one have been rendered
    size_t claimed_to;         // of a routed pass: entries before this one have claimed their paths
    struct passage *passages;  // of a job with a filter: what is on its way
    size_t passages_n, passages_cap;
    size_t passages_open;         // that have not come back
    uint64_t passages_bytes;      // texts that wait for the filter, or are in it, and what may come out
    struct path_mark done;        // the last that was done with it
    struct path_mark handed_over; // to the filter
    struct run_hits hits;         // since the last span that told of any
    struct lot *next_free;
};

struct flight {
    struct path_mark done; // that it was read, that it was parsed
    struct pass_run *pass;
    struct batch *batch;
    struct str *keys;   // of the records, {NULL, 0}: by ordinal; in the batch's arena
    size_t bad_records; // items that could not be loaded
    uint64_t began, read_nanoseconds;
    atomic_uint_fast64_t worked; // nanoseconds of workers, and of its lots that have ended
    struct arena_asked asked;    // of the batch's arena, before it was filled
    struct lot **lots;           // one per job of the pass; of a routed one, per job that has records in it
    size_t lots_n;
    uint32_t
        *lot_of; // of a routed pass: place among the lots, by item; in `past`. NULL: each lot has all items
    struct lot **renderers; // those of the lots that do not gather
    size_t renderers_n;
    struct lot **claimers; // those of them that claim paths for records
    size_t claimers_n;
    uint64_t claim;           // its claim turn, where there are any
    atomic_uint open;         // lots that have not ended
    struct arena past;        // of the next two
    struct digest *raws;      // of the records, by item; NULL: no journal
    struct known *known;      // by lot and item
    struct digest source_sum; // of the records
    atomic_bool kept;         // some job gathers records of it: it lives until the run ends
    struct flight *next;
};

struct pass_run {
    struct run *run;
    const struct plan_pass *pass;
    const struct manifest_source *source;
    uint32_t node;
    struct loader *_Atomic loader; // set by the load node; progress looks at it from other workers
    struct credits credits;
    struct run_keeper keeper;                // of what a dear source gave before
    uint64_t sequence;                       // of the next flight
    uint64_t pulled, pulled_bytes;           // records so far
    struct err failure;                      // of a source that could not be read
    uint32_t tried;                          // again
    uint64_t resume_at;                      // as run_now says; 0: it does not wait
    struct loader *failed[MANIFEST_RETRIES]; // that were given up; others may look at them until the end
    struct batch_size size;                  // under run->lock
    struct path_mark ahead;                  // under run->lock: the last that was read ahead
    atomic_uint_fast64_t ahead_nanoseconds;  // of reading ahead that no batch has got yet
    atomic_uint_fast64_t ahead_pieces;       // of reading ahead, so far
    bool expected;                           // its databases are (sqlite_pools_expect)
    struct turns *claim_turns;               // of the flights in which paths are claimed
    uint64_t claims;                         // how many these are so far
    size_t *jobs;                            // indexes of those that have something to do
    size_t jobs_n;
    struct imprint *imprint;   // of all fields; for sources that their bytes do not tell
    struct run_joins *joins;   // NULL: none; run_join.h
    bool whole;                // it was read to its end; touched by the load node
    struct load_routes routes; // of a routed pass: what its loader is to know
    bool *routes_wanted;       // owned; those of `jobs`
    uint64_t left_out;         // files without a route
    char *left_out_first;      // one of them; owned
    bool surveyed;
    atomic_bool held;           // its load node waits until no batch is in flight, or memory is free
    struct source_sum sum;      // under run->lock: of the records so far
    atomic_bool source_known;   // all were read, and none failed
    struct flight *free, *kept; // under run->lock
    struct path_mark read;      // the last flight; touched by the load node
    struct path_mark claimed;   // in claim turns
    struct path_mark freed;     // under run->lock: a flight gave its credit back
    struct histogram batches;   // under run->lock: how long reading and parsing took
};

struct job_run {
    struct run *run;
    const struct plan_job *job;
    atomic_uint_fast64_t filtered; // bytes of the largest text that came out of it so far
    uint32_t index, render_node, emit_node;
    struct sink *sink;
    struct lengths_writer *lengths; // of its stream's items; NULL: not kept. Touched in emit turns
    struct turns *gather_turns, *emit_turns;
    struct turns *claim_turns;         // of lots of groups
    atomic_uint unrendered, unflushed; // lots that are not past that point
    atomic_bool stopped;               // on_error: fail, and something failed; or the sink is broken
    bool closed;
    bool lacking;     // something that belongs to it failed; touched in emit turns
    uint64_t outputs; // that went into its sink; touched in emit turns
    struct job_past *past;
    struct run_cached cached; // whether its outputs are looked up
    int64_t newest;           // mtime of what was written; touched in emit turns
    bool partial;             // a retry: only the records it names
    struct lot *free_lots;    // under run->lock
    // gathering
    struct arena arena; // group tables; touched in turns, then by the render node
    struct group **groups;
    size_t groups_n, groups_cap, next_group;
    struct group **buckets; // by hash of a group's text
    size_t buckets_n;       // a power of two, or 0
    struct credits credits;
    uint64_t group_lots;
    uint64_t routed_lots;   // of a route: so far; touched by the load node
    struct lot *routed_lot; // in the flight that is being made, and its place there
    uint32_t routed_place;
    struct source_sum sum;        // of a route, under run->lock: of its records so far
    struct batch_size group_size; // under run->lock
    struct run_job_end ending;    // when all has ended
    // totals, touched in emit turns
    struct digest digest;
    struct run_counters counters;
    struct path_mark written;   // the last lot
    struct histogram batches;   // how long sealing and writing took
    struct path_mark gathered;  // touched in gather turns
    struct path_mark claimed;   // lots of groups, in claim turns
    struct path_mark freed;     // under run->lock: a lot of groups gave its credit back
    struct path_mark rendering; // what released the render node
    struct path_mark ended;     // its stream has its name
};

// Which outputs of a job a worker times: so few that the clock does not count.
struct pace {
    uint64_t usual; // nanoseconds that an output takes; 0: not known yet
    uint32_t gap;   // how many the next one that is timed stands for, itself included; 0: it is the first
    uint32_t left;  // of these, before it
    uint64_t random;
};

struct worker_run {
    struct vm *vms[UNDEFINED_MODES]; // made when first needed
    struct reader reader;
    struct journal_reader past;
    struct buf scratch;
    uint64_t *hashes; // of fields
    size_t hashes_cap;
    atomic_uint_fast64_t stage_nanoseconds[RUN_STAGES]; // written by this worker alone
    struct histogram stages[RUN_STAGES]; // but for RUN_RENDER, which is what the jobs' add up to
    struct histogram *jobs;              // rendering, by job; NULL: the run is not watched
    struct histogram batches;            // worked: of all lots of a flight, or of a lot of groups
    struct pace *paces;                  // by job
    struct histogram *filters;           // processes, by job; NULL: as above, or no job has a filter
    struct worker_live live;
    struct slowest *slowest;   // outputs, by job; NULL: the run is not watched
    struct timeline *timeline; // NULL: as above
    struct profile *profile;   // of its machines; NULL: no costs are asked for
};

// Who has a say in how many work.
enum run_limit { LIMIT_STRATEGY, LIMIT_GOVERNOR, RUN_LIMITS };

struct run {
    struct plan *plan;
    const struct run_options *options;
    const struct strategy *_Atomic strategy; // run_strategy, run_use_strategy
    struct run_auto automatic;
    struct graph *graph;
    struct govern *govern;       // NULL: nothing is governed
    uint32_t limits[RUN_LIMITS]; // of workers, under run->lock: the least counts; 0: none
    uint32_t limit;              // that least, since limit_since
    uint64_t limit_since;
    double worker_nanoseconds; // that workers had until then, all together
    struct claims *claims;
    struct through *through;    // NULL: no job has a filter
    uint32_t through_processes; // of filters, at once
    uint32_t told_again;        // by whoever serves them
    struct shapes *shapes;
    struct sqlite_pools *pools;
    struct pg_pools *servers;
    struct pass_run *passes;
    struct job_run *jobs;
    struct worker_run *workers;
    uint32_t credits;                      // batches in flight per pass
    int root;                              // the output directory
    int stage, stage_files;                // where a staging run puts its outputs; else -1
    bool locked;                           // lock_file is taken
    struct lock lock_file;                 // of it
    uint64_t started;                      // monotonic
    uint64_t graph_nanoseconds;            // that the stage graph took
    uint64_t clock_cost;                   // nanoseconds that asking for the time takes
    atomic_uint in_flight, in_flight_most; // batches
    struct sampler *sampler;               // NULL: the run is not watched
    struct run_ticker *ticker;             // of a profile; NULL: none is kept
    struct run_live *live;                 // NULL: nobody asks how it is going
    atomic_bool interrupted;
    atomic_uint_fast64_t loaded; // records
    pthread_mutex_t lock;        // free lists, diags, err
    pthread_mutex_t reason_lock; // one reason at a time
    uint32_t open_node;          // opens output directory and sinks when all is compiled
    struct diags *diags;         // compile errors
    struct err *err;
    bool broken; // err is set: something outside a record failed
    atomic_uint_fast64_t failures_n;
    atomic_bool exceeded; // there are more failures than max_failed
    struct failures *failures;
    struct run_cache cache;
    struct run_path *path;         // NULL: the run is not watched
    struct path_mark opened;       // under run->lock: the last that was done for opening
    struct path_mark surveying;    // and what the looks at what is there waited for
    struct run_hits_totals totals; // for the trace
    struct past *past;             // NULL: nothing is remembered
    struct survey survey;
    atomic_bool loses_sight; // something failed whose output is not known
    uint64_t pruned, left;   // outputs that did not belong any more: removed, still there
};

const char *run_output_shown(const struct run *run); // the output directory, for messages

// run_open.c: the output directory, what is known of earlier runs, the sinks. Blocked while what is there is looked at.
enum step run_open_step(void *self, struct worker *worker);
static inline bool run_is_settled(const struct job_run *job) { // it has nothing to do
    return job->past && job->past->settled;
}

// How work is done now. It may change between two batches, from any worker; lots go on by the one they began with.
static inline const struct strategy *run_strategy(const struct run *run) {
    return atomic_load_explicit(&run->strategy, memory_order_acquire);
}
void run_use_strategy(struct run *run, const struct strategy *strategy);
// How many workers there may be as far as one of those who have a say is concerned.
void run_limit_workers(struct run *run, enum run_limit whose, uint32_t workers);
// What workers had so far, all together, and how many may work now.
double run_worker_seconds(struct run *run, uint32_t *limit);

// Asked before new work begins; from the first yes on the run counts as interrupted.
bool run_is_interrupted(struct run *run);

// run_source.c: the source of a pass, opened for whoever asks, or another one, of which so much is wanted; `keeper` is its
// own.
enum status run_open_source(struct pass_run *pass, struct loader **loader, struct err *err);
enum status run_open_loader(struct run *run, const struct manifest_source *source,
                            const struct projection *projection, const struct load_routes *routes,
                            struct run_keeper *keeper, struct loader **loader, struct err *err);
enum status run_source_open(struct pass_run *pass, struct err *err); // for its load node
// What becomes of the load node: it waits to try again, or has failed.
enum step run_source_open_failed(struct pass_run *pass, const struct err *err);
enum step run_source_failed(struct pass_run *pass, const struct err *err);
enum step run_source_wait(const struct pass_run *pass); // until pass->resume_at
// Reads what is joined to the records. STEP_DONE: they may come, or nobody waits for them any more.
enum step run_source_joins(struct pass_run *pass, struct worker *worker);

// run_load.c: the load node of a pass, and its flights.
enum step run_load_step(void *self, struct worker *worker);
// One of its lots has ended, with that span.
void run_flight_end(struct flight *flight, const struct worker *worker, struct path_mark last);
// Those of the items from *told to `end`; in the turn of its first lot.
void run_report_bad_records(const struct flight *flight, size_t *told, size_t end);
void run_pass_release(struct pass_run *pass);

// run_ahead.c: databases, and sources that are read in several places at once.
void run_ahead_init(struct run *run); // when passes are known
bool run_ahead_is_ready(struct pass_run *pass,
                        struct worker *worker); // false: the load node is woken when it is
struct path_mark run_ahead_take(struct pass_run *pass,
                                uint64_t *nanoseconds); // what a batch has cost before it was pulled
void run_ahead_ended(struct pass_run *pass);            // nobody reads it any more

void run_ahead_report(struct run *run, struct run_report *report);

// run_routes.c: passes in which each record goes to one job.
void run_routes_want(struct pass_run *pass);      // when its jobs are known
void run_routes_take_lots(struct flight *flight); // when its records are pulled
struct job_run *run_route_job(const struct pass_run *pass, const struct item *item);
// What is there without any route, by a loader that has come to its end.
void run_routes_note(struct pass_run *pass, const struct loader *loader);
void run_routes_tell(struct run *run);
uint64_t run_routes_left_out(const struct run *run);
// What the records of a job's source are, those of its route alone, with what is joined to them.
struct source_sum run_source_of(const struct job_run *job);
// A file is part of that, whatever the order. False: it has failed.
bool run_routes_add(const struct pass_run *pass, const struct item *item,
                    struct worker_run *mine); // of a survey
bool run_routes_note_record(const struct flight *flight, const struct item *item, struct worker_run *mine);

// run_unfinished.c: jobs that did not come to their end.
void run_report_unfinished(struct run *run);

// run_sizes.c: how large batches may become.
void run_size_batches(struct run *run);

// run_stage.c: a run that stages. All but the first do nothing where it does not.
enum status run_stage_open(struct run *run,
                           struct err *err); // under the lock; settles what was left by others
void run_stage_end(struct run *run, bool complete, struct run_review *review); // when the sinks are closed
void run_stage_close(struct run *run);
// How an output is now: where it is staged or, unchanged or in a run that does not stage, in its place. False: it is no
// file there.
bool run_stage_stamp(const struct run *run, struct str output, struct lane_stamp *stamp);

// run_govern.c: how many work meanwhile, and whether anything is loaded. All do nothing where nothing is governed.
void run_govern_begin(struct run *run);
bool run_govern_holds(struct pass_run *pass); // it is not to load now: it is woken when it may
void run_govern_wake(struct run *run);        // whoever is held; when no batch is in flight any more
void run_govern_end(struct run *run);         // nobody works any more
void run_govern_report(struct run *run, struct run_report *report); // and is freed

// run_inputs.c
void run_claim_inputs(struct run *run);

// run_lot.c: lots of records and of groups.
struct lot *run_lot_take(struct job_run *job, struct flight *flight, uint64_t sequence);
struct entry *run_lot_add(struct lot *lot);
// Begins a lot; one that gathers may be gone after that, any other one is then to be rendered.
void run_lot_start(struct lot *lot, struct worker *worker);
void run_lots_sort(struct flight *flight);                         // when it has its lots; by the load node
void run_lots_claim(struct flight *flight, struct worker *worker); // when all of its lots have begun
void run_lot_render(struct lot *lot, struct worker *worker);
void run_job_free_lots(struct job_run *job); // when none is in flight, before its sink is closed
void run_job_release(struct job_run *job);

void run_count_failures(struct run *run, uint64_t failed); // there may be too many now
void run_add_counters(struct run_counters *sum, const struct run_counters *add);
void run_add_result(struct run_counters *sum, const struct lane_result *result);

// run_select.c: expressions over a lot's entries; each may fail its entry.
struct vm *run_vm(struct run *run, struct worker *worker, enum undefined_mode mode); // this worker's
void run_select(struct lot *lot, struct entry *entry, struct vm *vm);                // where, group_by
void run_make_path(struct lot *lot, struct entry *entry, struct vm *vm);             // to
size_t run_extras(const struct group *group, struct vm_extra extras[2]);             // NULL: none
struct value run_record(const struct entry *entry);
void run_fail(struct lot *lot, struct entry *entry, const struct diag *fault); // the first fault counts
// A fault of the machine, in a template or in an expression of the manifest; its memory is the machine's.
void run_fail_from_vm(struct lot *lot, struct entry *entry, struct vm *vm, const struct program *program,
                      const struct diag *fault);

// run_explain.c: a fault with the hint that it has over all fields of the records.
struct failing {
    struct pass_run *pass;
    struct vm *vm;
    const struct program *program;
    const struct item *item;   // NULL: a group
    const struct group *group; // NULL: a record
};
// The fault, placed where the program stands, in `arena`.
const struct diag *run_explain(const struct failing *failing, struct arena *arena, const struct diag *fault);
const struct diag *run_message(struct lot *lot, const char *text);

// run_output.c: one output from the machine into its sink.
enum { RUN_ORDINAL_SIZE = 24 };
// What names an entry; `ordinal` is where it is written when nothing else does.
struct str run_entry_key(const struct entry *entry, char ordinal[RUN_ORDINAL_SIZE]);
// The text of one that was made in one piece, as long as the machine keeps it; else {NULL, 0}.
struct str run_output(struct lot *lot, struct entry *entry, struct vm *vm);
// The text of one, all of it, which may be more than a machine keeps. False: `fault` says why, and `text` is released.
bool run_output_whole(const struct entry *entry, struct vm *vm, const struct program *program,
                      struct buf *text, const struct diag **fault);
// One whose text is there already, and one that failed otherwise than in the machine; its job's fallback may take
// its place.
void run_output_text(struct lot *lot, struct entry *entry, struct str text);
void run_output_failed(struct lot *lot, struct entry *entry, const struct diag *fault);

// run_through.c: outputs that go through a filter outside. A lot is rendered in bites; each is handed over, and when
// all of it has come back the lot goes on, on whichever worker.
void run_through_init(struct run *run);
void run_through_bell(struct run *run);                                       // when there is a graph
void run_through_render(struct lot *lot, struct entry *entry, struct vm *vm); // into a passage
bool run_through_is_full(const struct lot *lot);                              // enough for a bite
// True: the lot is out of the caller's hands, and `back` gets it. False: there is nothing to filter.
bool run_through_hand_over(struct lot *lot, void (*back)(void *lot, struct worker *worker),
                           struct worker *worker);
void run_through_settle(struct lot *lot); // what has come back goes into the sink, in order
void run_through_free_passages(struct lot *lot);

// run_lengths.c: what is kept of a stream's items.
bool run_lengths_are_kept(const struct job_run *job);        // or there is no need to
void run_lengths_open(struct job_run *job);                  // with its sink
void run_lengths_add(const struct lot *lot);                 // in turn, when the sink has taken the lot
void run_lengths_prepare(struct job_run *job, bool publish); // before the sink is closed
void run_lengths_close(struct job_run *job, bool published); // after

// run_cache_render.c: outputs that are looked up before they are rendered.
bool run_cache_looks(struct lot *lot); // its outputs are, or it is being found out
bool run_cache_output(struct lot *lot, struct entry *entry, struct vm *vm,
                      const struct worker *worker); // true: it was found, and is in the sink
// An output that was not found was made; `text` {NULL, 0}: not well, or not in one piece.
void run_cache_rendered(struct lot *lot, const struct entry *entry, struct str text, uint64_t took,
                        const struct worker *worker);
void run_cache_learn_renders(struct run *run);

// run_gather.c: collect and group_by.
void run_gather(struct lot *lot); // in turn: adds the lot's records to its job's groups
enum step run_render_groups_step(struct job_run *job, struct worker *worker);

// Something outside any record failed: remembered for the caller (the first one), and observed.
void run_note(const struct run *run, const char *text); // a sentence for the observer
void run_warn(const struct run *run, const char *text); // the same, of what is or may be lost
void run_break(struct run *run, const struct err *err);

#endif
