// SPDX-License-Identifier: MIT
/*
 * Which routes are equally specific and fit a common path: the trie is walked in pairs of states that the same bytes lead
 * to, breadth first, so that the path found is a shortest one; where there are very many, depth first, so that some are
 * found. Of bytes that no node names, one of each kind stands for all. A pair whose parts so far differ in rank leads to nothing that is equally specific and is left.
 */
#include "base/mem.h"
#include "stages/load/routes/routes_private.h"

enum { PAIRS_MOST = 1 << 21, BROAD_MOST = 1 << 18, ROOM_LEAST = 1 << 10 };

struct pair {
    uint32_t one, other; // states, one <= other
    uint32_t from;       // the pair before
    unsigned char byte;  // that led here
};

struct walking {
    const struct routes *routes;
    struct routes_search a, b;
    struct pair *pairs;
    size_t n, cap;
    uint32_t *waiting; // pairs, between the two ends
    size_t front, back, waiting_cap;
    uint32_t *table; // of pairs, by hash; 0: free, else the place and one
    size_t room;     // a power of two
    uint64_t *found; // conflicts that are told of
    size_t found_n, found_cap;
};

static size_t slot_of(const struct walking *w, uint32_t one, uint32_t other) {
    uint64_t hash = ((uint64_t)one << 32 | other) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(hash ^ hash >> 32) & (w->room - 1);
    for (; w->table[slot]; slot = (slot + 1) & (w->room - 1)) {
        const struct pair *pair = &w->pairs[w->table[slot] - 1];
        if (pair->one == one && pair->other == other)
            break;
    }
    return slot;
}

static void make_room(struct walking *w) {
    if (w->room && w->n * 2 < w->room)
        return;
    w->room = w->room ? w->room * 2 : ROOM_LEAST;
    mem_free(w->table);
    w->table = MEM_NEW_ARRAY(uint32_t, w->room);
    for (size_t i = 0; i < w->n; i++)
        w->table[slot_of(w, w->pairs[i].one, w->pairs[i].other)] = (uint32_t)i + 1;
}

// Whether routes below both may still be equally specific.
static bool may_tie(const struct walking *w, uint32_t one, uint32_t other) {
    const struct node *a = &w->routes->nodes[one / 2], *b = &w->routes->nodes[other / 2];
    return a->parts != b->parts || a->ranks == b->ranks;
}

static void add_pair(struct walking *w, uint32_t one, uint32_t other, uint32_t from, unsigned char byte) {
    if (one > other) {
        const uint32_t least = other;
        other = one;
        one = least;
    }
    if (!may_tie(w, one, other))
        return;
    make_room(w);
    const size_t slot = slot_of(w, one, other);
    if (w->table[slot])
        return;
    MEM_GROW(w->pairs, w->cap, w->n + 1);
    w->pairs[w->n++] = (struct pair){one, other, from, byte};
    w->table[slot] = (uint32_t)w->n;
    MEM_GROW(w->waiting, w->waiting_cap, w->back + 1);
    w->waiting[w->back++] = (uint32_t)w->n - 1;
}

static void add_pairs(struct walking *w, uint32_t from, unsigned char byte) {
    for (size_t i = 0; i < w->a.next.n; i++)
        for (size_t k = 0; k < w->b.next.n; k++)
            add_pair(w, w->a.next.list[i], w->b.next.list[k], from, byte);
}

static void step_pair(struct walking *w, uint32_t from, unsigned char byte) {
    const struct pair pair = w->pairs[from];
    routes_begin(&w->a);
    routes_begin(&w->b);
    routes_step(w->routes, &w->a, pair.one, byte);
    if (w->a.next.n == 0)
        return;
    routes_step(w->routes, &w->b, pair.other, byte);
    add_pairs(w, from, byte);
}

static void mark_bytes(const struct routes *routes, uint32_t id, bool marks[256]) {
    const struct node *node = &routes->nodes[id];
    if (node->bytes_n + node->places_n == 1 && node->bytes_n) {
        marks[node[1].token] = true;
        return;
    }
    for (uint32_t i = 0; i < node->bytes_n; i++)
        marks[routes->edges[node->kids + i].token] = true;
}

