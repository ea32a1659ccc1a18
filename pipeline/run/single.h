// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_SINGLE_H
#define PRESSRUN_PIPELINE_SINGLE_H
/*
 * One template over one data file, without a manifest: what `pressrun render` does.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fs.h"
#include "pipeline/plan/define.h"
#include "pipeline/plan/limits.h"
#include "stages/compile/compile.h"
#include "stages/render/vm.h"

struct single_options {
    const char *template_name;
    const char *data;             // path of a JSON document; "-": standard input; NULL: an empty object
    const struct define *defines; // put over the data
    size_t defines_n;
    const char *language;      // NULL: by the template's name
    const char *const *search; // directories; none: the template's own, then the working directory
    size_t search_n;
    const char *const *environment; // names of variables that may be read
    size_t environment_n;
    bool trim_blocks, lstrip_blocks, keep_trailing_newline, autoescape, chat;
    bool show_program; // the listing of the compiled program instead of the rendered text
    enum undefined_mode undefined;
    struct manifest_limits limits;
    int64_t now;                    // that strftime_now() shows: seconds since 1970
    const struct vm_writer *writer; // takes a large text in pieces; NULL: all of it goes into `out`
};

enum single_result {
    SINGLE_DONE,
    SINGLE_FAILED,   // rendering failed: the fault is in diags
    SINGLE_UNUSABLE, // template or data are missing or wrong: diags, or err where diags has no error
};

// `out` gets the text, or its end where the writer was given the rest.
enum single_result single_render(const struct fs *fs, const struct single_options *options, struct buf *out,
                                 struct diags *diags, struct err *err);

#endif
