// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_JINJA_H
#define PRESSRUN_STAGES_COMPILE_JINJA_H
/*
 * The front end of Jinja, the language of Jinja2 3.1.
 *
 * Chat templates are written for the environment in which language models' tokenizers run them: trim_blocks and
 * lstrip_blocks are on, {% generation %}...{% endgeneration %} is a scope that prints its body, `do` is no tag.
 */
#include "stages/compile/compile.h"

extern const struct language language_jinja;

#endif
