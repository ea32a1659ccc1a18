// SPDX-License-Identifier: MIT
// What the directory holds: names, and the entries of segments.
#include "cache/packs_private.h"

enum {
    LOOK_EVERY = 100 * 1000 * 1000,
    SEARCH_WORK = 4,
    SCAN_PART = 256 << 10
}; // nanoseconds; times the bytes of a part; bytes

// The next whole entry from `at` on, past what is damaged; bytes.n where there is none. Bytes that look like large
// entries at every place would be hashed again and again, so the work has a bound.
static size_t next_entry(struct str bytes, size_t at, struct entry *entry) {
    uint64_t work = SEARCH_WORK * (uint64_t)bytes.n;
    while ((at = entry_search(bytes, at)) < bytes.n) {
        struct str rest = str_from(bytes, at);
        if (entry_peek(rest, entry) && entry_size(entry) <= rest.n) {
            if (entry_size(entry) > work)
                break;
            work -= entry_size(entry);
            if (entry_open(rest, entry))
                return at;
        }
        at++;
    }
    return bytes.n;
}

// A part of a segment from where it was looked through to; `last`: nothing follows.
static void scan_bytes(struct packs *packs, int32_t id, struct str bytes, bool last, bool whole) {
    struct segment *segment = packs->segments[id];
    uint64_t base = segment->size;
    size_t at = 0;
    struct entry entry;
    while (at < bytes.n) {
        struct str rest = str_from(bytes, at);
        size_t found = at;
        if (!entry_open(rest, &entry)) {
            bool more = rest.n < ENTRY_HEADER || (entry_peek(rest, &entry) && entry_size(&entry) > rest.n);
            if (more && !last)
                break;
            found = next_entry(bytes, at + 1, &entry);
        }
        if (found == bytes.n) {
            whole = whole && last && !segment->torn;
            packs->stats.damaged += whole;
            segment->torn = segment->torn || whole;
            break;
        }
        if (found > at) {
            packs->stats.damaged++;
            segment->damaged = true;
            segment->dead += found - at;
        }
        pack_index_add(packs, &entry, id, base + found);
        at = found + entry_size(&entry);
        segment->size = base + at;
    }
}

// Part by part, so that a small piece of memory is used again; parts grow where one holds no whole entry.
static int scan_parts(struct packs *packs, int32_t id, uint64_t size, bool whole) {
    struct segment *segment = packs->segments[id];
    struct buf part = BUF_INIT;
    size_t most = SCAN_PART;
    int result = 0;
    for (bool last = false; !last && result == 0;) {
        uint64_t before = segment->size;
        size_t n = size - before < most ? (size_t)(size - before) : most;
        last = n == size - before;
        buf_clear(&part);
        buf_reserve(&part, n);
        result = pack_read(packs, segment->fd, part.p, n, before);
        if (result == 0)
            scan_bytes(packs, id, (struct str){part.p, n}, last, whole);
        if (segment->size == before)
            most *= 2;
    }
    buf_release(&part);
    return result;
}

void pack_scan(struct packs *packs, int32_t id, bool whole) {
    struct segment *segment = packs->segments[id];
    struct stat st;
    int result = packs->fs.stat(packs->fs.self, segment->fd, &st);
    if (result < 0 || !S_ISREG(st.st_mode)) {
        packs->stats.failed++;
        segment->damaged = true; // not to be appended to
        return;
    }
    uint64_t size = (uint64_t)st.st_size;
    if (size <= segment->size) {
        bool shrunk = size < segment->size; // its entries are found missing one by one
        packs->stats.damaged += shrunk && !segment->damaged;
        segment->damaged = segment->damaged || shrunk;
        return;
    }
    if (size > packs->segment_bytes + 2 * (uint64_t)ENTRY_LARGEST || size > UINT32_MAX) {
        packs->stats.damaged += !segment->damaged;
        segment->damaged = true; // none of ours
        return;
    }
    packs->stats.failed += scan_parts(packs, id, size, whole) < 0;
}

struct look {
    struct packs *packs;
};

static int32_t find_segment(const struct packs *packs, const char *name) {
    for (size_t i = 0; i < packs->segments_n; i++)
        if (packs->segments[i] && strcmp(packs->segments[i]->name, name) == 0)
            return (int32_t)i;
    return PACK_NO_SEGMENT;
}

static bool see_name(void *context, const char *name, enum fs_entry kind) {
    struct look *look = context;
    struct packs *packs = look->packs;
    struct str text = str_of(name);
    if (kind != FS_FILE || text.n >= PACK_NAME)
        return true;
    if (str_starts(text, STR("dictionary-")))
        pack_dictionary_load(packs, name);
    if (!str_starts(text, STR("segment-")))
        return true;
    int32_t id = find_segment(packs, name);
    if (id != PACK_NO_SEGMENT)
        packs->segments[id]->seen = true;
    else
        pack_segment_open(packs, name, &id);
    return true;
}

int pack_look(struct packs *packs, bool first) {
    struct look look = {.packs = packs};
    packs->refreshed = packs->clock.monotonic(packs->clock.self);
    for (size_t i = 0; i < packs->segments_n; i++)
        if (packs->segments[i])
            packs->segments[i]->seen = (int32_t)i == packs->own;
    int result = packs->fs.list(packs->fs.self, packs->dir, ".", see_name, &look);
    if (result < 0) {
        packs->stats.failed++;
        return result;
    }
    for (size_t i = 0; i < packs->segments_n; i++)
        if (packs->segments[i] && !packs->segments[i]->seen)
            pack_segment_remove(packs, (int32_t)i);
    for (size_t i = 0; i < packs->segments_n; i++)
        if (packs->segments[i] && (int32_t)i != packs->own)
            pack_scan(packs, (int32_t)i, first);
    return 0;
}

bool pack_look_again(struct packs *packs) {
    uint64_t now = packs->clock.monotonic(packs->clock.self);
    if (now - packs->refreshed < LOOK_EVERY)
        return false;
    pack_look(packs, false);
    return true;
}
