// SPDX-License-Identifier: MIT
#include "stages/render/vm_private.h"

void vm_sample(struct vm *vm, const struct frame *frame, const struct instruction *in) {
    struct profile_place places[PROFILE_DEPTH];
    size_t n = 0;
    for (; frame && n < PROFILE_DEPTH; frame = frame->caller) {
        // A caller is at the instruction before the one it goes on with.
        size_t at = (size_t)((n ? frame->ip : in) - frame->program->code);
        places[n] =
            (struct profile_place){frame->program, frame->function, (uint32_t)(n && at ? at - 1 : at)};
        n++;
    }
    profile_note(vm->options.profile, places, n);
}
