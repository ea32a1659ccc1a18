// SPDX-License-Identifier: MIT
#include "stages/render/vm_write.h"

#include "stages/render/print.h"

bool write_settle(struct call *call) {
    struct vm *vm = call->vm;
    size_t limit = vm->limits.output_bytes;
    vm->room = vm->output.cap < limit ? vm->output.cap : limit;
    if (LIKELY(vm->output.n <= vm->room))
        return true;
    vm->output.n = vm->room;
    return fault_output(call);
}

bool write_grown(struct call *call, const char *p, size_t n) {
    struct vm *vm = call->vm;
    if (n == 0)
        return true;
    if (n > vm->limits.output_bytes - vm->output.n)
        return fault_output(call);
    buf_reserve(&vm->output, n < 4096 ? 4096 : n);
    memcpy(vm->output.p + vm->output.n, p, n);
    vm->output.n += n;
    return write_settle(call);
}

bool write_other(struct call *call, struct value v, unsigned escaping) {
    struct buf *out = &call->vm->output;
    bool escape = escaping == ESCAPE_ON || (escaping == ESCAPE_DYNAMIC && call->autoescape);
    if (v.tag == VALUE_STRING) {
        if (!escape)
            return write_text(call, v.s, v.n);
        print_escaped(value_str(v), out);
        return write_settle(call);
    }
    if (v.tag == VALUE_UNDEFINED) {
        if (!defined_check(call, v))
            return false;
        if (call->vm->options.undefined == UNDEFINED_DEFAULT)
            return true;
    }
    if (v.tag == VALUE_MISSING)
        return call_fail(call, "a variable is used before it has a value");
    return (escape ? print_str_escaped(call, v, out) : print_str(call, v, out)) && write_settle(call);
}
