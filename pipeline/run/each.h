// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_EACH_H
#define PRESSRUN_PIPELINE_EACH_H
/*
 * `render TEMPLATE --each RECORDS --to PATTERN`: the manifest that a command line stands for, with one source and one
 * job, so that many records are rendered as `run` renders them.
 *
 * The output directory is the part of the pattern before its first expression that is a directory: nothing is written
 * outside it, and `.pressrun` is there.
 */
#include "pipeline/manifest/manifest.h"

struct each_options {
    const char *template_name;
    const char *records; // a path, "-", or a pattern of paths
    const char *to;
    const char *const *search; // directories; none: the template's own, then the working directory
    size_t search_n;
    // As in a manifest; NULL: not given.
    const char *format, *query, *table, *pointer, *delimiter, *columns, *key, *where, *separator;
    const char *const *environment; // names of variables that may be read
    size_t environment_n;
    bool raw, schema;
    const char *undefined;
    bool trim_blocks, lstrip_blocks, keep_trailing_newline, autoescape, chat;
};

// Never NULL; as manifest_read. Messages are placed in a text of one option a line, named "render --each".
struct manifest *each_manifest(const struct fs *fs, const struct each_options *options, struct diags *diags);

#endif
