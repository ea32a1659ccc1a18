// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_ENVIRONMENT_H
#define PRESSRUN_PIPELINE_ENVIRONMENT_H
/*
 * The environment variables that templates may read: those that are asked for by name, as they are when this is
 * called and never again. One that is not set, or not UTF-8, is left out, and with it stays as a template has it.
 */
#include "base/arena.h"
#include "stages/compile/compile.h"

// Fills in options->environment, in `arena`.
void environment_read(struct arena *arena, const struct str *names, size_t n,
                      struct compile_options *options);

#endif
