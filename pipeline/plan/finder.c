// SPDX-License-Identifier: MIT
#include "pipeline/plan/finder.h"

static const struct program *find(void *self, struct str name, const char *language, bool autoescape,
                                  bool *missing) {
    return templates_choose(self, name, language ? language_named(str_of(language)) : NULL, autoescape,
                            missing);
}

struct template_finder finder_for(struct templates *templates) {
    return (struct template_finder){.self = templates, .find = find};
}
