// SPDX-License-Identifier: MIT
#include "stages/render/vm_write.h"

#include "stages/render/print.h"

static size_t least(uint64_t a, uint64_t b) {
    return (size_t)(a < b ? a : b);
}

// What the limit leaves for the buffer.
static uint64_t limit_left(const struct vm *vm) {
    return vm->limits.output_bytes - vm->handed;
}

// As much as the buffer may hold when nothing of it can be handed over: its end may become a value.
static uint64_t buffer_most(const struct vm *vm) {
    return vm->limits.memory_bytes < UINT64_MAX - VM_PIECE ? vm->limits.memory_bytes + VM_PIECE : UINT64_MAX;
}

void write_begin(struct vm *vm) {
    vm->handed = 0;
    vm->held = 0;
    vm->most = least(vm->writer ? VM_PIECE : buffer_most(vm), limit_left(vm));
    vm->room = least(vm->output.cap, vm->most);
}

void write_lower(struct vm *vm) {
    if (vm->captures_n || vm->held)
        return;
    vm->most = least(VM_PIECE, limit_left(vm));
    if (vm->most < vm->output.n)
        vm->most = vm->output.n;
    vm->room = least(vm->output.cap, vm->most);
}

static bool hand_over(struct call *call, struct str piece) {
    struct vm *vm = call->vm;
    struct err err;
    if (piece.n && vm->writer->write(vm->writer->self, piece, &err) != STATUS_OK)
        return call_fail(call, "%s", err.text);
    vm->handed += piece.n;
    return true;
}

// The buffer is to be filled to `want`, further than `most` allows: it is emptied, or where that cannot be, may be
// filled as far as the limits allow.
static bool make_room(struct call *call, size_t want) {
    struct vm *vm = call->vm;
    if (!vm->writer || vm->captures_n || vm->held) {
        vm->most = least(buffer_most(vm), limit_left(vm));
        if (want <= vm->most)
            return true;
        vm->most = vm->room = vm->output.n;
        return call_no_memory(call);
    }
    if (!hand_over(call, buf_str(&vm->output))) {
        vm->most = vm->room = vm->output.n;
        return false;
    }
    buf_clear(&vm->output);
    buf_shrink(&vm->output, OUTPUT_KEEP);
    vm->most = least(VM_PIECE, limit_left(vm));
    return true;
}

static bool write_over(struct call *call) {
    struct vm *vm = call->vm;
    if (vm->output.n > limit_left(vm)) {
        vm->output.n = vm->room = least(vm->output.cap, limit_left(vm));
        return fault_output(call);
    }
    if (!make_room(call, vm->output.n))
        return false;
    vm->room = least(vm->output.cap, vm->most);
    return true;
}

bool write_settle(struct call *call) {
    struct vm *vm = call->vm;
    vm->room = vm->output.cap < vm->most ? vm->output.cap : vm->most;
    return LIKELY(vm->output.n <= vm->room) || write_over(call);
}

bool write_grown(struct call *call, const char *p, size_t n) {
    struct vm *vm = call->vm;
    if (n == 0)
        return true;
    if (n > limit_left(vm) - vm->output.n)
        return fault_output(call);
    if (n > vm->most - vm->output.n) {
        if (!make_room(call, vm->output.n + n))
            return false;
        vm->room = least(vm->output.cap, vm->most);
        if (n > vm->most) // make_room has emptied the buffer
            return hand_over(call, (struct str){p, n}) && make_room(call, 0) && write_settle(call);
    }
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
