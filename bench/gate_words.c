// SPDX-License-Identifier: MIT
#include "bench/gate_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 3 };
// For a stage to be named: its part of all that stages took more, and of what the whole took more; and its own change.
static const double stage_share = 0.5, whole_share = 0.25, moved_least = 0.03;

const char *gate_metric_words(enum paired_metric metric) {
    static const char *const words[PAIRED_METRICS] = {[PAIRED_CPU] = "CPU time",
                                                      [PAIRED_WALL] = "wall time",
                                                      [PAIRED_INSTRUCTIONS] = "instructions",
                                                      [PAIRED_PEAK_RSS] = "peak memory"};
    return words[metric];
}

const char *gate_metric_unit(enum paired_metric metric) {
    static const char *const units[PAIRED_METRICS] = {[PAIRED_CPU] = "s",
                                                      [PAIRED_WALL] = "s",
                                                      [PAIRED_INSTRUCTIONS] = "instructions",
                                                      [PAIRED_PEAK_RSS] = "bytes"};
    return units[metric];
}

static const char *seconds_text(struct gate_result *r, double seconds) {
    return seconds < 1 ? gate_printf(r, "%.2f ms", seconds * 1000) : gate_printf(r, "%.3f s", seconds);
}

const char *gate_value_text(struct gate_result *r, double value, enum paired_metric metric) {
    if (metric == PAIRED_PEAK_RSS)
        return gate_printf(r, "%.1f MB", value / 1e6);
    if (metric == PAIRED_INSTRUCTIONS)
        return gate_printf(r, "%.1f million", value / 1e6);
    return seconds_text(r, value);
}

static const char *growth_text(struct gate_result *r, double growth) {
    return isinf(growth) ? "from nothing" : gate_printf(r, "%+.1f %%", 100 * growth);
}

// ---- of a row

// A counter that grew, as nobody said it may: the one that grew most.
static const struct gate_counter *find_grown(const struct gate_row *row, bool accepted) {
    const struct gate_counter *most = NULL;
    for (size_t i = 0; i < row->counters_n; i++) {
        const struct gate_counter *c = &row->counters[i];
        if (c->grown && c->accepted == accepted &&
            (!most || work_growth(c->a, c->b) > work_growth(most->a, most->b)))
            most = c;
    }
    return most;
}

static const char *ratio_sentence(struct gate_result *r, const struct gate_row *row) {
    const struct comparison_side *sides = row->comparison.sides;
    bool regret = row->kind == GATE_REGRET;
    return gate_printf(r, "%s takes %.3f times the %s of %s (%s)", regret ? sides[1].shown : "B", row->ratio,
                       row->metric_words, regret ? sides[0].shown : "A", growth_text(r, row->ratio - 1));
}

static const char *record_sentence(struct gate_result *r, const struct gate_row *row) {
    if (!row->comparison.sides[0].known)
        return "nothing had been kept to compare it with";
    return gate_keep(r, row->verdict == VERDICT_PASS
                            ? "no more work than was kept of A; time was not compared"
                            : "the output that was kept of A; nothing else was compared");
}

const char *gate_row_sentence(struct gate_result *r, const struct gate_row *row) {
    const struct gate_counter *grown = find_grown(row, false);
    switch (row->reason) {
    case GATE_BY_OUTPUT:
        return "A and B do not make the same output";
    case GATE_BY_WORK:
        return grown ? gate_printf(r, "B does more work than A: %s %s", grown->name,
                                   growth_text(r, work_growth(grown->a, grown->b)))
                     : "B does more work than A";
    case GATE_UNCONFIRMED:
        return gate_printf(r, "B seemed slower, but a second session did not confirm it: %.3f times the %s",
                           row->ratio, row->metric_words);
    case GATE_BY_CONTROL:
        return "A is not as fast as itself: this machine is too restless to measure on";
    case GATE_BY_RECORD:
        return record_sentence(r, row);
    case GATE_STOPPED:
        return "ended before it was clear";
    case GATE_BY_ERROR:
        return row->error;
    case GATE_BY_INSTRUCTIONS:
    case GATE_BY_PAIRS:
    case GATE_REASONS:
        break;
    }
    return ratio_sentence(r, row);
}

