// SPDX-License-Identifier: MIT
#include "pipeline/finder.h"

static const struct program *find(void *self, struct str name, bool autoescape, bool *missing) {
    return templates_find(self, name, NULL, autoescape, NULL, missing);
}

struct template_finder finder_for(struct templates *templates) {
    return (struct template_finder){.self = templates, .find = find};
}
