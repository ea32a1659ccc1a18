// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_PROFILE_TEXT_H
#define PRESSRUN_CLI_PROFILE_TEXT_H
/*
 * What lines of templates cost, as lines of a summary: the dearest first. Of a run and of a session alike, so from the
 * session's JSON (docs/profile.md).
 */
#include <jansson.h>

#include "base/buf.h"

void profile_text_write(json_t *profile, bool colour, struct buf *out); // NULL: nothing

#endif
