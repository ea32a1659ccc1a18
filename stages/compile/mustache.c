// SPDX-License-Identifier: MIT
/*
 * The parser: one pass over the tags, a list of what is open. What it takes care of besides the nesting:
 *
 * Lines. A tag that is neither a value nor within a line stands alone, and its line goes: the blanks before it
 * and the end of the line. Every line that stays begins with a NODE_INDENT, which counts where the template is
 * rendered with an indentation; those without a character are left so.
 *
 * Blocks. What a block within {{<parent}} gives has its own indentation taken off each line (`strip`), and gets
 * that of the place it is rendered at: of the first line of the block there, or, where that is empty or within a
 * line, of the tag.
 */
#include "stages/compile/mustache.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "stages/compile/mustache_tag.h"
#include "stages/compile/tree.h"

static const char extension[] = ".mustache";

// A section, parent or block that has begun.
struct open {
    struct open *outer;
    struct mustache_tag tag;
    struct node *node;
    struct node_list list;   // of what it is in, to go on with
    struct str strip;        // the same
    bool ignores;            // the same
    bool given;              // a block within a parent
    bool stands_free;        // only blanks before it on its line
    struct str blanks;       // those
    struct str first_indent; // of a block: that of its first line
};

struct parser {
    struct arena *arena;
    const struct source_text *source;
    struct diags *diags;
    struct mustache_lexer lexer;
    struct open *open;
    uint32_t depth;
    struct node_list list;
    struct str strip; // taken off the beginning of each line
    bool ignores;     // within a parent, only blocks count
    size_t at;        // behind what has been seen to
};

static uint32_t line_of(const struct parser *p, struct span span) {
    uint32_t line, column;
    source_locate(p->source->text, span.at, &line, &column, NULL);
    return line;
}

// ---- lines

static bool at_line_begin(const struct parser *p, size_t at) {
    return at == 0 || p->source->text.p[at - 1] == '\n';
}

static size_t skip_blanks(const struct parser *p, size_t at) {
    struct str text = p->source->text;
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at;
}

// Where the line of `at` begins, if there are only blanks before `at`.
static bool only_blanks_before(const struct parser *p, size_t at, size_t *begin) {
    const char *text = p->source->text.p;
    while (at > p->at && (text[at - 1] == ' ' || text[at - 1] == '\t'))
        at--;
    *begin = at;
    return at_line_begin(p, at);
}

// Where the next line begins, if there are only blanks until then.
static bool only_blanks_behind(const struct parser *p, size_t at, size_t *next) {
    struct str text = p->source->text;
    at = skip_blanks(p, at);
    if (at < text.n && text.p[at] == '\r' && at + 1 < text.n && text.p[at + 1] == '\n')
        at++;
    *next = at < text.n ? at + 1 : at;
    return at == text.n || text.p[at] == '\n';
}

static struct str without_strip(const struct parser *p, struct str blanks) {
    size_t n = 0;
    while (n < blanks.n && n < p->strip.n && blanks.p[n] == p->strip.p[n])
        n++;
    return str_from(blanks, n);
}

static void add_indent(struct parser *p, size_t at) {
    node_append(&p->list, node_new(p->arena, NODE_INDENT, (struct span){(uint32_t)at, 0}));
}

static bool is_empty_line(const struct parser *p, size_t at) {
    struct str rest = str_from(p->source->text, at);
    return str_starts(rest, STR("\n")) || str_starts(rest, STR("\r\n"));
}

static void add_text(struct parser *p, size_t from, size_t to) {
    struct str text = p->source->text;
    while (from < to && !p->ignores) {
        if (at_line_begin(p, from)) {
            if (!is_empty_line(p, from))
                add_indent(p, from);
            from = to - without_strip(p, str_slice(text, from, to)).n;
        }
        const char *newline = from < to ? memchr(text.p + from, '\n', to - from) : NULL;
        size_t end = newline ? (size_t)(newline - text.p) + 1 : to;
        if (end > from) {
            struct node *node =
                node_new(p->arena, NODE_TEXT, (struct span){(uint32_t)from, (uint32_t)(end - from)});
            node->value = value_string(str_slice(text, from, end));
            node_append(&p->list, node);
        }
        from = end;
    }
}

