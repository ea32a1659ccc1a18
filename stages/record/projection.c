// SPDX-License-Identifier: MIT
#include "stages/record/projection.h"

static const struct projection everything = {.whole = true};

const struct projection *projection_find(const struct projection *p, struct str name) {
    if (p->whole)
        return p;
    for (size_t i = 0; i < p->n; i++)
        if (str_equal(p->children[i]->name, name))
            return p->children[i];
    if (p->bracketed && name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        return &everything;
    return NULL;
}
