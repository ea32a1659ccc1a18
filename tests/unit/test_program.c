// SPDX-License-Identifier: MIT
// The verifier on programs put together by hand, most of them wrong; signatures; operand words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "stages/program/library.h"
#include "stages/program/program.h"

static bool never(struct call *call) {
    (void)call;
    return false;
}

static const struct library_function filters[] = {{"join", "[separator]", never, ""},
                                                  {"upper", "", never, ""}};
static const struct library_function tests[] = {{"odd", "", never, ""}};
static const struct library_macro macros[] = {{{"slug", 4}, {"lib", 3}, {"slug", 4}}};
static const struct library library = {
    .filters = filters, .filters_n = 2, .tests = tests, .tests_n = 1, .macros = macros, .macros_n = 1};

enum { CODE_MAX = 32 };

// Two functions: 0 with six slots, 1 with two slots and one parameter, beginning at `entry`.
struct sketch {
    const char *name;
    struct instruction code[CODE_MAX];
    uint32_t n, entry;
    const char *fault; // part of the text; NULL: it is fine
    uint32_t stack;    // of function 0, where it is fine
};

static enum status verify(const struct sketch *s, bool expression, uint32_t *stack, struct err *err) {
    static uint32_t places[CODE_MAX];
    static struct value constants[] = {{.tag = VALUE_STRING, .n = 1, .s = "a"}, {.tag = VALUE_INT, .i = 7}};
    static struct parameter parameter = {.name = {"p", 1}};
    static const struct str names[] = {{"k", 1}};
    static struct call_shape calls[] = {{.positional = 0},
                                        {.positional = 2, .keywords = 1, .names = names, .values = 3},
                                        {.positional = 1, .unpacks = UNPACK_POSITIONAL, .values = 1},
                                        {.positional = 0, .unpacks = 4, .values = 2},
                                        {.positional = 0, .unpacks = 3, .values = 2}};
    static const struct scope_entry entries[] = {{{"v", 1}, 0, 3, false}, {{"w", 1}, 1, 4, false}};
    static struct scope_table scopes[] = {{.n = 1, .entries = entries}, {.n = 2, .entries = entries}};
    static struct template_ref refs[] = {{.name = {"r", 1}}};
    static const struct block blocks[] = {{{"b", 1}, 1}, {{"c", 1}, 2}, {{"d", 1}, 0}};
    static struct partial partials[] = {{.name = {"b", 1}},
                                        {.blocks_n = 1, .blocks = blocks},
                                        {.blocks_n = 2, .blocks = blocks},
                                        {.blocks_n = 1, .blocks = blocks + 2}};
    struct function_code functions[] = {
        {.name = {"", 0}, .slots = 6, .varargs = -1, .kwargs = -1, .caller = -1},
        {.name = {"m", 1},
         .entry = s->entry,
         .slots = 2,
         .parameters_n = 1,
         .parameters = &parameter,
         .varargs = -1,
         .kwargs = -1,
         .caller = 1},
    };
    struct instruction code[CODE_MAX];
    memcpy(code, s->code, sizeof code);
    struct program p = {.source = {{"t", 1}, {"", 0}},
                        .is_expression = expression,
                        .has_context_stack = strncmp(s->name, "stack", 5) == 0,
                        .code = code,
                        .positions = places,
                        .extents = places,
                        .code_n = s->n,
                        .constants = constants,
                        .constants_n = 2,
                        .functions = functions,
                        .functions_n = 2,
                        .calls = calls,
                        .calls_n = 5,
                        .scopes = scopes,
                        .scopes_n = 2,
                        .refs = refs,
                        .refs_n = 1,
                        .partials = partials,
                        .partials_n = 4};
    enum status status = program_verify(&p, &library, err);
    *stack = functions[0].stack;
    return status;
}

static void check(const struct sketch *s, bool expression) {
    struct err err = {0};
    uint32_t stack;
    enum status status = verify(s, expression, &stack, &err);
    if (!s->fault) {
        if (status != STATUS_OK)
            fail_msg("%s: refused: %s", s->name, err.text);
        if (stack != s->stack)
            fail_msg("%s: stack %u, not %u", s->name, (unsigned)stack, (unsigned)s->stack);
    } else {
        if (status != STATUS_DATA)
            fail_msg("%s: was accepted", s->name);
        if (!strstr(err.text, s->fault))
            fail_msg("%s: \"%s\" does not say \"%s\"", s->name, err.text, s->fault);
    }
}

