// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_ROUTES_ROUTES_PRIVATE_H
#define PRESSRUN_STAGES_LOAD_ROUTES_ROUTES_PRIVATE_H
/*
 * Between routes.c (patterns, the trie), routes_find.c (paths) and routes_conflicts.c.
 *
 * A pattern is a row of pieces, and a row of tokens: its literal bytes, and one token for each place. The trie is that of the
 * tokens; its nodes are numbered in the order of a walk down, so that an only child comes right behind its parent.
 *
 * A state is a node that the path has reached, doubled; odd: within the parts that a TOKEN_PARTS node takes, where only
 * the end of one leads on. The other places stay where they are for as long as the path's bytes suit them.
 */
#include "stages/load/routes/routes.h"

enum {
    TOKEN_INT = 256,
    TOKEN_TEXT,
    TOKEN_STAR,
    TOKEN_PARTS, // with the slash behind them
    TOKEN_REST,  // at the end
    PATH_BYTES = 4096,
};

enum piece_kind { PIECE_LITERAL, PIECE_INT, PIECE_TEXT, PIECE_STAR, PIECE_PARTS, PIECE_REST };

struct piece {
    enum piece_kind kind;
    uint16_t name;      // place among the route's names; ROUTE_NAMES: it has none
    struct str literal; // of PIECE_LITERAL
};

struct route {
    struct piece *pieces;
    size_t pieces_n;
    struct route_name names[ROUTE_NAMES];
    size_t names_n;
    uint16_t *tokens;
    size_t tokens_n;
    uint32_t *ranks; // of its parts: the higher, the more specific
    size_t ranks_n;
    uint32_t order; // equal for equally specific ones; the lower, the more specific
    bool has_integers;
    bool is_simple; // captured without trying
};

struct node {
    uint32_t kids;  // of several: where they begin in `edges`
    uint32_t route; // that ends here, or ROUTE_NONE
    uint32_t place; // number among the nodes of places; of a byte's node ROUTE_NONE
    uint32_t ranks; // digest of the ranks of the parts that ended before or with it
    uint16_t parts; // how many these are
    uint16_t token; // that leads to it
    uint16_t bytes_n;
    uint16_t places_n; // kids by places, behind those by bytes
};

struct edge {
    uint16_t token;
    uint32_t node;
};

struct routes {
    struct route *all;
    size_t n;
    struct node *nodes;
    size_t nodes_n, nodes_cap;
    struct edge *edges;
    size_t edges_n, edges_cap;
    size_t places_n, depth;
    uint32_t (*twins)[2]; // routes that say the same
    size_t twins_n, twins_cap;
    struct arena *arena; // of the routes' pieces, names, tokens and ranks
};

static inline uint16_t token_of_piece(enum piece_kind kind) {
    static const uint16_t tokens[] = {[PIECE_INT] = TOKEN_INT,
                                      [PIECE_TEXT] = TOKEN_TEXT,
                                      [PIECE_STAR] = TOKEN_STAR,
                                      [PIECE_PARTS] = TOKEN_PARTS,
                                      [PIECE_REST] = TOKEN_REST};
    return tokens[kind];
}

static inline bool route_is_digit(unsigned char c) {
    return c >= '0' && c <= '9';
}

// The kid that a byte leads to, or ROUTE_NONE.
static inline uint32_t node_byte_kid(const struct routes *routes, uint32_t id, unsigned char c) {
    const struct node *node = &routes->nodes[id];
    if (node->bytes_n + node->places_n == 1)
        return node->bytes_n && node[1].token == c ? id + 1 : ROUTE_NONE;
    const struct edge *edges = routes->edges + node->kids;
    uint32_t low = 0, high = node->bytes_n;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (edges[middle].token < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < node->bytes_n && edges[low].token == c ? edges[low].node : ROUTE_NONE;
}

static inline uint32_t node_place_kid(const struct routes *routes, uint32_t id, uint32_t i) {
    const struct node *node = &routes->nodes[id];
    return node->bytes_n + node->places_n == 1 ? id + 1 : routes->edges[node->kids + node->bytes_n + i].node;
}

void routes_ready(const struct routes *routes, struct routes_search *search); // for 2^31 sets of states
// Empties `search->next` and begins a set of states in it.
void routes_begin(struct routes_search *search);
// A state, with what is reached from it without any byte.
void routes_enter(const struct routes *routes, struct routes_search *search, uint32_t state);
// What one byte leads to from a state.
void routes_step(const struct routes *routes, struct routes_search *search, uint32_t state, unsigned char c);

#endif
