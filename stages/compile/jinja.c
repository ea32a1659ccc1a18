// SPDX-License-Identifier: MIT
/*
 * Jinja's statements. A tag that has a body pushes an open_block, so that a wrong or missing end tag can be
 * told apart: an end tag of a block further out closes what is open inside of it (after an error), any other
 * one is skipped.
 */
#include "stages/compile/jinja.h"

#include <string.h>

#include "base/suggest.h"
#include "stages/compile/jinja_parse.h"
#include "stages/program/program.h"

struct open_block {
    const char *tag;
    struct span span;
    const char *const *ends; // words that end its current part, NULL-terminated
    const struct open_block *outer;
    uint32_t depth;
};

static const char *const ends_if[] = {"elif", "else", "endif", NULL};
static const char *const ends_else[] = {"endif", NULL};
static const char *const ends_for[] = {"endfor", "else", NULL};
static const char *const ends_for_else[] = {"endfor", NULL};
static const char *const ends_set[] = {"endset", NULL};
static const char *const ends_with[] = {"endwith", NULL};
static const char *const ends_macro[] = {"endmacro", NULL};
static const char *const ends_call[] = {"endcall", NULL};
static const char *const ends_filter[] = {"endfilter", NULL};
static const char *const ends_block[] = {"endblock", NULL};
static const char *const ends_autoescape[] = {"endautoescape", NULL};
static const char *const ends_generation[] = {"endgeneration", NULL};

static struct node *statements(struct jinja_parser *p, const struct open_block *block);

static bool among(const char *const *words, struct str word) {
    for (; *words; words++)
        if (str_is(word, *words))
            return true;
    return false;
}

static uint32_t line_of(const struct jinja_parser *p, struct span span) {
    uint32_t line, column;
    source_locate(p->source->text, span.at, &line, &column, NULL);
    return line;
}

static struct open_block open_block(const struct jinja_parser *p, const char *tag, struct span span,
                                    const char *const *ends) {
    return (struct open_block){tag, span, ends, p->blocks, p->blocks ? p->blocks->depth + 1 : 1};
}

// The body of a block, from the end of its tag to one of its end words, which becomes the current token.
static struct node *body(struct jinja_parser *p, const struct open_block *block) {
    jinja_accept(p, JINJA_COLON);
    jinja_end_tag(p, JINJA_BLOCK_END);
    p->blocks = block;
    struct node *list = statements(p, block);
    p->blocks = block->outer;
    return list;
}

// Consumes the end word `word` if the body ended there, as it does unless an error has been reported.
static bool accept_end(struct jinja_parser *p, const char *word) {
    return !p->ends_early && jinja_accept_word(p, word);
}

// The rest of a block that has one part.
static struct node *only_body(struct jinja_parser *p, const char *tag, struct span span,
                              const char *const *ends) {
    struct open_block block = open_block(p, tag, span, ends);
    struct node *list = body(p, &block);
    accept_end(p, ends[0]);
    return list;
}

// ---- the statements, the tag's word being consumed

static struct node *parse_if(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_IF, span);
    struct node_list branches = {0};
    struct open_block block = open_block(p, "if", span, ends_if);
    bool again = true;
    while (again) {
        struct node *branch = node_new(p->arena, NODE_BRANCH, p->last);
        branch->left = jinja_tuple(p, (struct jinja_tuple_rule){.no_choice = true});
        branch->block.body = body(p, &block);
        node_append(&branches, branch);
        again = accept_end(p, "elif");
    }
    if (accept_end(p, "else")) {
        block.ends = ends_else;
        struct node *branch = node_new(p->arena, NODE_BRANCH, p->last);
        branch->block.body = body(p, &block);
        node_append(&branches, branch);
    }
    accept_end(p, "endif");
    node->block.items = branches.first;
    return node;
}

static struct node *parse_for(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_FOR, span);
    struct open_block block = open_block(p, "for", span, ends_for);
    node->loop.target = jinja_target(p, "in");
    if (!jinja_accept_word(p, "in"))
        jinja_unexpected(p, "'in'");
    node->left = jinja_tuple(p, (struct jinja_tuple_rule){.no_choice = true, .end_word = "recursive"});
    if (jinja_accept_word(p, "if"))
        node->loop.filter = jinja_expression(p);
    node->flags = jinja_accept_word(p, "recursive");
    p->loops++;
    node->loop.body = body(p, &block);
    p->loops--;
    if (accept_end(p, "else")) {
        block.ends = ends_for_else;
        node->loop.otherwise = body(p, &block);
    }
    accept_end(p, "endfor");
    return node;
}