// The text before a tag that does not stand alone.
static void add_line_before(struct parser *p, const struct mustache_tag *tag) {
    add_text(p, p->at, tag->span.at);
    if (at_line_begin(p, tag->span.at) && !p->ignores)
        add_indent(p, tag->span.at);
    p->at = tag->span.at + tag->span.n;
}

// A tag that may stand alone: the text before it, and whether it does.
static bool add_before(struct parser *p, const struct mustache_tag *tag) {
    size_t begin, next;
    if (!only_blanks_before(p, tag->span.at, &begin) || !only_blanks_behind(p, p->lexer.at, &next)) {
        add_line_before(p, tag);
        return false;
    }
    add_text(p, p->at, begin);
    p->at = next;
    return true;
}

// ---- names

static struct node *lookup(struct parser *p, const struct mustache_tag *tag) {
    struct str name = tag->name;
    if (str_is(name, "."))
        return node_new(p->arena, NODE_CURRENT, tag->span);
    struct node *node = NULL;
    for (size_t at = 0; at <= name.n;) {
        const char *point = at < name.n ? memchr(name.p + at, '.', name.n - at) : NULL;
        size_t end = point ? (size_t)(point - name.p) : name.n;
        struct node *part = node_new(p->arena, node ? NODE_FIELD : NODE_LOOKUP, tag->span);
        part->name = str_slice(name, at, end);
        part->left = node;
        if (node && !node_raise(part, node)) {
            diags_error(p->diags, p->source, tag->span, "this name has more than %d parts", (int)TREE_HEIGHT);
            return node;
        }
        node = part;
        at = end + 1;
    }
    return node;
}

static struct str file_of(struct parser *p, struct str name) {
    if (str_ends(name, str_of(extension)))
        return name;
    char *file = arena_printf(p->arena, "%.*s%s", STR_ARG(name), extension);
    if (!file)
        mem_fail(name.n);
    return str_of(file);
}

static struct node *partial(struct parser *p, const struct mustache_tag *tag, unsigned flags) {
    struct node *node = node_new(p->arena, NODE_PARTIAL, tag->span);
    node->flags = (uint8_t)flags;
    node->part.indent = STR("");
    if (tag->dynamic)
        node->left = lookup(p, tag);
    else
        node->part.name = file_of(p, tag->name);
    return node;
}

static void append(struct parser *p, struct node *node) {
    if (!p->ignores)
        node_append(&p->list, node);
}

// ---- tags

static void add_value(struct parser *p, const struct mustache_tag *tag) {
    add_line_before(p, tag);
    struct node *node = node_new(p->arena, NODE_PUT, tag->span);
    node->flags = tag->kind == MUSTACHE_VALUE;
    node->left = lookup(p, tag);
    append(p, node);
}

static void add_partial(struct parser *p, const struct mustache_tag *tag) {
    size_t begin = p->at;
    bool blank = only_blanks_before(p, tag->span.at, &begin);
    struct str blanks = str_slice(p->source->text, begin, tag->span.at);
    bool alone = add_before(p, tag);
    struct node *node = partial(p, tag, alone ? PART_STANDALONE : 0);
    if (alone && blank)
        node->part.indent = without_strip(p, blanks);
    append(p, node);
}

static struct open *begin(struct parser *p, const struct mustache_tag *tag, struct node *node) {
    struct open *open = ARENA_NEW(p->arena, struct open);
    if (!open)
        mem_fail(sizeof *open);
    *open = (struct open){.outer = p->open,
                          .tag = *tag,
                          .node = node,
                          .list = p->list,
                          .strip = p->strip,
                          .ignores = p->ignores};
    if (p->depth++ == TREE_DEPTH)
        diags_error(p->diags, p->source, tag->span, "sections are nested more than %d deep", (int)TREE_DEPTH);
    p->open = open;
    p->list = (struct node_list){0};
    return open;
}

static void begin_section(struct parser *p, const struct mustache_tag *tag) {
    add_before(p, tag);
    struct node *node = node_new(p->arena, NODE_SECTION, tag->span);
    node->flags = tag->kind == MUSTACHE_INVERTED;
    node->left = lookup(p, tag);
    begin(p, tag, node);
}

