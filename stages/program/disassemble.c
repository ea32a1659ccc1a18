// SPDX-License-Identifier: MIT
#include "base/number.h"
#include "stages/program/library.h"
#include "stages/program/program.h"

static void add_constant(const struct value *v, struct buf *out) {
    char text[NUMBER_TEXT_SIZE];
    switch ((enum value_tag)v->tag) {
    case VALUE_MISSING:
        buf_add_text(out, "missing");
        break;
    case VALUE_UNDEFINED:
        buf_printf(out, "undefined %.*s", STR_ARG(value_str(*v)));
        break;
    case VALUE_NONE:
        buf_add_text(out, "none");
        break;
    case VALUE_BOOL:
        buf_add_text(out, v->i ? "true" : "false");
        break;
    case VALUE_INT:
        buf_add(out, text, number_write_int(text, v->i));
        break;
    case VALUE_FLOAT:
        buf_add(out, text, number_write_double(text, v->f));
        break;
    case VALUE_BIG:
        buf_add_str(out, value_str(*v));
        break;
    case VALUE_STRING:
        buf_add_json(out, value_str(*v));
        break;
    case VALUE_LIST:
        buf_add_text(out, v->flags & VALUE_TUPLE ? "(" : "[");
        for (uint32_t i = 0; i < v->list->n; i++) {
            if (i)
                buf_add_text(out, ", ");
            add_constant(&v->list->items[i], out);
        }
        buf_add_text(out, v->flags & VALUE_TUPLE ? ")" : "]");
        break;
    case VALUE_MAP:
    case VALUE_ITER:
    case VALUE_OBJECT:
        buf_add_text(out, "?");
        break;
    }
}

static void add_constant_at(const struct program *p, uint32_t index, struct buf *out) {
    buf_add_char(out, ' ');
    if (index < p->constants_n)
        add_constant(&p->constants[index], out);
    else
        buf_printf(out, "constant %u?", (unsigned)index);
}

static void add_shape(const struct program *p, uint32_t index, struct buf *out) {
    if (index >= p->calls_n) {
        buf_printf(out, " call %u?", (unsigned)index);
        return;
    }
    const struct call_shape *call = &p->calls[index];
    buf_printf(out, " (%u", (unsigned)call->positional);
    for (uint32_t i = 0; i < call->keywords; i++)
        buf_printf(out, ", %.*s=", STR_ARG(call->names[i]));
    if (call->unpacks & UNPACK_POSITIONAL)
        buf_add_text(out, ", *");
    if (call->unpacks & UNPACK_KEYWORDS)
        buf_add_text(out, ", **");
    buf_add_char(out, ')');
}

static void add_scope(const struct program *p, uint32_t index, struct buf *out) {
    if (index >= p->scopes_n) {
        buf_printf(out, " scope %u?", (unsigned)index);
        return;
    }
    const struct scope_table *scope = &p->scopes[index];
    buf_add_text(out, " {");
    for (uint32_t i = 0; i < scope->n; i++) {
        const struct scope_entry *e = &scope->entries[i];
        buf_printf(out, "%s%.*s=%u", i ? ", " : "", STR_ARG(e->name), (unsigned)e->slot);
        if (e->outer)
            buf_printf(out, "^%u", (unsigned)e->outer);
    }
    buf_add_char(out, '}');
}

static void add_partial(const struct program *p, uint32_t index, struct buf *out) {
    if (index >= p->partials_n) {
        buf_printf(out, " partial %u?", (unsigned)index);
        return;
    }
    const struct partial *partial = &p->partials[index];
    if (partial->name.n)
        buf_printf(out, " %.*s", STR_ARG(partial->name));
    if (partial->indent.n) {
        buf_add_text(out, " indent ");
        buf_add_json(out, partial->indent);
    }
    if (!partial->blocks_n)
        return;
    buf_add_text(out, " {");
    for (uint32_t i = 0; i < partial->blocks_n; i++)
        buf_printf(out, "%s%.*s=function %u", i ? ", " : "", STR_ARG(partial->blocks[i].name),
                   (unsigned)partial->blocks[i].function);
    buf_add_char(out, '}');
}

