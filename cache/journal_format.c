// SPDX-License-Identifier: MIT
#include "cache/journal_format.h"

#include <string.h>

enum { MARK_BYTE = 0xA7, ENTRY_FIXED = 100, RECIPE_FIXED = 72, MARK_SIZE = 16, RUN_SIZE = 16 };

static const char magic[8] = {'p', 'r', 'e', 's', 's', 'j', 'n', 'l'};

// Numbers ------------------------------------------------------------------------------------------------------

static inline uint64_t get(const unsigned char *p, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static inline void put(unsigned char *p, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        p[i] = (unsigned char)(value >> (8 * i));
}

uint64_t journal_get(const unsigned char *p, size_t bytes) {
    return get(p, bytes);
}

void journal_put(unsigned char *p, uint64_t value, size_t bytes) {
    put(p, value, bytes);
}

static struct digest get_digest(const unsigned char *p) {
    return (struct digest){.low = get(p, 8), .high = get(p + 8, 8)};
}

static void put_digest(unsigned char *p, struct digest d) {
    put(p, d.low, 8);
    put(p + 8, d.high, 8);
}

static uint64_t checksum(const unsigned char *p, size_t n) {
    return digest_of((struct str){(const char *)p, n}).low;
}

uint64_t journal_raw_key(struct str job, struct digest raw) {
    if (raw.low == 0 && raw.high == 0)
        return 0;
    uint64_t key = raw.low ^ digest_of(job).low;
    return key ? key : 1;
}

uint64_t journal_entry_field(const struct journal_entry *entry, uint32_t i) {
    return get((const unsigned char *)entry->fields + (size_t)i * 8, 8);
}

// Frames -------------------------------------------------------------------------------------------------------

void journal_code_header(struct buf *out) {
    unsigned char p[JOURNAL_HEADER] = {0};
    memcpy(p, magic, sizeof magic);
    put(p + 8, JOURNAL_VERSION, 4);
    put(p + 24, checksum(p, 24), 8);
    buf_add(out, (const char *)p, sizeof p);
}

int journal_decode_header(const unsigned char *p, size_t n, uint32_t *version) {
    *version = 0;
    if (n < JOURNAL_HEADER || memcmp(p, magic, sizeof magic) != 0 || get(p + 24, 8) != checksum(p, 24))
        return 0;
    *version = (uint32_t)get(p + 8, 4);
    return *version == JOURNAL_VERSION ? 1 : -1;
}

// Room for a record, zeroed; its payload is to be filled in, and then framed. NULL: too long.
static unsigned char *add_record(struct buf *out, enum journal_kind kind, size_t payload) {
    size_t size = (JOURNAL_FRAME + payload + JOURNAL_UNIT - 1) / JOURNAL_UNIT * JOURNAL_UNIT;
    if (payload > JOURNAL_LONGEST || size > JOURNAL_LONGEST)
        return NULL;
    buf_reserve(out, size);
    unsigned char *p = (unsigned char *)out->p + out->n;
    memset(p + size - JOURNAL_UNIT, 0, JOURNAL_UNIT);
    p[8] = MARK_BYTE;
    p[9] = (unsigned char)kind;
    put(p + 10, size / JOURNAL_UNIT, 2);
    out->n += size;
    return p;
}

static void frame(unsigned char *p) {
    put(p, checksum(p + 8, get(p + 10, 2) * JOURNAL_UNIT - 8), 8);
}

size_t journal_decode_record(const unsigned char *p, size_t n, size_t longest, struct journal_record *record,
                             size_t *hashed) {
    if (n < JOURNAL_FRAME || p[8] != MARK_BYTE || p[9] == 0 || p[9] >= JOURNAL_KINDS)
        return 0;
    size_t size = get(p + 10, 2) * JOURNAL_UNIT;
    if (size <= JOURNAL_FRAME || size > n || size > longest)
        return 0;
    if (get(p, 8) != checksum(p + 8, size - 8)) {
        *hashed += size;
        return 0;
    }
    record->kind = (enum journal_kind)p[9];
    record->payload = p + JOURNAL_FRAME;
    record->size = size - JOURNAL_FRAME;
    return size;
}

// Entries ------------------------------------------------------------------------------------------------------

bool journal_code_entry(struct buf *out, const struct journal_entry *entry, uint32_t recipe,
                        uint32_t generation, const void *fields) {
    if (entry->path.n > UINT16_MAX || entry->fields_n > UINT16_MAX)
        return false;
    size_t fields_size = (size_t)entry->fields_n * 8;
    unsigned char *record = add_record(out, JOURNAL_ENTRY, ENTRY_FIXED + fields_size + entry->path.n);
    if (!record)
        return false;
    unsigned char *p = record + JOURNAL_FRAME;
    put(p, recipe, 4);
    put(p + 4, generation, 4);
    put(p + 8, entry->path.n, 2);
    put(p + 10, entry->fields_n, 2);
    put(p + 12, entry->size, 8);
    put(p + 20, (uint64_t)entry->mtime, 8);
    put(p + 28, entry->inode, 8);
    put_digest(p + 36, entry->fingerprint);
    put_digest(p + 52, entry->raw);
    put_digest(p + 68, entry->record);
    put_digest(p + 84, entry->output);
    if (fields_size)
        memcpy(p + ENTRY_FIXED, fields, fields_size);
    if (entry->path.n)
        memcpy(p + ENTRY_FIXED + fields_size, entry->path.p, entry->path.n);
    frame(record);
    return true;
}

bool journal_decode_entry(const struct journal_record *record, struct journal_entry *entry,
                          uint32_t *recipe) {
    const unsigned char *p = record->payload;
    if (record->kind != JOURNAL_ENTRY || record->size < ENTRY_FIXED)
        return false;
    size_t path_n = get(p + 8, 2), fields_n = get(p + 10, 2);
    if (ENTRY_FIXED + path_n + fields_n * 8 > record->size)
        return false;
    *recipe = (uint32_t)get(p, 4);
    *entry = (struct journal_entry){
        .path = {(const char *)p + ENTRY_FIXED + fields_n * 8, path_n},
        .generation = (uint32_t)get(p + 4, 4),
        .size = get(p + 12, 8),
        .mtime = (int64_t)get(p + 20, 8),
        .inode = get(p + 28, 8),
        .fingerprint = get_digest(p + 36),
        .raw = get_digest(p + 52),
        .record = get_digest(p + 68),
        .output = get_digest(p + 84),
        .fields = p + ENTRY_FIXED,
        .fields_n = (uint32_t)fields_n,
    };
    return true;
}

// Recipes ------------------------------------------------------------------------------------------------------

bool journal_code_recipe(struct buf *out, const struct journal_recipe *recipe) {
    size_t size = RECIPE_FIXED + 4 + recipe->job.n;
    for (uint32_t i = 0; i < recipe->fields_n && size <= JOURNAL_LONGEST; i++)
        size += 4 + recipe->fields[i].n;
    unsigned char *record = size <= JOURNAL_LONGEST ? add_record(out, JOURNAL_RECIPE, size) : NULL;
    if (!record)
        return false;
    unsigned char *p = record + JOURNAL_FRAME;
    put(p, recipe->id, 4);
    put(p + 4, recipe->fields_n, 4);
    put_digest(p + 8, recipe->program);
    put_digest(p + 24, recipe->globals);
    put_digest(p + 40, recipe->options);
    put_digest(p + 56, recipe->through);
    p += RECIPE_FIXED;
    for (uint32_t i = 0; i <= recipe->fields_n; i++) {
        struct str text = i == 0 ? recipe->job : recipe->fields[i - 1];
        put(p, text.n, 4);
        if (text.n)
            memcpy(p + 4, text.p, text.n);
        p += 4 + text.n;
    }
    frame(record);
    return true;
}

// Recipe, names and texts in one block, texts last.
struct journal_recipe *journal_recipe_copy(const struct journal_recipe *recipe) {
    size_t texts = recipe->job.n;
    for (uint32_t i = 0; i < recipe->fields_n; i++)
        texts += recipe->fields[i].n;
    struct journal_recipe *copy = mem_alloc(sizeof *copy + recipe->fields_n * sizeof(struct str) + texts + 1);
    struct str *names = (struct str *)(copy + 1);
    char *text = (char *)(names + recipe->fields_n);
    *copy = *recipe;
    copy->fields = names;
    for (uint32_t i = 0; i <= recipe->fields_n; i++) {
        struct str from = i == 0 ? recipe->job : recipe->fields[i - 1];
        if (from.n)
            memcpy(text, from.p, from.n);
        *(i == 0 ? &copy->job : &names[i - 1]) = (struct str){text, from.n};
        text += from.n;
    }
    return copy;
}

struct journal_recipe *journal_decode_recipe(const struct journal_record *record) {
    const unsigned char *p = record->payload, *end = p + record->size;
    if (record->kind != JOURNAL_RECIPE || record->size < RECIPE_FIXED)
        return NULL;
    struct journal_recipe recipe = {
        .id = (uint32_t)get(p, 4),
        .fields_n = (uint32_t)get(p + 4, 4),
        .program = get_digest(p + 8),
        .globals = get_digest(p + 24),
        .options = get_digest(p + 40),
        .through = get_digest(p + 56),
    };
    if (recipe.fields_n > record->size / 4)
        return NULL;
    struct str *names = MEM_NEW_ARRAY(struct str, recipe.fields_n + 1);
    bool whole = true;
    p += RECIPE_FIXED;
    for (uint32_t i = 0; i <= recipe.fields_n && whole; i++) {
        size_t n = end - p >= 4 ? get(p, 4) : 0;
        whole = end - p >= 4 && n <= (size_t)(end - p) - 4;
        if (!whole)
            break;
        *(i == 0 ? &recipe.job : &names[i - 1]) = (struct str){(const char *)p + 4, n};
        p += 4 + n;
    }
    recipe.fields = names;
    struct journal_recipe *copy = whole ? journal_recipe_copy(&recipe) : NULL;
    mem_free(names);
    return copy;
}

// Marks and runs -----------------------------------------------------------------------------------------------

void journal_code_mark(struct buf *out, struct journal_mark_record mark) {
    unsigned char *record = add_record(out, JOURNAL_MARK, MARK_SIZE), *p = record + JOURNAL_FRAME;
    put(p, mark.key, 8);
    put(p + 8, mark.generation, 4);
    put(p + 12, mark.what, 4);
    frame(record);
}

bool journal_decode_mark(const struct journal_record *record, struct journal_mark_record *mark) {
    const unsigned char *p = record->payload;
    if (record->kind != JOURNAL_MARK || record->size < MARK_SIZE)
        return false;
    *mark = (struct journal_mark_record){
        .key = get(p, 8), .generation = (uint32_t)get(p + 8, 4), .what = (uint32_t)get(p + 12, 4)};
    return mark->what >= JOURNAL_LEFT && mark->what <= JOURNAL_REMOVED;
}

void journal_code_run(struct buf *out, uint32_t generation, bool complete, int64_t now_ns) {
    unsigned char *record = add_record(out, JOURNAL_RUN, RUN_SIZE), *p = record + JOURNAL_FRAME;
    put(p, generation, 4);
    put(p + 4, complete, 4);
    put(p + 8, (uint64_t)now_ns, 8);
    frame(record);
}

bool journal_decode_run(const struct journal_record *record, uint32_t *generation) {
    if (record->kind != JOURNAL_RUN || record->size < RUN_SIZE)
        return false;
    *generation = (uint32_t)get(record->payload, 4);
    return true;
}
