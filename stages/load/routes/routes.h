// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_ROUTES_ROUTES_H
#define PRESSRUN_STAGES_LOAD_ROUTES_ROUTES_H
/*
 * Routes: which of many patterns a path belongs to, and what stands in the pattern's places.
 *
 *     users/7.json      literal: exactly that path
 *     users/{id}.json   {id}: one or more characters of one part, kept as a text named id
 *     logs/{day:int}    digits, kept as an integer
 *     a/{rest:path}/b   any number of whole parts, none included, kept as a text; as the last part at least one
 *     img/x*.png        any characters of one part, none included
 *     **                as a part: any number of whole parts, none included; as the last part at least one
 *     \{ \} \* \\       the character itself
 *
 * A part is what stands between slashes. Of all patterns that a path fits, the most specific one counts: they are compared
 * part by part from the left, and a part is the more specific the earlier it comes here: literal; with names; with *; all
 * of ** and {name:path}. Of two of the same kind, with names or with *, the one with more literal bytes is, then the one with
 * more :int. Of two that are the same so far the one with more parts is. So the order is known without any path, and two
 * that are equal may not fit the same path: a conflict.
 *
 * Places take as little as they can, the first from the left before the others.
 *
 * Refused: patterns that are empty, too long, absolute or have a part "." or ".."; a '/' at the end or two in a row; names
 * that are no identifiers or come twice; two places without a text between them; ** and {name:path} with anything next to
 * them in their part, or two in a row; control characters and what is no UTF-8.
 *
 * The patterns make one trie over bytes and places, and a path is followed through it as through an automaton, so what a
 * look-up takes depends on the path and on how many ways of reading it there are, not on the number of patterns.
 *
 * Routes never change once made; any thread may use them, with a search of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { ROUTE_BYTES = 512, ROUTE_NAMES = 16 }; // of a pattern
#define ROUTE_NONE UINT32_MAX

enum route_kind { ROUTE_TEXT, ROUTE_INT, ROUTE_PATH };

struct route_name {
    struct str name;
    enum route_kind kind;
};

struct routes; // owned

struct routes_search { // of one thread; zeroed at first
    struct routes_states {
        uint32_t *list;
        size_t n, cap;
    } now, next, parts; // parts: nodes that take whole parts
    uint32_t *stamps;
    size_t stamps_cap;
    uint32_t stamp, began; // of a byte, of the first one
    bool finding;          // and not looking at all ways
    uint32_t rest;         // the most specific route so far that takes whatever comes
    unsigned char *fits;   // of a capture
    size_t fits_cap;
};
void routes_search_release(struct routes_search *search);

// STATUS_DATA with a sentence about "the route", which does not repeat the pattern.
enum status route_check(struct str pattern, struct err *err);
bool route_is_exact(struct str pattern); // it has no places, so it is for one path

// Of patterns that passed the check; they are copied. A route is known by its place among them.
struct routes *routes_new(const struct str *patterns, size_t n);
void routes_free(struct routes *routes);

// The most specific route that the path fits, or ROUTE_NONE. A path has no empty parts.
uint32_t routes_find(const struct routes *routes, struct routes_search *search, struct str path);
uint32_t routes_order(const struct routes *routes,
                      uint32_t route); // the lower, the more specific; equal ones conflict
size_t routes_names(const struct routes *routes, uint32_t route, const struct route_name **names);
// What stands in the names' places, slices of the path, by name. False: the path does not fit the route, or an integer has
// more than 18 digits.
bool routes_capture(const struct routes *routes, uint32_t route, struct routes_search *search,
                    struct str path, struct str values[ROUTE_NAMES]);

// Each two that are equally specific and fit a common path, such as `path`, until `fn` says false; of those that say the
// same only the first with others. False: they overlap in so many ways that not all were looked at.
typedef bool (*routes_conflict_fn)(void *context, uint32_t first, uint32_t second, struct str path);
bool routes_conflicts(const struct routes *routes, routes_conflict_fn fn, void *context);

struct routes_figures {
    size_t routes, literal, named,
        wild;            // wild: with * or whole parts in it; named: with names and nothing wild
    size_t nodes, depth; // of the trie; depth: steps from the top to the farthest route
    size_t parts;        // most parts of a route
    size_t bytes;        // of memory
};
struct routes_figures routes_figures(const struct routes *routes);

#endif
