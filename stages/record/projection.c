// SPDX-License-Identifier: MIT
#include "stages/record/projection.h"

const struct projection *projection_find(const struct projection *p, struct str name) {
    if (p->whole)
        return p;
    for (size_t i = 0; i < p->n; i++)
        if (str_equal(p->children[i]->name, name))
            return p->children[i];
    return NULL;
}
