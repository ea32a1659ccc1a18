// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_FILES_OUTLINE_H
#define PRESSRUN_STAGES_LOAD_FILES_OUTLINE_H
/*
 * The outline of a JSON document that passes by: where values begin and end, as far as strings and brackets
 * tell. It knows no numbers, no literals and no escapes, and holds one block of the document, never all of it;
 * what a value's bytes mean is the reader's business.
 *
 * It counts as it goes: byte, line and column of the next byte.
 *
 * Errors: the functions that look ahead return -1 at the end of the document and where it could not be read
 * (`status` tells which); the others return a status and fill the err given to outline_begin.
 */
#include "stages/load/loader.h"

enum { OUTLINE_NESTING = 512 }; // deeper brackets are counted but not matched; the reader refuses them anyway

struct outline {
    struct input *input;
    struct str name;
    struct err *err; // of the call being served
    char *block;     // owned
    size_t at, n;    // unread part of the block
    bool ended;
    uint64_t byte, line, column; // of the next byte; byte from 0, the others from 1
};

void outline_init(struct outline *o);
void outline_release(struct outline *o);
void outline_begin(struct outline *o, const struct loader *loader, struct err *err); // at each pull

int outline_peek(struct outline *o);       // the next byte without taking it
int outline_take(struct outline *o);       // the next byte
int outline_peek_token(struct outline *o); // the next byte that is not white space; passes what is

// "NAME:LINE:COLUMN: expected X, found Y"; or the error that kept the document from being read.
enum status outline_broken(struct outline *o, const char *expected);

// Where a value's bytes go: to the end of a batch's bytes, up to a limit, or nowhere.
struct outline_copy {
    struct batch *batch; // NULL: nowhere
    size_t from, limit;  // the value's first byte in the batch; how many it may have
    bool too_long;       // nothing of it was kept
};

// Takes a value of any kind, and what follows it up to the ',' or closing bracket that ends it, which stays.
enum status outline_take_value(struct outline *o, struct outline_copy *copy);

#endif