static bool at_set_block(const struct jinja_parser *p) {
    return jinja_at(p, JINJA_PIPE) || jinja_at(p, JINJA_BLOCK_END);
}

static void expect_assign(struct jinja_parser *p) {
    if (!jinja_accept(p, JINJA_ASSIGN))
        jinja_unexpected(p, "'=' or '%}'");
}

static struct node *set_block(struct jinja_parser *p, struct span span, struct node *target) {
    struct node *node = node_new(p->arena, NODE_CAPTURE, span);
    node->block.target = target;
    if (jinja_accept(p, JINJA_PIPE))
        node->left = jinja_filters(p, NULL);
    node->block.body = only_body(p, "set", span, ends_set);
    return node;
}

static struct node *parse_set(struct jinja_parser *p, struct span span) {
    struct node *node;
    if (jinja_at(p, JINJA_NAME) && jinja_peek(p)->kind == JINJA_DOT) {
        node = node_new(p->arena, NODE_SET_ATTR, span);
        node->target = jinja_name_target(p);
        jinja_accept(p, JINJA_DOT);
        node->name = p->current.text;
        jinja_expect(p, JINJA_NAME);
        if (!at_set_block(p)) {
            expect_assign(p);
            node->left = jinja_tuple(p, (struct jinja_tuple_rule){0});
            return node;
        }
        return set_block(p, span, node);
    }
    struct node *target = jinja_target(p, NULL);
    if (at_set_block(p))
        return set_block(p, span, target);
    expect_assign(p);
    node = node_new(p->arena, NODE_SET, span);
    node->target = target;
    node->left = jinja_tuple(p, (struct jinja_tuple_rule){0});
    return node;
}

static struct node *parse_with(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_WITH, span);
    struct node_list items = {0};
    while (!p->panic && !jinja_at(p, JINJA_BLOCK_END) && !jinja_at(p, JINJA_END)) {
        if (items.first && !jinja_expect(p, JINJA_COMMA))
            break;
        struct node *set = node_new(p->arena, NODE_SET, p->current.span);
        set->target = jinja_target(p, NULL);
        jinja_expect(p, JINJA_ASSIGN);
        set->left = jinja_expression(p);
        node_append(&items, set);
    }
    node->block.items = items.first;
    node->block.body = only_body(p, "with", span, ends_with);
    return node;
}

static struct node *signature(struct jinja_parser *p) {
    struct node_list parameters = {0};
    bool defaults = false;
    jinja_expect(p, JINJA_LPAREN);
    while (!p->panic && !jinja_at(p, JINJA_RPAREN)) {
        if (parameters.first && !jinja_expect(p, JINJA_COMMA))
            break;
        struct node *name = jinja_name_target(p);
        struct node *parameter = node_new(p->arena, NODE_ATTR, name->span);
        if (name->kind == NODE_NAME)
            parameter->name = name->name;
        for (const struct node *k = parameters.first; k; k = k->next)
            if (str_equal(k->name, parameter->name))
                jinja_fail(p, parameter->span, "there are two parameters '%.*s'", STR_ARG(parameter->name));
        if (jinja_accept(p, JINJA_ASSIGN)) {
            parameter->left = jinja_expression(p);
            defaults = true;
        } else if (defaults) {
            jinja_fail(p, parameter->span, "a parameter without a default follows one with a default");
        }
        node_append(&parameters, parameter);
    }
    jinja_expect(p, JINJA_RPAREN);
    return parameters.first;
}

// A body that is a function of its own: a loop around it is not its loop.
static struct node *function_body(struct jinja_parser *p, const char *tag, struct span span,
                                  const char *const *ends) {
    uint32_t loops = p->loops;
    p->loops = 0;
    struct node *list = only_body(p, tag, span, ends);
    p->loops = loops;
    return list;
}

static struct node *parse_macro(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_MACRO, span);
    struct node *name = jinja_name_target(p);
    if (name->kind == NODE_NAME)
        node->macro.name = name->name;
    node->macro.parameters = signature(p);
    node->macro.body = function_body(p, "macro", span, ends_macro);
    return node;
}

