// SPDX-License-Identifier: MIT
#include "stages/record/sqlite_names.h"

void sqlite_names_add(struct buf *sql, struct str name) {
    buf_add_char(sql, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"')
            buf_add_char(sql, '"');
        buf_add_char(sql, name.p[i]);
    }
    buf_add_char(sql, '"');
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sqlite_names_equal(struct str a, struct str b) {
    size_t i = 0;
    while (a.n == b.n && i < a.n && lower(a.p[i]) == lower(b.p[i]))
        i++;
    return a.n == b.n && i == a.n;
}
