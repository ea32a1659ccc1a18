// SPDX-License-Identifier: MIT
// Routes: what patterns are refused, which route a path belongs to and what it captures, and which of them conflict. What
// the trie says is compared with a matcher and an order that go through all patterns one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "stages/load/routes/routes.h"

enum { MANY = 12, SIZE = 256 };

static struct routes *make(const char *const *patterns) {
    struct str texts[MANY];
    size_t n = 0;
    for (; patterns[n]; n++) {
        struct err err;
        texts[n] = str_of(patterns[n]);
        if (route_check(texts[n], &err) != STATUS_OK)
            fail_msg("%s: %s", patterns[n], err.text);
    }
    return routes_new(texts, n);
}

// Refusing ---------------------------------------------------------------------------------------------------

static void refused(const char *pattern, const char *why) {
    struct err err = {0};
    if (route_check(str_of(pattern), &err) != STATUS_DATA || strcmp(err.text, why) != 0)
        fail_msg("\"%s\": %s", pattern, err.text);
}

static void refusals(void **state) {
    (void)state;
    refused("", "the route is empty");
    refused("/a", "the route begins with '/'; paths of files are relative to the manifest");
    refused("a/", "the route ends with '/'; it is files that routes are for");
    refused("a//b", "the route has two '/' in a row");
    refused("a/../b", "the route has the part \"..\"");
    refused("a\tb", "the route has a control character");
    refused("a\xff", "the route is no UTF-8");
    refused("a/{id", "the route has a '{' that is not closed");
    refused("a}", "the route has a '}' that closes nothing");
    refused("\\a", "the route has a backslash before none of { } * and \\");
    refused("{}",
            "the route has \"{}\"; it is {name}, {name:int} or {name:path} with a name of letters, digits "
            "and _");
    refused("{1a}", "the route has \"{1a}\"; it is {name}, {name:int} or {name:path} with a name of letters, "
                    "digits and _");
    refused("{a:float}",
            "the route has \"{a:float}\"; it is {name}, {name:int} or {name:path} with a name of "
            "letters, digits and _");
    refused("{a}/{a:int}", "the route has the name \"a\" twice");
    refused("{a}{b}", "the route has \"{b}\" right behind another place; a text must stand between");
    refused("a/*{b}", "the route has \"{b}\" right behind another place; a text must stand between");
    refused("{b}*", "the route has \"*\" right behind another place; a text must stand between");
    refused("a/x**", "the route has \"**\" beside other text; it must be a part of its own");
    refused("{a:path}x/y", "the route has \"{a:path}\" beside other text; it must be a part of its own");
    refused("**/{a:path}", "the route has \"{a:path}\" behind what takes any number of parts already");
    char long_one[ROUTE_BYTES + 2];
    memset(long_one, 'a', sizeof long_one);
    long_one[ROUTE_BYTES + 1] = 0;
    refused(long_one, "the route has more than 512 bytes");
}

// Finding ----------------------------------------------------------------------------------------------------

static void expect(const char *const *patterns, const char *path, const char *wanted) {
    struct routes *routes = make(patterns);
    struct routes_search search = {0};
    const uint32_t found = routes_find(routes, &search, str_of(path));
    const char *name = found == ROUTE_NONE ? NULL : patterns[found];
    if (!name != !wanted || (name && strcmp(name, wanted) != 0))
        fail_msg("%s: %s and not %s", path, name ? name : "none", wanted ? wanted : "none");
    routes_search_release(&search);
    routes_free(routes);
}

static void the_most_specific(void **state) {
    (void)state;
    const char *const users[] = {"users/{id}.json",
                                 "users/admin.json",
                                 "users/{id:int}.json",
                                 "users/*",
                                 "users/**",
                                 "**",
                                 "{area}/admin.json",
                                 NULL};
    expect(users, "users/admin.json", "users/admin.json");
    expect(users, "users/7.json", "users/{id:int}.json");
    expect(users, "users/x7.json", "users/{id}.json");
    expect(users, "users/7.xml", "users/*");
    expect(users, "users/a/b", "users/**");
    expect(users, "posts/admin.json", "{area}/admin.json");
    expect(users, "posts/a/admin.json", "**");
    expect(users, "users", "**");
    // From the left: what the first part decides is decided.
    const char *const crossed[] = {"a/*", "*/b", NULL};
    expect(crossed, "a/b", "a/*");
    expect(crossed, "c/b", "*/b");
    expect(crossed, "c/d", NULL);
    const char *const endings[] = {"{name}", "{name}.tar.gz", "{name}.gz", "*.gz", NULL};
    expect(endings, "a.tar.gz", "{name}.tar.gz");
    expect(endings, "a.gz", "{name}.gz");
    expect(endings, ".gz", "{name}");
    expect(endings, "a/b.gz", NULL);
    const char *const deep[] = {"a/**/z", "a/**/y/z", "a/b/**", "**/z", NULL};
    expect(deep, "a/z", "a/**/z");
    expect(deep, "a/y/z", "a/**/y/z");
    expect(deep, "a/c/d/z", "a/**/z");
    expect(deep, "a/b/c/z", "a/b/**");
    expect(deep, "z", "**/z");
    expect(deep, "a/b", NULL);
}

