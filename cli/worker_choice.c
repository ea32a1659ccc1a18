// SPDX-License-Identifier: MIT
#include "cli/worker_choice.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/strategy/strategy.h"

enum { WORKERS_MAX = 1024 };
static const double usual_cpu = 0.9, usual_memory = 0.8; // shares

// One side of a range; nothing is `missing`.
static bool read_side(struct str text, uint32_t missing, uint32_t *n) {
    char number[16];
    struct err err;
    *n = missing;
    if (text.n == 0)
        return true;
    if (text.n >= sizeof number)
        return false;
    memcpy(number, text.p, text.n);
    number[text.n] = 0;
    return options_number("", number, 1, WORKERS_MAX, n, &err) == STATUS_OK;
}

// `choice->most` is what there may be.
static enum status read_text(const char *name, const char *text, struct worker_choice *choice,
                             struct err *err) {
    const char *dots = strstr(text, "..");
    const uint32_t available = choice->most.n;
    choice->said = true;
    choice->most.source = name;
    if (!dots && options_number(name, text, 1, WORKERS_MAX, &choice->most.n, err) == STATUS_OK)
        return STATUS_OK;
    const struct str least = {text, dots ? (size_t)(dots - text) : 0}, most = str_of(dots ? dots + 2 : "");
    if ((least.n || most.n) && read_side(least, 1, &choice->least) &&
        read_side(most, available > choice->least ? available : choice->least, &choice->most.n) &&
        choice->least <= choice->most.n)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "%s must be a number or a range such as 2..8, from 1 to %u, not \"%s\"",
                   name, WORKERS_MAX, text);
}

enum status worker_choice_read(const struct options *options, struct worker_choice *choice, struct err *err) {
    const char *flag = options_get(options, "jobs"), *variable = getenv("PRESSRUN_JOBS");
    *choice = (struct worker_choice){.most = workers_available()};
    if (flag)
        return read_text("-j", flag, choice, err);
    if (variable && *variable)
        return read_text("PRESSRUN_JOBS", variable, choice, err);
    return STATUS_OK;
}

// Bounds of the manifest never ask for more than there is.
static void bound(struct worker_choice *choice, const struct manifest_workers *asked) {
    if (!asked->given || choice->said)
        return;
    if (asked->most && asked->most < choice->most.n)
        choice->most = (struct worker_count){.n = asked->most, .source = "manifest"};
    const uint32_t least = asked->least ? asked->least : 1;
    choice->least = least < choice->most.n ? least : choice->most.n;
}

// Where the strategy begins. One that begins with fewer than it may have is governed, where nothing was said.
static uint32_t begin(struct worker_choice *choice, const struct strategy *strategy) {
    const struct strategy_workers workers = strategy_workers(strategy, choice->most.n);
    const bool governed = choice->least && choice->least < choice->most.n;
    if (choice->said)
        return governed && workers.start > choice->least ? workers.start : choice->least;
    if (workers.start < choice->most.n)
        choice->most.source = NULL;
    choice->most.n = workers.most;
    if (!governed)
        choice->least = workers.start < workers.most ? workers.least : 0;
    choice->least = choice->least < workers.most ? choice->least : workers.most;
    return workers.start > choice->least ? workers.start : choice->least;
}

void worker_choice_settle(struct worker_choice *choice, const struct manifest *manifest,
                          struct run_options *run) {
    const struct manifest_workers *asked = &manifest->workers;
    struct run_govern_options *govern = &run->govern;
    bound(choice, asked);
    if (run->strategy)
        govern->first = begin(choice, run->strategy);
    run->workers = choice->most.n;
    govern->least = choice->least;
    const bool governed = choice->least && choice->least < choice->most.n;
    if (governed)
        govern->cpu = asked->cpu > 0 ? asked->cpu : usual_cpu;
    if (governed || asked->memory > 0)
        govern->memory = asked->memory > 0 ? asked->memory : usual_memory;
}

void worker_choice_share(struct cli *cli, struct worker_choice *choice, struct run_options *run) {
    char why[JOBSERVER_WHY_SIZE] = "";
    if (choice->said || run->workers == 1)
        return;
    run->govern.jobserver = jobserver_open(&cli->fs, getenv("MAKEFLAGS"), why);
    if (run->govern.jobserver)
        choice->most.source = "make jobserver";
    else if (*why && !cli->quiet)
        cli_note("%s", why);
}
