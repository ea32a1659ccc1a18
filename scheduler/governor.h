// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_GOVERNOR_H
#define PRESSRUN_SCHEDULER_GOVERNOR_H
/*
 * How many of the workers may work now, and whether new work is to be taken in: decided from samples of processor and
 * memory. Decisions only. There is no clock, no thread and no /proc in here; whoever has these feeds samples, some ten a
 * second, and carries out what is decided.
 *
 * The processor's target is a share of the CPUs. What it leaves over is the others' reserve R, at least a quarter of a
 * core. With C cores, target T, w workers that each keep d cores busy, and x cores busy with others' work:
 *
 *   raise   work waits, and with more workers the machine would still be below its target: x + (w + n) d <= (T - band) C;
 *           or the others leave half of their reserve, x <= R / 2, and half a worker has room: x + (w + 1/2) d <= C
 *   lower   the machine is above its target, x + w d > T C, and not by own work alone: x > R
 *
 * A steady load thus takes the number of workers in one direction only, whatever it is: after a raise the condition to lower
 * does not hold, and the other way round (governor.c says why). Averages are taken from the last change on, and nothing
 * changes before the cooldown is over, so no change is judged by what was before it. Loads that are not steady can turn
 * it round; each time a raise is taken back the next one waits twice as long, up to 64 cooldowns, and that wait halves only
 * after 64 cooldowns without such a thing. In n cooldowns there are thus at most 14 + n / 32 changes of direction.
 *
 * Memory: at its target or above, intake pauses, until it is below the target less the band. While it stays above the
 * workers become fewer, one a cooldown, and none come.
 *
 * Times are nanoseconds, loads are cores (1.5: one and a half CPUs busy). One thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct governor_targets {
    double cpu, memory;   // shares, above 0 and at most 1; 0: none
    double band;          // of hysteresis, a share; 0: the usual
    uint32_t least, most; // workers, at least 1
    uint64_t cooldown;    // at least between two changes; 0: the usual
};

struct governor_sample {
    uint64_t at;      // a monotonic clock
    bool cpu_known;   // else the next three are not
    double cpus;      // there are for everybody
    double busy, own; // of all, own work included; since the sample before
    bool memory_known;
    uint64_t memory_used, memory_limit;
    bool waiting; // there is more work than the workers now allowed take up
};

enum governor_cause {
    GOVERNOR_STEADY,
    GOVERNOR_ROOM,   // raised: work waits, and there are CPUs
    GOVERNOR_BUSY,   // lowered: others need the CPUs
    GOVERNOR_MEMORY, // lowered: so that less memory is needed
    GOVERNOR_CAUSES,
};

struct governor_decision {
    uint32_t limit;
    bool intake_paused;
    enum governor_cause cause; // of the limit: why it is another one than before
};

struct governor {
    struct governor_targets targets;
    struct governor_decision now;
    bool begun;
    uint64_t last, changed; // times: of the last sample, of the last change
    double cpus, busy, own; // averages since the change
    uint64_t averaged;      // nanoseconds that these are of
    bool was_raised;        // by the last change
    uint32_t patience;      // the next raise waits 2^patience cooldowns
    uint64_t patient_since;
};

// Begins with `first` workers; 0: as many as may be.
void governor_init(struct governor *g, const struct governor_targets *targets, uint32_t first);
const struct governor_decision *governor_decide(struct governor *g, const struct governor_sample *sample);

// "others need the CPUs", for reports.
const char *governor_cause_text(enum governor_cause cause);

#endif
