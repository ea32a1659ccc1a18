// SPDX-License-Identifier: MIT
// Sources of a manifest: what they read, and which of their keys their format understands.
#include "pipeline/manifest/manifest_private.h"
#include "stages/load/files/glob.h"
#include "stages/load/postgresql/pg_url.h"

static void check_pointer(struct manifest_filling *f, struct str pointer, struct span span) {
    bool bad = pointer.n && pointer.p[0] != '/';
    if (bad) {
        struct diag *d = diags_error(f->diags, &f->m->text, span, "a JSON pointer begins with '/'");
        diag_hint(f->diags, d, "did you mean \"/%.*s\"?", STR_ARG(pointer));
    }
    for (size_t i = 0; i < pointer.n && !bad; i++) {
        char next = i + 1 < pointer.n ? pointer.p[i + 1] : 0;
        bad = pointer.p[i] == '~' && next != '0' && next != '1';
        if (bad)
            diags_error(f->diags, &f->m->text, span,
                        "in a JSON pointer '~' is written ~0 and '/' in a name ~1");
    }
}

static void hint_formats(struct manifest_filling *f, struct diag *d) {
    struct buf known = BUF_INIT;
    for (size_t i = 0; load_formats[i]; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", load_formats[i]->name);
    diag_hint(f->diags, d, "say it with \"format\": %s", buf_text(&known));
    buf_release(&known);
}

// The source that reads standard input already, or NULL.
static const struct manifest_source *reads_input(const struct manifest *m, size_t before) {
    for (size_t i = 0; i < before; i++) {
        if (str_is(m->sources[i].path, "-"))
            return &m->sources[i];
    }
    return NULL;
}

// The formats that understand a key which not all do, " or " between them.
static void add_formats_of(struct str key, struct buf *formats) {
    for (size_t i = 0; load_formats[i]; i++)
        if (load_format_has_key(load_formats[i], key))
            buf_printf(formats, "%s%s", formats->n ? " or " : "", load_formats[i]->name);
}

static void check_format_keys(struct manifest_filling *f, const struct document_node *node,
                              const struct load_format *format) {
    struct buf formats = BUF_INIT;
    for (const struct document_entry *entry = node->entries; entry; entry = entry->next) {
        if (load_format_has_key(format, entry->key) || document_find(node, entry->key) != entry)
            continue; // understood, or there twice, which is said already
        buf_clear(&formats);
        add_formats_of(entry->key, &formats);
        if (formats.n > 0)
            diags_error(f->diags, &f->m->text, entry->key_span,
                        "\"%.*s\" is for sources of format %s; this one is %s", STR_ARG(entry->key),
                        buf_text(&formats), format->name);
    }
    buf_release(&formats);
}

static const struct load_format *find_format(struct manifest_filling *f, const struct manifest_source *source,
                                             const struct document_node *node, struct span path_span) {
    struct manifest *m = f->m;
    bool input = str_is(source->shown, "-");
    const struct load_format *format =
        source->format.p ? load_format_named(source->format) : load_format_for(source->path);
    if (format || document_find(node, STR("format")))
        return format;
    struct diag *d =
        input ? diags_error(f->diags, &m->text, path_span, "standard input needs a format")
              : diags_error(f->diags, &m->text, path_span,
                            "the name \"%.*s\" does not say what format it has", STR_ARG(source->shown));
    hint_formats(f, d);
    return NULL;
}

static void check_input(struct manifest_filling *f, size_t index, struct span path_span) {
    const struct manifest_source *first = reads_input(f->m, index);
    if (first)
        diags_error(f->diags, &f->m->text, path_span,
                    "only one source can read standard input; \"%.*s\" does already", STR_ARG(first->name));
}

static void check_url(struct manifest_filling *f, const struct manifest_source *source,
                      const struct load_format *format, const struct document_node *node, struct span span) {
    if (source->url.p && !pg_url_is(source->url))
        diags_error(f->diags, &f->m->text, span,
                    "the url of a database begins with postgresql://; a file is named by \"path\"");
    else if (!source->url.p && format && strcmp(format->name, "postgresql") == 0)
        diags_error(f->diags, &f->m->text, manifest_node(node, "format")->span,
                    "a database on a server is named by \"url\", not by a path");
}

static void check_source(struct manifest_filling *f, size_t index, const struct document_node *node,
                         struct span path_span) {
    const struct manifest_source *source = &f->m->sources[index];
    const struct document_node *pointer = manifest_node(node, "pointer");
    bool is_pattern = source->files.p != NULL;
    struct err err;
    if (is_pattern && glob_check(source->files, &err) != STATUS_OK)
        diags_error(f->diags, &f->m->text, path_span, "%s", err.text);
    bool input = str_is(source->shown, "-") && !is_pattern;
    if (input)
        check_input(f, index, path_span);
    const struct load_format *format = find_format(f, source, node, path_span);
    check_url(f, source, format, node, path_span);
    if (input && format && strcmp(format->name, "sqlite") == 0)
        diags_error(f->diags, &f->m->text, path_span, "a database cannot be read from standard input");
    if (format && is_pattern != (strcmp(format->name, "files") == 0))
        diags_error(f->diags, &f->m->text, manifest_node(node, "format")->span,
                    is_pattern ? "a source of files has no other format"
                               : "files of a directory are named by \"files\", not by \"path\"");
    if (pointer)
        check_pointer(f, source->pointer, pointer->span);
    if (format)
        check_format_keys(f, node, format);
}

// Columns ----------------------------------------------------------------------------------------------------

static enum column_type type_named(struct str name) {
    size_t i = 0;
    while (column_type_name(i) && !str_is(name, column_type_name(i)))
        i++;
    return (enum column_type)i;
}

static void fill_types(struct manifest *m, const struct document_node *node, struct manifest_source *source) {
    const struct document_node *types = manifest_node(node, "types");
    if (!types)
        return;
    struct load_column *columns = document_alloc(&m->arena, sizeof *columns * (types->entries_n + 1));
    for (const struct document_entry *e = types->entries; e; e = e->next)
        if (!e->value->faulty)
            columns[source->types_n++] = (struct load_column){e->key, type_named(e->value->text)};
    source->types = columns;
}

static void fill_delimiter(struct manifest_filling *f, const struct document_node *node,
                           struct manifest_source *source) {
    struct str text = {NULL, 0};
    struct span span;
    manifest_take_text(node, "delimiter", &text, &span);
    if (!text.p)
        return;
    if (text.n == 1 && !strchr("\"\r\n", text.p[0]) && (unsigned char)text.p[0] < 0x80)
        source->delimiter = text.p[0];
    else
        diags_error(f->diags, &f->m->text, span,
                    "a delimiter is one ASCII character, not a quote and not a line end");
}

static void check_columns(struct manifest_filling *f, const struct document_node *columns) {
    enum { COLUMNS_MAX = 4096 };
    if (columns->entries_n > COLUMNS_MAX) {
        diags_error(f->diags, &f->m->text, columns->span, "more than %d columns", COLUMNS_MAX);
        return;
    }
    for (const struct document_entry *e = columns->entries; e; e = e->next)
        for (const struct document_entry *other = columns->entries; other != e; other = other->next)
            if (!e->value->faulty && !other->value->faulty && str_equal(e->value->text, other->value->text))
                diags_error(f->diags, &f->m->text, e->value->span, "the column \"%.*s\" is named twice",
                            STR_ARG(e->value->text));
}

static void fill_columns(struct manifest_filling *f, const struct document_node *node,
                         struct manifest_source *source) {
    source->columns_n = manifest_take_texts(&f->m->arena, node, "columns", &source->columns);
    const struct document_node *columns = manifest_node(node, "columns");
    if (columns)
        check_columns(f, columns);
    const struct document_node *header = manifest_node(node, "header");
    if (header)
        source->header = header->boolean ? LOAD_HEADER_YES : LOAD_HEADER_NO;
    if (header && !header->boolean && !columns)
        diags_error(f->diags, &f->m->text, header->span,
                    "without a header the columns need names: say them with \"columns\"");
    fill_types(f->m, node, source);
    fill_delimiter(f, node, source);
}

// ------------------------------------------------------------------------------------------------------------

static struct str without_secrets(struct arena *arena, struct str url) {
    struct buf shown = BUF_INIT;
    pg_url_write_shown(url, &shown);
    const struct str text = document_text(arena, buf_str(&shown));
    buf_release(&shown);
    return text;
}

static void fill_path(struct manifest_filling *f, const struct document_node *node,
                      struct manifest_source *source, struct span *span) {
    struct manifest *m = f->m;
    if (node->kind == DOCUMENT_TEXT) {
        source->shown = node->text;
        *span = node->span;
    }
    manifest_take_text(node, "path", &source->shown, span);
    manifest_take_text(node, "files", &source->files, span);
    manifest_take_text(node, "url", &source->url, span);
    manifest_take_text(node, "format", &source->format, &(struct span){0});
    if (!source->url.p && source->shown.p && pg_url_is(source->shown))
        source->url = source->shown;
    if (source->url.p) {
        source->shown = without_secrets(&m->arena, source->url);
        source->url = document_text(&m->arena, source->url);
        source->path = (struct str){NULL, 0};
        source->format = source->format.p ? source->format : STR("postgresql");
    } else if (source->files.p) {
        source->shown = source->files;
        source->path = m->directory;
        source->format = source->format.p ? source->format : STR("files");
    } else if (source->shown.p) {
        bool input = str_is(source->shown, "-");
        source->path = input ? source->shown : manifest_resolve(&m->arena, m->directory, source->shown);
    }
}

static void fill_source(struct manifest_filling *f, size_t index, const struct document_entry *entry) {
    struct manifest_source *source = &f->m->sources[index];
    const struct document_node *node = entry->value;
    struct span span = entry->key_span, other;
    source->name = entry->key;
    source->span = entry->key_span;
    if (node->faulty)
        return;
    fill_path(f, node, source, &span);
    manifest_take_text(node, "pointer", &source->pointer, &other);
    source->retry = manifest_take_retry(node);
    manifest_take_text(node, "query", &source->query, &other);
    manifest_take_text(node, "table", &source->table, &other);
    source->schema = manifest_take_schema(f, node);
    manifest_fill_database(f, node, source);
    manifest_take_text(node, "key", &source->key, &source->key_span);
    fill_columns(f, node, source);
    source->path_span = span;
    if (source->shown.p) // else reported
        check_source(f, index, node, span);
}

void manifest_fill_sources(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *sources = manifest_node(root, "sources");
    if (!sources)
        return;
    f->m->sources = document_alloc(&f->m->arena, sizeof *f->m->sources * (sources->entries_n + 1));
    for (const struct document_entry *e = sources->entries; e; e = e->next) {
        fill_source(f, f->m->sources_n, e);
        f->m->sources_n++;
    }
    manifest_fill_joins(f, sources);
}
