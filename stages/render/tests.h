// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_TESTS_H
#define PRESSRUN_STAGES_RENDER_TESTS_H
/*
 * The built-in tests (`x is odd`). Each sets a bool as its result.
 *
 * To add a test: write the function, add one row in tests.def.
 */
#include "stages/program/library.h"

enum {
    TESTS_COUNT = 0
#define TEST(name, params, call, doc) +1
#include "stages/render/tests.def"
};
extern const struct library_function tests_rows[TESTS_COUNT]; // sorted by name
extern const struct library_reading tests_reads[];            // of those that do not read their values whole

#endif
