// SPDX-License-Identifier: MIT
// pressrun with a busy loop after each rendering, of as many steps as PRESSRUN_SLOWER says: linked with --wrap=vm_render_to. For
// bench/slowdowns.
#include <stdint.h>
#include <stdlib.h>

#include "stages/render/vm.h"

bool __real_vm_render_to(struct vm *vm, const struct program *program, struct value record,
                         const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                         const struct diag **fault);
bool __wrap_vm_render_to(struct vm *vm, const struct program *program, struct value record,
                         const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                         const struct diag **fault);

bool __wrap_vm_render_to(struct vm *vm, const struct program *program, struct value record,
                         const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                         const struct diag **fault) {
    bool done = __real_vm_render_to(vm, program, record, extra, extra_n, writer, fault);
    const char *text = getenv("PRESSRUN_SLOWER");
    volatile uint64_t kept;
    uint64_t x = 1;
    for (uint64_t steps = text ? strtoull(text, NULL, 10) : 0; steps > 0; steps--)
        x = x * 6364136223846793005u + 1442695040888963407u;
    kept = x;
    (void)kept;
    return done;
}