static void add_function(const struct library_function *table, uint32_t n, uint32_t index, struct buf *out) {
    if (index < n)
        buf_printf(out, " %s", table[index].name);
    else
        buf_printf(out, " %u?", (unsigned)index);
}

static void add_operands(const struct program *p, const struct library *library, const struct instruction *in,
                         struct buf *out) {
    uint32_t mask = opcode_operand_mask((enum opcode)in->op);
    if (in->op == OP_LOOP_ATTR)
        buf_printf(out, " %s", loop_attr_name((enum loop_attr)in->a));
    else if ((mask & OPERAND_FLAG) && in->a)
        buf_printf(out, " !%u", (unsigned)in->a);
    if (mask & OPERAND_SLOT)
        buf_printf(out, " %u", (unsigned)in->b);
    if (mask & OPERAND_OUTER)
        buf_printf(out, in->a ? " %u^%u" : " %u", (unsigned)in->b, (unsigned)in->a);
    if (mask & OPERAND_FILTER)
        add_function(library ? library->filters : NULL, library ? library->filters_n : 0, in->b, out);
    if (mask & OPERAND_TEST)
        add_function(library ? library->tests : NULL, library ? library->tests_n : 0, in->b, out);
    if (mask & OPERAND_NAME_B)
        add_constant_at(p, in->b, out);
    if (mask & (OPERAND_CONST | OPERAND_NAME | OPERAND_TEXT))
        add_constant_at(p, in->c, out);
    if (mask & OPERAND_COUNT)
        buf_printf(out, " x%u", (unsigned)in->c);
    if (mask & OPERAND_CALL)
        add_shape(p, in->c, out);
    if (mask & OPERAND_FUNC)
        buf_printf(out, " function %u", (unsigned)in->c);
    if ((mask & OPERAND_REF) && in->c < p->refs_n) {
        buf_add_char(out, ' ');
        buf_add_json(out, p->refs[in->c].name);
    }
    if (mask & OPERAND_SCOPE)
        add_scope(p, in->b, out);
    if (mask & OPERAND_PARTIAL)
        add_partial(p, in->b, out);
    if (mask & OPERAND_JUMP)
        buf_printf(out, " -> %u", (unsigned)in->c);
}

static void add_heading(const struct program *p, uint32_t at, struct buf *out) {
    for (uint32_t i = 0; i < p->functions_n; i++) {
        const struct function_code *f = &p->functions[i];
        if (f->entry != at)
            continue;
        buf_printf(out, "function %u", (unsigned)i);
        if (f->name.n)
            buf_printf(out, " %.*s", STR_ARG(f->name));
        if (f->is_loop)
            buf_add_text(out, " loop");
        buf_add_text(out, "(");
        for (uint32_t k = 0; k < f->parameters_n; k++)
            buf_printf(out, "%s%.*s%s", k ? ", " : "", STR_ARG(f->parameters[k].name),
                       f->parameters[k].has_default ? "=" : "");
        buf_printf(out, "): slots %u, stack %u\n", (unsigned)f->slots, (unsigned)f->stack);
    }
}

void program_disassemble(const struct program *p, const struct library *library, struct buf *out) {
    // Positions mostly grow, so lines are counted on from the last one rather than from the start.
    uint32_t line = 1, shown = 0;
    size_t counted = 0;
    for (uint32_t i = 0; i < p->code_n; i++) {
        const struct instruction *in = &p->code[i];
        add_heading(p, i, out);
        size_t position = p->positions[i] < p->source.text.n ? p->positions[i] : p->source.text.n;
        if (position < counted) {
            line = 1;
            counted = 0;
        }
        for (; counted < position; counted++)
            line += p->source.text.p[counted] == '\n';
        if (line != shown)
            buf_printf(out, "%4u:", (unsigned)line);
        else
            buf_add_text(out, "     ");
        shown = line;
        buf_printf(out, " %4u ", (unsigned)i);
        if (in->op < OPCODE_COUNT) {
            buf_add_text(out, opcode_names[in->op]);
            add_operands(p, library, in, out);
        } else {
            buf_printf(out, "opcode %u?", (unsigned)in->op);
        }
        buf_add_char(out, '\n');
    }
}
