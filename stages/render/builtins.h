// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_BUILTINS_H
#define PRESSRUN_STAGES_RENDER_BUILTINS_H
/*
 * The built-in library of the Jinja language: filters, tests and global functions, as tables.
 */
#include "stages/program/library.h"

const struct library *library_builtin(void);

#endif
