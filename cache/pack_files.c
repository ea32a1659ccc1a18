// SPDX-License-Identifier: MIT
// Segments as files: opening, locking, and the one of this process that grows.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/packs_private.h"

enum { NAME_TRIES = 8, ADOPT_TRIES = 8, FAILURES_MOST = 3 };

int pack_read(const struct packs *packs, int fd, char *p, size_t n, uint64_t at) {
    while (n > 0) {
        ssize_t got = packs->fs.read_at(packs->fs.self, fd, p, n, (off_t)at);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? (int)got : -ENODATA;
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

struct segment *pack_segment_open(struct packs *packs, const char *name, int32_t *id) {
    int fd = packs->fs.open_beneath(packs->fs.self, packs->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        packs->stats.failed += fd != -ENOENT; // somebody cleaned it away
        return NULL;
    }
    struct segment *segment = MEM_NEW(struct segment);
    snprintf(segment->name, sizeof segment->name, "%s", name);
    segment->fd = fd;
    atomic_init(&segment->pins, 1);
    segment->seen = true;
    MEM_GROW(packs->segments, packs->segments_cap, packs->segments_n + 1);
    *id = (int32_t)packs->segments_n;
    packs->segments[packs->segments_n++] = segment;
    return segment;
}

void pack_segment_unpin(struct packs *packs, struct segment *segment) {
    if (atomic_fetch_sub(&segment->pins, 1) != 1)
        return;
    packs->fs.close(packs->fs.self, segment->fd);
    mem_free(segment);
}

void pack_segment_remove(struct packs *packs, int32_t id) {
    struct segment *segment = packs->segments[id];
    packs->segments[id] = NULL;
    for (size_t i = 0; i < packs->index.cap; i++) {
        struct slot *slot = &packs->index.slots[i];
        if (slot->full && slot->segment == id)
            pack_slot_forget(packs, slot);
    }
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        if (packs->cleared_segment[c] == id)
            packs->cleared_segment[c] = PACK_NO_SEGMENT;
    pack_segment_unpin(packs, segment);
}

// Between opening and locking somebody else may have cleaned it away.
static int lock_opened(struct packs *packs, int fd) {
    struct stat st;
    int result = packs->fs.lock(packs->fs.self, fd);
    if (result == 0)
        result = packs->fs.stat(packs->fs.self, fd, &st);
    if (result == 0 && st.st_nlink == 0)
        result = -ENOENT;
    if (result == 0)
        return fd;
    packs->fs.close(packs->fs.self, fd);
    return result;
}

int pack_segment_lock(struct packs *packs, const char *name) {
    int fd = packs->fs.open_beneath(packs->fs.self, packs->dir, name,
                                    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0);
    return fd < 0 ? fd : lock_opened(packs, fd);
}

static bool own_begin(struct packs *packs, int32_t id, int fd) {
    packs->own = id;
    packs->own_fd = fd;
    return true;
}

// Takes on a segment that is not full and nobody's, and cuts off what a dead process left of an entry.
static bool own_adopt(struct packs *packs) {
    int tries = 0;
    for (size_t i = 0; i < packs->segments_n && tries < ADOPT_TRIES; i++) {
        struct segment *segment = packs->segments[i];
        if (!segment || segment->damaged || segment->size > packs->segment_bytes / 2)
            continue;
        tries++;
        int fd = pack_segment_lock(packs, segment->name);
        if (fd < 0)
            continue;
        struct stat st;
        pack_scan(packs, (int32_t)i, true);
        bool good = !segment->damaged && packs->fs.stat(packs->fs.self, fd, &st) == 0 &&
                    ((uint64_t)st.st_size == segment->size ||
                     packs->fs.truncate(packs->fs.self, fd, (off_t)segment->size) == 0);
        segment->torn = segment->torn && !good;
        if (good)
            return own_begin(packs, (int32_t)i, fd);
        packs->fs.close(packs->fs.self, fd);
    }
    return false;
}

static bool own_create(struct packs *packs) {
    for (int i = 0; i < NAME_TRIES; i++) {
        char name[PACK_NAME];
        // Unlike any other: time, process, and where this process keeps the packs.
        struct {
            int64_t time;
            const void *self;
            long process;
            int i;
        } seed;
        memset(&seed, 0, sizeof seed);
        seed.time = packs->clock.wall(packs->clock.self);
        seed.self = packs;
        seed.process = (long)getpid();
        seed.i = i + (int)packs->segments_n * NAME_TRIES;
        struct digest d = digest_of((struct str){(const char *)&seed, sizeof seed});
        snprintf(name, sizeof name, "segment-%016llx", (unsigned long long)d.low);
        int flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW;
        int fd = packs->fs.open_beneath(packs->fs.self, packs->dir, name, flags, 0666);
        if (fd == -EEXIST)
            continue;
        fd = fd < 0 ? fd : lock_opened(packs, fd);
        int32_t id;
        if (fd >= 0 && pack_segment_open(packs, name, &id))
            return own_begin(packs, id, fd);
        if (fd >= 0)
            packs->fs.close(packs->fs.self, fd);
        if (fd != -EWOULDBLOCK && fd != -ENOENT)
            return false;
    }
    return false;
}

static void own_failed(struct packs *packs) {
    packs->stats.failed++;
    packs->broken = ++packs->own_failures >= FAILURES_MOST;
}

// What waits cannot be written: its entries were never there.
static void drop_pending(struct packs *packs) {
    struct entry entry;
    uint64_t base = packs->segments[packs->own]->size;
    for (size_t at = 0; at < packs->pending.n; at += entry_size(&entry)) {
        if (!entry_peek(str_from(buf_str(&packs->pending), at), &entry))
            break;
        struct slot *slot = pack_index_find(&packs->index, entry.key);
        if (slot && slot->segment == packs->own && slot->offset == base + at)
            pack_slot_forget(packs, slot);
    }
    buf_clear(&packs->pending);
}

void pack_own_close(struct packs *packs) {
    if (packs->own == PACK_NO_SEGMENT)
        return;
    packs->fs.close(packs->fs.self, packs->own_fd); // and with it goes the lock
    packs->own = PACK_NO_SEGMENT;
}

bool pack_flush(struct packs *packs) {
    if (packs->own == PACK_NO_SEGMENT)
        return true;
    struct segment *segment = packs->segments[packs->own];
    struct err err;
    if (packs->pending.n &&
        fs_write_all(&packs->fs, packs->own_fd, packs->pending.p, packs->pending.n, &err) != STATUS_OK) {
        drop_pending(packs);
        packs->fs.truncate(packs->fs.self, packs->own_fd, (off_t)segment->size);
        pack_own_close(packs);
        own_failed(packs);
        return false;
    }
    segment->size += packs->pending.n;
    buf_clear(&packs->pending);
    if (segment->size >= packs->segment_bytes) {
        pack_own_close(packs);
        packs->filled = true;
    }
    return true;
}

bool pack_append(struct packs *packs, const struct entry *entry, struct str bytes, uint64_t *offset) {
    if (packs->read_only || packs->broken)
        return false;
    if (packs->pending.n && packs->pending.n + bytes.n > PACK_FLUSH && !pack_flush(packs))
        return false;
    if (packs->own == PACK_NO_SEGMENT && !own_adopt(packs) && !own_create(packs)) {
        own_failed(packs);
        return false;
    }
    *offset = packs->segments[packs->own]->size + packs->pending.n;
    buf_add_str(&packs->pending, bytes);
    pack_index_add(packs, entry, packs->own, *offset);
    return true;
}