static void the_edges(void **state) {
    (void)state;
    const char *const odd[] = {"a\\{b\\}\\*\\\\", "n{i:int}", "ä/{o_}", NULL};
    expect(odd, "", NULL);
    expect(odd, "n123456789012345678", "n{i:int}");
    expect(odd, "n1234567890123456789", NULL); // more than an integer holds
    expect(odd, "n", NULL);
    expect(odd, "n1x", NULL);
    expect((const char *const[]){"a\\{b\\}\\*\\\\", NULL}, "a{b}*\\", "a\\{b\\}\\*\\\\");
    expect((const char *const[]){"{x}/é", "*", NULL}, "ä/é", "{x}/é");
    struct routes *none = routes_new(NULL, 0);
    struct routes_search search = {0};
    assert_int_equal(routes_find(none, &search, STR("a")), ROUTE_NONE);
    assert_true(routes_conflicts(none, NULL, NULL));
    routes_search_release(&search);
    routes_free(none);
}

static void captures(const char *pattern, const char *path, const char *wanted) {
    struct routes *routes = make((const char *const[]){pattern, NULL});
    struct routes_search search = {0};
    struct str values[ROUTE_NAMES];
    char text[256] = "no";
    if (routes_capture(routes, 0, &search, str_of(path), values)) {
        const struct route_name *names;
        const size_t n = routes_names(routes, 0, &names);
        text[0] = 0;
        for (size_t i = 0; i < n; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s=%.*s", i ? " " : "",
                     STR_ARG(names[i].name), STR_ARG(values[i]));
    }
    assert_string_equal(text, wanted);
    routes_search_release(&search);
    routes_free(routes);
}

static void what_stands_there(void **state) {
    (void)state;
    captures("users/{id}.json", "users/7.json", "id=7");
    captures("users/{id}.json", "users/.json", "no");
    captures("users/{id}.json", "users/a/b.json", "no");
    captures("{date}-{slug}.md", "2024-my-post.md", "date=2024 slug=my-post");
    captures("{name}.{ext}", "a.tar.gz", "name=a ext=tar.gz");
    captures("{a}.x", "b.x.x", "a=b.x");
    captures("v{n:int}.{m:int}", "v1.20", "n=1 m=20");
    captures("{rest:path}", "a/b", "rest=a/b");
    captures("{rest:path}/b", "b", "rest=");
    captures("{rest:path}/b", "x/y/b", "rest=x/y");
    captures("{rest:path}/b/{c}", "b/b/b", "rest=b c=b");
    captures("*x{a}", "axxy", "a=xy");
}

// Against one by one -----------------------------------------------------------------------------------------

static const char *ends[SIZE]; // by place in the pattern, of the last match

// Of a pattern without escapes; notes where the names' places end, each as early as it may.
static bool reads(const char *pattern, const char *p, const char *s);

static bool ends_at(const char *pattern, const char *place, const char *rest, const char *end) {
    if (!reads(pattern, rest, end))
        return false;
    ends[place - pattern] = end;
    return true;
}

static bool reads(const char *pattern, const char *p, const char *s) {
    if (!*p)
        return !*s;
    if (*p == '{') {
        const char *close = strchr(p, '}');
        const bool integer = close[-1] == 't' && close[-4] == ':',
                   path = close[-1] == 'h' && close[-5] == ':';
        if (path && !close[1])
            return *s && ends_at(pattern, p, close + 1, s + strlen(s));
        if (path) {
            const char *at = s;
            while (at && !ends_at(pattern, p, close + 2, at))
                at = *at && *at != '/' && strchr(at, '/') ? strchr(at, '/') + 1 : NULL;
            return at != NULL;
        }
        while (*s && *s != '/' && (!integer || (*s >= '0' && *s <= '9')))
            if (ends_at(pattern, p, close + 1, ++s))
                return true;
        return false;
    }
    if (p[0] == '*' && p[1] == '*')
        return p[2] ? reads(pattern, p + 3, s) ||
                          (strchr(s, '/') && s[0] != '/' && reads(pattern, p, strchr(s, '/') + 1))
                    : *s != 0;
    if (*p == '*')
        return reads(pattern, p + 1, s) || (*s && *s != '/' && reads(pattern, p, s + 1));
    return *p == *s && reads(pattern, p + 1, s + 1);
}

