// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_TYPES_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_TYPES_H
/*
 * SQL types to those of languages, in two steps: what is declared to a base ("varchar(40)": text, of length 40), by a table
 * of names; and the base to a text for each language, by another table, which the manifest's own entries win over.
 *
 * Of a name in no table SQLite's rules for affinity decide, so that whatever a SQLite database says has a base; what
 * they do not know is `any`. The declared type, its name without what is in parentheses, and the base may each have an
 * entry in the manifest; the first of these that has one counts, in any case of letters. In a language that is not
 * built in `any` stands for all that have none, and `array` makes the text of an array, {} being its element's.
 *
 * To add a language: a row in schema_types.c's `languages`. To add a type's name: a row in `names`.
 *
 * Pure functions; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "stages/load/schema/schema.h"

enum schema_base {
    SCHEMA_ANY,
    SCHEMA_BOOLEAN,
    SCHEMA_INTEGER,
    SCHEMA_FLOAT,
    SCHEMA_DECIMAL,
    SCHEMA_TEXT,
    SCHEMA_DATE,
    SCHEMA_TIME,
    SCHEMA_DATETIME,
    SCHEMA_JSON,
    SCHEMA_UUID,
    SCHEMA_BLOB,
    SCHEMA_BASES,
};
extern const char *const schema_base_names[SCHEMA_BASES];

struct schema_type {
    enum schema_base base;
    bool array;
    int64_t length, precision, scale; // -1: not said
};

// `choices`: it has texts to choose from, so it is text whatever it is called.
struct schema_type schema_type_of(struct str declared, bool choices);

// Adds the members that a column's record has of its type: "type":"text","array":false,"length":40,...,"types":{...}
void schema_types_write(const struct schema_settings *settings, struct str declared, bool choices,
                        struct buf *json);

#endif
