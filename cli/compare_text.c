// SPDX-License-Identifier: MIT
#include "cli/compare_text.h"

#include <math.h>

#include "cli/show.h"

static const char *const wholes[PAIRED_METRICS] = {[PAIRED_CPU] = "the CPU time",
                                                   [PAIRED_WALL] = "the time",
                                                   [PAIRED_INSTRUCTIONS] = "the instructions",
                                                   [PAIRED_PEAK_RSS] = "the peak memory"};
static const char *const shorts[PAIRED_METRICS] = {[PAIRED_CPU] = "CPU time",
                                                   [PAIRED_WALL] = "wall time",
                                                   [PAIRED_INSTRUCTIONS] = "instructions",
                                                   [PAIRED_PEAK_RSS] = "peak memory"};

static void write_verdict(enum verdict verdict, bool colour, struct buf *out) {
    static const char *const colours[] = {[VERDICT_MORE] = "",
                                          [VERDICT_PASS] = "\033[1;32m",
                                          [VERDICT_FAIL] = "\033[1;31m",
                                          [VERDICT_INCONCLUSIVE] = "\033[1;33m",
                                          [VERDICT_INVALID] = "\033[1;31m"};
    buf_printf(out, "%s%s%s  ", colour ? colours[verdict] : "", verdict_name(verdict),
               colour ? "\033[0m" : "");
}

static void write_shown(const struct comparison_side *side, struct buf *out) {
    show_escaped(out, str_of(side->shown ? side->shown : "?"));
    if (side->version && side->kind && str_is(str_of(side->kind), "executable"))
        buf_printf(out, " (%s)", side->version);
    buf_add_char(out, '\n');
}

static void write_value(double value, enum paired_metric metric, struct buf *out) {
    if (metric == PAIRED_PEAK_RSS)
        show_bytes(out, (uint64_t)value);
    else if (metric == PAIRED_INSTRUCTIONS)
        show_count(out, (uint64_t)value);
    else
        buf_printf(out, value < 1 ? "%.2f ms" : "%.3f s", value < 1 ? value * 1000 : value);
}

static void write_growth(double growth, struct buf *out) {
    if (isinf(growth))
        buf_add_text(out, "from nothing");
    else
        buf_printf(out, "%+.1f %%", 100 * growth);
}

// ---- the first line

static void write_sentence(const struct comparison *c, const struct judgement *judgement, struct buf *out) {
    const struct verdict_look *look = &judgement->look;
    const struct work_counter *grown = comparison_grown(c, 0);
    switch (judgement->reason) {
    case JUDGED_BY_OUTPUT:
        buf_add_text(out, "A and B do not make the same output (--ignore-output compares all the same)\n");
        return;
    case JUDGED_BY_WORK:
        buf_printf(out, "B does more work than A: %s ", grown->name);
        write_growth(work_growth(work_find(&c->sides[0].work, grown->name)->value, grown->value), out);
        buf_add_char(out, '\n');
        return;
    case JUDGED_TOO_EARLY:
        buf_add_text(out,
                     c->interrupted ? "interrupted before it was clear\n" : "there is nothing to judge\n");
        return;
    case JUDGED_UNCONFIRMED:
        buf_printf(out, "B seemed slower, but a second round did not confirm it: %.3f times %s of A\n",
                   look->estimate, wholes[c->metric]);
        return;
    case JUDGED_BY_PAIRS:
    case JUDGEMENT_REASONS:
        break;
    }
    buf_printf(out, "B takes %.3f times %s of A (", look->estimate, wholes[c->metric]);
    write_growth(look->estimate - 1, out);
    buf_add_text(out, ")\n");
}

// ---- what it rests on

