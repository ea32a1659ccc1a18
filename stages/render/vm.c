// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_private.h"
#include "stages/render/vm_write.h"

// Labels as values: gcc and clang have them, and threaded dispatch is a quarter faster than a switch here.
#pragma GCC diagnostic ignored "-Wpedantic"

// A value that was just written in parts. Read back as a whole it would have to wait until all of it is in the
// cache; halves are forwarded.
FAST_PATH void value_move(struct value *to, const struct value *from) {
    uint64_t head, rest;
    memcpy(&head, from, sizeof head);
    memcpy(&rest, &from->i, sizeof rest);
    memcpy(to, &head, sizeof head);
    memcpy(&to->i, &rest, sizeof rest);
}

// ---- fast paths; all else is the operators' (ops.h)

FAST_PATH bool truth(struct call *call, struct value v, bool *out) {
    switch (v.tag) {
    case VALUE_BOOL:
    case VALUE_INT:
        *out = v.i != 0;
        return true;
    case VALUE_STRING:
        *out = v.n != 0;
        return true;
    case VALUE_NONE:
        *out = false;
        return true;
    case VALUE_LIST:
        *out = v.list->n != 0;
        return true;
    case VALUE_UNDEFINED:
        *out = false;
        return defined_check(call, v);
    default:
        *out = op_truth(v);
        return true;
    }
}

// Both as doubles, where that is exact and says all there is to compare.
static inline bool both_double(struct value a, struct value b, double *x, double *y) {
    const int64_t exact = (int64_t)1 << 53;
    if (a.tag == VALUE_FLOAT)
        *x = a.f;
    else if (a.tag == VALUE_INT && a.i <= exact && a.i >= -exact)
        *x = (double)a.i;
    else
        return false;
    if (b.tag == VALUE_FLOAT)
        *y = b.f;
    else if (b.tag == VALUE_INT && b.i <= exact && b.i >= -exact)
        *y = (double)b.i;
    else
        return false;
    return true;
}

static inline bool equal(struct call *call, struct value a, struct value b, bool *out) {
    if (a.tag == VALUE_STRING && b.tag == VALUE_STRING)
        *out = a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
    else if (a.tag == VALUE_INT && b.tag == VALUE_INT)
        *out = a.i == b.i;
    else if (!defined_check(call, a) || !defined_check(call, b))
        return false;
    else
        return op_equals(call, a, b, out);
    return true;
}

// Lookups answer with where the value is, so that what only reads a part of it need not copy it. NULL: a fault.
FAST_PATH const struct value *attribute_find(struct call *call, struct site *site, const struct value *v,
                                             const struct value *name) {
    struct vm *vm = call->vm;
    int32_t at;
    if (LIKELY(v->tag == VALUE_MAP && lookup_find(&site->attribute, v->map->shape, &at))) {
        if (LIKELY(at >= 0))
            return &v->map->values[at];
        vm->missed_in = v->map;
        vm->missed_name = name->s;
        vm->found = value_undefined(UNDEFINED_ATTRIBUTE, value_str(*name));
        return &vm->found;
    }
    return attribute_resolve(call, *v, value_str(*name), &site->attribute, &vm->found) ? &vm->found : NULL;
}

FAST_PATH const struct value *name_find(struct vm *vm, const struct context *context, struct site *site,
                                        const struct value *name) {
    int32_t at;
    if (LIKELY(site->scope_key == context->scope_key && lookup_find(&site->name, context->shape, &at) &&
               at >= 0))
        return &context->record->values[at];
    vm->found = name_resolve(vm, context, site, value_str(*name));
    return &vm->found;
}

static inline bool item_get(struct call *call, struct value v, struct value key, struct value *out) {
    if (v.tag == VALUE_LIST && key.tag == VALUE_INT && key.i >= 0 && key.i < v.list->n) {
        *out = v.list->items[key.i];
        return true;
    }
    return item_resolve(call, v, key, out);
}

static inline struct value slot_outer(const struct frame *f, uint32_t outer, uint32_t slot) {
    const struct env *env = f->env;
    while (outer--)
        env = env->outer;
    return env->slots[slot];
}