static struct node *parse_call(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_CALL_BLOCK, span);
    if (jinja_at(p, JINJA_LPAREN))
        node->macro.parameters = signature(p);
    node->left = jinja_expression(p);
    if (node->left->kind != NODE_CALL)
        jinja_fail(p, node->left->span, "expected a call, as in {%% call name() %%}");
    node->macro.body = function_body(p, "call", span, ends_call);
    return node;
}

// What the model says, which training marks: a function of its own in other engines, and here a scope.
static struct node *parse_generation(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_WITH, span);
    node->block.body = function_body(p, "generation", span, ends_generation);
    return node;
}

static struct node *parse_filter(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_CAPTURE, span);
    node->left = jinja_filters(p, NULL);
    node->block.body = only_body(p, "filter", span, ends_filter);
    return node;
}

// "with context" or "without context"; the flags it gives.
static uint8_t context_flags(struct jinja_parser *p) {
    bool without = jinja_at_word(p, "without");
    if (!without && !jinja_at_word(p, "with"))
        return 0;
    const struct jinja_token *next = jinja_peek(p);
    if (next->kind != JINJA_NAME || !str_is(next->text, "context"))
        return 0;
    jinja_advance(p);
    jinja_advance(p);
    return without ? INCLUDE_WITHOUT_CONTEXT : 0;
}

static struct node *parse_include(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_INCLUDE, span);
    node->left = jinja_expression(p);
    if (jinja_at_word(p, "ignore")) {
        const struct jinja_token *next = jinja_peek(p);
        if (next->kind == JINJA_NAME && str_is(next->text, "missing")) {
            jinja_advance(p);
            jinja_advance(p);
            node->flags |= INCLUDE_IGNORE_MISSING;
        }
    }
    node->flags |= context_flags(p);
    return node;
}

static struct node *parse_autoescape(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_AUTOESCAPE, span);
    node->left = jinja_expression(p);
    node->block.body = only_body(p, "autoescape", span, ends_autoescape);
    return node;
}

static struct node *parse_do(struct jinja_parser *p, struct span span) {
    if (p->options->chat)
        jinja_fail(p, span, "'do' is no tag of chat templates");
    struct node *node = node_new(p->arena, NODE_DO, span);
    node->left = jinja_tuple(p, (struct jinja_tuple_rule){0});
    return node;
}

static struct node *parse_print(struct jinja_parser *p, struct span span) {
    struct node_list list = {0};
    while (!p->panic && !jinja_at(p, JINJA_BLOCK_END) && !jinja_at(p, JINJA_END)) {
        if (list.first && !jinja_expect(p, JINJA_COMMA))
            break;
        struct node *node = node_new(p->arena, NODE_PRINT, span);
        node->left = jinja_expression(p);
        node_append(&list, node);
    }
    return list.first;
}

static struct node *parse_jump(struct jinja_parser *p, struct span span, enum node_kind kind) {
    if (!p->loops)
        jinja_fail(p, span, "'%s' outside of a loop", kind == NODE_BREAK ? "break" : "continue");
    return node_new(p->arena, kind, span);
}

static struct node *parse_break(struct jinja_parser *p, struct span span) {
    return parse_jump(p, span, NODE_BREAK);
}

static struct node *parse_continue(struct jinja_parser *p, struct span span) {
    return parse_jump(p, span, NODE_CONTINUE);
}

// ---- inheritance and imports

static struct node *parse_extends(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_EXTENDS, span);
    node->left = jinja_expression(p);
    return node;
}

static bool is_blank(const struct node *chain) {
    for (; chain; chain = chain->next) {
        if (chain->kind != NODE_TEXT)
            return false;
        struct str text = value_str(chain->value);
        for (size_t i = 0; i < text.n; i++)
            if (!text.p[i] || !strchr(" \t\r\n\f\v", text.p[i]))
                return false;
    }
    return true;
}

// The name may be said again where the block ends.
static void end_name(struct jinja_parser *p, struct str name) {
    if (p->ends_early || !jinja_at(p, JINJA_NAME))
        return;
    if (str_equal(p->current.text, name)) {
        jinja_advance(p);
        return;
    }
    struct str got = p->current.text;
    struct span span = p->current.span;
    struct suggestion s = suggest_for(got);
    suggest_offer(&s, name);
    if (p->panic || p->over)
        return;
    struct diag *diag =
        diags_error(p->diags, p->source, span, "expected the end of the tag or '%.*s', got '%.*s'",
                    STR_ARG(name), STR_ARG(got));
    if (s.best.p)
        diag_hint(p->diags, diag, "did you mean \"%.*s\"?", STR_ARG(s.best));
    p->panic = true;
    p->current.kind = JINJA_BAD;
}