static void write_interval(const struct comparison *c, const struct judgement *judgement, struct buf *out) {
    const struct verdict_look *look = &judgement->look;
    struct verdict_rule rule = comparison_rule(c, judgement->round);
    bool lower = look->lower > 0, upper = !isinf(look->upper);
    uint32_t dropped = comparison_dropped(c, judgement->round);
    buf_add_text(out, "  ");
    if (lower && upper)
        buf_printf(out, "between %.3f and %.3f", look->lower, look->upper);
    else if (upper)
        buf_printf(out, "at most %.3f", look->upper);
    else if (lower)
        buf_printf(out, "at least %.3f", look->lower);
    if (lower || upper)
        buf_printf(out, " (%.1f %% sure), ", 100 * (1 - (lower ? rule.alpha : 0) - (upper ? rule.beta : 0)));
    buf_printf(out, "%u pair%s", (unsigned)look->pairs, look->pairs == 1 ? "" : "s");
    if (judgement->round)
        buf_add_text(out, " of the second round");
    if (!lower && !upper)
        buf_add_text(out, ", too few for any bound");
    if (dropped)
        buf_printf(out, "; %u dropped, since the host took the CPU away", (unsigned)dropped);
    buf_add_char(out, '\n');
}

static void write_medians(const struct comparison *c, struct buf *out) {
    for (size_t which = 0; which < 2; which++) {
        struct comparison_median median = comparison_median(c, which);
        buf_printf(out, "  %c  ", (int)('A' + which));
        if (median.value > 0) {
            write_value(median.value, c->metric, out);
            buf_add_text(out, " (");
            write_value(median.low, c->metric, out);
            buf_add_text(out, " to ");
            write_value(median.high, c->metric, out);
            buf_add_text(out, ")  ");
        }
        write_shown(&c->sides[which], out);
    }
}

static void write_others(const struct comparison *c, struct buf *out) {
    bool any = false;
    for (enum paired_metric metric = 0; metric < PAIRED_METRICS; metric++) {
        double ratio = metric == c->metric ? 0 : comparison_ratio(c, metric);
        if (ratio > 0)
            buf_printf(out, "%s%s %.3f", any ? ", " : "  B over A also: ", shorts[metric], ratio);
        any = any || ratio > 0;
    }
    if (any)
        buf_add_char(out, '\n');
}

// Counters that moved, in the table's order; none is worth a line where all are equal.
static void write_work(const struct comparison *c, struct buf *out) {
    const struct work *a = &c->sides[0].work, *b = &c->sides[1].work;
    for (size_t i = 0; i < a->n; i++) {
        const struct work_counter *before = &a->counters[i], *after = work_find(b, before->name);
        if (!after || after->value == before->value)
            continue;
        buf_printf(out, "  work %s: ", before->name);
        show_count(out, before->value);
        buf_add_text(out, " to ");
        show_count(out, after->value);
        buf_add_text(out, ", ");
        write_growth(work_growth(before->value, after->value), out);
        buf_add_char(out, '\n');
    }
}

// What more would help, where the verdict is none.
static void write_outlook(const struct comparison *c, const struct judgement *judgement, struct buf *out) {
    struct verdict_rule rule = comparison_rule(c, judgement->round);
    double smallest;
    uint32_t wanted;
    verdict_outlook(&judgement->look, &rule, &smallest, &wanted);
    if (!isinf(smallest))
        buf_printf(out, "  with this noise a slowdown of %.1f %% would have been seen", 100 * smallest);
    if (!isinf(smallest) && wanted < UINT32_MAX)
        buf_printf(out, "; about %u pairs would decide", (unsigned)wanted);
    if (!isinf(smallest))
        buf_add_char(out, '\n');
}

void compare_text_write(const struct comparison *c, bool colour, struct buf *out) {
    struct judgement judgement = comparison_judge(c);
    write_verdict(judgement.verdict, colour, out);
    write_sentence(c, &judgement, out);
    if (judgement.look.pairs)
        write_interval(c, &judgement, out);
    write_medians(c, out);
    if (judgement.look.pairs)
        write_others(c, out);
    write_work(c, out);
    const struct work_counter *grown = comparison_grown(c, 0);
    if (judgement.reason == JUDGED_BY_WORK)
        buf_printf(out, "  --accept %s lets it grow, and compares the time\n", grown->name);
    if (judgement.verdict == VERDICT_INCONCLUSIVE && judgement.reason == JUDGED_BY_PAIRS)
        write_outlook(c, &judgement, out);
}
