// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_types.h"

#include <inttypes.h>
#include <strings.h>

enum { DIGITS_MOST = 9 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *const schema_base_names[SCHEMA_BASES] = {
    [SCHEMA_ANY] = "any",     [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_INTEGER] = "integer",
    [SCHEMA_FLOAT] = "float", [SCHEMA_DECIMAL] = "decimal", [SCHEMA_TEXT] = "text",
    [SCHEMA_DATE] = "date",   [SCHEMA_TIME] = "time",       [SCHEMA_DATETIME] = "datetime",
    [SCHEMA_JSON] = "json",   [SCHEMA_UUID] = "uuid",       [SCHEMA_BLOB] = "blob",
};

// Names of types, small letters, one space between words; " with time zone" and "without" are gone.
struct name {
    const char *name;
    enum schema_base base;
};
static const struct name names[] = {
    {"", SCHEMA_ANY},
    {"any", SCHEMA_ANY},
    {"variant", SCHEMA_ANY},
    {"sql_variant", SCHEMA_ANY},
    {"bool", SCHEMA_BOOLEAN},
    {"boolean", SCHEMA_BOOLEAN},
    {"logical", SCHEMA_BOOLEAN},
    {"int", SCHEMA_INTEGER},
    {"integer", SCHEMA_INTEGER},
    {"serial", SCHEMA_INTEGER},
    {"bigserial", SCHEMA_INTEGER},
    {"smallserial", SCHEMA_INTEGER},
    {"year", SCHEMA_INTEGER},
    {"oid", SCHEMA_INTEGER},
    {"counter", SCHEMA_INTEGER},
    {"real", SCHEMA_FLOAT},
    {"float", SCHEMA_FLOAT},
    {"double", SCHEMA_FLOAT},
    {"double precision", SCHEMA_FLOAT},
    {"numeric", SCHEMA_DECIMAL},
    {"decimal", SCHEMA_DECIMAL},
    {"dec", SCHEMA_DECIMAL},
    {"number", SCHEMA_DECIMAL},
    {"money", SCHEMA_DECIMAL},
    {"smallmoney", SCHEMA_DECIMAL},
    {"currency", SCHEMA_DECIMAL},
    {"string", SCHEMA_TEXT},
    {"name", SCHEMA_TEXT},
    {"enum", SCHEMA_TEXT},
    {"set", SCHEMA_TEXT},
    {"xml", SCHEMA_TEXT},
    {"inet", SCHEMA_TEXT},
    {"cidr", SCHEMA_TEXT},
    {"macaddr", SCHEMA_TEXT},
    {"interval", SCHEMA_TEXT},
    {"bit varying", SCHEMA_TEXT},
    {"varbit", SCHEMA_TEXT},
    {"tsvector", SCHEMA_TEXT},
    {"ltree", SCHEMA_TEXT},
    {"point", SCHEMA_ANY},
    {"date", SCHEMA_DATE},
    {"time", SCHEMA_TIME},
    {"timetz", SCHEMA_TIME},
    {"timestamptz", SCHEMA_DATETIME},
    {"json", SCHEMA_JSON},
    {"jsonb", SCHEMA_JSON},
    {"uuid", SCHEMA_UUID},
    {"uniqueidentifier", SCHEMA_UUID},
    {"guid", SCHEMA_UUID},
    {"bytea", SCHEMA_BLOB},
    {"binary", SCHEMA_BLOB},
    {"varbinary", SCHEMA_BLOB},
    {"image", SCHEMA_BLOB},
};

// What a name has in it that is in no row above; the first that fits counts. The first five are SQLite's own.
static const struct name parts[] = {
    {"int", SCHEMA_INTEGER},       {"char", SCHEMA_TEXT},          {"clob", SCHEMA_TEXT},
    {"text", SCHEMA_TEXT},         {"blob", SCHEMA_BLOB},          {"real", SCHEMA_FLOAT},
    {"floa", SCHEMA_FLOAT},        {"doub", SCHEMA_FLOAT},         {"bool", SCHEMA_BOOLEAN},
    {"datetime", SCHEMA_DATETIME}, {"timestamp", SCHEMA_DATETIME}, {"date", SCHEMA_DATE},
    {"decimal", SCHEMA_DECIMAL},   {"numeric", SCHEMA_DECIMAL},
};

// What each language calls the bases. `array`: {} is the element's.
struct language {
    const char *name, *array;
    const char *types[SCHEMA_BASES];
};
static const struct language languages[] = {
    {"typescript",
     "{}[]",
     {[SCHEMA_ANY] = "unknown",
      [SCHEMA_BOOLEAN] = "boolean",
      [SCHEMA_INTEGER] = "number",
      [SCHEMA_FLOAT] = "number",
      [SCHEMA_DECIMAL] = "number",
      [SCHEMA_TEXT] = "string",
      [SCHEMA_DATE] = "string",
      [SCHEMA_TIME] = "string",
      [SCHEMA_DATETIME] = "string",
      [SCHEMA_JSON] = "unknown",
      [SCHEMA_UUID] = "string",
      [SCHEMA_BLOB] = "Uint8Array"}},
    {"c",
     "{} *",
     {[SCHEMA_ANY] = "void *",
      [SCHEMA_BOOLEAN] = "bool",
      [SCHEMA_INTEGER] = "int64_t",
      [SCHEMA_FLOAT] = "double",
      [SCHEMA_DECIMAL] = "double",
      [SCHEMA_TEXT] = "char *",
      [SCHEMA_DATE] = "char *",
      [SCHEMA_TIME] = "char *",
      [SCHEMA_DATETIME] = "char *",
      [SCHEMA_JSON] = "char *",
      [SCHEMA_UUID] = "char *",
      [SCHEMA_BLOB] = "unsigned char *"}},
    {"python",
     "list[{}]",
     {[SCHEMA_ANY] = "Any",
      [SCHEMA_BOOLEAN] = "bool",
      [SCHEMA_INTEGER] = "int",
      [SCHEMA_FLOAT] = "float",
      [SCHEMA_DECIMAL] = "Decimal",
      [SCHEMA_TEXT] = "str",
      [SCHEMA_DATE] = "date",
      [SCHEMA_TIME] = "time",
      [SCHEMA_DATETIME] = "datetime",
      [SCHEMA_JSON] = "Any",
      [SCHEMA_UUID] = "UUID",
      [SCHEMA_BLOB] = "bytes"}},
    // Standard SQL; text, json and uuid are what most databases understand.
    {"sql",
     "{} array",
     {[SCHEMA_ANY] = "text",
      [SCHEMA_BOOLEAN] = "boolean",
      [SCHEMA_INTEGER] = "bigint",
      [SCHEMA_FLOAT] = "double precision",
      [SCHEMA_DECIMAL] = "decimal",
      [SCHEMA_TEXT] = "text",
      [SCHEMA_DATE] = "date",
      [SCHEMA_TIME] = "time",
      [SCHEMA_DATETIME] = "timestamp",
      [SCHEMA_JSON] = "json",
      [SCHEMA_UUID] = "uuid",
      [SCHEMA_BLOB] = "blob"}},
};

// JSON Schema's types are objects, without their closing brace.
static const char *const json_schema[SCHEMA_BASES] = {
    [SCHEMA_ANY] = "{",
    [SCHEMA_BOOLEAN] = "{\"type\":\"boolean\"",
    [SCHEMA_INTEGER] = "{\"type\":\"integer\"",
    [SCHEMA_FLOAT] = "{\"type\":\"number\"",
    [SCHEMA_DECIMAL] = "{\"type\":\"number\"",
    [SCHEMA_TEXT] = "{\"type\":\"string\"",
    [SCHEMA_DATE] = "{\"type\":\"string\",\"format\":\"date\"",
    [SCHEMA_TIME] = "{\"type\":\"string\",\"format\":\"time\"",
    [SCHEMA_DATETIME] = "{\"type\":\"string\",\"format\":\"date-time\"",
    [SCHEMA_JSON] = "{",
    [SCHEMA_UUID] = "{\"type\":\"string\",\"format\":\"uuid\"",
    [SCHEMA_BLOB] = "{\"type\":\"string\",\"contentEncoding\":\"base64\"",
};

// Reading what is declared -----------------------------------------------------------------------------------------

struct declared {
    struct buf name;      // small letters, without arguments, arrays and words that change nothing
    int64_t arguments[2]; // -1: none
    bool array;
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// A number from `from` on, -1: none.
static int64_t read_number(struct str text) {
    int64_t n = -1;
    text = str_trim(text);
    for (size_t i = 0; i < text.n && i < DIGITS_MOST && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        n = (n < 0 ? 0 : n) * 10 + (text.p[i] - '0');
    return n;
}

static void read_arguments(struct str inside, struct declared *out) {
    const char *comma = inside.n ? memchr(inside.p, ',', inside.n) : NULL;
    size_t first = comma ? (size_t)(comma - inside.p) : inside.n;
    out->arguments[0] = read_number(str_slice(inside, 0, first));
    if (comma)
        out->arguments[1] = read_number(str_from(inside, first + 1));
}

static void drop_words(struct buf *name) {
    static const char *const words[] = {" unsigned",          " signed",         " zerofill",
                                        " without time zone", " with time zone", " with local time zone"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_ends(buf_str(name), str_of(words[i])))
            name->n -= strlen(words[i]);
}

static void read_declared(struct str text, struct declared *out) {
    *out = (struct declared){.arguments = {-1, -1}};
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '(') {
            const char *close = memchr(text.p + i, ')', text.n - i);
            size_t end = close ? (size_t)(close - text.p) : text.n;
            read_arguments(str_slice(text, i + 1, end), out);
            i = end;
        } else if (c == '[') {
            const char *close = memchr(text.p + i, ']', text.n - i);
            out->array = true;
            i = close ? (size_t)(close - text.p) : text.n;
        } else if (!is_space(c)) {
            buf_add_char(&out->name, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
        } else if (out->name.n && out->name.p[out->name.n - 1] != ' ') {
            buf_add_char(&out->name, ' ');
        }
    }
    while (out->name.n && out->name.p[out->name.n - 1] == ' ')
        out->name.n--;
    drop_words(&out->name);
}

static bool has_part(struct str text, const char *part) {
    return text.n && memmem(text.p, text.n, part, strlen(part));
}

static enum schema_base base_of(const struct declared *declared, bool choices) {
    const struct str name = buf_str(&declared->name);
    if (choices)
        return SCHEMA_TEXT;
    if ((str_is(name, "tinyint") && declared->arguments[0] == 1) ||
        (str_is(name, "bit") && declared->arguments[0] <= 1))
        return SCHEMA_BOOLEAN;
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(name, names[i].name))
            return names[i].base;
    for (size_t i = 0; i < COUNT(parts); i++)
        if (has_part(name, parts[i].name))
            return parts[i].base;
    return SCHEMA_ANY;
}

static struct schema_type type_of(const struct declared *declared, bool choices) {
    struct schema_type type = {base_of(declared, choices), declared->array, -1, -1, -1};
    if (type.base == SCHEMA_TEXT || type.base == SCHEMA_BLOB) {
        type.length = declared->arguments[0];
    } else if (type.base == SCHEMA_DECIMAL) {
        type.precision = declared->arguments[0];
        type.scale = declared->arguments[1];
    }
    return type;
}

struct schema_type schema_type_of(struct str text, bool choices) {
    struct declared declared;
    read_declared(text, &declared);
    struct schema_type type = type_of(&declared, choices);
    buf_release(&declared.name);
    return type;
}

// Writing ----------------------------------------------------------------------------------------------------------

struct writing {
    const struct schema_settings *settings;
    struct str declared; // as written
    struct str name;     // of the type alone
    struct schema_type type;
    struct buf *json;
};

static bool same(struct str a, struct str b) {
    return a.n == b.n && strncasecmp(a.p ? a.p : "", b.p ? b.p : "", a.n) == 0;
}

// {NULL, 0}: the manifest does not say it.
static struct str own_text(const struct writing *w, struct str language, struct str type) {
    for (size_t i = 0; i < w->settings->mappings_n; i++) {
        const struct schema_mapping *mapping = &w->settings->mappings[i];
        if (str_equal(mapping->language, language) && same(mapping->type, type))
            return mapping->text;
    }
    return (struct str){NULL, 0};
}

static struct str find_own(const struct writing *w, struct str language, bool *whole) {
    struct str text = own_text(w, language, w->declared);
    *whole = text.p != NULL;
    if (!text.p)
        text = own_text(w, language, w->name);
    if (!text.p)
        text = own_text(w, language, str_of(schema_base_names[w->type.base]));
    return text;
}

// A text with its {} replaced, or followed by [] where it has none.
static void write_array(struct str pattern, struct str element, struct buf *json) {
    struct buf text = BUF_INIT;
    const char *hole = pattern.n ? memmem(pattern.p, pattern.n, "{}", 2) : NULL;
    if (!hole) {
        buf_add_str(&text, element);
        buf_add_text(&text, "[]");
    } else {
        size_t at = (size_t)(hole - pattern.p);
        bool loose = at == 0 && element.n && memchr(element.p, '|', element.n); // a | b
        buf_add(&text, pattern.p, at);
        buf_add_text(&text, loose ? "(" : "");
        buf_add_str(&text, element);
        buf_add_text(&text, loose ? ")" : "");
        buf_add_str(&text, str_from(pattern, at + 2));
    }
    buf_add_json(json, buf_str(&text));
    buf_release(&text);
}

static void write_text(const struct writing *w, struct str language, struct str text, bool whole,
                       struct str standard) {
    struct str pattern = own_text(w, language, STR("array"));
    if (!text.p)
        buf_add_text(w->json, "null");
    else if (w->type.array && !whole)
        write_array(pattern.p ? pattern : standard, text, w->json);
    else
        buf_add_json(w->json, text);
}

static void write_built_in(const struct writing *w, const struct language *language) {
    struct buf made = BUF_INIT;
    bool whole;
    struct str text = find_own(w, str_of(language->name), &whole);
    if (!text.p) {
        buf_add_text(&made, language->types[w->type.base]);
        if (str_is(str_of(language->name), "sql")) {
            if (w->type.precision >= 0 && w->type.scale >= 0)
                buf_printf(&made, "(%" PRId64 ",%" PRId64 ")", w->type.precision, w->type.scale);
            else if (w->type.precision >= 0)
                buf_printf(&made, "(%" PRId64 ")", w->type.precision);
            if (w->type.base == SCHEMA_TEXT && w->type.length > 0) {
                buf_clear(&made);
                buf_printf(&made, "varchar(%" PRId64 ")", w->type.length);
            }
        }
        text = buf_str(&made);
    }
    buf_printf(w->json, "\"%s\":", language->name);
    write_text(w, str_of(language->name), text, whole, str_of(language->array));
    buf_release(&made);
}

static void write_json_schema(const struct writing *w) {
    bool whole;
    struct str own = find_own(w, STR("json_schema"), &whole);
    buf_add_text(w->json, ",\"json_schema\":");
    if (own.p) {
        write_text(w, STR("json_schema"), own, whole, STR("{}[]"));
        return;
    }
    if (w->type.array)
        buf_add_text(w->json, "{\"type\":\"array\",\"items\":");
    buf_add_text(w->json, json_schema[w->type.base]);
    if (w->type.base == SCHEMA_TEXT && w->type.length > 0)
        buf_printf(w->json, ",\"maxLength\":%" PRId64, w->type.length);
    buf_add_text(w->json, w->type.array ? "}}" : "}");
}

static bool is_built_in(struct str language) {
    for (size_t i = 0; i < COUNT(languages); i++)
        if (str_is(language, languages[i].name))
            return true;
    return str_is(language, "json_schema");
}

static void write_own_languages(const struct writing *w) {
    for (size_t i = 0; i < w->settings->mappings_n; i++) {
        struct str language = w->settings->mappings[i].language;
        bool told = is_built_in(language), whole;
        for (size_t k = 0; k < i && !told; k++)
            told = str_equal(w->settings->mappings[k].language, language);
        if (told)
            continue;
        struct str text = find_own(w, language, &whole);
        if (!text.p)
            text = own_text(w, language, STR("any"));
        buf_add_char(w->json, ',');
        buf_add_json(w->json, language);
        buf_add_char(w->json, ':');
        write_text(w, language, text, whole, STR("{}[]"));
    }
}

static void write_number(struct buf *json, const char *name, int64_t n) {
    if (n < 0)
        buf_printf(json, ",\"%s\":null", name);
    else
        buf_printf(json, ",\"%s\":%" PRId64, name, n);
}

void schema_types_write(const struct schema_settings *settings, struct str text, bool choices,
                        struct buf *json) {
    struct declared declared;
    read_declared(text, &declared);
    const struct writing w = {settings, text, buf_str(&declared.name), type_of(&declared, choices), json};
    buf_printf(json, "\"type\":\"%s\",\"array\":%s", schema_base_names[w.type.base],
               w.type.array ? "true" : "false");
    write_number(json, "length", w.type.length);
    write_number(json, "precision", w.type.precision);
    write_number(json, "scale", w.type.scale);
    buf_add_text(json, ",\"types\":{");
    for (size_t i = 0; i < COUNT(languages); i++) {
        buf_add_text(json, i ? "," : "");
        write_built_in(&w, &languages[i]);
        if (i == 0)
            write_json_schema(&w);
    }
    write_own_languages(&w);
    buf_add_char(json, '}');
    buf_release(&declared.name);
}