static struct node *parse_block(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_FAMILY_BLOCK, span);
    struct node *name = jinja_name_target(p);
    if (name->kind == NODE_NAME)
        node->macro.name = name->name;
    node->span = name->span;
    if (jinja_accept_word(p, "scoped"))
        node->flags |= BLOCK_SCOPED;
    if (jinja_accept_word(p, "required"))
        node->flags |= BLOCK_REQUIRED;
    if (jinja_at(p, JINJA_SUB))
        jinja_fail(p, p->current.span, "the name of a block is an identifier, without hyphens");
    struct open_block block = open_block(p, "block", span, ends_block);
    uint32_t loops = p->loops;
    p->loops = 0;
    node->macro.body = body(p, &block);
    p->loops = loops;
    if (accept_end(p, "endblock"))
        end_name(p, node->macro.name);
    if ((node->flags & BLOCK_REQUIRED) && !is_blank(node->macro.body) && !p->over)
        diags_error(p->diags, p->source, node->span,
                    "a required block is empty: it may contain white space and comments only");
    return node;
}

static bool imports_with_context(struct jinja_parser *p, bool *with) {
    bool word = jinja_at_word(p, "with") || jinja_at_word(p, "without");
    if (!word)
        return false;
    const struct jinja_token *next = jinja_peek(p);
    if (next->kind != JINJA_NAME || !str_is(next->text, "context"))
        return false;
    *with = jinja_at_word(p, "with");
    jinja_advance(p);
    jinja_advance(p);
    return true;
}

static struct node *parse_import(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_IMPORT, span);
    bool with = false;
    node->left = jinja_expression(p);
    if (!jinja_accept_word(p, "as"))
        jinja_unexpected(p, "'as'");
    node->block.target = jinja_name_target(p);
    imports_with_context(p, &with);
    node->flags = with;
    return node;
}

static struct node *imported_name(struct jinja_parser *p) {
    struct node *name = jinja_name_target(p);
    struct node *node = node_new(p->arena, NODE_IMPORTED, name->span);
    if (name->kind == NODE_NAME && name->name.p[0] == '_')
        jinja_fail(p, name->span, "names that begin with an underscore cannot be imported");
    if (name->kind == NODE_NAME)
        node->name = name->name;
    node->target = jinja_accept_word(p, "as") ? jinja_name_target(p) : name;
    return node;
}

static struct node *parse_from(struct jinja_parser *p, struct span span) {
    struct node *node = node_new(p->arena, NODE_IMPORT, span);
    struct node_list names = {0};
    bool with = false, again = true;
    node->left = jinja_expression(p);
    if (!jinja_accept_word(p, "import"))
        jinja_unexpected(p, "'import'");
    while (again && !p->panic) {
        if (imports_with_context(p, &with))
            break;
        node_append(&names, imported_name(p));
        again = !imports_with_context(p, &with) && jinja_accept(p, JINJA_COMMA);
    }
    node->block.items = names.first;
    node->flags = with;
    return node;
}

// ---- tags

static const struct tag {
    const char *word;
    struct node *(*parse)(struct jinja_parser *p, struct span span);
    bool is_chats; // only chat templates have it
} tags[] = {
    {"autoescape", parse_autoescape, false},
    {"block", parse_block, false},
    {"break", parse_break, false},
    {"call", parse_call, false},
    {"continue", parse_continue, false},
    {"do", parse_do, false},
    {"extends", parse_extends, false},
    {"filter", parse_filter, false},
    {"for", parse_for, false},
    {"from", parse_from, false},
    {"generation", parse_generation, true},
    {"if", parse_if, false},
    {"import", parse_import, false},
    {"include", parse_include, false},
    {"macro", parse_macro, false},
    {"print", parse_print, false},
    {"set", parse_set, false},
    {"with", parse_with, false},
};

static const char *const other_words[] = {"raw", "endraw", "elif", "else", NULL};

static const struct tag *tag_find(struct str word) {
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (str_is(word, tags[i].word))
            return &tags[i];
    return NULL;
}

static bool has_tag(const struct jinja_parser *p, const struct tag *tag) {
    return tag && (p->options->chat || !tag->is_chats);
}

