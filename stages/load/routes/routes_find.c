// SPDX-License-Identifier: MIT
// A path through the trie of routes, and what of it stands in a route's places.
#include "base/mem.h"
#include "stages/load/routes/routes_private.h"

enum { INTEGER_DIGITS = 18, STAMPS_MOST = INT32_MAX };

// Following ---------------------------------------------------------------------------------------------------

void routes_ready(const struct routes *routes, struct routes_search *search) {
    if (search->stamps_cap > 2 * routes->places_n && search->stamp < STAMPS_MOST)
        return;
    MEM_GROW(search->stamps, search->stamps_cap, 2 * routes->places_n + 1);
    memset(search->stamps, 0, search->stamps_cap * sizeof *search->stamps);
    search->stamp = 0;
}

void routes_begin(struct routes_search *search) {
    search->next.n = 0;
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
    if (search->next.n == search->next.cap)
        MEM_GROW(search->next.list, search->next.cap, search->next.n + 1);
    search->next.list[search->next.n++] = state;
    return true;
}

// What takes whole parts goes on taking them, so it need not be followed: it is ready again behind each slash.
static void keep_parts(const struct node *node, struct routes_search *search, uint32_t id) {
    uint32_t *stamp = &search->stamps[2 * (size_t)node->place + 1];
    if (*stamp >= search->began)
        return;
    *stamp = search->began;
    if (search->parts.n == search->parts.cap)
        MEM_GROW(search->parts.list, search->parts.cap, search->parts.n + 1);
    search->parts.list[search->parts.n++] = id;
}

