// SPDX-License-Identifier: MIT
#include "stages/compile/prompt.h"

#include "base/mem.h"
#include "stages/compile/prompt_text.h"
#include "stages/compile/tree.h"
#include "stages/program/directive.h"

enum { ERRORS_LIMIT = 50 };

struct prompt {
    struct arena *arena;
    const struct source_text *source;
    struct diags *diags;
    struct prompt_text made;
    struct str text;  // of `made`, in the arena
    struct node *all; // NODE_PROMPT
    struct node_list keywords;
    uint32_t keywords_n;
    struct node **table; // keywords by name: open addressing
    size_t table_cap;
};

// The length of the keyword that begins at `at`; 0: none does.
static size_t keyword_at(struct str text, size_t at) {
    size_t end = at + 1;
    while (end < text.n && ((text.p[end] >= 'A' && text.p[end] <= 'Z') || text.p[end] == ' ' ||
                            text.p[end] == '_' || text.p[end] == '|'))
        end++;
    return text.p[at] == '[' && end > at + 1 && end < text.n && text.p[end] == ']' ? end + 1 - at : 0;
}

// The next keyword of `text` from *at on; empty at the end.
static struct str next_keyword(struct str text, size_t *at) {
    for (; *at < text.n; ++*at) {
        const char *bracket = memchr(text.p + *at, '[', text.n - *at);
        if (!bracket)
            break;
        *at = (size_t)(bracket - text.p);
        size_t n = keyword_at(text, *at);
        if (n)
            return str_slice(text, *at, *at + n);
    }
    *at = text.n;
    return (struct str){NULL, 0};
}

// ---- keywords, in the order they first appear anywhere in the source

static struct node **table_place(struct prompt *p, struct str name) {
    size_t i = str_hash(name) & (p->table_cap - 1);
    while (p->table[i] && !str_equal(p->table[i]->name, name))
        i = (i + 1) & (p->table_cap - 1);
    return &p->table[i];
}

static void grow_table(struct prompt *p) {
    struct node **old = p->table;
    p->table_cap = p->table_cap ? p->table_cap * 2 : 64;
    p->table = MEM_NEW_ARRAY(struct node *, p->table_cap);
    for (struct node *k = p->keywords.first; k; k = k->next)
        *table_place(p, k->name) = k;
    mem_free(old);
}

static void find_keywords(struct prompt *p) {
    struct str source = p->source->text, name;
    for (size_t at = 0; (name = next_keyword(source, &at)).n; at += name.n) {
        if (2 * (p->keywords_n + 1) > p->table_cap)
            grow_table(p);
        struct node **place = table_place(p, name);
        if (*place)
            continue;
        *place = node_new(p->arena, NODE_KEYWORD, (struct span){(uint32_t)at, (uint32_t)name.n});
        (*place)->keyword.name = name;
        (*place)->keyword.index = p->keywords_n++;
        (*place)->flags = 1;
        node_append(&p->keywords, *place);
    }
}

// ---- the text, taken apart

static struct span span_of(const struct prompt *p, size_t at, size_t n) {
    uint32_t from = prompt_text_origin(&p->made, at);
    uint32_t last = n ? prompt_text_origin(&p->made, at + n - 1) : from;
    return (struct span){from, last >= from ? last - from + 1 : 1};
}

static void add_text(struct prompt *p, struct node_list *pieces, size_t from, size_t to) {
    if (from == to)
        return;
    struct node *text = node_new(p->arena, NODE_TEXT, span_of(p, from, to - from));
    text->value = value_string(str_slice(p->text, from, to));
    node_append(pieces, text);
}

static void take_apart(struct prompt *p) {
    struct node_list pieces = {NULL, NULL};
    struct str name;
    size_t done = 0;
    for (size_t at = 0; (name = next_keyword(p->text, &at)).n; at += name.n) {
        struct node *keyword = p->table_cap ? *table_place(p, name) : NULL;
        if (!keyword) // a comment in the middle has hidden it: that it is one nobody knows
            continue;
        add_text(p, &pieces, done, at);
        struct node *piece = node_new(p->arena, NODE_KEYWORD, span_of(p, at, name.n));
        piece->keyword.name = keyword->name;
        piece->keyword.index = keyword->keyword.index;
        node_append(&pieces, piece);
        if (keyword->flags)
            keyword->span = piece->span;
        keyword->flags = 0;
        done = at + name.n;
    }
    add_text(p, &pieces, done, p->text.n);
    p->all->prompt.pieces = pieces.first;
}

