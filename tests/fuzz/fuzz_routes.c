// SPDX-License-Identifier: MIT
// Routes, one a line, and behind an empty line paths: what is found is one of the most specific that fit, what conflicts does,
// and no order of the patterns changes anything.
#include <stdlib.h>

#include "stages/load/routes/routes.h"
#include "tests/fuzz/fuzz.h"

enum { MOST = 24 };

static bool next_line(struct str *text, struct str *line) {
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    if (!text->n)
        return false;
    *line = (struct str){text->p, end ? (size_t)(end - text->p) : text->n};
    *text = str_from(*text, line->n + (end != NULL));
    return true;
}

struct checking {
    const struct routes *routes;
    struct routes_search search;
};

static bool fits(struct checking *c, uint32_t route, struct str path) {
    struct str values[ROUTE_NAMES];
    const struct route_name *names;
    if (!routes_capture(c->routes, route, &c->search, path, values))
        return false;
    for (size_t i = 0, n = routes_names(c->routes, route, &names); i < n; i++)
        if (values[i].n > 0 && (values[i].p < path.p || values[i].p + values[i].n > path.p + path.n))
            abort();
    return true;
}

static bool look_at_conflict(void *context, uint32_t first, uint32_t second, struct str path) {
    struct checking *c = context;
    if (routes_order(c->routes, first) != routes_order(c->routes, second) || !fits(c, first, path) ||
        !fits(c, second, path))
        abort();
    return true;
}

static bool is_path(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '/' && (i == 0 || i + 1 == text.n || text.p[i - 1] == '/'))
            return false;
    return text.n > 0 && text.n <= 4096;
}

static void look_up(struct checking *c, const struct routes *reversed, uint32_t n, struct str path) {
    const uint32_t found = routes_find(c->routes, &c->search, path),
                   other = routes_find(reversed, &c->search, path);
    if ((found == ROUTE_NONE) != (other == ROUTE_NONE))
        abort();
    if (found != ROUTE_NONE &&
        (!fits(c, found, path) || routes_order(c->routes, found) != routes_order(c->routes, n - 1 - other)))
        abort();
    for (uint32_t r = 0; r < n; r++)
        if (fits(c, r, path) &&
            (found == ROUTE_NONE || routes_order(c->routes, r) < routes_order(c->routes, found)))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size}, line, patterns[MOST], backwards[MOST];
    uint32_t n = 0;
    struct err err = {0};
    while (next_line(&text, &line) && line.n > 0 && n < MOST) {
        const enum status status = route_check(line, &err);
        if (status == STATUS_OK)
            patterns[n++] = line;
        else if (status != STATUS_DATA || !str_starts(str_of(err.text), STR("the route ")))
            abort();
    }
    for (uint32_t i = 0; i < n; i++)
        backwards[i] = patterns[n - 1 - i];
    struct routes *routes = routes_new(patterns, n), *reversed = routes_new(backwards, n);
    struct checking checking = {.routes = routes};
    routes_conflicts(routes, look_at_conflict, &checking);
    while (next_line(&text, &line))
        if (is_path(line))
            look_up(&checking, reversed, n, line);
    routes_search_release(&checking.search);
    routes_free(routes);
    routes_free(reversed);
    return 0;
}