// An end tag that no open block waits for is no unknown tag.
static bool is_end_word(const struct jinja_parser *p, struct str word) {
    return among(other_words, word) ||
           (str_starts(word, STR("end")) && has_tag(p, tag_find(str_from(word, 3))));
}

// The end of `block` that a word which is none was meant for, or NULL: a misspelt one, or `end` alone.
static const char *meant_end(const struct open_block *block, struct str word) {
    if (!block || !str_starts(word, STR("end")))
        return NULL;
    struct suggestion s = suggest_for(word);
    const char *meant = NULL;
    for (const char *const *end = block->ends; *end; end++) {
        suggest_offer(&s, str_of(*end));
        if (str_starts(str_of(*end), STR("end")))
            meant = *end;
    }
    return word.n == 3 || s.best.p == meant ? meant : NULL;
}

static void suggest_tag(struct jinja_parser *p, const struct open_block *block, struct str word,
                        struct diag *diag) {
    struct suggestion s = suggest_for(word);
    for (const char *const *end = block ? block->ends : NULL; end && *end; end++)
        suggest_offer(&s, str_of(*end));
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (has_tag(p, &tags[i]))
            suggest_offer(&s, str_of(tags[i].word));
    suggest_offer(&s, STR("raw"));
    const char *end = word.n == 3 ? meant_end(block, word) : NULL;
    if (end)
        s.best = str_of(end);
    if (tag_find(word))
        diag_hint(p->diags, diag,
                  "chat templates have it: --chat, or `jinja: { chat: true }` in the manifest");
    else if (s.best.p)
        diag_hint(p->diags, diag, "did you mean \"%.*s\"?", STR_ARG(s.best));
}

static void write_ends(const struct open_block *block, struct buf *words) {
    for (const char *const *end = block->ends; *end; end++)
        buf_printf(words, "%s'%s'", end == block->ends ? "" : end[1] ? ", " : " or ", *end);
}

static void hint_open(struct jinja_parser *p, const struct open_block *block, struct diag *diag) {
    if (!block || !diag)
        return;
    struct buf words = BUF_INIT;
    write_ends(block, &words);
    diag_hint(p->diags, diag, "the innermost open block is '%s' of line %u, it wants %.*s", block->tag,
              (unsigned)line_of(p, block->span), STR_ARG(buf_str(&words)));
    buf_release(&words);
}

// The error is reported already; the block ends all the same, so that its missing end is not a second one.
static void end_as_meant(struct jinja_parser *p, const struct open_block *block, const char *end) {
    if (str_is(p->current.text, "end") && jinja_peek(p)->kind == JINJA_NAME &&
        str_is(jinja_peek(p)->text, block->tag))
        jinja_advance(p); // {% end if %}
    if (p->current.kind == JINJA_NAME)
        p->current.text = str_of(end);
    p->ends_early = true;
}

// A word that begins no statement here. Says so, and skips the tag or, where it ends a block further out,
// makes the blocks inside of that end too.
static void wrong_tag(struct jinja_parser *p, const struct open_block *block) {
    struct jinja_token t = p->current;
    bool is_end = is_end_word(p, t.text);
    for (const struct open_block *outer = block ? block->outer : NULL; outer && is_end;
         outer = outer->outer) {
        if (!among(outer->ends, t.text))
            continue;
        struct buf words = BUF_INIT;
        write_ends(block, &words);
        diags_error(p->diags, p->source, t.span,
                    "'%.*s' comes while '%s' of line %u is open, which wants %.*s", STR_ARG(t.text),
                    block->tag, (unsigned)line_of(p, block->span), STR_ARG(buf_str(&words)));
        buf_release(&words);
        p->ends_early = true;
        return;
    }
    bool follows =
        str_starts(t.text, STR("end")) && p->unknown.n && str_equal(str_from(t.text, 3), p->unknown);
    if (!follows) {
        struct diag *diag =
            diags_error(p->diags, p->source, t.span, is_end ? "unexpected tag '%.*s'" : "unknown tag '%.*s'",
                        STR_ARG(t.text));
        if (!is_end) {
            suggest_tag(p, block, t.text, diag);
            p->unknown = t.text;
        }
        hint_open(p, block, diag);
    }
    const char *end = is_end || follows ? NULL : meant_end(block, t.text);
    if (end) {
        end_as_meant(p, block, end);
        return;
    }
    p->panic = true;
    p->current.kind = JINJA_BAD;
}

