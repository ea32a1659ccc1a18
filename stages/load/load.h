// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_LOAD_H
#define PRESSRUN_STAGES_LOAD_LOAD_H
/*
 * Load: bytes of a source to records. One file, or one folder, and one row of load_formats per format.
 *
 *     csv/  files/  sqlite/  postgresql/    formats of several files; the others are NAME.c here
 *     schema/                               what a database is made of, as records: names, types, relations
 *     joins/  routes/                       records looked up by key; patterns of paths
 *
 * To add a format: write load/NAME.c with a `const struct load_format load_NAME`, declare it in load.c and add it
 * to the table there and to load/CMakeLists.txt, give it golden cases under tests/. Options that are its own go
 * into struct load_options, and their keys of a manifest's source into `keys`, pipeline/manifest/manifest_schema.c and
 * pipeline/manifest/manifest_sources.c.
 *
 * Threads: pull is called by one thread at a time, while others may read ahead for it; parse by any number, each with its
 * own reader and batch. Where the values belong, in pull or in parse, is the format's choice: what is dear and can be
 * parallel, in parse.
 * Bounded memory: a pull takes whole records up to about `batch_bytes` and `batch_records`; a single record
 * beyond `record_bytes` becomes a failed item without being kept.
 *
 * Answers for odd input (tests/unit/test_load.c): blank lines are skipped and counted as lines; CRLF ends a
 * line as LF does; a byte-order mark at the start is skipped; a last line without its end is a record; NUL or
 * invalid UTF-8 fails the record. A source that breaks off in the middle (a damaged .zst, a read error) is an
 * error of the source, after the records before it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"
#include "stages/record/item.h"
#include "stages/record/reader.h"

// What a column of text is made: COLUMN_TEXT as it stands; of all others an empty field is none, and one that is not
// of the type fails its record.
enum column_type { COLUMN_TEXT, COLUMN_INTEGER, COLUMN_NUMBER, COLUMN_BOOLEAN, COLUMN_JSON };
const char *column_type_name(size_t i); // in the enum's order, "text", "integer", ...; NULL at the end

struct load_column {
    struct str name;
    enum column_type type;
};

// How many columns' names are known beforehand.
enum load_header {
    LOAD_HEADER_AUTO, // the first line has the names, unless `columns` has them
    LOAD_HEADER_YES,  // the first line has names; those in `columns` win
    LOAD_HEADER_NO,   // every line is a record
};

// Who remembers what dear reading gave, by a digest of all that it depends on. Called by whoever opens and pulls; then the
// options' texts live as long as the loader.
struct load_keeper {
    void *self;
    uint64_t slow, slow_byte; // nanoseconds, in all and for each byte, from which on it may be worth it
    size_t most;              // bytes
    // {NULL, 0}: nothing is kept. Else bytes that stay until `drop` gets the handle.
    struct str (*get)(void *self, struct digest key, void **handle);
    void (*drop)(void *self, void *handle);
    // Once per source that could be kept: all of it, and how long reading it took. `bytes` {NULL, 0}: it is not kept; then
    // `took` is 0 where that is because it was quick.
    void (*put)(void *self, struct digest key, struct str bytes, uint64_t took);
    uint64_t (*now)(void *self); // monotonic
    int64_t (*wall)(void *self); // nanoseconds since 1970
};

// What is made of a schema, step by step (schema_records.h), by digests of all that it depends on. As with the keeper:
// called by whoever opens, and what `get` gave stays until `drop` gets the handle.
enum load_kept { LOAD_KEPT_SCHEMA, LOAD_KEPT_TYPES, LOAD_KEPT_RELATIONS };
struct load_shelf {
    void *self;
    struct str (*get)(void *self, enum load_kept kind, struct digest key,
                      void **handle); // {NULL, 0}: nothing
    void (*drop)(void *self, void *handle);
    void (*put)(void *self, enum load_kept kind, struct digest key, struct str bytes);
    int64_t (*wall)(void *self); // nanoseconds since 1970
};

struct schema_settings;
// Of a source of files: only those that some route takes are records, which also have what stands in its pattern's places.
struct routes;
struct load_routes {
    const struct routes *table;
    const bool *wanted; // by route; NULL: all. Files of the others are passed over
};

// What no route takes.
struct load_left_out {
    uint64_t n;
    struct str first; // {NULL, 0}: none
};

struct load_options {
    const struct fs *fs;
    const char *path;      // "-": standard input; of a directory of files: where the pattern starts
    struct str name;       // for messages: the path as the manifest has it
    struct str format;     // a format's name; {NULL, 0}: from the path's extension
    struct shapes *shapes; // shared by all readers of the run; for formats whose pull makes the values
    // json
    struct str pointer; // JSON pointer (RFC 6901) to the array; {NULL, 0}: the document is the array
    // csv, tsv
    const struct str *columns; // names, in the file's order; none: the header has them
    size_t columns_n;
    const struct load_column *types; // of columns by name; the others are text
    size_t types_n;
    char delimiter; // 0: the format's own
    enum load_header header;
    // databases: one of the two
    struct str query, table;
    const struct schema_settings
        *schema;      // of a database: its tables are the records, not their rows; or NULL
    struct str split; // the column that ranges of rows are made by; {NULL, 0}: a table's rowid
    struct value parameters, globals; // mappings that have the values of the query's :names; no mapping: none
    uint32_t connections;             // that may read it at once; 0: as many as the pool has
    struct sqlite_pools *pools;       // shared (sqlite_pool.h); NULL: a connection of its own
    struct pg_pools *servers;         // likewise (pg_pool.h)
    // files
    struct str files;                    // pattern, relative to `path`
    const struct load_routes *routes;    // NULL: all files are records; lives as long as the loader
    const struct projection *projection; // that readers will have, for formats that make values while pulling
    size_t batch_bytes;                  // 0: 256 KiB
    size_t batch_records;                // 0: 4096
    size_t record_bytes;                 // 0: 256 MiB
    bool impatient;                      // a lock that others hold is an error at once; the caller comes back
    const struct load_keeper *keeper;    // may be NULL; lives as long as the loader
    const struct load_shelf *shelf;      // may be NULL
    const atomic_bool *interrupt; // may be NULL; true ends a read that waits for a pipe: STATUS_CANCELLED
};

struct loader; // owned by whoever opened it

struct load_format {
    const char *name;              // as in the manifest's `format:`
    const char *const *extensions; // NULL-terminated, with the dot; ".zst" may always follow
    const char *doc;               // one line, for help and schema
    const char *const *keys; // NULL-terminated: keys of a manifest's sources for this format; NULL: none
    bool like_front_matter;  // its files begin like front matter, so in a page named so that is none
    enum status (*open)(const struct load_options *options, struct loader **out, struct err *err);
};

extern const struct load_format *const load_formats[]; // NULL-terminated

// The format a path's extension asks for (".zst" ignored), or NULL.
const struct load_format *load_format_for(struct str path);
const struct load_format *load_format_named(struct str name);
bool load_format_has_key(const struct load_format *format, struct str key);

// Opens the source with the format asked for, or the path's.
enum status load_open(const struct load_options *options, struct loader **out, struct err *err);

// Batches end from now on when they have so many records or bytes; at least 1. By whoever pulls.
void load_set_batch(struct loader *loader, size_t records, size_t bytes);

// Fills a cleared batch with the next records, unparsed. No items: the end. On an error the items found before
// it are in the batch and the error comes at the next call.
enum status load_pull(struct loader *loader, struct batch *batch, struct err *err);

// Reading ahead, where a source can be read in several places at once: what pull is going to give is made by pieces of
// work, on any threads, each a call of load_ahead. Nobody has to ask for it: pull does what has not been done.
//   load_ready          whether pull finds what it gives, be it the end; else whoever pulls waits for a piece
//   load_ahead_wanted   how many pieces are to be begun; each is then called once. By whoever pulls
//   load_ahead          a piece. True: pull may be ready now. The loader stays until it has returned
bool load_ready(struct loader *loader);
uint32_t load_ahead_wanted(struct loader *loader);
bool load_ahead(struct loader *loader);

// What tells a record apart before it is parsed: its bytes, and what of the source decides what they mean. False: the
// format makes records of something else, or the item has failed.
bool load_tells_raw(const struct loader *loader); // false: never
bool load_raw_digest(const struct loader *loader, const struct item *item, struct digest *raw);

// Makes the values of every item that is wanted; faults go into the items, located in the source. The reader counts the fields of items
// without faults.
void load_parse(const struct loader *loader, struct reader *reader, struct batch *batch);

// Makes the value of a parsed item once more, with all its fields, in another batch; it borrows from the item's too.
// False: the format does not make it again, and the item has all there is.
bool load_parse_full(const struct loader *loader, struct shapes *shapes, const struct item *item,
                     struct batch *into, struct value *out);

const char *load_remark(const struct loader *loader);   // what was asked for and could not be; NULL: nothing
uint64_t load_bytes_read(const struct loader *loader);  // so far, as stored (compressed); any thread
uint64_t load_bytes_total(const struct loader *loader); // 0: unknown (a pipe)
// So far, by whoever pulls; borrowed from the loader.
struct load_left_out load_left_out(const struct loader *loader);
void load_close(struct loader *loader);

#endif
