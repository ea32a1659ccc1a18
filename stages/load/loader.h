// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_LOADER_H
#define PRESSRUN_STAGES_LOAD_LOADER_H
/*
 * What every format's loader begins with, so that load.c can treat them alike. For the files of load/ only.
 *
 * While a batch is being filled its buffer may move, so an item holds an offset (in error_byte, which has no
 * other use yet) until loader_settle makes raw.p of it.
 */
#include "stages/load/input.h"

enum { LOADER_TEXT_SIZE = 96 };

struct loader {
    struct input *input; // NULL: the format reads by other means, and keeps count in read and total
    atomic_uint_fast64_t read, total;
    struct str name;
    size_t batch_bytes, batch_records, record_bytes;
    uint64_t ordinal; // of the next record
    struct load_left_out left_out;
    struct err pending; // the source's error: it waits for the records before it, and then stays
    enum status (*pull)(struct loader *loader, struct batch *batch, struct err *err);
    const char *remark; // what was asked for and could not be; NULL: nothing
    bool parses_again;  // parse needs nothing but the item's bytes
    bool raw_tells;     // and so equal bytes are equal records, as long as `context` is the same
    struct digest context;
    // Makes the value of one item, or calls loader_fail. NULL: the record is a JSON object.
    void (*parse)(const struct loader *loader, struct reader *reader, struct batch *batch, struct item *item);
    // Reading ahead; NULL: the format does not (load_ready and so on say what these do).
    bool (*ready)(struct loader *loader);
    uint32_t (*ahead_wanted)(struct loader *loader);
    bool (*ahead)(struct loader *loader);
    void (*free)(struct loader *loader); // frees what the format added, and the loader itself
};

// Takes over the options that all formats share.
void loader_take_options(struct loader *loader, const struct load_options *options);
// The same, and opens the input. STATUS_OK: the caller owns the input through the loader.
enum status loader_init(struct loader *loader, const struct load_options *options, struct err *err);

// A new item that begins at `offset` of the batch's buffer. `byte` does not count what the input left out.
struct item *loader_add(struct loader *loader, struct batch *batch, size_t offset, uint64_t line,
                        uint64_t byte);
// Fails an item: `at` is the fault's offset in item->raw, from which line, column and byte are reckoned.
void loader_fail(const struct loader *loader, struct batch *batch, struct item *item, size_t at,
                 const char *text);
void loader_too_long(const struct loader *loader, struct batch *batch, struct item *item);
// The sentence of it, for formats whose records stand in no line of the source.
const char *loader_too_long_text(const struct loader *loader, char text[LOADER_TEXT_SIZE]);
// Bounds what one record's values may take of the batch's arena from here on; arena_limit with 0 ends that.
void loader_bound_values(const struct loader *loader, struct batch *batch);
void loader_settle(struct batch *batch);
void loader_reserve(struct batch *batch, size_t bytes); // room for so many bytes in all

#endif