void routes_enter(const struct routes *routes, struct routes_search *search, uint32_t state) {
    const uint32_t id = state / 2;
    const struct node *node = &routes->nodes[id];
    if (!add_state(node, search, state) || state & 1)
        return;
    if (search->finding && node->token == TOKEN_PARTS)
        keep_parts(node, search, id);
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

static bool is_better(const struct routes *routes, uint32_t route, uint32_t than) {
    if (than == ROUTE_NONE)
        return true;
    const uint32_t a = routes->all[route].order, b = routes->all[than].order;
    return a < b || (a == b && route < than);
}

// What takes the rest takes it whatever it is, so there is nothing to follow.
static void keep_rest(const struct routes *routes, struct routes_search *search, uint32_t route) {
    if (is_better(routes, route, search->rest))
        search->rest = route;
}

void routes_step(const struct routes *routes, struct routes_search *search, uint32_t state, unsigned char c) {
    const uint32_t id = state / 2;
    const struct node *node = &routes->nodes[id];
    if (node->token == TOKEN_PARTS && state & 1) {
        routes_enter(routes, search, c == '/' ? state - 1 : state);
        return;
    }
    if (node->token == TOKEN_PARTS && c != '/' && !search->finding)
        routes_enter(routes, search, state + 1);
    else if (suits(node->token, c))
        routes_enter(routes, search, state);
    const uint32_t next = node->bytes_n ? node_byte_kid(routes, id, c) : ROUTE_NONE;
    if (next != ROUTE_NONE)
        routes_enter(routes, search, 2 * next);
    for (uint32_t i = 0; i < node->places_n; i++) {
        const uint32_t kid = node_place_kid(routes, id, i);
        const uint16_t token = routes->nodes[kid].token;
        if (token == TOKEN_REST && search->finding && !routes->all[routes->nodes[kid].route].has_integers)
            keep_rest(routes, search, routes->nodes[kid].route);
        else if (token != TOKEN_STAR && suits(token, c)) // a star was entered with its parent
            routes_enter(routes, search, 2 * kid);
    }
}

static bool holds_integers(const struct routes *routes, uint32_t route, struct routes_search *search,
                           struct str path) {
    struct str values[ROUTE_NAMES];
    return !routes->all[route].has_integers || path.n <= INTEGER_DIGITS ||
           routes_capture(routes, route, search, path, values);
}

static uint32_t best_of(const struct routes *routes, struct routes_search *search, struct str path) {
    uint32_t best = search->rest; // in which integers have been checked
    for (size_t i = 0; i < search->next.n; i++) {
        const uint32_t state = search->next.list[i], route = routes->nodes[state / 2].route;
        if (!(state & 1) && route != ROUTE_NONE && is_better(routes, route, best) &&
            holds_integers(routes, route, search, path))
            best = route;
    }
    return best;
}

// One byte from one state that only bytes lead on from, or from none. False: it takes more than that.
static bool step_alone(const struct routes *routes, struct routes_search *search, unsigned char c) {
    if (search->next.n != 1)
        return search->next.n == 0;
    uint32_t *state = search->next.list;
    const struct node *node = &routes->nodes[*state / 2];
    if (node->places_n > 0 || node->place != ROUTE_NONE)
        return false;
    const uint32_t kid = node->bytes_n ? node_byte_kid(routes, *state / 2, c) : ROUTE_NONE;
    if (kid != ROUTE_NONE && routes->nodes[kid].places_n > 0)
        return false;
    search->next.n = kid != ROUTE_NONE;
    *state = 2 * kid;
    return true;
}

static void step_all(const struct routes *routes, struct routes_search *search, unsigned char c) {
    const struct routes_states now = search->next;
    search->next = search->now;
    search->now = now;
    routes_begin(search);
    for (size_t i = 0; i < now.n; i++)
        routes_step(routes, search, now.list[i], c);
    for (size_t i = 0; c == '/' && i < search->parts.n; i++)
        routes_enter(routes, search, 2 * search->parts.list[i]);
}

uint32_t routes_find(const struct routes *routes, struct routes_search *search, struct str path) {
    if (path.n == 0 || path.n > PATH_BYTES)
        return ROUTE_NONE;
    search->finding = true;
    search->rest = ROUTE_NONE;
    search->parts.n = 0;
    routes_ready(routes, search);
    routes_begin(search);
    search->began = search->stamp;
    routes_enter(routes, search, 0);
    for (size_t at = 0; at < path.n && search->next.n + search->parts.n > 0; at++) {
        const unsigned char c = (unsigned char)path.p[at];
        if ((c == '/' && search->parts.n > 0) || !step_alone(routes, search, c))
            step_all(routes, search, c);
    }
    search->finding = false;
    return best_of(routes, search, path);
}

void routes_search_release(struct routes_search *search) {
    mem_free(search->now.list);
    mem_free(search->next.list);
    mem_free(search->parts.list);
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
        return at < n && suits(token_of_piece(piece->kind), (unsigned char)f->path.p[at]) &&
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

// Where the only place of a part ends: before the literal behind it, which reaches beyond the part or ends the path.
static size_t end_alone(const struct fitting *f, size_t i, size_t at) {
    const struct str path = f->path;
    if (i + 1 == f->route->pieces_n)
        return path.n;
    const struct str literal = f->route->pieces[i + 1].literal;
    const char *in_literal = memchr(literal.p, '/', literal.n);
    const char *slash = in_literal ? memchr(path.p + at, '/', path.n - at) : path.p + path.n;
    const size_t before = in_literal ? (size_t)(in_literal - literal.p) : literal.n;
    return slash && (size_t)(slash - path.p) >= at + before ? (size_t)(slash - path.p) - before : SIZE_MAX;
}

// Of a route whose parts have a place each at most: there is one way at most to read a part, so there is nothing to try.
// What takes whole parts, once at most, is tried with ever more of them.
static bool take_simply(const struct fitting *f, size_t i, size_t at, struct str values[ROUTE_NAMES]) {
    const struct str path = f->path;
    for (; i < f->route->pieces_n; i++) {
        const struct piece *piece = &f->route->pieces[i];
        size_t end = at + piece->literal.n;
        if (piece->kind == PIECE_PARTS) {
            for (end = at; !take_simply(f, i + 1, end, values);)
                if ((end = next_part(path, end)) == 0)
                    return false;
            if (piece->name < ROUTE_NAMES)
                values[piece->name] = str_slice(path, at, end > at ? end - 1 : end);
            return true;
        }
        if (piece->kind == PIECE_LITERAL) {
            if (end > path.n || memcmp(path.p + at, piece->literal.p, piece->literal.n) != 0)
                return false;
            at = end;
            continue;
        }
        end = piece->kind == PIECE_REST ? path.n : end_alone(f, i, at);
        if (end == SIZE_MAX || end < at + (piece->kind != PIECE_STAR))
            return false;
        for (size_t k = at; k < end; k++)
            if (!suits(token_of_piece(piece->kind), (unsigned char)path.p[k]))
                return false;
        if (piece->kind == PIECE_INT && end - at > INTEGER_DIGITS)
            return false;
        if (piece->name < ROUTE_NAMES)
            values[piece->name] = str_slice(path, at, end);
        at = end;
    }
    return at == path.n;
}

bool routes_capture(const struct routes *routes, uint32_t route, struct routes_search *search,
                    struct str path, struct str values[ROUTE_NAMES]) {
    struct fitting f = {.route = &routes->all[route], .path = path};
    const size_t width = path.n + 1, pieces_n = f.route->pieces_n;
    if (path.n > PATH_BYTES)
        return false;
    if (f.route->is_simple)
        return take_simply(&f, 0, 0, values);
    MEM_GROW(search->fits, search->fits_cap, (pieces_n + 1) * width);
    f.fits = search->fits;
    memset(row(&f, pieces_n), 0, width);
    row(&f, pieces_n)[path.n] = 1;
    for (size_t i = pieces_n; i-- > 0;)
        for (size_t at = width; at-- > 0;)
            row(&f, i)[at] = fits_at(&f, i, at);
    return f.fits[0] && take_values(&f, values);
}
