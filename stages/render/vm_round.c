// SPDX-License-Identifier: MIT
/*
 * Rounds that keep nothing. What a template makes lives until the item ends, which is the fastest for all but very
 * long loops: a page of a gigabyte may make as many short-lived values. So once an item's values have come to
 * ROUND_FROM bytes, loops give back at the end of a round what was made since an earlier round's end.
 *
 * That is allowed where nothing made in between can be seen any more. It is, if
 *  - the loop's body consists of instructions that only compute, write, call, and set slots (keeps_nothing);
 *  - nothing was called meanwhile that may keep something: no frame was entered, so no macro, include or module has
 *    run, and no method of a container that can change (vm->kept counts them);
 *  - the evaluation stack is empty, as it is at the end of a statement.
 * The slots that the body sets are dead then, too; they are cleared, so that it holds whatever the program is.
 */
#include "stages/render/vm_private.h"

enum { ROUND_GARBAGE = 256 << 10 };

struct round {
    struct arena_mark mark;
    uint64_t kept;
};

enum { BODY_UNKNOWN, BODY_KEEPS_NOTHING, BODY_MAY_KEEP }; // site.hit of a FOR_AGAIN

static bool only_computes(const struct instruction *in) {
    switch ((enum opcode)in->op) {
    case OP_TEXT:
    case OP_EMIT:
    case OP_EMIT_NAME:
    case OP_EMIT_SLOT_ATTR:
    case OP_EMIT_NAME_ATTR:
    case OP_CONST:
    case OP_SLOT:
    case OP_NAME:
    case OP_STORE:
    case OP_UNSET:
    case OP_POP:
    case OP_DUP:
    case OP_SWAP:
    case OP_ROT3:
    case OP_LIST:
    case OP_MAP:
    case OP_UNPACK:
    case OP_ATTR:
    case OP_ITEM:
    case OP_SLICE:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_FLOORDIV:
    case OP_MOD:
    case OP_POW:
    case OP_NEG:
    case OP_POS:
    case OP_NOT:
    case OP_CONCAT:
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_IN:
    case OP_JUMP:
    case OP_JUMP_IF_FALSE:
    case OP_JUMP_IF_TRUE:
    case OP_AND:
    case OP_OR:
    case OP_JUMP_IF_SET:
    case OP_FOR:
    case OP_FOR_NEXT:
    case OP_FOR_AGAIN:
    case OP_FOR_ELSE:
    case OP_FILTER:
    case OP_TEST:
    case OP_CALL:
    case OP_CAPTURE:
    case OP_CAPTURED:
    case OP_MARKUP:
    case OP_LOOP_ATTR:
        return true;
    default:
        return false;
    }
}

// The body is entered at its FOR_NEXT alone, from above.
static bool is_closed(const struct program *p, uint32_t from, uint32_t to) {
    for (uint32_t i = 0; i < p->code_n; i++) {
        bool jumps = opcode_operand_mask((enum opcode)p->code[i].op) & OPERAND_JUMP;
        if (jumps && (i < from || i > to) && p->code[i].c >= from && p->code[i].c <= to)
            return false;
    }
    for (uint32_t i = 0; i < p->functions_n; i++)
        if (p->functions[i].entry >= from && p->functions[i].entry <= to)
            return false;
    return true;
}

static bool keeps_nothing(const struct program *p, uint32_t from, uint32_t to) {
    if (from >= to || p->code[from].op != OP_FOR_NEXT || p->code[from].b != p->code[to].b)
        return false;
    for (uint32_t i = from; i < to; i++)
        if (!only_computes(&p->code[i]))
            return false;
    return is_closed(p, from, to);
}

static void clear_slots(const struct program *p, uint32_t from, uint32_t to, struct value *slots) {
    uint32_t own = p->code[to].b;
    for (uint32_t i = from; i < to; i++) {
        const struct instruction *in = &p->code[i];
        if (in->op == OP_STORE && (in->b < own || in->b > own + 2))
            slots[in->b] = value_missing();
        if (in->op == OP_FOR && in->b != own)
            for (uint32_t k = 0; k < 3; k++)
                slots[in->b + k] = value_missing();
    }
}

// A loop's round is kept where the loop object would be, or by that.
static struct round **round_of(struct value *loop) {
    if (loop->tag == VALUE_OBJECT)
        return loop_object_round(loop->object);
    return loop->tag == VALUE_MISSING ? (struct round **)(void *)&loop->s : NULL;
}

static struct round *round_new(struct vm *vm) {
    struct round *r = arena_alloc(&vm->scratch, sizeof *r);
    if (r)
        r->kept = 0; // there is always one
    return r;
}

void round_end(struct vm *vm, struct frame *f, const struct instruction *again) {
    const struct program *p = f->program;
    uint32_t to = (uint32_t)(again - p->code), from = again->c;
    struct site *site = &f->sites[to];
    if (site->hit == BODY_UNKNOWN)
        site->hit = keeps_nothing(p, from, to) ? BODY_KEEPS_NOTHING : BODY_MAY_KEEP;
    struct round **round = site->hit == BODY_KEEPS_NOTHING ? round_of(&f->env->slots[again->b]) : NULL;
    if (!round || (!*round && !(*round = round_new(vm))))
        return;
    struct round *r = *round;
    if (r->kept != vm->kept || !r->kept) {
        *r = (struct round){.mark = arena_mark(&vm->scratch), .kept = vm->kept};
    } else if (arena_used(&vm->scratch) - r->mark.used >= ROUND_GARBAGE) {
        arena_rewind(&vm->scratch, r->mark);
        clear_slots(p, from, to, f->env->slots);
        vm->suspect = value_missing();
        vm->missed_in = NULL;
    }
}
