// SPDX-License-Identifier: MIT
#include "stages/compile/codegen.h"

#include <string.h>

#include "base/mem.h"
#include "stages/program/program.h"

enum { INTERN_LIMIT = 64 }; // longer strings are hardly ever the same

void *code_alloc(struct codegen *g, size_t size) {
    void *p = arena_zero(&g->p->arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

void *code_scratch(struct codegen *g, size_t size) {
    void *p = arena_zero(g->scratch, size);
    if (!p)
        mem_fail(size);
    return p;
}

void code_too_large(struct codegen *g, const char *what) {
    if (!g->too_large)
        diags_error(g->diags, &g->p->source, g->span, "this template is too large: %s", what);
    g->too_large = true;
}

// ---- instructions

static uint32_t put(struct codegen *g, enum opcode op, uint32_t a, uint32_t b, uint32_t c, struct span span) {
    struct function *f = g->function;
    MEM_GROW(f->code, f->code_cap, f->n + 1);
    MEM_GROW(f->positions, f->positions_cap, f->n + 1);
    MEM_GROW(f->extents, f->extents_cap, f->n + 1);
    f->code[f->n] = (struct instruction){.op = (uint8_t)op, .a = (uint8_t)a, .b = (uint16_t)b, .c = c};
    f->positions[f->n] = span.at;
    f->extents[f->n] = span.n;
    return (uint32_t)f->n++;
}

static void flush_text(struct codegen *g) {
    if (!g->text.n)
        return;
    struct str text = g->text_joined.n ? buf_str(&g->text_joined) : g->text;
    uint32_t constant = code_string(g, text);
    g->text = (struct str){NULL, 0};
    buf_clear(&g->text_joined);
    put(g, OP_TEXT, 0, 0, constant, g->text_span);
}

uint32_t code_emit(struct codegen *g, enum opcode op, uint32_t a, uint32_t b, uint32_t c) {
    flush_text(g);
    return put(g, op, a, b, c, g->span);
}

uint32_t code_here(struct codegen *g) {
    flush_text(g);
    return (uint32_t)g->function->n;
}

// Chains hold index + 1, so that 0 ends them.
void code_jump(struct codegen *g, enum opcode op, uint32_t b, uint32_t *chain) {
    *chain = code_emit(g, op, 0, b, *chain) + 1;
}

void code_land_at(struct codegen *g, uint32_t *chain, uint32_t at) {
    while (*chain) {
        uint32_t jump = *chain - 1;
        *chain = g->function->code[jump].c;
        g->function->code[jump].c = at;
    }
}

void code_land(struct codegen *g, uint32_t *chain) {
    if (*chain)
        code_land_at(g, chain, code_here(g));
}

void code_text(struct codegen *g, struct str text, struct span span) {
    if (!text.n)
        return;
    if (!g->text.n) {
        g->text = text;
        g->text_span = span;
        return;
    }
    if (!g->text_joined.n)
        buf_add_str(&g->text_joined, g->text);
    buf_add_str(&g->text_joined, text);
}

void code_text_escaped(struct codegen *g, struct str text, struct span span) {
    static const struct {
        char c;
        const char *escape;
    } table[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < text.n; i++) {
        const char *escape = NULL;
        for (size_t k = 0; k < sizeof table / sizeof *table; k++)
            if (text.p[i] == table[k].c)
                escape = table[k].escape;
        if (escape)
            buf_add_text(&out, escape);
        else
            buf_add_char(&out, text.p[i]);
    }
    struct str kept = arena_str(g->scratch, buf_str(&out));
    buf_release(&out);
    code_text(g, kept, span);
}

// ---- constants and symbols

struct str code_keep(struct codegen *g, struct str text) {
    struct str source = g->p->source.text;
    if (text.n == 0)
        return STR("");
    if (source.p && text.p >= source.p && text.p + text.n <= source.p + source.n)
        return text;
    struct str kept = arena_str(&g->p->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

static struct symbol **symbol_place(struct codegen *g, struct str text, uint32_t hash) {
    size_t mask = g->symbols_cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct symbol *s = g->symbols[i];
        if (!s || (s->hash == hash && str_equal(s->text, text)))
            return &g->symbols[i];
    }
}

static void grow_symbols(struct codegen *g) {
    struct symbol **old = g->symbols;
    size_t n = g->symbols_cap;
    g->symbols_cap = n ? n * 2 : 64;
    g->symbols = MEM_NEW_ARRAY(struct symbol *, g->symbols_cap);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *symbol_place(g, old[i]->text, old[i]->hash) = old[i];
    mem_free(old);
}

struct symbol *code_symbol(struct codegen *g, struct str text) {
    if (g->symbols_n * 2 >= g->symbols_cap)
        grow_symbols(g);
    uint32_t hash = str_hash(text);
    struct symbol **place = symbol_place(g, text, hash);
    if (*place)
        return *place;
    struct symbol *s = code_scratch(g, sizeof *s);
    *s = (struct symbol){code_keep(g, text), hash, CODE_NONE, {CODE_NONE, CODE_NONE}, NULL, 0};
    g->symbols_n++;
    return *place = s;
}

static uint32_t add_constant(struct codegen *g, struct value v) {
    MEM_GROW(g->constants, g->constants_cap, g->constants_n + 1);
    g->constants[g->constants_n] = v;
    return (uint32_t)g->constants_n++;
}

uint32_t code_string(struct codegen *g, struct str text) {
    if (text.n > INTERN_LIMIT)
        return add_constant(g, value_string(code_keep(g, text)));
    struct symbol *s = code_symbol(g, text);
    if (s->constant == CODE_NONE)
        s->constant = add_constant(g, value_string(s->text));
    return s->constant;
}

// A constant's value as the program keeps it.
static struct value keep_value(struct codegen *g, struct value v) {
    if (v.tag == VALUE_STRING || v.tag == VALUE_BIG || v.tag == VALUE_UNDEFINED)
        v.s = code_keep(g, value_str(v)).p;
    if (v.tag == VALUE_LIST) {
        struct list *list = list_new(&g->p->arena, v.list->n);
        if (!list)
            mem_fail(v.list->n);
        for (uint32_t i = 0; i < list->n; i++)
            list->items[i] = keep_value(g, v.list->items[i]);
        v.list = list;
    }
    return v;
}

uint32_t code_constant(struct codegen *g, struct value v) {
    return v.tag == VALUE_STRING ? code_string(g, value_str(v)) : add_constant(g, keep_value(g, v));
}

static uint32_t add_shape(struct codegen *g, uint32_t positional, uint32_t keywords, const struct str *names,
                          uint32_t unpacks) {
    uint32_t values = positional + keywords + (unpacks & 1) + (unpacks >> 1);
    MEM_GROW(g->calls, g->calls_cap, g->calls_n + 1);
    g->calls[g->calls_n] = (struct call_shape){positional, keywords, names, unpacks, values};
    return (uint32_t)g->calls_n++;
}

uint32_t code_call_shape(struct codegen *g, uint32_t positional, const struct node *call, bool caller) {
    const struct node *keywords = call ? call->call.keywords : NULL;
    uint32_t n = caller, unpacks = 0;
    for (const struct node *k = keywords; k; k = k->next)
        n++;
    if (call && call->call.unpacked)
        unpacks |= UNPACK_POSITIONAL;
    if (call && call->call.unpacked_keywords)
        unpacks |= UNPACK_KEYWORDS;
    if (!n && !unpacks) {
        size_t old = g->plain_calls_cap;
        MEM_GROW(g->plain_calls, g->plain_calls_cap, positional + 1u);
        for (; old < g->plain_calls_cap; old++)
            g->plain_calls[old] = CODE_NONE;
        if (g->plain_calls[positional] == CODE_NONE)
            g->plain_calls[positional] = add_shape(g, positional, 0, NULL, 0);
        return g->plain_calls[positional];
    }
    struct str *names = code_alloc(g, (n + 1) * sizeof *names);
    n = 0;
    for (const struct node *k = keywords; k; k = k->next)
        names[n++] = code_symbol(g, k->name)->text;
    if (caller)
        names[n++] = STR("caller");
    return add_shape(g, positional, n, names, unpacks);
}

// ---- functions

void code_open_function(struct codegen *g, struct function *f, struct str name) {
    if (g->function)
        flush_text(g);
    *f = (struct function){.outer = g->function,
                           .index = (uint32_t)g->functions_n,
                           .depth = g->function ? g->function->depth + 1 : 0,
                           .name = code_keep(g, name),
                           .varargs = -1,
                           .kwargs = -1,
                           .caller = -1};
    MEM_GROW(g->functions, g->functions_cap, g->functions_n + 1);
    g->functions[g->functions_n++] = f;
    g->function = f;
}

void code_close_function(struct codegen *g) {
    flush_text(g);
    g->function = g->function->outer;
}

// ---- the finished program

static void *keep_array(struct codegen *g, const void *from, size_t n, size_t size) {
    void *kept = code_alloc(g, n * size);
    if (n)
        memcpy(kept, from, n * size);
    return kept;
}

// Loops are named by their depth until the number of other slots is known.
static void join_function(struct program *p, const struct function *f, uint32_t base) {
    for (size_t i = 0; i < f->n; i++) {
        struct instruction in = f->code[i];
        uint32_t mask = opcode_operand_mask((enum opcode)in.op);
        if (mask & OPERAND_JUMP)
            in.c += base;
        if (mask & OPERAND_LOOP)
            in.b = (uint16_t)(f->slots_max + 3u * in.b);
        p->code[base + i] = in;
        p->positions[base + i] = f->positions[i];
        p->extents[base + i] = f->extents[i];
    }
}

static void join_functions(struct codegen *g) {
    struct program *p = g->p;
    size_t n = 0;
    for (size_t i = 0; i < g->functions_n; i++)
        n += g->functions[i]->n;
    p->code_n = (uint32_t)n;
    p->code = code_alloc(g, n * sizeof *p->code);
    p->positions = code_alloc(g, n * sizeof *p->positions);
    p->extents = code_alloc(g, n * sizeof *p->extents);
    p->functions_n = (uint32_t)g->functions_n;
    p->functions = code_alloc(g, g->functions_n * sizeof *p->functions);
    uint32_t base = 0;
    for (size_t i = 0; i < g->functions_n; i++) {
        const struct function *f = g->functions[i];
        p->functions[i] = (struct function_code){.name = f->name,
                                                 .entry = base,
                                                 .slots = f->slots_max + 3 * f->loops_max,
                                                 .parameters = f->parameters,
                                                 .parameters_n = f->parameters_n,
                                                 .varargs = f->varargs,
                                                 .kwargs = f->kwargs,
                                                 .caller = f->caller,
                                                 .is_loop = f->is_loop};
        join_function(p, f, base);
        base += (uint32_t)f->n;
    }
}

static void finish(struct codegen *g) {
    struct program *p = g->p;
    join_functions(g);
    p->constants = keep_array(g, g->constants, g->constants_n, sizeof *g->constants);
    p->constants_n = (uint32_t)g->constants_n;
    p->calls = keep_array(g, g->calls, g->calls_n, sizeof *g->calls);
    p->calls_n = (uint32_t)g->calls_n;
    p->scopes = keep_array(g, g->scopes, g->scopes_n, sizeof *g->scopes);
    p->scopes_n = (uint32_t)g->scopes_n;
    p->refs = keep_array(g, g->refs, g->refs_n, sizeof *g->refs);
    p->refs_n = (uint32_t)g->refs_n;
    p->partials = keep_array(g, g->partials, g->partials_n, sizeof *g->partials);
    p->partials_n = (uint32_t)g->partials_n;
    p->autoescape = g->options->autoescape;
}

static void release(struct codegen *g) {
    for (size_t i = 0; i < g->functions_n; i++) {
        mem_free(g->functions[i]->code);
        mem_free(g->functions[i]->positions);
        mem_free(g->functions[i]->extents);
    }
    mem_free(g->constants);
    mem_free(g->calls);
    mem_free(g->scopes);
    mem_free(g->refs);
    mem_free(g->partials);
    mem_free(g->functions);
    mem_free(g->plain_calls);
    mem_free(g->symbols);
    mem_free(g->trail);
    mem_free(g->blocks);
    buf_release(&g->text_joined);
}

static void code_tree(struct codegen *g, struct tree *tree) {
    struct function *top = code_scratch(g, sizeof *top);
    struct scope scope;
    code_open_function(g, top, STR(""));
    code_open_scope(g, &scope);
    if (tree->expression) {
        tree->expression = tree_fold(g->scratch, tree->expression);
        code_expression(g, tree->expression);
        code_emit(g, OP_RESULT, 0, 0, 0);
    } else {
        tree_mark(tree->body);
        code_declare_sets(g, tree->body, false);
        g->guarded = true;
        code_statements(g, tree->body);
        if (g->extends) {
            g->span = g->extends_span;
            code_emit(g, OP_PARENT, 0, 0, 0);
        }
        g->span = (struct span){(uint32_t)g->p->source.text.n, 0};
        code_emit(g, OP_RETURN, 0, 0, 0);
        code_exports(g);
    }
    code_close_scope(g);
    code_close_function(g);
    code_family_blocks(g);
}

struct program *codegen(struct program *p, struct arena *scratch, struct tree *tree,
                        const struct compile_options *options, struct diags *diags) {
    struct codegen g = {.p = p,
                        .scratch = scratch,
                        .options = options,
                        .diags = diags,
                        .autoescape = options->autoescape ? ESCAPE_ON : ESCAPE_OFF,
                        .escape_literals = options->autoescape,
                        .empty_table = CODE_NONE};
    size_t errors = diags->errors;
    p->is_expression = tree->expression != NULL;
    p->has_context_stack = tree->has_context_stack;
    g.indents = tree->indents;
    code_tree(&g, tree);
    finish(&g);
    release(&g);
    struct err err;
    if (diags->errors == errors && program_verify(p, options->library, &err) != STATUS_OK)
        diags_error(diags, &p->source, (struct span){0, 0}, "%s", err.text);
    if (diags->errors == errors)
        return p;
    program_free(p);
    return NULL;
}
