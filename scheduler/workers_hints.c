// SPDX-License-Identifier: MIT
/*
 * What launchers say in the environment. To add one: a row here, how it is read above it if that is new, a case in
 * tests/unit/test_workers.c, a line in docs/workers.md.
 */
#include <stddef.h>

#include "base/str.h"
#include "scheduler/workers.h"

enum { COUNT_MOST = 1 << 20 };

struct hint {
    const char *variable;
    const char *with; // counts only where this is set, since others use the name, too; NULL: always
    // 0: it cannot be meant.
    uint32_t (*read)(struct str text, const struct workers_machine *machine,
                     const struct workers_environment *environment);
};

static struct str variable_of(const struct workers_environment *environment, const char *name) {
    return str_of(environment->get(environment->self, name));
}

// Digits at the start, which are taken off; 0: there are none, or too many.
static uint32_t take_number(struct str *text) {
    uint32_t n = 0;
    size_t i = 0;
    for (; i < text->n && text->p[i] >= '0' && text->p[i] <= '9' && n <= COUNT_MOST; i++)
        n = n * 10 + (uint32_t)(text->p[i] - '0');
    *text = str_from(*text, i);
    return n <= COUNT_MOST ? n : 0;
}

static uint32_t whole_number(struct str text) {
    const uint32_t n = take_number(&text);
    return text.n == 0 ? n : 0;
}

static uint32_t count(struct str text, const struct workers_machine *machine,
                      const struct workers_environment *environment) {
    (void)machine;
    (void)environment;
    return whole_number(text);
}

// "4,2": by level of nesting, of which there is one here.
static uint32_t first_count(struct str text, const struct workers_machine *machine,
                            const struct workers_environment *environment) {
    (void)machine;
    (void)environment;
    text = str_trim(text);
    const uint32_t n = take_number(&text);
    text = str_trim(text);
    return text.n == 0 || text.p[0] == ',' ? n : 0;
}

// The n-th (from 0) of "2(x3),1", which is 2, 2, 2, 1; 0: it has none.
static uint32_t nth_count(struct str list, uint32_t n) {
    while (list.n > 0) {
        const uint32_t value = take_number(&list);
        uint32_t times = 1;
        if (str_starts(list, STR("(x"))) {
            list = str_from(list, 2);
            times = take_number(&list);
            if (!str_starts(list, STR(")")))
                return 0;
            list = str_from(list, 1);
        }
        if (n < times)
            return value;
        n -= times;
        if (list.n > 0 && list.p[0] != ',')
            return 0;
        list = str_from(list, 1);
    }
    return 0;
}

// CPUs of the job on this node, which its tasks here share. In a job's script, outside of any step, there is one.
static uint32_t share_of_node(struct str text, const struct workers_machine *machine,
                              const struct workers_environment *environment) {
    (void)machine;
    const uint32_t cpus = whole_number(text);
    const uint32_t node = whole_number(variable_of(environment, "SLURM_NODEID")); // not set: the first
    const uint32_t tasks = nth_count(variable_of(environment, "SLURM_STEP_TASKS_PER_NODE"), node);
    if (tasks <= 1 || cpus == 0)
        return cpus;
    return cpus > tasks ? cpus / tasks : 1;
}

// Processes that were started together on this node: each has its part of the CPUs they share. (A launcher that bound
// them has said so in their affinity, which may be less.)
static uint32_t share_of_ranks(struct str text, const struct workers_machine *machine,
                               const struct workers_environment *environment) {
    (void)environment;
    const uint32_t ranks = whole_number(text);
    const uint32_t shared = machine->shared ? machine->shared : machine->affinity;
    if (ranks <= 1)
        return 0;
    return shared > ranks ? shared / ranks : 1;
}

static const struct hint hints[] = {
    {"OMP_NUM_THREADS", NULL, first_count},
    {"OMP_THREAD_LIMIT", NULL, count},
    {"SLURM_CPUS_PER_TASK", NULL, count},
    {"SLURM_CPUS_ON_NODE", NULL, share_of_node},
    {"PBS_NUM_PPN", NULL, count},
    {"NCPUS", "PBS_JOBID", count},
    {"LSB_DJOB_NUMPROC", NULL, count},
    {"NSLOTS", "SGE_TASK_ID", count},
    {"OMPI_COMM_WORLD_LOCAL_SIZE", NULL, share_of_ranks},
    {"MPI_LOCALNRANKS", NULL, share_of_ranks},
    {"MV2_COMM_WORLD_LOCAL_SIZE", NULL, share_of_ranks},
};

struct worker_count workers_hinted(const struct workers_machine *machine,
                                   const struct workers_environment *environment) {
    struct worker_count least = {0};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        const struct hint *hint = &hints[i];
        const struct str text = variable_of(environment, hint->variable);
        if (text.n == 0 || (hint->with && !variable_of(environment, hint->with).p))
            continue;
        const uint32_t n = hint->read(text, machine, environment);
        if (n > 0 && (least.n == 0 || n < least.n))
            least = (struct worker_count){.n = n, .source = hint->variable};
    }
    return least;
}