// `undefined: keep`: what has no value stays in the output as it was written, for whoever fills it in later.
static bool write_kept(struct call *call, const struct program *program, const struct instruction *in) {
    struct str written = instruction_text(program, in);
    return write_text(call, "{{ ", 3) && write_text(call, written.p, written.n) && write_text(call, " }}", 3);
}

FAST_PATH bool emit(struct call *call, const struct program *program, const struct instruction *in,
                    const struct value *v) {
    if (UNLIKELY(v->tag == VALUE_UNDEFINED) && call->vm->options.undefined == UNDEFINED_KEEP &&
        v->aux != UNDEFINED_SILENT)
        return write_kept(call, program, in);
    return write_value(call, v, in->a);
}

// ---- the context stack

FAST_PATH const struct value *section_find(struct vm *vm, const struct frame *f, struct site *site,
                                           const struct value *name) {
    const struct value *top = vm->section;
    int32_t at;
    if (LIKELY(top->tag == VALUE_MAP && lookup_find(&site->name, top->map->shape, &at) && at >= 0))
        return &top->map->values[at];
    return section_resolve(vm, f, site, value_str(*name));
}

FAST_PATH bool put(struct call *call, const struct frame *f, const struct instruction *in,
                   const struct value *v) {
    if (LIKELY(v->tag == VALUE_STRING && !in->a))
        return write_text(call, v->s, v->n);
    if (v->tag == VALUE_INT || v->tag == VALUE_FLOAT)
        return write_number(call, v);
    return section_put(call, f, in, v);
}

// What a section over the value goes through: nothing where it is false for Mustache.
FAST_PATH bool section_elements(struct call *call, const struct value *v, const struct value **items,
                                uint32_t *n) {
    *items = v;
    switch (v->tag) {
    case VALUE_MAP:
        *n = 1;
        return true;
    case VALUE_BOOL:
    case VALUE_INT:
        *n = v->i != 0;
        return true;
    case VALUE_STRING:
        *n = v->n != 0;
        return true;
    case VALUE_NONE:
    case VALUE_UNDEFINED:
        *n = 0;
        return true;
    case VALUE_LIST:
        *items = v->list->items;
        *n = v->list->n;
        return true;
    default:
        return section_items(call, v, items, n);
    }
}

FAST_PATH void section_open(struct vm *vm, struct value *slots, const struct value *items, uint32_t n) {
    slots[0] = items[0];
    slots[1] = (struct value){.tag = VALUE_MISSING, .n = n, .s = (const char *)vm->section};
    slots[2] = (struct value){.tag = VALUE_MISSING, .n = 1, .s = (const char *)items};
    vm->section = slots;
}

// ---- instructions that are not worth a place in the dispatch

static bool list_make(struct call *call, bool tuple, const struct value *items, uint32_t n,
                      struct value *out) {
    struct list *list = tuple ? list_new(call->arena, n) : list_new_mutable(call->arena);
    if (!list)
        return call_no_memory(call);
    if (tuple && n)
        memcpy(list->items, items, n * sizeof(struct value));
    for (uint32_t i = 0; !tuple && i < n; i++)
        if (!list_append(list, items[i]))
            return call_no_memory(call);
    *out = value_list(list);
    out->flags = tuple ? VALUE_TUPLE : 0;
    return true;
}

static bool map_make(struct call *call, const struct value *pairs, uint32_t n, struct value *out) {
    struct map *map = map_new_mutable(call->arena);
    if (!map)
        return call_no_memory(call);
    for (uint32_t i = 0; i < n; i++) {
        struct value key = pairs[(size_t)2 * i];
        if (!defined_check(call, key))
            return false;
        if (!op_hashable(call, key))
            return false;
        if (!map_put(map, key, pairs[(size_t)2 * i + 1]))
            return call_no_memory(call);
    }
    *out = value_map(map);
    return true;
}

