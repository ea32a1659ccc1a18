// SPDX-License-Identifier: MIT
/*
 * The listing: a heading for each function, the source's line before the code that came from it, then an instruction
 * a line: its index, '>' where something jumps to it, its name, its operands. What has a name is shown by it.
 */
#include "base/mem.h"
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

static void add_shape(const struct program *p, const struct instruction *in, struct buf *out) {
    uint32_t index = in->c;
    if (index >= p->calls_n) {
        buf_printf(out, " call %u?", (unsigned)index);
        return;
    }
    const struct call_shape *call = &p->calls[index];
    if (in->op == OP_PLAIN || in->op == OP_SUBSTITUTE) {
        for (uint32_t i = 0; i < call->keywords; i++)
            buf_printf(out, "%s%.*s", i ? ", " : " ", STR_ARG(call->names[i]));
        return;
    }
    if (!call->positional && !call->keywords && !call->unpacks && in->op != OP_CALL)
        return;
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

// What the flag of an instruction means, in a word.
static void add_flag(const struct instruction *in, struct buf *out) {
    static const char *const escaping[] = {"", "escaped", "escaped-if-asked"};
    const char *word = NULL;
    switch ((enum opcode)in->op) {
    case OP_EMIT:
    case OP_EMIT_NAME:
    case OP_EMIT_SLOT_ATTR:
    case OP_EMIT_NAME_ATTR:
        word = in->a <= ESCAPE_DYNAMIC ? escaping[in->a] : NULL;
        break;
    case OP_CAPTURED:
    case OP_LOOP_RECURSES:
        word = in->a == ESCAPE_ON ? "safe" : "safe-if-asked";
        break;
    case OP_LIST:
        word = "tuple";
        break;
    case OP_CONCAT:
        word = "markup";
        break;
    case OP_IN:
        word = "not";
        break;
    case OP_FOR:
        word = "with-object";
        break;
    case OP_INCLUDE:
    case OP_INCLUDE_NAMED:
        word = in->a == INCLUDE_IGNORE_MISSING    ? "ignore-missing"
               : in->a == INCLUDE_WITHOUT_CONTEXT ? "without-context"
                                                  : "ignore-missing without-context";
        break;
    case OP_IMPORT:
    case OP_IMPORT_NAMED:
        word = "with-context";
        break;
    case OP_FAMILY_BLOCK:
        word = in->a == BLOCK_SCOPED ? "scoped" : in->a == BLOCK_REQUIRED ? "required" : "scoped required";
        break;
    case OP_PUT:
    case OP_PUT_LOOKUP:
        word = "escaped";
        break;
    case OP_BLOCK:
        word = "within-line";
        break;
    case OP_KEYWORD:
        word = "may-be-missing";
        break;
    default:
        break;
    }
    if (word)
        buf_printf(out, " %s", word);
    else
        buf_printf(out, " !%u", (unsigned)in->a);
}

// A slot, with the name of the parameter it holds.
static void add_slot(const struct function_code *f, const struct instruction *in, bool outer,
                     struct buf *out) {
    buf_printf(out, " slot %u", (unsigned)in->b);
    if (outer && in->a)
        buf_printf(out, " of %u out", (unsigned)in->a);
    else if (in->b < f->parameters_n)
        buf_printf(out, " (%.*s)", STR_ARG(f->parameters[in->b].name));
    else if (f->varargs == in->b)
        buf_add_text(out, " (varargs)");
    else if (f->kwargs == in->b)
        buf_add_text(out, " (kwargs)");
    else if (f->caller == in->b)
        buf_add_text(out, " (caller)");
}

static void add_function_name(const struct program *p, uint32_t index, struct buf *out) {
    buf_printf(out, " function %u", (unsigned)index);
    if (index < p->functions_n && p->functions[index].name.n)
        buf_printf(out, " %.*s", STR_ARG(p->functions[index].name));
}

static void add_operands(const struct program *p, const struct library *library,
                         const struct function_code *f, const struct instruction *in, struct buf *out) {
    uint32_t mask = opcode_operand_mask((enum opcode)in->op);
    if (in->op == OP_LOOP_ATTR)
        buf_printf(out, " %s", loop_attr_name((enum loop_attr)in->a));
    else if ((mask & OPERAND_FLAG) && in->a)
        add_flag(in, out);
    if (mask & (OPERAND_SLOT | OPERAND_OUTER | OPERAND_LOOP))
        add_slot(f, in, mask & OPERAND_OUTER, out);
    if (mask & OPERAND_FILTER)
        add_function(library ? library->filters : NULL, library ? library->filters_n : 0, in->b, out);
    if (mask & OPERAND_TEST)
        add_function(library ? library->tests : NULL, library ? library->tests_n : 0, in->b, out);
    if ((mask & OPERAND_MACRO) && library && in->b < library->macros_n)
        buf_printf(out, " %.*s", STR_ARG(library->macros[in->b].name));
    if (mask & OPERAND_NAME_B)
        add_constant_at(p, in->b, out);
    if (mask & (OPERAND_CONST | OPERAND_NAME | OPERAND_TEXT))
        add_constant_at(p, in->c, out);
    if (mask & OPERAND_COUNT)
        buf_printf(out, " x%u", (unsigned)in->c);
    if (mask & OPERAND_CALL)
        add_shape(p, in, out);
    if (mask & OPERAND_FUNC)
        add_function_name(p, in->c, out);
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

static bool is_block(const struct program *p, uint32_t function) {
    for (uint32_t i = 0; i < p->blocks_n; i++)
        if (p->blocks[i].function == function)
            return true;
    return false;
}

// "function 1 greet(name, greeting=): slots 3, stack 2", where one begins; then *f is it.
static void add_heading(const struct program *p, uint32_t at, const struct function_code **current,
                        struct buf *out) {
    for (uint32_t i = 0; i < p->functions_n; i++) {
        const struct function_code *f = &p->functions[i];
        if (f->entry != at)
            continue;
        *current = f;
        buf_add_text(out, at ? "\n" : "");
        if (i)
            buf_printf(out, "%s %u%s%.*s(",
                       f->is_loop       ? "loop"
                       : is_block(p, i) ? "block"
                                        : "function",
                       (unsigned)i, f->name.n ? " " : "", STR_ARG(f->name));
        else
            buf_printf(out, "%.*s, %s", STR_ARG(p->source.name),
                       p->is_expression ? "expression" : p->language);
        for (uint32_t k = 0; k < f->parameters_n; k++)
            buf_printf(out, "%s%.*s%s", k ? ", " : "", STR_ARG(f->parameters[k].name),
                       f->parameters[k].has_default ? "=" : "");
        buf_printf(out, "%s: slots %u, stack %u\n", i ? ")" : "", (unsigned)f->slots, (unsigned)f->stack);
    }
}

// What the code from here on comes from: the line, cut where it is long.
static void add_source_line(const struct program *p, uint32_t line, size_t position, struct buf *out) {
    enum { SHOWN = 88 };
    struct str text = p->source.text;
    size_t start = position, end;
    while (start && text.p[start - 1] != '\n')
        start--;
    const char *newline = start < text.n ? memchr(text.p + start, '\n', text.n - start) : NULL;
    end = newline ? (size_t)(newline - text.p) : text.n;
    bool cut = end - start > SHOWN;
    for (end = cut ? start + SHOWN : end; cut && ((unsigned char)text.p[end] & 0xC0) == 0x80;)
        end--;
    buf_printf(out, "%5u | ", (unsigned)line);
    for (size_t i = start; i < end; i++) { // a terminal may show it
        unsigned char c = (unsigned char)text.p[i];
        buf_add_char(out, c == '\t' || (c >= 0x20 && c != 0x7F) ? (char)c : '?');
    }
    buf_add_text(out, cut ? "...\n" : "\n");
}

static void add_refs(const struct program *p, struct buf *out) {
    for (uint32_t i = 0; i < p->refs_n; i++) {
        const struct template_ref *ref = &p->refs[i];
        buf_add_text(out, i ? "" : "\nrefers to\n");
        buf_add_text(out, "    ");
        buf_add_json(out, ref->name);
        buf_printf(out, "%s%s%s\n", ref->language ? ", " : "", ref->language ? ref->language : "",
                   ref->program          ? ""
                   : ref->may_be_missing ? ", not there, which is fine"
                                         : ", not there");
    }
}

static bool *jump_targets(const struct program *p) {
    bool *targets = MEM_NEW_ARRAY(bool, p->code_n);
    for (uint32_t i = 0; i < p->code_n; i++) {
        const struct instruction *in = &p->code[i];
        if (in->op < OPCODE_COUNT && (opcode_operand_mask((enum opcode)in->op) & OPERAND_JUMP) &&
            in->c < p->code_n)
            targets[in->c] = true;
    }
    return targets;
}

void program_disassemble(const struct program *p, const struct library *library, struct buf *out) {
    // Positions mostly grow, so lines are counted on from the last one rather than from the start.
    uint32_t line = 1, shown = 0;
    size_t counted = 0;
    bool *targets = jump_targets(p);
    const struct function_code *f = &p->functions[0], *before = NULL;
    for (uint32_t i = 0; i < p->code_n; i++) {
        const struct instruction *in = &p->code[i];
        add_heading(p, i, &f, out);
        size_t position = p->positions[i] < p->source.text.n ? p->positions[i] : p->source.text.n;
        if (position < counted) {
            line = 1;
            counted = 0;
        }
        for (; counted < position; counted++)
            line += p->source.text.p[counted] == '\n';
        if (line != shown || f != before)
            add_source_line(p, line, position, out);
        shown = line;
        before = f;
        buf_printf(out, "%7u %c ", (unsigned)i, targets[i] ? '>' : ' ');
        if (in->op < OPCODE_COUNT) {
            buf_add_text(out, opcode_names[in->op]);
            add_operands(p, library, f, in, out);
        } else {
            buf_printf(out, "opcode %u?", (unsigned)in->op);
        }
        buf_add_char(out, '\n');
    }
    mem_free(targets);
    add_refs(p, out);
}
