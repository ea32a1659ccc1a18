// SPDX-License-Identifier: MIT
#include "stages/program/directive.h"

#include <stdlib.h>

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str directive_strip(struct str s) {
    while (s.n && (is_blank(s.p[0]) || s.p[0] == 0))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == 0))
        s.n--;
    return s;
}

// The next word of *rest; empty at the end.
static struct str next_word(struct str *rest) {
    size_t from = 0;
    while (from < rest->n && is_blank(rest->p[from]))
        from++;
    size_t to = from;
    while (to < rest->n && !is_blank(rest->p[to]))
        to++;
    struct str word = {rest->p + from, to - from};
    *rest = (struct str){rest->p + to, rest->n - to};
    return word;
}

static int compare_word(const void *key, const void *entry) {
    return str_compare(*(const struct str *)key, str_of(*(const char *const *)entry));
}

// What every object of Ruby 3 answers to.
static bool is_ruby_method(struct str name) {
    static const char *const names[] = {"!",
                                        "!=",
                                        "!~",
                                        "<=>",
                                        "==",
                                        "===",
                                        "=~",
                                        "__id__",
                                        "__send__",
                                        "class",
                                        "clone",
                                        "define_singleton_method",
                                        "display",
                                        "dup",
                                        "enum_for",
                                        "eql?",
                                        "equal?",
                                        "extend",
                                        "freeze",
                                        "frozen?",
                                        "hash",
                                        "inspect",
                                        "instance_eval",
                                        "instance_exec",
                                        "instance_of?",
                                        "instance_variable_defined?",
                                        "instance_variable_get",
                                        "instance_variable_set",
                                        "instance_variables",
                                        "is_a?",
                                        "itself",
                                        "kind_of?",
                                        "method",
                                        "methods",
                                        "nil?",
                                        "object_id",
                                        "private_methods",
                                        "protected_methods",
                                        "public_method",
                                        "public_methods",
                                        "public_send",
                                        "remove_instance_variable",
                                        "respond_to?",
                                        "send",
                                        "singleton_class",
                                        "singleton_method",
                                        "singleton_methods",
                                        "taint",
                                        "tainted?",
                                        "tap",
                                        "then",
                                        "to_enum",
                                        "to_s",
                                        "trust",
                                        "untaint",
                                        "untrust",
                                        "untrusted?",
                                        "yield_self"};
    return bsearch(&name, names, sizeof names / sizeof *names, sizeof *names, compare_word) != NULL;
}

bool directive_parse(struct str line, struct directive *out) {
    line = directive_strip(line);
    if (!str_starts(line, STR("//")))
        return false;
    struct str rest = str_from(line, 2);
    *out = (struct directive){.line = line, .name = next_word(&rest)};
    if (!out->name.n) {
        out->kind = DIRECTIVE_NAMELESS;
    } else if (str_is(out->name, "run") || str_is(out->name, "initialize")) {
        out->kind = DIRECTIVE_EXCLUDED;
    } else if (str_is(out->name, "include") || str_is(out->name, "import")) {
        out->path = next_word(&rest);
        out->kind = out->path.n && !next_word(&rest).n ? DIRECTIVE_INCLUDE : DIRECTIVE_PATHS;
    } else {
        out->kind = is_ruby_method(out->name) ? DIRECTIVE_REFUSED : DIRECTIVE_UNKNOWN;
    }
    return true;
}

struct str directive_fault(const struct directive *d, struct arena *arena) {
    switch (d->kind) {
    case DIRECTIVE_NAMELESS:
        return STR("a directive needs a name after the slashes, such as //include FILE");
    case DIRECTIVE_PATHS:
        return str_of(arena_printf(arena, "//%.*s takes the path of one file", STR_ARG(d->name)));
    case DIRECTIVE_REFUSED:
        return str_of(arena_printf(arena, "//%.*s is Ruby, which is not run here", STR_ARG(d->name)));
    case DIRECTIVE_INCLUDE:
    case DIRECTIVE_EXCLUDED:
    case DIRECTIVE_UNKNOWN:
        break;
    }
    return (struct str){NULL, 0};
}

bool directive_next(struct str text, size_t *at, struct directive *out) {
    while (*at < text.n) {
        const char *slashes = memmem(text.p + *at, text.n - *at, "//", 2);
        if (!slashes)
            break;
        size_t start = (size_t)(slashes - text.p), end = start;
        while (start > *at && text.p[start - 1] != '\n')
            start--;
        const char *newline = memchr(text.p + end, '\n', text.n - end);
        end = newline ? (size_t)(newline - text.p) : text.n;
        *at = newline ? end + 1 : text.n;
        if (directive_parse(str_slice(text, start, end), out))
            return true;
    }
    *at = text.n;
    return false;
}

bool directive_template(struct str path, struct arena *arena, struct str *out) {
    if (path.n && path.p[0] == '/')
        return false;
    char *name = arena_alloc(arena, path.n + 2);
    *out = (struct str){name, 0};
    if (!name)
        return true;
    for (size_t at = 0; at < path.n;) {
        const char *slash = memchr(path.p + at, '/', path.n - at);
        struct str part = str_slice(path, at, slash ? (size_t)(slash - path.p) : path.n);
        at += part.n + 1;
        if (!part.n || str_is(part, "."))
            continue;
        if (str_is(part, "..")) {
            if (!out->n)
                return false;
            while (out->n && name[out->n - 1] != '/')
                out->n--;
            out->n -= out->n > 0;
            continue;
        }
        if (out->n)
            name[out->n++] = '/';
        memcpy(name + out->n, part.p, part.n);
        out->n += part.n;
    }
    if (!out->n)
        name[out->n++] = '.';
    else if (path.p[path.n - 1] == '/') // no file has that name
        name[out->n++] = '/';
    return true;
}
