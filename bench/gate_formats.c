// SPDX-License-Identifier: MIT
#include "bench/gate_formats.h"

#include <math.h>

#include "base/mem.h"
#include "bench/gate_words.h"

enum { DIGITS_SHOWN = 12 };

const char *gate_ratio_text(struct gate_result *r, const struct gate_row *row) {
    bool lower = row->lower > 0, upper = !isinf(row->upper) && row->upper > 0;
    if (row->ratio <= 0)
        return "";
    if (lower && upper)
        return gate_printf(r, "%.3f (%.3f to %.3f)", row->ratio, row->lower, row->upper);
    if (upper)
        return gate_printf(r, "%.3f (at most %.3f)", row->ratio, row->upper);
    if (lower)
        return gate_printf(r, "%.3f (at least %.3f)", row->ratio, row->lower);
    return gate_printf(r, "%.3f", row->ratio);
}

const char *gate_medians_text(struct gate_result *r, const struct gate_row *row) {
    if (row->medians[0].value <= 0 || row->medians[1].value <= 0)
        return "";
    // Medians are of what the benchmark is about, which need not be what decided.
    enum paired_metric metric = row->comparison.metric;
    bool regret = row->kind == GATE_REGRET; // of strategies, whose names say more
    const struct comparison_side *sides = row->comparison.sides;
    return gate_printf(r, "%s %s, %s %s", regret && sides[0].shown ? sides[0].shown : "A",
                       gate_value_text(r, row->medians[0].value, metric),
                       regret && sides[1].shown ? sides[1].shown : "B",
                       gate_value_text(r, row->medians[1].value, metric));
}

const char *gate_outlook_text(struct gate_result *r, const struct gate_row *row) {
    if (row->verdict != VERDICT_INCONCLUSIVE || row->smallest <= 0)
        return NULL;
    if (!row->wanted)
        return gate_printf(r, "with this noise a slowdown of %.1f %% would have been seen",
                           100 * row->smallest);
    return gate_printf(
        r, "with this noise a slowdown of %.1f %% would have been seen; about %u pairs would decide",
        100 * row->smallest, (unsigned)row->wanted);
}

const char *gate_side_text(struct gate_result *r, const struct gate_side *side) {
    const char *version = side->version ? side->version : "";
    if (!side->capsule)
        return version;
    return gate_printf(r, "%s%scapsule %.*s", version, *version ? ", " : "", DIGITS_SHOWN, side->capsule);
}

bool gate_is_changed(const struct gate_row *row) {
    // A control that stands still, or that nobody can tell of, changes nothing.
    return row->kind == GATE_CONTROL ? row->change == GATE_UNUSABLE : row->change != GATE_SAME;
}

const struct gate_row **gate_sort_rows(struct gate_result *r, size_t *changed) {
    static const enum gate_change order[] = {GATE_UNUSABLE, GATE_SLOWER, GATE_UNCLEAR, GATE_FASTER,
                                             GATE_HINTED};
    const struct gate_row **rows = ARENA_NEW_ARRAY(&r->arena, const struct gate_row *, r->rows_n + 1);
    size_t n = 0;
    if (!rows)
        mem_fail(r->rows_n);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < r->rows_n; i++)
            if (gate_is_changed(&r->rows[i]) && r->rows[i].change == order[k])
                rows[n++] = &r->rows[i];
    *changed = n;
    for (size_t i = 0; i < r->rows_n; i++)
        if (!gate_is_changed(&r->rows[i]))
            rows[n++] = &r->rows[i];
    return rows;
}
