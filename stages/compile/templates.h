// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_TEMPLATES_H
#define PRESSRUN_STAGES_COMPILE_TEMPLATES_H
/*
 * The templates of a run: found in a search path, compiled when first asked for, linked to the templates they refer
 * to (which compiles those), kept until the end by what they are made from: language, options and text. What nobody
 * asks for and nothing refers to is not compiled; files are not even read. A name is looked up in each directory or store in turn and never
 * leaves it ("..", absolute names and links out of it are refused). Thread-safe: lookups of what is there take no lock.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/fs.h"
#include "stages/compile/compile.h"
#include "stages/compile/template_store.h"

struct templates; // owned by the run

struct templates *templates_new(const struct fs *fs, const struct compile_options *options);
void templates_free(struct templates *t);
enum status templates_add_path(struct templates *t, struct str directory,
                               struct err *err); // not there: STATUS_IO
// A place of the search path like a directory; the store is the templates' own from now on. Before the first lookup.
void templates_add_store(struct templates *t, struct template_store *store);
// A template that is in memory, before all that directories have; name and text are borrowed as long as t is used.
// Before the first lookup.
void templates_add_text(struct templates *t, struct str name, struct str text);

// The program of a template, compiled with its includes on first use. NULL: `*missing` tells "no such file"
// from "has errors"; the errors (of it and of what it includes) are in `diags` (may be NULL) once per call.
// `language` NULL: by its store, else by the name. The autoescape of the options may be overridden per output kind, so a
// template may exist twice.
const struct program *templates_find(struct templates *t, struct str name, const struct language *language,
                                     bool autoescape, struct diags *diags, bool *missing);
// So far: different texts, each once under however many names.
size_t templates_compiled(struct templates *t);
// How often one was asked for that was compiled already, to compile or to link another.
size_t templates_shared(struct templates *t);
// The same while a template runs that names others: it counts.
const struct program *templates_choose(struct templates *t, struct str name, const struct language *language,
                                       bool autoescape, bool *missing);
// Those that were chosen, and how often, when nobody looks for any more; without broken and missing ones.
typedef void (*templates_fn)(void *context, struct str name, const struct program *program, uint64_t n);
void templates_each_chosen(struct templates *t, templates_fn fn, void *context);
// Of the names and texts of all files and stored templates that a template could be found by.
struct digest templates_digest(struct templates *t);
// Whether a store has it, so that it is a template whatever its name.
bool templates_is_stored(const struct templates *t, struct str name);
// What a program that was found by a name is called: its id where it was found by that and an extension.
struct str templates_id(const struct templates *t, struct str name, const struct program *program);
// Names of all files and stored templates in the search path that a template could be found by, for "did you mean" and `check`.
size_t templates_list(struct templates *t,
                      struct str **names); // owned array (mem_free); texts live as long as t

#endif
