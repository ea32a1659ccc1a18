// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_PLACE_H
#define PRESSRUN_CLI_HISTORY_PLACE_H
/*
 * Where the history is: --history, else PRESSRUN_HISTORY, else the manifest's, else beneath the output directory. Texts are
 * borrowed or in the arena.
 */
#include "base/arena.h"
#include "cli/options.h"
#include "pipeline/manifest/manifest.h"

const char *history_given(struct arena *arena,
                          const struct options *options); // "none": nowhere; NULL: the manifest decides
// Of a manifest that keeps one; `output` as given on the command line, or NULL.
const char *history_of_manifest(struct arena *arena, const struct manifest *manifest, const char *output);

#endif
