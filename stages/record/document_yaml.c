// SPDX-License-Identifier: MIT
// YAML: libyaml's events to nodes. The stack of open collections is an array, so depth costs no C stack.
#include "stages/record/document.h"

#include <yaml.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/suggest.h"

struct anchor {
    struct str name;
    struct document_node *node;
    bool open; // its collection has not ended yet
};

struct level {
    struct document_node *node;
    struct document_entry *last;
    struct document_entry key; // of a mapping, waiting for its value
    bool has_key;
    size_t anchor; // index + 1; 0: none
};

struct yaml_reader {
    yaml_parser_t parser;
    struct arena *arena;
    const struct source_text *source;
    struct diags *diags;
    size_t skipped;     // bytes of the byte-order mark, which libyaml does not see
    size_t index, byte; // a place known both ways: libyaml counts code points
    struct level levels[DOCUMENT_DEPTH];
    size_t depth;
    struct document_node *root;
    struct anchor *anchors;
    size_t anchors_n, anchors_cap;
    uint64_t aliased;
    bool failed; // nothing more can be read
};

static bool is_start(char c) {
    return ((unsigned char)c & 0xC0) != 0x80;
}

// Marks mostly move forward by little, so walking from the last place is cheap.
static size_t byte_of(struct yaml_reader *r, size_t index) {
    struct str text = r->source->text;
    while (r->index < index && r->byte < text.n) {
        do
            r->byte++;
        while (r->byte < text.n && !is_start(text.p[r->byte]));
        r->index++;
    }
    while (r->index > index && r->byte > r->skipped) {
        do
            r->byte--;
        while (r->byte > r->skipped && !is_start(text.p[r->byte]));
        r->index--;
    }
    return r->byte;
}

static struct span span_between(struct yaml_reader *r, yaml_mark_t from, yaml_mark_t to) {
    size_t at = byte_of(r, from.index), end = byte_of(r, to.index);
    return (struct span){(uint32_t)at, (uint32_t)(end > at ? end - at : 0)};
}

static struct span event_span(struct yaml_reader *r, const yaml_event_t *event) {
    return span_between(r, event->start_mark, event->end_mark);
}

static struct str yaml_text(struct yaml_reader *r, const yaml_char_t *text, size_t n) {
    return document_text(r->arena, (struct str){(const char *)text, n});
}

#define FAIL(r, span, ...) ((r)->failed = true, diags_error((r)->diags, (r)->source, (span), __VA_ARGS__))

// Digits of a base, after the prefix; false where there are none or they do not fit.
static bool parse_digits(struct str digits, unsigned base, int64_t *value) {
    uint64_t sum = 0;
    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 99;
        if (digit >= base || sum > ((uint64_t)INT64_MAX - digit) / base)
            return false;
        sum = sum * base + digit;
    }
    *value = (int64_t)sum;
    return digits.n > 0;
}

// [-+]?[0-9]+ without leading zeros and '+', as VALUE_BIG wants them.
static struct str canonical_digits(struct arena *arena, struct str text) {
    bool negative = text.p[0] == '-';
    size_t i = negative || text.p[0] == '+';
    while (i + 1 < text.n && text.p[i] == '0')
        i++;
    char *copy = document_alloc(arena, text.n - i + 2);
    if (negative)
        copy[0] = '-';
    memcpy(copy + negative, text.p + i, text.n - i);
    return (struct str){copy, text.n - i + negative};
}

static size_t count_digits(struct str text, size_t from) {
    size_t i = from;
    while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
        i++;
    return i - from;
}

static bool is_float(struct str text) {
    size_t i = text.n && (text.p[0] == '-' || text.p[0] == '+');
    size_t whole = count_digits(text, i), part = 0;
    i += whole;
    if (i < text.n && text.p[i] == '.') {
        part = count_digits(text, ++i);
        i += part;
    }
    if (whole + part == 0)
        return false;
    if (i < text.n && (text.p[i] == 'e' || text.p[i] == 'E')) {
        i++;
        i += i < text.n && (text.p[i] == '-' || text.p[i] == '+');
        size_t digits = count_digits(text, i);
        if (!digits)
            return false;
        i += digits;
    }
    return i == text.n;
}

