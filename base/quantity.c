// SPDX-License-Identifier: MIT
#include "base/quantity.h"

#include <math.h>
#include <stdio.h>

void quantity_count(struct buf *out, uint64_t n) {
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void quantity_bytes(struct buf *out, uint64_t bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) {
        buf_printf(out, "%llu B", (unsigned long long)bytes);
        return;
    }
    double n = (double)bytes / 1000;
    size_t unit = 0;
    while (n >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        n /= 1000;
        unit++;
    }
    buf_printf(out, "%.1f %s", n, units[unit]);
}

// Three digits, but for what is longer than two minutes.
void quantity_seconds(struct buf *out, double seconds) {
    static const struct {
        double scale;
        const char *name;
    } units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}};
    if (seconds < 0) {
        buf_add_char(out, '-');
        seconds = -seconds;
    }
    if (seconds >= 120 && seconds < 1e12) {
        const uint64_t whole = (uint64_t)llround(seconds);
        quantity_count(out, whole / 60);
        buf_printf(out, " min %02u s", (unsigned)(whole % 60));
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const double n = seconds * units[i].scale;
        if (n < 0.9995)
            continue;
        buf_printf(out,
                   n < 9.995   ? "%.2f %s"
                   : n < 99.95 ? "%.1f %s"
                   : n < 1e12  ? "%.0f %s"
                               : "%.3g %s",
                   n, units[i].name);
        return;
    }
    if (seconds * 1e9 < 0.5)
        buf_add_text(out, "0 s");
    else
        buf_printf(out, "%.0f ns", seconds * 1e9);
}

static void add_number(struct buf *out, double value) {
    const double size = fabs(value);
    if (value < 0)
        buf_add_char(out, '-');
    if (size >= 1e15)
        buf_printf(out, "%.3g", size);
    else if (size == floor(size) || size >= 1000)
        quantity_count(out, (uint64_t)llround(size));
    else
        buf_printf(out, size < 10 ? "%.3f" : "%.1f", size);
}

void quantity_add(struct buf *out, double value, const char *unit) {
    const struct str u = str_of(unit);
    if (!isfinite(value)) {
        buf_add_char(out, '-');
    } else if (str_is(u, "s")) {
        quantity_seconds(out, value);
    } else if (u.n && u.p[0] == 'B' && fabs(value) < 1e18) {
        if (value < 0)
            buf_add_char(out, '-');
        quantity_bytes(out, (uint64_t)fabs(value));
        buf_add_str(out, str_from(u, 1));
    } else if (str_is(u, "share")) {
        buf_printf(out, fabs(value) < 0.0995 && value != 0 ? "%.1f %%" : "%.0f %%", 100 * value);
    } else if (str_is(u, "x")) {
        buf_printf(out, "%.2fx", value);
    } else if (str_is(u, "1/s")) {
        add_number(out, value >= 100 ? round(value) : value);
        buf_add_text(out, "/s");
    } else {
        add_number(out, value);
    }
}