static void expand(struct walking *w, uint32_t from) {
    static const char others[] = "xa0/"; // of each kind one that may be named nowhere
    bool marks[256] = {false};
    mark_bytes(w->routes, w->pairs[from].one / 2, marks);
    mark_bytes(w->routes, w->pairs[from].other / 2, marks);
    for (size_t i = 0; others[i]; i++)
        marks[(unsigned char)others[i]] = true;
    for (unsigned byte = 0; byte < 256; byte++)
        if (marks[byte])
            step_pair(w, from, (unsigned char)byte);
}

static bool is_told(struct walking *w, uint32_t first, uint32_t second) {
    const uint64_t both = (uint64_t)first << 32 | second;
    for (size_t i = 0; i < w->found_n; i++)
        if (w->found[i] == both)
            return true;
    MEM_GROW(w->found, w->found_cap, w->found_n + 1);
    w->found[w->found_n++] = both;
    return false;
}

// The bytes that led to a pair. What begins at the top has none.
static struct str path_to(const struct walking *w, uint32_t at, char path[PATH_BYTES]) {
    size_t n = PATH_BYTES;
    for (; at != ROUTE_NONE && w->pairs[at].from != ROUTE_NONE && n > 0; at = w->pairs[at].from)
        path[--n] = (char)w->pairs[at].byte;
    return (struct str){path + n, PATH_BYTES - n};
}

static bool tell(struct walking *w, uint32_t at, uint32_t a, uint32_t b, routes_conflict_fn fn,
                 void *context) {
    char path[PATH_BYTES];
    const uint32_t first = a < b ? a : b, second = a < b ? b : a;
    return is_told(w, first, second) || fn(context, first, second, path_to(w, at, path));
}

static bool look_at(struct walking *w, uint32_t at, routes_conflict_fn fn, void *context) {
    const struct pair *pair = &w->pairs[at];
    const struct node *a = &w->routes->nodes[pair->one / 2], *b = &w->routes->nodes[pair->other / 2];
    if ((pair->one | pair->other) & 1 || a == b || a->route == ROUTE_NONE || b->route == ROUTE_NONE)
        return true;
    if (w->routes->all[a->route].order != w->routes->all[b->route].order)
        return true;
    return tell(w, at, a->route, b->route, fn, context);
}

// A path that a route fits, as short as they come: of those that say the same.
static struct str example_of(const struct route *route, char path[PATH_BYTES]) {
    size_t n = 0;
    for (size_t i = 0; i < route->tokens_n; i++) {
        const uint16_t token = route->tokens[i];
        if (token < TOKEN_INT)
            path[n++] = (char)token;
        else if (token == TOKEN_INT)
            path[n++] = '0';
        else if (token == TOKEN_TEXT || token == TOKEN_REST)
            path[n++] = 'x';
    }
    return (struct str){path, n};
}

static bool tell_twins(const struct routes *routes, routes_conflict_fn fn, void *context) {
    char path[PATH_BYTES];
    for (size_t i = 0; i < routes->twins_n; i++)
        if (!fn(context, routes->twins[i][0], routes->twins[i][1],
                example_of(&routes->all[routes->twins[i][0]], path)))
            return false;
    return true;
}

bool routes_conflicts(const struct routes *routes, routes_conflict_fn fn, void *context) {
    struct walking w = {.routes = routes};
    if (routes->n < 2 || !tell_twins(routes, fn, context))
        return true;
    routes_ready(routes, &w.a);
    routes_ready(routes, &w.b);
    routes_begin(&w.a);
    routes_enter(routes, &w.a, 0);
    for (size_t i = 0; i < w.a.next.n; i++)
        for (size_t k = 0; k <= i; k++)
            add_pair(&w, w.a.next.list[i], w.a.next.list[k], ROUTE_NONE, 0);
    bool goes_on = true;
    while (goes_on && w.front < w.back && w.n < PAIRS_MOST) {
        const uint32_t at = w.n < BROAD_MOST ? w.waiting[w.front++] : w.waiting[--w.back];
        goes_on = look_at(&w, at, fn, context);
        if (goes_on)
            expand(&w, at);
    }
    const bool all = !goes_on || w.front == w.back;
    routes_search_release(&w.a);
    routes_search_release(&w.b);
    mem_free(w.pairs);
    mem_free(w.waiting);
    mem_free(w.table);
    mem_free(w.found);
    return all;
}
