// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_LIBRARY_H
#define PRESSRUN_STAGES_PROGRAM_LIBRARY_H
/*
 * The library of a template language: filters and tests as tables. The compiler looks names up and checks
 * arguments; the machine calls by index. The tables themselves are the renderer's (stages/render/builtins.h).
 *
 * To add a filter or test: write the function, add one row. `params` is its signature without the value it is
 * applied to, names separated by blanks, a '[' before the first optional one, "*" last for "any number more":
 *     "width [first=False blank=False]"
 * What stands after '=' is the default as people write it, for help only; it has no blank unless it is quoted.
 * A last word "**" means "any keywords": they arrive as a map in one more argument (stages/render/bind.h).
 * A function that need not read all of what it is given may say so in the library's `reads`.
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

/*
 * What a function makes of the values it is given, as far as the fields of a record are concerned (fields.h).
 * Most read their values whole and give something new; the others have a row in the library's `reads`, one for
 * all names of a function. `attribute` is a parameter that names what is read of each element.
 */
enum library_reads {
    READS_WHOLE,        // all there is in the value and the arguments
    READS_NUMBER,       // the same, and gives a number
    READS_TYPE,         // of the value only what kind it is, a scalar as it is; harmless on what is not there
    READS_LENGTH,       // how many elements or keys it has
    READS_DEFAULT,      // gives the value or the first argument; looks at the value's truth
    READS_ELEMENT,      // gives one of its elements
    READS_LIST,         // gives its elements as a list
    READS_LISTS,        // gives lists of its elements
    READS_BY_ATTRIBUTE, // compares its elements, or an attribute of them, and gives them as a list
    READS_ELEMENT_BY_ATTRIBUTE, // ... and gives one of them
    READS_ATTRIBUTE,            // reads an attribute of its elements, or them, and gives something new
    READS_GROUPS,               // gives pairs of an attribute and the list of the elements that have it
    READS_MAP,                  // applies the filter named first, or gives an attribute, of each element
    READS_SELECT,               // gives the elements for which the test named first holds
    READS_SELECT_ATTRIBUTE,     // ... for whose attribute, named first, the test named second holds
    READS_KEY,                  // gives the value of a mapping's key, the first argument, or the second
    READS_KEYS,                 // the keys of a mapping
    READS_RANGE,                // gives numbers
};

// A row for a function; a table ends with one that has none.
struct library_reading {
    bool (*call)(struct call *call);
    enum library_reads reads;
};

// A macro of a template that is both a filter and a test: as a filter it gives its text, as a test it is true
// where that, white space around it left out, is neither empty nor "False".
struct library_macro {
    struct str name;
    struct str template_name, macro;
};

struct library {
    const struct library_function *filters; // sorted by name
    uint32_t filters_n;
    const struct library_function *tests; // sorted by name
    uint32_t tests_n;
    const struct library_function *globals; // functions such as range; called with args[0] MISSING
    uint32_t globals_n;
    // The method of values with this tag (enum value_tag), or NULL.
    const struct library_function *(*method)(uint8_t tag, struct str name);
    const struct library_reading *const *reads; // tables, NULL at the end; NULL: none
    const struct library_macro *macros;         // sorted by name; no filter or test has the name of one
    uint32_t macros_n;
};

enum library_reads library_reads(const struct library *library, const struct library_function *f);

// Index by name (binary search), or -1.
int32_t library_find(const struct library_function *table, uint32_t n, struct str name);

int32_t library_find_macro(const struct library *library, struct str name);

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
