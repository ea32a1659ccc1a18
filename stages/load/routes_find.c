// SPDX-License-Identifier: MIT
// A path through the trie of routes, and what of it stands in a route's places.
#include "base/mem.h"
#include "stages/load/routes_private.h"

enum { INTEGER_DIGITS = 18 };

// Following ---------------------------------------------------------------------------------------------------

void routes_begin(const struct routes *routes, struct routes_search *search) {
    search->next.n = 0;
    if (search->stamps_cap < 2 * routes->places_n || search->stamp == UINT32_MAX) {
        MEM_GROW(search->stamps, search->stamps_cap, 2 * routes->places_n + 1);
        memset(search->stamps, 0, search->stamps_cap * sizeof *search->stamps);
        search->stamp = 0;
    }
    search->stamp++;
}

// False: it is there already. Only places can be reached in more than one way.
static bool add_state(const struct node *node, struct routes_search *search, uint32_t state) {
    if (node->place != ROUTE_NONE) {
        uint32_t *stamp = &search->stamps[2 * (size_t)node->place + (state & 1)];
        if (*stamp == search->stamp)
            return false;
        *stamp = search->stamp;
    }
    MEM_GROW(search->next.list, search->next.cap, search->next.n + 1);
    search->next.list[search->next.n++] = state;
    return true;
}

void routes_enter(const struct routes *routes, struct routes_search *search, uint32_t state) {
    const uint32_t id = state / 2;
    const struct node *node = &routes->nodes[id];
    if (!add_state(node, search, state) || state & 1)
        return;
    for (uint32_t i = 0; i < node->places_n; i++) {
        const uint32_t kid = node_place_kid(routes, id, i);
        const uint16_t token = routes->nodes[kid].token;
        if (token == TOKEN_STAR || token == TOKEN_PARTS) // which may take nothing
            routes_enter(routes, search, 2 * kid);
    }
}

static bool suits(uint16_t token, unsigned char c) {
    switch (token) {
    case TOKEN_INT:
        return route_is_digit(c);
    case TOKEN_TEXT:
    case TOKEN_STAR:
        return c != '/';
    case TOKEN_REST:
        return true;
    default:
        return false;
    }
}

void routes_step(const struct routes *routes, struct routes_search *search, uint32_t state, unsigned char c) {
    const uint32_t id = state / 2;
    const struct node *node = &routes->nodes[id];
    if (node->token == TOKEN_PARTS && state & 1) {
        routes_enter(routes, search, c == '/' ? state - 1 : state);
        return;
    }
    if (node->token == TOKEN_PARTS && c != '/')
        routes_enter(routes, search, state + 1);
    else if (suits(node->token, c))
        routes_enter(routes, search, state);
    const uint32_t next = node->bytes_n ? node_byte_kid(routes, id, c) : ROUTE_NONE;
    if (next != ROUTE_NONE)
        routes_enter(routes, search, 2 * next);
    for (uint32_t i = 0; i < node->places_n; i++) {
        const uint32_t kid = node_place_kid(routes, id, i);
        const uint16_t token = routes->nodes[kid].token;
        if (token != TOKEN_STAR && suits(token, c)) // a star was entered with its parent
            routes_enter(routes, search, 2 * kid);
    }
}

// As far as only bytes lead on, of which there is one way.
static uint32_t follow_bytes(const struct routes *routes, struct str path, size_t *at) {
    uint32_t id = 0;
    while (*at < path.n && routes->nodes[id].places_n == 0) {
        id = node_byte_kid(routes, id, (unsigned char)path.p[*at]);
        if (id == ROUTE_NONE)
            break;
        ++*at;
    }
    return id;
}

static uint32_t best_of(const struct routes *routes, struct routes_search *search, struct str path) {
    uint32_t best = ROUTE_NONE;
    struct str values[ROUTE_NAMES];
    for (size_t i = 0; i < search->next.n; i++) {
        const uint32_t state = search->next.list[i], route = routes->nodes[state / 2].route;
        if (state & 1 || route == ROUTE_NONE)
            continue;
        const struct route *found = &routes->all[route];
        if (best != ROUTE_NONE && (routes->all[best].order < found->order ||
                                   (routes->all[best].order == found->order && best < route)))
            continue;
        if (!found->has_integers || path.n <= INTEGER_DIGITS ||
            routes_capture(routes, route, search, path, values))
            best = route;
    }
    return best;
}

