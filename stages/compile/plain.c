// SPDX-License-Identifier: MIT
#include "stages/compile/plain.h"

#include "base/mem.h"
#include "stages/compile/tree.h"

static bool parse(struct arena *arena, const struct source_text *source,
                  const struct compile_options *options, struct diags *diags, struct tree **out) {
    (void)options;
    (void)diags;
    struct tree *tree = ARENA_NEW(arena, struct tree);
    if (!tree)
        mem_fail(sizeof *tree);
    if (source->text.n) {
        tree->body = node_new(arena, NODE_TEXT, (struct span){0, (uint32_t)source->text.n});
        tree->body->value = value_string(source->text);
    }
    *out = tree;
    return true;
}

const struct language language_text = {
    .name = LANGUAGE_TEXT,
    .extensions = (const char *const[]){NULL},
    .doc = "no template at all: copied as it is",
    .takes_any_bytes = true,
    .parse = parse,
};
