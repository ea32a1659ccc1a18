// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_EXPLANATION_H
#define PRESSRUN_PIPELINE_EXPLANATION_H
/*
 * From what was compared to what is told: the bits of reason.h, two recipes and the hashes of a record's fields become
 * a list of reasons that name the field, the template, the option, with the values before and now where they are known.
 * Nothing is printed here.
 *
 * The list is in the order of enum explained_kind, so that its first one is the reason to tell where only one is told:
 * what is wrong with the output itself, then what all outputs of its job are made with, then its own record.
 *
 * It lives in the arena it is asked for in, and borrows what was compared. Any thread, each with an arena of its own.
 */
#include "base/arena.h"
#include "cache/journal.h"
#include "pipeline/reasons/reason.h"
#include "pipeline/reasons/values.h"
#include "stages/record/imprint.h"

// To add one: a row here (identifier, name in --json); explanation.c says where it comes from, cli/reason_text.c how it is said.
#define EXPLAINED_KINDS(X)                                                                                   \
    X(NEW, "new")                                                                                            \
    X(LOST, "lost")                                                                                          \
    X(MISSING, "missing")                                                                                    \
    X(EDITED, "edited")                                                                                      \
    X(TEMPLATE, "template")                                                                                  \
    X(TEMPLATES, "templates")                                                                                \
    X(FILTER, "filter")                                                                                      \
    X(THROUGH, "through")                                                                                    \
    X(GLOBAL, "global")                                                                                      \
    X(ENVIRONMENT, "environment")                                                                            \
    X(OPTION, "option")                                                                                      \
    X(EXPRESSION, "expression")                                                                              \
    X(SOURCE, "source")                                                                                      \
    X(NOW, "now")                                                                                            \
    X(PRESSRUN, "pressrun")                                                                                  \
    X(MANIFEST, "manifest")                                                                                  \
    X(RECIPE, "recipe")   /* a part of it that this program does not know, or none that is known */          \
    X(READS, "reads")     /* other fields are read */                                                        \
    X(RECORDS, "records") /* of a stream or a group: which, or what is in them */                            \
    X(FIELD, "field")                                                                                        \
    X(FORCED, "forced")

enum explained_kind {
#define X(ID, name) EXPLAINED_##ID,
    EXPLAINED_KINDS(X)
#undef X
};
const char *explained_name(enum explained_kind kind);

enum explained_change { EXPLAINED_CHANGED, EXPLAINED_ADDED, EXPLAINED_REMOVED };

struct explained {
    enum explained_kind kind;
    struct str name; // of what there are several; else empty
    enum explained_change change;
    struct str old_text,
        new_text; // {NULL, 0}: not known, or not short; of a field "": there was, or is, nothing
    bool hashed;  // of a field
    uint64_t old_hash, new_hash;
};

// What was compared.
struct cause {
    uint32_t why; // enum reason
    bool many;    // of a stream or a group: the fields are those of several records
    const struct journal_recipe *before, *now;  // NULL: not known
    const uint64_t *fields_before, *fields_now; // by the recipes' fields; NULL: not known
    const struct imprint *imprint;              // of what is now; NULL: no record
    struct value record;                        // of that imprint
    const struct values *values;                // that were kept; may be NULL
};

// As a list in `arena`; at least one where `why` has a bit.
size_t explanation_of(const struct cause *cause, struct arena *arena, struct explained **list);

// A recipe's parts by themselves: what an output is made with.
enum explained_kind explained_part(struct str part, struct str *name);

#endif
