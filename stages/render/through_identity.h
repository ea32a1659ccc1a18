// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_THROUGH_IDENTITY_H
#define PRESSRUN_STAGES_RENDER_THROUGH_IDENTITY_H
/*
 * What decides about a filter's outputs, as far as it can be known without running it, as a digest: the arguments; the
 * program that they name; the contents of the files that it is said to read besides (their names are arguments, or of no
 * interest). Equal identity and equal text: the same output is to be expected, and one that was kept may be used.
 *
 * The program is known by its path with all links resolved, and by its size, inode and time of modification: a new
 * version of it is another one. A script (it begins with #!) below THROUGH_SCRIPT_BYTES is known by path and contents instead,
 * so it may be copied and checked out as often as anybody likes.
 *
 * Left out: the environment, the interpreter of a script, libraries, what the filter reads without its being listed.
 * Nothing is kept. Any thread.
 */
#include "base/digest.h"
#include "base/fs.h"
#include "stages/render/through.h"

enum { THROUGH_SCRIPT_BYTES = 1 << 20 };

// Reads each input to its end. Not STATUS_OK: some file cannot be read, which `err` tells.
enum status through_identity(const struct fs *fs, const struct through_command *command,
                             const struct str *inputs, size_t inputs_n, struct digest *identity,
                             struct err *err);

// What an output is kept under: its filter's identity, and the text that went in.
struct digest through_key(struct digest identity, struct str text);

#endif
