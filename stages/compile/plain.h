// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_PLAIN_H
#define PRESSRUN_STAGES_COMPILE_PLAIN_H
/*
 * The plainest language: a text is its own output, whatever its bytes. The prompt language's includes bring in such.
 */
#include "stages/compile/compile.h"

extern const struct language language_text;

#endif
