// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_PACKS_PRIVATE_H
#define PRESSRUN_CACHE_PACKS_PRIVATE_H
/*
 * What the files of the file tier share: index, segments and the one appended to. All functions but those of
 * packs.h want the lock held, unless they say otherwise. Order of locks: packs, then codec.
 */
#include <pthread.h>

#include "base/buf.h"
#include "cache/codec.h"
#include "cache/packs.h"

enum { PACK_NAME = 48, PACK_FLUSH = 256 << 10, PACK_NO_SEGMENT = -1 };

struct segment {
    char name[PACK_NAME];
    int fd;           // to read
    atomic_uint pins; // one is the table's; the last one closes
    uint64_t size;    // bytes that were looked through; what lies beyond is torn or not seen yet
    uint64_t dead;    // bytes of entries that are not valid any more
    bool used;        // since its file was last touched
    bool damaged; // between whole entries, or there is less than there was: to be rewritten, not appended to
    bool torn;    // at its end, as it was found
    bool stuck;   // cannot be removed
    bool seen;    // in this look at the directory
};

struct slot { // of the index; forgotten where segment is PACK_NO_SEGMENT
    struct digest digest;
    int64_t time;
    int32_t segment;
    uint32_t offset, stored, size;
    uint8_t category, kind;
    bool full;    // holds a key, valid or not
    uint8_t uses; // how often it was asked for since it was put or copied; no more than 255
    uint32_t tag;
};

struct pack_index {
    struct slot *slots; // a power of two of them, open addressing
    size_t n, cap;
};

struct packs {
    struct fs fs;
    struct clock clock;
    int dir;
    uint64_t cap, segment_bytes;
    bool read_only, broken; // broken: three times nothing could be written, so no more is tried
    pthread_mutex_t lock;
    struct codec *codec;
    struct segment **segments; // NULL: gone
    size_t segments_n, segments_cap;
    struct pack_index index;
    int32_t own; // the segment appended to
    int own_fd;
    unsigned own_failures;
    bool filled;        // a segment became full: time to look at the cap
    struct buf pending; // of `own`, after its size
    int64_t last_time, cleared[CACHE_CATEGORIES_N];
    int32_t cleared_segment[CACHE_CATEGORIES_N];
    uint64_t untrained[CACHE_CATEGORIES_N]; // entries that were packed without a dictionary
    bool trained[CACHE_CATEGORIES_N];       // or tried, in this process
    uint64_t refreshed;                     // monotonic
    struct cache_stats stats;
};

// pack_index.c
void pack_index_release(struct pack_index *index);
struct slot *pack_index_find(const struct pack_index *index, struct cache_key key); // NULL: never heard of
// Takes an entry at that place if it is newer than what is known; bytes that nobody will read are counted as dead.
void pack_index_add(struct packs *packs, const struct entry *entry, int32_t segment, uint64_t offset);
bool pack_slot_valid(const struct packs *packs, const struct slot *slot); // a value is there
void pack_slot_forget(struct packs *packs, struct slot *slot);

// pack_files.c
int pack_read(const struct packs *packs, int fd, char *p, size_t n,
              uint64_t at); // 0, or what failed; needs no lock
struct segment *pack_segment_open(struct packs *packs, const char *name, int32_t *id); // NULL: cannot be
void pack_segment_unpin(struct packs *packs, struct segment *segment);                 // needs no lock
void pack_segment_remove(struct packs *packs, int32_t id);    // from the table, with all that is in it
int pack_segment_lock(struct packs *packs, const char *name); // a descriptor that holds it, or what failed
bool pack_append(struct packs *packs, const struct entry *entry, struct str bytes, uint64_t *offset);
bool pack_flush(struct packs *packs);
void pack_own_close(struct packs *packs);

// pack_scan.c
void pack_scan(struct packs *packs, int32_t id, bool whole); // `whole`: a torn end is counted
int pack_look(struct packs *packs, bool first);
bool pack_look_again(struct packs *packs); // at most ten times a second; true: it did

// pack_dictionary.c
void pack_dictionary_load(struct packs *packs, const char *name);
void pack_train(struct packs *packs, enum cache_category category); // without the lock

// packs.c
// A value's entry at a valid slot, whole, verified and of that key, into `bytes`. Lets go of the lock meanwhile.
bool pack_fetch(struct packs *packs, struct cache_key key, struct buf *bytes, struct entry *entry);
bool pack_read_slot(struct packs *packs, const struct slot *slot, struct buf *bytes, struct entry *entry);

#endif
