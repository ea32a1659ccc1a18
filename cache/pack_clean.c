// SPDX-License-Identifier: MIT
// Cleaning: segments are given up whole, and what is worth keeping of them is appended again as it is.
#include <unistd.h>

#include "cache/packs_private.h"

enum { MANY = 16, SMALL_PART = 8, DEAD_PART = 2 };

struct victim {
    int32_t id;
    int fd;
    bool over; // the cap: only what is used is kept
};

static uint64_t total(const struct packs *packs) {
    uint64_t bytes = packs->pending.n;
    for (size_t i = 0; i < packs->segments_n; i++)
        bytes += packs->segments[i] ? packs->segments[i]->size : 0;
    return bytes;
}

// Other processes see in a segment's times when anybody last read from it.
static void touch_used(struct packs *packs) {
    for (size_t i = 0; i < packs->segments_n; i++) {
        struct segment *segment = packs->segments[i];
        if (segment && segment->used)
            packs->fs.touch(packs->fs.self, segment->fd);
        if (segment)
            segment->used = false;
    }
}

static int64_t age_of(const struct packs *packs, const struct segment *segment) {
    struct stat st;
    if (packs->fs.stat(packs->fs.self, segment->fd, &st) < 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static bool wants_rewrite(const struct packs *packs, const struct segment *segment, size_t small) {
    return segment->damaged || (segment->size && segment->dead > segment->size / DEAD_PART) ||
           (small > MANY && segment->size < packs->segment_bytes / SMALL_PART);
}

// The one to give up, locked; a segment that another process appends to is not one.
static bool pick(struct packs *packs, bool damaged_only, struct victim *victim) {
    victim->over = !damaged_only && total(packs) > packs->cap;
    size_t small = 0;
    bool busy[256] = {false};
    for (size_t i = 0; i < packs->segments_n; i++)
        small += packs->segments[i] && packs->segments[i]->size < packs->segment_bytes / SMALL_PART;
    for (;;) {
        int64_t oldest = INT64_MAX;
        victim->id = PACK_NO_SEGMENT;
        for (size_t i = 0; i < packs->segments_n; i++) {
            const struct segment *segment = packs->segments[i];
            if (!segment || (int32_t)i == packs->own || segment->stuck || busy[i % 256])
                continue;
            if (damaged_only ? !segment->damaged && !segment->torn
                             : !victim->over && !wants_rewrite(packs, segment, small))
                continue;
            int64_t time = age_of(packs, segment);
            if (time >= oldest)
                continue;
            oldest = time;
            victim->id = (int32_t)i;
        }
        if (victim->id == PACK_NO_SEGMENT)
            return false;
        victim->fd = pack_segment_lock(packs, packs->segments[victim->id]->name);
        if (victim->fd >= 0)
            return true;
        busy[victim->id % 256] = true;
    }
}

// Appends an entry of the victim again, with its time. A key that was damaged is forgotten.
static bool move_entry(struct packs *packs, struct slot *slot, struct buf *bytes) {
    struct slot read = *slot;
    struct cache_key key = {(enum cache_category)slot->category, slot->digest};
    struct entry entry;
    uint64_t offset;
    bool good = pack_read_slot(packs, &read, bytes, &entry);
    slot = pack_index_find(&packs->index, key); // the lock was let go of
    if (!slot || slot->segment != read.segment || slot->offset != read.offset)
        return true;
    if (!good) {
        packs->stats.damaged++;
        pack_slot_forget(packs, slot);
        return true;
    }
    return pack_append(packs, &entry, buf_str(bytes), &offset);
}

static bool is_kept(const struct packs *packs, const struct slot *slot, const struct victim *victim) {
    if (!slot->full || slot->segment != victim->id)
        return false;
    if (slot->kind == ENTRY_GONE) // as long as there may be an older entry of that key elsewhere
        return packs->segments_n > 1;
    return !victim->over || slot->uses;
}

// false: the slice is used up, or nothing can be written.
static bool move_entries(struct packs *packs, const struct victim *victim, uint64_t slice) {
    struct buf bytes = BUF_INIT;
    uint64_t moved = 0, most = packs->segments[victim->id]->size / DEAD_PART;
    bool done = true;
    size_t cap = packs->index.cap;
    for (size_t i = 0; i < packs->index.cap && done; i++) {
        if (packs->index.cap != cap) { // it grew, and all have new places
            cap = packs->index.cap;
            i = 0;
        }
        struct slot *slot = &packs->index.slots[i];
        if (!is_kept(packs, slot, victim) || (victim->over && moved > most))
            continue;
        if (moved >= slice) {
            done = false;
            break;
        }
        moved += ENTRY_HEADER + (uint64_t)slot->stored;
        done = move_entry(packs, slot, &bytes);
    }
    buf_release(&bytes);
    return done;
}

static bool move_clears(struct packs *packs, const struct victim *victim) {
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        if (packs->cleared_segment[c] != victim->id)
            continue;
        char bytes[ENTRY_HEADER] = {0};
        uint64_t offset;
        struct entry entry = {
            .key = {.category = (enum cache_category)c}, .kind = ENTRY_CLEAR, .time = packs->cleared[c]};
        entry_seal(&entry, bytes);
        if (!pack_append(packs, &entry, (struct str){bytes, sizeof bytes}, &offset))
            return false;
    }
    return true;
}

static size_t count_valid(const struct packs *packs, int32_t id) {
    size_t n = 0;
    for (size_t i = 0; i < packs->index.cap; i++)
        n += packs->index.slots[i].segment == id && pack_slot_valid(packs, &packs->index.slots[i]);
    return n;
}

// true: a segment went. What was moved is on its way to the disk before the old one goes.
static bool clean_one(struct packs *packs, bool damaged_only, uint64_t slice, bool *found) {
    struct victim victim;
    *found = pick(packs, damaged_only, &victim);
    if (!*found)
        return false;
    struct segment *segment = packs->segments[victim.id];
    pack_scan(packs, victim.id, false); // what another process appended last
    bool done = move_entries(packs, &victim, slice) && packs->segments[victim.id] == segment &&
                move_clears(packs, &victim) && pack_flush(packs);
    if (done && packs->segments[victim.id] == segment) {
        done = packs->fs.unlink(packs->fs.self, packs->dir, segment->name) == 0;
        packs->stats.failed += !done;
        segment->stuck = !done;
        if (done) {
            packs->stats.evictions += count_valid(packs, victim.id);
            pack_segment_remove(packs, victim.id);
        }
    }
    packs->fs.close(packs->fs.self, victim.fd);
    return done;
}

bool packs_gc(struct packs *packs, uint64_t slice) {
    bool found = false;
    if (packs->read_only)
        return false;
    pthread_mutex_lock(&packs->lock);
    touch_used(packs);
    pack_flush(packs);
    pack_look(packs, false);
    bool cleaned = clean_one(packs, false, slice, &found);
    // Alone over the cap with one segment: the next value begins another, and then this one can go.
    if (!found && total(packs) > packs->cap)
        pack_own_close(packs);
    bool more = found && !packs->broken && (cleaned || slice > 0);
    pthread_mutex_unlock(&packs->lock);
    return more;
}

static bool check_slot(struct packs *packs, struct cache_key key, struct buf *bytes, struct buf *value) {
    struct entry entry;
    struct slot *slot = pack_index_find(&packs->index, key);
    if (!slot || !pack_slot_valid(packs, slot))
        return true;
    struct slot read = *slot;
    bool good = pack_read_slot(packs, &read, bytes, &entry);
    if (good) {
        buf_clear(value);
        buf_reserve(value, entry.size);
        good = codec_unpack(packs->codec, &entry, str_from(buf_str(bytes), ENTRY_HEADER), value->p);
    }
    slot = pack_index_find(&packs->index, key);
    if (good || !slot || slot->segment != read.segment || slot->offset != read.offset)
        return true;
    packs->segments[slot->segment]->damaged = true;
    pack_slot_forget(packs, slot);
    return false;
}

struct packs_verified packs_verify(struct packs *packs, bool repair) {
    struct packs_verified out = {0};
    struct buf bytes = BUF_INIT, value = BUF_INIT;
    pthread_mutex_lock(&packs->lock);
    uint64_t before = packs->stats.damaged;
    pack_flush(packs);
    if (repair)
        pack_own_close(packs); // it may be damaged, too
    pack_look(packs, true);
    out.damaged = packs->stats.damaged - before;
    for (size_t i = 0; i < packs->index.cap; i++) {
        const struct slot *slot = &packs->index.slots[i];
        if (!pack_slot_valid(packs, slot))
            continue;
        struct cache_key key = {(enum cache_category)slot->category, slot->digest};
        out.entries++;
        out.bytes += ENTRY_HEADER + (uint64_t)slot->stored;
        bool good = check_slot(packs, key, &bytes, &value);
        out.damaged += !good;
        packs->stats.damaged += !good;
    }
    for (bool found = repair && !packs->read_only; found;)
        if (!clean_one(packs, true, UINT64_MAX, &found))
            break;
    for (size_t i = 0; i < packs->segments_n; i++)
        out.kept += packs->segments[i] && (packs->segments[i]->damaged || packs->segments[i]->torn);
    pthread_mutex_unlock(&packs->lock);
    buf_release(&bytes);
    buf_release(&value);
    return out;
}
