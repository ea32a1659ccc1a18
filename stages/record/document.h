// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_DOCUMENT_H
#define PRESSRUN_STAGES_RECORD_DOCUMENT_H
/*
 * A document: the tree of a YAML or JSON text, each node with its place; for what people write (a manifest, the
 * front matter of a page), not for records in bulk.
 *
 * Scalars are typed as YAML 1.2's core schema and JSON type them: plain true, null, 12 and 1.5 are values,
 * quoted ones are text; yes, no, on and off are text. Left out, with an error that says so: merge keys (<<),
 * tags other than !!str, several documents in one file, keys that are not scalars. A key twice in one mapping
 * is an error that names the first one's line. Anchors and aliases work within DOCUMENT_ALIASED_NODES.
 *
 * An alias is the very node it names, so nodes form a graph without cycles, not always a tree.
 *
 * Nodes and their texts live in the arena given; what has no memory aborts (base/mem.h), since a document is
 * bookkeeping and the file's size is bounded by whoever read it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "stages/record/value.h"

enum {
    DOCUMENT_DEPTH = 100,            // levels of nesting
    DOCUMENT_ALIASED_NODES = 100000, // nodes that aliases may stand for, all together
    DOCUMENT_ERRORS = 1000,          // nobody reads more; what finds errors stops about there
};

enum document_kind {
    DOCUMENT_NULL,
    DOCUMENT_BOOL,
    DOCUMENT_INT,
    DOCUMENT_BIG, // an integer outside int64; text is its canonical decimal form
    DOCUMENT_FLOAT,
    DOCUMENT_TEXT,
    DOCUMENT_LIST,
    DOCUMENT_MAPPING,
};

struct document_entry { // of a mapping, or (without a key) of a list
    struct str key;
    struct span key_span;
    struct document_node *value;
    struct document_entry *next;
};

struct document_node {
    enum document_kind kind;
    bool faulty; // an error was reported about it; for whoever checks documents
    // Of a text: span.n == text.n exactly when the file has these very bytes at span.at (no escapes, no
    // folding, no indentation taken away); then the quotes are outside the span. All else: the whole node.
    struct span span;
    struct str text; // of DOCUMENT_TEXT (NUL-terminated) and DOCUMENT_BIG; other scalars: as written
    union {
        bool boolean;
        int64_t integer;
        double real;
    };
    struct document_entry *entries; // in the file's order
    uint32_t entries_n;
    uint32_t height; // levels of nesting below and including it
    uint32_t weight; // nodes below and including it, aliases as often as they are named; saturates
};

// The root, or NULL where the text is no document at all (a syntax error, nothing in it). Faults that leave a
// document (duplicate keys) are reported as well; look at diags->errors.
struct document_node *document_read_yaml(struct arena *arena, const struct source_text *source,
                                         struct diags *diags);
struct document_node *document_read_json(struct arena *arena, const struct source_text *source,
                                         struct diags *diags);

// A node as data; never VALUE_MISSING. Keys must be distinct.
struct value document_value(struct arena *arena, const struct document_node *node);

struct document_entry *document_find(const struct document_node *mapping,
                                     struct str key);            // NULL: not there, or no mapping
const char *document_describe(const struct document_node *node); // "a list", "a number", "nothing"

// For the readers.
struct document_node *document_new_node(struct arena *arena, enum document_kind kind, struct span span);
void document_append(struct arena *arena, struct document_node *parent, struct document_entry **last,
                     struct document_entry entry);
// Reports keys that a mapping has more than once. Call when it is complete.
void document_check_keys(const struct document_node *mapping, const struct source_text *source,
                         struct diags *diags);
void *document_alloc(struct arena *arena, size_t size);         // zeroed, never NULL
struct str document_text(struct arena *arena, struct str text); // a copy, NUL-terminated
// Quotes left out of a span whose bytes are the text itself; otherwise a span that is not as long as the
// text.
struct span document_text_span(struct str source, struct span span, struct str text);

#endif
