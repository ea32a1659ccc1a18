// SPDX-License-Identifier: MIT
// JSON: the bulk reader checks the text and says where each value stands; the tree is made from these places.
#include "base/mem.h"
#include "stages/record/document.h"
#include "stages/record/reader.h"

struct level {
    struct document_node *node;
    struct document_entry *last;
    struct document_entry entry; // how it hangs in its parent
};

struct json_reader {
    struct reader reader;
    struct arena *arena;
    const struct source_text *source;
    struct diags *diags;
    size_t skipped; // bytes of the byte-order mark
    struct level levels[DOCUMENT_DEPTH + 1];
    size_t depth;
    struct document_node *root;
};

// A scalar that the reader has accepted once already.
static struct value scalar_value(struct json_reader *r, struct str text) {
    struct value value = value_missing();
    if (reader_parse(&r->reader, text, r->arena, &value) != STATUS_OK)
        mem_fail(text.n);
    return value;
}

static struct document_node *scalar_node(struct json_reader *r, struct span span) {
    struct str written = str_slice(r->source->text, span.at, (size_t)span.at + span.n);
    struct value value = scalar_value(r, written);
    struct document_node *node = document_new_node(r->arena, DOCUMENT_NULL, span);
    node->text = written;
    switch (value.tag) {
    case VALUE_BOOL:
        node->kind = DOCUMENT_BOOL;
        node->boolean = value.i != 0;
        break;
    case VALUE_INT:
        node->kind = DOCUMENT_INT;
        node->integer = value.i;
        break;
    case VALUE_FLOAT:
        node->kind = DOCUMENT_FLOAT;
        node->real = value.f;
        break;
    case VALUE_BIG:
        node->kind = DOCUMENT_BIG;
        node->text = value_str(value);
        break;
    case VALUE_STRING:
        node->kind = DOCUMENT_TEXT;
        node->text = document_text(r->arena, value_str(value)); // the reader's may be a slice of the file
        node->span = document_text_span(r->source->text, span, node->text);
        break;
    default:
        break;
    }
    return node;
}

static void attach(struct json_reader *r, struct document_node *node, struct document_entry entry) {
    if (!r->depth) {
        r->root = node;
        return;
    }
    struct level *parent = &r->levels[r->depth - 1];
    entry.value = node;
    document_append(r->arena, parent->node, &parent->last, entry);
}

static void close_level(struct json_reader *r) {
    struct level *level = &r->levels[--r->depth];
    if (level->node->kind == DOCUMENT_MAPPING)
        document_check_keys(level->node, r->source, r->diags);
    attach(r, level->node, level->entry);
}

static void take_mark(struct json_reader *r, const struct reader_mark *mark) {
    struct str text = r->source->text;
    uint32_t base = (uint32_t)r->skipped;
    struct span span = {mark->at + base, mark->n};
    while (r->depth) {
        struct span open = r->levels[r->depth - 1].node->span;
        if (span.at < open.at + open.n)
            break;
        close_level(r);
    }
    struct document_entry entry = {.key_span = {mark->key_at + base, mark->key_n}};
    if (mark->key_n) {
        entry.key =
            value_str(scalar_value(r, str_slice(text, entry.key_span.at, entry.key_span.at + mark->key_n)));
        entry.key_span = document_text_span(text, entry.key_span, entry.key);
    }
    char first = text.p[span.at];
    if (first == '{' || first == '[')
        r->levels[r->depth++] = (struct level){
            .node = document_new_node(r->arena, first == '{' ? DOCUMENT_MAPPING : DOCUMENT_LIST, span),
            .entry = entry};
    else
        attach(r, scalar_node(r, span), entry);
}

static void report_fault(struct json_reader *r) {
    struct str text = r->source->text;
    struct span at = {(uint32_t)(r->reader.fault_at + r->skipped), 1};
    if (text.n == r->skipped)
        diags_error(r->diags, r->source, at, "there is nothing in this file");
    else
        diags_error(r->diags, r->source, at, "invalid JSON: %s",
                    r->reader.fault ? r->reader.fault : "unreadable");
}

struct document_node *document_read_json(struct arena *arena, const struct source_text *source,
                                         struct diags *diags) {
    struct json_reader *r = MEM_NEW(struct json_reader);
    struct reader_marks marks = {0};
    struct shapes *shapes = shapes_new();
    r->arena = arena;
    r->source = source;
    r->diags = diags;
    r->skipped = str_starts(source->text, STR("\xEF\xBB\xBF")) ? 3 : 0;
    reader_init(&r->reader, shapes, NULL);
    r->reader.max_depth = DOCUMENT_DEPTH;
    r->reader.marks = &marks;
    struct value value;
    enum status status = reader_parse(&r->reader, str_from(source->text, r->skipped), arena, &value);
    r->reader.marks = NULL;
    if (status == STATUS_MEMORY)
        mem_fail(source->text.n);
    if (status != STATUS_OK) {
        report_fault(r);
    } else {
        for (size_t i = 0; i < marks.n; i++)
            take_mark(r, &marks.marks[i]);
        while (r->depth)
            close_level(r);
    }
    struct document_node *root = r->root;
    reader_release(&r->reader);
    shapes_free(shapes);
    mem_free(marks.marks);
    mem_free(r);
    return root;
}
