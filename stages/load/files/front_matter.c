// SPDX-License-Identifier: MIT
#include "stages/load/files/front_matter.h"

#include "base/utf8.h"
#include "stages/record/document.h"

static size_t skip_mark(struct str text) {
    return str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;
}

static size_t skip_blanks(struct str text, size_t at) {
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at;
}

// Where the next line begins, if there is nothing but blanks from `at` on in this one; 0: there is.
static size_t line_end(struct str text, size_t at) {
    at = skip_blanks(text, at);
    if (at < text.n && text.p[at] == '\r')
        at++;
    if (at == text.n)
        return at;
    return text.p[at] == '\n' ? at + 1 : 0;
}

static struct front_matter fail(struct arena *arena, const struct source_text *page, size_t at,
                                const char *message) {
    return (struct front_matter){
        .meta = value_missing(),
        .fault = diag_make(arena, page, (struct span){(uint32_t)at, 1}, "%s", message),
        .fault_at = at,
    };
}

static struct front_matter too_long(struct arena *arena, const struct source_text *page, size_t at) {
    struct err err;
    err_set(&err, STATUS_LIMIT, "the front matter is longer than %d bytes", FRONT_MATTER_BYTES);
    return fail(arena, page, at, err.text);
}

// YAML -------------------------------------------------------------------------------------------------------

struct extent {
    size_t begin, end; // of the front matter
    size_t text;       // where the page's text begins
};

static bool find_yaml(struct str page, struct extent *extent) {
    extent->begin = skip_mark(page);
    if (!str_starts(str_from(page, extent->begin), STR("---")))
        return false;
    size_t at = line_end(page, extent->begin + 3);
    while (at > 0 && at < page.n) {
        struct str line = str_from(page, at);
        size_t next =
            str_starts(line, STR("---")) || str_starts(line, STR("...")) ? line_end(page, at + 3) : 0;
        if (next) {
            extent->end = at;
            extent->text = next;
            return true;
        }
        const char *end = memchr(line.p, '\n', line.n);
        at = end ? (size_t)(end - page.p) + 1 : page.n;
    }
    return false;
}

// Where a line and a column are in a page.
static size_t byte_of(struct str page, const struct diag *diag) {
    size_t at = skip_mark(page);
    for (uint32_t line = 1; line < diag->line; line++) {
        const char *end = memchr(page.p + at, '\n', page.n - at);
        if (!end)
            return page.n;
        at = (size_t)(end - page.p) + 1;
    }
    return diag->column ? at + utf8_offset(str_from(page, at), diag->column - 1) : at;
}

// What is wrong may show only where the front matter ends; then the page has a line to show that its reader had not.
static struct front_matter fault_of(struct arena *arena, const struct source_text *page,
                                    const struct diags *diags) {
    struct diag *fault = diags->first;
    if (fault == &diags->spare) // which ends with the list
        return fail(arena, page, 0, "there is no memory for the front matter");
    size_t at = byte_of(page->text, fault);
    if (fault->line_text.n == 0) {
        const struct diag *seen = diag_make(arena, page, (struct span){(uint32_t)at, 1}, " ");
        fault->line_text = seen->line_text;
        fault->caret = seen->caret;
        fault->caret_n = seen->caret_n;
    }
    return (struct front_matter){.meta = value_missing(), .fault = fault, .fault_at = at};
}

static void check_root(const struct document_node *root, const struct source_text *source,
                       struct diags *diags) {
    if (root->kind != DOCUMENT_MAPPING) {
        struct diag *d =
            diags_error(diags, source, root->span, "front matter must be a mapping of keys to values, not %s",
                        document_describe(root));
        diag_hint(diags, d, "a page that begins with a thematic break may write it as ***");
    } else if (root->weight > FRONT_MATTER_VALUES) {
        diags_error(diags, source, (struct span){(uint32_t)skip_mark(source->text), 3},
                    "the front matter stands for more than %d values", FRONT_MATTER_VALUES);
    }
}

// Aliases written out, as the values are.
static uint64_t fields_within(const struct document_node *node) {
    uint64_t n = node->kind == DOCUMENT_MAPPING ? node->entries_n : 0;
    for (const struct document_entry *entry = node->entries; entry; entry = entry->next)
        n += fields_within(entry->value);
    return n;
}

// The first "---" begins a document of YAML too, so the page up to the second is one, and all places are right.
static struct front_matter read_yaml(struct arena *arena, struct reader *reader,
                                     const struct source_text *page, const struct extent *extent) {
    const struct source_text source = {page->name, str_slice(page->text, 0, extent->end)};
    struct diags diags;
    if (extent->end - extent->begin > FRONT_MATTER_BYTES)
        return too_long(arena, page, extent->begin);
    diags_init(&diags, arena);
    const struct document_node *root = document_read_yaml(arena, &source, &diags);
    if (!diags.errors && (!root || root->kind == DOCUMENT_NULL))
        root = document_new_node(arena, DOCUMENT_MAPPING, (struct span){0, 0});
    if (!diags.errors)
        check_root(root, &source, &diags);
    if (diags.errors)
        return fault_of(arena, page, &diags);
    reader->fields.parsed += fields_within(root);
    return (struct front_matter){.meta = document_value(arena, root),
                                 .text = str_from(page->text, extent->text)};
}

// JSON -------------------------------------------------------------------------------------------------------

static bool begins_object(struct str page, size_t at) {
    if (at == page.n || page.p[at] != '{')
        return false;
    do
        at++;
    while (at < page.n && memchr(" \t\r\n", page.p[at], 4));
    return at < page.n && (page.p[at] == '"' || page.p[at] == '}');
}

// Behind the bracket that closes the object, as far as strings and brackets tell; text.n: it is not closed.
static size_t object_end(struct str text, size_t at) {
    size_t depth = 0;
    bool in_string = false;
    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '\\' && in_string)
            at++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && --depth == 0)
            return at + 1;
    }
    return text.n;
}

static struct front_matter read_json(struct arena *arena, struct reader *reader,
                                     const struct source_text *page, size_t begin) {
    struct str window = str_slice(page->text, 0, begin + FRONT_MATTER_BYTES + 1);
    size_t end = object_end(window, begin);
    if (end - begin > FRONT_MATTER_BYTES)
        return too_long(arena, page, begin);
    const struct projection *projection = reader->projection;
    struct front_matter result = {.meta = value_missing()};
    reader->projection = NULL;
    enum status status = reader_parse(reader, str_slice(page->text, begin, end), arena, &result.meta);
    reader->projection = projection;
    if (status == STATUS_MEMORY)
        return fail(arena, page, begin, "there is no memory for the front matter");
    if (status != STATUS_OK)
        return fail(arena, page, begin + reader->fault_at, reader->fault);
    size_t text = line_end(page->text, end);
    if (!text)
        return fail(arena, page, skip_blanks(page->text, end),
                    "the text must begin on a line of its own after the front matter");
    result.text = str_from(page->text, text);
    return result;
}

struct front_matter front_matter_read(struct arena *arena, struct reader *reader,
                                      const struct source_text *page) {
    struct extent extent;
    size_t begin = skip_mark(page->text);
    if (find_yaml(page->text, &extent))
        return read_yaml(arena, reader, page, &extent);
    if (begins_object(page->text, begin))
        return read_json(arena, reader, page, begin);
    return (struct front_matter){.meta = value_missing(), .text = str_from(page->text, begin)};
}
