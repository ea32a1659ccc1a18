// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_GLOBALS_H
#define PRESSRUN_STAGES_RENDER_GLOBALS_H
/*
 * The global functions of the Jinja language: range, dict, namespace, cycler, joiner.
 *
 * To add a function: write it, add one row in globals.def.
 */
#include "stages/program/library.h"

enum {
    GLOBALS_COUNT = 0
#define GLOBAL(name, params, call, doc) +1
#define CHAT_GLOBAL(name, params, call, doc)
#include "stages/render/globals.def"
    ,
    GLOBALS_CHAT_COUNT = 0
#define GLOBAL(name, params, call, doc)      +1
#define CHAT_GLOBAL(name, params, call, doc) +1
#include "stages/render/globals.def"
};
extern const struct library_function globals_rows[GLOBALS_COUNT];           // sorted by name
extern const struct library_function globals_chat_rows[GLOBALS_CHAT_COUNT]; // for chat templates

// chat.c
bool global_raise_exception(struct call *call);
bool global_strftime_now(struct call *call);
extern const struct library_reading globals_reads[]; // of those that do not read their arguments whole

#endif
