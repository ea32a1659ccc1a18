// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_JINJA_H
#define PRESSRUN_STAGES_COMPILE_JINJA_H
/*
 * The front end of Jinja, the language of Jinja2 3.1.
 */
#include "stages/compile/compile.h"

extern const struct language language_jinja;

#endif