static bool fits(const char *pattern, const char *path) {
    return reads(pattern, pattern, path);
}

// What was captured is what the last match noted.
static void same_ends(const char *pattern, const struct str *values) {
    size_t n = 0;
    for (const char *p = pattern; (p = strchr(p, '{')); p++, n++) {
        const char *close = strchr(p, '}');
        const bool parts = close[-1] == 'h' && close[-5] == ':' && close[1];
        const char *end = values[n].p + values[n].n;
        if (values[n].n > 0 && end != ends[p - pattern] && !(parts && end + 1 == ends[p - pattern]))
            fail_msg("%s: place %zu is \"%.*s\", and not up to \"%s\"", pattern, n, STR_ARG(values[n]),
                     ends[p - pattern]);
    }
}

static unsigned rank(const char *part, size_t n) {
    unsigned bytes = 0, integers = 0;
    bool named = false, star = false;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 && part[0] == '*' && n == 2 && part[1] == '*')
            return 0;
        if (part[i] == '{') {
            const char *close = strchr(part + i, '}');
            if (close[-1] == 'h' && close[-5] == ':')
                return 0;
            integers += close[-1] == 't' && close[-4] == ':';
            named = true;
            i = (size_t)(close - part);
        } else if (part[i] == '*') {
            star = true;
        } else {
            bytes++;
        }
    }
    return star ? 10000 + bytes * 100 + integers : named ? 20000 + bytes * 100 + integers : 30000;
}

static int compare(const char *a, const char *b) {
    for (;;) {
        const size_t n = strcspn(a, "/"), m = strcspn(b, "/");
        const unsigned one = rank(a, n), other = rank(b, m);
        if (one != other)
            return one > other ? -1 : 1;
        a += n + (a[n] == '/');
        b += m + (b[m] == '/');
        if (!*a || !*b)
            return *a ? -1 : *b ? 1 : 0;
    }
}

static uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % n;
}

static void append(char out[SIZE], const char *text) {
    const size_t n = strlen(out);
    snprintf(out + n, SIZE - n, "%s", text);
}

static void draw_pattern(uint64_t *seed, char out[SIZE]) {
    static const char *const pieces[] = {"a", "b", "1", "{x}", "{y:int}", "*", "a", "b"};
    static const char *const parts[] = {"**", "{z:path}"};
    const uint32_t n = 1 + draw(seed, 4);
    bool after_parts = false;
    out[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        const bool any = !after_parts && draw(seed, 4) == 0;
        if (i)
            append(out, "/");
        if (any)
            append(out, parts[draw(seed, 2)]);
        for (uint32_t k = 0, m = 1 + draw(seed, 3), place = 0; !any && k < m; k++) {
            const uint32_t piece = draw(seed, 8);
            const bool is_place = piece >= 3 && piece <= 5;
            if (is_place && place)
                append(out, "a");
            append(out, pieces[piece]);
            place = is_place;
        }
        after_parts = any;
    }
}

static void draw_path(uint64_t *seed, char *out) {
    const uint32_t n = 1 + draw(seed, 4);
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            out[at++] = '/';
        for (uint32_t k = 0, m = 1 + draw(seed, 3); k < m; k++)
            out[at++] = "ab1"[draw(seed, 3)];
    }
    out[at] = 0;
}

struct told {
    const char *const *patterns;
    bool pairs[MANY][MANY];
};

static bool note(void *context, uint32_t first, uint32_t second, struct str path) {
    struct told *told = context;
    char text[512];
    snprintf(text, sizeof text, "%.*s", STR_ARG(path));
    if (first >= second || told->pairs[first][second] || !fits(told->patterns[first], text) ||
        !fits(told->patterns[second], text) || compare(told->patterns[first], told->patterns[second]) != 0)
        fail_msg("%s and %s do not conflict over %s", told->patterns[first], told->patterns[second], text);
    return told->pairs[first][second] = true;
}

