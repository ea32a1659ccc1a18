// SPDX-License-Identifier: MIT
#include "stages/load/query_parameters.h"

#include <ctype.h>

#include "base/suggest.h"
#include "stages/record/value_json.h"

static bool is_of_name(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

// Past a text in quotes, a name in brackets or a comment that begins at `at`; `at` itself where none does.
static size_t skip_quoted(struct str query, size_t at) {
    const struct str rest = str_from(query, at);
    if (str_starts(rest, STR("--"))) {
        const char *end = memchr(rest.p, '\n', rest.n);
        return end ? (size_t)(end - query.p) : query.n;
    }
    if (str_starts(rest, STR("/*"))) {
        const char *end = memmem(rest.p + 2, rest.n - 2, "*/", 2);
        return end ? (size_t)(end - query.p) + 2 : query.n;
    }
    const char open = rest.n ? rest.p[0] : 0, close = open == '[' ? ']' : open;
    if (!open || !strchr("'\"`[", open))
        return at;
    const char *end = memchr(rest.p + 1, close, rest.n - 1);
    return end ? (size_t)(end - query.p) + 1 : query.n;
}

bool query_parameters_next(struct str query, size_t *at, struct str *name) {
    size_t i = *at;
    while (i < query.n) {
        const size_t after = skip_quoted(query, i);
        const char c = query.p[i];
        if (after > i) {
            i = after;
            continue;
        }
        size_t end = i + 1;
        while (end < query.n && is_of_name(query.p[end]))
            end++;
        if (c == ':' && end < query.n && end == i + 1 && query.p[end] == ':') { // a cast
            i = end + 1;
            continue;
        }
        if ((c == ':' || c == '@' || c == '$') && end > i + 1) {
            *name = str_slice(query, i + 1, end);
            *at = end;
            return true;
        }
        while (is_of_name(c) && end < query.n && (is_of_name(query.p[end]) || query.p[end] == '$'))
            end++; // a '$' within a name begins none
        i = is_of_name(c) ? end : i + 1;
    }
    *at = i;
    return false;
}

struct value query_parameters_find(const struct load_options *options, struct str name) {
    const struct value places[] = {options->parameters, options->globals};
    for (size_t i = 0; i < 2; i++) {
        if (places[i].tag != VALUE_MAP)
            continue;
        const struct value value = map_get(places[i].map, name);
        if (value.tag != VALUE_MISSING && value.tag != VALUE_UNDEFINED)
            return value;
    }
    return value_missing();
}

static void add_list(struct buf *out, const struct list *list) {
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < list->n; i++) {
        buf_add_text(out, i ? "," : "");
        query_parameters_add_json(out, list->items[i]);
    }
    buf_add_char(out, ']');
}

static void add_map(struct buf *out, const struct map *map) {
    buf_add_char(out, '{');
    for (uint32_t i = 0; i < map->shape->n; i++) {
        buf_add_text(out, i ? "," : "");
        query_parameters_add_json(out, map->shape->keys[i]);
        buf_add_char(out, ':');
        query_parameters_add_json(out, map->values[i]);
    }
    buf_add_char(out, '}');
}

// Values of a manifest or its globals, which are no deeper than those were allowed to be.
void query_parameters_add_json(struct buf *out, struct value value) {
    if (value_is_string(value))
        buf_add_json(out, value_str(value));
    else if (value.tag == VALUE_LIST)
        add_list(out, value.list);
    else if (value.tag == VALUE_MAP)
        add_map(out, value.map);
    else if (!value_json_add_scalar(out, value))
        buf_add_text(out, "null");
}

void query_parameters_write(const struct load_options *options, struct buf *out) {
    struct str name;
    for (size_t at = 0; query_parameters_next(options->query, &at, &name);) {
        const struct value value = query_parameters_find(options, name);
        if (value.tag == VALUE_MISSING)
            continue;
        buf_printf(out, " %.*s=", STR_ARG(name));
        query_parameters_add_json(out, value);
    }
}

enum status query_parameters_missing(const struct load_options *options, struct str name, struct err *err) {
    struct suggestion near = suggest_for(name);
    const struct value places[] = {options->parameters, options->globals};
    for (size_t i = 0; i < 2; i++)
        for (uint32_t k = 0; places[i].tag == VALUE_MAP && k < places[i].map->shape->n; k++)
            suggest_offer(&near, value_str(places[i].map->shape->keys[k]));
    if (near.best.p)
        return err_set(
            err, STATUS_DATA,
            "%.*s: query: nothing is called \"%.*s\" in the source's parameters or in the globals; did "
            "you mean \"%.*s\"?",
            STR_ARG(options->name), STR_ARG(name), STR_ARG(near.best));
    return err_set(
        err, STATUS_DATA,
        "%.*s: query: nothing gives :%.*s a value; say it in `parameters` of the source, or in `globals`",
        STR_ARG(options->name), STR_ARG(name));
}