static bool unpack(struct call *call, struct value v, uint32_t want, struct value *to) {
    const struct value *items;
    uint32_t n;
    if (!defined_check(call, v) || !op_items(call, v, &items, &n))
        return false;
    if (n < want)
        return call_fail(call, "not enough values to unpack (expected %" PRIu32 ", got %" PRIu32 ")", want,
                         n);
    if (n > want)
        return call_fail(call, "too many values to unpack (expected %" PRIu32 ")", want);
    for (uint32_t i = 0; i < want; i++)
        to[want - 1 - i] = items[i];
    return true;
}

static bool attribute_set(struct call *call, struct value object, struct str name, struct value v) {
    if (object.tag == VALUE_UNDEFINED)
        return fault_undefined(call, object);
    if (object.tag != VALUE_OBJECT || !object.object->type->set)
        return call_fail(call, "cannot assign attribute on non-namespace object");
    return object.object->type->set(call->vm, object.object, name, v) ||
           (call->vm->fault_text.p ? false : call_no_memory(call));
}

// The values as one text. With autoescape, one safe part makes the whole safe and the others escaped.
static bool concat(struct call *call, bool markup, const struct value *parts, uint32_t n, struct value *out) {
    struct buf *text = &call->vm->output; // used as a stack: taken off again below
    size_t start = text->n;
    bool safe = false, fine = true;
    for (uint32_t i = 0; markup && i < n; i++)
        safe |= parts[i].tag == VALUE_STRING && (parts[i].flags & VALUE_SAFE);
    call->vm->held++;
    for (uint32_t i = 0; fine && i < n; i++)
        fine = write_value(call, &parts[i], safe);
    size_t size = text->n - start;
    char *copy = fine ? arena_alloc(call->arena, size + 1) : NULL;
    if (copy && size)
        memcpy(copy, text->p + start, size);
    text->n = start;
    call->vm->held--;
    output_let_go(call->vm);
    if (!copy)
        return fine && call_no_memory(call);
    *out = safe ? value_safe((struct str){copy, size}) : value_string((struct str){copy, size});
    return true;
}

static bool append(struct call *call, struct value list, struct value v) {
    if (list.tag != VALUE_LIST || !list.list->arena)
        return call_fail(call, "only a list of the template's own can grow");
    return list_append(list.list, v) || call_no_memory(call);
}

static bool call_value(struct call *call, const struct call_shape *shape, struct value *base) {
    struct call_args args;
    if (!call_gather(call, shape, base + 1, &args) || !vm_invoke(call, *base, &args))
        return false;
    *base = call->result;
    return true;
}

// `{{ macro() }}`: the macro's text is in its place already, so nothing need be kept apart and written again.
static bool call_in_place(struct call *call, const struct call_shape *shape, struct value *base) {
    struct call_args args;
    return call_gather(call, shape, base + 1, &args) && macro_run(call, base->object, &args);
}

// What a macro gives is safe where escaping is on.
static inline bool is_written_next(const struct call *call, const struct instruction *next,
                                   struct value callee) {
    return next->op == OP_EMIT && callee.tag == VALUE_OBJECT && callee.object->type == &macro_type &&
           (next->a != ESCAPE_ON || call->autoescape);
}

static bool markup(struct call *call, struct value v, struct value *out) {
    struct str text;
    *out = v;
    if (!call->autoescape)
        return true;
    if (!print_to_str(call, v, &text))
        return false;
    *out = value_safe(text);
    return true;
}

static bool autoescape(struct call *call, struct value v, struct value *before) {
    bool on;
    if (!truth(call, v, &on))
        return false;
    *before = value_bool(call->autoescape);
    call->autoescape = call->vm->autoescape = on;
    return true;
}

