// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_INPUT_H
#define PRESSRUN_STAGES_LOAD_INPUT_H
/*
 * The bytes of a source: a file or standard input, decompressed on the way where its name ends in ".zst"
 * (several frames in a row are one stream). A byte-order mark at the start is left out.
 *
 * What goes wrong is told by input_read as a status, with the source's name in the sentence: a read error, a
 * damaged or truncated .zst, a regular file that changed while it was read.
 *
 * One thread reads; the counters may be looked at by any.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "stages/load/load.h"

struct input; // owned

enum status input_open(const struct load_options *options, struct input **out, struct err *err);
void input_close(struct input *input);

// Fills up to n bytes; *got is 0 only at the end.
enum status input_read(struct input *input, char *to, size_t n, size_t *got, struct err *err);

size_t input_skipped(const struct input *input);       // bytes left out at the start, once something was read
uint64_t input_bytes_read(const struct input *input);  // as stored
uint64_t input_bytes_total(const struct input *input); // as stored; 0: unknown

#endif
