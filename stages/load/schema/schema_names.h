// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_NAMES_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_NAMES_H
/*
 * What tables and columns of a schema are called in code, and who took which name. Within one table the names of columns
 * and relations are distinct, in snake case and in camel case, and the class names of all wanted tables are: who comes
 * first (tables and columns in the schema's order, then relations as they are asked for) has the plain name, the next one a number.
 *
 * Borrows the schema and its settings; owns its texts. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/load/schema/schema.h"

struct schema_name {
    struct str snake, camel;
};

struct schema_table_names {
    bool wanted;           // it has a record
    struct str class_name; // {NULL, 0}: it has none
    struct schema_name one, many;
    struct schema_name *columns;
};

struct schema_names {
    const struct schema *schema;
    const struct schema_settings *settings;
    struct arena arena;
    struct schema_table_names *tables; // as the schema's
    struct str *taken;                 // a hash set, of marks and names
    size_t taken_n, taken_cap;
};

void schema_names_init(struct schema_names *names, const struct schema *schema,
                       const struct schema_settings *settings);
void schema_names_release(struct schema_names *names);

// Whether a table has no such name of a column or relation yet.
bool schema_names_are_free(const struct schema_names *names, uint32_t table, struct str snake);
// Gives this name, or if it is taken the same with a number.
struct schema_name schema_names_take(struct schema_names *names, uint32_t table, struct str snake);
struct str schema_names_keep(struct schema_names *names, struct str text); // a copy that lives as long

#endif
