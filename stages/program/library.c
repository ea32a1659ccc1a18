// SPDX-License-Identifier: MIT
#include "stages/program/library.h"

int32_t library_find(const struct library_function *table, uint32_t n, struct str name) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_compare(name, str_of(table[middle].name));
        if (order == 0)
            return (int32_t)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

int32_t library_find_macro(const struct library *library, struct str name) {
    for (uint32_t i = 0; library && i < library->macros_n; i++)
        if (str_equal(library->macros[i].name, name))
            return (int32_t)i;
    return -1;
}

struct library_word library_next_word(const char **at, bool *optional) {
    const char *p = *at;
    for (; *p == ' ' || *p == '[' || *p == ']'; p++)
        *optional = *optional || *p == '[';
    size_t n = strcspn(p, " []="), end = n;
    struct library_word word = {.name = {n ? p : NULL, n}};
    if (p[n] == '=') {
        bool quoted = false;
        for (end = n + 1; p[end] && (quoted || !strchr(" []", p[end])); end++)
            quoted ^= p[end] == '\'';
        word.standard = (struct str){p + n + 1, end - n - 1};
    }
    *at = p + end;
    return word;
}

struct signature library_signature(const char *params) {
    struct signature s = {0};
    bool optional = false;
    for (struct str word; (word = library_next_word(&params, &optional).name).p;) {
        if (str_is(word, "*")) {
            s.variadic = true;
            continue;
        }
        s.n++;
        s.required += !optional;
    }
    return s;
}

int32_t library_parameter(const char *params, struct str name) {
    bool optional = false;
    int32_t at = 0;
    for (struct str word; (word = library_next_word(&params, &optional).name).p;) {
        if (str_is(word, "*"))
            continue;
        if (str_equal(word, name))
            return at;
        at++;
    }
    return -1;
}

enum library_reads library_reads(const struct library *library, const struct library_function *f) {
    for (const struct library_reading *const *table = library->reads; table && *table; table++)
        for (const struct library_reading *row = *table; row->call; row++)
            if (row->call == f->call)
                return row->reads;
    return READS_WHOLE;
}
