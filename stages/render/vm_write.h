// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_VM_WRITE_H
#define PRESSRUN_STAGES_RENDER_VM_WRITE_H
/*
 * Writing to the item's output. Invariant: output.n <= room <= output.cap, and room <= most <= the limit; so the fast
 * paths need one compare.
 *
 * With a writer `most` is VM_PIECE: who would fill the buffer further has it handed over and emptied. While its end is
 * going to be read back (captures are open, or `held` counts somebody else) that cannot be; `most` is raised to the
 * limit then, and lowered when they let go (output_let_go). Whoever reads back what it wrote must be one of the two.
 */
#include <string.h>

#include "base/number.h"
#include "stages/render/vm_private.h"

void write_begin(struct vm *vm); // of an item; the output is empty
bool write_grown(struct call *call, const char *p, size_t n);
bool write_settle(struct call *call); // after somebody else has written to vm->output
bool write_other(struct call *call, struct value v, unsigned escaping);

FAST_PATH bool write_text(struct call *call, const char *p, size_t n) {
    struct vm *vm = call->vm;
    if (UNLIKELY(n - 1 >= vm->room - vm->output.n)) // 0 bytes too: there need not be a buffer or a text yet
        return write_grown(call, p, n);
    memcpy(vm->output.p + vm->output.n, p, n);
    vm->output.n += n;
    return true;
}

static inline bool write_number(struct call *call, const struct value *v) {
    struct vm *vm = call->vm;
    char text[NUMBER_TEXT_SIZE], *at = text;
    if (LIKELY(vm->room - vm->output.n >= NUMBER_TEXT_SIZE))
        at = vm->output.p + vm->output.n;
    size_t n;
    if (v->tag == VALUE_FLOAT) {
        n = number_write_double(at, v->f);
    } else if ((uint64_t)v->i < 10) {
        *at = (char)('0' + v->i);
        n = 1;
    } else {
        n = number_write_int(at, v->i);
    }
    if (UNLIKELY(at == text))
        return write_text(call, text, n);
    vm->output.n += n;
    return true;
}

// A value as text; escaped as enum escaping says, unless it is safe.
FAST_PATH bool write_value(struct call *call, const struct value *v, unsigned escaping) {
    if (LIKELY(v->tag == VALUE_STRING && (!escaping || (v->flags & VALUE_SAFE))))
        return write_text(call, v->s, v->n);
    if (v->tag == VALUE_INT || v->tag == VALUE_FLOAT)
        return write_number(call, v);
    return write_other(call, *v, escaping);
}

#endif
