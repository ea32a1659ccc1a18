// SPDX-License-Identifier: MIT
#include "stages/render/builtins.h"

#include "stages/render/filters.h"
#include "stages/render/globals.h"
#include "stages/render/methods.h"
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

static const struct library_reading filters_reads[] = {
    {filter_abs, READS_NUMBER},
    {filter_batch, READS_LISTS},
    {filter_default, READS_DEFAULT},
    {filter_first, READS_ELEMENT},
    {filter_float, READS_NUMBER},
    {filter_groupby, READS_GROUPS},
    {filter_int, READS_NUMBER},
    {filter_join, READS_ATTRIBUTE},
    {filter_last, READS_ELEMENT},
    {filter_length, READS_LENGTH},
    {filter_list, READS_LIST},
    {filter_map, READS_MAP},
    {filter_max, READS_ELEMENT_BY_ATTRIBUTE},
    {filter_min, READS_ELEMENT_BY_ATTRIBUTE},
    {filter_reject, READS_SELECT},
    {filter_rejectattr, READS_SELECT_ATTRIBUTE},
    {filter_reverse, READS_LIST},
    {filter_round, READS_NUMBER},
    {filter_select, READS_SELECT},
    {filter_selectattr, READS_SELECT_ATTRIBUTE},
    {filter_slice, READS_LISTS},
    {filter_sort, READS_BY_ATTRIBUTE},
    {filter_sum, READS_ATTRIBUTE},
    {filter_unique, READS_BY_ATTRIBUTE},
    {NULL, READS_WHOLE},
};

static const struct library_reading *const reads[] = {filters_reads, tests_reads, globals_reads,
                                                      methods_reads, NULL};

static const struct library builtin = {
    .filters = filters,
    .filters_n = sizeof filters / sizeof *filters,
    .tests = tests_rows,
    .tests_n = TESTS_COUNT,
    .globals = globals_rows,
    .globals_n = GLOBALS_COUNT,
    .method = methods_find,
    .reads = reads,
};

static const struct library chat = {
    .filters = chat_filters,
    .filters_n = sizeof chat_filters / sizeof *chat_filters,
    .tests = tests_rows,
    .tests_n = TESTS_COUNT,
    .globals = globals_chat_rows,
    .globals_n = GLOBALS_CHAT_COUNT,
    .method = methods_find,
    .reads = reads,
};

const struct library *library_builtin(void) {
    return &builtin;
}

const struct library *library_chat(void) {
    return &chat;
}