// With one before it: of those that say the same only the first is compared with others.
static bool is_told(const struct told *told, uint32_t i) {
    for (uint32_t k = 0; k < i; k++)
        if (told->pairs[k][i])
            return true;
    return false;
}

// One set of patterns: all that is said of it, over some paths.
static void compare_set(uint64_t *seed) {
    enum { PATHS = 60 };
    char texts[MANY][SIZE], path[SIZE];
    const char *patterns[MANY + 1] = {NULL};
    struct routes_search search = {0};
    struct told told = {.patterns = patterns};
    size_t n = 0;
    struct err err;
    for (uint32_t i = 0, wanted = 1 + draw(seed, MANY - 1); i < wanted; i++) {
        draw_pattern(seed, texts[n]);
        if (route_check(str_of(texts[n]), &err) == STATUS_OK) { // else a name comes twice
            patterns[n] = texts[n];
            n++;
        }
    }
    struct routes *routes = make(patterns);
    assert_true(routes_conflicts(routes, note, &told));
    for (int k = 0; k < PATHS; k++) {
        draw_path(seed, path);
        const uint32_t found = routes_find(routes, &search, str_of(path));
        assert_true(found == ROUTE_NONE || fits(patterns[found], path));
        for (uint32_t i = 0; i < n; i++) {
            struct str values[ROUTE_NAMES];
            const bool matches = fits(patterns[i], path);
            assert_int_equal(routes_capture(routes, i, &search, str_of(path), values), matches);
            if (matches)
                same_ends(patterns[i], values);
            if (matches && (found == ROUTE_NONE || compare(patterns[i], patterns[found]) < 0))
                fail_msg("%s: %s and not %s", path, found == ROUTE_NONE ? "none" : patterns[found],
                         patterns[i]);
            for (uint32_t j = 0; matches && j < i; j++)
                if (fits(patterns[j], path) && compare(patterns[i], patterns[j]) == 0 && !told.pairs[j][i] &&
                    !is_told(&told, i) && !is_told(&told, j))
                    fail_msg("%s and %s conflict over %s", patterns[j], patterns[i], path);
        }
    }
    routes_search_release(&search);
    routes_free(routes);
}

static void as_one_by_one(void **state) {
    (void)state;
    enum { SETS = 400 };
    uint64_t seed = 9;
    for (int i = 0; i < SETS; i++)
        compare_set(&seed);
}

// Many -------------------------------------------------------------------------------------------------------

static bool count(void *context, uint32_t first, uint32_t second, struct str path) {
    (void)first, (void)second, (void)path;
    return ++*(size_t *)context < 20;
}

static void thousands(void **state) {
    (void)state;
    enum { N = 3000 };
    char(*texts)[SIZE] = mem_alloc(sizeof *texts * N);
    struct str *patterns = MEM_NEW_ARRAY(struct str, N);
    struct routes_search search = {0};
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], SIZE, i % 3 == 0 ? "s%d/{id}.md" : i % 3 == 1 ? "{a}/s%d/b" : "**/s%d.txt", i);
        patterns[i] = str_of(texts[i]);
    }
    struct routes *routes = routes_new(patterns, N);
    size_t conflicts = 0;
    assert_true(routes_conflicts(routes, count, &conflicts));
    assert_int_equal(conflicts, 0);
    for (int i = 0; i < N; i++) {
        char path[SIZE];
        snprintf(path, SIZE, i % 3 == 0 ? "s%d/7.md" : i % 3 == 1 ? "x/s%d/b" : "s2/y/s%d.txt", i);
        assert_int_equal(routes_find(routes, &search, str_of(path)), i);
    }
    const struct routes_figures figures = routes_figures(routes);
    assert_int_equal(figures.routes, N);
    assert_int_equal(figures.named + figures.wild, N);
    assert_int_equal(figures.parts, 3);
    routes_search_release(&search);
    routes_free(routes);
    for (int i = 0; i < N; i++) { // which overlap all with each other
        snprintf(texts[i], SIZE, "{a}-%d-{b}", i + 1000);
        patterns[i] = str_of(texts[i]);
    }
    routes = routes_new(patterns, N);
    assert_true(routes_conflicts(routes, count, &conflicts));
    assert_int_equal(conflicts, 20);
    routes_free(routes);
    mem_free(patterns);
    mem_free(texts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),          cmocka_unit_test(the_most_specific), cmocka_unit_test(the_edges),
        cmocka_unit_test(what_stands_there), cmocka_unit_test(as_one_by_one),     cmocka_unit_test(thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
