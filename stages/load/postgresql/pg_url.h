// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_URL_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_URL_H
/*
 * The url of a PostgreSQL database as it may be shown: there may be a password in it, before the @ or as a parameter.
 * What it means is libpq's business. Here no more is known than what has to be hidden; in doubt, too much is.
 * Pure; any thread.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

bool pg_url_is(struct str text); // postgresql:// or postgres://, which begins every such url
// Whether something in it must not be shown.
bool pg_url_has_secret(struct str url);
// The url with *** in place of each secret.
void pg_url_write_shown(struct str url, struct buf *out);
// Puts asterisks over every secret of such urls in a text that is to be shown, a manifest's; false: there is none. A url goes
// to the quote that it stands in, or else to the next white space.
bool pg_url_mask(char *text, size_t n);

#endif
