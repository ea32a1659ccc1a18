// SPDX-License-Identifier: MIT
#include "stages/load/csv/csv_columns.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "stages/load/csv/csv_scan.h"

enum { NAME_SHOWN = 60 }; // bytes of a name in a message

void csv_columns_release(struct csv_columns *c) {
    for (struct csv_view *view = atomic_load(&c->views), *next; view; view = next) {
        next = view->next;
        arena_release(&view->arena);
        mem_free(view);
    }
    arena_release(&c->arena);
}

static void *take(struct csv_columns *c, size_t size) { // names are bookkeeping, and bounded
    void *p = arena_zero(&c->arena, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

static struct str keep(struct csv_columns *c, struct str text) {
    char *to = take(c, text.n + 1);
    if (text.n)
        memcpy(to, text.p, text.n);
    return (struct str){to, text.n};
}

static struct str shown(struct csv_columns *c, struct str name) {
    struct str cut = diag_escape(&c->arena, str_slice(name, 0, NAME_SHOWN));
    return cut.p ? cut : STR("?");
}

static int compare_names(const void *a, const void *b) {
    const struct load_column *const *x = a, *const *y = b;
    int order = str_compare((*x)->name, (*y)->name);
    return order ? order : (*x > *y) - (*x < *y);
}

// Where a name stands for the second time, and in *first where it stands before; NULL: all are different. Sorted, not
// hashed: a header may well be nothing but one name a million times.
static const struct load_column *find_repeated(const struct csv_columns *c,
                                               const struct load_column **first) {
    const struct load_column **sorted = MEM_NEW_ARRAY(const struct load_column *, c->n);
    const struct load_column *found = NULL;
    for (size_t i = 0; i < c->n; i++)
        sorted[i] = &c->columns[i];
    qsort(sorted, c->n, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < c->n; i++) {
        if ((found && sorted[i] > found) || !str_equal(sorted[i - 1]->name, sorted[i]->name))
            continue;
        found = sorted[i];
        *first = sorted[i - 1];
    }
    mem_free(sorted);
    return found;
}

static enum status check_names(struct csv_columns *c, struct err *err) {
    for (size_t i = 0; i < c->n; i++)
        if (c->columns[i].name.n == 0)
            return err_set(err, STATUS_DATA, "%.*s: %s: column %zu has no name", STR_ARG(c->source),
                           c->named_in, i + 1);
    const struct load_column *first, *second = find_repeated(c, &first);
    if (!second)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "%.*s: %s: columns %zu and %zu have the same name \"%.*s\"",
                   STR_ARG(c->source), c->named_in, (size_t)(first - c->columns) + 1,
                   (size_t)(second - c->columns) + 1, STR_ARG(shown(c, second->name)));
}

static enum status set_types(struct csv_columns *c, const struct shape *shape, struct err *err) {
    for (size_t i = 0; i < c->types_n; i++) {
        int64_t at = shape_find(shape, c->types[i].name);
        if (at >= 0) {
            c->columns[at].type = c->types[i].type;
            continue;
        }
        struct suggestion near = suggest_for(c->types[i].name);
        for (size_t k = 0; k < c->n; k++)
            suggest_offer(&near, c->columns[k].name);
        return err_set(err, STATUS_DATA, "%.*s: types: there is no column \"%.*s\"%s%.*s%s",
                       STR_ARG(c->source), STR_ARG(shown(c, c->types[i].name)),
                       near.best.p ? ", did you mean \"" : "",
                       STR_ARG(near.best.p ? shown(c, near.best) : STR("")), near.best.p ? "\"?" : "");
    }
    return STATUS_OK;
}

// Once all names are there.
static enum status settle(struct csv_columns *c, struct err *err) {
    if (check_names(c, err) != STATUS_OK)
        return err->status;
    c->keys = take(c, c->n * sizeof *c->keys);
    for (size_t i = 0; i < c->n; i++)
        c->keys[i] = value_string(c->columns[i].name);
    const struct shape *shape = shape_new_private(&c->arena, c->keys, (uint32_t)c->n);
    if (!shape)
        mem_fail(c->n);
    return set_types(c, shape, err);
}

enum status csv_columns_init(struct csv_columns *c, const struct load_options *options, struct err *err) {
    c->source = options->name;
    arena_init(&c->arena, 0);
    c->types_n = options->types_n;
    c->types = take(c, c->types_n * sizeof *c->types);
    for (size_t i = 0; i < c->types_n; i++)
        c->types[i] = (struct load_column){keep(c, options->types[i].name), options->types[i].type};
    c->named_in = "columns";
    if (options->columns_n == 0)
        return STATUS_OK;
    if (options->columns_n > CSV_COLUMNS_MAX)
        return err_set(err, STATUS_LIMIT, "%.*s: columns: more than %d", STR_ARG(c->source), CSV_COLUMNS_MAX);
    c->columns = take(c, options->columns_n * sizeof *c->columns);
    for (; c->n < options->columns_n; c->n++)
        c->columns[c->n].name = keep(c, options->columns[c->n]);
    return settle(c, err);
}

// The header --------------------------------------------------------------------------------------------------

struct header {
    struct csv_columns *columns;
    struct str text;
    uint64_t line;
    struct err *err;
};

static enum status fault_at(const struct header *h, const char *at, const char *what) {
    uint32_t line, column;
    source_locate(h->text, (size_t)(at - h->text.p), &line, &column, NULL);
    return err_set(h->err, STATUS_DATA, "%.*s:%llu:%u: %s", STR_ARG(h->columns->source),
                   (unsigned long long)(h->line + line - 1), column, what);
}

static size_t count_fields(struct str text, char delimiter) {
    const char *p = text.p, *end = p + text.n;
    struct csv_field field;
    size_t n = 1;
    while ((p = csv_field(p, end, delimiter, &field)) < end) {
        p++;
        n++;
    }
    return n;
}

static enum status add_name(const struct header *h, const char *at, const struct csv_field *field) {
    struct csv_columns *c = h->columns;
    if (field->fault == CSV_UNCLOSED)
        return fault_at(h, at, "the quote that opens here is never closed");
    if (field->fault == CSV_TEXT_BEHIND_QUOTE)
        return fault_at(h, at, "the quoted name that begins here is followed by more text");
    const char *lone = field->quoted || !field->text.n ? NULL : memchr(field->text.p, '\r', field->text.n);
    if (lone)
        return fault_at(h, lone, "a carriage return within a name: lines end with LF or CRLF");
    struct str name = field->text;
    if (field->doubled) {
        char *to = take(c, name.n);
        name = (struct str){to, csv_field_plain(field, to)};
    } else {
        name = keep(c, name);
    }
    c->columns[c->n++].name = name;
    return STATUS_OK;
}

static enum status read_names(const struct header *h, char delimiter) {
    const char *p = h->text.p, *end = p + h->text.n;
    int64_t bad = csv_bad_byte(h->text);
    if (bad >= 0)
        return fault_at(h, p + bad, p[bad] ? "invalid UTF-8 in the header" : "a NUL byte in the header");
    for (;; p++) {
        struct csv_field field;
        const char *at = p;
        p = csv_field(p, end, delimiter, &field);
        if (add_name(h, at, &field) != STATUS_OK)
            return h->err->status;
        if (p == end)
            return STATUS_OK;
    }
}

enum status csv_columns_header(struct csv_columns *c, char delimiter, struct str text, uint64_t line,
                               struct err *err) {
    const struct header h = {c, text, line, err};
    size_t n = count_fields(text, delimiter);
    if (c->n > 0 && n == c->n)
        return STATUS_OK;
    if (c->n > 0)
        return err_set(err, STATUS_DATA, "%.*s: the header has %zu fields, columns names %zu",
                       STR_ARG(c->source), n, c->n);
    if (n > CSV_COLUMNS_MAX)
        return err_set(err, STATUS_LIMIT, "%.*s: the header has more than %d fields", STR_ARG(c->source),
                       CSV_COLUMNS_MAX);
    c->named_in = "the header";
    c->columns = take(c, n * sizeof *c->columns);
    enum status status = read_names(&h, delimiter);
    return status == STATUS_OK ? settle(c, err) : status;
}

// Views -------------------------------------------------------------------------------------------------------

static const struct shape *make_shape(struct csv_view *view, struct shapes *shapes, const struct value *keys,
                                      uint32_t n) {
    const struct shape *shape = shapes_of_names(shapes, keys, n);
    return shape ? shape : shape_new_private(&view->arena, keys, n);
}

static struct csv_view *make_view(const struct csv_columns *c, const struct reader *reader) {
    const struct projection *projection = reader->projection;
    struct csv_view *view = mem_alloc(sizeof *view + c->n * sizeof *view->columns);
    arena_init(&view->arena, 0);
    view->shapes = reader->shapes;
    view->projection = projection;
    view->parsed = 0;
    struct value *keys = arena_alloc(&view->arena, c->n * sizeof *keys);
    int32_t wanted = 0;
    for (size_t i = 0; keys && i < c->n; i++) {
        struct csv_place *place = &view->columns[i];
        place->type = c->columns[i].type;
        place->want = projection ? projection_find(projection, c->columns[i].name) : NULL;
        view->parsed += !projection || place->want;
        place->slot = projection && !place->want && !projection->keys ? -1 : wanted;
        if (place->slot >= 0)
            keys[wanted++] = c->keys[i];
    }
    view->shape = keys ? make_shape(view, reader->shapes, keys, (uint32_t)wanted) : NULL;
    if (view->shape)
        return view;
    arena_release(&view->arena);
    mem_free(view);
    return NULL;
}

// Two threads may make the same view at once, which costs some memory and nothing else.
const struct csv_view *csv_columns_view(struct csv_columns *c, const struct reader *reader) {
    struct csv_view *first = atomic_load_explicit(&c->views, memory_order_acquire);
    for (const struct csv_view *view = first; view; view = view->next)
        if (view->projection == reader->projection && view->shapes == reader->shapes)
            return view;
    struct csv_view *made = make_view(c, reader);
    if (!made)
        return NULL;
    made->next = first;
    while (!atomic_compare_exchange_weak_explicit(&c->views, &made->next, made, memory_order_release,
                                                  memory_order_relaxed))
        ;
    return made;
}