static bool is_one_of(struct str text, const char *const *words) {
    for (; *words; words++) {
        if (str_is(text, *words))
            return true;
    }
    return false;
}

static bool type_number(struct arena *arena, struct document_node *node) {
    struct str text = node->text;
    size_t sign = text.n && (text.p[0] == '-' || text.p[0] == '+');
    if (text.n > 2 && text.p[0] == '0' && (text.p[1] == 'x' || text.p[1] == 'o')) {
        if (!parse_digits(str_from(text, 2), text.p[1] == 'x' ? 16 : 8, &node->integer))
            return false;
        node->kind = DOCUMENT_INT;
        return true;
    }
    if (text.n > sign && count_digits(text, sign) == text.n - sign) {
        struct str digits = canonical_digits(arena, text);
        node->kind = number_parse_int(digits, &node->integer) ? DOCUMENT_INT : DOCUMENT_BIG;
        node->text = node->kind == DOCUMENT_BIG ? digits : text;
        return true;
    }
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(str_from(text, sign), infinities))
        node->real = text.p[0] == '-' ? -1.0 / 0.0 : 1.0 / 0.0;
    else if (is_one_of(text, nans))
        node->real = 0.0 / 0.0;
    else if (!is_float(text) || !number_parse_double(text, &node->real))
        return false;
    node->kind = DOCUMENT_FLOAT;
    return true;
}

static void type_plain(struct arena *arena, struct document_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(node->text, nulls)) {
        node->kind = DOCUMENT_NULL;
    } else if (is_one_of(node->text, trues) || is_one_of(node->text, falses)) {
        node->kind = DOCUMENT_BOOL;
        node->boolean = is_one_of(node->text, trues);
    } else {
        type_number(arena, node);
    }
}

static bool tag_is(const yaml_char_t *tag, const char *want) {
    return !tag || strcmp((const char *)tag, want) == 0;
}

static void refuse_tag(struct yaml_reader *r, const yaml_event_t *event, const yaml_char_t *tag) {
    struct span span = event_span(r, event);
    span.n = span.n ? 1 : 0;
    diags_error(r->diags, r->source, span,
                "the tag <%s> is not supported; write the value plainly, or as text in quotes",
                (const char *)tag);
}

static struct document_node *scalar_node(struct yaml_reader *r, const yaml_event_t *event) {
    struct document_node *node = document_new_node(r->arena, DOCUMENT_TEXT, event_span(r, event));
    node->text = yaml_text(r, event->data.scalar.value, event->data.scalar.length);
    const yaml_char_t *tag = event->data.scalar.tag;
    bool plain = event->data.scalar.plain_implicit;
    if (!tag_is(tag, YAML_STR_TAG) && !tag_is(tag, "!"))
        refuse_tag(r, event, tag);
    else if (plain && !tag)
        type_plain(r->arena, node);
    if (node->kind == DOCUMENT_TEXT)
        node->span = document_text_span(r->source->text, node->span, node->text);
    return node;
}

static size_t add_anchor(struct yaml_reader *r, const yaml_char_t *name, struct document_node *node,
                         bool open) {
    if (!name)
        return 0;
    MEM_GROW(r->anchors, r->anchors_cap, r->anchors_n + 1);
    struct str text = yaml_text(r, name, strlen((const char *)name));
    r->anchors[r->anchors_n++] = (struct anchor){text, node, open};
    return r->anchors_n;
}

