// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_MUSTACHE_H
#define PRESSRUN_STAGES_COMPILE_MUSTACHE_H
/*
 * Mustache, by its specification: interpolation, sections, inverted sections, partials, comments, delimiters,
 * inheritance and dynamic names. Lambdas have no counterpart: records are data.
 */
#include "stages/compile/compile.h"

extern const struct language language_mustache;
// The same in another form: what stands on lines of its own can be indented. For partials; no name has it.
extern const struct language language_mustache_indented;

#endif
