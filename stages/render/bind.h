// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_BIND_H
#define PRESSRUN_STAGES_RENDER_BIND_H
/*
 * Calls a library row with unbound arguments, as methods, map('name', ...) and the callable globals do.
 *
 * Beyond call_bind this knows signatures whose last, optional word is "**": keywords that are no parameters, where there are any,
 * arrive as a map in one more argument, the last one, with BIND_KEYWORDS in its flags.
 */
#include <stdbool.h>

#include "stages/render/object.h"

enum { BIND_KEYWORDS = 8 };

bool bind_and_call(struct call *call, const struct library_function *row, struct value self,
                   const struct call_args *args);

// What it takes to go through the value that a row is called for counts as work, where the row does that.
bool bind_charge(struct call *call, const struct library_function *row, struct value v);

// In a function whose signature has "**": the keywords or NULL, and how many arguments there are before them.
static inline const struct map *bind_keywords(const struct call *call, uint32_t *n) {
    *n = call->n;
    if (call->n < 2 || call->args[call->n - 1].tag != VALUE_MAP ||
        !(call->args[call->n - 1].flags & BIND_KEYWORDS))
        return NULL;
    return call->args[--*n].map;
}

// The same as call_args, for passing on: positional arguments from `first` on, and the keywords.
bool bind_rest(struct call *call, uint32_t first, struct call_args *out);

#endif
