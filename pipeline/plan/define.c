// SPDX-License-Identifier: MIT
#include "pipeline/plan/define.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/record/document.h"
#include "stages/render/letters.h"

static bool parse_one(struct arena *arena, const char *word, struct define *out, struct diags *diags) {
    const struct source_text source = {STR("-D"), str_of(word)};
    const char *equals = strchr(word, '=');
    if (!equals) {
        diags_error(diags, &source, (struct span){0, (uint32_t)source.text.n},
                    "expected name=text or name:=json");
        return false;
    }
    bool json = equals > word && equals[-1] == ':';
    out->name = (struct str){word, (size_t)(equals - word) - json};
    if (!letters_is_identifier(out->name)) {
        diags_error(diags, &source, (struct span){0, (uint32_t)(out->name.n ? out->name.n : 1)},
                    "a name consists of letters, digits and _, and does not begin with a digit");
        return false;
    }
    struct str text = str_of(equals + 1);
    out->value = value_string(text);
    size_t bad;
    if (!utf8_valid(source.text, &bad)) {
        diags_error(diags, &source, (struct span){(uint32_t)bad, 1}, "the text is not UTF-8");
        return false;
    }
    if (!json)
        return true;
    const struct source_text value = {
        document_text(arena, str_of(arena_printf(arena, "-D %.*s", STR_ARG(out->name)))), text};
    size_t errors = diags->errors;
    const struct document_node *node = document_read_json(arena, &value, diags);
    if (!node || diags->errors > errors)
        return false;
    out->value = document_value(arena, node);
    return true;
}

const struct define *define_parse(struct arena *arena, const char *const *words, size_t n,
                                  struct diags *diags) {
    struct define *defines = document_alloc(arena, sizeof *defines * (n + 1));
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok &= parse_one(arena, words[i], &defines[i], diags);
    return ok ? defines : NULL;
}

static size_t find_key(const struct value *keys, size_t n, struct str name) {
    size_t i = 0;
    while (i < n && !(value_is_string(keys[i]) && str_equal(value_str(keys[i]), name)))
        i++;
    return i;
}

struct value define_over(struct arena *arena, struct value base, const struct define *defines, size_t n) {
    const struct map *under = base.tag == VALUE_MAP ? base.map : NULL;
    size_t under_n = under ? under->shape->n : 0, keys_n = under_n;
    struct value *keys = document_alloc(arena, sizeof *keys * (under_n + n + 1));
    struct value *values = document_alloc(arena, sizeof *values * (under_n + n + 1));
    for (size_t i = 0; i < under_n; i++) {
        keys[i] = under->shape->keys[i];
        values[i] = under->values[i];
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = find_key(keys, keys_n, defines[i].name);
        keys_n += at == keys_n;
        keys[at] = value_string(defines[i].name);
        values[at] = defines[i].value;
    }
    struct shape *shape = shape_new_private(arena, keys, (uint32_t)keys_n);
    struct map *map = shape ? map_new(arena, shape) : NULL;
    if (!map)
        mem_fail(sizeof *keys * keys_n);
    memcpy(map->values, values, sizeof *values * keys_n);
    return value_map(map);
}