uint32_t routes_find(const struct routes *routes, struct routes_search *search, struct str path) {
    size_t at = 0;
    if (path.n == 0 || path.n > PATH_BYTES)
        return ROUTE_NONE;
    const uint32_t start = follow_bytes(routes, path, &at);
    if (start == ROUTE_NONE)
        return ROUTE_NONE;
    routes_begin(routes, search);
    routes_enter(routes, search, 2 * start);
    for (; at < path.n && search->next.n > 0; at++) {
        const struct routes_states now = search->next;
        search->next = search->now;
        search->now = now;
        routes_begin(routes, search);
        for (size_t i = 0; i < now.n; i++)
            routes_step(routes, search, now.list[i], (unsigned char)path.p[at]);
    }
    return best_of(routes, search, path);
}

void routes_search_release(struct routes_search *search) {
    mem_free(search->now.list);
    mem_free(search->next.list);
    mem_free(search->stamps);
    mem_free(search->fits);
    *search = (struct routes_search){0};
}

// Capturing ---------------------------------------------------------------------------------------------------

struct fitting {
    const struct route *route;
    struct str path;
    unsigned char *fits; // by piece and position: whether the pieces from here on take the path from there on
};

static unsigned char *row(const struct fitting *f, size_t piece) {
    return f->fits + piece * (f->path.n + 1);
}

static size_t next_part(struct str path, size_t at) { // behind the next slash, or 0
    const char *slash = at < path.n ? memchr(path.p + at, '/', path.n - at) : NULL;
    return slash && slash > path.p + at ? (size_t)(slash - path.p) + 1 : 0;
}

static bool fits_at(const struct fitting *f, size_t i, size_t at) {
    const struct piece *piece = &f->route->pieces[i];
    const unsigned char *here = row(f, i), *next = row(f, i + 1);
    const size_t n = f->path.n;
    size_t part;
    switch (piece->kind) {
    case PIECE_LITERAL:
        return piece->literal.n <= n - at &&
               memcmp(f->path.p + at, piece->literal.p, piece->literal.n) == 0 && next[at + piece->literal.n];
    case PIECE_PARTS:
        part = next_part(f->path, at);
        return next[at] || (part && here[part]);
    case PIECE_REST:
        return at < n;
    case PIECE_STAR:
        return next[at] || (at < n && f->path.p[at] != '/' && here[at + 1]);
    default:
        return at < n &&
               suits(piece->kind == PIECE_INT ? TOKEN_INT : TOKEN_TEXT, (unsigned char)f->path.p[at]) &&
               (next[at + 1] || here[at + 1]);
    }
}

// Where a piece that begins at `at` ends, as early as it may.
static size_t end_of(const struct fitting *f, size_t i, size_t at) {
    const struct piece *piece = &f->route->pieces[i];
    const unsigned char *next = row(f, i + 1);
    switch (piece->kind) {
    case PIECE_LITERAL:
        return at + piece->literal.n;
    case PIECE_REST:
        return f->path.n;
    case PIECE_PARTS:
        while (!next[at])
            at = next_part(f->path, at);
        return at;
    default:
        at += piece->kind != PIECE_STAR;
        while (!next[at])
            at++;
        return at;
    }
}

static bool take_values(const struct fitting *f, struct str values[ROUTE_NAMES]) {
    for (size_t i = 0, at = 0; i < f->route->pieces_n; i++) {
        const struct piece *piece = &f->route->pieces[i];
        const size_t end = end_of(f, i, at);
        struct str value = str_slice(f->path, at, end);
        at = end;
        if (piece->kind == PIECE_INT && value.n > INTEGER_DIGITS)
            return false;
        if (piece->kind == PIECE_PARTS && value.n)
            value.n--; // the slash is the pattern's
        if (piece->name < ROUTE_NAMES)
            values[piece->name] = value;
    }
    return true;
}

bool routes_capture(const struct routes *routes, uint32_t route, struct routes_search *search,
                    struct str path, struct str values[ROUTE_NAMES]) {
    struct fitting f = {.route = &routes->all[route], .path = path};
    const size_t width = path.n + 1, pieces_n = f.route->pieces_n;
    if (path.n > PATH_BYTES)
        return false;
    MEM_GROW(search->fits, search->fits_cap, (pieces_n + 1) * width);
    f.fits = search->fits;
    memset(row(&f, pieces_n), 0, width);
    row(&f, pieces_n)[path.n] = 1;
    for (size_t i = pieces_n; i-- > 0;)
        for (size_t at = width; at-- > 0;)
            row(&f, i)[at] = fits_at(&f, i, at);
    return f.fits[0] && take_values(&f, values);
}
