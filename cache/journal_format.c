// SPDX-License-Identifier: MIT
#include "cache/journal_format.h"

#include <string.h>
#include <xxhash.h>

enum {
    MARK_BYTE = 0xA7,
    ENTRY_FIXED = 88,
    PIECE_FIXED = 12,
    PIECE_LONGEST = JOURNAL_LONGEST - JOURNAL_FRAME - PIECE_FIXED,
    PIECES = (JOURNAL_RECIPE_LONGEST + PIECE_LONGEST - 1) / PIECE_LONGEST,
    MARK_SIZE = 16,
    RUN_SIZE = 16,
};

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

static uint64_t checksum(const unsigned char *p, size_t n, uint64_t salt) {
    return XXH3_64bits_withSeed(p, n, salt);
}

uint64_t journal_path_key(uint64_t salt, struct str path) {
    return XXH3_64bits_withSeed(path.p, path.n, salt);
}

uint64_t journal_raw_key(uint64_t salt, uint64_t job_key, struct digest raw) {
    unsigned char p[16];
    if (raw.low == 0 && raw.high == 0)
        return 0;
    put_digest(p, raw);
    uint64_t key = checksum(p, sizeof p, salt) ^ job_key;
    return key ? key : 1;
}

uint64_t journal_entry_field(const struct journal_entry *entry, uint32_t i) {
    return get((const unsigned char *)entry->fields + (size_t)i * 8, 8);
}

// Frames -------------------------------------------------------------------------------------------------------

uint64_t journal_salt(uint64_t salt, uint64_t drawn) {
    unsigned char p[8];
    put(p, drawn, 8);
    uint64_t next = checksum(p, sizeof p, salt);
    return next == salt ? next + 1 : next;
}

static uint64_t header_checksum(const unsigned char *p) {
    return digest_of((struct str){(const char *)p, JOURNAL_HEADER_COPY - 8}).low;
}

void journal_code_header(struct buf *out, uint64_t salt) {
    unsigned char p[JOURNAL_HEADER_COPY] = {0};
    memcpy(p, magic, sizeof magic);
    put(p + 8, JOURNAL_VERSION, 4);
    put(p + 16, salt, 8);
    put(p + JOURNAL_HEADER_COPY - 8, header_checksum(p), 8);
    for (int copy = 0; copy < 2; copy++)
        buf_add(out, (const char *)p, sizeof p);
}

int journal_decode_header(const unsigned char p[JOURNAL_HEADER], struct journal_header *header) {
    int sound = 0;
    *header = (struct journal_header){0};
    for (int copy = 1; copy >= 0; copy--) { // of two that are sound the first holds
        const unsigned char *from = p + copy * JOURNAL_HEADER_COPY;
        if (memcmp(from, magic, sizeof magic) != 0 ||
            get(from + JOURNAL_HEADER_COPY - 8, 8) != header_checksum(from))
            continue;
        sound++;
        header->version = (uint32_t)get(from + 8, 4);
        header->salt = get(from + 16, 8);
    }
    header->is_damaged = sound < 2 || memcmp(p, p + JOURNAL_HEADER_COPY, JOURNAL_HEADER_COPY) != 0;
    return sound == 0 ? 0 : header->version == JOURNAL_VERSION ? 1 : -1;
}

