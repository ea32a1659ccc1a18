// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_BIGINT_H
#define PRESSRUN_STAGES_RENDER_BIGINT_H
/*
 * Integers beyond 64 bits, for the few templates that need them: sign and magnitude, limbs in base 10^9, the
 * least significant first, without leading zero limbs (zero has none). Everything is made in an arena.
 *
 * At most BIGINT_LIMBS limbs: enough for 4,500 digits, which bounds what one operation may cost. Schoolbook
 * methods.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "stages/program/library.h"
#include "stages/record/value.h"

enum { BIGINT_LIMBS = 500 };

struct bigint {
    uint32_t *limbs;
    uint32_t n;
    bool negative;
};

// Operations return false after call_fail: too many digits, out of memory, division by zero.
bool bigint_of(struct call *call, struct value v, struct bigint *out); // INT, BOOL or BIG
bool bigint_value(struct call *call, const struct bigint *b,
                  struct value *out); // INT where it fits, else BIG
bool bigint_parse(struct call *call, struct str digits, bool negative,
                  struct value *out); // ASCII digits only
// Digits of the magnitude in base 2 to 16.
bool bigint_digits(struct call *call, struct value v, unsigned base, bool upper, struct str *out);
bool bigint_add(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out);
bool bigint_sub(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out);
bool bigint_mul(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out);
// Rounds down, as Python's // and %: the remainder has the divisor's sign. b is not zero.
bool bigint_divmod(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *quotient,
                   struct bigint *remainder);
bool bigint_pow(struct call *call, const struct bigint *a, uint64_t exponent, struct bigint *out);
// The integral part of a finite double, exactly.
bool bigint_of_double(struct call *call, double d, struct value *out);

#endif