static struct document_node *alias_node(struct yaml_reader *r, const yaml_event_t *event) {
    struct span span = event_span(r, event);
    struct str name = str_of((const char *)event->data.alias.anchor);
    for (size_t i = r->anchors_n; i-- > 0;) { // the latest of a name counts
        struct anchor *a = &r->anchors[i];
        if (!str_equal(a->name, name))
            continue;
        if (a->open) {
            FAIL(r, span, "the alias *%.*s stands inside the very value it names", STR_ARG(name));
            return NULL;
        }
        if (r->depth + a->node->height > DOCUMENT_DEPTH) {
            FAIL(r, span, "more than %d levels of nesting", DOCUMENT_DEPTH);
            return NULL;
        }
        r->aliased += a->node->weight;
        if (r->aliased > DOCUMENT_ALIASED_NODES) {
            FAIL(r, span, "the aliases up to here stand for more than %d values", DOCUMENT_ALIASED_NODES);
            return NULL;
        }
        return a->node;
    }
    struct diag *d = FAIL(r, span, "unknown alias *%.*s", STR_ARG(name));
    struct suggestion s = suggest_for(name);
    for (size_t i = 0; i < r->anchors_n; i++)
        suggest_offer(&s, r->anchors[i].name);
    if (s.best.p)
        diag_hint(r->diags, d, "did you mean *%.*s?", STR_ARG(s.best));
    else
        diag_hint(r->diags, d, "text that begins with '*' needs quotes");
    return NULL;
}

// The place of a node that begins at this event: the value of the waiting key, an element, or the root.
static void attach(struct yaml_reader *r, struct document_node *node) {
    if (!r->depth) {
        r->root = node;
        return;
    }
    struct level *level = &r->levels[r->depth - 1];
    struct document_entry entry = level->has_key ? level->key : (struct document_entry){0};
    entry.value = node;
    document_append(r->arena, level->node, &level->last, entry);
    level->has_key = false;
}

static bool wants_key(const struct yaml_reader *r) {
    return r->depth && r->levels[r->depth - 1].node->kind == DOCUMENT_MAPPING &&
           !r->levels[r->depth - 1].has_key;
}

static void take_key(struct yaml_reader *r, const yaml_event_t *event) {
    struct level *level = &r->levels[r->depth - 1];
    struct span span = event_span(r, event);
    if (event->type != YAML_SCALAR_EVENT) {
        span.n = 1;
        struct diag *d = FAIL(r, span, "a key must be plain text, not %s",
                              event->type == YAML_ALIAS_EVENT            ? "an alias"
                              : event->type == YAML_SEQUENCE_START_EVENT ? "a list"
                                                                         : "a mapping");
        if (span.at > 0 && str_starts(str_from(r->source->text, span.at - 1), STR("{{")))
            diag_hint(r->diags, d, "text that begins with \"{{\" needs quotes");
        return;
    }
    struct str key = yaml_text(r, event->data.scalar.value, event->data.scalar.length);
    span = document_text_span(r->source->text, span, key);
    if (event->data.scalar.tag && !tag_is(event->data.scalar.tag, YAML_STR_TAG))
        refuse_tag(r, event, event->data.scalar.tag);
    if (event->data.scalar.plain_implicit && str_is(key, "<<")) {
        struct diag *d = diags_error(r->diags, r->source, span, "merge keys (<<) are not supported");
        diag_hint(r->diags, d, "repeat the keys, or share whole values with an anchor and aliases");
        level->node->faulty = true; // what it lacks may be what was to be merged
    }
    level->key = (struct document_entry){.key = key, .key_span = span};
    level->has_key = true;
}

static void open_level(struct yaml_reader *r, const yaml_event_t *event, enum document_kind kind) {
    struct span span = event_span(r, event);
    if (r->depth == DOCUMENT_DEPTH) {
        FAIL(r, span, "more than %d levels of nesting", DOCUMENT_DEPTH);
        return;
    }
    bool list = kind == DOCUMENT_LIST;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    const yaml_char_t *anchor = list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    if (!tag_is(tag, list ? YAML_SEQ_TAG : YAML_MAP_TAG))
        refuse_tag(r, event, tag);
    // Attached to its parent only when it is complete, since the parent adds up weights.
    struct document_node *node = document_new_node(r->arena, kind, span);
    r->levels[r->depth++] = (struct level){.node = node, .anchor = add_anchor(r, anchor, node, true)};
}

static void close_level(struct yaml_reader *r, const yaml_event_t *event) {
    struct level *level = &r->levels[--r->depth];
    struct document_node *node = level->node;
    size_t end = byte_of(r, event->end_mark.index);
    node->span.n = (uint32_t)(end > node->span.at ? end - node->span.at : 0);
    if (level->anchor)
        r->anchors[level->anchor - 1].open = false;
    if (node->kind == DOCUMENT_MAPPING)
        document_check_keys(node, r->source, r->diags);
    attach(r, node);
}

