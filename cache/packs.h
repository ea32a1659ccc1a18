// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_PACKS_H
#define PRESSRUN_CACHE_PACKS_H
/*
 * The file tier: append-only segments of zstd entries in one directory, shared by any number of processes.
 *
 *     segment-0123456789abcdef      entries (cache/entry.h), one after the other, nothing else
 *     dictionary-01234567           one entry that holds a dictionary, named by its number
 *
 * A process appends to one segment of its own, which it holds by a lock that the kernel lets go when the process
 * ends; it takes on one that an earlier process left half full. All read all segments with pread, without a lock: a
 * segment's bytes never change, only its end grows, and a segment that was cleaned away can be read by those
 * who have it open. A pread is dearer than a look into a mapping by a third of a microsecond, but a file that is cut
 * under a mapping kills the process. Where the entries are is in memory, rebuilt when the directory is opened.
 *
 * What is put waits in memory, readable to this process, and is written 256 KiB at a time or by flush. A process that
 * dies loses that; a torn end is cut off by the next process to append there.
 *
 * Invariants: a value is served only if its entry's checksum, key and category are right and it unpacks to its size;
 * anything else is a miss, counted as damaged and forgotten, so that the next put replaces it. Of one key the entry with the
 * later time is valid. An invalidation is an entry, too, and other processes see it when they next look at the
 * directory (at a miss, at most ten times a second, and in packs_gc).
 *
 * Any number of threads may call all but open and close. The directory descriptor stays the caller's. Nothing here
 * syncs: a cache that loses its end loses nothing else.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "cache/tier.h"

enum { PACKS_SEGMENT = 16 << 20 };
#define PACKS_CAP ((uint64_t)1 << 30)

struct packs; // owned

struct packs_options {
    const struct fs *fs; // copied
    const struct clock *clock;
    int dir;
    uint64_t cap;     // bytes of all segments; 0: PACKS_CAP
    uint64_t segment; // bytes after which a new one is begun; 0: the lesser of PACKS_SEGMENT and cap / 8
    bool read_only;
    const int *levels; // of compression by category, 0: the usual one; NULL: all are
};

struct packs_verified {
    uint64_t entries, damaged, bytes;
    uint64_t kept; // of the damaged segments: those that could not be rewritten, as somebody appends there
};

// STATUS_IO where the directory cannot be read; damaged and unreadable segments are only counted.
enum status packs_open(const struct packs_options *options, struct packs **packs, struct err *err);
struct cache_tier packs_tier(struct packs *packs); // closing the tier flushes and frees the packs

// One entry that a get could give.
struct packs_entry {
    struct cache_key key;
    int64_t made;
    uint32_t tag;
    uint64_t bytes, stored;
    unsigned uses; // since it was put or moved, by this process
};
// All of them, in no order, while nobody else gets at the packs: `see` calls none of these functions.
void packs_each(struct packs *packs, void (*see)(void *context, const struct packs_entry *entry),
                void *context);

// A slice of cleaning that rewrites about so many bytes: over the cap, the segment that was unused for the longest
// goes, but for entries asked for since; below it, segments that are half dead, damaged or many and small are
// rewritten. A put that fills a segment does one slice itself, so the cap holds where nobody calls. true: there is more to do.
bool packs_gc(struct packs *packs, uint64_t slice);
// Reads all entries and unpacks them. With `repair` segments with damage are rewritten without it.
struct packs_verified packs_verify(struct packs *packs, bool repair);
// Looks for what other processes did, now.
void packs_refresh(struct packs *packs);

#endif
