// SPDX-License-Identifier: MIT
#include "monitor/json_line.h"

#include <stdlib.h>

void json_line_add(json_t *document, unsigned digits, struct buf *out) {
    char *text = json_dumps(document, JSON_REAL_PRECISION(digits));
    buf_add_text(out, text ? text : "null");
    buf_add_char(out, '\n');
    free(text);
    json_decref(document);
}
