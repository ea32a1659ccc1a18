// SPDX-License-Identifier: MIT
#include "cli/profile_text.h"

#include "cli/show.h"

enum { LINES = 15 };

static double number(json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void add_seconds(double seconds, struct buf *out) {
    struct buf cell = BUF_INIT;
    if (seconds < 0.0995)
        buf_printf(&cell, "%.2f ms", seconds * 1e3);
    else
        show_seconds(&cell, seconds);
    buf_printf(out, " %10s", buf_text(&cell));
    buf_release(&cell);
}

static void add_line(json_t *line, double all, struct buf *out) {
    struct buf place = BUF_INIT;
    const char *name = json_string_value(json_object_get(line, "template"));
    const char *text = json_string_value(json_object_get(line, "text"));
    show_escaped(&place, str_of(name ? name : "?"));
    buf_printf(&place, ":%d", (int)number(line, "line"));
    buf_printf(out, "    %-28s", buf_text(&place));
    add_seconds(number(line, "seconds"), out);
    buf_printf(out, " %5.1f %%", number(line, "share") * 100);
    add_seconds(number(line, "total_seconds"), out);
    buf_printf(out, " %5.1f %%  ", all > 0 ? number(line, "total_seconds") / all * 100 : 0);
    show_escaped(out, str_of(text ? text : ""));
    buf_add_char(out, '\n');
    buf_release(&place);
}

void profile_text_write(json_t *profile, bool colour, struct buf *out) {
    json_t *lines = json_object_get(profile, "lines"), *line;
    size_t i, n = json_array_size(lines);
    double all = number(profile, "seconds");
    if (!profile)
        return;
    buf_printf(out, "  %sprofile%s", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
    if (n == 0) {
        buf_add_text(out, "   nothing took long enough to be seen\n");
        return;
    }
    buf_add_text(out, "                              line               with what it leads to\n");
    json_array_foreach(lines, i, line) {
        if (i == LINES)
            break;
        add_line(line, all, out);
    }
    size_t more = n - (n < LINES ? n : LINES) + (size_t)number(profile, "more");
    if (more)
        buf_printf(out, "    and %zu more line%s\n", more, more == 1 ? "" : "s");
}
