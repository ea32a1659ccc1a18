// SPDX-License-Identifier: MIT
// Taking in the journal's file: records go to the index and the recipes; damage is stepped over.
#include <errno.h>
#include <string.h>

#include "cache/journal_private.h"

enum {
    BLOCK = 1 << 20,
    RESYNC_HASHED = 256 << 20, // beyond so much hashing in vain only short records are looked for in damage
    RESYNC_SHORT = 4096,
    PENDING = 16,
};

ssize_t journal_read_at(const struct fs *fs, int fd, void *p, size_t n, uint64_t at) {
    size_t done = 0;
    while (done < n) {
        ssize_t got = fs->read_at(fs->self, fd, (char *)p + done, n - done, (off_t)(at + done));
        if (got == -EINTR)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

const struct journal_kept_recipe *journal_recipe_of(const struct journal *journal, uint32_t id,
                                                    uint32_t fields_n) {
    const struct journal_kept_recipe *kept = journal_recipes_find(&journal->recipes, id);
    return kept && kept->recipe.fields_n == fields_n ? kept : NULL;
}

uint8_t journal_job_tag(uint64_t job_key) {
    return (uint8_t)(job_key >> 56);
}

// Records ------------------------------------------------------------------------------------------------------

static void note_generation(struct journal *journal, uint32_t generation) {
    if (generation > journal->last_generation)
        journal->last_generation = generation;
}

static void take_seen(struct journal *journal, uint32_t number) {
    size_t word = number / 64;
    if (word >= journal->seen_words) {
        size_t words = word + word / 2 + 16;
        journal->seen = mem_realloc(journal->seen, words * sizeof *journal->seen);
        memset((void *)(journal->seen + journal->seen_words), 0,
               (words - journal->seen_words) * sizeof *journal->seen);
        journal->seen_words = words;
    }
    journal_see(journal, number);
}

struct gathering { // a recipe whose pieces come in
    struct buf content;
    uint32_t id, next, of; // of 0: none
    size_t bytes;          // in the file
};

struct scan {
    struct journal *journal;
    unsigned char *block;
    size_t at, n;  // in the block: what is to be looked at, its end
    uint64_t base; // where the block is in the file
    bool is_end;   // no more behind the block
    bool is_damaged;
    uint64_t damage; // where it began
    size_t hashed;
    // Entries wait here until the slots they will touch have come from memory.
    struct journal_place pending[PENDING];
    size_t pending_n;
    struct gathering recipe;
};

static void take_pending(struct scan *s) {
    struct journal *journal = s->journal;
    for (size_t i = 0; i < s->pending_n; i++) {
        uint32_t number = journal_index_put(&journal->index, &s->pending[i]);
        if (journal->runs)
            take_seen(journal, number);
    }
    s->pending_n = 0;
}

static void take_entry(struct scan *s, const struct journal_record *record, uint64_t at) {
    struct journal *journal = s->journal;
    struct journal_entry entry;
    uint32_t id;
    if (!journal_decode_entry(record, &entry, &id) || journal->index.items_n >= JOURNAL_NONE - 1 - PENDING ||
        at >= JOURNAL_FILE_LONGEST)
        return;
    const struct journal_kept_recipe *kept = journal_recipe_of(journal, id, entry.fields_n);
    journal_recipes_note(&journal->recipes, id);
    note_generation(journal, entry.generation);
    struct journal_place place = {.path_key = journal_path_key(journal->salt, entry.path),
                                  .at = at,
                                  .size = record->size + JOURNAL_FRAME};
    if (kept) {
        place.raw_key = journal_raw_key(journal->salt, kept->job_key, entry.raw);
        place.job = journal_job_tag(kept->job_key);
    }
    journal_index_prefetch(&journal->index, place.path_key, place.raw_key);
    s->pending[s->pending_n++] = place;
    if (s->pending_n == PENDING)
        take_pending(s);
}

static void take_piece(struct scan *s, const struct journal_record *record) {
    struct gathering *g = &s->recipe;
    struct journal_piece piece;
    if (!journal_decode_piece(record, &piece))
        return;
    journal_recipes_note(&s->journal->recipes, piece.id);
    if (piece.number == 0) {
        buf_clear(&g->content);
        g->id = piece.id;
        g->next = 0;
        g->of = piece.of;
        g->bytes = 0;
    } else if (piece.id != g->id || piece.number != g->next || piece.of != g->of) {
        g->of = 0; // another's, or some are missing
        return;
    }
    buf_add_str(&g->content, piece.bytes);
    g->next++;
    g->bytes += record->size + JOURNAL_FRAME;
    if (g->next < g->of)
        return;
    journal_recipes_take(&s->journal->recipes, g->id, buf_str(&g->content), g->bytes);
    g->of = 0;
}

static void take_mark(struct journal *journal, const struct journal_record *record) {
    struct journal_mark_record mark;
    if (!journal_decode_mark(record, &mark))
        return;
    note_generation(journal, mark.generation);
    uint32_t number = journal_index_find(&journal->index, mark.key);
    if (number == JOURNAL_NONE)
        return;
    if (mark.what == JOURNAL_REMOVED)
        journal_index_remove(&journal->index, number);
    else
        journal_index_leave(&journal->index, number, mark.what == JOURNAL_LEFT);
}

static void take(struct scan *s, const struct journal_record *record, uint64_t at) {
    uint32_t generation;
    if (record->kind == JOURNAL_ENTRY) {
        take_entry(s, record, at);
        return;
    }
    take_pending(s);
    if (record->kind == JOURNAL_RECIPE)
        take_piece(s, record);
    else if (record->kind == JOURNAL_MARK)
        take_mark(s->journal, record);
    else if (journal_decode_run(record, &generation))
        note_generation(s->journal, generation);
}

// The file -----------------------------------------------------------------------------------------------------

// Room in the block for a whole record behind `at`, if the file has as much.
static int fill(struct scan *s) {
    if (s->is_end || s->n - s->at >= JOURNAL_LONGEST)
        return 0;
    memmove(s->block, s->block + s->at, s->n - s->at);
    s->base += s->at;
    s->n -= s->at;
    s->at = 0;
    ssize_t got = journal_read_at(s->journal->options.fs, s->journal->fd, s->block + s->n, BLOCK - s->n,
                                  s->base + s->n);
    if (got < 0)
        return (int)got;
    s->n += (size_t)got;
    s->is_end = s->n < BLOCK;
    return 0;
}

// One record, or four bytes of damage.
static void step(struct scan *s) {
    struct journal_record record;
    size_t longest = s->is_damaged && s->hashed > RESYNC_HASHED ? RESYNC_SHORT : JOURNAL_LONGEST;
    size_t size =
        journal_decode_record(s->block + s->at, s->n - s->at, longest, s->journal->salt, &record, &s->hashed);
    uint64_t at = s->base + s->at;
    if (size == 0) {
        s->damage = s->is_damaged ? s->damage : at;
        s->is_damaged = true;
        s->at += s->n - s->at < JOURNAL_UNIT ? s->n - s->at : JOURNAL_UNIT;
        return;
    }
    if (s->is_damaged) {
        s->is_damaged = false;
        s->journal->found.damaged++;
        s->journal->found.damaged_bytes += at - s->damage;
    }
    take(s, &record, at);
    s->at += size;
}

enum status journal_scan(struct journal *journal, uint64_t from, struct err *err) {
    struct scan s = {.journal = journal, .base = from};
    int result = 0;
    s.block = mem_alloc(BLOCK);
    while ((result = fill(&s)) == 0 && s.at < s.n)
        step(&s);
    take_pending(&s);
    mem_free(s.block);
    buf_release(&s.recipe.content);
    if (result < 0)
        return err_os(err, -result, "cannot read %s", JOURNAL_FILE);
    journal->end = s.is_damaged ? s.damage : s.base + s.at;
    journal->scanned = journal->end;
    journal->found.torn_bytes = s.base + s.at - journal->end;
    return STATUS_OK;
}

void journal_begin(struct journal *journal) {
    journal->generation = journal->last_generation == UINT32_MAX ? UINT32_MAX : journal->last_generation + 1;
    mem_free((void *)journal->seen);
    journal->seen_words = journal->index.items_n / 64 + 1;
    journal->seen = MEM_NEW_ARRAY(_Atomic uint64_t, journal->seen_words);
}

void journal_forget(struct journal *journal, size_t outputs) {
    journal_recipes_release(&journal->recipes);
    journal_recipes_init(&journal->recipes);
    mem_free((void *)journal->seen);
    journal_index_release(&journal->index);
    journal->last_generation = 0;
    journal->seen = NULL;
    journal->seen_words = 0;
    journal->runs = false;
    journal_index_init(&journal->index, outputs);
}
