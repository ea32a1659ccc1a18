// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_VERIFY_OUTPUT_H
#define PRESSRUN_PIPELINE_VERIFY_OUTPUT_H
/*
 * One output that is on the disk, against what is kept of it: a file, or a stream item by item.
 *
 * Memory: what a readback takes, and of a .jsonl stream no more than a piece of it twice. One thread at a time.
 */
#include "cache/journal.h"
#include "pipeline/verify/verify.h"
#include "stages/emit/readback.h"

struct verified {
    enum verify_state state;
    struct err why; // where it is unknown, or edited in a way that can be told; else its text is empty
    struct digest digest, expected; // both zero where unknown; digest is zero where missing
    uint64_t items;
};

void verify_file(struct readback *readback, const struct journal_entry *entry, struct verified *out);
void verify_stream(struct readback *readback, const struct fs *fs, int root, struct str job, struct str path,
                   struct verified *out);

#endif
