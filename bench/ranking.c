// SPDX-License-Identifier: MIT
#include "bench/ranking.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "bench/signed_rank.h"

enum { TOO_FEW = 3 }; // rounds that no bound can come of

const char *const ranking_places[] = {[RANKING_OPEN] = "open",
                                      [RANKING_LEADER] = "fastest",
                                      [RANKING_EQUAL] = "equal",
                                      [RANKING_SLOWER] = "slower",
                                      [RANKING_ASIDE] = "set aside"};

static const uint32_t looks[] = {8, 10, 12, 16, 20, 24, 32, 48, 64, RANKING_ROUNDS};
enum { LOOKS = sizeof looks / sizeof *looks };

struct ranking_rule ranking_rule_default(void) {
    return (struct ranking_rule){.wrong = 0.025, .blurred = 0.025, .equal = 0.03};
}

static bool is_look(uint32_t rounds) {
    int i = 0;
    while (i < LOOKS && looks[i] != rounds)
        i++;
    return i < LOOKS;
}

// ---- the errors

// What setting aside may cost of the error `wrong`, for all candidates together; 0: it is not done.
static double aside_error(const struct ranking_rule *rule, uint32_t n) {
    double ways = n; // times the choices of `keep` of n - 1
    if (!rule->keep || n <= rule->keep)
        return 0;
    for (uint32_t i = 0; i < rule->keep; i++)
        ways *= (double)(n - 1 - i) / (double)(i + 1);
    double error = ways * pow(rule->keep + 1, -RANKING_FIRST);
    return error <= rule->wrong / 2 ? error : 0;
}

struct spending {
    double slower, equal; // of one pair at one look
};

// Between two shares of the budget.
static struct spending spend(const struct ranking_rule *rule, uint32_t n, double from, double to) {
    double wrong = rule->wrong - aside_error(rule, n), pairs = n * (n - 1) / 2.0;
    return (struct spending){.slower = wrong * (to * to - from * from) / (2 * pairs), // each way
                             .equal = rule->blurred * (to - from) / pairs};
}

// ---- one look

static double time_of(const struct ranking_times *t, uint32_t round, uint32_t candidate) {
    return t->seconds[(size_t)round * t->n + candidate];
}

static bool is_live(const struct ranking *r, uint32_t candidate) {
    return r->places[candidate] != RANKING_SLOWER && r->places[candidate] != RANKING_ASIDE;
}

// ln of b's time over a's in the rounds that have both.
static uint32_t differences(const struct ranking_times *t, uint32_t a, uint32_t b, double d[RANKING_ROUNDS]) {
    uint32_t count = 0;
    for (uint32_t round = 0; round < t->rounds; round++)
        if (time_of(t, round, a) > 0 && time_of(t, round, b) > 0)
            d[count++] = log(time_of(t, round, b) / time_of(t, round, a));
    return count;
}

// Of those that are left the one with the smallest Hodges-Lehmann estimate, after what a round did to all is taken off.
static uint32_t find_leader(const struct ranking_times *t, const struct ranking *r) {
    double mean[RANKING_ROUNDS], own[RANKING_ROUNDS], best = INFINITY;
    uint32_t leader = 0;
    for (uint32_t round = 0; round < t->rounds; round++) {
        double sum = 0;
        uint32_t live = 0;
        for (uint32_t c = 0; c < t->n; c++)
            if (is_live(r, c)) {
                sum += log(time_of(t, round, c));
                live++;
            }
        mean[round] = sum / live;
    }
    for (uint32_t c = 0; c < t->n; c++) {
        if (!is_live(r, c))
            continue;
        for (uint32_t round = 0; round < t->rounds; round++)
            own[round] = log(time_of(t, round, c)) - mean[round];
        struct walsh walsh;
        walsh_init(&walsh, own, t->rounds);
        double estimate = walsh_estimate(&walsh);
        walsh_release(&walsh);
        if (estimate < best) {
            best = estimate;
            leader = c;
        }
    }
    return leader;
}

