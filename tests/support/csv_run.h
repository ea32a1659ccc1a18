// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_CSV_RUN_H
#define PRESSRUN_TESTS_SUPPORT_CSV_RUN_H
/*
 * Loading a CSV text from memory, and a log of what came of it: a line per record, "line @byte name=value|name=value" or
 * its error, "line @byte !line:column @byte message"; at the end the source's error where there is one.
 */
#include "base/buf.h"
#include "stages/load/load.h"
#include "tests/support/memory_source.h"

struct csv_run {
    struct memory_source source;
    struct load_options options;
    struct fs fs;
    struct str columns[8];
    struct load_column types[8];
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
    const struct shape *shape; // of the last record, which is gone
    uint32_t fields;           // that it had
    bool values_only;          // no places in the log
    struct buf log;
    struct err err;
};

// A test's state: *state is the run.
int run_setup(void **state);
int run_teardown(void **state);

void run_type(struct csv_run *r, struct str name, enum column_type of);
void run_column(struct csv_run *r, struct str name);
// The log, valid until the next one.
const char *run_load(struct csv_run *r, struct str bytes);
// The same log whatever the sizes of batches and reads.
void run_expect(struct csv_run *r, struct str bytes, const char *want);
// Text as it is, all else in brackets.
void run_log_value(struct buf *out, struct value v);

#endif