// How many operands an instruction has taken off the stack by the time it may fail. Further up lies what others
// left behind, perhaps of an item whose memory is gone.
static size_t operands_taken(const struct instruction *in) {
    switch ((enum opcode)in->op) {
    case OP_EMIT:
    case OP_APPEND:
    case OP_UNPACK:
    case OP_JUMP_IF_FALSE:
    case OP_JUMP_IF_TRUE:
    case OP_FOR:
    case OP_AUTOESCAPE:
    case OP_INCLUDE_NAMED:
    case OP_PUT:
    case OP_SECTION:
    case OP_INVERTED:
    case OP_PARTIAL_NAMED:
    case OP_EXTENDS_NAMED:
    case OP_SUBSTITUTE:
        return 1;
    case OP_SET_ATTR:
        return 2;
    case OP_KEYWORD:
        return 3;
    case OP_LIST:
        return in->c;
    case OP_MAP:
        return (size_t)2 * in->c;
    default:
        return 0;
    }
}

// ---- dispatch

// Compiled once more as the machine that looks at its profile before each instruction (profile.h).
#ifdef VM_PROFILED
#define vm_run vm_run_profiled
#define LOOK()                                                                                               \
    do {                                                                                                     \
        if (UNLIKELY(profile_is_due(profile)))                                                               \
            goto sample;                                                                                     \
    } while (0)
#else
#define LOOK() (void)0
#endif
#define NEXT()                                                                                               \
    do {                                                                                                     \
        LOOK();                                                                                              \
        in = ip++;                                                                                           \
        goto *labels[in->op];                                                                                \
    } while (0)
// Instructions are counted by runs without a jump; a jump back takes a step.
#define GO(target)                                                                                           \
    do {                                                                                                     \
        const struct instruction *to = code + (target);                                                      \
        work += (uint64_t)(ip - run);                                                                        \
        if (to < ip && UNLIKELY(!step_take(&call)))                                                          \
            goto fault;                                                                                      \
        ip = run = to;                                                                                       \
        NEXT();                                                                                              \
    } while (0)
#define TRY(condition)                                                                                       \
    do {                                                                                                     \
        if (UNLIKELY(!(condition)))                                                                          \
            goto fault;                                                                                      \
    } while (0)

#define ARITHMETIC(name, integers, floats, function)                                                         \
    on_##name : {                                                                                            \
        struct value a = sp[-2], b = sp[-1], v;                                                              \
        int64_t i;                                                                                           \
        if (a.tag == VALUE_INT && b.tag == VALUE_INT && !integers(a.i, b.i, &i))                             \
            v = value_int(i);                                                                                \
        else if (a.tag == VALUE_FLOAT && b.tag == VALUE_FLOAT)                                               \
            v = value_float(a.f floats b.f);                                                                 \
        else                                                                                                 \
            TRY(function(&call, a, b, &v));                                                                  \
        sp--;                                                                                                \
        sp[-1] = v;                                                                                          \
        NEXT();                                                                                              \
    }
#define OPERATOR(name, function)                                                                             \
    on_##name : {                                                                                            \
        struct value v;                                                                                      \
        TRY(function(&call, sp[-2], sp[-1], &v));                                                            \
        sp--;                                                                                                \
        sp[-1] = v;                                                                                          \
        NEXT();                                                                                              \
    }
