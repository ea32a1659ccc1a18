// SPDX-License-Identifier: MIT
// What the table says, for machines (JSON Schema, draft 2020-12) and for people (the key list).
#include <jansson.h>

#include "base/mem.h"
#include "pipeline/manifest/manifest.h"
#include "pipeline/manifest/manifest_table.h"

// jansson's setters take NULL for "out of memory" and pass it on; here it ends.
static json_t *made(json_t *json) {
    if (!json)
        mem_fail(sizeof(void *));
    return json;
}

static void set(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, made(value)) != 0)
        mem_fail(sizeof(void *));
}

static void append(json_t *array, json_t *value) {
    if (json_array_append_new(array, made(value)) != 0)
        mem_fail(sizeof(void *));
}

static json_t *typed(const char *type) {
    json_t *schema = made(json_object());
    set(schema, "type", json_string(type));
    return schema;
}

static json_t *value_schema(const struct manifest_key *key);

static json_t *text_schema(const struct manifest_key *key) {
    json_t *schema = typed("string");
    if (key->value) {
        json_t *values = made(json_array());
        for (size_t i = 0; key->value(i); i++)
            append(values, json_string(key->value(i)));
        set(schema, "enum", values);
    } else if (!key->may_be_empty) {
        set(schema, "minLength", json_integer(1));
    }
    return schema;
}

static json_t *count_schema(int64_t min, int64_t max) {
    json_t *schema = typed("integer");
    set(schema, "minimum", json_integer(min));
    if (max != INT64_MAX)
        set(schema, "maximum", json_integer(max));
    return schema;
}

static json_t *size_text_schema(void) {
    json_t *schema = typed("string");
    set(schema, "pattern", json_string(MANIFEST_SIZE_PATTERN));
    return schema;
}

static json_t *time_text_schema(void) {
    json_t *schema = typed("string");
    set(schema, "pattern", json_string(MANIFEST_TIME_PATTERN));
    return schema;
}

static json_t *pattern_schema(const char *pattern) {
    json_t *schema = typed("string");
    set(schema, "pattern", json_string(pattern));
    return schema;
}

static json_t *texts_schema(const struct manifest_key *key) {
    json_t *schema = typed("array"), *item = text_schema(key);
    set(schema, "items", item);
    return schema;
}

// That `key` and `other` do not stand together; `other: false` does not count.
static json_t *apart(const char *key, struct str other) {
    json_t *both = made(json_object()), *names = made(json_array()), *counts = made(json_object()),
           *absent = made(json_object()), *no = made(json_object());
    append(names, json_string(key));
    append(names, json_stringn(other.p, other.n));
    set(both, "required", names);
    set(absent, "const", json_false());
    set(no, "not", absent);
    if (json_object_setn_new(counts, other.p, other.n, no) != 0)
        mem_fail(sizeof(void *));
    set(both, "properties", counts);
    return both;
}

static json_t *there(struct str key) {
    json_t *one = made(json_object()), *required = made(json_array());
    append(required, json_stringn(key.p, key.n));
    set(one, "required", required);
    return one;
}

// That one of them is there.
static json_t *either(const char *key, const char *others) {
    json_t *schema = made(json_object()), *any = made(json_array());
    append(any, there(str_of(key)));
    for (struct str other; manifest_key_word(&others, &other);)
        append(any, there(other));
    set(schema, "anyOf", any);
    return schema;
}

static json_t *not_both(const char *key, struct str other) {
    json_t *schema = made(json_object());
    set(schema, "not", apart(key, other));
    return schema;
}

static void set_unless_empty(json_t *schema, const char *key, json_t *list) {
    if (json_array_size(list) > 0)
        set(schema, key, list);
    else
        json_decref(list);
}

static json_t *mapping_schema(const struct manifest_key *parent) {
    json_t *schema = typed("object"), *properties = made(json_object()), *required = made(json_array()),
           *rules = made(json_array());
    for (const struct manifest_key *key = NULL; (key = manifest_key_next(parent, key));) {
        set(properties, manifest_key_name(key), value_schema(key));
        if (manifest_key_required(parent, key))
            append(required, json_string(manifest_key_name(key)));
        const char *others = key->unless;
        for (struct str other; manifest_key_word(&others, &other);)
            append(rules, not_both(manifest_key_name(key), other));
        if (key->or_else)
            append(rules, either(manifest_key_name(key), key->or_else));
    }
    set(schema, "properties", properties);
    set_unless_empty(schema, "required", required);
    set_unless_empty(schema, "allOf", rules);
    set(schema, "additionalProperties", json_false());
    return schema;
}

