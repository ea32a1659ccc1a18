// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_NUMBER_H
#define PRESSRUN_BASE_NUMBER_H
/*
 * Numbers to text and back, independent of the locale.
 *
 * Doubles are written as Python's repr and JSON encoders do: the shortest decimal that reads back as the
 * same double, "1.0" for integral values, exponent form below 1e-4 and from 1e16 ("1e+16", "1e-05").
 * Infinities and NaN are written "inf", "-inf", "nan".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { NUMBER_TEXT_SIZE = 32 }; // enough for any int64 or double, without NUL

size_t number_write_int(char *out, int64_t value);   // bytes written
size_t number_write_double(char *out, double value); // bytes written
// All of text, with an optional sign. false: not a number, or too large.
bool number_parse_int(struct str text, int64_t *value);
// A JSON or Python float literal (all of text), correctly rounded. false: not a number.
bool number_parse_double(struct str text, double *value);
// digits * 10^exponent, correctly rounded where digits <= 2^53 and |exponent| <= 22, else false.
bool number_scale_exact(uint64_t digits, int exponent, double *value);

#endif
