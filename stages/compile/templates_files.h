// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_TEMPLATES_FILES_H
#define PRESSRUN_STAGES_COMPILE_TEMPLATES_FILES_H
/*
 * The files behind templates.c: directories of the search path, reading a template by name, listing all names. Texts
 * that are in memory, such as those built into the program, hide files of their names.
 * Not thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"

struct template_directory {
    struct str path; // as given
    int fd;
};

struct template_text {
    struct str name, text; // borrowed
};

struct template_files {
    const struct fs *fs;
    struct template_directory *directories;
    size_t n, cap;
    struct template_text *texts;
    size_t texts_n, texts_cap;
};

void template_files_release(struct template_files *files);
enum status template_files_add(struct template_files *files, struct arena *arena, struct str directory,
                               struct err *err);
void template_files_add_text(struct template_files *files, struct str name, struct str text);
// The text (owned: mem_free) of the first file of that name, and its path for messages in `arena`.
// STATUS_DATA: there is none, or it is no name for a template; STATUS_UNSUPPORTED: only a directory has it.
enum status template_files_read(struct template_files *files, struct arena *arena, struct str name,
                                struct str *path, char **text, size_t *size, struct err *err);
// Names of all files, sorted, each once; an owned array, names in `arena`.
size_t template_files_list(struct template_files *files, struct arena *arena, struct str **names);

#endif