// Whether the line goes is known at the end of the parent: until then its blanks are kept apart.
static void begin_parent(struct parser *p, const struct mustache_tag *tag) {
    size_t line;
    bool free = only_blanks_before(p, tag->span.at, &line);
    struct str blanks = str_slice(p->source->text, line, tag->span.at);
    if (free)
        add_text(p, p->at, line);
    else
        add_line_before(p, tag);
    p->at = p->lexer.at;
    struct open *open = begin(p, tag, partial(p, tag, PART_PARENT));
    open->stands_free = free;
    open->blanks = blanks;
    p->ignores = true;
}

// A block that is given to the parent around it.
static void begin_given(struct parser *p, const struct mustache_tag *tag, struct node *node) {
    struct open *open = begin(p, tag, node);
    size_t next;
    open->given = true;
    p->at = p->lexer.at;
    p->ignores = false;
    p->strip = STR("");
    if (only_blanks_behind(p, p->at, &next)) {
        p->at = next;
        p->strip = str_slice(p->source->text, next, skip_blanks(p, next));
    } else {
        add_indent(p, p->at);
    }
}

static void begin_block(struct parser *p, const struct mustache_tag *tag) {
    struct node *node = node_new(p->arena, NODE_BLOCK, tag->span);
    node->part.name = tag->name;
    node->part.indent = STR("");
    if (p->open && p->open->tag.kind == MUSTACHE_PARENT) {
        begin_given(p, tag, node);
        return;
    }
    size_t line;
    bool free = only_blanks_before(p, tag->span.at, &line);
    struct str blanks = str_slice(p->source->text, line, tag->span.at);
    bool alone = add_before(p, tag);
    if (!alone)
        node->flags |= PART_IN_LINE;
    struct open *open = begin(p, tag, node);
    open->blanks = open->first_indent = free ? without_strip(p, blanks) : STR("");
    if (alone) {
        struct str first = str_slice(p->source->text, p->at, skip_blanks(p, p->at));
        open->first_indent = without_strip(p, first);
    }
}

// ---- ends

static void finish(struct parser *p, struct node *node) {
    struct open *open = p->open;
    p->list = open->list;
    p->strip = open->strip;
    p->ignores = open->ignores;
    p->open = open->outer;
    p->depth--;
    if (!open->given) {
        append(p, node);
        return;
    }
    struct node **last = &p->open->node->part.items;
    while (*last && !str_equal((*last)->part.name, node->part.name))
        last = &(*last)->next;
    if (*last) // given twice: the later one counts
        node->next = (*last)->next;
    *last = node;
}

static void end_section(struct parser *p, const struct mustache_tag *tag) {
    struct node *node = p->open->node;
    add_before(p, tag);
    node->part.body = p->list.first;
    finish(p, node);
}

static void end_block(struct parser *p, const struct mustache_tag *tag) {
    struct open *open = p->open;
    struct node *node = open->node;
    size_t line;
    if (!open->given) {
        add_before(p, tag);
        node->part.indent = p->list.first ? open->first_indent : open->blanks;
    } else if (only_blanks_before(p, tag->span.at, &line)) {
        add_text(p, p->at, line);
        p->at = p->lexer.at;
    } else {
        add_line_before(p, tag);
    }
    node->part.body = p->list.first;
    finish(p, node);
}

static void end_parent(struct parser *p, const struct mustache_tag *tag) {
    struct open *open = p->open;
    struct node *node = open->node;
    size_t line, next;
    bool ends_line = only_blanks_behind(p, p->lexer.at, &next);
    bool own_line = only_blanks_before(p, tag->span.at, &line);
    p->at = p->lexer.at;
    p->list = open->list;
    p->strip = open->strip;
    p->ignores = open->ignores;
    if (ends_line && open->stands_free) {
        node->flags |= PART_STANDALONE;
        node->part.indent = without_strip(p, open->blanks);
    } else if (open->stands_free) {
        size_t begin_at = open->tag.span.at - open->blanks.n;
        add_text(p, begin_at, open->tag.span.at);
        if (!open->blanks.n && !p->ignores)
            add_indent(p, begin_at);
    }
    if (ends_line && (open->stands_free || own_line))
        p->at = next;
    open->list = p->list;
    finish(p, node);
}

static void end_open(struct parser *p, const struct mustache_tag *tag) {
    if (p->open->tag.kind == MUSTACHE_PARENT)
        end_parent(p, tag);
    else if (p->open->tag.kind == MUSTACHE_BLOCK)
        end_block(p, tag);
    else
        end_section(p, tag);
}

