// SPDX-License-Identifier: MIT
#include "bench/gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/gate_words.h"

const char *const gate_kinds[GATE_KINDS] = {[GATE_SCENARIO] = "scenario",
                                            [GATE_MANIFEST] = "manifest",
                                            [GATE_COMMAND] = "command",
                                            [GATE_REGRET] = "regret",
                                            [GATE_CONTROL] = "control"};
const char *const gate_reasons[GATE_REASONS] = {[GATE_BY_OUTPUT] = "output",
                                                [GATE_BY_WORK] = "work",
                                                [GATE_BY_INSTRUCTIONS] = "instructions",
                                                [GATE_BY_PAIRS] = "pairs",
                                                [GATE_UNCONFIRMED] = "not confirmed",
                                                [GATE_BY_CONTROL] = "control",
                                                [GATE_BY_RECORD] = "record",
                                                [GATE_STOPPED] = "stopped",
                                                [GATE_BY_ERROR] = "error"};
const char *const gate_changes[GATE_CHANGES] = {
    [GATE_SAME] = "same",     [GATE_SLOWER] = "slower",   [GATE_FASTER] = "faster",
    [GATE_HINTED] = "hinted", [GATE_UNCLEAR] = "unclear", [GATE_UNUSABLE] = "unusable"};

// ---- life

void gate_result_init(struct gate_result *r) {
    *r = (struct gate_result){
        .alpha = verdict_rule_default().alpha, .alpha_suite = GATE_ALPHA_SUITE, .verdict = VERDICT_INVALID};
    arena_init(&r->arena, 0);
}

void gate_result_release(struct gate_result *r) {
    for (size_t i = 0; i < r->rows_n; i++) {
        comparison_release(&r->rows[i].comparison);
        comparison_release(&r->rows[i].mirror);
    }
    mem_free(r->rows);
    mem_free(r->warnings);
    arena_release(&r->arena);
    *r = (struct gate_result){0};
}

const char *gate_keep(struct gate_result *r, const char *text) {
    const char *kept = arena_copy(&r->arena, text, strlen(text));
    if (!kept)
        mem_fail(strlen(text));
    return kept;
}

const char *gate_printf(struct gate_result *r, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return gate_keep(r, text);
}

void gate_warn(struct gate_result *r, const char *text) {
    MEM_GROW(r->warnings, r->warnings_cap, r->warnings_n + 1);
    r->warnings[r->warnings_n++] = gate_keep(r, text);
}

struct gate_row *gate_add(struct gate_result *r, const char *name, enum gate_kind kind, const char *of) {
    MEM_GROW(r->rows, r->rows_cap, r->rows_n + 1);
    struct gate_row *row = &r->rows[r->rows_n++];
    *row = (struct gate_row){.name = gate_keep(r, name), .kind = kind, .of = gate_keep(r, of)};
    comparison_init(&row->comparison);
    comparison_init(&row->mirror);
    return row;
}

const struct gate_row *gate_find(const struct gate_result *r, const char *name) {
    for (size_t i = 0; i < r->rows_n; i++)
        if (strcmp(r->rows[i].name, name) == 0)
            return &r->rows[i];
    return NULL;
}

// ---- sessions

double gate_confirming_alpha(double alpha, double alpha_suite, size_t benchmarks) {
    double left = benchmarks ? alpha_suite / ((double)benchmarks * alpha) : alpha_suite;
    return fmin(left, VERDICT_CONFIRMING_ALPHA);
}

// What a round says of instructions, which hardly vary; VERDICT_MORE: nothing.
static struct verdict_look look_at_instructions(const struct gate_row *row, size_t round) {
    const struct comparison *c = &row->comparison;
    struct verdict_look none = {.verdict = VERDICT_MORE};
    if (!row->counts_instructions || c->metric == PAIRED_INSTRUCTIONS || round >= c->rounds_n)
        return none;
    const struct comparison_round *r = &c->rounds[round];
    for (uint32_t i = 0; i < r->pairs_n; i++)
        if (!r->pairs[i].a.instructions || !r->pairs[i].b.instructions)
            return none;
    struct verdict_rule rule = comparison_rule(c, round);
    return paired_verdict(r->pairs, r->pairs_n, PAIRED_INSTRUCTIONS, c->pairs, &rule);
}

