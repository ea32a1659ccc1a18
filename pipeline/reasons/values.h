// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_VALUES_H
#define PRESSRUN_PIPELINE_VALUES_H
/*
 * Short values of fields by their hashes (stages/record/imprint.h), so that the next time one changes it can be told
 * what it was: the journal has hashes only. A small file beneath the output root, `.pressrun/values`, with the values
 * that fields of changed records took last; no more than VALUES_MOST, the oldest go first. Whatever is not in it is
 * "not kept", so losing the file, or not being able to write it, costs nothing else.
 *
 * One thread at a time; finding may go on in many where nothing is added. Texts are to be made harmless before they are
 * printed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/str.h"
#include "stages/emit/emit.h"

#define VALUES_FILE EMIT_BOOKS "/values"
enum { VALUES_TEXT = 64, VALUES_MOST = 4096 };

struct values; // owned

struct values *values_new(void);
void values_free(struct values *values); // NULL is fine
// Takes in what is kept beneath `root`. A file that is not there, or not whole, has nothing.
void values_read(struct values *values, const struct fs *fs, int root);
// False: there was no room any more, or it is too long. One that is there already stays.
bool values_add(struct values *values, uint64_t hash, struct str text);
void values_take(struct values *values,
                 const struct values *newer); // those that are there already, too, count as added now
// Valid as long as the values; {NULL, 0}: not kept.
struct str values_find(const struct values *values, uint64_t hash);
size_t values_count(const struct values *values);
// The newest ones.
bool values_write(const struct values *values, const struct fs *fs, int root);

#endif
