// SPDX-License-Identifier: MIT
/*
 * The machine with programs put together by hand, instruction by instruction: what each does, what it does when
 * it cannot, limits, caches, and where faults say they are. Real templates: test_vm_templates.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "stages/render/machine.h"
#include "stages/render/ops.h"

// ---- a small library

static bool filter_apply(struct call *call) { // calls the argument with the value
    struct call_args args = {call->args, 1, NULL, NULL, 0};
    return vm_invoke(call, call->args[1], &args);
}

static bool filter_pair(struct call *call) { // "value first second third", absent ones as "-"
    struct list *list = list_new(call->arena, 4);
    assert_non_null(list);
    assert_int_equal(call->n, 4);
    for (uint32_t i = 0; i < 4; i++)
        list->items[i] = call->args[i].tag == VALUE_MISSING ? value_string(STR("-")) : call->args[i];
    call->result = value_list(list);
    return true;
}

static bool filter_refuse(struct call *call) {
    return call_fail(call, "refused: %d", 7);
}

static bool test_given(struct call *call) {
    call->result = value_bool(call->args[0].tag != VALUE_UNDEFINED);
    return true;
}

static bool global_count(struct call *call) {
    assert_int_equal(call->args[0].tag, VALUE_MISSING);
    call->result = value_int(call->n - 1);
    return true;
}

static const struct library_function filters[] = {
    {"apply", "callee", filter_apply, ""},
    {"pair", "first [second third]", filter_pair, ""},
    {"refuse", "", filter_refuse, ""},
};
static const struct library_function tests[] = {{"given", "", test_given, ""}};
static const struct library_function globals[] = {{"count", "[first *]", global_count, ""}};
static const struct library library = {
    .filters = filters, .filters_n = 3, .tests = tests, .tests_n = 1, .globals = globals, .globals_n = 1};
enum { APPLY, PAIR, REFUSE };

// ---- programs by hand

enum { MOST = 64 };

struct made {
    struct program program;
    struct instruction code[MOST];
    uint32_t positions[MOST], extents[MOST];
    struct value constants[MOST];
    struct function_code functions[4];
    struct call_shape calls[4];
    struct scope_table scopes[4];
    struct template_ref refs[4];
};

// The k-th instruction stands at byte k of the source, one byte long, so that columns tell instructions.
static struct program *begin(struct made *m, const char *name) {
    memset(m, 0, sizeof *m);
    struct program *p = &m->program;
    p->source.name = str_of(name);
    p->source.text = STR("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-");
    p->language = "jinja";
    p->code = m->code;
    p->positions = m->positions;
    p->extents = m->extents;
    p->constants = m->constants;
    p->functions = m->functions;
    p->functions_n = 1;
    p->calls = m->calls;
    p->scopes = m->scopes;
    p->scopes_n = 1; // scope 0 shows nothing
    p->refs = m->refs;
    for (int i = 0; i < 4; i++)
        m->functions[i] =
            (struct function_code){.slots = 16, .stack = 16, .varargs = -1, .kwargs = -1, .caller = -1};
    return p;
}

static uint32_t put(struct program *p, enum opcode op, unsigned a, unsigned b, uint32_t c) {
    assert_true(p->code_n < MOST);
    p->code[p->code_n] = (struct instruction){(uint8_t)op, (uint8_t)a, (uint16_t)b, c};
    p->positions[p->code_n] = p->code_n;
    p->extents[p->code_n] = 1;
    return p->code_n++;
}

static uint32_t constant(struct program *p, struct value v) {
    p->constants[p->constants_n] = v;
    return p->constants_n++;
}

static uint32_t name(struct program *p, const char *text) {
    return constant(p, value_string(str_of(text)));
}

static void put_const(struct program *p, struct value v) {
    put(p, OP_CONST, 0, 0, constant(p, v));
}

static uint32_t call_shape(struct program *p, uint32_t positional, uint32_t keywords,
                           const struct str *names) {
    p->calls[p->calls_n] = (struct call_shape){positional, keywords, names, 0, positional + keywords};
    return p->calls_n++;
}

// ---- records

static const struct value two_keys[] = {{.tag = VALUE_STRING, .n = 4, .s = "name"},
                                        {.tag = VALUE_STRING, .n = 3, .s = "age"}};
static const struct value swapped_keys[] = {{.tag = VALUE_STRING, .n = 3, .s = "age"},
                                            {.tag = VALUE_STRING, .n = 4, .s = "name"}};
static const struct value one_key[] = {{.tag = VALUE_STRING, .n = 3, .s = "age"}};
static const struct shape two = {.n = 2, .shared = true, .keys = two_keys};
static const struct shape swapped = {.n = 2, .shared = true, .keys = swapped_keys};
static const struct shape one = {.n = 1, .shared = true, .keys = one_key};
static const struct shape own = {.n = 2, .shared = false, .keys = two_keys};

static struct value anna_values[] = {{.tag = VALUE_STRING, .n = 4, .s = "A&na"}, {.tag = VALUE_INT, .i = 41}};
static struct value berta_values[] = {{.tag = VALUE_INT, .i = 52},
                                      {.tag = VALUE_STRING, .n = 5, .s = "Berta"}};
static struct value nobody_values[] = {{.tag = VALUE_INT, .i = 63}};
static struct map anna_map = {.shape = &two, .values = anna_values};
static struct map berta_map = {.shape = &swapped, .values = berta_values};
static struct map nobody_map = {.shape = &one, .values = nobody_values};
static struct map own_map = {.shape = &own, .values = anna_values};
#define ANNA   value_map(&anna_map)
#define BERTA  value_map(&berta_map)
#define NOBODY value_map(&nobody_map)
#define OWN    value_map(&own_map)

static struct vm *machine(enum undefined_mode mode) {
    struct vm_options options = {.library = &library, .undefined = mode};
    return vm_new(&options);
}

static void expect(struct vm *vm, const struct program *p, struct value record, const char *text) {
    const struct diag *fault = NULL;
    if (!vm_render(vm, p, record, NULL, 0, &fault))
        fail_msg("%.*s", STR_ARG(fault->message));
    struct str out = vm_output(vm);
    assert_int_equal(out.n, strlen(text));
    assert_memory_equal(out.p, text, out.n);
}

// `column` is the instruction at fault, from 1.
static const struct diag *expect_fault(struct vm *vm, const struct program *p, struct value record,
                                       uint32_t column, const char *message) {
    const struct diag *fault = NULL;
    assert_false(vm_render(vm, p, record, NULL, 0, &fault));
    assert_non_null(fault);
    assert_true(str_is(fault->message, message) || (print_error("%.*s\n", STR_ARG(fault->message)), false));
    assert_int_equal(fault->line, 1);
    assert_int_equal(fault->column, column);
    return fault;
}

static void expect_hint(const struct diag *fault, const char *hint) {
    assert_true(str_is(fault->hint, hint) || (print_error("%.*s\n", STR_ARG(fault->hint)), false));
}

// ---- output and names

static void writes_values(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put_const(p, value_string((struct str){NULL, 0})); // before there is a buffer
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_string((struct str){NULL, 0}));
    put(p, OP_EMIT, 1, 0, 0);
    put(p, OP_TEXT, 0, 0, name(p, "<&"));
    put_const(p, value_string(STR("<&")));
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_string(STR("<&")));
    put(p, OP_EMIT, 1, 0, 0);
    put_const(p, value_safe(STR("<&")));
    put(p, OP_EMIT, 1, 0, 0);
    put_const(p, value_int(7));
    put(p, OP_EMIT, 1, 0, 0);
    put_const(p, value_int(INT64_MIN));
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_float(0.5));
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_none());
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_bool(true));
    put(p, OP_EMIT, 1, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "<&<&&lt;&amp;<&7-92233720368547758080.5NoneTrue");
    vm_free(vm);
}

static void names_survive_a_change_of_shape(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    uint32_t n = name(p, "name"), age = name(p, "age");
    put(p, OP_EMIT_NAME, 0, 0, n);
    put(p, OP_TEXT, 0, 0, name(p, " "));
    put(p, OP_NAME, 0, 0, age);
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    for (int i = 0; i < 3; i++) {
        expect(vm, p, ANNA, "A&na 41");
        expect(vm, p, BERTA, "Berta 52");
        expect(vm, p, NOBODY, " 63");
        expect(vm, p, NOBODY, " 63");
        expect(vm, p, OWN, "A&na 41");
        expect(vm, p, value_int(3), " ");
    }
    vm_free(vm);
}

static void extra_names_come_before_the_record(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_EMIT_NAME, 0, 0, name(p, "name"));
    put(p, OP_EMIT_NAME, 0, 0, name(p, "group"));
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    struct vm_extra extra[] = {{STR("group"), value_int(1)}, {STR("name"), value_string(STR("x"))}};
    const struct diag *fault;
    expect(vm, p, ANNA, "A&na");
    assert_true(vm_render(vm, p, ANNA, extra, 2, &fault));
    assert_true(str_is(vm_output(vm), "x1"));
    assert_true(vm_render(vm, p, ANNA, extra, 1, &fault));
    assert_true(str_is(vm_output(vm), "A&na1"));
    expect(vm, p, ANNA, "A&na");
    vm_free(vm);
}

static void globals_come_after_the_record(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_EMIT_NAME, 0, 0, name(p, "name"));
    put(p, OP_EMIT_NAME, 0, 0, name(p, "age"));
    put(p, OP_RETURN, 0, 0, 0);
    struct value site_values[] = {value_int(9), value_string(STR("G"))};
    struct map site = {.shape = &swapped, .values = site_values};
    struct vm_options options = {.library = &library, .globals = &site};
    struct vm *vm = vm_new(&options);
    expect(vm, p, NOBODY, "G63");
    expect(vm, p, ANNA, "A&na41");
    expect(vm, p, value_none(), "G9");
    vm_free(vm);
}

static void attributes_are_found_by_shape(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    m.constants[0] = ANNA, m.constants[1] = BERTA, m.constants[2] = NOBODY, m.constants[3] = OWN;
    p->constants_n = 4;
    uint32_t n = name(p, "name"), bar = name(p, "|");
    // one instruction over four maps, twice: a loop over a tuple
    struct value items[8];
    for (int i = 0; i < 8; i++)
        items[i] = m.constants[i % 4];
    struct list list = {8, 8, items, NULL};
    put_const(p, value_list(&list));
    put(p, OP_FOR, 0, 1, 0);
    uint32_t top = put(p, OP_FOR_NEXT, 0, 1, 0);
    put(p, OP_STORE, 0, 0, 0);
    put(p, OP_EMIT_SLOT_ATTR, 0, 0, n);
    put(p, OP_TEXT, 0, 0, bar);
    put(p, OP_FOR_AGAIN, 0, 1, top);
    p->code[top].c = put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "A&na|Berta||A&na|A&na|Berta||A&na|");
    vm_free(vm);
}

static void strict_names_the_missing(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_TEXT, 0, 0, name(p, "x"));
    put(p, OP_EMIT_NAME, 0, 0, name(p, "nam"));
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_STRICT);
    const struct diag *fault = expect_fault(vm, p, ANNA, 2, "'nam' is undefined");
    expect_hint(fault, "did you mean \"name\"?");
    fault = expect_fault(vm, p, NOBODY, 2, "'nam' is undefined");
    assert_null(fault->hint.p);

    p = begin(&m, "u");
    put_const(p, ANNA);
    put(p, OP_ATTR, 0, 0, name(p, "agee"));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    vm_free(vm);
    vm = machine(UNDEFINED_STRICT);
    for (int i = 0; i < 2; i++) { // from the cache too
        fault = expect_fault(vm, p, ANNA, 3, "'dict object' has no attribute 'agee'");
        expect_hint(fault, "did you mean \"age\"?");
    }
    vm_free(vm);
}

static void undefined_has_no_attributes(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_EMIT_NAME_ATTR, 0, (unsigned)name(p, "who"), name(p, "x"));
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect_fault(vm, p, ANNA, 1, "'who' is undefined");
    vm_free(vm);
}

// ---- loops and flow

static void loop_program(struct program *p, struct value over, bool object) {
    put_const(p, over);
    put(p, OP_FOR, object, 4, 0);
    uint32_t top = put(p, OP_FOR_NEXT, 0, 4, 0);
    put(p, OP_EMIT, 0, 0, 0);
    for (unsigned a = LOOP_INDEX; a <= LOOP_LENGTH; a++) {
        put(p, OP_LOOP_ATTR, a, 4, 0);
        put(p, OP_EMIT, 0, 0, 0);
    }
    put(p, OP_FOR_AGAIN, 0, 4, top);
    p->code[top].c = p->code_n;
    uint32_t other = put(p, OP_FOR_ELSE, 0, 4, 0);
    put(p, OP_TEXT, 0, 0, name(p, "none"));
    p->code[other].c = put(p, OP_RETURN, 0, 0, 0);
}

static void loops_count(void **state) {
    (void)state;
    struct made m;
    struct value items[] = {value_string(STR("a")), value_string(STR("b"))};
    struct list list = {2, 2, items, NULL}, empty = {0, 0, NULL, NULL};
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    const char *text = "a1021TrueFalse2b2110FalseTrue2";
    for (int object = 0; object < 2; object++) {
        struct made each;
        struct program *p = begin(&each, "t");
        loop_program(p, value_list(&list), object);
        expect(vm, p, value_none(), text);
        vm_free(vm);
        vm = machine(UNDEFINED_DEFAULT);
    }
    struct program *p = begin(&m, "e");
    loop_program(p, value_list(&empty), true);
    expect(vm, p, value_none(), "none");
    vm_free(vm);
}

static void loops_refuse_what_has_no_elements(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    loop_program(p, value_int(3), false);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect_fault(vm, p, value_none(), 2, "'int' object is not iterable");
    vm_free(vm);
}

static void jumps_keep_or_drop(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put_const(p, value_int(0));
    uint32_t and = put(p, OP_AND, 0, 0, 0);
    put_const(p, value_int(1));
    p->code[and].c = put(p, OP_EMIT, 0, 0, 0); // 0
    put_const(p, value_string(STR("")));
    uint32_t or = put(p, OP_OR, 0, 0, 0);
    put_const(p, value_int(2));
    p->code[or].c = put(p, OP_EMIT, 0, 0, 0); // 2
    put(p, OP_SLOT, 0, 3, 0);
    uint32_t set = put(p, OP_JUMP_IF_SET, 0, 0, 0);
    put_const(p, value_int(3));
    p->code[set].c = put(p, OP_EMIT, 0, 0, 0); // 3
    put_const(p, value_none());
    uint32_t no = put(p, OP_JUMP_IF_TRUE, 0, 0, 0);
    put_const(p, value_bool(false));
    uint32_t yes = put(p, OP_JUMP_IF_FALSE, 0, 0, 0);
    put(p, OP_FAIL, 0, 0, name(p, "not here"));
    p->code[no].c = p->code[yes].c = put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "023");
    vm_free(vm);
}

static void unpacks_exactly(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    struct value items[] = {value_int(1), value_int(2), value_int(3)};
    struct list list = {3, 3, items, NULL};
    put_const(p, value_list(&list));
    put(p, OP_UNPACK, 0, 0, 3);
    for (int i = 0; i < 3; i++)
        put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "123");
    p->code[1].c = 2;
    expect_fault(vm, p, value_none(), 2, "too many values to unpack (expected 2)");
    p->code[1].c = 4;
    expect_fault(vm, p, value_none(), 2, "not enough values to unpack (expected 4, got 3)");
    vm_free(vm);
}

static void compares_numbers(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put_const(p, value_float(40.1));
    put_const(p, value_int(40));
    put(p, OP_GT, 0, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_int(((int64_t)1 << 53) + 1));
    put_const(p, value_float(9007199254740992.0));
    put(p, OP_LE, 0, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_int(2));
    put_const(p, value_string(STR("2")));
    put(p, OP_EQ, 0, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put_const(p, value_int(2));
    put_const(p, value_float(2));
    put(p, OP_EQ, 0, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "TrueFalseFalseTrue");
    vm_free(vm);
}

// ---- calls

static void filters_bind(void **state) {
    (void)state;
    static const struct str third[] = {{"third", 5}}, first[] = {{"first", 5}}, fourth[] = {{"fourth", 6}};
    struct made m;
    struct program *p = begin(&m, "t");
    put_const(p, value_int(0));
    put_const(p, value_int(1));
    put_const(p, value_int(2));
    put(p, OP_FILTER, 0, PAIR, call_shape(p, 1, 1, third));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "[0, 1, '-', 2]");
    p->calls[0] = (struct call_shape){.positional = 2, .values = 2};
    expect(vm, p, value_none(), "[0, 1, 2, '-']");
    p->calls[0].positional = 1;
    p->calls[0].keywords = 1;
    p->calls[0].names = first;
    expect_fault(vm, p, value_none(), 4, "pair() got multiple values for argument 'first'");
    p->calls[0].names = fourth;
    expect_fault(vm, p, value_none(), 4, "pair() got an unexpected keyword argument 'fourth'");
    p->calls[0] = (struct call_shape){0};
    p->code[1].op = p->code[2].op = OP_UNSET;
    p->code[1].c = p->code[2].c = 0;
    expect_fault(vm, p, value_none(), 4, "pair() misses the argument 'first'");
    p->code[3].b = REFUSE;
    expect_fault(vm, p, value_none(), 4, "refused: 7");
    vm_free(vm);
}

static void only_callables_are_called(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_NAME, 0, 0, name(p, "age"));
    put_const(p, value_int(1));
    put_const(p, value_int(2));
    put(p, OP_CALL, 0, 0, call_shape(p, 2, 0, NULL));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect_fault(vm, p, ANNA, 4, "'int' object is not callable");
    expect_fault(vm, p, value_none(), 4, "'age' is undefined");
    p->constants[0] = value_string(STR("count"));
    vm_free(vm);
    vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "2");
    vm_free(vm);
}

// {% macro m(a, b) %}<a b>{% endmacro %} and a call with `positional` arguments 1, 2, ... and `keywords`.
static struct program *macro_program(struct made *m, uint32_t positional, uint32_t keywords,
                                     const struct str *names) {
    static const struct parameter parameters[] = {{{"a", 1}, false}, {{"b", 1}, true}};
    struct program *p = begin(m, "t");
    put(p, OP_MACRO, 0, 0, 1);
    for (uint32_t i = 0; i < positional + keywords; i++)
        put_const(p, value_int(i + 1));
    put(p, OP_CALL, 0, 0, call_shape(p, positional, keywords, names));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct function_code *f = &p->functions[1];
    p->functions_n = 2;
    f->name = STR("m");
    f->parameters = parameters;
    f->parameters_n = 2;
    f->entry = p->code_n;
    put(p, OP_SLOT, 0, 1, 0);
    uint32_t set = put(p, OP_JUMP_IF_SET, 0, 0, 0);
    put_const(p, value_int(9));
    p->code[set].c = put(p, OP_STORE, 0, 1, 0);
    for (unsigned slot = 0; slot < 2; slot++) {
        put(p, OP_SLOT, 0, slot, 0);
        put(p, OP_EMIT, 0, 0, 0);
    }
    return p;
}

static void macros_bind(void **state) {
    (void)state;
    static const struct str b[] = {{"b", 1}}, a[] = {{"a", 1}}, x[] = {{"x", 1}}, ba[] = {{"b", 1}, {"a", 1}};
    static const struct {
        uint32_t positional, keywords;
        const struct str *names;
        const char *text, *fault;
    } cases[] = {
        {1, 0, NULL, "19", NULL},
        {2, 0, NULL, "12", NULL},
        {0, 0, NULL, "9", NULL},
        {1, 1, b, "12", NULL},
        {0, 2, ba, "21", NULL},
        {0, 1, b, "1", NULL},
        {3, 0, NULL, NULL, "macro 'm' takes not more than 2 argument(s)"},
        {1, 1, a, NULL, "macro 'm' got multiple values for argument 'a'"},
        {1, 1, x, NULL, "macro 'm' takes no keyword argument 'x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made m;
        struct program *p = macro_program(&m, cases[i].positional, cases[i].keywords, cases[i].names);
        put(p, OP_RETURN, 0, 0, 0);
        struct vm *vm = machine(UNDEFINED_DEFAULT);
        if (cases[i].text)
            expect(vm, p, value_none(), cases[i].text);
        else
            expect_fault(vm, p, value_none(), cases[i].positional + cases[i].keywords + 2, cases[i].fault);
        vm_free(vm);
    }
}

static void macros_take_the_rest(void **state) {
    (void)state;
    static const struct str names[] = {{"x", 1}, {"caller", 6}};
    struct made m;
    struct program *p = macro_program(&m, 4, 2, names);
    struct function_code *f = &p->functions[1];
    f->varargs = 2, f->kwargs = 3, f->caller = 4;
    for (unsigned slot = 2; slot < 5; slot++) {
        put(p, OP_SLOT, 0, slot, 0);
        put(p, OP_EMIT, 0, 0, 0);
    }
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "12(3, 4){'x': 5}6");
    vm_free(vm);
}

static void macro_faults_tell_the_way(void **state) {
    (void)state;
    struct made m;
    struct program *p = macro_program(&m, 1, 0, NULL);
    uint32_t at = put(p, OP_FAIL, 0, 0, name(p, "on purpose"));
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    const struct diag *fault = expect_fault(vm, p, value_none(), at + 1, "on purpose");
    expect_hint(fault, "in macro 'm', called at t:1:3");
    vm_free(vm);
}

static void closures_see_their_frames_as_they_are(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_MACRO, 0, 0, 1);
    put(p, OP_STORE, 0, 1, 0);
    put_const(p, value_string(STR("later")));
    put(p, OP_STORE, 0, 0, 0);
    put_const(p, value_int(1)); // through a library function, and written as its result
    put(p, OP_SLOT, 0, 1, 0);
    put(p, OP_FILTER, 0, APPLY, call_shape(p, 1, 0, NULL));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    p->functions[1].entry = p->code_n;
    p->functions[1].varargs = 0;
    p->functions_n = 2;
    put(p, OP_SLOT, 1, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "later");
    expect(vm, p, value_none(), "later");
    vm_free(vm);
}

static void captures_nest_and_unwind(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_TEXT, 0, 0, name(p, "a"));
    put(p, OP_CAPTURE, 0, 0, 0);
    put(p, OP_TEXT, 0, 0, name(p, "b<"));
    put(p, OP_CAPTURE, 0, 0, 0);
    put(p, OP_TEXT, 0, 0, name(p, "c<"));
    uint32_t end = put(p, OP_CAPTURED, 1, 0, 0);
    put(p, OP_EMIT, 1, 0, 0);
    put(p, OP_CAPTURED, 0, 0, 0);
    put(p, OP_EMIT, 1, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect(vm, p, value_none(), "ab&lt;c&lt;");
    struct instruction was = p->code[end];
    p->code[end] = (struct instruction){OP_FAIL, 0, 0, 0};
    expect_fault(vm, p, value_none(), end + 1, "a");
    p->code[end] = was;
    expect(vm, p, value_none(), "ab&lt;c&lt;");
    p->code[1].op = OP_UNSET;
    p->code[1].c = 0;
    expect_fault(vm, p, value_none(), 8, "a capture ends that has not begun");
    vm_free(vm);
}

// ---- includes

struct found {
    const struct program *program;
    bool broken;
};

static const struct program *find_one(void *self, struct str wanted, const char *language, bool autoescape,
                                      bool *missing) {
    struct found *f = self;
    (void)language;
    (void)autoescape;
    *missing = !f->broken && !str_is(wanted, "inner");
    return *missing || f->broken ? NULL : f->program;
}

static void includes_see_the_includers_slots(void **state) {
    (void)state;
    static const struct scope_entry entries[] = {{{"x", 1}, 0, 3, false},
                                                 {{"x", 1}, 0, 4, false},
                                                 {{"name", 4}, 0, 5, false},
                                                 {{"y", 1}, 0, 6, false}};
    struct made outer, inner;
    struct program *q = begin(&inner, "inner");
    put(q, OP_EMIT_NAME, 0, 0, name(q, "x"));
    put(q, OP_EMIT_NAME, 0, 0, name(q, "name"));
    put(q, OP_EMIT_NAME, 0, 0, name(q, "age"));
    put(q, OP_TEXT, 0, 0, name(q, ";"));
    put(q, OP_RETURN, 0, 0, 0);
    struct program *p = begin(&outer, "outer");
    outer.refs[0] = (struct template_ref){.name = STR("inner"), .program = q};
    outer.scopes[1] = (struct scope_table){4, entries};
    p->refs_n = 1, p->scopes_n = 2;
    put_const(p, value_string(STR("X")));
    put(p, OP_STORE, 0, 4, 0);
    put(p, OP_INCLUDE, 0, 1, 0); // the inner x is unset: the outer one; name unset: the record's
    put_const(p, value_string(STR("N")));
    put(p, OP_STORE, 0, 5, 0);
    put(p, OP_INCLUDE, 0, 1, 0);
    put(p, OP_INCLUDE, 0, 0, 0);
    put(p, OP_INCLUDE, INCLUDE_WITHOUT_CONTEXT, 1, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    for (int i = 0; i < 2; i++)
        expect(vm, p, ANNA, "XA&na41;XN41;A&na41;;");
    vm_free(vm);
}

static void missing_templates_fail_in_their_place(void **state) {
    (void)state;
    struct made outer, inner;
    struct program *q = begin(&inner, "inner.txt");
    put(q, OP_RETURN, 0, 0, 0);
    struct program *p = begin(&outer, "outer");
    outer.refs[0] = (struct template_ref){.name = STR("inner.text")};
    outer.refs[1] = (struct template_ref){.name = STR("inner.txt"), .program = q};
    p->refs_n = 2;
    put(p, OP_INCLUDE, INCLUDE_IGNORE_MISSING, 0, 0);
    put(p, OP_INCLUDE, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    expect_hint(expect_fault(vm, p, ANNA, 2, "there is no template \"inner.text\""),
                "did you mean \"inner.txt\"?");
    vm_free(vm);
}

static void named_includes_take_the_first_there_is(void **state) {
    (void)state;
    struct made outer, inner;
    struct program *q = begin(&inner, "inner");
    put(q, OP_TEXT, 0, 0, name(q, "in"));
    put(q, OP_RETURN, 0, 0, 0);
    struct value names[] = {value_string(STR("nope")), value_string(STR("inner"))};
    struct list list = {2, 2, names, NULL};
    struct program *p = begin(&outer, "outer");
    put_const(p, value_list(&list));
    uint32_t at = put(p, OP_INCLUDE_NAMED, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct found found = {q, false};
    struct vm_options options = {.library = &library, .finder = {&found, find_one}};
    struct vm *vm = vm_new(&options);
    expect(vm, p, ANNA, "in");
    list.n = 1;
    expect_fault(vm, p, ANNA, at + 1, "there is none of the templates ['nope']");
    p->code[at].a = INCLUDE_IGNORE_MISSING;
    expect(vm, p, ANNA, "");
    p->code[at].a = 0;
    p->constants[0] = names[0];
    expect_fault(vm, p, ANNA, at + 1, "there is no template \"nope\"");
    p->constants[0] = value_int(3);
    expect_fault(vm, p, ANNA, at + 1, "a template's name is a string, not 'int'");
    found.broken = true;
    p->constants[0] = names[1];
    expect_fault(vm, p, ANNA, at + 1, "the template \"inner\" has errors");
    vm_free(vm);
}

// ---- limits

static void depth_is_limited(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "self");
    m.refs[0] = (struct template_ref){.name = STR("self"), .program = p};
    p->refs_n = 1;
    put(p, OP_INCLUDE, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm_options options = {.library = &library, .limits = {.include_depth = 2, .call_depth = 3}};
    struct vm *vm = vm_new(&options);
    const struct diag *fault = expect_fault(vm, p, ANNA, 1, "templates are included more than 2 deep");
    expect_hint(fault, "a template includes itself: self\nincluded at self:1:1\nincluded at self:1:1");

    // a macro that calls itself: the body's slot 0, one frame out
    p = begin(&m, "deep");
    put(p, OP_MACRO, 0, 0, 1);
    put(p, OP_STORE, 0, 0, 0);
    put(p, OP_SLOT, 0, 0, 0);
    put(p, OP_CALL, 0, 0, call_shape(p, 0, 0, NULL));
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    p->functions[1].entry = put(p, OP_SLOT, 1, 0, 0);
    p->functions[1].name = STR("m");
    p->functions_n = 2;
    uint32_t again = put(p, OP_CALL, 0, 0, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    vm_free(vm);
    vm = vm_new(&options);
    fault = expect_fault(vm, p, ANNA, again + 1, "calls are nested more than 3 deep");
    expect_hint(fault, "in macro 'm', called at deep:1:8\nin macro 'm', called at deep:1:8\n"
                       "in macro 'm', called at deep:1:4");
    options.limits.call_depth = 0;
    vm_free(vm);
    vm = vm_new(&options);
    fault = expect_fault(vm, p, ANNA, again + 1, "calls are nested more than 200 deep");
    assert_true(str_ends(fault->hint, STR("and 190 more")));
    options.limits.call_depth = UINT32_MAX; // as deep as the stack allows
    vm_free(vm);
    vm = vm_new(&options);
    expect_fault(vm, p, ANNA, again + 1, "calls are nested more than 1000 deep");
    vm_free(vm);
}

static void steps_are_limited(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_TEXT, 0, 0, name(p, "x"));
    put(p, OP_JUMP, 0, 0, 0);
    struct vm_options options = {.library = &library, .limits = {.steps = 100}};
    struct vm *vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 2, "the template ran more than 100 steps");
    vm_free(vm);
}

// A clock on which a second passes whenever it is looked at.
static uint64_t seconds_pass(void *self) {
    uint64_t *looks = self;
    return ++*looks * UINT64_C(1000000000);
}

static void time_is_limited(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_TEXT, 0, 0, name(p, "x"));
    put(p, OP_JUMP, 0, 0, 0);
    uint64_t looks = 0;
    struct clock clock = {.self = &looks, .monotonic = seconds_pass};
    struct vm_options options = {.library = &library,
                                 .clock = &clock,
                                 .limits = {.steps = UINT64_MAX, .time_ns = UINT64_C(5000000000)}};
    struct vm *vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 2, "the template ran longer than 5 s");
    assert_int_equal(looks, 6);
    expect_fault(vm, p, ANNA, 2, "the template ran longer than 5 s"); // each item has its own time
    assert_int_equal(looks, 12);
    vm_free(vm);
    options.limits.time_ns = 2500000000;
    vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 2, "the template ran longer than 2500 ms");
    vm_free(vm);
    options.limits.time_ns = UINT64_MAX; // as good as none: the steps end it
    options.limits.steps = 100000;
    vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 2, "the template ran more than 100000 steps");
    vm_free(vm);
    options.limits.steps = 4000; // so few that there is no need to look at the clock
    looks = 0;
    vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 2, "the template ran more than 4000 steps");
    assert_int_equal(looks, 0);
    vm_free(vm);
}

static void output_is_limited(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_TEXT, 0, 0, name(p, "0123456789"));
    put_const(p, value_string(STR("<<<<<<<<<<"))); // more when escaped
    uint32_t at = put(p, OP_EMIT, 1, 0, 0);
    put(p, OP_RETURN, 0, 0, 0);
    struct vm_options options = {.library = &library, .limits = {.output_bytes = 49}};
    struct vm *vm = vm_new(&options);
    expect_fault(vm, p, ANNA, at + 1, "the output is larger than 49 bytes");
    vm_free(vm);
    options.limits.output_bytes = 50;
    vm = vm_new(&options);
    expect(vm, p, ANNA, "0123456789&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;&lt;");
    vm_free(vm);
    options.limits.output_bytes = 9;
    vm = vm_new(&options);
    expect_fault(vm, p, ANNA, 1, "the output is larger than 9 bytes");
    expect_fault(vm, p, ANNA, 1, "the output is larger than 9 bytes");
    vm_free(vm);
}

static void memory_is_limited(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    put(p, OP_CAPTURE, 0, 0, 0);
    put(p, OP_TEXT, 0, 0, name(p, "0123456789"));
    uint32_t at = put(p, OP_CAPTURED, 0, 0, 0);
    put(p, OP_POP, 0, 0, 0);
    put(p, OP_JUMP, 0, 0, 0);
    struct vm_options options = {.library = &library, .limits = {.memory_bytes = 100000}};
    struct vm *vm = vm_new(&options);
    expect_fault(vm, p, ANNA, at + 1, "the values of this item need more than 100000 bytes of memory");
    vm_free(vm);
}

// ---- expressions and counters

static void expressions_have_a_result(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "e");
    p->is_expression = true;
    put(p, OP_NAME, 0, 0, name(p, "age"));
    put_const(p, value_int(INT64_MAX));
    uint32_t at = put(p, OP_SUB, 0, 0, 0);
    put(p, OP_RESULT, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_STRICT);
    const struct diag *fault = NULL;
    struct value v;
    assert_true(vm_eval(vm, p, ANNA, NULL, 0, &v, &fault));
    assert_int_equal(v.tag, VALUE_INT);
    assert_true(v.i == 41 - INT64_MAX);
    assert_true(str_is(vm_text(vm, v), "-9223372036854775766"));
    assert_true(vm_truth(v));
    assert_false(vm_eval(vm, p, value_none(), NULL, 0, &v, &fault));
    assert_true(str_is(fault->message, "'age' is undefined"));
    assert_int_equal(fault->column, at + 1);
    vm_free(vm);
}

static void work_is_counted_the_same_each_time(void **state) {
    (void)state;
    struct made m;
    struct program *p = begin(&m, "t");
    struct value items[] = {value_string(STR("a")), value_string(STR("b"))};
    struct list list = {2, 2, items, NULL};
    put_const(p, value_list(&list));
    put(p, OP_FOR, 0, 4, 0);
    uint32_t top = put(p, OP_FOR_NEXT, 0, 4, 0);
    put(p, OP_EMIT, 0, 0, 0);
    put(p, OP_FOR_AGAIN, 0, 4, top);
    p->code[top].c = put(p, OP_RETURN, 0, 0, 0);
    struct vm *vm = machine(UNDEFINED_DEFAULT);
    assert_int_equal(vm_instructions(vm), 0);
    expect(vm, p, ANNA, "ab");
    assert_int_equal(vm_instructions(vm), 2 + 2 * 3 + 2);
    expect(vm, p, ANNA, "ab");
    assert_int_equal(vm_instructions(vm), 2 * (2 + 2 * 3 + 2));
    vm_free(vm);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(undefined_has_no_attributes),
        cmocka_unit_test(strict_names_the_missing),
        cmocka_unit_test(loops_refuse_what_has_no_elements),
        cmocka_unit_test(only_callables_are_called),
        cmocka_unit_test(missing_templates_fail_in_their_place),
        cmocka_unit_test(macro_faults_tell_the_way),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(steps_are_limited),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(output_is_limited),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(captures_nest_and_unwind),
        cmocka_unit_test(writes_values),
        cmocka_unit_test(names_survive_a_change_of_shape),
        cmocka_unit_test(extra_names_come_before_the_record),
        cmocka_unit_test(globals_come_after_the_record),
        cmocka_unit_test(attributes_are_found_by_shape),
        cmocka_unit_test(loops_count),
        cmocka_unit_test(jumps_keep_or_drop),
        cmocka_unit_test(unpacks_exactly),
        cmocka_unit_test(compares_numbers),
        cmocka_unit_test(filters_bind),
        cmocka_unit_test(macros_bind),
        cmocka_unit_test(macros_take_the_rest),
        cmocka_unit_test(closures_see_their_frames_as_they_are),
        cmocka_unit_test(includes_see_the_includers_slots),
        cmocka_unit_test(named_includes_take_the_first_there_is),
        cmocka_unit_test(expressions_have_a_result),
        cmocka_unit_test(work_is_counted_the_same_each_time),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