static enum ranking_place place_of(const struct ranking_times *t, uint32_t leader, uint32_t other,
                                   const struct ranking_rule *rule, struct spending spending) {
    double d[RANKING_ROUNDS];
    struct walsh walsh;
    walsh_init(&walsh, d, differences(t, leader, other, d));
    bool slower = walsh_lower(&walsh, spending.slower) > 0;
    bool equal = walsh_lower(&walsh, spending.equal) > -log1p(rule->equal) &&
                 walsh_upper(&walsh, spending.equal) < log1p(rule->equal);
    walsh_release(&walsh);
    return slower && !equal ? RANKING_SLOWER : equal ? RANKING_EQUAL : RANKING_OPEN;
}

static void look(const struct ranking_times *t, const struct ranking_rule *rule, struct spending spending,
                 struct ranking *r) {
    r->rounds = t->rounds;
    r->leader = find_leader(t, r);
    r->decided = true;
    for (uint32_t c = 0; c < t->n; c++) {
        if (!is_live(r, c))
            continue;
        r->places[c] = c == r->leader ? RANKING_LEADER : place_of(t, r->leader, c, rule, spending);
        r->decided = r->decided && r->places[c] != RANKING_OPEN;
    }
}

// ---- the first look, for those without a chance

static bool is_faster_always(const struct ranking_times *t, uint32_t a, uint32_t b) {
    uint32_t round = 0;
    while (round < RANKING_FIRST && time_of(t, round, a) < time_of(t, round, b))
        round++;
    return round == RANKING_FIRST;
}

static void set_aside(const struct ranking_times *t, const struct ranking_rule *rule, struct ranking *r) {
    for (uint32_t c = 0; c < t->n; c++) {
        uint32_t faster = 0;
        for (uint32_t other = 0; other < t->n; other++)
            faster += other != c && is_faster_always(t, other, c);
        if (faster >= rule->keep)
            r->places[c] = RANKING_ASIDE;
    }
}

// ---- all looks

static struct ranking_times first_of(const struct ranking_times *times, uint32_t rounds) {
    return (struct ranking_times){times->seconds, times->spent, rounds, times->n};
}

struct ranking ranking_of(const struct ranking_times *times, const struct ranking_rule *rule, bool last) {
    const uint32_t rounds = times->rounds, n = times->n;
    struct ranking r = {0};
    double before = 0;
    assert(n >= 1 && n <= RANKING_MOST && rounds <= RANKING_ROUNDS);
    r.decided = n == 1;
    r.places[0] = n == 1 ? RANKING_LEADER : RANKING_OPEN;
    for (uint32_t now = 1; now <= rounds && !r.decided; now++) {
        const struct ranking_times so_far = first_of(times, now);
        bool end = now == RANKING_ROUNDS || (last && now == rounds && now >= TOO_FEW);
        if (now == RANKING_FIRST && aside_error(rule, n) > 0)
            set_aside(&so_far, rule, &r);
        if (!end && !is_look(now))
            continue;
        double spent = end ? 1 : times->spent[now - 1];
        look(&so_far, rule, spend(rule, n, before, spent), &r);
        before = spent;
    }
    if (!r.rounds && rounds)
        r.leader = find_leader(times, &r); // it can only be guessed
    return r;
}

struct ranking_ratio ranking_ratio(const struct ranking_times *times, uint32_t a, uint32_t b) {
    double d[RANKING_ROUNDS];
    struct ranking_ratio ratio = {.estimate = 1, .high = INFINITY, .rounds = differences(times, a, b, d)};
    if (!ratio.rounds)
        return ratio;
    struct walsh walsh;
    walsh_init(&walsh, d, ratio.rounds);
    ratio.estimate = exp(walsh_estimate(&walsh));
    ratio.low = exp(walsh_lower(&walsh, 0.025));
    ratio.high = exp(walsh_upper(&walsh, 0.025));
    walsh_release(&walsh);
    return ratio;
}
