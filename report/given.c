// SPDX-License-Identifier: MIT
#include "report/given.h"

#include <math.h>

double given_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

uint64_t given_count(const json_t *object, const char *key) {
    const double n = given_number(object, key);
    return n >= 1 ? n < 9e15 ? (uint64_t)n : (uint64_t)9e15 : 0;
}

const char *given_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void given_texts(const json_t *object, const char *key, struct buf *out) {
    const json_t *value = json_object_get(object, key);
    size_t i;
    json_t *text;
    buf_add_text(out, given_text(object, key));
    json_array_foreach(value, i, text) {
        if (json_is_string(text))
            buf_printf(out, "%s%s", i ? ", " : "", json_string_value(text));
    }
}

void given_moment(const json_t *object, const char *key, struct buf *out) {
    enum { DAY = 10, MINUTE = 16, ALL = 20 };
    const struct str text = str_of(given_text(object, key));
    if (text.n == ALL && text.p[DAY] == 'T' && text.p[MINUTE] == ':' && text.p[ALL - 1] == 'Z')
        buf_printf(out, "%.*s %.*s UTC", DAY, text.p, MINUTE - DAY - 1, text.p + DAY + 1);
    else
        buf_add_str(out, text);
}

double given_number_in(const json_t *object, const char *key, const char *inner) {
    return given_number(json_object_get(object, key), inner);
}
