// SPDX-License-Identifier: MIT
#include "cli/path_text.h"

#include <math.h>

#include "cli/show.h"

enum { BAR = 30 };
static const double LEAST = 0.001; // of the run: less is not worth a line

static void add_part(const struct run_path_part *part, double share, struct buf *out) {
    struct buf cell = BUF_INIT;
    buf_add_text(out, "    ");
    buf_add_text(&cell, part->stage);
    if (part->role) {
        buf_add_char(&cell, ' ');
        show_escaped(&cell, part->subject);
    }
    buf_printf(out, "%-28s", buf_text(&cell));
    buf_clear(&cell);
    if (part->seconds < 0.0995)
        buf_printf(&cell, "%.2f ms", part->seconds * 1e3);
    else
        show_seconds(&cell, part->seconds);
    buf_printf(out, " %10s %6.1f %%  ", buf_text(&cell), share * 100);
    for (long i = 0; i < lround(share * BAR); i++)
        buf_add_text(out, "█");
    while (out->n && out->p[out->n - 1] == ' ')
        out->n--;
    buf_add_char(out, '\n');
    buf_release(&cell);
}

void path_text_write(const struct run_path_part *parts, size_t n, double seconds, bool colour,
                     struct buf *out) {
    if (n == 0 || seconds <= 0)
        return;
    buf_printf(out, "  %scritical path%s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++)
        if (parts[i].seconds / seconds >= LEAST)
            add_part(&parts[i], parts[i].seconds / seconds, out);
}
