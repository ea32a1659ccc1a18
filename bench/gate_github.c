// SPDX-License-Identifier: MIT
#include "bench/gate_escape.h"
#include "bench/gate_formats.h"

enum { SHOWN_MOST = 9 }; // GitHub shows ten of a kind from a step; one says how many there are more

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE, LEVELS };
static const char *const levels[LEVELS] = {"error", "warning", "notice"};

static void add_command(struct buf *out, enum level level, const char *file, const char *title,
                        const char *message) {
    buf_printf(out, "::%s ", levels[level]);
    if (file) {
        buf_add_text(out, "file=");
        gate_escape_property(out, file);
        buf_add_char(out, ',');
    }
    buf_add_text(out, "title=");
    gate_escape_property(out, title);
    buf_add_text(out, "::");
    gate_escape_message(out, message);
    buf_add_char(out, '\n');
}

static enum level level_of(const struct gate_row *row) {
    if (row->change == GATE_SLOWER || row->change == GATE_UNUSABLE)
        return LEVEL_ERROR;
    return row->change == GATE_UNCLEAR ? LEVEL_WARNING : LEVEL_NOTICE;
}

static const char *message_of(struct gate_result *r, const struct gate_row *row) {
    const char *outlook = gate_outlook_text(r, row), *text = row->text ? row->text : "";
    return gate_printf(r, "%s: %s%s%s%s%s%s%s", verdict_name(row->verdict), text, row->cause ? "\n" : "",
                       row->cause ? row->cause : "", outlook ? "\n" : "", outlook ? outlook : "",
                       row->note ? "\n" : "", row->note ? row->note : "");
}

// The verdict comes first, with its own command, which is one of those that are shown.
void gate_write_github(struct gate_result *r, struct buf *out) {
    size_t counts[LEVELS] = {0};
    enum level level = r->verdict == VERDICT_PASS           ? LEVEL_NOTICE
                       : r->verdict == VERDICT_INCONCLUSIVE ? LEVEL_WARNING
                                                            : LEVEL_ERROR;
    add_command(out, level, NULL, "pressrun gate",
                gate_printf(r, "%s: %s", verdict_name(r->verdict), r->text ? r->text : ""));
    counts[level]++;
    for (size_t i = 0; i < r->rows_n; i++) {
        const struct gate_row *row = &r->rows[i];
        if (!gate_is_changed(row) || counts[level_of(row)]++ >= SHOWN_MOST)
            continue;
        add_command(out, level_of(row), row->kind == GATE_MANIFEST ? row->of : NULL,
                    gate_printf(r, "pressrun gate: %s", row->name), message_of(r, row));
    }
    for (size_t i = 0; i < r->warnings_n; i++)
        if (counts[LEVEL_WARNING]++ < SHOWN_MOST)
            add_command(out, LEVEL_WARNING, NULL, "pressrun gate", r->warnings[i]);
    for (level = LEVEL_ERROR; level < LEVELS; level++)
        if (counts[level] > SHOWN_MOST)
            add_command(out, level, NULL, "pressrun gate",
                        gate_printf(r, "and %zu more", counts[level] - SHOWN_MOST));
}