bool journal_begins_header(const unsigned char *p, size_t n) {
    return memcmp(p, magic, n < sizeof magic ? n : sizeof magic) == 0;
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

static void frame(unsigned char *p, uint64_t salt) {
    put(p, checksum(p + 8, get(p + 10, 2) * JOURNAL_UNIT - 8, salt), 8);
}

size_t journal_decode_record(const unsigned char *p, size_t n, size_t longest, uint64_t salt,
                             struct journal_record *record, size_t *hashed) {
    if (n < JOURNAL_FRAME || p[8] != MARK_BYTE || p[9] == 0 || p[9] >= JOURNAL_KINDS)
        return 0;
    size_t size = get(p + 10, 2) * JOURNAL_UNIT;
    if (size <= JOURNAL_FRAME || size > n || size > longest)
        return 0;
    if (get(p, 8) != checksum(p + 8, size - 8, salt)) {
        *hashed += size;
        return 0;
    }
    record->kind = (enum journal_kind)p[9];
    record->payload = p + JOURNAL_FRAME;
    record->size = size - JOURNAL_FRAME;
    return size;
}

// Entries ------------------------------------------------------------------------------------------------------

bool journal_code_entry(struct buf *out, uint64_t salt, const struct journal_entry *entry, uint32_t recipe,
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
    put(p + 12, entry->why, 4);
    put(p + 16, entry->size, 8);
    put(p + 24, (uint64_t)entry->mtime, 8);
    put(p + 32, entry->inode, 8);
    put_digest(p + 40, entry->raw);
    put_digest(p + 56, entry->record);
    put_digest(p + 72, entry->output);
    if (fields_size)
        memcpy(p + ENTRY_FIXED, fields, fields_size);
    if (entry->path.n)
        memcpy(p + ENTRY_FIXED + fields_size, entry->path.p, entry->path.n);
    frame(record, salt);
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
        .why = (uint32_t)get(p + 12, 4),
        .size = get(p + 16, 8),
        .mtime = (int64_t)get(p + 24, 8),
        .inode = get(p + 32, 8),
        .raw = get_digest(p + 40),
        .record = get_digest(p + 56),
        .output = get_digest(p + 72),
        .fields = p + ENTRY_FIXED,
        .fields_n = (uint32_t)fields_n,
    };
    return true;
}

// Recipes ------------------------------------------------------------------------------------------------------

static void add_number(struct buf *out, uint32_t value) {
    unsigned char p[4];
    put(p, value, 4);
    buf_add(out, (const char *)p, sizeof p);
}

static bool add_text(struct buf *out, struct str text) {
    if (text.n > JOURNAL_RECIPE_LONGEST || out->n + text.n > JOURNAL_RECIPE_LONGEST)
        return false;
    add_number(out, (uint32_t)text.n);
    buf_add_str(out, text);
    return true;
}

bool journal_code_content(struct buf *out, const struct journal_recipe *recipe) {
    add_number(out, recipe->parts_n);
    add_number(out, recipe->fields_n);
    bool fits = add_text(out, recipe->job);
    for (uint32_t i = 0; fits && i < recipe->parts_n; i++) {
        unsigned char digest[16];
        put_digest(digest, recipe->parts[i].digest);
        buf_add(out, (const char *)digest, sizeof digest);
        fits = add_text(out, recipe->parts[i].name) && add_text(out, recipe->parts[i].text);
    }
    for (uint32_t i = 0; fits && i < recipe->fields_n; i++)
        fits = add_text(out, recipe->fields[i]);
    return fits && out->n <= JOURNAL_RECIPE_LONGEST;
}

struct content { // what is left of it
    const unsigned char *p;
    size_t n;
    bool is_short;
};

static const unsigned char *take_bytes(struct content *c, size_t n) {
    c->is_short = c->is_short || n > c->n;
    if (c->is_short)
        return NULL;
    const unsigned char *p = c->p;
    c->p += n;
    c->n -= n;
    return p;
}

static uint32_t take_number(struct content *c) {
    const unsigned char *p = take_bytes(c, 4);
    return p ? (uint32_t)get(p, 4) : 0;
}

static struct str take_text(struct content *c) {
    size_t n = take_number(c);
    const unsigned char *p = take_bytes(c, n);
    return (struct str){(const char *)p, p ? n : 0};
}

