// SPDX-License-Identifier: MIT
#include "pipeline/plan/environment.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

void environment_read(struct arena *arena, const struct str *names, size_t n,
                      struct compile_options *options) {
    struct compile_variable *kept = ARENA_NEW_ARRAY(arena, struct compile_variable, n + 1);
    if (!kept)
        mem_fail(n * sizeof *kept);
    options->environment = kept;
    options->environment_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct str name = arena_str(arena, names[i]); // NUL-terminated
        struct str value = name.p ? str_of(getenv(name.p)) : (struct str){NULL, 0};
        if (value.p && utf8_valid(value, NULL))
            kept[options->environment_n++] = (struct compile_variable){name, arena_str(arena, value)};
    }
}