static void take_value(struct yaml_reader *r, const yaml_event_t *event) {
    struct document_node *node;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node = scalar_node(r, event);
        add_anchor(r, event->data.scalar.anchor, node, false);
        attach(r, node);
        break;
    case YAML_ALIAS_EVENT:
        node = alias_node(r, event);
        if (node)
            attach(r, node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        open_level(r, event, DOCUMENT_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        open_level(r, event, DOCUMENT_MAPPING);
        break;
    default:
        break;
    }
}

// Returns false at the end of the text.
static bool take_event(struct yaml_reader *r, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_DOCUMENT_START_EVENT:
        if (r->root)
            FAIL(r, event_span(r, event), "a second document begins here, but the file must hold one");
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(r, event);
        break;
    case YAML_SCALAR_EVENT:
    case YAML_ALIAS_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (wants_key(r))
            take_key(r, event);
        else
            take_value(r, event);
        break;
    default:
        break;
    }
    return !r->failed;
}

// What is behind libyaml's words more often than not.
static void hint_problem(struct yaml_reader *r, struct diag *d, size_t at) {
    struct str rest = str_from(r->source->text, at);
    const char *context = r->parser.context ? r->parser.context : "";
    if (rest.n && rest.p[0] == '\t')
        diag_hint(r->diags, d, "indent with spaces; YAML allows no tabs there");
    else if (rest.n && strchr("%@`", rest.p[0]))
        diag_hint(r->diags, d, "text that begins with '%c' needs quotes", rest.p[0]);
    else if (strstr(context, "alias") || strstr(context, "anchor"))
        diag_hint(r->diags, d, "text that begins with '*' or '&' needs quotes");
}

static void report_problem(struct yaml_reader *r) {
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "it cannot be read";
    if (p->error == YAML_READER_ERROR) {
        size_t at = p->problem_offset + r->skipped;
        struct diag *d = FAIL(r, ((struct span){(uint32_t)at, 1}), "invalid YAML: %s", problem);
        struct str text = r->source->text;
        if (str_starts(text, STR("\xFF\xFE")) || str_starts(text, STR("\xFE\xFF")))
            diag_hint(r->diags, d, "the file is UTF-16; save it as UTF-8");
        else if (at < text.n && !text.p[at])
            diag_hint(r->diags, d, "there is a NUL byte");
        return;
    }
    if (p->error == YAML_MEMORY_ERROR)
        mem_fail(r->source->text.n);
    size_t at = byte_of(r, p->problem_mark.index);
    struct diag *d = FAIL(r, ((struct span){(uint32_t)at, 1}), "invalid YAML: %s", problem);
    hint_problem(r, d, at);
    if (p->context && p->context_mark.line != p->problem_mark.line)
        diag_hint(r->diags, d, "%s that begins on line %zu", p->context, p->context_mark.line + 1);
    else if (p->context)
        diag_hint(r->diags, d, "%s", p->context);
}

struct document_node *document_read_yaml(struct arena *arena, const struct source_text *source,
                                         struct diags *diags) {
    struct yaml_reader *r = MEM_NEW(struct yaml_reader);
    r->arena = arena;
    r->source = source;
    r->diags = diags;
    if (!yaml_parser_initialize(&r->parser))
        mem_fail(sizeof r->parser);
    r->skipped = str_starts(source->text, STR("\xEF\xBB\xBF")) ? 3 : 0;
    r->byte = r->skipped;
    struct str text = str_from(source->text, r->skipped);
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING); // else a BOM could make it UTF-16
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.p, text.n);
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            report_problem(r);
            break;
        }
        more = take_event(r, &event);
        yaml_event_delete(&event);
    }
    if (!r->failed && !r->root)
        FAIL(r, ((struct span){0, 0}), "there is nothing in this file");
    struct document_node *root = r->failed ? NULL : r->root;
    yaml_parser_delete(&r->parser);
    mem_free(r->anchors);
    mem_free(r);
    return root;
}
