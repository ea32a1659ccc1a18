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

struct loader {
    struct input *input;
    struct str name;
    size_t batch_bytes, batch_records, record_bytes;
    uint64_t ordinal;   // of the next record
    struct err pending; // the source's error: it waits for the records before it, and then stays
    enum status (*pull)(struct loader *loader, struct batch *batch, struct err *err);
    void (*free)(struct loader *loader); // frees what the format added, and the loader itself
};

// Opens the input and takes over the options. STATUS_OK: the caller owns the input through the loader.
enum status loader_init(struct loader *loader, const struct load_options *options, struct err *err);

// A new item that begins at `offset` of the batch's buffer. `byte` does not count what the input left out.
struct item *loader_add(struct loader *loader, struct batch *batch, size_t offset, uint64_t line,
                        uint64_t byte);
void loader_too_long(const struct loader *loader, struct batch *batch, struct item *item);
void loader_settle(struct batch *batch);
void loader_reserve(struct batch *batch, size_t bytes); // room for so many bytes in all

#endif
