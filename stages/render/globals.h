// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_GLOBALS_H
#define PRESSRUN_STAGES_RENDER_GLOBALS_H
/*
 * The global functions of the Jinja language: range, dict, namespace, cycler, joiner.
 *
 * To add a function: write it, add one row in globals.c.
 */
#include "stages/program/library.h"

enum { GLOBALS_COUNT = 6 };
extern const struct library_function globals_rows[GLOBALS_COUNT]; // sorted by name

#endif
