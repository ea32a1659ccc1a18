// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_JOURNAL_H
#define PRESSRUN_CACHE_JOURNAL_H
/*
 * What each output of earlier runs was made from, in one file beneath the output root: `.pressrun/journal`. It answers
 * "is this output as it would be made now?", "which record made it?", "why not?" and "which outputs no longer belong?".
 * It does not look at outputs, compares nothing and decides nothing; its caller does. Its layout: journal_format.h.
 *
 * One file, only ever appended to (whole batches, one write each), read with pread through small windows that slide
 * with the caller, and rewritten under another name when more than half of it is outdated. It is not mapped: a run
 * cuts off a torn tail that another process may be reading, and a mapping that loses its file's end, or meets a bad
 * block of the disk, is a SIGBUS, while a short read is an answer. Windows cost less than the faults of a mapping where
 * outputs come in the order of the run before, and a known 64 KB each. A reader has four: what later runs made again lies
 * behind the rest, mostly in the same order, so that each of these stretches has a window of its own.
 *
 * In memory there is only an index: per output 24 bytes and 8 in each of two tables that are 3/8 to 3/4 full, so
 * 45 to 67 bytes. It holds 64 bits of each path's and raw record's hash; what is found is compared in full with what
 * is in the file, and its checksum is verified again. Two paths that share these 64 bits (one chance in 40 million
 * among a million outputs) are an output that is always made again, never a wrong one. The hashes depend on the file's
 * salt: whoever chooses paths and records cannot choose which ones meet.
 *
 * Trust. Every record has a checksum, seeded with a number that is the file's own, so that no stretch of an older file,
 * which a file system may bring up after a loss of power, passes for one of this. A tail that holds no sound record is
 * cut off by the next run (a killed one left it); damage elsewhere is skipped and counted, and costs the outputs whose
 * entries it hit. A file of another version, or something else of that name, is set aside as `.pressrun/journal.old`; so
 * is one whose header is damaged in both of its copies. All that losing entries costs is making those outputs again. An
 * append that fails is cut off again; where even that fails no more is appended.
 *
 * Durability. Entries are to be appended after the outputs they speak of have their names, and with `durable` after
 * those were synced; journal_append(sync) then syncs itself. Without, a machine that loses power may keep an entry, and
 * name, size and times of its output, but not the output's bytes: that is what --durable is for. A compaction is
 * synced before its rename in any case.
 *
 * A checksum proves that bytes are as they were written, not who wrote them. Paths, names and texts of a journal are to
 * be treated as any from outside: checked before a file is looked at or removed, made harmless before they are printed.
 *
 * An output's size, mtime and inode prove it untouched only where its mtime is older than the moment they were taken
 * by more than the clock's tick (some 4 ms): a change within the same tick shows in none of them.
 *
 * Processes. Whoever opens it for writing holds the output's lock. Readers need none: they see whole records or none,
 * also while a run appends, and a compaction leaves them the file they have.
 * Threads. journal_find, journal_find_raw (a reader each), journal_see and journal_append (a batch each) may all be
 * called at the same time. Everything else is for one thread while no other is in here. What a run appends is found
 * from journal_end_run on, not before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

// Where runs keep their books, as EMIT_BOOKS of stages/emit, which is not known here.
#define JOURNAL_DIRECTORY ".pressrun"
#define JOURNAL_FILE      JOURNAL_DIRECTORY "/journal"
#define JOURNAL_NEW_FILE  JOURNAL_FILE ".new" // a compaction at work, or one that was killed
#define JOURNAL_OLD_FILE  JOURNAL_FILE ".old" // what could not be read

struct journal; // owned

// Something that outputs are made from besides their records: "template card.j2", "global site", "option undefined",
// "expression to", "through".
struct journal_part {
    struct str name;
    struct digest digest;
    struct str text; // the value, where it is short; may be empty
};

// What the outputs of one job share in one run: said once, entries refer to it. Two that have job, parts and fields in
// common, in their order, are one: journal_recipe gives the pointer that the entries of earlier runs have. It may be as
// large as JOURNAL_RECIPE_LONGEST, all names and texts and some 30 bytes a part together.
struct journal_recipe {
    struct str job;
    const struct journal_part *parts;
    uint32_t parts_n;
    const struct str *fields; // names of the fields read; the hashes in entries go by this order
    uint32_t fields_n;
    uint32_t id; // the journal's
};

struct journal_entry {
    // The output's path below the root; of a part of a stream, whatever name is its own in the root.
    struct str path;
    const struct journal_recipe *recipe; // NULL: lost to damage, so neither job nor parts are known
    struct digest raw, record, output;   // the record's bytes, the projected record, the output
    uint64_t size, inode;
    int64_t mtime;       // nanoseconds
    uint32_t why;        // the caller's bits: the reasons it was made for
    uint32_t generation; // of the run that made it
    uint32_t number;     // for journal_see
    bool left;           // it did not belong to the last complete run
    const void *fields;  // hashes: journal_entry_field
    uint32_t fields_n;   // as many as the recipe, if there is one, has fields
};
uint64_t journal_entry_field(const struct journal_entry *entry, uint32_t i);

struct journal_found {
    bool fresh;       // there was none
    bool set_aside;   // what was there is now JOURNAL_OLD_FILE
    uint32_t version; // of what was set aside; 0: not known
    uint64_t damaged; // stretches that were skipped
    uint64_t damaged_bytes, torn_bytes;
};

struct journal_options {
    const struct fs *fs; // outlives the journal
    int root;      // a directory; stays the caller's; -1, when not writable: there is none, and so no journal
    bool writable; // else nothing is made, cut off or set aside
    uint64_t salt; // base/salt.h; of use where a file begins
};

// A missing file is an empty journal. STATUS_UNSUPPORTED: another version's, when not writable.
enum status journal_open(struct journal_options options, struct journal **journal,
                         struct journal_found *found, struct err *err);
void journal_close(struct journal *journal); // NULL is fine; whatever was appended is there

struct journal_figures {
    uint64_t outputs, left;     // known, and those among them that no longer belong
    uint64_t bytes, live_bytes; // of the file, and those that are not outdated
    uint64_t index_bytes;       // memory
    uint64_t damaged;           // stretches skipped, since it was opened
    uint32_t generation;        // of this run: one more than any in the file
};
struct journal_figures journal_figures(const struct journal *journal);

// Looking up ---------------------------------------------------------------------------------------------------

struct journal_window {
    unsigned char *bytes;
    size_t n, cap;
    uint64_t at, used;
};
enum { JOURNAL_WINDOWS = 4 };
struct journal_reader { // one per thread
    struct journal *journal;
    struct journal_window windows[JOURNAL_WINDOWS];
    size_t latest;           // the one used last
    uint64_t turns;          // how often it was another one than before
    uint32_t next;           // the number after what was found last
    uint32_t edition;        // of the journal, when the windows were filled
    uint64_t reads, damaged; // system calls; records that were sound when indexed and are not any more
    int os;                  // errno of the last read that failed; 0: none did
};
void journal_reader_init(struct journal_reader *reader, struct journal *journal);
void journal_reader_release(struct journal_reader *reader);

// False: not known, or not readable any more. What `entry` points to is valid until the reader's next call. An entry
// whose recipe is lost is found by its path only.
bool journal_find(struct journal_reader *reader, struct str path, struct journal_entry *entry);
// The output that a job made of a raw record, whose path is not known before it is parsed. Where one record makes
// several outputs, the raw hash has to tell them apart; of equal ones it is any. A hash of zero is not looked up.
bool journal_find_raw(struct journal_reader *reader, struct str job, struct digest raw,
                      struct journal_entry *entry);
// All of them, in the order they were first made; those that left too. fn returns false to end it. The entry is
// valid within fn.
typedef bool (*journal_entry_fn)(void *context, const struct journal_entry *entry);
void journal_each(struct journal_reader *reader, journal_entry_fn fn, void *context);
// The same for those whose numbers are at least `from` and below `to`, of journal_items, so that threads may share it.
void journal_each_between(struct journal_reader *reader, uint32_t from, uint32_t to, journal_entry_fn fn,
                          void *context);
uint32_t journal_items(const struct journal *journal);

// A run --------------------------------------------------------------------------------------------------------

// The recipe as the journal keeps it, appended where it is new; valid until a compaction. Before the run's workers
// start. STATUS_LIMIT: it is too large.
enum { JOURNAL_RECIPE_LONGEST = 16 << 20 };
enum status journal_recipe(struct journal *journal, const struct journal_recipe *recipe,
                           const struct journal_recipe **kept, struct err *err);
// The same without appending anything: NULL where the journal has none that is equal.
const struct journal_recipe *journal_find_recipe(const struct journal *journal,
                                                 const struct journal_recipe *recipe);
// Of the recipes that the same job had, the one that came into the journal before this one of the journal's; NULL: none
// that is still known.
const struct journal_recipe *journal_recipe_before(const struct journal *journal,
                                                   const struct journal_recipe *recipe);

struct journal_batch { // one per thread; all zero is an empty one
    struct buf bytes;
    uint32_t entries; // and removals
};
void journal_batch_release(struct journal_batch *batch);
// An output as it is now: recipe is one that journal_recipe gave, `fields` as many hashes as it has fields. number, left,
// fields in the entry and generation are the journal's. False: too long to be kept (path and fields of 64 KB and more).
bool journal_batch_add(struct journal_batch *batch, const struct journal *journal,
                       const struct journal_entry *entry, const uint64_t *fields);
void journal_batch_remove(struct journal_batch *batch, const struct journal *journal, struct str path);
// Appends what is in the batch, which is empty afterwards, in any case. `sync`: and waits for the disk.
enum status journal_append(struct journal *journal, struct journal_batch *batch, bool sync, struct err *err);

// An output still belongs, unchanged. What is appended is seen by that.
void journal_see(struct journal *journal, uint32_t number);
bool journal_is_seen(const struct journal *journal, uint32_t number); // so far in this run
// Takes all of that back; for one thread.
void journal_see_none(struct journal *journal);

// After the workers. Takes in what the run appended; what it saw again belongs again, and when the run was `complete`,
// what it neither saw nor appended is noted as having left (found and listed still, until it is removed). Begins a
// new generation.
enum status journal_end_run(struct journal *journal, bool complete, int64_t now_ns, struct err *err);
bool journal_is_redundant(const struct journal *journal); // more than half of it is outdated
// Rewrites it without what is outdated, in the order of journal_each. What fails leaves the old file as it was.
// After journal_end_run, with no batch that holds anything; begins a new generation. Recipes are to be asked for again.
enum status journal_compact(struct journal *journal, struct err *err);

#endif