bool gate_is_flagged(const struct gate_row *row) {
    return !row->error && row->comparison.rounds_n == 1 &&
           (comparison_look(&row->comparison, 0).verdict == VERDICT_FAIL ||
            look_at_instructions(row, 0).verdict == VERDICT_FAIL);
}

bool gate_is_hinted(const struct gate_row *row) {
    if (row->error || !row->comparison.rounds_n || row->kind == GATE_REGRET)
        return false;
    struct verdict_look look = comparison_look(&row->comparison, 0);
    return look.pairs && look.verdict == VERDICT_PASS &&
           log(look.estimate) <= -log1p(row->comparison.rule.large);
}

// ---- one row

static bool is_confirmed_faster(const struct gate_row *row) {
    return row->mirror.rounds_n && comparison_look(&row->mirror, 0).verdict == VERDICT_FAIL;
}

static void settle(struct gate_row *row, enum verdict verdict, enum gate_reason reason,
                   const struct verdict_look *look, size_t round) {
    row->verdict = verdict;
    row->reason = reason;
    if (!look || !look->pairs)
        return;
    struct verdict_rule rule = comparison_rule(&row->comparison, round);
    row->ratio = look->estimate;
    row->lower = look->lower;
    row->upper = look->upper;
    row->pairs = look->pairs;
    row->session = (uint32_t)round + 1;
    row->dropped = comparison_dropped(&row->comparison, round);
    row->sure = 1 - (row->lower > 0 ? rule.alpha : 0) - (isinf(row->upper) ? 0 : rule.beta);
}

static enum gate_reason reason_of(enum judgement_reason reason) {
    static const enum gate_reason reasons[JUDGEMENT_REASONS] = {[JUDGED_BY_OUTPUT] = GATE_BY_OUTPUT,
                                                                [JUDGED_BY_WORK] = GATE_BY_WORK,
                                                                [JUDGED_BY_PAIRS] = GATE_BY_PAIRS,
                                                                [JUDGED_UNCONFIRMED] = GATE_UNCONFIRMED,
                                                                [JUDGED_TOO_EARLY] = GATE_STOPPED};
    return reasons[reason];
}

// Of what A was only its record is there: its outputs and its work.
static bool judge_record(struct gate_row *row) {
    const struct comparison_side *sides = row->comparison.sides;
    if (!row->only_record || !sides[1].known)
        return false;
    settle(row, sides[0].work.n && sides[1].work.n ? VERDICT_PASS : VERDICT_INCONCLUSIVE, GATE_BY_RECORD,
           NULL, 0);
    return true;
}

static bool judge_instructions(struct gate_row *row) {
    struct verdict_look first = look_at_instructions(row, 0), second = look_at_instructions(row, 1);
    if (first.verdict != VERDICT_FAIL || second.verdict != VERDICT_FAIL)
        return false;
    settle(row, VERDICT_FAIL, GATE_BY_INSTRUCTIONS, &second, 1);
    row->metric = PAIRED_INSTRUCTIONS;
    return true;
}

static void judge_verdict(struct gate_row *row) {
    const struct comparison *c = &row->comparison;
    row->metric = c->metric;
    if (row->error) {
        settle(row, VERDICT_INVALID, GATE_BY_ERROR, NULL, 0);
        return;
    }
    struct judgement judgement = comparison_judge(c);
    bool strongest = judgement.reason == JUDGED_BY_OUTPUT || judgement.reason == JUDGED_BY_WORK;
    if (!strongest && (judge_record(row) || judge_instructions(row)))
        return;
    settle(row, judgement.verdict, reason_of(judgement.reason), &judgement.look, judgement.round);
    if (row->kind == GATE_CONTROL && (row->verdict == VERDICT_FAIL || is_confirmed_faster(row)))
        settle(row, VERDICT_INVALID, GATE_BY_CONTROL, NULL, 0);
}

static enum gate_change change_of(const struct gate_row *row) {
    switch (row->verdict) {
    case VERDICT_FAIL:
        return GATE_SLOWER;
    case VERDICT_INVALID:
        return GATE_UNUSABLE;
    case VERDICT_PASS:
        break;
    case VERDICT_INCONCLUSIVE:
    case VERDICT_MORE:
        return GATE_UNCLEAR;
    }
    if (is_confirmed_faster(row))
        return GATE_FASTER;
    return gate_is_hinted(row) ? GATE_HINTED : GATE_SAME;
}