static struct node *statement(struct jinja_parser *p, const struct open_block *block) {
    if (!jinja_at(p, JINJA_NAME)) {
        jinja_unexpected(p, "the name of a tag");
        return NULL;
    }
    struct span span = p->current.span;
    const struct tag *tag = tag_find(p->current.text);
    if (!has_tag(p, tag)) {
        wrong_tag(p, block);
        return NULL;
    }
    if (block && block->depth >= TREE_DEPTH) {
        jinja_fail(p, span, "blocks are nested more than %d deep", (int)TREE_DEPTH);
        return NULL;
    }
    jinja_advance(p);
    return tag->parse(p, span);
}

static void end_of_template(struct jinja_parser *p, const struct open_block *block) {
    if (p->over || !block)
        return;
    struct str last = str_slice(p->source->text, p->last.at, (size_t)p->last.at + p->last.n);
    struct span at = {p->last.at, (uint32_t)last.n};
    diags_error(p->diags, p->source, at, "unexpected end of template: '%s' of line %u has no '%s'",
                block->tag, (unsigned)line_of(p, block->span),
                block->ends[0][0] == 'e' && block->ends[0][1] == 'l' ? "endif" : block->ends[0]);
    p->over = true;
}

// Template text and tags up to an end word of `block`, which is then the current token, or to the end.
static struct node *statements(struct jinja_parser *p, const struct open_block *block) {
    struct node_list list = {0};
    while (!jinja_at(p, JINJA_END)) {
        if (jinja_at(p, JINJA_TEXT)) {
            struct node *text = node_new(p->arena, NODE_TEXT, p->current.span);
            text->value = value_string(p->current.text);
            node_append(&list, text);
            jinja_advance(p);
        } else if (jinja_accept(p, JINJA_PRINT_BEGIN)) {
            struct node *print = node_new(p->arena, NODE_PRINT, p->current.span);
            print->left = jinja_tuple(p, (struct jinja_tuple_rule){0});
            print->span = print->left->span;
            node_append(&list, print);
            jinja_end_tag(p, JINJA_PRINT_END);
        } else if (jinja_accept(p, JINJA_BLOCK_BEGIN)) {
            if (block && jinja_at(p, JINJA_NAME) && among(block->ends, p->current.text))
                return list.first;
            struct node *chain = statement(p, block);
            for (struct node *next; chain; chain = next) {
                next = chain->next;
                chain->next = NULL;
                node_append(&list, chain);
            }
            if (p->ends_early && block) {
                if (!among(block->ends, p->current.text))
                    return list.first;
                p->ends_early = false;
                return list.first;
            }
            jinja_end_tag(p, JINJA_BLOCK_END);
        } else {
            jinja_end_tag(p, JINJA_BLOCK_END); // in panic: a comment or raw block without end
        }
    }
    end_of_template(p, block);
    return list.first;
}

// ---- the language

static bool parse_template(struct arena *arena, const struct source_text *source,
                           const struct compile_options *options, struct diags *diags, struct tree **out) {
    size_t errors = diags->errors;
    struct jinja_parser p = {.arena = arena, .source = source, .options = options, .diags = diags};
    jinja_lex_init(&p.lexer, arena, source, options, diags);
    jinja_advance(&p);
    struct tree *tree = ARENA_NEW(arena, struct tree);
    struct node *list = statements(&p, NULL);
    if (!tree || diags->errors > errors)
        return false;
    tree->body = list;
    *out = tree;
    return true;
}

static bool parse_expression(struct arena *arena, const struct source_text *source,
                             const struct compile_options *options, struct diags *diags, struct tree **out) {
    size_t errors = diags->errors;
    struct jinja_parser p = {.arena = arena, .source = source, .options = options, .diags = diags};
    jinja_lex_init_expression(&p.lexer, arena, source, options, diags);
    jinja_advance(&p);
    struct tree *tree = ARENA_NEW(arena, struct tree);
    struct node *expression = jinja_expression(&p);
    if (!jinja_at(&p, JINJA_END))
        jinja_unexpected(&p, "the end of the expression");
    if (!tree || diags->errors > errors)
        return false;
    tree->expression = expression;
    *out = tree;
    return true;
}

const struct language language_jinja = {
    .name = "jinja",
    .extensions = (const char *const[]){".j2", ".jinja", ".jinja2", NULL},
    .doc = "Jinja2 3.1",
    .parse = parse_template,
    .parse_expression = parse_expression,
};
