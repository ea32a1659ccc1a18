// SPDX-License-Identifier: MIT
#include "pipeline/manifest/manifest_check.h"

#include <float.h>
#include <stdio.h>

#include "base/suggest.h"
#include "pipeline/manifest/manifest_table.h"

struct check {
    const struct source_text *source;
    struct diags *diags;
};

static void check_value(struct check *c, const struct manifest_key *key, struct document_node *node,
                        const struct document_entry *entry);

static struct diag *expected(struct check *c, const struct manifest_key *key, struct document_node *node,
                             const char *found) {
    struct buf what = BUF_INIT;
    manifest_key_write_what(key, &what);
    struct diag *d =
        diags_error(c->diags, c->source, node->span, "expected %s, found %s", buf_text(&what), found);
    buf_release(&what);
    node->faulty = true;
    return d;
}

// The same, showing the scalar that was found.
static struct diag *expected_not(struct check *c, const struct manifest_key *key,
                                 struct document_node *node) {
    enum { SHOWN = 60 };
    struct buf found = BUF_INIT;
    const char *quote = node->kind == DOCUMENT_TEXT ? "\"" : "";
    struct str text = node->text;
    size_t n = text.n < SHOWN ? text.n : SHOWN;
    while (n < text.n && n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    buf_printf(&found, "%s%.*s%s%s", quote, (int)n, text.p, n < text.n ? "..." : "", quote);
    struct diag *d = expected(c, key, node, buf_text(&found));
    buf_release(&found);
    return d;
}

static bool is_any(struct str text, const char *const *words) {
    for (; *words; words++) {
        if (str_is(text, *words))
            return true;
    }
    return false;
}

static void wrong_form(struct check *c, const struct manifest_key *key, struct document_node *node) {
    static const char *const booleans[] = {"yes", "no", "on", "off", "Yes", "No", "On", "Off", NULL};
    struct diag *d = expected(c, key, node, document_describe(node));
    bool scalar = node->kind == DOCUMENT_BOOL || node->kind == DOCUMENT_INT || node->kind == DOCUMENT_BIG ||
                  node->kind == DOCUMENT_FLOAT;
    if (key->forms & FORM_TEXT && !(key->forms & FORM_NUMBER) && !key->value && scalar)
        diag_hint(c->diags, d, "in quotes it is text: \"%.*s\"", STR_ARG(node->text));
    if (key->forms & FORM_BOOL && node->kind == DOCUMENT_TEXT && is_any(node->text, booleans))
        diag_hint(c->diags, d, "write true or false");
}

static void check_one_of(struct check *c, const struct manifest_key *key, struct document_node *node) {
    struct suggestion s = suggest_for(node->text);
    for (size_t i = 0; key->value(i); i++) {
        if (str_is(node->text, key->value(i)))
            return;
        suggest_offer(&s, str_of(key->value(i)));
    }
    struct diag *d = expected_not(c, key, node);
    if (s.best.p)
        diag_hint(c->diags, d, "did you mean \"%.*s\"?", STR_ARG(s.best));
}

static void check_text(struct check *c, const struct manifest_key *key, struct document_node *node) {
    if (node->text.n == 0 && !key->may_be_empty) {
        expected(c, key, node, "an empty text");
    } else if (node->text.n && memchr(node->text.p, 0, node->text.n)) {
        expected(c, key, node, "text with a NUL character in it");
    } else if (key->value) {
        check_one_of(c, key, node);
    }
}

static void check_texts(struct check *c, const struct manifest_key *key, struct document_node *list) {
    for (struct document_entry *e = list->entries; e; e = e->next) {
        struct document_node *node = e->value;
        bool text = node->kind == DOCUMENT_TEXT && node->text.n && !memchr(node->text.p, 0, node->text.n);
        if (!text) {
            const char *found = node->kind == DOCUMENT_TEXT
                                    ? node->text.n ? "text with a NUL character in it" : "an empty text"
                                    : document_describe(node);
            diags_error(c->diags, c->source, node->span, "expected text in the list \"%s\", found %s",
                        manifest_key_name(key), found);
            node->faulty = true;
        } else if (key->value) {
            check_one_of(c, key, node);
        }
    }
}

static void unknown_key(struct check *c, const struct manifest_key *parent,
                        const struct document_entry *entry, struct str *meant) {
    struct diag *d =
        diags_error(c->diags, c->source, entry->key_span, "unknown key \"%.*s\"", STR_ARG(entry->key));
    struct suggestion s = suggest_for(entry->key);
    struct buf known = BUF_INIT;
    for (const struct manifest_key *key = NULL; (key = manifest_key_next(parent, key));) {
        suggest_offer(&s, str_of(manifest_key_name(key)));
        buf_printf(&known, "%s%s", known.n ? ", " : "", manifest_key_name(key));
    }
    if (s.best.p)
        diag_hint(c->diags, d, "did you mean \"%.*s\"?", STR_ARG(s.best));
    else
        diag_hint(c->diags, d, "the keys here: %s", buf_text(&known));
    buf_release(&known);
    *meant = s.best;
}

static void missing_key(struct check *c, const struct manifest_key *parent, const struct manifest_key *key,
                        const struct document_node *mapping, const struct document_entry *entry) {
    char name[128];
    const char *others = key->or_else;
    struct str other;
    size_t n = (size_t)snprintf(name, sizeof name, "%s", manifest_key_name(key));
    while (manifest_key_word(&others, &other) && n < sizeof name)
        n +=
            (size_t)snprintf(name + n, sizeof name - n, "\"%s \"%.*s", *others ? "," : " or", STR_ARG(other));
    if (!entry)
        diags_error(c->diags, c->source, (struct span){mapping->span.at, 1},
                    "the manifest lacks the key \"%s\"", name);
    else if (!entry->key.p)
        diags_error(c->diags, c->source, (struct span){mapping->span.at, 1}, "the %s lacks the key \"%s\"",
                    parent->noun, name);
    else if (parent->noun)
        diags_error(c->diags, c->source, entry->key_span, "%s \"%.*s\" lacks the key \"%s\"", parent->noun,
                    STR_ARG(entry->key), name);
    else
        diags_error(c->diags, c->source, entry->key_span, "\"%.*s\" lacks the key \"%s\"",
                    STR_ARG(entry->key), name);
}

// False is as good as absent.
static bool is_given(const struct document_entry *entry) {
    return entry && !(entry->value->kind == DOCUMENT_BOOL && !entry->value->boolean);
}

static bool has_any(const struct document_node *mapping, const char *names) {
    for (struct str name; manifest_key_word(&names, &name);)
        if (document_find(mapping, name))
            return true;
    return false;
}

static void check_mapping(struct check *c, const struct manifest_key *parent, struct document_node *mapping,
                          const struct document_entry *entry) {
    const struct manifest_key *meant[16]; // required keys that are there, but misspelt
    size_t meant_n = 0;
    for (struct document_entry *e = mapping->entries; e && c->diags->errors < DOCUMENT_ERRORS; e = e->next) {
        const struct manifest_key *key = manifest_key_child(parent, e->key);
        if (key) {
            check_value(c, key, e->value, e);
            continue;
        }
        struct str word;
        unknown_key(c, parent, e, &word);
        if (word.p && meant_n < 16)
            meant[meant_n++] = manifest_key_child(parent, word);
    }
    for (const struct manifest_key *key = NULL; (key = manifest_key_next(parent, key));) {
        struct document_entry *e = document_find(mapping, str_of(manifest_key_name(key)));
        bool misspelt = false;
        for (size_t i = 0; i < meant_n; i++)
            misspelt = misspelt || meant[i] == key;
        bool wanted = manifest_key_required(parent, key) || (key->or_else && !has_any(mapping, key->or_else));
        if (!e && wanted && !misspelt)
            missing_key(c, parent, key, mapping, entry);
        const char *others = key->unless;
        for (struct str other; is_given(e) && manifest_key_word(&others, &other);)
            if (is_given(document_find(mapping, other)))
                diags_error(c->diags, c->source, e->key_span, "\"%s\" and \"%.*s\" cannot stand together",
                            manifest_key_name(key), STR_ARG(other));
    }
}

static void check_named(struct check *c, const struct manifest_key *parent, struct document_node *mapping) {
    const struct manifest_key *key = manifest_key_next(parent, NULL);
    if (!mapping->entries)
        expected(c, parent, mapping, "an empty one");
    for (struct document_entry *e = mapping->entries; e && c->diags->errors < DOCUMENT_ERRORS; e = e->next) {
        if (!parent->any_name && !manifest_is_name(e->key)) {
            struct diag *d = diags_error(c->diags, c->source, e->key_span,
                                         "\"%.*s\" cannot be the name of a %s", STR_ARG(e->key), key->noun);
            diag_hint(c->diags, d, "names consist of letters, digits and the characters _ . -");
        }
        check_value(c, key, e->value, e);
    }
}

static void check_listed(struct check *c, const struct manifest_key *parent, struct document_node *list) {
    const struct manifest_key *key = manifest_key_next(parent, NULL);
    for (struct document_entry *e = list->entries; e && c->diags->errors < DOCUMENT_ERRORS; e = e->next)
        check_value(c, key, e->value, e);
}

// In messages like one of a list, which has no key.
static void check_one(struct check *c, const struct manifest_key *parent, struct document_node *node) {
    const struct document_entry alone = {.value = node};
    check_value(c, manifest_key_next(parent, NULL), node, &alone);
}

static void check_number(struct check *c, const struct manifest_key *key, struct document_node *node) {
    const bool finite = node->kind == DOCUMENT_INT ||
                        (node->kind == DOCUMENT_FLOAT && node->real >= -DBL_MAX && node->real <= DBL_MAX);
    if (key->forms & FORM_NUMBER && finite)
        return;
    if (key->forms & FORM_NUMBER || node->kind != DOCUMENT_INT || node->integer < key->min ||
        node->integer > key->max)
        expected_not(c, key, node);
}

static void check_scalar(struct check *c, const struct manifest_key *key, struct document_node *node) {
    uint64_t number;
    switch (node->kind) {
    case DOCUMENT_BOOL:
        if (!(key->forms & FORM_BOOL))
            wrong_form(c, key, node);
        return;
    case DOCUMENT_INT:
    case DOCUMENT_BIG:
    case DOCUMENT_FLOAT:
        if (key->forms & (FORM_COUNT | FORM_SIZE | FORM_TIME | FORM_NUMBER))
            check_number(c, key, node);
        else
            wrong_form(c, key, node);
        return;
    case DOCUMENT_TEXT:
        if (key->forms & FORM_TEXT)
            check_text(c, key, node);
        else if (key->forms & FORM_SHARE && !manifest_parse_share(node->text, &number))
            expected_not(c, key, node);
        else if (key->forms & FORM_WAIT && !manifest_parse_wait(node->text, &number))
            expected_not(c, key, node);
        else if (key->forms & (FORM_SHARE | FORM_WAIT))
            return;
        else if (!(key->forms & (FORM_SIZE | FORM_TIME)))
            wrong_form(c, key, node);
        else if (!(key->forms & FORM_TIME ? manifest_parse_time(node->text, &number)
                                          : manifest_parse_size(node->text, &number)) ||
                 number > (uint64_t)key->max)
            expected_not(c, key, node);
        return;
    case DOCUMENT_NULL:
        if (!(key->forms & FORM_NULL))
            wrong_form(c, key, node);
        return;
    default:
        wrong_form(c, key, node);
    }
}

static void check_value(struct check *c, const struct manifest_key *key, struct document_node *node,
                        const struct document_entry *entry) {
    if (node->faulty)
        return;
    if (node->kind == DOCUMENT_LIST && key->forms & FORM_TEXTS)
        check_texts(c, key, node);
    else if (node->kind == DOCUMENT_LIST && key->forms & FORM_LISTED)
        check_listed(c, key, node);
    else if (key->forms & FORM_ONE && (node->kind == DOCUMENT_MAPPING || node->kind == DOCUMENT_TEXT))
        check_one(c, key, node);
    else if (node->kind == DOCUMENT_MAPPING && key->forms & FORM_MAPPING)
        check_mapping(c, key, node, entry);
    else if (node->kind == DOCUMENT_MAPPING && key->forms & FORM_NAMED)
        check_named(c, key, node);
    else if (node->kind == DOCUMENT_MAPPING && key->forms & FORM_ANY)
        return; // whatever it holds
    else
        check_scalar(c, key, node);
}

void manifest_check(struct document_node *root, const struct source_text *source, struct diags *diags) {
    struct check c = {source, diags};
    check_value(&c, &manifest_keys[0], root, NULL);
}