// Recipe, parts, fields and the content that their texts lie in.
struct journal_kept_recipe *journal_decode_content(struct str content) {
    struct content c = {.p = (const unsigned char *)content.p, .n = content.n};
    uint32_t parts_n = take_number(&c), fields_n = take_number(&c);
    if (c.is_short || parts_n > c.n / 24 || fields_n > c.n / 4)
        return NULL;
    struct journal_kept_recipe *kept = mem_alloc(sizeof *kept + parts_n * sizeof(struct journal_part) +
                                                 fields_n * sizeof(struct str) + content.n);
    struct journal_part *parts = (struct journal_part *)(kept + 1);
    struct str *fields = (struct str *)(parts + parts_n);
    char *bytes = (char *)(fields + fields_n);
    memcpy(bytes, content.p, content.n);
    c.p = (const unsigned char *)bytes + (content.n - c.n);
    *kept = (struct journal_kept_recipe){
        .recipe = {.parts = parts, .parts_n = parts_n, .fields = fields, .fields_n = fields_n},
        .content = {bytes, content.n},
    };
    kept->recipe.job = take_text(&c);
    kept->job_key = journal_job_key(kept->recipe.job);
    for (uint32_t i = 0; i < parts_n; i++) {
        const unsigned char *digest = take_bytes(&c, 16);
        parts[i].digest = digest ? get_digest(digest) : (struct digest){0};
        parts[i].name = take_text(&c);
        parts[i].text = take_text(&c);
    }
    for (uint32_t i = 0; i < fields_n; i++)
        fields[i] = take_text(&c);
    if (!c.is_short && c.n == 0)
        return kept;
    mem_free(kept);
    return NULL;
}

void journal_code_recipe(struct buf *out, uint64_t salt, uint32_t id, struct str content) {
    size_t pieces = (content.n + PIECE_LONGEST - 1) / PIECE_LONGEST;
    for (size_t i = 0; i < pieces; i++) {
        struct str piece = str_slice(content, i * PIECE_LONGEST, (i + 1) * PIECE_LONGEST);
        unsigned char *record = add_record(out, JOURNAL_RECIPE, PIECE_FIXED + piece.n);
        unsigned char *p = record + JOURNAL_FRAME;
        put(p, id, 4);
        put(p + 4, i, 2);
        put(p + 6, pieces, 2);
        put(p + 8, piece.n, 4);
        memcpy(p + PIECE_FIXED, piece.p, piece.n);
        frame(record, salt);
    }
}

bool journal_decode_piece(const struct journal_record *record, struct journal_piece *piece) {
    const unsigned char *p = record->payload;
    if (record->kind != JOURNAL_RECIPE || record->size < PIECE_FIXED)
        return false;
    *piece = (struct journal_piece){
        .id = (uint32_t)get(p, 4), .number = (uint32_t)get(p + 4, 2), .of = (uint32_t)get(p + 6, 2)};
    piece->bytes = (struct str){(const char *)p + PIECE_FIXED, get(p + 8, 4)};
    return piece->bytes.n <= record->size - PIECE_FIXED && piece->number < piece->of && piece->of <= PIECES;
}

// Marks and runs -----------------------------------------------------------------------------------------------

void journal_code_mark(struct buf *out, uint64_t salt, struct journal_mark_record mark) {
    unsigned char *record = add_record(out, JOURNAL_MARK, MARK_SIZE), *p = record + JOURNAL_FRAME;
    put(p, mark.key, 8);
    put(p + 8, mark.generation, 4);
    put(p + 12, mark.what, 4);
    frame(record, salt);
}

bool journal_decode_mark(const struct journal_record *record, struct journal_mark_record *mark) {
    const unsigned char *p = record->payload;
    if (record->kind != JOURNAL_MARK || record->size < MARK_SIZE)
        return false;
    *mark = (struct journal_mark_record){
        .key = get(p, 8), .generation = (uint32_t)get(p + 8, 4), .what = (uint32_t)get(p + 12, 4)};
    return mark->what >= JOURNAL_LEFT && mark->what <= JOURNAL_REMOVED;
}

void journal_code_run(struct buf *out, uint64_t salt, uint32_t generation, bool complete, int64_t now_ns) {
    unsigned char *record = add_record(out, JOURNAL_RUN, RUN_SIZE), *p = record + JOURNAL_FRAME;
    put(p, generation, 4);
    put(p + 4, complete, 4);
    put(p + 8, (uint64_t)now_ns, 8);
    frame(record, salt);
}

bool journal_decode_run(const struct journal_record *record, uint32_t *generation) {
    if (record->kind != JOURNAL_RUN || record->size < RUN_SIZE)
        return false;
    *generation = (uint32_t)get(record->payload, 4);
    return true;
}
