// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_FIELDS_H
#define PRESSRUN_STAGES_PROGRAM_FIELDS_H
/*
 * Which fields of a record programs may read: the projection that readers are given, and what `check` shows.
 *
 * The analysis runs verified, linked programs over abstract values: a value is a set of places of the record, or
 * something that is none of it. It never leaves out what a program may read, whatever the record; what it cannot
 * follow counts as read whole, and a template that is only known at run time as all of the record. What is read
 * of a place is one of:
 *
 *     all of it        it is written, compared with something unknown, handed to a filter that looks at all
 *     its keys         it is tested for truth, looped over, counted: how many keys and which, not their values
 *     that it is there it is tested with `is defined`, or only looked into
 *
 * Scalars are always read as they are, and a list with all its elements; so a projection matters for mappings.
 *
 * To give an opcode its meaning here, add it to the switch in fields_flow.c; flow_give_up is always right.
 *
 * Several programs are added one after the other: a job's template and its expressions. Paths are written as
 * `user.name`, `messages[].role` (of each element of a list) and `meta.*` (all fields of a mapping, by names that
 * are not known); `[...]` are all fields whose names are in brackets.
 *
 * Not thread-safe while programs are added; read-only after that, the projection included. What is missing is
 * told of the programs, which then must live as long.
 */
#include <stdbool.h>
#include <stddef.h>

#include "stages/program/library.h"
#include "stages/program/program.h"
#include "stages/record/projection.h"

struct fields; // owned

// What a program's names mean.
struct fields_scope {
    bool record;        // fields of the record
    struct str records; // this name is a list of records; {NULL, 0}: none is
    struct str other;   // this name hides a field; {NULL, 0}: none does
};

struct fields *fields_new(const struct library *library);
void fields_free(struct fields *f); // NULL is fine

void fields_add(struct fields *f, const struct program *program, const struct fields_scope *scope);
void fields_add_all(struct fields *f, const struct fields *other); // what another analysis found

// NULL: everything. Lives as long as f, and stays as it was when more is added.
const struct projection *fields_projection(struct fields *f);
bool fields_is_everything(const struct fields *f);

// The paths, sorted; "*" is everything. Owned array (mem_free), texts live as long as f.
size_t fields_paths(struct fields *f, struct str **paths);

// A record is looked through for the fields that are read; then those that no record had can be told.
void fields_see(struct fields *f, struct value record);

struct fields_missing {
    const struct program *program; // where it is read
    struct span span;
    struct str path;    // lives as long as f
    struct str top;     // the field of the record that it begins with
    struct str nearest; // a field that records have there; {NULL, 0}: none is like it
    bool is_tested;     // by its truth only, which in a lenient mode is a question
};
// Fields that are read, not asked for, and in none of the records seen, each where it is read first. Owned array.
size_t fields_missing(struct fields *f, struct fields_missing **missing);

#endif
