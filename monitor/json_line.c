// SPDX-License-Identifier: MIT
#include "monitor/json_line.h"

#include <stdlib.h>

json_t *json_line_text(struct str text) {
    json_t *string = NULL;
    if (!text.n || !memchr(text.p, 0, text.n)) {
        string = json_stringn(text.n ? text.p : "", text.n);
    } else {
        struct buf shown = BUF_INIT;
        buf_add_str(&shown, text);
        for (size_t i = 0; i < shown.n; i++)
            shown.p[i] = shown.p[i] ? shown.p[i] : ' ';
        string = json_stringn(shown.p, shown.n);
        buf_release(&shown);
    }
    return string ? string : json_string("?");
}

void json_line_add(json_t *document, unsigned digits, struct buf *out) {
    char *text = json_dumps(document, JSON_REAL_PRECISION(digits));
    buf_add_text(out, text ? text : "null");
    buf_add_char(out, '\n');
    free(text);
    json_decref(document);
}
