// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_BUILTINS_H
#define PRESSRUN_STAGES_RENDER_BUILTINS_H
/*
 * The built-in library of the Jinja language: filters, tests and global functions, as tables.
 *
 * The library for chat templates shares its rows but for `tojson`, which there escapes nothing for pages and keeps
 * the order of keys, and has raise_exception() and strftime_now() besides (chat.c).
 */
#include "stages/program/library.h"

const struct library *library_builtin(void);
const struct library *library_chat(void);

#endif
