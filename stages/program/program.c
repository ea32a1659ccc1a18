// SPDX-License-Identifier: MIT
#include "stages/program/program.h"

#include <string.h>

#include "base/mem.h"

enum { VARIES = UINT8_MAX };

const char *const opcode_names[OPCODE_COUNT] = {
#define OPCODE(name, operands, pops, pushes, meaning) #name,
#include "stages/program/opcodes.def"
};

const char *const opcode_operands[OPCODE_COUNT] = {
#define OPCODE(name, operands, pops, pushes, meaning) operands,
#include "stages/program/opcodes.def"
};

static const struct {
    uint8_t pops, pushes;
} effects[OPCODE_COUNT] = {
#define OPCODE(name, operands, pops, pushes, meaning) {pops, pushes},
#include "stages/program/opcodes.def"
};

static const char *const loop_attr_names[LOOP_ATTR_COUNT] = {
    [LOOP_SELF] = "self",         [LOOP_INDEX] = "index",         [LOOP_INDEX0] = "index0",
    [LOOP_REVINDEX] = "revindex", [LOOP_REVINDEX0] = "revindex0", [LOOP_FIRST] = "first",
    [LOOP_LAST] = "last",         [LOOP_LENGTH] = "length",       [LOOP_DEPTH] = "depth",
    [LOOP_DEPTH0] = "depth0",     [LOOP_PREVITEM] = "previtem",   [LOOP_NEXTITEM] = "nextitem",
};

const char *loop_attr_name(enum loop_attr attr) {
    return (unsigned)attr < LOOP_ATTR_COUNT ? loop_attr_names[attr] : "?";
}

int64_t program_block(const struct program *p, struct str name) {
    uint32_t low = 0, high = p->blocks_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_compare(p->blocks[middle].name, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

struct program *program_new(void) {
    struct program *p = MEM_NEW(struct program);
    arena_init(&p->arena, 0);
    return p;
}

struct program *program_new_alias(const struct program *original, struct str name) {
    struct program *p = program_new();
    struct arena arena = p->arena;
    *p = *original;
    p->arena = arena;
    p->source.name = arena_str(&p->arena, name);
    p->refs = ARENA_NEW_ARRAY(&p->arena, struct template_ref, original->refs_n + 1);
    if (!p->source.name.p || !p->refs)
        mem_fail(original->refs_n * sizeof *p->refs);
    for (uint32_t i = 0; i < p->refs_n; i++) {
        p->refs[i] = original->refs[i];
        p->refs[i].program = NULL;
    }
    return p;
}

void program_free(struct program *p) {
    if (!p)
        return;
    arena_release(&p->arena);
    mem_free(p);
}

// One way from a program to another, or to nowhere. Sums of these do not depend on the order they are found in.
static struct digest link_digest(const struct program *from, const struct template_ref *ref) {
    static const struct digest nowhere = {0, 0};
    const struct digest ends[] = {from->own, ref->program ? ref->program->own : nowhere,
                                  digest_of(ref->name)};
    return digest_of((struct str){(const char *)ends, sizeof ends});
}

struct reached {
    const struct program **programs;
    struct str *names;
    size_t n, programs_cap, names_cap;
};

static void reach(struct reached *r, struct str name, const struct program *p) {
    for (size_t i = 0; i < r->n; i++)
        if (r->programs[i] == p)
            return;
    MEM_GROW(r->programs, r->programs_cap, r->n + 1);
    MEM_GROW(r->names, r->names_cap, r->n + 1);
    r->names[r->n] = name;
    r->programs[r->n++] = p;
}

static struct reached reach_all(const struct program *p) {
    struct reached r = {0};
    reach(&r, (struct str){NULL, 0}, p);
    for (size_t at = 0; at < r.n; at++)
        for (uint32_t i = 0; i < r.programs[at]->refs_n; i++)
            if (r.programs[at]->refs[i].program)
                reach(&r, r.programs[at]->refs[i].name, r.programs[at]->refs[i].program);
    return r;
}

static void release(struct reached *r) {
    mem_free(r->programs);
    mem_free(r->names);
}

void program_reach(const struct program *p, program_fn fn, void *context) {
    struct reached r = reach_all(p);
    for (size_t i = 0; i < r.n; i++)
        fn(context, r.names[i], r.programs[i]);
    release(&r);
}

bool program_chooses(const struct program *p) {
    for (uint32_t i = 0; i < p->code_n; i++)
        switch (p->code[i].op) {
        case OP_INCLUDE_NAMED:
        case OP_EXTENDS_NAMED:
        case OP_IMPORT_NAMED:
        case OP_PARTIAL_NAMED:
            return true;
        default:
            break;
        }
    return false;
}

bool program_mentions(const struct program *p, struct str text) {
    for (uint32_t i = 0; i < p->constants_n; i++)
        if (p->constants[i].tag == VALUE_STRING && str_equal(value_str(p->constants[i]), text))
            return true;
    return false;
}

struct digest program_digest(const struct program *p) {
    struct reached r = reach_all(p);
    struct digest sum = p->own;
    for (size_t at = 0; at < r.n; at++)
        for (uint32_t i = 0; i < r.programs[at]->refs_n; i++)
            sum = digest_add(sum, link_digest(r.programs[at], &r.programs[at]->refs[i]));
    release(&r);
    return sum;
}

// A sum that stays far above any real stack where counts are absurd, rather than wrapping around.
static uint32_t saturate(uint64_t n) {
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static uint32_t call_pops(const struct program *p, uint32_t shape) {
    if (shape >= p->calls_n)
        return UINT32_MAX;
    return saturate((uint64_t)p->calls[shape].values + 1);
}

void opcode_effect(const struct program *p, const struct instruction *in, uint32_t *pops, uint32_t *pushes) {
    if (in->op >= OPCODE_COUNT) {
        *pops = *pushes = 0;
        return;
    }
    *pops = effects[in->op].pops;
    *pushes = effects[in->op].pushes;
    switch (in->op) {
    case OP_LIST:
    case OP_CONCAT:
        *pops = in->c;
        break;
    case OP_MAP:
        *pops = saturate((uint64_t)in->c * 2);
        break;
    case OP_UNPACK:
        *pushes = in->c;
        break;
    case OP_FILTER:
    case OP_TEST:
    case OP_MACRO_FILTER:
    case OP_MACRO_TEST:
    case OP_CALL:
        *pops = call_pops(p, in->c);
        break;
    default:
        break;
    }
}

uint32_t opcode_operand_mask(enum opcode op) {
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {
        {"const", OPERAND_CONST},   {"name", OPERAND_NAME},       {"name2", OPERAND_NAME | OPERAND_NAME_B},
        {"text", OPERAND_TEXT},     {"slot", OPERAND_SLOT},       {"outer", OPERAND_OUTER},
        {"jump", OPERAND_JUMP},     {"count", OPERAND_COUNT},     {"func", OPERAND_FUNC},
        {"ref", OPERAND_REF},       {"scope", OPERAND_SCOPE},     {"call", OPERAND_CALL},
        {"filter", OPERAND_FILTER}, {"test", OPERAND_TEST},       {"flag", OPERAND_FLAG},
        {"macro", OPERAND_MACRO},   {"partial", OPERAND_PARTIAL}, {"loop", OPERAND_LOOP},
    };
    uint32_t mask = 0;
    const char *at = opcode_operands[op];
    while (*at) {
        size_t n = strcspn(at, " ");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (str_is((struct str){at, n}, words[i].word))
                mask |= words[i].bit;
        at += n + (at[n] == ' ');
    }
    return mask;
}
