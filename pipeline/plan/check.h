// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CHECK_H
#define PRESSRUN_PIPELINE_CHECK_H
/*
 * Checking a plan without running it: everything compiles, every literal include exists, every source can be
 * opened and its first batch read (standard input is left alone, and so is what no job needs); templates that nothing uses compile, too. Warns of
 * those, of sources that no job needs, of files without a route and routes without a file, of records that cannot be read, and of fields that are read though none of the records looked at has them;
 * a field that a template asks for (`is defined`, a default, `in`) may be missing.
 */
#include "pipeline/plan/plan.h"

struct check_result {
    size_t templates; // compiled, included ones too
};

// False where diags got an error.
bool check_plan(const struct fs *fs, struct plan *plan, struct check_result *result, struct diags *diags);

#endif
