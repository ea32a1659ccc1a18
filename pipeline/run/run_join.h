// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_JOIN_H
#define PRESSRUN_PIPELINE_RUN_JOIN_H
/*
 * Joins of a pass, for the files run*.c only: before its first batch the load node reads each source that its records
 * join, once, to an index by key; then every batch's records get the fields with what belongs to them, by whichever
 * worker parses it. So a source with 100,000 records and their 500,000 orders is two readings, and memory is bounded by
 * that of the indexes (limits: join_bytes), each of which goes to a temporary file beyond it.
 *
 * A key is the text of what its expression gives, integers and floats of the same value being one; none, undefined and
 * the empty text are no key, nor is a list or tuple that has one of these in it.
 *
 * A record of the other source that is bad costs that record. Records that were joined tell what a pass's source is as its
 * own do (run_survey.c), and an output's fingerprint has the fields that its job reads of them.
 *
 * Prepared by the node that opens outputs. The load node pulls batches of one source after the other; any worker makes a
 * batch's values and keys; in turn they are added to the index. Then any worker looks up.
 */
#include "pipeline/plan/plan_joins.h"
#include "pipeline/run/run_private.h"
#include "stages/load/joins/join_index.h"

// A batch of a source that is joined, on its way to the index.
struct run_join_piece {
    struct run_join *join;
    struct batch *batch;
    uint64_t sequence;
    struct str *keys; // of its records, in the batch's arena; {NULL, 0}: none
    struct source_sum sum;
    struct field_count fields;
    enum status status; // not STATUS_OK: what is wrong with more than a record
    struct err err;
    struct path_mark done;
    struct run_join_piece *next;
};

struct run_join {
    struct pass_run *pass;
    const struct plan_join *join;
    struct run_join *const *joins; // of its records
    size_t joins_n;
    struct join_index *index; // NULL: nothing is read, and the field is none
    struct imprint *imprint;
    struct run_keeper keeper;
    struct loader *loader; // while it is read
    bool ended;            // there is nothing more to pull
    struct err pulling;    // why there may be more, but it is not to be had; status STATUS_OK: it is
    atomic_bool broken;    // so, or something else is wrong with more than a record
    uint32_t tried;        // again
    uint64_t batches;
    atomic_uint open;            // pieces on their way
    struct run_join_piece *free; // under run->lock
    struct turns *turns;
    // touched in turns
    struct err failure; // the first; status STATUS_OK: none
    struct source_sum sum;
    uint64_t keyless, failed, bytes;
    struct field_count fields;
    struct path_mark added;
    // of lookups
    atomic_uint_fast64_t missed; // own records with a key that is nobody's
    uint64_t missed_first;       // under run->lock: the first of these, its number and key
    struct buf missed_key;
};

struct run_joins {
    struct run_join **all; // those of joined records before these
    size_t n, cap;
    size_t built; // of them
    struct run_join **own;
    size_t own_n;
    atomic_bool lacking; // a record of the pass was bad
};

void run_joins_prepare(struct run *run); // when fields are known
void run_joins_release(struct pass_run *pass);

enum status run_join_open(struct pass_run *pass, struct run_join *join, struct loader **loader,
                          struct err *err);
struct join_index *run_join_index(const struct run *run, const struct plan_join *planned); // empty

// run_join_read.c: the load node's first steps. STEP_DONE when all is read. A source that cannot be: STEP_FAILED, `failed`
// and err say which, and why.
enum step run_joins_step(struct pass_run *pass, struct worker *worker, struct run_join **failed,
                         struct err *err);
bool run_joins_are_busy(const struct pass_run *pass); // something is on its way yet, and wakes the load node
void run_joins_start_over(struct run_join *join);     // it is tried again
void run_join_free_pieces(struct run_join *join);

// run_join_attach.c: the fields of a flight's records, of a record's own kind. Those that cannot be had fail it.
void run_joins_attach(struct flight *flight, struct worker *worker);
struct run_attaching {
    struct pass_run *pass;
    struct run_join *const *joins;
    size_t n;
    struct vm *vm;
    const struct shape *from, *to; // of the record before, where these are shared
    struct value *values;          // n
    uint32_t *places;              // n: of the fields in `to`
};
void run_attaching_begin(struct run_attaching *a, struct pass_run *pass, struct run_join *const *joins,
                         size_t n, struct vm *vm);
void run_attaching_end(struct run_attaching *a);
// False: `fault` says why, in the arena.
bool run_attach(struct run_attaching *a, struct arena *arena, uint64_t ordinal, struct value *record,
                const struct diag **fault);
// The fields that a record got, for another value of the same record.
bool run_joins_carry(struct pass_run *pass, struct value from, struct arena *arena, struct value *to);

// What a source is, with those that it joins: read once more, nothing being made of it. False: one could not be.
bool run_joins_survey(struct pass_run *pass, struct worker_run *mine, struct source_sum *sum);
bool run_joins_can_be_read_twice(const struct pass_run *pass);
// Adds what a joined source is.
void run_joins_add_sum(size_t number, const struct source_sum *joined, struct source_sum *sum);

// run_join_report.c: after all. What does not fit is told, where all was read.
void run_joins_report(struct run *run, struct run_report *report);

#endif
