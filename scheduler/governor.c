// SPDX-License-Identifier: MIT
/*
 * Why a steady load never turns the number of workers round. Others want Y cores and each worker D, whatever the number of
 * workers; where that is more than there are, all are squeezed: x <= Y and d <= D, and both grow as workers leave.
 *
 * After a raise to w': either x + w' d <= (T - band) C, so nobody was squeezed, x = Y and d = D, and the machine is still
 * below its target; or x <= R / 2, and x has not become more, so it is not above R.
 * After a lowering to w': there x > R, and x has not become less, so it is above R / 2; and x + (w' + 1) d > T C held, for
 * w' is the largest number that this is not true of (or it is one less than before), and neither x nor d is less now.
 */
#include "scheduler/governor.h"

#define SECOND 1000000000u
static const double usual_band = 0.1, least_reserve = 0.25, least_demand = 0.05;
enum { PATIENCE_MOST = 6, PATIENCE_HALVES = 1 << PATIENCE_MOST /* cooldowns */ };

const char *governor_cause_text(enum governor_cause cause) {
    static const char *const texts[GOVERNOR_CAUSES] = {
        [GOVERNOR_STEADY] = "nothing changed",
        [GOVERNOR_ROOM] = "work waited, and there were CPUs for it",
        [GOVERNOR_BUSY] = "others needed the CPUs",
        [GOVERNOR_MEMORY] = "memory was above its target",
    };
    return texts[cause];
}

void governor_init(struct governor *g, const struct governor_targets *targets, uint32_t first) {
    *g = (struct governor){.targets = *targets};
    struct governor_targets *t = &g->targets;
    t->band = t->band > 0 ? t->band : usual_band;
    t->cooldown = t->cooldown ? t->cooldown : SECOND;
    t->least = t->least ? t->least : 1;
    t->most = t->most > t->least ? t->most : t->least;
    g->now.limit = first == 0 || first > t->most ? t->most : first < t->least ? t->least : first;
}

// ---- averages

static void begin_average(struct governor *g, uint64_t at) {
    g->changed = at;
    g->averaged = 0;
    g->cpus = g->busy = g->own = 0;
}

// All that was since the change, as long as that is not more than a cooldown; then what is old fades.
static void average(struct governor *g, const struct governor_sample *sample, uint64_t took) {
    if (!sample->cpu_known || took == 0)
        return;
    const uint64_t window = g->targets.cooldown;
    g->averaged = g->averaged + took < window ? g->averaged + took : window;
    const double share = took < g->averaged ? (double)took / (double)g->averaged : 1;
    const double busy = sample->busy < sample->cpus ? sample->busy : sample->cpus;
    g->cpus += share * (sample->cpus - g->cpus);
    g->busy += share * (busy - g->busy);
    g->own += share * ((sample->own < busy ? sample->own : busy) - g->own);
}

// ---- the processor

struct load {
    double others, demand; // cores: of all others, of one worker
    double target, low;    // cores
    double reserve;
};

static struct load load_of(const struct governor *g) {
    const struct governor_targets *t = &g->targets;
    const double each = g->own / g->now.limit, reserve = (1 - t->cpu) * g->cpus;
    return (struct load){.others = g->busy - g->own,
                         .demand = each > least_demand ? each : least_demand,
                         .target = t->cpu * g->cpus,
                         .low = (t->cpu - t->band) * g->cpus,
                         .reserve = reserve > least_reserve ? reserve : least_reserve};
}

// The most workers that keep the machine at `cores`, at least `least`.
static uint32_t fitting(const struct load *load, double cores, uint32_t least, uint32_t most) {
    const double n = (cores - load->others) / load->demand;
    return n >= most ? most : n > least ? (uint32_t)n : least;
}

static uint32_t lowered(const struct governor *g) {
    const struct load load = load_of(g);
    const uint32_t now = g->now.limit;
    if (g->averaged == 0 || g->targets.cpu <= 0 || now <= g->targets.least || g->busy <= load.target ||
        load.others <= load.reserve)
        return now;
    return fitting(&load, load.target, g->targets.least, now - 1);
}

static uint32_t raised(const struct governor *g) {
    const struct load load = load_of(g);
    const uint32_t now = g->now.limit;
    const uint32_t most = now <= g->targets.most / 2 ? 2 * now : g->targets.most;
    if (now >= g->targets.most)
        return now;
    if (g->targets.cpu <= 0)
        return most;
    if (g->averaged == 0)
        return now;
    const bool left_alone = load.others <= load.reserve / 2 && g->busy + load.demand / 2 <= g->cpus;
    return fitting(&load, load.low, left_alone ? now + 1 : now, most);
}

// ---- memory

static bool is_above(const struct governor_sample *sample, double share) {
    return (double)sample->memory_used >= share * (double)sample->memory_limit;
}

static void watch_memory(struct governor *g, const struct governor_sample *sample) {
    const struct governor_targets *t = &g->targets;
    if (t->memory <= 0 || !sample->memory_known || sample->memory_limit == 0)
        g->now.intake_paused = false;
    else if (is_above(sample, t->memory))
        g->now.intake_paused = true;
    else if (!is_above(sample, t->memory * (1 - t->band)))
        g->now.intake_paused = false;
}

// ---- changes

static void change(struct governor *g, uint64_t at, uint32_t limit, enum governor_cause cause) {
    const bool raises = limit > g->now.limit;
    if (!raises && g->was_raised && g->patience < PATIENCE_MOST) {
        g->patience++;
        g->patient_since = at;
    }
    g->was_raised = raises;
    g->now.limit = limit;
    g->now.cause = cause;
    begin_average(g, at);
}

static void become_impatient(struct governor *g, uint64_t at) {
    const uint64_t halves = PATIENCE_HALVES * g->targets.cooldown;
    for (; g->patience && at - g->patient_since >= halves; g->patience--)
        g->patient_since += halves;
}

const struct governor_decision *governor_decide(struct governor *g, const struct governor_sample *sample) {
    const uint64_t at = sample->at > g->last ? sample->at : g->last;
    if (!g->begun)
        begin_average(g, at);
    else
        average(g, sample, at - g->last);
    g->begun = true;
    g->last = at;
    g->now.cause = GOVERNOR_STEADY;
    watch_memory(g, sample);
    become_impatient(g, at);
    const uint64_t waited = at - g->changed, cooldown = g->targets.cooldown;
    if (waited < cooldown)
        return &g->now;
    const uint32_t now = g->now.limit, fewer = lowered(g);
    if (fewer < now)
        change(g, at, fewer, GOVERNOR_BUSY);
    else if (g->now.intake_paused && is_above(sample, g->targets.memory) && now > g->targets.least)
        change(g, at, now - 1, GOVERNOR_MEMORY);
    else if (sample->waiting && !g->now.intake_paused && waited >= cooldown << g->patience && raised(g) > now)
        change(g, at, raised(g), GOVERNOR_ROOM);
    return &g->now;
}
