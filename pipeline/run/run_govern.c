// SPDX-License-Identifier: MIT
/*
 * How many of the workers work while the run goes on, and whether it loads: ten times a second the machine is looked at
 * (monitor/pressure.h), the governor decides (scheduler/governor.h), and make's tokens are taken and given back
 * (scheduler/jobserver.h). So many work as the governor allows and as there are tokens for, and one more.
 *
 * While intake is paused a pass loads only when no batch at all is in flight: one at a time, so that a run gets on
 * although what fills the memory is not its own, or stays. A pass that is held is woken by whoever ends the last batch, or
 * ends the pause.
 */
#include "base/mem.h"
#include "monitor/pressure.h"
#include "pipeline/run/run_watch.h"
#include "scheduler/governor.h"
#include "scheduler/workers.h"

#define TICK UINT64_C(100000000) // nanoseconds
enum { IDLE_TICKS = 5 };         // before tokens that nobody uses go back

struct govern {
    struct run *run;
    struct governor governor;
    struct pressure *pressure; // NULL: there is nothing to decide
    uint32_t limit;            // workers now
    uint32_t idle_ticks;
    atomic_bool paused;
    // for the report
    uint32_t most;
    struct run_govern_report report;
};

static struct jobserver *jobserver_of(const struct run *run) {
    return run->options->govern.jobserver;
}

// ---- the limit

static void set_limit(struct govern *g, uint32_t limit, uint32_t row) {
    struct run *run = g->run;
    g->limit = limit;
    g->most = limit > g->most ? limit : g->most;
    g->report.least = g->report.least && g->report.least < limit ? g->report.least : limit;
    run_limit_workers(run, LIMIT_GOVERNOR, limit);
    if (run->through && !run->plan->manifest->limits.processes)
        through_set_processes(run->through, limit);
    if (run->options->trace)
        trace_counter(run->options->trace, row, "workers", run_now(run), limit);
}

// What the run could do with now.
struct demand {
    bool waits;    // more than there are workers
    uint32_t uses; // workers at work, or processes of filters
};

static struct demand demand_of(const struct govern *g) {
    const struct run *run = g->run;
    const uint32_t asked = run->through ? through_asked(run->through) : 0;
    const uint32_t working = graph_working(run->graph);
    const uint32_t filters = asked < g->limit ? asked : g->limit;
    return (struct demand){.waits = graph_waiting(run->graph) > 0 || asked > g->limit,
                           .uses = working > filters ? working : filters};
}

// Of those allowed, as many as there are tokens for. Tokens that nobody has used for some time go back; so does that of a
// worker that has too much, when it has ended what it does.
static uint32_t with_tokens(struct govern *g, uint32_t allowed, const struct demand *demand) {
    const uint32_t uses = demand->uses ? demand->uses : 1;
    g->idle_ticks = demand->waits || uses >= g->limit ? 0 : g->idle_ticks + 1;
    uint32_t wanted = allowed;
    if (!demand->waits && wanted > g->limit)
        wanted = g->limit;
    if (g->idle_ticks >= IDLE_TICKS && wanted > uses)
        wanted = uses;
    const uint32_t tokens = jobserver_hold(jobserver_of(g->run), (wanted > uses ? wanted : uses) - 1);
    return wanted < tokens + 1 ? wanted : tokens + 1;
}

// ---- decisions

static void pause_intake(struct govern *g, bool paused) {
    if (paused == atomic_load(&g->paused))
        return;
    g->report.pauses += paused;
    atomic_store(&g->paused, paused);
    if (!paused)
        run_govern_wake(g->run);
}

static uint32_t decide(struct govern *g, bool waiting) {
    struct pressure_load load;
    const uint64_t now = run_now(g->run);
    if (!g->pressure)
        return g->governor.now.limit;
    pressure_look(g->pressure, now, &load);
    const struct governor_sample sample = {.at = now,
                                           .cpu_known = load.cpu_known,
                                           .cpus = load.cpus,
                                           .busy = load.busy,
                                           .own = load.own,
                                           .memory_known = load.memory_known,
                                           .memory_used = load.memory_used,
                                           .memory_limit = load.memory_limit,
                                           .waiting = waiting};
    const struct governor_decision *decision = governor_decide(&g->governor, &sample);
    if (decision->cause != GOVERNOR_STEADY)
        g->report.cause = governor_cause_text(decision->cause);
    pause_intake(g, decision->intake_paused);
    return decision->limit;
}

static void tick(void *self, struct worker *worker) {
    struct govern *g = self;
    const struct demand demand = demand_of(g);
    uint32_t limit = decide(g, demand.waits && demand.uses >= g->limit);
    if (jobserver_of(g->run))
        limit = with_tokens(g, limit, &demand);
    if (limit == g->limit)
        return;
    g->report.changes++;
    set_limit(g, limit, worker->index);
}

// ---- the run

void run_govern_begin(struct run *run) {
    const struct run_govern_options *options = &run->options->govern;
    const uint32_t most = run->options->workers;
    const uint32_t least = options->least && options->least < most ? options->least : most;
    if (least == most && options->memory <= 0 && !options->jobserver)
        return;
    struct govern *g = run->govern = MEM_NEW(struct govern);
    g->run = run;
    g->report.governed = true;
    const struct governor_targets targets = {
        .cpu = options->cpu, .memory = options->memory, .least = least, .most = most};
    governor_init(&g->governor, &targets, options->first);
    if (least < most || options->memory > 0) {
        struct pressure_cpus cpus;
        pressure_cpus_of_process(workers_affinity(), &cpus);
        g->pressure = pressure_open(run->options->fs, "", &cpus);
    }
    uint32_t first = decide(g, false);
    if (options->jobserver)
        first = jobserver_hold(options->jobserver, first - 1) + 1;
    set_limit(g, first, 0);
    graph_set_tick(run->graph, TICK, tick, g);
}

bool run_govern_holds(struct pass_run *pass) {
    struct run *run = pass->run;
    if (!run->govern || !atomic_load(&run->govern->paused))
        return false;
    atomic_store(&pass->held, true);
    // Whoever ends the last batch or the pause says so before looking at `held`: one of the two sees the other.
    if (atomic_load(&run->in_flight) > 0 && atomic_load(&run->govern->paused))
        return true;
    atomic_store(&pass->held, false);
    return false;
}

void run_govern_wake(struct run *run) {
    for (size_t p = 0; run->govern && p < run->plan->passes_n; p++)
        if (atomic_exchange(&run->passes[p].held, false))
            graph_wake(run->graph, run->passes[p].node);
}

void run_govern_end(struct run *run) {
    struct govern *g = run->govern;
    if (!g)
        return;
    if (jobserver_of(run))
        jobserver_hold(jobserver_of(run), 0);
    pressure_close(g->pressure);
    g->pressure = NULL;
}

void run_govern_report(struct run *run, struct run_report *report) {
    struct govern *g = run->govern;
    if (!g)
        return;
    report->workers = g->most;
    report->govern = g->report;
    mem_free(g);
    run->govern = NULL;
}
