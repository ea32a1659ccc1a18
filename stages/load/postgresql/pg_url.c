// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_url.h"

#include <string.h>

static const char *const schemes[] = {"postgresql://", "postgres://"};

static size_t scheme_of(struct str text) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_starts(text, str_of(schemes[i])))
            return strlen(schemes[i]);
    return 0;
}

bool pg_url_is(struct str text) {
    return scheme_of(text) > 0;
}

static size_t find_first(struct str text, size_t from, const char *stops) {
    while (from < text.n && !strchr(stops, text.p[from]))
        from++;
    return from;
}

// A parameter whose name says password, or does not say plainly what it is.
static bool is_secret(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '%' || name.p[i] == '\0' ||
            (name.n - i >= 4 && (name.p[i] | 0x20) == 'p' && (name.p[i + 1] | 0x20) == 'a' &&
             (name.p[i + 2] | 0x20) == 's' && (name.p[i + 3] | 0x20) == 's'))
            return true;
    return false;
}

// Where the next secret is, from `from` on, which begins a parameter; false: there is none.
static bool next_parameter(struct str url, size_t from, size_t *at, size_t *end) {
    while (from < url.n) {
        size_t name = find_first(url, from, "=&"), next = find_first(url, from, "&");
        if (name < next && is_secret(str_slice(url, from, name))) {
            *at = name + 1;
            *end = next;
            return true;
        }
        from = next + 1;
    }
    return false;
}

// Before the last @: a password may have one in it that is not written as %40, or a slash.
static bool find_password(struct str url, size_t *at, size_t *end) {
    size_t from = scheme_of(url), until = url.n;
    while (until > from && url.p[until - 1] != '@')
        until--;
    size_t colon = find_first(url, from, ":@");
    if (from == 0 || until == from || colon + 1 >= until)
        return false;
    *at = colon + 1;
    *end = until - 1;
    return url.p[colon] == ':';
}

bool pg_url_has_secret(struct str url) {
    size_t at, end;
    return find_password(url, &at, &end) || next_parameter(url, find_first(url, 0, "?") + 1, &at, &end);
}

void pg_url_write_shown(struct str url, struct buf *out) {
    size_t from = 0, at, end;
    if (find_password(url, &at, &end)) {
        buf_add(out, url.p, at);
        buf_add_text(out, "***");
        from = end;
    }
    size_t parameters = find_first(url, from, "?") + 1;
    while (next_parameter(url, parameters, &at, &end)) {
        buf_add(out, url.p + from, at - from);
        buf_add_text(out, "***");
        from = end;
        parameters = end + 1;
    }
    buf_add(out, url.p + from, url.n - from);
}

static struct str url_at(struct str text, size_t at) {
    char quote = at > 0 && (text.p[at - 1] == '"' || text.p[at - 1] == '\'') ? text.p[at - 1] : '\0';
    const char stops[] = {'\n', '\r', quote ? quote : ' ', quote ? '\0' : '\t', '\0'};
    return str_slice(text, at, find_first(text, at, stops));
}

bool pg_url_mask(char *text, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] != 'p' || !pg_url_is((struct str){text + i, n - i}))
            continue;
        const struct str url = url_at((struct str){text, n}, i);
        size_t at, end, from = find_first(url, 0, "?") + 1;
        if (find_password(url, &at, &end)) {
            memset(text + i + at, '*', end - at);
            any = true;
        }
        while (next_parameter(url, from, &at, &end)) {
            memset(text + i + at, '*', end - at);
            from = end + 1;
            any = true;
        }
        i += url.n;
    }
    return any;
}
