// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_TEMPLATES_FILES_H
#define PRESSRUN_STAGES_COMPILE_TEMPLATES_FILES_H
/*
 * What is behind templates.c: the places of the search path, directories and stores (template_store.h), reading a template by
 * name, listing all names. Texts that are in memory, such as those built into the program, hide what is elsewhere by
 * their names. Not thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "stages/compile/template_store.h"

struct template_place {
    struct str path;              // of the directory, as given
    int fd;                       // of the directory
    struct template_store *store; // owned; NULL: it is a directory
};

struct template_text {
    struct str name, text; // borrowed
};

struct template_files {
    const struct fs *fs;
    struct template_place *places;
    size_t n, cap;
    struct template_text *texts;
    size_t texts_n, texts_cap;
};

struct template_found {
    struct str path; // for messages, in the arena
    char *text;      // owned (mem_free); NULL where there is an error
    size_t size;
    const struct language *language; // that its store says it is in; NULL: its name tells
};

void template_files_release(struct template_files *files);
enum status template_files_add(struct template_files *files, struct arena *arena, struct str directory,
                               struct err *err);
void template_files_add_store(struct template_files *files, struct template_store *store);
void template_files_add_text(struct template_files *files, struct str name, struct str text);
// The first template of that name. STATUS_DATA: there is none, or it is no name for a template;
// STATUS_UNSUPPORTED: only a directory has it.
enum status template_files_read(struct template_files *files, struct arena *arena, struct str name,
                                struct template_found *found, struct err *err);
// Names of all files and stored templates, sorted, each once; an owned array, names in `arena` or with the files.
size_t template_files_list(struct template_files *files, struct arena *arena, struct str **names);
// The first that a store has; NULL: none does.
const struct stored_template *template_files_stored(const struct template_files *files, struct str name);

#endif
