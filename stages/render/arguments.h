// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_ARGUMENTS_H
#define PRESSRUN_STAGES_RENDER_ARGUMENTS_H
/*
 * Reading the arguments of a call: what filters, tests and methods start with. args[i] beyond call->n or
 * VALUE_MISSING is "not given". The readers fail in Python's words.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/text.h"

static inline bool arg_given(const struct call *call, uint32_t i) {
    return i < call->n && call->args[i].tag != VALUE_MISSING;
}

// Given, and not None: many parameters take None for "as usual".
static inline bool arg_set(const struct call *call, uint32_t i) {
    return arg_given(call, i) && call->args[i].tag != VALUE_NONE;
}

static inline bool arg_int(struct call *call, uint32_t i, int64_t otherwise, int64_t *out) {
    *out = otherwise;
    return !arg_given(call, i) || op_integer(call, call->args[i], out);
}

static inline bool arg_truth(struct call *call, uint32_t i, bool *out) {
    *out = false;
    if (!arg_given(call, i))
        return true;
    *out = op_truth(call->args[i]);
    return call_defined(call, call->args[i]);
}

// A flag that Python takes for a number: no text, no None.
static inline bool arg_flag(struct call *call, uint32_t i, bool *out) {
    int64_t number = 0;
    if (!arg_int(call, i, 0, &number))
        return false;
    *out = number != 0;
    return true;
}

static inline bool is_safe(struct value v) {
    return v.tag == VALUE_STRING && (v.flags & VALUE_SAFE);
}

// The value a filter is applied to, as text; *safe: it was safe markup.
static inline bool self_text(struct call *call, struct str *out, bool *safe) {
    *safe = is_safe(call->args[0]);
    return print_to_str(call, call->args[0], out);
}

static inline bool return_str(struct call *call, struct str s, bool safe) {
    call->result = safe ? value_safe(s) : value_string(s);
    return true;
}
static inline bool return_bool(struct call *call, bool b) {
    call->result = value_bool(b);
    return true;
}
static inline bool return_int(struct call *call, int64_t i) {
    call->result = value_int(i);
    return true;
}

// Escaped into the arena, or the same slice where nothing needs it.
static inline bool escape_to_str(struct call *call, struct str s, struct str *out) {
    struct text t;
    text_init(&t, call->arena, 0);
    text_add_escaped(&t, s);
    return text_finish_str(&t, call, out);
}

// A value as text, escaped unless it is safe markup.
static inline bool escaped_text(struct call *call, struct value v, struct str *out) {
    return print_to_str(call, v, out) && (is_safe(v) || escape_to_str(call, *out, out));
}

#endif