static bool error_at(struct prompt *p, size_t at, size_t n, const char *message, const char *hint) {
    struct diag *diag = diags_error(p->diags, p->source, span_of(p, at, n), "%s", message);
    if (hint)
        diag_hint(p->diags, diag, "%s", hint);
    return p->diags->errors < ERRORS_LIMIT;
}

// What other tools would run. It is not text either, since those who wrote it meant something else.
static void refuse_code(struct prompt *p) {
    static const struct {
        const char *begin, *message;
    } refused[] = {{"$(", "shell commands are not run"}, {"<%", "embedded Ruby is not run"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (size_t at = 0; p->text.n - at >= 2; at += 2) {
            const char *found = memmem(p->text.p + at, p->text.n - at, refused[i].begin, 2);
            if (!found)
                break;
            at = (size_t)(found - p->text.p);
            if (!error_at(p, at, 2, refused[i].message, "a keyword's value may have this text"))
                return;
        }
}

// Directives without brackets are certain: nothing gets into them.
static void look_at_directives(struct prompt *p) {
    struct node_list includes = {NULL, NULL};
    struct directive d;
    for (size_t at = 0; directive_next(p->text, &at, &d);) {
        size_t from = (size_t)(d.line.p - p->text.p);
        if (memchr(d.line.p, '[', d.line.n) || memchr(d.line.p, ']', d.line.n)) {
            if (!p->all->span.n)
                p->all->span = span_of(p, from, d.line.n);
            continue;
        }
        struct str fault = directive_fault(&d, p->arena), name;
        if (fault.p && !error_at(p, from, d.line.n, fault.p, NULL))
            break;
        if (d.kind != DIRECTIVE_INCLUDE || !directive_template(d.path, p->arena, &name) || !name.p)
            continue;
        struct node *include = node_const(p->arena, span_of(p, from, d.line.n), value_string(name));
        node_append(&includes, include);
    }
    p->all->prompt.includes = includes.first;
}

// Where a value may bring in a directive: what is wrong with one is shown there, unless a line has slashes already.
static void find_entrance(struct prompt *p) {
    bool at_start = true;
    for (const struct node *piece = p->all->prompt.pieces; piece && !p->all->span.n; piece = piece->next) {
        if (piece->kind == NODE_KEYWORD) {
            if (at_start)
                p->all->span = piece->span;
            continue;
        }
        struct str text = value_str(piece->value);
        for (size_t i = 0; i < text.n; i++)
            at_start = text.p[i] == '\n' || (at_start && (text.p[i] == ' ' || text.p[i] == '\t'));
    }
    if (!p->all->span.n && p->keywords.first)
        p->all->span = p->keywords.first->span;
}

static bool read_prompt(struct prompt *p) {
    size_t errors = p->diags->errors;
    p->text = arena_str(p->arena, buf_str(&p->made.text));
    p->all = node_new(p->arena, NODE_PROMPT, (struct span){0, 0});
    if (!p->text.p)
        mem_fail(p->made.text.n);
    find_keywords(p);
    take_apart(p);
    refuse_code(p);
    look_at_directives(p);
    p->all->prompt.text = p->text;
    p->all->prompt.keywords = p->keywords.first;
    find_entrance(p);
    return p->diags->errors == errors;
}

static bool parse(struct arena *arena, const struct source_text *source,
                  const struct compile_options *options, struct diags *diags, struct tree **out) {
    struct prompt p = {.arena = arena, .source = source, .diags = diags};
    struct tree *tree = ARENA_NEW(arena, struct tree);
    if (!tree)
        mem_fail(sizeof *tree);
    prompt_text_make(source->text, options, &p.made);
    bool fine = read_prompt(&p);
    prompt_text_release(&p.made);
    mem_free(p.table);
    tree->body = p.all;
    *out = tree;
    return fine;
}

const struct language language_prompt = {
    .name = "prompt",
    .extensions = (const char *const[]){".prompt", NULL},
    .doc = "[KEYWORD] parameters, //include lines, # comments, as PromptManager reads them",
    .parse = parse,
};