static json_t *named_schema(const struct manifest_key *parent) {
    json_t *schema = typed("object"), *names = made(json_object());
    if (!parent->any_name)
        set(names, "pattern", json_string(MANIFEST_NAME_PATTERN));
    set(schema, "propertyNames", names);
    set(schema, "minProperties", json_integer(1));
    set(schema, "additionalProperties", value_schema(manifest_key_next(parent, NULL)));
    return schema;
}

static json_t *listed_schema(const struct manifest_key *parent) {
    json_t *schema = typed("array");
    set(schema, "items", value_schema(manifest_key_next(parent, NULL)));
    return schema;
}

static json_t *form_schema(const struct manifest_key *key, unsigned form) {
    switch (form) {
    case FORM_TEXT:
        return text_schema(key);
    case FORM_BOOL:
        return typed("boolean");
    case FORM_COUNT:
    case FORM_SIZE:
    case FORM_TIME:
        return count_schema(key->min, key->max);
    case FORM_TEXTS:
        return texts_schema(key);
    case FORM_MAPPING:
        return mapping_schema(key);
    case FORM_NAMED:
        return named_schema(key);
    case FORM_NULL:
        return typed("null");
    case FORM_SHARE:
        return pattern_schema(MANIFEST_SHARE_PATTERN);
    case FORM_WAIT:
        return pattern_schema(MANIFEST_WAIT_PATTERN);
    case FORM_LISTED:
        return listed_schema(key);
    case FORM_ONE:
        return value_schema(manifest_key_next(key, NULL));
    case FORM_NUMBER:
        return typed("number");
    default:
        return typed("object");
    }
}

static json_t *value_schema(const struct manifest_key *key) {
    json_t *forms = made(json_array());
    for (unsigned form = FORM_TEXT; form <= FORM_LAST; form *= 2) {
        if (key->forms & form)
            append(forms, form_schema(key, form));
    }
    if (key->forms & FORM_SIZE)
        append(forms, size_text_schema());
    if (key->forms & FORM_TIME)
        append(forms, time_text_schema());
    json_t *schema = made(json_object());
    set(schema, "description", json_string(key->doc));
    if (key->standard)
        set(schema, "default", json_loads(key->standard, JSON_DECODE_ANY, NULL));
    if (json_array_size(forms) > 1) {
        set(schema, "anyOf", forms);
        return schema;
    }
    if (json_object_update(schema, json_array_get(forms, 0)) != 0)
        mem_fail(sizeof(void *));
    json_decref(forms);
    return schema;
}

static int add_bytes(const char *p, size_t n, void *out) {
    buf_add(out, p, n);
    return 0;
}

void manifest_write_schema(struct buf *out) {
    json_t *schema = made(json_object()), *body = value_schema(&manifest_keys[0]);
    set(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    set(schema, "title", json_string("pressrun manifest"));
    if (json_object_update(schema, body) != 0)
        mem_fail(sizeof(void *));
    json_decref(body);
    // jansson keeps the order in which keys were set.
    if (json_dump_callback(schema, add_bytes, out, JSON_INDENT(2)) != 0)
        mem_fail(sizeof(void *));
    buf_add_char(out, '\n');
    json_decref(schema);
}

static bool is_list(struct str path) {
    const struct manifest_key *key = manifest_keys;
    while (key->path && !str_is(path, key->path))
        key++;
    return key->path && key->forms & FORM_LISTED;
}

// "jobs.NAME.to", the names being those of the entries' nouns; "alerts[].metric".
static void write_path(const struct manifest_key *key, struct buf *out) {
    for (const char *p = key->path; *p; p++) {
        const bool in_list =
            p[0] == '.' && p[1] == '*' && is_list((struct str){key->path, (size_t)(p - key->path)});
        if (in_list)
            buf_add_text(out, "[]");
        else if (*p == '*')
            buf_add_text(out, "NAME");
        else
            buf_add_char(out, *p);
        p += in_list;
    }
}

static void write_wrapped(const char *text, struct buf *out) {
    enum { WIDTH = 80 };
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column && column + 1 + word > WIDTH) {
            buf_add_char(out, '\n');
            column = 0;
        }
        buf_add_text(out, column ? " " : "    ");
        buf_add(out, text, word);
        column += word + (column ? 1 : 4);
        text += word + (text[word] == ' ');
    }
    buf_add_char(out, '\n');
}

void manifest_write_keys(struct buf *out) {
    for (const struct manifest_key *key = &manifest_keys[1]; key->path; key++) {
        write_path(key, out);
        buf_add_text(out, ": ");
        manifest_key_write_what(key, out);
        if (key->required)
            buf_add_text(out, "; required");
        if (key->standard)
            buf_printf(out, "; default %s", key->standard);
        buf_add_char(out, '\n');
        write_wrapped(key->doc, out);
    }
}
