// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_METHODS_H
#define PRESSRUN_STAGES_RENDER_METHODS_H
/*
 * The methods of str, list, dict and the numbers: one table a type, sorted by name, rows as in library.h with
 * args[0] the value the method belongs to. method_get (ops.h) makes a bound object of a row.
 *
 * To add a method: write the function, add one row to its type's table.
 */
#include "stages/program/library.h"

struct method_table {
    const struct library_function *rows;
    uint32_t n;
};

struct method_table methods_str(void);
struct method_table methods_list(void);
struct method_table methods_tuple(void);
struct method_table methods_dict(void);
struct method_table methods_int(void);
struct method_table methods_float(void);

// The method of values with this tag (enum value_tag), or NULL.
const struct library_function *methods_find(uint8_t tag, struct str name);
extern const struct library_reading methods_reads[]; // of those that do not read their value whole

// Whether it takes as long for a large list or mapping as for a small one; what it is given, it counts itself.
bool methods_is_quick(const struct library_function *row);

// Puts what dict(x) and update(x) take into a mutable map: a mapping or pairs.
bool methods_update_map(struct call *call, struct map *map, struct value from);

// A list of two that groupby makes: a tuple with the attributes `grouper` and `list`.
enum { METHODS_GROUP = 4 }; // beside VALUE_TUPLE in a list value's flags

#endif
