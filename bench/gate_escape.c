// SPDX-License-Identifier: MIT
#include "bench/gate_escape.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static const char unknown[] = "\xef\xbf\xbd", ellipsis[] = "\xe2\x80\xa6";

// The next character of `text`, and how many bytes it is; *shown is what stands for it.
static size_t next(const char *text, size_t n, struct str *shown) {
    size_t size = 1, bad;
    unsigned char c = (unsigned char)*text;
    *shown = (struct str){unknown, sizeof unknown - 1};
    if (c == '\n' || c == '\r' || c == '\t') {
        *shown = STR(" ");
    } else if (c >= 0x20 && c < 0x7f) {
        *shown = (struct str){text, 1};
    } else if (c >= 0xc2) {
        size_t wanted = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        if (wanted <= n && utf8_valid((struct str){text, wanted}, &bad)) {
            uint32_t point = utf8_decode(text, &size);
            // Neither C1 controls nor what XML 1.0 has no place for.
            if (point >= 0xa0 && point != 0xfffe && point != 0xffff)
                *shown = (struct str){text, size};
        }
    }
    return size;
}

// `rest`: what comes after it, as it was given.
typedef void write_fn(struct buf *out, struct str shown, const char *rest);

static void write_all(struct buf *out, const char *text, size_t most, write_fn *write) {
    size_t n = strlen(text), points = 0;
    for (size_t at = 0; at < n; points++) {
        struct str shown;
        if (most && points == most) {
            buf_add_text(out, ellipsis);
            return;
        }
        at += next(text + at, n - at, &shown);
        write(out, shown, text + at);
    }
}

static void write_xml(struct buf *out, struct str shown, const char *rest) {
    (void)rest;
    switch (*shown.p) {
    case '<':
        buf_add_text(out, "&lt;");
        break;
    case '>':
        buf_add_text(out, "&gt;");
        break;
    case '&':
        buf_add_text(out, "&amp;");
        break;
    case '"':
        buf_add_text(out, "&quot;");
        break;
    default:
        buf_add_str(out, shown);
    }
}

// Addresses are made links without any markup.
static bool is_address(char c, const char *rest) {
    return (c == ':' && strncmp(rest, "//", 2) == 0) ||
           ((c == 'w' || c == 'W') && strncasecmp(rest, "ww.", 3) == 0);
}

static void write_markdown(struct buf *out, struct str shown, const char *rest) {
    if (shown.n == 1 && (strchr("<>&\"@#", *shown.p) || is_address(*shown.p, rest)))
        buf_printf(out, "&#%d;", *shown.p);
    else if (shown.n == 1 && strchr("\\`*_[]|~!$", *shown.p))
        buf_printf(out, "\\%c", *shown.p);
    else
        buf_add_str(out, shown);
}

void gate_escape_xml(struct buf *out, const char *text, size_t most) {
    write_all(out, text, most, write_xml);
}

void gate_escape_markdown(struct buf *out, const char *text, size_t most) {
    write_all(out, text, most, write_markdown);
}

static void write_command(struct buf *out, const char *text, const char *escaped) {
    size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        struct str shown;
        char c = text[at];
        at += next(text + at, n - at, &shown);
        if (strchr(escaped, c))
            buf_printf(out, "%%%02X", (unsigned char)c);
        else
            buf_add_str(out, shown);
    }
}

void gate_escape_message(struct buf *out, const char *text) {
    write_command(out, text, "%\r\n");
}

void gate_escape_property(struct buf *out, const char *text) {
    write_command(out, text, "%\r\n:,");
}
