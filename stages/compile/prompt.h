// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_PROMPT_H
#define PRESSRUN_STAGES_COMPILE_PROMPT_H
/*
 * The front end of the prompt format, as the Ruby library PromptManager treats it: text replacement, one step
 * after the other. Comments go first (prompt_text.h). Then each keyword's value takes the place of the keyword
 * wherever it stands, also in values put in before; in the end each directive's text that of its line.
 *
 * The tree takes the text apart, so that what is fixed is written as it is and values go between. That gives the
 * same text as replacing does, but where a bracket in a value makes something to replace that was not there
 * before. So the machine looks at the values first (PLAIN), and where it has to it replaces step by step
 * (SUBSTITUTE). Directives it looks for in what has been written (DIRECTIVES).
 */
#include "stages/compile/compile.h"

extern const struct language language_prompt;

#endif