static void test_damaged(void **state) {
    (void)state;
    static const struct sketch sketches[] = {
        {"no code", {{0}}, 0, 0, "no code", 0},
        {"no end", {{OP_TEXT, 0, 0, 0}}, 1, 0, "runs off the end", 0},
        {"opcode", {{OPCODE_COUNT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "no such opcode", 0},
        {"opcode 255", {{255, 255, 65535, UINT32_MAX}}, 1, 0, "no such opcode", 0},
        {"underflow", {{OP_EMIT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not deep enough", 0},
        {"no stack", {{OP_PUT_LOOKUP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "no context stack", 0},
        {"stack: name", {{OP_PUT_LOOKUP, 0, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not a string", 0},
        {"stack: put", {{OP_PUT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not deep enough", 0},
        {"stack: section not open",
         {{OP_SECTION_NEXT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         2,
         0,
         "not running",
         0},
        {"stack: section over",
         {{OP_CURRENT, 0, 0, 0},
          {OP_SECTION, 0, 0, 3},
          {OP_SECTION_NEXT, 0, 0, 2},
          {OP_SECTION_NEXT, 0, 0, 2},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "not running",
         0},
        {"stack: section in itself",
         {{OP_CURRENT, 0, 0, 0},
          {OP_SECTION, 0, 0, 4},
          {OP_CURRENT, 0, 0, 0},
          {OP_SECTION, 0, 0, 4},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "slots of a running one",
         0},
        {"stack: slots of a section",
         {{OP_CURRENT, 0, 0, 0},
          {OP_SECTION, 0, 1, 4},
          {OP_SLOT, 0, 2, 0},
          {OP_PUT, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "something else",
         0},
        {"stack: slots out of range",
         {{OP_CURRENT, 0, 0, 0}, {OP_SECTION, 0, 4, 2}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "slot is out of range",
         0},
        {"stack: partial", {{OP_PARTIAL, 0, 4, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "partial is out of range", 0},
        {"stack: its reference",
         {{OP_PARTIAL, 0, 0, 1}, {OP_RETURN, 0, 0, 0}},
         2,
         0,
         "reference is out of range",
         0},
        {"stack: its function",
         {{OP_PARTIAL, 0, 2, 0}, {OP_RETURN, 0, 0, 0}},
         2,
         0,
         "function is out of range",
         0},
        {"stack: its function is the body",
         {{OP_PARTIAL, 0, 3, 0}, {OP_RETURN, 0, 0, 0}},
         2,
         0,
         "function is out of range",
         0},
        {"stack: a block's function is checked",
         {{OP_PARTIAL, 0, 1, 0}, {OP_RETURN, 0, 0, 0}, {OP_PUT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         2,
         "not deep enough",
         0},
        {"stack: block", {{OP_BLOCK, 2, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "flag", 0},
        {"two wanted",
         {{OP_CONST, 0, 0, 1}, {OP_ADD, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "not deep enough",
         0},
        {"left over", {{OP_CONST, 0, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "left on the stack", 0},
        {"result", {{OP_CONST, 0, 0, 1}, {OP_RESULT, 0, 0, 0}}, 2, 0, "how such a program ends", 0},
        {"constant", {{OP_CONST, 0, 0, 2}, {OP_RETURN, 0, 0, 0}}, 2, 0, "constant is out of range", 0},
        {"text", {{OP_TEXT, 0, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not a string", 0},
        {"name", {{OP_EMIT_NAME, 0, 0, 9}, {OP_RETURN, 0, 0, 0}}, 2, 0, "out of range", 0},
        {"name b", {{OP_EMIT_NAME_ATTR, 0, 1, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not a string", 0},
        {"fail", {{OP_FAIL, 0, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not a string", 0},
        {"jump", {{OP_JUMP, 0, 0, 2}, {OP_RETURN, 0, 0, 0}}, 2, 0, "leaves the program", 0},
        {"slot",
         {{OP_SLOT, 0, 6, 0}, {OP_EMIT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "slot is out of range",
         0},
        {"outer", {{OP_SLOT, 1, 0, 0}, {OP_EMIT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 3, 0, "no frame", 0},
        {"unset", {{OP_UNSET, 0, 4, 3}, {OP_RETURN, 0, 0, 0}}, 2, 0, "slot is out of range", 0},
        {"unset all", {{OP_UNSET, 0, 0, UINT32_MAX}, {OP_RETURN, 0, 0, 0}}, 2, 0, "slot is out of range", 0},
        {"filter",
         {{OP_CONST, 0, 0, 1}, {OP_FILTER, 0, 2, 0}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "no such filter",
         0},
        {"test",
         {{OP_CONST, 0, 0, 1}, {OP_TEST, 0, 1, 0}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "no such test",
         0},
        {"shape",
         {{OP_CONST, 0, 0, 1}, {OP_CALL, 0, 0, 5}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "call shape",
         0},
        {"shape that lies about its values",
         {{OP_CONST, 0, 0, 1},
          {OP_CONST, 0, 0, 1},
          {OP_CALL, 0, 0, 2},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "out of shape",
         0},
        {"shape that unpacks what there is not",
         {{OP_CONST, 0, 0, 1}, {OP_CALL, 0, 0, 3}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "out of shape",
         0},
        {"unpacked arguments are values too",
         {{OP_CONST, 0, 0, 1},
          {OP_CONST, 0, 0, 1},
          {OP_CALL, 0, 0, 4},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "not deep enough",
         0},
        {"escaping", {{OP_EMIT_NAME, 3, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "flag", 0},
        {"concat flag",
         {{OP_CONST, 0, 0, 1}, {OP_CONCAT, 2, 0, 1}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "flag",
         0},
        {"autoescape into a loop",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_AUTOESCAPE, 0, 1, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "for a loop and for something else",
         0},
        {"autoescape takes a value",
         {{OP_AUTOESCAPE, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         2,
         0,
         "not deep enough",
         0},
        {"markup takes a value", {{OP_MARKUP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "not deep enough", 0},
        {"recursion without a loop",
         {{OP_CONST, 0, 0, 0}, {OP_CONST, 0, 0, 0}, {OP_LOOP_RECURSES, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "not running",
         0},
        {"recursion flag",
         {{OP_CONST, 0, 0, 0}, {OP_CONST, 0, 0, 0}, {OP_LOOP_RECURSES, 3, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "flag",
         0},
        {"call",
         {{OP_CONST, 0, 0, 1}, {OP_CALL, 0, 0, 1}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "not deep enough",
         0},
        {"ref", {{OP_INCLUDE, 0, 0, 1}, {OP_RETURN, 0, 0, 0}}, 2, 0, "template reference", 0},
        {"scope", {{OP_INCLUDE, 0, 2, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "scope table", 0},
        {"scope outer", {{OP_INCLUDE, 0, 1, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "no frame", 0},
        {"include flag", {{OP_INCLUDE, 4, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "flag", 0},
        {"loop attr",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_LOOP_ATTR, LOOP_ATTR_COUNT, 0, 0},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "flag",
         0},
        {"body as macro",
         {{OP_MACRO, 0, 0, 0}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "function is out of range",
         0},
        {"huge list",
         {{OP_LIST, 0, 0, UINT32_MAX}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "not deep enough",
         0},
        {"huge map",
         {{OP_MAP, 0, 0, 0x80000000u}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "not deep enough",
         0},
        {"huge unpack",
         {{OP_CONST, 0, 0, 0}, {OP_UNPACK, 0, 0, UINT32_MAX}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "too deep",
         0},
        {"growing loop",
         {{OP_CONST, 0, 0, 0}, {OP_JUMP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "not equally deep",
         0},
        {"uneven join",
         {{OP_CONST, 0, 0, 0}, {OP_JUMP_IF_FALSE, 0, 0, 3}, {OP_CONST, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         0,
         "stack",
         0},
        {"capture open", {{OP_CAPTURE, 0, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, "left on the stack", 0},
        {"capture none",
         {{OP_CAPTURED, 0, 0, 0}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "no capture",
         0},
        {"capture loop", {{OP_CAPTURE, 0, 0, 0}, {OP_JUMP, 0, 0, 0}}, 2, 0, "captures", 0},
        {"next without for",
         {{OP_FOR_NEXT, 0, 0, 2}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "not running",
         0},
        {"other loop's next",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_FOR_NEXT, 0, 3, 4},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "not running",
         0},
        {"for over the edge",
         {{OP_CONST, 0, 0, 0}, {OP_FOR, 0, 4, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         0,
         "slot is out of range",
         0},
        {"for over a value",
         {{OP_CONST, 0, 0, 0},
          {OP_STORE, 0, 1, 0},
          {OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "for a loop and for something else",
         0},
        {"store into a loop",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_STORE, 0, 2, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "for a loop and for something else",
         0},
        {"loops overlap",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 1, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "for a loop and for something else",
         0},
        {"loop in itself",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         "running one",
         0},
        {"over",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_FOR_NEXT, 0, 0, 5},
          {OP_POP, 0, 0, 0},
          {OP_FOR_AGAIN, 0, 0, 2},
          {OP_LOOP_ATTR, 0, 0, 0},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         8,
         0,
         "not running",
         0},
        {"on one path only",
         {{OP_CONST, 0, 0, 0},
          {OP_JUMP_IF_FALSE, 0, 0, 4},
          {OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_FOR_NEXT, 0, 0, 6},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         7,
         0,
         "not running",
         0},
        {"shared code",
         {{OP_MACRO, 0, 0, 1}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         3,
         2,
         "share code",
         0},
        {"bad function",
         {{OP_MACRO, 0, 0, 1}, {OP_POP, 0, 0, 0}, {OP_RETURN, 0, 0, 0}, {OP_POP, 0, 0, 0}},
         4,
         3,
         "not deep enough",
         0},
        {"too far out",
         {{OP_MACRO, 0, 0, 1},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0},
          {OP_SLOT, 2, 0, 0},
          {OP_POP, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         6,
         3,
         "no frame",
         0},
        {"entry", {{OP_RETURN, 0, 0, 0}}, 1, 1, "out of range", 0},
    };
    for (size_t i = 0; i < sizeof sketches / sizeof *sketches; i++)
        check(&sketches[i], false);
}

static void test_sound(void **state) {
    (void)state;
    static const struct sketch sketches[] = {
        {"empty", {{OP_RETURN, 0, 0, 0}}, 1, 0, NULL, 0},
        {"dead code is not looked at", {{OP_RETURN, 0, 0, 0}, {OPCODE_COUNT, 0, 0, 0}}, 2, 0, NULL, 0},
        {"stack: sections",
         {{OP_LOOKUP, 0, 0, 0},
          {OP_SECTION, 0, 0, 5},
          {OP_CURRENT, 0, 0, 0},
          {OP_PUT, 1, 0, 0},
          {OP_SECTION_NEXT, 0, 0, 2},
          {OP_LOOKUP, 0, 0, 0},
          {OP_SECTION, 0, 0, 9},
          {OP_BLOCK, 1, 0, 8},
          {OP_SECTION_NEXT, 0, 0, 7},
          {OP_RETURN, 0, 0, 0}},
         10,
         0,
         NULL,
         1},
        {"stack: blocks given",
         {{OP_PARTIAL, 0, 1, 0}, {OP_RETURN, 0, 0, 0}, {OP_INDENT, 0, 0, 0}, {OP_RETURN, 0, 0, 0}},
         4,
         2,
         NULL,
         0},
        {"short form", {{OP_EMIT_NAME_ATTR, 1, 0, 0}, {OP_RETURN, 0, 0, 0}}, 2, 0, NULL, 1},
        {"call",
         {{OP_NAME, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_CONST, 0, 0, 0},
          {OP_CALL, 0, 0, 1},
          {OP_EMIT, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         7,
         0,
         NULL,
         4},
        {"or",
         {{OP_CONST, 0, 0, 0},
          {OP_OR, 0, 0, 3},
          {OP_CONST, 0, 0, 1},
          {OP_EMIT, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         5,
         0,
         NULL,
         1},
        {"loop with break",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_FOR_NEXT, 0, 0, 6},
          {OP_JUMP_IF_TRUE, 0, 0, 6},
          {OP_LOOP_ATTR, LOOP_INDEX, 0, 0},
          {OP_JUMP_IF_TRUE, 0, 0, 2},
          {OP_FOR_ELSE, 0, 0, 8},
          {OP_TEXT, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         9,
         0,
         NULL,
         1},
        {"the slots of a loop that is over",
         {{OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_FOR_NEXT, 0, 0, 5},
          {OP_POP, 0, 0, 0},
          {OP_FOR_AGAIN, 0, 0, 2},
          {OP_CONST, 0, 0, 0},
          {OP_FOR, 0, 0, 0},
          {OP_RETURN, 0, 0, 0}},
         8,
         0,
         NULL,
         1},
        {"macro",
         {{OP_MACRO, 0, 0, 1},
          {OP_STORE, 0, 5, 0},
          {OP_RETURN, 0, 0, 0},
          {OP_SLOT, 1, 5, 0},
          {OP_EMIT, 0, 0, 0},
          {OP_INCLUDE, 0, 1, 0},
          {OP_RETURN, 0, 0, 0}},
         7,
         3,
         "slot is out of range",
         0},
    };
    for (size_t i = 0; i < sizeof sketches / sizeof *sketches; i++)
        check(&sketches[i], false);
    static const struct sketch expression = {
        "expression", {{OP_CONST, 0, 0, 1}, {OP_RESULT, 0, 0, 0}}, 2, 0, NULL, 1};
    static const struct sketch wrong = {
        "expression", {{OP_RETURN, 0, 0, 0}}, 1, 0, "how such a program ends", 0};
    check(&expression, true);
    check(&wrong, true);
}

// A program with a body and two more functions, each of one instruction.
static void check_inheriting(const struct instruction *body, size_t n, bool inherits,
                             struct block_code *blocks, uint32_t blocks_n, const struct scope_entry *exports,
                             const char *fault) {
    uint32_t places[CODE_MAX] = {0};
    struct value constant = {.tag = VALUE_STRING, .n = 1, .s = "a"};
    struct template_ref ref = {.name = {"r", 1}};
    struct scope_table scope = {0};
    struct instruction code[CODE_MAX];
    memcpy(code, body, n * sizeof *body);
    code[n] = code[n + 1] = (struct instruction){.op = OP_RETURN};
    bool body_ends = body[n - 1].op == OP_RETURN; // else the last instruction is the second function's
    struct function_code functions[] = {
        {.slots = 4, .varargs = -1, .kwargs = -1, .caller = -1},
        {.entry = body_ends ? (uint32_t)n : (uint32_t)n - 1,
         .slots = 1,
         .varargs = -1,
         .kwargs = -1,
         .caller = -1},
        {.entry = (uint32_t)n + 1, .slots = 1, .varargs = -1, .kwargs = -1, .caller = -1}};
    struct program p = {.source = {{"t", 1}, {"", 0}},
                        .inherits = inherits,
                        .code = code,
                        .positions = places,
                        .extents = places,
                        .code_n = (uint32_t)n + 2,
                        .constants = &constant,
                        .constants_n = 1,
                        .functions = functions,
                        .functions_n = 3,
                        .scopes = &scope,
                        .scopes_n = 1,
                        .refs = &ref,
                        .refs_n = 1,
                        .blocks = blocks,
                        .blocks_n = blocks_n,
                        .exports = {exports ? 1 : 0, exports}};
    struct err err = {0};
    enum status status = program_verify(&p, &library, &err);
    if (!fault && status != STATUS_OK)
        fail_msg("refused: %s", err.text);
    if (fault && (status != STATUS_DATA || !strstr(err.text, fault)))
        fail_msg("\"%s\" does not say \"%s\"", err.text, fault);
}

static void test_inheritance(void **state) {
    (void)state;
    const struct instruction end = {.op = OP_RETURN};
    const struct instruction child[] = {{OP_EXTENDS, 0, 0, 0},
                                        {OP_CONST, 0, 0, 0},
                                        {OP_EXTENDS_NAMED, 0, 0, 0},
                                        {OP_JUMP_IF_CHILD, 0, 0, 5},
                                        {OP_FAMILY_BLOCK, 3, 0, 0},
                                        {OP_SELF, 0, 0, 0},
                                        {OP_POP, 0, 0, 0},
                                        {OP_SUPER, 0, 0, 0},
                                        {OP_POP, 0, 0, 0},
                                        {OP_PARENT, 0, 0, 0},
                                        end};
    struct block_code blocks[] = {{{"a", 1}, 1}, {{"b", 1}, 2}}, unordered[] = {{{"b", 1}, 1}, {{"a", 1}, 2}},
                      same_name[] = {{{"a", 1}, 1}, {{"a", 1}, 2}},
                      same_code[] = {{{"a", 1}, 1}, {{"b", 1}, 1}}, body[] = {{{"a", 1}, 0}},
                      nowhere[] = {{{"a", 1}, 3}};
    check_inheriting(child, 11, true, blocks, 2, NULL, NULL);
    check_inheriting(&end, 1, false, NULL, 0, NULL, NULL);
    check_inheriting(&end, 1, false, blocks, 2, NULL, "no family");
    check_inheriting(&end, 1, true, unordered, 2, NULL, "not in order");
    check_inheriting(&end, 1, true, same_name, 2, NULL, "not in order");
    check_inheriting(&end, 1, true, same_code, 2, NULL, "how a block's function is");
    check_inheriting(&end, 1, true, body, 1, NULL, "how a block's function is");
    check_inheriting(&end, 1, true, nowhere, 1, NULL, "how a block's function is");
    const struct instruction alone[][2] = {
        {{OP_EXTENDS, 0, 0, 0}, end},      {{OP_PARENT, 0, 0, 0}, end}, {{OP_JUMP_IF_CHILD, 0, 0, 1}, end},
        {{OP_FAMILY_BLOCK, 0, 0, 0}, end}, {{OP_SUPER, 0, 0, 0}, end},  {{OP_SELF, 0, 0, 0}, end}};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        check_inheriting(alone[i], 2, false, NULL, 0, NULL, "no family");
    const struct instruction flag[] = {{OP_FAMILY_BLOCK, 4, 0, 0}, end};
    check_inheriting(flag, 2, true, NULL, 0, NULL, "flag");
    // A block is run wherever, so it cannot extend the template it is in.
    const struct instruction block[] = {end, {OP_PARENT, 0, 0, 0}};
    struct block_code first[] = {{{"a", 1}, 1}};
    check_inheriting(block, 2, true, first, 1, NULL, "only a body");
    // But the loop of a body may ask whether it has.
    const struct instruction guarded[] = {end, {OP_JUMP_IF_CHILD, 0, 0, 2}, end};
    check_inheriting(guarded, 3, true, first, 1, NULL, NULL);
    const struct scope_entry fine = {{"v", 1}, 0, 3, false}, far = {{"v", 1}, 0, 4, false},
                             outside = {{"v", 1}, 1, 0, false};
    check_inheriting(&end, 1, false, NULL, 0, &fine, NULL);
    check_inheriting(&end, 1, false, NULL, 0, &far, "exported slot");
    check_inheriting(&end, 1, false, NULL, 0, &outside, "exported slot");
    // A loop's slots are the machine's.
    const struct instruction loop[] = {
        {OP_CONST, 0, 0, 0}, {OP_FOR, 0, 1, 0}, {OP_FOR_NEXT, 0, 1, 4}, {OP_POP, 0, 0, 0}, end};
    check_inheriting(loop, 5, false, NULL, 0, &fine, "for a loop and for something else");
    const struct instruction modules[] = {{OP_IMPORT, 1, 0, 0},
                                          {OP_IMPORTED, 0, 0, 0},
                                          {OP_POP, 0, 0, 0},
                                          {OP_CONST, 0, 0, 0},
                                          {OP_IMPORT_NAMED, 0, 0, 0},
                                          {OP_POP, 0, 0, 0},
                                          end};
    check_inheriting(modules, 7, false, NULL, 0, NULL, NULL);
    const struct instruction no_ref[] = {{OP_IMPORT, 0, 0, 1}, {OP_POP, 0, 0, 0}, end};
    check_inheriting(no_ref, 3, false, NULL, 0, NULL, "template reference");
}

static void test_library_macros(void **state) {
    (void)state;
    static const struct {
        uint8_t op;
        uint16_t macro;
        bool fine;
    } rows[] = {{OP_MACRO_FILTER, 0, true},
                {OP_MACRO_TEST, 0, true},
                {OP_MACRO_FILTER, 1, false},
                {OP_MACRO_TEST, 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sketch s = {.name = "macro",
                           .code = {{OP_CONST, 0, 0, 1},
                                    {rows[i].op, 0, rows[i].macro, 0},
                                    {OP_POP, 0, 0, 0},
                                    {OP_RETURN, 0, 0, 0}},
                           .n = 4};
        struct err err = {0};
        uint32_t stack;
        enum status status = verify(&s, false, &stack, &err);
        assert_int_equal(status, rows[i].fine ? STATUS_OK : STATUS_DATA);
        assert_true(rows[i].fine || strstr(err.text, "no such macro"));
    }
    assert_int_equal(library_find_macro(&library, STR("slug")), 0);
    assert_int_equal(library_find_macro(&library, STR("slu")), -1);
    assert_int_equal(library_find_macro(NULL, STR("slug")), -1);
}

// Whatever the bytes are, the verifier only ever answers.
static void test_garbage(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        struct sketch s = {.name = "garbage", .n = CODE_MAX};
        for (int i = 0; i < CODE_MAX; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            s.code[i] = (struct instruction){.op = (uint8_t)((random & 0xFF) % (OPCODE_COUNT + 1)),
                                             .a = random >> 8 & 3,
                                             .b = random >> 10 & 7,
                                             .c = random >> 16 & 31};
        }
        struct err err;
        uint32_t stack;
        verify(&s, random & 1, &stack, &err);
    }
}

static void test_signatures(void **state) {
    (void)state;
    static const struct {
        const char *params;
        struct signature signature;
    } rows[] = {
        {"", {0, 0, false}},
        {"*", {0, 0, true}},
        {"width", {1, 1, false}},
        {"[width]", {1, 0, false}},
        {"width [first blank]", {3, 1, false}},
        {"a b *", {2, 2, true}},
        {"a [b *]", {2, 1, true}},
        {"a [b] [c]", {3, 1, false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct signature s = library_signature(rows[i].params);
        assert_int_equal(s.n, rows[i].signature.n);
        assert_int_equal(s.required, rows[i].signature.required);
        assert_int_equal(s.variadic, rows[i].signature.variadic);
    }
    assert_int_equal(library_parameter("width [first blank]", STR("blank")), 2);
    assert_int_equal(library_parameter("width [first blank]", STR("blan")), -1);
    assert_int_equal(library_parameter("a *", STR("*")), -1);
    assert_int_equal(library_find(filters, 2, STR("upper")), 1);
    assert_int_equal(library_find(filters, 2, STR("uppe")), -1);
    assert_int_equal(library_find(NULL, 0, STR("upper")), -1);
}

// Every word of the table is one the verifier knows.
static void test_operand_words(void **state) {
    (void)state;
    for (int op = 0; op < OPCODE_COUNT; op++) {
        uint32_t words = opcode_operands[op][0] != '-';
        for (const char *p = opcode_operands[op]; *p; p++)
            words += *p == ' ';
        uint32_t mask = opcode_operand_mask((enum opcode)op) & ~(uint32_t)OPERAND_NAME_B;
        assert_int_equal(__builtin_popcount(mask), words);
    }
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_damaged),       cmocka_unit_test(test_sound),
        cmocka_unit_test(test_inheritance),   cmocka_unit_test(test_library_macros),
        cmocka_unit_test(test_garbage),       cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_operand_words),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
