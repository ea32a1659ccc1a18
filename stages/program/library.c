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

// The next word of a signature: a parameter or "*"; *optional turns on where it has a '['. {NULL, 0}: the end.
static struct str next_word(const char **at, bool *optional) {
    while (**at == ' ' || **at == '[' || **at == ']') {
        if (**at == '[')
            *optional = true;
        (*at)++;
    }
    size_t n = strcspn(*at, " []");
    struct str word = {n ? *at : NULL, n};
    *at += n;
    return word;
}

struct signature library_signature(const char *params) {
    struct signature s = {0};
    bool optional = false;
    for (struct str word; (word = next_word(&params, &optional)).p;) {
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
    for (struct str word; (word = next_word(&params, &optional)).p;) {
        if (str_is(word, "*"))
            continue;
        if (str_equal(word, name))
            return at;
        at++;
    }
    return -1;
}