static bool is_accepted(const struct comparison *c, const char *name) {
    for (size_t i = 0; i < c->accepted_n; i++)
        if (strcmp(c->accepted[i], name) == 0)
            return true;
    return false;
}

static void take_counters(struct gate_result *r, struct gate_row *row) {
    const struct comparison *c = &row->comparison;
    const struct work *a = &c->sides[0].work, *b = &c->sides[1].work;
    row->counters_n = 0;
    row->counters = ARENA_NEW_ARRAY(&r->arena, struct gate_counter, a->n + 1);
    if (!row->counters)
        mem_fail(a->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct work_counter *before = &a->counters[i], *after = work_find(b, before->name);
        if (!after || after->value == before->value)
            continue;
        bool grown = work_is_worse(before->value, after->value);
        row->counters[row->counters_n++] = (struct gate_counter){
            before->name, before->value, after->value, grown, grown && is_accepted(c, before->name)};
    }
}

static void take_stages(struct gate_row *row) {
    const struct comparison_side *sides = row->comparison.sides;
    row->stages_n = 0;
    for (int i = 0; i < WORK_STAGES; i++)
        if (sides[0].stages[i] > 0 && sides[1].stages[i] > 0)
            row->stages[row->stages_n++] =
                (struct gate_stage){work_stages[i], sides[0].stages[i], sides[1].stages[i]};
}

static void take_outlook(struct gate_row *row, const struct verdict_look *look, size_t round) {
    struct verdict_rule rule = comparison_rule(&row->comparison, round);
    double smallest;
    uint32_t wanted;
    verdict_outlook(look, &rule, &smallest, &wanted);
    row->smallest = isinf(smallest) ? 0 : smallest;
    row->wanted = isinf(smallest) || wanted == UINT32_MAX ? 0 : wanted;
}

static void judge_row(struct gate_result *r, struct gate_row *row) {
    row->ratio = row->lower = row->sure = row->smallest = 0;
    row->upper = INFINITY;
    row->pairs = row->dropped = row->session = row->wanted = 0;
    judge_verdict(row);
    row->change = change_of(row);
    for (size_t side = 0; side < 2; side++)
        row->medians[side] = comparison_median(&row->comparison, side);
    for (enum paired_metric metric = 0; metric < PAIRED_METRICS; metric++)
        row->ratios[metric] = comparison_ratio(&row->comparison, metric);
    if (row->verdict == VERDICT_INCONCLUSIVE && row->pairs) {
        struct judgement judgement = comparison_judge(&row->comparison);
        take_outlook(row, &judgement.look, judgement.round);
    }
    take_counters(r, row);
    take_stages(row);
    row->metric_words = gate_metric_words(row->metric);
    row->unit = gate_metric_unit(row->metric);
    row->text = gate_row_sentence(r, row);
    row->cause = gate_row_cause(r, row);
}

// ---- the suite

static enum verdict verdict_of_counts(const struct gate_result *r) {
    if (r->counts[VERDICT_INVALID])
        return VERDICT_INVALID;
    if (r->counts[VERDICT_FAIL])
        return VERDICT_FAIL;
    return r->counts[VERDICT_INCONCLUSIVE] || r->interrupted || !r->benchmarks ? VERDICT_INCONCLUSIVE
                                                                               : VERDICT_PASS;
}

void gate_judge(struct gate_result *r) {
    memset(r->counts, 0, sizeof r->counts);
    r->benchmarks = r->faster = 0;
    bool moved = false;
    for (size_t i = 0; i < r->rows_n; i++) {
        struct gate_row *row = &r->rows[i];
        judge_row(r, row);
        if (row->kind == GATE_CONTROL) {
            moved = moved || row->verdict == VERDICT_INVALID;
            continue;
        }
        r->benchmarks++;
        r->counts[row->verdict]++;
        r->faster += row->change == GATE_FASTER;
    }
    r->alpha_confirming = gate_confirming_alpha(r->alpha, r->alpha_suite, r->benchmarks);
    r->verdict = moved ? VERDICT_INVALID : verdict_of_counts(r);
    r->text = gate_suite_sentence(r);
}
