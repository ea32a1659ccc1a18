// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_OPS_H
#define PRESSRUN_STAGES_RENDER_OPS_H
/*
 * What operators and built-ins share: truth, equality, order, arithmetic, membership, length, iteration, as
 * Python defines them for the values a template can have.
 *
 * Operations that can fail take the call they work for, say why with call_fail and return false. Undefined
 * operands: in strict mode every use fails; in the other modes an undefined is false, empty, of length 0, equal
 * to another undefined, and arithmetic with it fails.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"
#include "stages/record/value.h"

bool op_truth(struct value v); // of anything but a strict undefined (call_defined first)
bool op_equal(struct value a, struct value b);
// The same for values that may hold a lot: what it takes counts as work. False: a limit is reached.
bool op_equals(struct call *call, struct value a, struct value b, bool *out);
// -1, 0, 1 in *order, OP_UNORDERED where one is not a number (NaN); false where the types have no order. The
// failure names the operator: "'<' not supported between instances of 'str' and 'int'".
enum { OP_UNORDERED = 2 };
bool op_compare(struct call *call, struct value a, struct value b, int *order);
bool op_compare_as(struct call *call, struct value a, struct value b, const char *symbol, int *order);

bool op_add(struct call *call, struct value a, struct value b, struct value *out);
bool op_sub(struct call *call, struct value a, struct value b, struct value *out);
bool op_mul(struct call *call, struct value a, struct value b, struct value *out);
bool op_div(struct call *call, struct value a, struct value b, struct value *out);
bool op_floordiv(struct call *call, struct value a, struct value b, struct value *out);
bool op_mod(struct call *call, struct value a, struct value b, struct value *out);
bool op_pow(struct call *call, struct value a, struct value b, struct value *out);
bool op_neg(struct call *call, struct value a, struct value *out);
bool op_pos(struct call *call, struct value a, struct value *out);
bool op_contains(struct call *call, struct value container, struct value member, bool *out);
bool op_length(struct call *call, struct value v, int64_t *out);

// The elements of an iterable: list, tuple, map (its keys), string (its characters), iterator (uses it up),
// object that iterates. The array is borrowed from the value or made in call->arena.
bool op_items(struct call *call, struct value v, const struct value **items, uint32_t *n);
// The same in an array of the caller's own, with room for `more`.
bool op_copy_items(struct call *call, struct value v, uint32_t more, struct value **items, uint32_t *n);

// x[key] for lists, tuples, strings and maps only: MISSING where there is no such element. Attributes are the
// machine's business.
bool op_index(struct call *call, struct value v, struct value key, struct value *out);
bool op_slice(struct call *call, struct value v, struct value start, struct value stop, struct value step,
              struct value *out);

// A method of a built-in type ("abc".upper, list.append, dict.items, ...) as a bound object; MISSING: none.
struct value method_get(struct call *call, struct value self, struct str name);

// Python's name of the type: "str", "int", "list", "dict", "NoneType", ...
const char *op_type_name(struct value v);

// False always, after call_fail with Jinja's words for using this undefined.
bool op_undefined(struct call *call, struct value v);
// An undefined whose use fails with this text (a literal), as that of the first element of an empty list does.
struct value op_nothing(const char *message);

// An int or bool as a number; fails in Python's words for anything else.
bool op_integer(struct call *call, struct value v, int64_t *out);
// An int, bool, big integer or float; false, without failing the call, for anything else.
bool op_double(struct value v, double *out);
bool op_hashable(struct call *call, struct value v); // may be a key: "unhashable type: 'list'" where not

// A mutable list or a tuple of n values, which it keeps using (they live in call->arena); a one-shot iterator.
bool op_new_list(struct call *call, struct value *items, uint32_t n, struct value *out);
bool op_new_tuple(struct call *call, struct value *items, uint32_t n, struct value *out);
bool op_new_iter(struct call *call, const struct value *items, uint32_t n, const char *type,
                 struct value *out);

// False (after call_fail with Jinja's words, e.g. "'x' is undefined") where v is an undefined that must not be
// used: in strict mode, unless it is UNDEFINED_SILENT.
bool call_defined(struct call *call, struct value v);

#endif