// The stage that took most of what all took more, or less.
static const char *stage_cause(struct gate_result *r, const struct gate_row *row) {
    const struct gate_stage *most = NULL;
    double all = 0, sign = row->ratio < 1 ? -1 : 1;
    for (size_t i = 0; i < row->stages_n; i++) {
        const struct gate_stage *stage = &row->stages[i];
        double more = sign * (stage->b - stage->a);
        all += fmax(more, 0);
        if (more > 0 && (!most || more > sign * (most->b - most->a)))
            most = stage;
    }
    double medians = sign * (row->medians[1].value - row->medians[0].value);
    bool timed = row->metric == PAIRED_CPU || row->metric == PAIRED_WALL;
    if (!most || sign * (most->b - most->a) < fmax(stage_share * all, timed ? whole_share * medians : 0))
        return NULL;
    if (fabs(most->b / most->a - 1) < moved_least)
        return NULL;
    return gate_printf(r, "%s %s to %s (%s)", most->name, seconds_text(r, most->a), seconds_text(r, most->b),
                       growth_text(r, most->b / most->a - 1));
}

const char *gate_row_cause(struct gate_result *r, const struct gate_row *row) {
    const struct gate_counter *counter = find_grown(row, false);
    if (row->change == GATE_SAME || row->change == GATE_UNCLEAR || row->change == GATE_UNUSABLE)
        return NULL;
    if (!counter)
        counter = find_grown(row, true);
    if (counter)
        return gate_printf(r, "%s %llu to %llu (%s)", counter->name, (unsigned long long)counter->a,
                           (unsigned long long)counter->b,
                           growth_text(r, work_growth(counter->a, counter->b)));
    return row->kind == GATE_REGRET ? NULL : stage_cause(r, row);
}

// ---- of the suite

static void add_names(const struct gate_result *r, enum verdict verdict, struct buf *out) {
    size_t shown = 0;
    for (size_t i = 0; i < r->rows_n; i++) {
        const struct gate_row *row = &r->rows[i];
        if (row->verdict != verdict || row->kind == GATE_CONTROL)
            continue;
        if (shown++ < NAMES_SHOWN)
            buf_printf(out, "%s%s", shown > 1 ? ", " : "", row->name);
    }
    if (shown > NAMES_SHOWN)
        buf_printf(out, " and %zu more", shown - NAMES_SHOWN);
}

static void add_share(const struct gate_result *r, enum verdict verdict, const char *one, const char *many,
                      struct buf *out) {
    size_t n = r->counts[verdict];
    if (r->benchmarks == 1)
        buf_printf(out, "the benchmark %s: ", one);
    else
        buf_printf(out, "%zu of %zu benchmarks %s: ", n, r->benchmarks, n == 1 ? one : many);
    add_names(r, verdict, out);
}

static size_t count_records(const struct gate_result *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->rows_n; i++)
        n += r->rows[i].reason == GATE_BY_RECORD;
    return n;
}

const char *gate_suite_sentence(struct gate_result *r) {
    struct buf text = BUF_INIT;
    if (r->interrupted && r->counts[VERDICT_INCONCLUSIVE])
        buf_add_text(&text, "interrupted; ");
    if (r->verdict == VERDICT_INVALID && !r->counts[VERDICT_INVALID])
        buf_add_text(&text, "the control moved: nothing that was measured here can be believed");
    else if (r->verdict == VERDICT_INVALID)
        add_share(r, VERDICT_INVALID, "cannot be compared", "cannot be compared", &text);
    else if (r->verdict == VERDICT_FAIL)
        add_share(r, VERDICT_FAIL, "is slower", "are slower", &text);
    else if (r->verdict == VERDICT_INCONCLUSIVE && !r->benchmarks)
        buf_add_text(&text, "there is nothing to compare");
    else if (r->verdict == VERDICT_INCONCLUSIVE && !r->counts[VERDICT_INCONCLUSIVE])
        buf_add_text(&text, "interrupted");
    else if (r->verdict == VERDICT_INCONCLUSIVE)
        add_share(r, VERDICT_INCONCLUSIVE, "is not clear", "are not clear", &text);
    else if (count_records(r) == r->benchmarks)
        buf_add_text(&text, "no more work than was kept of the baseline, which was not run");
    else if (r->benchmarks == 1)
        buf_add_text(&text, "the benchmark is not slower");
    else
        buf_printf(&text, "none of %zu benchmarks is slower", r->benchmarks);
    if (r->faster && r->verdict == VERDICT_PASS)
        buf_printf(&text, ", %zu %s faster", r->faster, r->faster == 1 ? "is" : "are");
    const char *kept = gate_keep(r, buf_text(&text));
    buf_release(&text);
    return kept;
}
