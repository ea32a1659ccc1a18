// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status err_set(struct err *err, enum status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err->status = status;
    err->os = 0;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

enum status err_os(struct err *err, int os, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err->status = STATUS_IO;
    err->os = os;
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text) {
        char words[128];
        const char *text = strerror_r(os, words, sizeof words); // the GNU one: may return a constant
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", text);
    }
    return STATUS_IO;
}
