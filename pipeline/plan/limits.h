// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_LIMITS_H
#define PRESSRUN_PIPELINE_LIMITS_H
/*
 * Limits beside the manifest's: words of the command line (`--limit output_bytes=2GiB`), and what the machine is told.
 * Names, bounds and what is said of wrong values are those of the manifest's table.
 */
#include "pipeline/manifest/manifest.h"
#include "stages/render/vm.h"

// NAME=VALUE. False: err says what is wrong with it.
bool limits_set(struct manifest_limits *limits, const char *word, struct err *err);

struct vm_limits limits_of_machine(const struct manifest_limits *limits);

#endif
