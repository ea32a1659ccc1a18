// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_STR_H
#define PRESSRUN_BASE_STR_H
/*
 * A slice of bytes: pointer and length, borrowed, not NUL-terminated. {NULL, 0} means "none" where a header
 * says so. Printing: printf("%.*s", STR_ARG(s)).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_ARG(s)   (int)(s).n, (s).p

static inline struct str str_of(const char *text) {
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_equal(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text) {
    return str_equal(a, str_of(text));
}

static inline bool str_starts(struct str a, struct str prefix) {
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str a, struct str suffix) {
    return a.n >= suffix.n && (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

static inline struct str str_from(struct str a, size_t at) { // what is left from byte `at` on
    return at < a.n ? (struct str){a.p + at, a.n - at} : (struct str){a.p + a.n, 0};
}

static inline struct str str_trim(struct str a) { // without spaces and tabs on either side
    while (a.n && (a.p[0] == ' ' || a.p[0] == '\t'))
        a = str_from(a, 1);
    while (a.n && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t'))
        a.n--;
    return a;
}

static inline struct str str_slice(struct str a, size_t from, size_t to) { // bytes from..to, clamped
    to = to < a.n ? to : a.n;
    return from < to ? (struct str){a.p + from, to - from} : (struct str){a.p, 0};
}

// By bytes, as memcmp, shorter first; for UTF-8 this is code point order.
static inline int str_compare(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

// FNV-1a: for short names in tables that no stranger fills.
static inline uint32_t str_hash(struct str a) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < a.n; i++)
        h = (h ^ (unsigned char)a.p[i]) * 16777619u;
    return h;
}

#endif