#define COMPARISON(name, sign)                                                                               \
    on_##name : {                                                                                            \
        struct value a = sp[-2], b = sp[-1];                                                                 \
        double x, y;                                                                                         \
        bool r;                                                                                              \
        if (a.tag == VALUE_INT && b.tag == VALUE_INT) {                                                      \
            r = a.i sign b.i;                                                                                \
        } else if (both_double(a, b, &x, &y)) {                                                              \
            r = x sign y;                                                                                    \
        } else {                                                                                             \
            int order;                                                                                       \
            TRY(op_compare_as(&call, a, b, #sign, &order));                                                  \
            r = order != OP_UNORDERED && order sign 0;                                                       \
        }                                                                                                    \
        sp--;                                                                                                \
        sp[-1] = value_bool(r);                                                                              \
        NEXT();                                                                                              \
    }

bool vm_run(struct vm *vm, struct frame *frame) {
    static const void *const labels[OPCODE_COUNT] = {
#define OPCODE(name, operands, pops, pushes, meaning) &&on_##name,
#include "stages/program/opcodes.def"
    };
#ifdef VM_PROFILED
    struct profile *const profile = vm->options.profile;
#else
    if (UNLIKELY(vm->options.profile))
        return vm_run_profiled(vm, frame);
#endif
    const struct program *const program = frame->program;
    const struct instruction *const code = program->code;
    const struct value *const constants = program->constants;
    const struct library *const library = vm->options.library;
    struct site *const sites = frame->sites;
    struct value *slots = frame->env->slots;
    struct value *sp = frame->stack; // the first free value
    const struct instruction *ip = frame->ip, *run = ip, *in = ip;
    struct call call = call_of(vm, frame);
    uint64_t work = 0;
    NEXT();

on_TEXT:
    TRY(write_text(&call, constants[in->c].s, constants[in->c].n));
    NEXT();
on_EMIT:
    sp--;
    TRY(emit(&call, program, in, sp));
    NEXT();
on_EMIT_NAME:
    TRY(emit(&call, program, in, name_find(vm, frame->context, &sites[in - code], &constants[in->c])));
    NEXT();
on_EMIT_SLOT_ATTR : {
    const struct value *v = attribute_find(&call, &sites[in - code], &slots[in->b], &constants[in->c]);
    TRY(v && emit(&call, program, in, v));
    NEXT();
}
on_EMIT_NAME_ATTR : {
    struct site *site = &sites[in - code];
    const struct value *v = name_find(vm, frame->context, site, &constants[in->b]);
    v = attribute_find(&call, site, v, &constants[in->c]);
    TRY(v && emit(&call, program, in, v));
    NEXT();
}

on_CONST:
    *sp++ = constants[in->c];
    NEXT();
on_SLOT:
    *sp++ = LIKELY(!in->a) ? slots[in->b] : slot_outer(frame, in->a, in->b);
    NEXT();
on_NAME:
    *sp++ = *name_find(vm, frame->context, &sites[in - code], &constants[in->c]);
    NEXT();
on_STORE:
    slots[in->b] = *--sp;
    NEXT();
on_UNSET:
    memset(slots + in->b, 0, in->c * sizeof *slots); // VALUE_MISSING
    NEXT();
on_POP:
    sp--;
    NEXT();
on_DUP:
    sp[0] = sp[-1];
    sp++;
    NEXT();
on_SWAP : {
    struct value v = sp[-1];
    sp[-1] = sp[-2];
    sp[-2] = v;
    NEXT();
}
on_ROT3 : {
    struct value v = sp[-1];
    sp[-1] = sp[-2];
    sp[-2] = sp[-3];
    sp[-3] = v;
    NEXT();
}
on_LIST : {
    struct value v;
    sp -= in->c;
    TRY(list_make(&call, in->a, sp, in->c, &v));
    *sp++ = v;
    NEXT();
}
on_MAP : {
    struct value v;
    sp -= (size_t)2 * in->c;
    TRY(map_make(&call, sp, in->c, &v));
    *sp++ = v;
    NEXT();
}
on_APPEND:
    sp--;
    TRY(append(&call, slots[in->b], *sp));
    NEXT();
on_UNPACK:
    sp--;
    TRY(unpack(&call, *sp, in->c, sp));
    sp += in->c;
    NEXT();

on_ATTR : {
    const struct value *v = attribute_find(&call, &sites[in - code], &sp[-1], &constants[in->c]);
    TRY(v);
    sp[-1] = *v;
    NEXT();
}
    OPERATOR(ITEM, item_get)
on_SLICE : {
    struct value v;
    if (UNLIKELY(sp[-4].tag == VALUE_UNDEFINED))
        TRY(fault_undefined(&call, sp[-4]));
    TRY(op_slice(&call, sp[-4], sp[-3], sp[-2], sp[-1], &v));
    sp -= 3;
    sp[-1] = v;
    NEXT();
}
on_SET_ATTR:
    sp -= 2;
    TRY(attribute_set(&call, sp[1], value_str(constants[in->c]), sp[0]));
    NEXT();

    ARITHMETIC(ADD, __builtin_add_overflow, +, op_add)
    ARITHMETIC(SUB, __builtin_sub_overflow, -, op_sub)
    ARITHMETIC(MUL, __builtin_mul_overflow, *, op_mul)
    OPERATOR(DIV, op_div)
    OPERATOR(FLOORDIV, op_floordiv)
    OPERATOR(MOD, op_mod)
    OPERATOR(POW, op_pow)
on_NEG : {
    struct value v;
    TRY(op_neg(&call, sp[-1], &v));
    sp[-1] = v;
    NEXT();
}
on_POS : {
    struct value v;
    TRY(op_pos(&call, sp[-1], &v));
    sp[-1] = v;
    NEXT();
}
on_NOT : {
    bool r;
    TRY(truth(&call, sp[-1], &r));
    sp[-1] = value_bool(!r);
    NEXT();
}
on_CONCAT : {
    struct value v;
    TRY(concat(&call, in->a, sp - in->c, in->c, &v));
    sp -= in->c;
    *sp++ = v;
    NEXT();
}
on_EQ : {
    bool r;
    TRY(equal(&call, sp[-2], sp[-1], &r));
    sp--;
    sp[-1] = value_bool(r);
    NEXT();
}
on_NE : {
    bool r;
    TRY(equal(&call, sp[-2], sp[-1], &r));
    sp--;
    sp[-1] = value_bool(!r);
    NEXT();
}
    COMPARISON(LT, <)
    COMPARISON(LE, <=)
    COMPARISON(GT, >)
    COMPARISON(GE, >=)
on_IN : {
    bool r;
    TRY(op_contains(&call, sp[-1], sp[-2], &r));
    sp--;
    sp[-1] = value_bool(r != (in->a & 1));
    NEXT();
}

on_JUMP:
    GO(in->c);
on_JUMP_IF_FALSE : {
    bool r;
    sp--;
    TRY(truth(&call, *sp, &r));
    if (!r)
        GO(in->c);
    NEXT();
}
on_JUMP_IF_TRUE : {
    bool r;
    sp--;
    TRY(truth(&call, *sp, &r));
    if (r)
        GO(in->c);
    NEXT();
}
on_AND : {
    bool r;
    TRY(truth(&call, sp[-1], &r));
    if (!r)
        GO(in->c);
    sp--;
    NEXT();
}
on_OR : {
    bool r;
    TRY(truth(&call, sp[-1], &r));
    if (r)
        GO(in->c);
    sp--;
    NEXT();
}
on_JUMP_IF_SET:
    if (sp[-1].tag != VALUE_MISSING)
        GO(in->c);
    sp--;
    NEXT();

on_FOR:
    sp--;
    TRY(loop_begin(&call, *sp, in->a, slots + in->b));
    NEXT();
on_FOR_NEXT : {
    struct value *loop = slots + in->b;
    uint32_t next = (uint32_t)loop[1].i;
    if (next >= loop[1].n)
        GO(in->c);
    loop[1].i = (int64_t)next + 1;
    struct value element = UNLIKELY(loop[0].tag) ? loop_object_move(loop[0], next) : loop_items(loop)[next];
    if (LIKELY(ip->op == OP_STORE)) // as it nearly always is
        slots[ip++->b] = element;
    else
        *sp++ = element;
    NEXT();
}
on_FOR_AGAIN:
    slots[in->b + 2].aux = 1;
    if (UNLIKELY(arena_used(&vm->scratch) > ROUND_FROM) && sp == frame->stack)
        round_end(vm, frame, in);
    GO(in->c);
on_FOR_ELSE:
    if (slots[in->b + 2].aux)
        GO(in->c);
    NEXT();
on_LOOP_RECURSES:
    sp -= 2;
    loop_set_recursion(slots + in->b, sp[0], sp[1], in->a);
    NEXT();
on_LOOP_ATTR : {
    struct value *loop = slots + in->b;
    if (in->a == LOOP_INDEX)
        *sp++ = value_int(loop[1].i);
    else if (in->a == LOOP_LAST)
        *sp++ = value_bool(loop[1].i == loop[1].n);
    else {
        struct value v;
        TRY(loop_attribute(&call, loop, (enum loop_attr)in->a, &v));
        *sp++ = v;
    }
    NEXT();
}

on_FILTER : {
    const struct call_shape *shape = &program->calls[in->c];
    struct value *base = sp - 1 - shape->values;
    frame->ip = ip;
    TRY(function_apply(&call, &library->filters[in->b], &vm->filter_signatures[in->b], shape, base));
    value_move(base, &call.result);
    sp = base + 1;
    slots = frame->env->slots;
    NEXT();
}
on_TEST : {
    const struct call_shape *shape = &program->calls[in->c];
    struct value *base = sp - 1 - shape->values;
    frame->ip = ip;
    TRY(function_apply(&call, &library->tests[in->b], &vm->test_signatures[in->b], shape, base));
    *base = value_bool(call.result.tag == VALUE_BOOL ? call.result.i != 0 : op_truth(call.result));
    sp = base + 1;
    slots = frame->env->slots;
    NEXT();
}
on_MACRO_FILTER:
on_MACRO_TEST : {
    const struct call_shape *shape = &program->calls[in->c];
    struct value *base = sp - 1 - shape->values;
    frame->ip = ip;
    TRY(library_macro_apply(&call, frame, in, base));
    value_move(base, &call.result);
    sp = base + 1;
    slots = frame->env->slots;
    NEXT();
}
on_CALL : {
    const struct call_shape *shape = &program->calls[in->c];
    struct value *base = sp - 1 - shape->values;
    frame->ip = ip;
    if (is_written_next(&call, ip, *base)) {
        TRY(call_in_place(&call, shape, base));
        sp = base;
        ip++;
    } else {
        TRY(call_value(&call, shape, base));
        sp = base + 1;
    }
    slots = frame->env->slots;
    NEXT();
}
on_MACRO : {
    struct value v;
    TRY(macro_new(&call, frame, &program->functions[in->c], &v));
    slots = frame->env->slots;
    *sp++ = v;
    NEXT();
}
on_INCLUDE:
    frame->ip = ip;
    TRY(include_ref(&call, frame, in));
    slots = frame->env->slots;
    NEXT();
on_INCLUDE_NAMED:
    frame->ip = ip;
    sp--;
    TRY(include_named(&call, frame, in, *sp));
    slots = frame->env->slots;
    NEXT();
on_EXTENDS:
    frame->ip = ip;
    TRY(extends_ref(&call, frame, in));
    NEXT();
on_EXTENDS_NAMED:
    frame->ip = ip;
    sp--;
    TRY(extends_named(&call, frame, *sp));
    NEXT();
on_JUMP_IF_CHILD:
    if (is_child(frame))
        GO(in->c);
    NEXT();
on_PARENT:
    frame->ip = ip;
    TRY(parent_run(&call, frame));
    slots = frame->env->slots;
    NEXT();
on_FAMILY_BLOCK:
    frame->ip = ip;
    TRY(block_run(&call, frame, in));
    slots = frame->env->slots;
    NEXT();
on_SUPER : {
    struct value v;
    TRY(super_get(&call, frame, value_str(constants[in->c]), &v));
    slots = frame->env->slots;
    *sp++ = v;
    NEXT();
}
on_SELF : {
    struct value v;
    TRY(self_get(&call, frame, &v));
    slots = frame->env->slots;
    *sp++ = v;
    NEXT();
}
on_IMPORT : {
    struct value v;
    frame->ip = ip;
    TRY(import_ref(&call, frame, in, &v));
    slots = frame->env->slots;
    *sp++ = v;
    NEXT();
}
on_IMPORT_NAMED : {
    struct value v;
    frame->ip = ip;
    TRY(import_named(&call, frame, in, sp[-1], &v));
    slots = frame->env->slots;
    sp[-1] = v;
    NEXT();
}
on_IMPORTED : {
    struct value v;
    TRY(module_export(&call, frame, in, sp[-1], &v));
    sp[-1] = v;
    NEXT();
}
on_CAPTURE:
    capture_begin(vm);
    NEXT();
on_CAPTURED : {
    struct value v;
    TRY(capture_end(&call, in->a == ESCAPE_DYNAMIC ? call.autoescape : in->a, &v));
    *sp++ = v;
    NEXT();
}
on_AUTOESCAPE:
    sp--;
    TRY(autoescape(&call, *sp, &slots[in->b]));
    NEXT();
on_MARKUP : {
    struct value v;
    TRY(markup(&call, sp[-1], &v));
    sp[-1] = v;
    NEXT();
}
on_LOOKUP:
    *sp++ = *section_find(vm, frame, &sites[in - code], &constants[in->c]);
    NEXT();
on_FIELD : {
    struct lookup *lookup = &sites[in - code].attribute;
    int32_t at;
    if (LIKELY(sp[-1].tag == VALUE_MAP && lookup_find(lookup, sp[-1].map->shape, &at) && at >= 0))
        sp[-1] = sp[-1].map->values[at];
    else
        TRY(section_field(&call, sp[-1], value_str(constants[in->c]), lookup, &sp[-1]));
    NEXT();
}
on_CURRENT:
    *sp++ = section_current(vm, frame);
    NEXT();
on_PUT:
    sp--;
    TRY(put(&call, frame, in, sp));
    NEXT();
on_PUT_LOOKUP:
    TRY(put(&call, frame, in, section_find(vm, frame, &sites[in - code], &constants[in->c])));
    NEXT();
on_SECTION : {
    const struct value *items;
    uint32_t n;
    sp--;
    TRY(section_elements(&call, sp, &items, &n));
    if (!n)
        GO(in->c);
    section_open(vm, slots + in->b, items, n);
    NEXT();
}
on_SECTION_NEXT : {
    struct value *section = slots + in->b;
    uint32_t next = section[2].n;
    if (next < section[1].n) {
        section[0] = ((const struct value *)(const void *)section[2].s)[next];
        section[2].n = next + 1;
        GO(in->c);
    }
    vm->section = (const struct value *)(const void *)section[1].s;
    NEXT();
}
on_INVERTED : {
    const struct value *items;
    uint32_t n;
    sp--;
    TRY(section_elements(&call, sp, &items, &n));
    if (n)
        GO(in->c);
    NEXT();
}
on_INDENT:
    TRY(section_indent(&call));
    NEXT();
on_PARTIAL:
    frame->ip = ip;
    TRY(partial_ref(&call, frame, in));
    NEXT();
on_PARTIAL_NAMED:
    frame->ip = ip;
    sp--;
    TRY(partial_named(&call, frame, in, *sp));
    NEXT();
on_BLOCK : {
    bool given;
    frame->ip = ip;
    TRY(block_given(&call, frame, in, &given));
    if (given)
        GO(in->c);
    NEXT();
}
on_KEYWORD:
    sp -= 3;
    TRY(prompt_keyword(&call, frame, in, sp, &slots[in->b]));
    NEXT();
on_PLAIN:
    *sp++ = value_bool(prompt_is_plain(frame, in, slots + in->b));
    NEXT();
on_SUBSTITUTE:
    sp--;
    TRY(prompt_substitute(&call, frame, in, value_str(*sp), slots + in->b));
    NEXT();
on_DIRECTIVES:
    TRY(prompt_directives(&call, frame));
    NEXT();
on_FAIL:
    TRY(call_fail(&call, "%.*s", STR_ARG(value_str(constants[in->c]))));
on_RESULT:
    vm->result = *--sp;
on_RETURN:
    vm->instructions += work + (uint64_t)(ip - run);
    return true;

#ifdef VM_PROFILED
sample:
    vm_sample(vm, frame, in);
    in = ip++;
    goto *labels[in->op];
#endif
fault:
    frame->ip = ip;
    vm->instructions += work + (uint64_t)(ip - run);
    fault_make(vm, frame, sp + operands_taken(in));
    return false;
}
