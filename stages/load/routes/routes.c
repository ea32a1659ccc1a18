// SPDX-License-Identifier: MIT
// Patterns of routes and the trie that is made of them.
#include "stages/load/routes/routes.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "stages/load/routes/routes_private.h"

// Patterns ---------------------------------------------------------------------------------------------------

// By kinds of parts; of one kind, the literal bytes and the integers count.
enum { RANK_WILD = 0, RANK_STAR = 1, RANK_NAMED = 2, RANK_LITERAL = 3, RANK_SHIFT = 24 };

struct reading {
    struct str pattern;
    size_t at;
    struct arena *arena;
    struct route *route;
    struct str part; // where reading is
    struct err *err;
};

static void *take(struct arena *arena, size_t size) {
    void *p = arena_zero(arena, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

static struct piece *add_piece(struct reading *r, enum piece_kind kind) {
    struct piece *piece = &r->route->pieces[r->route->pieces_n++];
    *piece = (struct piece){.kind = kind, .name = ROUTE_NAMES};
    return piece;
}

static struct piece *last_piece(const struct reading *r) {
    return r->route->pieces_n ? &r->route->pieces[r->route->pieces_n - 1] : NULL;
}

static bool is_place(const struct piece *piece) {
    return piece && piece->kind != PIECE_LITERAL;
}

static void add_literal(struct reading *r, char c) {
    struct piece *piece = last_piece(r);
    if (!piece || is_place(piece)) {
        piece = add_piece(r, PIECE_LITERAL);
        piece->literal.p = take(r->arena, r->pattern.n);
    }
    ((char *)piece->literal.p)[piece->literal.n++] = c;
}

static bool is_word(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_identifier(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (!is_word(name.p[i], i == 0))
            return false;
    return name.n > 0;
}

static enum status refuse_place(const struct reading *r, struct str place) {
    return err_set(
        r->err, STATUS_DATA,
        "the route has \"{%.*s}\"; it is {name}, {name:int} or {name:path} with a name of letters, "
        "digits and _",
        STR_ARG(place));
}

// What stands alone in its part; `piece` is for such.
static enum status add_parts(struct reading *r, struct str text, uint16_t name) {
    struct piece *last = last_piece(r);
    const bool ends = r->at == r->pattern.n;
    if (text.n != r->part.n)
        return err_set(r->err, STATUS_DATA,
                       "the route has \"%.*s\" beside other text; it must be a part of its own",
                       STR_ARG(text));
    if (last && last->kind == PIECE_PARTS)
        return err_set(r->err, STATUS_DATA,
                       "the route has \"%.*s\" behind what takes any number of parts already", STR_ARG(text));
    add_piece(r, ends ? PIECE_REST : PIECE_PARTS)->name = name;
    r->at += !ends; // the slash belongs to it
    return STATUS_OK;
}

static enum status add_name(struct reading *r, struct str name, enum route_kind kind, uint16_t *number) {
    struct route *route = r->route;
    for (size_t i = 0; i < route->names_n; i++)
        if (str_equal(route->names[i].name, name))
            return err_set(r->err, STATUS_DATA, "the route has the name \"%.*s\" twice", STR_ARG(name));
    if (route->names_n == ROUTE_NAMES)
        return err_set(r->err, STATUS_DATA, "the route has more than %d names", ROUTE_NAMES);
    *number = (uint16_t)route->names_n;
    route->names[route->names_n++] = (struct route_name){arena_str(r->arena, name), kind};
    return STATUS_OK;
}

static enum status check_neighbour(const struct reading *r, struct str place) {
    struct piece *last = last_piece(r);
    if (!is_place(last) || last->kind == PIECE_PARTS)
        return STATUS_OK;
    return err_set(r->err, STATUS_DATA,
                   "the route has \"%.*s\" right behind another place; a text must stand between",
                   STR_ARG(place));
}

static enum status read_place(struct reading *r) {
    const char *open = r->pattern.p + r->at, *close = memchr(open, '}', r->pattern.n - r->at);
    uint16_t number;
    if (!close)
        return err_set(r->err, STATUS_DATA, "the route has a '{' that is not closed");
    const struct str whole = {open, (size_t)(close - open) + 1};
    const struct str inside = str_slice(whole, 1, whole.n - 1);
    const char *colon = inside.n ? memchr(inside.p, ':', inside.n) : NULL;
    const size_t name_n = colon ? (size_t)(colon - inside.p) : inside.n;
    const struct str name = str_slice(inside, 0, name_n), type = str_from(inside, name_n + (colon != NULL));
    enum route_kind kind = ROUTE_TEXT;
    if (colon && str_is(type, "int"))
        kind = ROUTE_INT;
    else if (colon && str_is(type, "path"))
        kind = ROUTE_PATH;
    else if (colon)
        return refuse_place(r, inside);
    if (!is_identifier(name))
        return refuse_place(r, inside);
    if (check_neighbour(r, whole) != STATUS_OK || add_name(r, name, kind, &number) != STATUS_OK)
        return r->err->status;
    r->at += whole.n;
    if (kind == ROUTE_PATH)
        return add_parts(r, whole, number);
    add_piece(r, kind == ROUTE_INT ? PIECE_INT : PIECE_TEXT)->name = number;
    r->route->has_integers |= kind == ROUTE_INT;
    return STATUS_OK;
}

static enum status read_star(struct reading *r) {
    if (r->at + 1 < r->pattern.n && r->pattern.p[r->at + 1] == '*') {
        r->at += 2;
        return add_parts(r, STR("**"), ROUTE_NAMES);
    }
    if (check_neighbour(r, STR("*")) != STATUS_OK)
        return r->err->status;
    r->at++;
    add_piece(r, PIECE_STAR);
    return STATUS_OK;
}

static enum status begin_part(struct reading *r) {
    const char *slash = memchr(r->pattern.p + r->at, '/', r->pattern.n - r->at);
    r->part = str_slice(r->pattern, r->at, slash ? (size_t)(slash - r->pattern.p) : r->pattern.n);
    if (r->part.n == 0)
        return err_set(r->err, STATUS_DATA, "the route has two '/' in a row");
    if (str_is(r->part, ".") || str_is(r->part, ".."))
        return err_set(r->err, STATUS_DATA, "the route has the part \"%.*s\"", STR_ARG(r->part));
    return STATUS_OK;
}

static enum status read_one(struct reading *r) {
    const char c = r->pattern.p[r->at];
    if (c == '{')
        return read_place(r);
    if (c == '}')
        return err_set(r->err, STATUS_DATA, "the route has a '}' that closes nothing");
    if (c == '*')
        return read_star(r);
    if (c == '\\' && (r->at + 1 == r->pattern.n || !strchr("{}*\\", r->pattern.p[r->at + 1])))
        return err_set(r->err, STATUS_DATA, "the route has a backslash before none of { } * and \\");
    r->at += c == '\\';
    add_literal(r, r->pattern.p[r->at++]);
    return STATUS_OK;
}

static enum status read_pieces(struct reading *r) {
    while (r->at < r->pattern.n) {
        const bool begins = r->at == 0 || r->pattern.p[r->at - 1] == '/';
        if ((begins && begin_part(r) != STATUS_OK) || read_one(r) != STATUS_OK)
            return r->err->status;
    }
    return STATUS_OK;
}

static enum status check_text(struct str pattern, struct err *err) {
    if (pattern.n == 0)
        return err_set(err, STATUS_DATA, "the route is empty");
    if (pattern.n > ROUTE_BYTES)
        return err_set(err, STATUS_DATA, "the route has more than %d bytes", ROUTE_BYTES);
    if (!utf8_valid(pattern, NULL))
        return err_set(err, STATUS_DATA, "the route is no UTF-8");
    for (size_t i = 0; i < pattern.n; i++)
        if ((unsigned char)pattern.p[i] < 0x20 || pattern.p[i] == 0x7f)
            return err_set(err, STATUS_DATA, "the route has a control character");
    if (pattern.p[0] == '/')
        return err_set(err, STATUS_DATA,
                       "the route begins with '/'; paths of files are relative to the manifest");
    if (pattern.p[pattern.n - 1] == '/')
        return err_set(err, STATUS_DATA, "the route ends with '/'; it is files that routes are for");
    return STATUS_OK;
}

static enum status read_route(struct arena *arena, struct str pattern, struct route *route, struct err *err) {
    struct reading r = {.pattern = pattern, .arena = arena, .route = route, .err = err};
    if (check_text(pattern, err) != STATUS_OK)
        return err->status;
    route->pieces = take(arena, pattern.n * sizeof *route->pieces);
    return read_pieces(&r);
}

enum status route_check(struct str pattern, struct err *err) {
    struct arena arena;
    struct route route = {0};
    arena_init(&arena, 0);
    const enum status status = read_route(&arena, pattern, &route, err);
    arena_release(&arena);
    return status;
}

bool route_is_exact(struct str pattern) {
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '{' || pattern.p[i] == '*')
            return false;
        i += pattern.p[i] == '\\';
    }
    return true;
}

// Tokens and ranks --------------------------------------------------------------------------------------------

// A place for each part at most, and whole parts once at most.
static bool is_simple(const struct route *route) {
    size_t places = 0, whole = 0;
    for (size_t i = 0; i < route->pieces_n; i++) {
        const struct piece *piece = &route->pieces[i];
        if (piece->kind == PIECE_LITERAL) {
            places = memchr(piece->literal.p, '/', piece->literal.n) ? 0 : places;
            continue;
        }
        whole += piece->kind == PIECE_PARTS;
        if (++places > 1 || whole > 1)
            return false;
        places = piece->kind == PIECE_PARTS ? 0 : places;
    }
    return true;
}

static void make_tokens(struct arena *arena, struct route *route) {
    size_t n = 0;
    for (size_t i = 0; i < route->pieces_n; i++)
        n += is_place(&route->pieces[i]) ? 1 : route->pieces[i].literal.n;
    route->tokens = take(arena, n * sizeof *route->tokens);
    for (size_t i = 0; i < route->pieces_n; i++) {
        const struct piece *piece = &route->pieces[i];
        if (is_place(piece))
            route->tokens[route->tokens_n++] = token_of_piece(piece->kind);
        for (size_t k = 0; k < piece->literal.n; k++)
            route->tokens[route->tokens_n++] = (unsigned char)piece->literal.p[k];
    }
}

struct ranking { // of the part that is being read
    uint32_t bytes, integers;
    bool named, star, wild;
};

static uint32_t rank_of(const struct ranking *part) {
    if (part->wild)
        return RANK_WILD << RANK_SHIFT;
    if (!part->named && !part->star)
        return RANK_LITERAL << RANK_SHIFT;
    return (uint32_t)(part->star ? RANK_STAR : RANK_NAMED) << RANK_SHIFT | part->bytes << 8 | part->integers;
}

// Takes a token in. True: with it a part ends, whose rank it gives.
static bool rank_token(struct ranking *part, uint16_t token, uint32_t *rank) {
    part->bytes += token < TOKEN_INT && token != '/';
    part->integers += token == TOKEN_INT;
    part->named |= token == TOKEN_INT || token == TOKEN_TEXT;
    part->star |= token == TOKEN_STAR;
    part->wild |= token == TOKEN_PARTS || token == TOKEN_REST;
    if (token != '/' && !part->wild)
        return false;
    *rank = rank_of(part);
    *part = (struct ranking){0};
    return true;
}

static void make_ranks(struct arena *arena, struct route *route) {
    struct ranking part = {0};
    route->ranks = take(arena, (route->tokens_n + 1) * sizeof *route->ranks);
    for (size_t i = 0; i < route->tokens_n; i++)
        route->ranks_n += rank_token(&part, route->tokens[i], &route->ranks[route->ranks_n]);
    if (route->tokens[route->tokens_n - 1] != TOKEN_REST)
        route->ranks[route->ranks_n++] = rank_of(&part);
}

// Below 0: a is the more specific one.
static int compare_ranks(const struct route *a, const struct route *b) {
    for (size_t i = 0; i < a->ranks_n && i < b->ranks_n; i++)
        if (a->ranks[i] != b->ranks[i])
            return a->ranks[i] > b->ranks[i] ? -1 : 1;
    return a->ranks_n == b->ranks_n ? 0 : a->ranks_n > b->ranks_n ? -1 : 1;
}

static int by_ranks(const void *a, const void *b) {
    return compare_ranks(*(const struct route *const *)a, *(const struct route *const *)b);
}

static void make_orders(const struct routes *routes) {
    struct route **sorted = MEM_NEW_ARRAY(struct route *, routes->n + 1);
    for (size_t i = 0; i < routes->n; i++)
        sorted[i] = &routes->all[i];
    qsort(sorted, routes->n, sizeof *sorted, by_ranks);
    for (size_t i = 1; i < routes->n; i++)
        sorted[i]->order = sorted[i - 1]->order + (compare_ranks(sorted[i - 1], sorted[i]) != 0);
    mem_free(sorted);
}

// The trie ----------------------------------------------------------------------------------------------------

static int by_tokens(const void *one, const void *other) {
    const struct route *a = *(const struct route *const *)one, *b = *(const struct route *const *)other;
    const size_t n = a->tokens_n < b->tokens_n ? a->tokens_n : b->tokens_n;
    for (size_t i = 0; i < n; i++)
        if (a->tokens[i] != b->tokens[i])
            return a->tokens[i] < b->tokens[i] ? -1 : 1;
    if (a->tokens_n != b->tokens_n)
        return a->tokens_n < b->tokens_n ? -1 : 1;
    return a < b ? -1 : a > b; // twins in the order they were given in
}

struct growing {
    struct routes *routes;
    struct route **sorted;
};

static uint32_t add_node(struct routes *routes, uint16_t token) {
    MEM_GROW(routes->nodes, routes->nodes_cap, routes->nodes_n + 1);
    routes->nodes[routes->nodes_n] = (struct node){.token = token, .route = ROUTE_NONE, .place = ROUTE_NONE};
    if (token >= TOKEN_INT)
        routes->nodes[routes->nodes_n].place = (uint32_t)routes->places_n++;
    return (uint32_t)routes->nodes_n++;
}

// The routes that end with `depth` tokens come first.
static size_t end_routes(const struct growing *g, uint32_t id, size_t depth, size_t from, size_t to) {
    struct routes *routes = g->routes;
    for (; from < to && g->sorted[from]->tokens_n == depth; from++) {
        const uint32_t route = (uint32_t)(g->sorted[from] - routes->all);
        struct node *node = &routes->nodes[id];
        if (node->route == ROUTE_NONE) {
            node->route = route;
            continue;
        }
        MEM_GROW(routes->twins, routes->twins_cap, routes->twins_n + 1);
        routes->twins[routes->twins_n][0] = node->route;
        routes->twins[routes->twins_n++][1] = route;
    }
    return from;
}

static size_t same_token(const struct growing *g, size_t depth, size_t from, size_t to) {
    size_t end = from;
    while (end < to && g->sorted[end]->tokens[depth] == g->sorted[from]->tokens[depth])
        end++;
    return end;
}

static uint32_t mix(uint32_t digest, uint32_t rank) {
    const uint32_t both[] = {digest, rank};
    return (uint32_t)digest_of((struct str){(const char *)both, sizeof both}).low;
}

// The node for the routes from..to, which have `depth` tokens in common. As deep as a pattern is long.
static void grow(const struct growing *g, uint32_t id, struct ranking part, size_t depth, size_t from,
                 size_t to) {
    struct routes *routes = g->routes;
    struct node *node = &routes->nodes[id];
    uint32_t rank, kids = 0;
    routes->depth = depth > routes->depth ? depth : routes->depth;
    if (depth > 0 && rank_token(&part, node->token, &rank)) {
        node->ranks = mix(node->ranks, rank);
        node->parts++;
    }
    const uint32_t ranks = node->ranks;
    const uint16_t parts = node->parts;
    from = end_routes(g, id, depth, from, to);
    for (size_t at = from; at < to; at = same_token(g, depth, at, to))
        kids++;
    const size_t edges = routes->edges_n;
    if (kids > 1) {
        MEM_GROW(routes->edges, routes->edges_cap, edges + kids);
        routes->edges_n += kids;
    }
    routes->nodes[id].kids = (uint32_t)edges;
    for (size_t at = from, end, i = 0; at < to; at = end, i++) {
        const uint16_t token = g->sorted[at]->tokens[depth];
        end = same_token(g, depth, at, to);
        const uint32_t kid = add_node(routes, token);
        if (token < TOKEN_INT)
            routes->nodes[id].bytes_n++;
        else
            routes->nodes[id].places_n++;
        routes->nodes[kid].ranks = ranks;
        routes->nodes[kid].parts = parts;
        if (kids > 1)
            routes->edges[edges + i] = (struct edge){token, kid};
        grow(g, kid, part, depth + 1, at, end);
    }
}

static void make_trie(struct routes *routes) {
    struct growing g = {routes, MEM_NEW_ARRAY(struct route *, routes->n + 1)};
    for (size_t i = 0; i < routes->n; i++)
        g.sorted[i] = &routes->all[i];
    qsort(g.sorted, routes->n, sizeof *g.sorted, by_tokens);
    add_node(routes, 0);
    grow(&g, 0, (struct ranking){0}, 0, 0, routes->n);
    mem_free(g.sorted);
}

struct routes *routes_new(const struct str *patterns, size_t n) {
    struct routes *routes = MEM_NEW(struct routes);
    struct err err;
    routes->arena = MEM_NEW(struct arena);
    arena_init(routes->arena, 0);
    routes->all = MEM_NEW_ARRAY(struct route, n + 1);
    for (; routes->n < n; routes->n++) {
        struct route *route = &routes->all[routes->n];
        if (read_route(routes->arena, patterns[routes->n], route, &err) != STATUS_OK)
            mem_fail(0); // it did not pass the check
        make_tokens(routes->arena, route);
        make_ranks(routes->arena, route);
        route->is_simple = is_simple(route);
    }
    make_orders(routes);
    make_trie(routes);
    return routes;
}

void routes_free(struct routes *routes) {
    if (!routes)
        return;
    arena_release(routes->arena);
    mem_free(routes->arena);
    mem_free(routes->all);
    mem_free(routes->nodes);
    mem_free(routes->edges);
    mem_free(routes->twins);
    mem_free(routes);
}

// ------------------------------------------------------------------------------------------------------------

size_t routes_names(const struct routes *routes, uint32_t route, const struct route_name **names) {
    *names = routes->all[route].names;
    return routes->all[route].names_n;
}

uint32_t routes_order(const struct routes *routes, uint32_t route) {
    return routes->all[route].order;
}

struct routes_figures routes_figures(const struct routes *routes) {
    struct routes_figures figures = {.routes = routes->n,
                                     .nodes = routes->nodes_n,
                                     .depth = routes->depth,
                                     .bytes = routes->nodes_cap * sizeof *routes->nodes +
                                              routes->edges_cap * sizeof *routes->edges};
    for (size_t i = 0; i < routes->n; i++) {
        const struct route *route = &routes->all[i];
        bool wild = false;
        for (size_t k = 0; k < route->pieces_n; k++)
            wild |= route->pieces[k].kind >= PIECE_STAR;
        figures.wild += wild;
        figures.named += !wild && route->names_n > 0;
        figures.literal += !wild && route->names_n == 0;
        figures.parts = route->ranks_n > figures.parts ? route->ranks_n : figures.parts;
    }
    return figures;
}
