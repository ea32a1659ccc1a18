// SPDX-License-Identifier: MIT
#include "stages/render/builtins.h"

#include "stages/render/filters.h"
#include "stages/render/globals.h"
#include "stages/render/tests.h"

#define ROW(name, params, call, doc) {name, params, call, doc},
#define NO_ROW(name, params, call, doc)

static const struct library_function filters[] = {
#define FILTER      ROW
#define PAGE_FILTER ROW
#define CHAT_FILTER NO_ROW
#include "stages/render/filters.def"
};

static const struct library_function chat_filters[] = {
#define FILTER      ROW
#define PAGE_FILTER NO_ROW
#define CHAT_FILTER ROW
#include "stages/render/filters.def"
};

static const struct library builtin = {
    .filters = filters,
    .filters_n = sizeof filters / sizeof *filters,
    .tests = tests_rows,
    .tests_n = TESTS_COUNT,
    .globals = globals_rows,
    .globals_n = GLOBALS_COUNT,
};

static const struct library chat = {
    .filters = chat_filters,
    .filters_n = sizeof chat_filters / sizeof *chat_filters,
    .tests = tests_rows,
    .tests_n = TESTS_COUNT,
    .globals = globals_chat_rows,
    .globals_n = GLOBALS_CHAT_COUNT,
};

const struct library *library_builtin(void) {
    return &builtin;
}

const struct library *library_chat(void) {
    return &chat;
}
