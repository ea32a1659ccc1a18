// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_LIBRARY_H
#define PRESSRUN_STAGES_PROGRAM_LIBRARY_H
/*
 * The library of a template language: filters and tests as tables. The compiler looks names up and checks
 * arguments; the machine calls by index. The tables themselves are the renderer's (stages/render/library.c).
 *
 * To add a filter or test: write the function, add one row. `params` is its signature without the value it is
 * applied to, names separated by blanks, a '[' before the first optional one, "*" last for "any number more":
 *     "width [first=False blank=False]"
 * What stands after '=' is the default as people write it, for help only; it has no blank unless it is quoted.
 * A last word "**" means "any keywords": they arrive as a map in one more argument (stages/render/bind.h).
 * A call binds positional and keyword arguments by it: args[0] is the value, args[1..] the parameters in order,
 * VALUE_MISSING where not given.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/record/value.h"

struct vm;

// One call. The function sets result and returns true, or calls call_fail and returns its false.
struct call {
    struct vm *vm;       // for what needs the machine: calling macros, undefined mode. Never NULL
    struct arena *arena; // for results; everything in it lives until the item is rendered
    const struct value *args;
    uint32_t n; // args bound: 1 + the number of parameters, more with "*"
    bool autoescape;
    struct value result;
};

bool call_fail(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool call_no_memory(struct call *call); // "the item's memory limit is exceeded"

struct library_function {
    const char *name;
    const char *params;
    bool (*call)(struct call *call);
    const char *doc; // one line, for help and the manual
};

struct library {
    const struct library_function *filters; // sorted by name
    uint32_t filters_n;
    const struct library_function *tests; // sorted by name
    uint32_t tests_n;
    const struct library_function *globals; // functions such as range; called with args[0] MISSING
    uint32_t globals_n;
};

// Index by name (binary search), or -1.
int32_t library_find(const struct library_function *table, uint32_t n, struct str name);

// The next parameter of a signature, or "*", "**"; advances *at. An empty name: the end. *optional, false before the
// first, tells whether it may be left out.
struct library_word {
    struct str name, standard; // standard: the default as written; {NULL, 0}: none is named
};
struct library_word library_next_word(const char **at, bool *optional);
// Parameters of a signature: how many, how many are required, and whether more may follow.
struct signature {
    uint32_t n, required;
    bool variadic;
};
struct signature library_signature(const char *params);
// Position of a parameter (0 is the first after the value), or -1.
int32_t library_parameter(const char *params, struct str name);

#endif