static const char *what_is(const struct open *open) {
    return open->tag.kind == MUSTACHE_PARENT  ? "parent"
           : open->tag.kind == MUSTACHE_BLOCK ? "block"
                                              : "section";
}

static void say_unclosed(struct parser *p, const struct open *open) {
    diags_error(p->diags, p->source, open->tag.span, "the %s '%.*s' that begins here has no end",
                what_is(open), STR_ARG(open->tag.name));
}

static bool begins(const struct open *open, const struct mustache_tag *tag) {
    return str_equal(open->tag.name, tag->name);
}

// The end of something further out ends, with an error each, what is open inside of it. The end of nothing that
// is open is taken for that of the innermost.
static void end(struct parser *p, const struct mustache_tag *tag) {
    const struct open *open = p->open;
    while (open && !begins(open, tag))
        open = open->outer;
    if (open) {
        for (; !begins(p->open, tag); end_open(p, tag))
            say_unclosed(p, p->open);
    } else if (p->open) {
        struct diag *diag = diags_error(p->diags, p->source, tag->span,
                                        "this ends '%.*s', but the %s '%.*s' of line %u is open",
                                        STR_ARG(tag->name), what_is(p->open), STR_ARG(p->open->tag.name),
                                        (unsigned)line_of(p, p->open->tag.span));
        struct suggestion s = suggest_for(tag->name);
        for (open = p->open; open; open = open->outer)
            suggest_offer(&s, open->tag.name);
        if (s.best.p)
            diag_hint(p->diags, diag, "did you mean \"%.*s\"?", STR_ARG(s.best));
    } else {
        diags_error(p->diags, p->source, tag->span, "this ends '%.*s', which has not begun",
                    STR_ARG(tag->name));
        p->at = p->lexer.at;
        return;
    }
    end_open(p, tag);
}

static void add_tag(struct parser *p, const struct mustache_tag *tag) {
    switch (tag->kind) {
    case MUSTACHE_VALUE:
    case MUSTACHE_RAW:
        add_value(p, tag);
        break;
    case MUSTACHE_SECTION:
    case MUSTACHE_INVERTED:
        begin_section(p, tag);
        break;
    case MUSTACHE_CLOSE:
        end(p, tag);
        break;
    case MUSTACHE_PARTIAL:
        add_partial(p, tag);
        break;
    case MUSTACHE_PARENT:
        begin_parent(p, tag);
        break;
    case MUSTACHE_BLOCK:
        begin_block(p, tag);
        break;
    case MUSTACHE_COMMENT:
    case MUSTACHE_SET:
        add_before(p, tag);
        break;
    case MUSTACHE_BAD:
        p->at = p->lexer.at;
        break;
    }
}

// ---- the language

static bool parse(struct arena *arena, const struct source_text *source, struct diags *diags, bool indents,
                  struct tree **out) {
    size_t errors = diags->errors;
    struct parser p = {.arena = arena, .source = source, .diags = diags, .strip = STR("")};
    struct mustache_tag tag;
    mustache_lex_init(&p.lexer, source, diags);
    while (mustache_lex_tag(&p.lexer, &tag))
        add_tag(&p, &tag);
    add_text(&p, p.at, source->text.n);
    for (const struct open *open = p.open; open; open = open->outer)
        say_unclosed(&p, open);
    struct tree *tree = ARENA_NEW(arena, struct tree);
    if (!tree || diags->errors > errors)
        return false;
    tree->body = p.list.first;
    tree->has_context_stack = true;
    tree->indents = indents;
    *out = tree;
    return true;
}

static bool parse_plain(struct arena *arena, const struct source_text *source,
                        const struct compile_options *options, struct diags *diags, struct tree **out) {
    (void)options;
    return parse(arena, source, diags, false, out);
}

static bool parse_indented(struct arena *arena, const struct source_text *source,
                           const struct compile_options *options, struct diags *diags, struct tree **out) {
    (void)options;
    return parse(arena, source, diags, true, out);
}

const struct language language_mustache = {
    .name = LANGUAGE_MUSTACHE,
    .extensions = (const char *const[]){extension, NULL},
    .doc = "Mustache, with inheritance and dynamic names",
    .parse = parse_plain,
};

const struct language language_mustache_indented = {
    .name = LANGUAGE_MUSTACHE_INDENTED,
    .extensions = (const char *const[]){NULL},
    .doc = NULL, // Mustache, as a partial that is indented
    .parse = parse_indented,
};
