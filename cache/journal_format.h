// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_JOURNAL_FORMAT_H
#define PRESSRUN_CACHE_JOURNAL_FORMAT_H
/*
 * The journal's bytes. Numbers are little-endian whatever the machine. Changes to any of this raise JOURNAL_VERSION.
 *
 *   file     header, then records; everything begins at a multiple of 4
 *   header   twice 32 bytes: "pressjnl", version u32, zero u32, salt u64, checksum u64 of the first 24
 *   record   checksum u64, mark u8 (0xA7), kind u8, units u16, payload, zeros up to a multiple of 4.
 *            `units` is the whole record's length in 4 bytes, so at most 262,140 bytes. The checksum is XXH3-64, seeded
 *            with the salt, over all that follows it. Mark, kind and length turn most false starts away without hashing.
 *   ENTRY    recipe u32, generation u32, path length u16, fields u16, why u32, size u64, mtime i64 (ns), inode u64,
 *            raw, record, output: 16 each (low half first), fields u64 each, path
 *   RECIPE   id u32, piece u16, pieces u16, length u32, so many bytes of the content. Pieces stand in their order.
 *   content  parts u32, fields u32, job, then each part: digest 16, name, text; then the names of the fields. A text is
 *            a length u32 and its bytes
 *   MARK     path key u64, generation u32, what u32 (LEFT, BACK, REMOVED): about an output without a new entry
 *   RUN      generation u32, complete u32, time i64 (ns): a run that came to its end
 *
 * An entry is 100 bytes, 8 a field, the path, and 0 to 3 of padding. Of two records about one output the later one holds.
 * The header's checksum is the low half of XXH3-128, without the salt that nobody knows yet.
 */
#include "cache/journal.h"
#include "cache/journal_recipes.h"

enum { JOURNAL_VERSION = 1 };
enum {
    JOURNAL_HEADER_COPY = 32,
    JOURNAL_HEADER = 2 * JOURNAL_HEADER_COPY,
    JOURNAL_FRAME = 12, // before the payload
    JOURNAL_UNIT = 4,
    JOURNAL_LONGEST = 0xFFFF * JOURNAL_UNIT,
};
#define JOURNAL_FILE_LONGEST (UINT64_C(1) << 40) // the index has 38 bits for a place
enum journal_kind { JOURNAL_ENTRY = 1, JOURNAL_RECIPE, JOURNAL_MARK, JOURNAL_RUN, JOURNAL_KINDS };
enum journal_mark { JOURNAL_LEFT = 1, JOURNAL_BACK, JOURNAL_REMOVED };

// 64 bits of what is looked up. Paths and records may be made by strangers, so these depend on the file's salt.
uint64_t journal_path_key(uint64_t salt, struct str path);
static inline uint64_t journal_job_key(struct str job) {
    return digest_of(job).low;
}
uint64_t journal_raw_key(uint64_t salt, uint64_t job_key, struct digest raw); // 0: there is none

struct journal_record {
    enum journal_kind kind;
    const unsigned char *payload;
    size_t size; // of the payload with its padding
};

struct journal_mark_record {
    uint64_t key;
    uint32_t generation, what;
};

struct journal_piece { // of a recipe
    uint32_t id, number, of;
    struct str bytes;
};

struct journal_header {
    uint64_t salt;
    uint32_t version;
    bool is_damaged; // one of its copies is
};

// Of the salt a file has and the one drawn now; never the first.
uint64_t journal_salt(uint64_t salt, uint64_t drawn);
void journal_code_header(struct buf *out, uint64_t salt);
// 1: sound; 0: damaged or something else; -1: another version.
int journal_decode_header(const unsigned char p[JOURNAL_HEADER], struct journal_header *header);
bool journal_begins_header(const unsigned char *p, size_t n); // less than one, but nothing else

// The length of the sound record that begins at p; 0: there is none. Hashes no more than `longest` bytes; *hashed gets
// what was looked at in vain.
size_t journal_decode_record(const unsigned char *p, size_t n, size_t longest, uint64_t salt,
                             struct journal_record *record, size_t *hashed);

bool journal_code_entry(struct buf *out, uint64_t salt, const struct journal_entry *entry, uint32_t recipe,
                        uint32_t generation,
                        const void *fields); // false: too long; fields are little-endian
bool journal_decode_entry(const struct journal_record *record, struct journal_entry *entry, uint32_t *recipe);
bool journal_code_content(struct buf *out, const struct journal_recipe *recipe); // false: too large
struct journal_kept_recipe *journal_decode_content(struct str content); // owned, one block; NULL: malformed
void journal_code_recipe(struct buf *out, uint64_t salt, uint32_t id, struct str content); // in its pieces
bool journal_decode_piece(const struct journal_record *record, struct journal_piece *piece);
void journal_code_mark(struct buf *out, uint64_t salt, struct journal_mark_record mark);
bool journal_decode_mark(const struct journal_record *record, struct journal_mark_record *mark);
void journal_code_run(struct buf *out, uint64_t salt, uint32_t generation, bool complete, int64_t now_ns);
bool journal_decode_run(const struct journal_record *record, uint32_t *generation);

uint64_t journal_get(const unsigned char *p, size_t bytes);
void journal_put(unsigned char *p, uint64_t value, size_t bytes);

#endif
