// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_OPTIONS_H
#define PRESSRUN_CLI_OPTIONS_H
/*
 * Command line options from tables: --name, --name=value, --name value, -x, -xVALUE, bundled -qv, "--" ends.
 * An argument in square brackets may be left out, and then must be written --name=value.
 * Each command names its options in one const array; parsing and help are made from it. Values are borrowed
 * from argv. Nothing is printed here: a fault is a sentence in *err.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { OPTIONS_MAX = 48, OPTION_REPEATS = 256, ARGUMENTS_MAX = 64 };

struct option_spec {
    const char *name;     // without the dashes; NULL ends a table
    char letter;          // 0: none
    const char *argument; // "N", "DIR"; "[N]": may be left out; NULL: a flag
    const char *doc;      // one line
};

struct options {
    const struct option_spec *specs;
    size_t counts[OPTIONS_MAX];                      // how often each was given
    const char *values[OPTIONS_MAX][OPTION_REPEATS]; // of options with an argument, in order
    const char *arguments[ARGUMENTS_MAX];            // what is no option
    size_t arguments_n;
    char *const *words; // all of them as given
    size_t words_n;
};

enum status options_parse(struct options *options, const struct option_spec *specs, int argc,
                          char *const *argv, struct err *err);
bool options_has(const struct options *options, const char *name);
const char *options_get(const struct options *options, const char *name); // the last one given, or NULL
size_t options_all(const struct options *options, const char *name, const char *const **values);
enum status options_number(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out,
                           struct err *err);
void options_write_help(const struct option_spec *specs, struct buf *out);

#endif
