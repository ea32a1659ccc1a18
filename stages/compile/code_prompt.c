// SPDX-License-Identifier: MIT
// Code of a prompt; what the parts are for is told in prompt.h.
#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

// Whether plain values could make a keyword out of a bracket before and one behind them.
static bool is_entangled(const struct node *pieces) {
    bool open = false, crossed = false;
    for (const struct node *piece = pieces; piece; piece = piece->next) {
        if (piece->kind == NODE_KEYWORD) {
            crossed = open;
            continue;
        }
        struct str text = value_str(piece->value);
        for (size_t i = 0; i < text.n; i++) {
            if (text.p[i] == ']' && open && crossed)
                return true;
            if (text.p[i] == '[' || text.p[i] == ']') {
                open = text.p[i] == '[';
                crossed = false;
            }
        }
    }
    return false;
}

// What [COUNTRY NAME] is read from: "[COUNTRY NAME]", else "COUNTRY NAME", else "country_name".
static void code_candidates(struct codegen *g, const struct node *keyword) {
    struct str name = str_slice(keyword->name, 1, keyword->name.n - 1);
    char *plain = code_scratch(g, name.n);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        plain[i] = c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    g->span = keyword->span;
    code_name(g, keyword->name, keyword->span);
    code_name(g, name, keyword->span);
    code_name(g, (struct str){plain, name.n}, keyword->span);
}

static void code_pieces(struct codegen *g, const struct node *pieces, uint32_t base) {
    for (const struct node *piece = pieces; piece; piece = piece->next) {
        if (piece->kind == NODE_TEXT) {
            code_text(g, value_str(piece->value), piece->span);
            continue;
        }
        g->span = piece->span;
        code_emit(g, OP_SLOT, 0, base + piece->keyword.index, 0);
        code_emit(g, OP_EMIT, 0, 0, 0);
    }
}

static void code_whole(struct codegen *g, const struct node *node, uint32_t base, uint32_t shape) {
    code_emit(g, OP_CONST, 0, 0, code_string(g, node->prompt.text));
    code_emit(g, OP_SUBSTITUTE, 0, base, shape);
}

static void code_keywords(struct codegen *g, const struct node *node) {
    uint32_t n = 0, slow = 0, end = 0;
    for (const struct node *k = node->prompt.keywords; k; k = k->next)
        n++;
    uint32_t base = code_slots(g, n);
    const struct node names = {.kind = NODE_CALL, .call = {.keywords = node->prompt.keywords}};
    uint32_t shape = code_call_shape(g, 0, &names, false);
    for (const struct node *k = node->prompt.keywords; k && !g->too_large; k = k->next) {
        code_candidates(g, k);
        code_emit(g, OP_KEYWORD, k->flags, base + k->keyword.index, code_string(g, k->name));
    }
    g->span = node->span;
    if (is_entangled(node->prompt.pieces)) {
        code_whole(g, node, base, shape);
        return;
    }
    code_emit(g, OP_PLAIN, 0, base, shape);
    code_jump(g, OP_JUMP_IF_FALSE, 0, &slow);
    code_pieces(g, node->prompt.pieces, base);
    g->span = node->span;
    code_jump(g, OP_JUMP, 0, &end);
    code_land(g, &slow);
    code_whole(g, node, base, shape);
    code_land(g, &end);
}

void code_prompt(struct codegen *g, const struct node *node) {
    struct str text = node->prompt.text;
    for (const struct node *file = node->prompt.includes; file; file = file->next)
        code_ref(g, value_str(file->value), LANGUAGE_TEXT, file->span, true);
    g->span = node->span;
    if (!text.n)
        return;
    code_emit(g, OP_CAPTURE, 0, 0, 0);
    if (memchr(text.p, '[', text.n)) // without one there is nothing that could be replaced
        code_keywords(g, node);
    else
        code_text(g, text, (struct span){0, (uint32_t)g->p->source.text.n});
    g->span = node->span;
    code_emit(g, OP_DIRECTIVES, 0, 0, 0);
}
