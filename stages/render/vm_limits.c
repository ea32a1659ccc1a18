// SPDX-License-Identifier: MIT
/*
 * Steps, time, and how deep objects are printed. Steps are counted down in slices, and at the end of each the clock is looked at, so that neither
 * limit costs more than the other; an item of less than a slice never reads the clock.
 */
#include <inttypes.h>

#include "stages/render/machine.h"
#include "stages/render/vm_private.h"

enum { SLICE = 4096, NANOSECONDS = 1000000000 };

static void take_slice(struct vm *vm, uint64_t steps) {
    vm->steps_left = steps < SLICE ? steps : SLICE;
    vm->steps_beyond = steps - vm->steps_left;
}

void limits_begin(struct vm *vm) {
    take_slice(vm, vm->limits.steps);
    vm->deadline = 0;
    vm->late = false;
}

// Whoever goes on regardless fails again.
static bool fault_limit(struct call *call) {
    struct vm *vm = call->vm;
    take_slice(vm, 1);
    fault_hint_limit(vm, vm->late ? "seconds" : "steps");
    if (!vm->late)
        return call_fail(call, "the template ran more than %" PRIu64 " steps", vm->limits.steps);
    uint64_t ms = vm->limits.time_ns / (NANOSECONDS / 1000);
    if (ms % 1000)
        return call_fail(call, "the template ran longer than %" PRIu64 " ms", ms);
    return call_fail(call, "the template ran longer than %" PRIu64 " s", ms / 1000);
}

bool limits_look(struct call *call, uint64_t steps) {
    struct vm *vm = call->vm;
    uint64_t left = vm->steps_left + vm->steps_beyond;
    if (vm->late || steps >= left)
        return fault_limit(call);
    uint64_t now = vm->clock.monotonic(vm->clock.self);
    if (!vm->deadline)
        vm->deadline = now + vm->limits.time_ns < now ? UINT64_MAX : now + vm->limits.time_ns;
    vm->late = now >= vm->deadline;
    if (vm->late)
        return fault_limit(call);
    take_slice(vm, left - steps);
    return true;
}

bool vm_print_begin(struct vm *vm, uint32_t most) {
    bool fine = vm->printing < most;
    vm->printing += fine;
    return fine;
}

void vm_print_end(struct vm *vm) {
    vm->printing--;
}

bool vm_charge(struct call *call, uint64_t work) {
    return steps_take(call, work / VM_WORK_PER_STEP);
}
