// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_IMPRINT_H
#define PRESSRUN_STAGES_RECORD_IMPRINT_H
/*
 * What a record is to those who read only some of its fields: a digest of these, and a hash of each, so that two records
 * can be told apart by what matters, and the field that makes the difference be named.
 *
 * The fields are the leaves of a projection, named by their path, "user.name"; lists on the way are transparent, as in
 * the projection. "meta.*" is which keys a mapping has, "[...]" all fields whose names are in brackets, "*" the record.
 * Where a list, or something that is no mapping, stands on the way to a field, that is part of what the field is.
 *
 * Order matters: of list elements, and of keys, which templates may loop over. Integers differ from floats of the same
 * value. Hashes are kept across runs and versions, so what is hashed (imprint.c) does not change.
 *
 * Immutable once made; read by many threads, each with a buffer of its own.
 */
#include "base/buf.h"
#include "base/digest.h"
#include "stages/record/projection.h"
#include "stages/record/value.h"

struct imprint; // owned

// NULL: everything is read. The projection's names must live as long.
struct imprint *imprint_new(const struct projection *projection);
void imprint_free(struct imprint *imprint); // NULL is fine

uint32_t imprint_fields(const struct imprint *imprint); // how many there are
const struct str *imprint_names(const struct imprint *imprint);

// The digest of all fields, and a hash of each into `hashes`, unless that is NULL. `scratch` is written over.
struct digest imprint_take(const struct imprint *imprint, struct value record, struct buf *scratch,
                           uint64_t *hashes);

// A field as people read it: JSON, of lists on the way all that they lead to. False: the record has nothing there.
bool imprint_show(const struct imprint *imprint, uint32_t field, struct value record, struct buf *out);

// A field that was something else, as imprint_show writes it, as far as one element of the lists on its way makes the
// difference: its name with the places of these, "orders[2].price"; what that was, a part of `before`; and what it is, to
// `now`. False: it is not one of a list's, or more than one.
bool imprint_narrow(const struct imprint *imprint, uint32_t field, struct value record, struct str *before,
                    struct buf *name, struct buf *now);

#endif
