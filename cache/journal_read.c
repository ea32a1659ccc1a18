// SPDX-License-Identifier: MIT
// Looking up, through windows onto the file.
#include "base/mem.h"
#include "cache/journal_private.h"

enum {
    WINDOW = 64 << 10,  // read at once by who goes along the file
    WINDOW_FIRST = 512, // and by who jumps
};

void journal_reader_init(struct journal_reader *reader, struct journal *journal) {
    *reader = (struct journal_reader){.journal = journal, .edition = journal->edition};
}

void journal_reader_release(struct journal_reader *reader) {
    for (int i = 0; i < JOURNAL_WINDOWS; i++)
        mem_free(reader->windows[i].bytes);
    *reader = (struct journal_reader){0};
}

static inline bool is_in(const struct journal_window *w, uint64_t at, size_t size) {
    return at >= w->at && at + size <= w->at + w->n;
}

static inline bool is_along(const struct journal_window *w, uint64_t at) {
    return w->n > 0 && at >= w->at && at - w->at < w->n + WINDOW;
}

// The window to use: one that has it, or that it lies just behind, or the one unused for the longest.
static struct journal_window *choose(struct journal_reader *r, uint64_t at, size_t size) {
    size_t best = 0;
    for (size_t i = 0, rank = 0; i < JOURNAL_WINDOWS && rank < 2; i++) {
        const struct journal_window *w = &r->windows[i];
        size_t has = is_in(w, at, size) ? 2 : is_along(w, at);
        if (has > rank || (rank == 0 && w->used < r->windows[best].used)) {
            best = i;
            rank = has;
        }
    }
    if (best != r->latest || r->turns == 0)
        r->windows[best].used = ++r->turns;
    r->latest = best;
    return &r->windows[best];
}

// What is at `at`. Who goes along a stretch of the file gets long windows, who jumps short ones.
static const unsigned char *look(struct journal_reader *r, uint64_t at, size_t size) {
    struct journal_window *w = &r->windows[r->latest];
    if (!is_in(w, at, size))
        w = choose(r, at, size);
    if (is_in(w, at, size))
        return w->bytes + (at - w->at);
    size_t want = is_along(w, at) ? WINDOW : WINDOW_FIRST;
    want = want < size ? size : want;
    if (want > w->cap) {
        mem_free(w->bytes);
        w->bytes = mem_alloc(want);
        w->cap = want;
    }
    ssize_t got = journal_read_at(r->journal->options.fs, r->journal->fd, w->bytes, want, at);
    r->reads++;
    w->at = at;
    w->n = got > 0 ? (size_t)got : 0;
    r->os = got < 0 ? (int)-got : r->os;
    return w->n >= size ? w->bytes : NULL;
}

static void forget_windows(struct journal_reader *r) {
    for (int i = 0; i < JOURNAL_WINDOWS; i++)
        r->windows[i].n = 0;
    r->edition = r->journal->edition;
}

// An item's entry as it is in the file; false: damaged since.
static bool read_item(struct journal_reader *reader, uint32_t number, struct journal_entry *entry) {
    const struct journal *j = reader->journal;
    const struct journal_item *item = &j->index.items[number];
    size_t size = (size_t)item->units * JOURNAL_UNIT, hashed = 0;
    if (reader->edition != j->edition)
        forget_windows(reader);
    const unsigned char *p = look(reader, (uint64_t)item->unit * JOURNAL_UNIT, size);
    struct journal_record record;
    uint32_t id;
    if (!p || journal_decode_record(p, size, size, j->salt, &record, &hashed) != size ||
        !journal_decode_entry(&record, entry, &id)) {
        reader->damaged++;
        return false;
    }
    const struct journal_kept_recipe *kept = journal_recipe_of(j, id, entry->fields_n);
    reader->next = number + 1;
    // One that came after its entry was not known when that was indexed, and is not its recipe.
    entry->recipe = kept && journal_job_tag(kept->job_key) == item->job ? &kept->recipe : NULL;
    entry->number = number;
    entry->left = item->left;
    return true;
}

bool journal_find(struct journal_reader *reader, struct str path, struct journal_entry *entry) {
    const struct journal_index *index = &reader->journal->index;
    uint64_t key = journal_path_key(reader->journal->salt, path);
    // Records mostly come in the order they came in before, and so do outputs: no table is asked.
    uint32_t number = reader->next;
    if (number >= index->items_n || index->items[number].path_key != key)
        number = journal_index_find(index, key);
    return number != JOURNAL_NONE && index->items[number].live && read_item(reader, number, entry) &&
           str_equal(entry->path, path);
}

static bool is_raw(struct journal_reader *reader, uint32_t number, struct str job, struct digest raw,
                   struct journal_entry *entry) {
    return read_item(reader, number, entry) && digest_equal(entry->raw, raw) && entry->recipe &&
           str_equal(entry->recipe->job, job);
}

bool journal_find_raw(struct journal_reader *reader, struct str job, struct digest raw,
                      struct journal_entry *entry) {
    const struct journal_index *index = &reader->journal->index;
    uint64_t key = journal_raw_key(reader->journal->salt, journal_job_key(job), raw);
    size_t at = SIZE_MAX;
    uint32_t next = reader->next;
    if (key && next < index->items_n && index->items[next].raw_key == key && index->items[next].live &&
        is_raw(reader, next, job, raw, entry))
        return true;
    for (;;) {
        uint32_t number = key ? journal_index_find_raw(index, key, &at) : JOURNAL_NONE;
        if (number == JOURNAL_NONE)
            return false;
        if (is_raw(reader, number, job, raw, entry))
            return true;
    }
}

void journal_each_between(struct journal_reader *reader, uint32_t from, uint32_t to, journal_entry_fn fn,
                          void *context) {
    const struct journal_index *index = &reader->journal->index;
    struct journal_entry entry;
    for (uint32_t i = from; i < to; i++)
        if (index->items[i].live && read_item(reader, i, &entry) && !fn(context, &entry))
            return;
}

void journal_each(struct journal_reader *reader, journal_entry_fn fn, void *context) {
    journal_each_between(reader, 0, journal_items(reader->journal), fn, context);
}
