// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_INFLECTION_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_INFLECTION_H
/*
 * Names of a database as identifiers: in snake case, in camel case, and English words in singular and plural.
 *
 * An identifier is of a to z, A to Z, 0 to 9 and '_', does not begin with a digit, and is never empty, so it is one in
 * every language, but for words that a language reserves. Latin letters with marks lose them (Größe: groesse is
 * not tried, it is grosse); every other letter beyond ASCII is u and its hexadecimal code point.
 *
 * Only the last word of a name is inflected: order_items, order_item. Endings are rows of a table, and what obeys none of
 * them another; the caller's own words win. Singular of a singular is itself as far as English lets it.
 *
 * What is given is added to `out`, which is not cleared. Pure functions; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "stages/load/schema/schema.h"

void inflection_snake(struct str name, struct buf *out); // "InvoiceLine", "invoice line": invoice_line

// Of snake case, in snake case.
void inflection_singular(const struct schema_settings *settings, struct str snake, struct buf *out);
void inflection_plural(const struct schema_settings *settings, struct str singular, struct buf *out);

// Of snake case: invoiceLine, or with `upper` InvoiceLine.
void inflection_camel(struct str snake, bool upper, struct buf *out);

#endif
