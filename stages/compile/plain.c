// SPDX-License-Identifier: MIT
// The plainest language: a text is its own output. It is what the prompt language's includes bring in.
#include "stages/compile/compile.h"
#include "stages/compile/tree.h"

#include "base/mem.h"

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

static const char *const extensions[] = {NULL};
const struct language language_text = {
    .name = "text",
    .extensions = extensions,
    .doc = "no template at all: copied as it is",
    .parse = parse,
};
