// SPDX-License-Identifier: MIT
// What the command line asks of a run.
#include <stdlib.h>

#include "cli/cache_place.h"
#include "cli/running.h"
#include "pipeline/plan/define.h"
#include "scheduler/partition.h"

enum { BATCH_MAX = 1 << 20 };

enum status running_choose_workers(const struct options *options, struct worker_count *count,
                                   struct err *err) {
    struct worker_choice choice;
    const enum status status = worker_choice_read(options, &choice, err);
    *count = choice.most;
    return status;
}

bool running_select_jobs(const struct options *options, struct manifest *manifest, struct err *err) {
    const char *const *words;
    struct str names[OPTION_REPEATS];
    size_t n = options_all(options, "only", &words);
    for (size_t i = 0; i < n; i++)
        names[i] = str_of(words[i]);
    return n == 0 || manifest_select(manifest, names, n, err);
}

// What of the cache may be used.
static enum status read_cache_options(const struct options *options, struct run_options *run,
                                      struct err *err) {
    const char *const *words, *audit = options_get(options, "audit");
    char *end;
    if (cache_wish(options_get(options, "cache"), &run->cache, err) != STATUS_OK)
        return err->status;
    size_t n = options_all(options, "refresh", &words);
    for (size_t i = 0; i < n; i++)
        if (caches_parse_refresh(str_of(*words[i] ? words[i] : "all"), &run->cache, err) != STATUS_OK)
            return err->status;
    if (!audit)
        return STATUS_OK;
    const double percent = *audit ? strtod(audit, &end) : 1;
    if (*audit && (*end || !(percent > 0 && percent <= 100)))
        return err_set(err, STATUS_DATA, "--audit is a percentage above 0, at most 100, not \"%s\"", audit);
    run->audit = percent / 100;
    return STATUS_OK;
}

// The one that is asked for, or NULL: the manifest may ask for one.
static enum status read_strategy(const struct options *options, const struct strategy **strategy,
                                 struct err *err) {
    const char *flag = options_get(options, "strategy"), *variable = getenv("PRESSRUN_STRATEGY");
    const char *name = flag ? flag : variable && *variable ? variable : NULL;
    struct err why;
    *strategy = NULL;
    if (!name || strategy_find(str_of(name), strategy, &why) == STATUS_OK)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "%s: %s", flag ? "--strategy" : "PRESSRUN_STRATEGY", why.text);
}

static enum status read_partition(const struct options *options, const struct partition **partition,
                                  struct err *err) {
    const char *flag = options_get(options, "partition");
    struct err why;
    *partition = NULL;
    if (!flag || partition_find(str_of(flag), partition, &why) == STATUS_OK)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "--partition: %s", why.text);
}

// What the command line asks of the run.
static enum status read_options(struct cli *cli, const struct options *options, struct run_options *run,
                                struct worker_choice *workers, struct err *err) {
    const char *most = options_get(options, "max-failed");
    uint32_t max_failed = 0;
    *run = (struct run_options){.fs = &cli->fs,
                                .clock = cli->clock,
                                .force = options_has(options, "force"),
                                .durable = options_has(options, "durable"),
                                .wait = options_has(options, "wait"),
                                .path = options_has(options, "verbose"),
                                .max_failed = RUN_NO_BOUND};
    if (most) {
        if (options_number("--max-failed", most, 0, UINT32_MAX, &max_failed, err) != STATUS_OK)
            return err->status;
        run->max_failed = max_failed;
    }
    const char *batch = options_get(options, "batch");
    if (batch && options_number("--batch", batch, 1, BATCH_MAX, &run->batch, err) != STATUS_OK)
        return err->status;
    if (cli_now(cli, &run->now, err) != STATUS_OK || read_cache_options(options, run, err) != STATUS_OK ||
        read_strategy(options, &run->strategy, err) != STATUS_OK ||
        read_partition(options, &run->partition, err) != STATUS_OK)
        return err->status;
    enum status status = worker_choice_read(options, workers, err);
    run->workers = workers->most.n;
    return status;
}

bool running_define(struct cli *cli, const struct options *options, struct manifest *manifest) {
    const char *const *words;
    size_t n = options_all(options, "define", &words);
    if (n == 0)
        return true;
    const struct define *defines = define_parse(&manifest->arena, words, n, &cli->diags);
    if (!defines) {
        cli_write_diags(cli);
        return false;
    }
    manifest->globals = define_over(&manifest->arena, manifest->globals, defines, n);
    return true;
}

bool running_init_dry(struct run_options *run, struct cli *cli, const struct command *command,
                      const struct options *options) {
    struct worker_count workers;
    struct err err;
    *run = (struct run_options){.fs = &cli->fs,
                                .clock = cli->clock,
                                .max_failed = RUN_NO_BOUND,
                                .remember = true,
                                .dry = true,
                                .output = options_get(options, "output")};
    enum status status = running_choose_workers(options, &workers, &err);
    if (status == STATUS_OK)
        status = cli_now(cli, &run->now, &err);
    run->workers = workers.n;
    if (status != STATUS_OK)
        cli_argument_error(command, "%s", err.text);
    return status == STATUS_OK;
}

bool running_init(struct running *running, struct cli *cli, const struct command *command,
                  const struct options *options) {
    struct err err;
    *running = (struct running){.options = options, .alert_exit = -1};
    if (read_options(cli, options, &running->run, &running->workers, &err) == STATUS_OK)
        return true;
    cli_argument_error(command, "%s", err.text);
    return false;
}
