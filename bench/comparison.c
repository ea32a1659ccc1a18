// SPDX-License-Identifier: MIT
#include "bench/comparison.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/signed_rank.h"

const char *const judgement_reasons[JUDGEMENT_REASONS] = {[JUDGED_BY_OUTPUT] = "output",
                                                          [JUDGED_BY_WORK] = "work",
                                                          [JUDGED_BY_PAIRS] = "pairs",
                                                          [JUDGED_UNCONFIRMED] = "not confirmed",
                                                          [JUDGED_TOO_EARLY] = "interrupted"};

void comparison_init(struct comparison *c) {
    *c = (struct comparison){.rule = verdict_rule_default(), .compares_output = true};
    arena_init(&c->arena, 0);
}

void comparison_release(struct comparison *c) {
    for (size_t i = 0; i < c->rounds_n; i++)
        mem_free(c->rounds[i].pairs);
    arena_release(&c->arena);
    *c = (struct comparison){0};
}

const char *comparison_keep(struct comparison *c, const char *text) {
    char *kept = arena_copy(&c->arena, text, strlen(text));
    if (!kept)
        mem_fail(strlen(text));
    return kept;
}

struct verdict_rule comparison_rule(const struct comparison *c, size_t round) {
    struct verdict_rule rule = c->rule;
    if (round < c->rounds_n)
        rule.alpha = c->rounds[round].alpha;
    else if (round > 0 && rule.alpha < VERDICT_CONFIRMING_ALPHA)
        rule.alpha = VERDICT_CONFIRMING_ALPHA;
    return rule;
}

struct verdict_look comparison_look(const struct comparison *c, size_t round) {
    struct verdict_rule rule = comparison_rule(c, round);
    const struct comparison_round *s = &c->rounds[round];
    return paired_verdict(s->pairs, s->pairs_n, c->metric, c->pairs, &rule);
}

uint32_t comparison_dropped(const struct comparison *c, size_t round) {
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < c->rounds[round].pairs_n; i++)
        dropped += c->rounds[round].pairs[i].dropped;
    return dropped;
}

static bool is_accepted(const struct comparison *c, const char *name) {
    for (size_t i = 0; i < c->accepted_n; i++)
        if (strcmp(c->accepted[i], name) == 0)
            return true;
    return false;
}

const struct work_counter *comparison_grown(const struct comparison *c, size_t n) {
    const struct work *a = &c->sides[0].work, *b = &c->sides[1].work;
    for (size_t i = 0; i < a->n; i++) {
        const struct work_counter *counter = work_find(b, a->counters[i].name);
        if (counter && work_is_worse(a->counters[i].value, counter->value) &&
            !is_accepted(c, counter->name) && n-- == 0)
            return counter;
    }
    return NULL;
}

static struct judgement judge_rounds(const struct comparison *c) {
    struct judgement judgement = {.verdict = VERDICT_INCONCLUSIVE, .reason = JUDGED_TOO_EARLY};
    if (!c->rounds_n)
        return judgement;
    struct verdict_look first = comparison_look(c, 0), second = {.verdict = VERDICT_MORE};
    judgement.look = first;
    if (first.verdict == VERDICT_MORE)
        return judgement;
    if (first.verdict != VERDICT_FAIL || !c->confirm)
        return (struct judgement){first.verdict, JUDGED_BY_PAIRS, 0, first};
    if (c->rounds_n > 1)
        second = comparison_look(c, 1);
    if (second.verdict == VERDICT_MORE)
        return judgement;
    if (second.verdict == VERDICT_FAIL)
        return (struct judgement){VERDICT_FAIL, JUDGED_BY_PAIRS, 1, second};
    return (struct judgement){VERDICT_INCONCLUSIVE, JUDGED_UNCONFIRMED, 1, second};
}

struct judgement comparison_judge(const struct comparison *c) {
    const struct comparison_side *a = &c->sides[0], *b = &c->sides[1];
    if (c->compares_output && a->known && b->known && !digest_equal(a->digest, b->digest))
        return (struct judgement){.verdict = VERDICT_INVALID, .reason = JUDGED_BY_OUTPUT};
    if (comparison_grown(c, 0))
        return (struct judgement){.verdict = VERDICT_FAIL, .reason = JUDGED_BY_WORK};
    return judge_rounds(c);
}

// The round that the judgement is of; NULL: none.
static const struct comparison_round *find_judged(const struct comparison *c) {
    return c->rounds_n ? &c->rounds[comparison_judge(c).round] : NULL;
}

struct comparison_median comparison_median(const struct comparison *c, size_t which) {
    struct comparison_median median = {0};
    const struct comparison_round *round = find_judged(c);
    double *values = MEM_NEW_ARRAY(double, (round ? round->pairs_n : 0) + 1);
    size_t n = 0;
    for (uint32_t i = 0; round && i < round->pairs_n; i++)
        if (!round->pairs[i].dropped)
            values[n++] = paired_value(which ? &round->pairs[i].b : &round->pairs[i].a, c->metric);
    if (n) {
        median.value = quantiles_median(values, n);
        median.bounded = quantiles_interval(values, n, 0.5, 0.95, &median.low, &median.high);
    }
    mem_free(values);
    return median;
}

double comparison_ratio(const struct comparison *c, enum paired_metric metric) {
    const struct comparison_round *round = find_judged(c);
    double ratio = 0;
    if (!round)
        return 0;
    double *differences = MEM_NEW_ARRAY(double, round->pairs_n + 1);
    uint32_t n = paired_differences(round->pairs, round->pairs_n, metric, differences);
    uint32_t index = (uint32_t)(round - c->rounds);
    if (n && n == round->pairs_n - comparison_dropped(c, index)) {
        struct walsh walsh;
        walsh_init(&walsh, differences, n);
        ratio = exp(walsh_estimate(&walsh));
        walsh_release(&walsh);
    }
    mem_free(differences);
    return ratio;
}
