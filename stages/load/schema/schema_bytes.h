// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_BYTES_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_BYTES_H
/*
 * A schema, and a list of texts, as bytes that can be kept and read again. Numbers are 4 bytes, little-endian; a text is
 * its length and itself, none the length 2^32 - 1; a list is its count and what is in it. Equal schemas have equal
 * bytes, so their digest tells one from another.
 *
 * Reading trusts nothing: bytes that are no schema are told, and no index in it leads outside.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "stages/load/schema/schema.h"

void schema_bytes_write(const struct schema *schema, struct buf *out);
bool schema_bytes_read(struct str bytes,
                       struct schema *schema); // into an initialised one; false: it holds a part

void schema_bytes_add_text(struct buf *out, struct str text);
bool schema_bytes_take_text(struct str *rest, struct str *text); // borrowed; false: there is none

#endif
