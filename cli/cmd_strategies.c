// SPDX-License-Identifier: MIT
// pressrun strategies: the same job under every strategy, and which one is the best for it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/suggest.h"
#include "bench/scenario.h"
#include "bench/target.h"
#include "cli/bench.h"
#include "cli/interrupt.h"
#include "cli/running.h"
#include "cli/strategies_show.h"
#include "pipeline/manifest/manifest_table.h"
#include "pipeline/strategy/remembered.h"
#include "pipeline/strategy/strategy.h"
#include "scheduler/partition.h"

enum { PATH_SIZE = 4096, BUDGET = 60, BUDGET_MOST = 7 * 86400, WORDS_MOST = 2 * OPTION_REPEATS };
static const double scale_most = 1000;

static const struct option_spec strategies_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory that a choice is kept in (default: the manifest's)"},
    {"all", 0, NULL, "set none aside after a first look, and show all, not just the best three"},
    {"only", 0, "NAMES", "these strategies, such as sequential,parallel; may be repeated"},
    {"budget", 0, "TIME", "measure for so long at most: 90s, 5m (default: 60s)"},
    {"cold", 0, NULL, "with empty caches only (default: cold and warm)"},
    {"warm", 0, NULL, "with filled caches only"},
    {"jobs", 'j', "N", "give runs no more than N CPUs (default: those this process may use; PRESSRUN_JOBS)"},
    {"define", 'D', "NAME=TEXT", "set a global; NAME:=JSON for any value; may be repeated"},
    {"partitions", 0, NULL,
     "compare how batches are shared among workers instead (run --partition), under parallel"},
    {"scenario", 0, "NAME", "instead of a manifest: a scenario of \"pressrun bench\""},
    {"scale", 0, "F", "its size, as a share of the full one (default: 1)"},
    {"seed", 0, "N", "of the order of runs and of a scenario's records (default: 1)"},
    {"remember", 0, "[NAME]", "keep what is recommended for `strategy: auto`; NAME: that, without measuring"},
    {"pin", 0, "[NAME]", "the same, whatever becomes of manifest and machine"},
    {"forget", 0, NULL, "keep no choice any more; nothing is measured"},
    {"markdown", 0, NULL, "print the tables as Markdown"},
    {"json", 0, NULL, "print figures, choice and all samples as JSON"},
    OPTIONS_COMMON,
    {0},
};

struct strategies_job {
    struct cli *cli;
    const struct options *options;
    struct manifest *manifest; // owned; NULL: a scenario
    const struct scenario *scenario;
    double scale;
    char made[PATH_SIZE]; // the scenario's manifest
    struct contest_variant variants[RANKING_MOST];
    const char *words[WORDS_MOST + 1];
    struct contest_options contest;
    cpu_set_t cpus;
    bool progress, partitions;
};

// ---- what is asked for

static void add_partitions(struct strategies_job *j) {
    for (uint32_t i = 0; i < PARTITIONS_N; i++)
        j->variants[j->contest.variants_n++] =
            (struct contest_variant){.name = partitions[i].name,
                                     .words = {"--strategy", "parallel", "--partition", partitions[i].name},
                                     .candidate = true,
                                     .preference = i};
}

static const char automatic[] = "auto"; // one of the others under another name

static void add_strategy(struct strategies_job *j, const struct strategy *strategy, bool candidate) {
    // Of equals the one that watches and caches as usual, then whatever does less.
    static const char *const preferred[] = {"sequential", "minimal", "balanced", "parallel"};
    struct contest_variant *v = &j->variants[j->contest.variants_n];
    if (j->contest.variants_n == RANKING_MOST)
        return;
    *v = (struct contest_variant){.name = strategy->name,
                                  .words = {"--strategy", strategy->name},
                                  .candidate = candidate,
                                  .caches = strategy->caching.categories >> CACHE_RENDER & 1};
    while (v->preference < sizeof preferred / sizeof *preferred &&
           strcmp(preferred[v->preference], v->name) != 0)
        v->preference++;
    j->contest.variants_n++;
}

// In the order of the table in docs/strategies.md, and `auto` after them, where runs know it.
static void add_strategies(struct strategies_job *j) {
    for (int candidates = 1; candidates >= 0; candidates--)
        for (size_t i = 0; strategy_name(i); i++) {
            const struct strategy *strategy;
            struct err err;
            const bool candidate = strcmp(strategy_name(i), automatic) != 0;
            if (candidate == candidates &&
                strategy_find(str_of(strategy_name(i)), &strategy, &err) == STATUS_OK)
                add_strategy(j, strategy, candidate);
        }
}

_Static_assert((int)PARTITIONS_N <= (int)RANKING_MOST, "all can be ranked");

static bool is_named(struct str names, const char *name) {
    for (size_t at = 0; at <= names.n;) {
        const char *comma = at < names.n ? memchr(names.p + at, ',', names.n - at) : NULL;
        size_t end = comma ? (size_t)(comma - names.p) : names.n;
        if (str_is(str_slice(names, at, end), name))
            return true;
        at = end + 1;
    }
    return false;
}

static bool check_names(const struct strategies_job *j, struct str names, struct err *err) {
    const struct strategy *strategy;
    const struct partition *partition;
    for (size_t at = 0; at <= names.n;) {
        const char *comma = at < names.n ? memchr(names.p + at, ',', names.n - at) : NULL;
        size_t end = comma ? (size_t)(comma - names.p) : names.n;
        struct str name = str_slice(names, at, end);
        if ((j->partitions ? partition_find(name, &partition, err) : strategy_find(name, &strategy, err)) !=
            STATUS_OK)
            return false;
        at = end + 1;
    }
    return true;
}

// Leaves those that --only names.
static bool select_variants(struct strategies_job *j, struct err *err) {
    const char *const *names;
    size_t n = options_all(j->options, "only", &names);
    uint32_t left = 0;
    for (size_t i = 0; i < n; i++)
        if (!check_names(j, str_of(names[i]), err))
            return false;
    for (uint32_t v = 0; v < j->contest.variants_n && n; v++) {
        bool named = false;
        for (size_t i = 0; i < n; i++)
            named = named || is_named(str_of(names[i]), j->variants[v].name);
        if (named)
            j->variants[left++] = j->variants[v];
    }
    if (n)
        j->contest.variants_n = left;
    if (!j->variants[0].candidate)
        return !err_set(err, STATUS_DATA, "%s is one of the others: --only wants these, too", automatic);
    return true;
}

static const char *scenario_name(size_t n) {
    return scenarios[n].name;
}

static bool parse_scenario(struct strategies_job *j, struct err *err) {
    static const char *const others[] = {"output", "remember",  "pin",   "forget",
                                         "file",   "directory", "define"};
    static const size_t choices = 4; // the first ones
    const char *name = options_get(j->options, "scenario"), *scale = options_get(j->options, "scale");
    j->scale = 1;
    if (scale && !name)
        return !err_set(err, STATUS_DATA, "--scale is for --scenario");
    for (size_t i = 0; i < choices && j->partitions; i++)
        if (options_has(j->options, others[i]))
            return !err_set(err, STATUS_DATA, "--%s is for strategies, not for --partitions", others[i]);
    if (options_has(j->options, "forget") &&
        (options_has(j->options, "remember") || options_has(j->options, "pin")))
        return !err_set(err, STATUS_DATA, "--forget keeps no choice, so there is none to remember or pin");
    if (!name)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (options_has(j->options, others[i]))
            return !err_set(err, STATUS_DATA, "--%s is for a manifest, not for --scenario", others[i]);
    if (scale && (!number_parse_double(str_of(scale), &j->scale) || !(j->scale > 0) || j->scale > scale_most))
        return !err_set(err, STATUS_DATA, "--scale must be a number above 0, at most %g, not \"%s\"",
                        scale_most, scale);
    size_t chosen = 0;
    if (suggest_choose("scenario", str_of(name), scenario_name, &chosen, err) != STATUS_OK)
        return false;
    j->scenario = &scenarios[chosen];
    return true;
}

// Runs use as many workers as there are CPUs for them: fewer workers are fewer CPUs, whatever a strategy makes of them.
static bool parse_workers(struct strategies_job *j, struct err *err) {
    struct worker_count count;
    uint32_t kept = 0;
    if (running_choose_workers(j->options, &count, err) != STATUS_OK)
        return false;
    CPU_ZERO(&j->cpus);
    if (sched_getaffinity(0, sizeof j->cpus, &j->cpus) != 0 || (uint32_t)CPU_COUNT(&j->cpus) <= count.n)
        return true;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &j->cpus) && ++kept > count.n)
            CPU_CLR(cpu, &j->cpus);
    j->contest.cpus = &j->cpus;
    return true;
}

static bool parse_options(struct strategies_job *j, struct err *err) {
    const char *budget = options_get(j->options, "budget"), *seed = options_get(j->options, "seed");
    const bool cold = options_has(j->options, "cold"), warm = options_has(j->options, "warm");
    const char *const *defines;
    uint64_t seconds = BUDGET;
    uint32_t number = 1;
    if (budget && (!manifest_parse_time(str_of(budget), &seconds) || seconds > BUDGET_MOST))
        return !err_set(err, STATUS_DATA, "--budget must be a time such as 90s or 5m, 7d at most, not \"%s\"",
                        budget);
    if (seed && options_number("--seed", seed, 0, UINT32_MAX, &number, err) != STATUS_OK)
        return false;
    if (options_has(j->options, "json") && options_has(j->options, "markdown"))
        return !err_set(err, STATUS_DATA, "--json and --markdown are two");
    j->contest.budget = (double)seconds;
    j->contest.seed = number;
    j->contest.states[CONTEST_COLD] = cold || !warm;
    j->contest.states[CONTEST_WARM] = warm || !cold;
    j->contest.keep = options_has(j->options, "all") ? 0 : STRATEGIES_BEST;
    size_t n = options_all(j->options, "define", &defines);
    for (size_t i = 0; i < n; i++) {
        j->words[2 * i] = "-D";
        j->words[2 * i + 1] = defines[i];
    }
    j->partitions = options_has(j->options, "partitions");
    (j->partitions ? add_partitions : add_strategies)(j);
    return select_variants(j, err) && parse_scenario(j, err) && parse_workers(j, err);
}

// ---- what is remembered

static int keep_choice(struct strategies_job *j, const char *name, const char *state, double seconds) {
    struct remembered choice = {.pinned = options_has(j->options, "pin"), .seconds = seconds};
    struct worker_choice workers;
    struct run_options run = {.strategy = &strategy_auto};
    const struct strategy *strategy;
    struct err err;
    if (strcmp(name, automatic) == 0)
        return cli_fail("%s is what begins with the choice, and cannot be it", automatic);
    if (strategy_find(str_of(name), &strategy, &err) != STATUS_OK ||
        worker_choice_read(j->options, &workers, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    worker_choice_settle(&workers, j->manifest, &run); // as a run does it
    choice.workers = run.workers;
    choice.made = j->cli->clock.wall(j->cli->clock.self) / 1000000000;
    snprintf(choice.strategy, sizeof choice.strategy, "%s", strategy->name);
    snprintf(choice.state, sizeof choice.state, "%s", state);
    if (remembered_write(&j->cli->fs, options_get(j->options, "output"), j->manifest, &choice, &err) !=
        STATUS_OK)
        return cli_fail("%s", err.text);
    if (!j->cli->quiet)
        cli_note("`strategy: auto` %s %s from now on", choice.pinned ? "is" : "begins with", strategy->name);
    return EXIT_DONE;
}

static const char *named_choice(const struct strategies_job *j) {
    const char *pin = options_get(j->options, "pin"), *remember = options_get(j->options, "remember");
    return pin && *pin ? pin : remember && *remember ? remember : NULL;
}

static int forget(struct strategies_job *j) {
    struct err err;
    if (remembered_forget(&j->cli->fs, options_get(j->options, "output"), j->manifest, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (!j->cli->quiet)
        cli_note("`strategy: auto` begins with what it predicts from now on");
    return EXIT_DONE;
}

// What was found, where it is to be kept.
static int keep_found(struct strategies_job *j, const struct contest_result *result) {
    const enum contest_state state = contest_state_of(result);
    const uint32_t best = contest_recommended(result, state);
    if (!options_has(j->options, "remember") && !options_has(j->options, "pin"))
        return EXIT_DONE;
    if (!result->rankings[state].decided) {
        cli_note("nothing was decided, so nothing is remembered; --remember=%s does it all the same",
                 result->variants[best].name);
        return EXIT_DONE;
    }
    return keep_choice(j, result->variants[best].name, contest_states[state],
                       contest_figure(result, best, state, CONTEST_WALL).median);
}

// ---- measuring

static void progress(void *self, const char *variant, uint32_t round, double seconds) {
    const struct strategies_job *j = self;
    if (round)
        fprintf(stderr, "\rround %u: %s, %.0f of %.0f s\033[K", (unsigned)round, variant, seconds,
                j->contest.budget);
    else
        fprintf(stderr, "\routputs of %s\033[K", variant);
    fflush(stderr);
}

static int tell(const struct strategies_job *j, const struct contest_result *result) {
    const struct options *options = j->options;
    struct strategies_findings findings = {.result = result,
                                           .manifest = j->scenario ? j->scenario->name : j->contest.manifest,
                                           .what = j->partitions ? "partitions" : "strategies",
                                           .base = contest_find(result, j->partitions ? "static" : "minimal"),
                                           .all = options_has(options, "all"),
                                           .budget = j->contest.budget,
                                           .seed = j->contest.seed};
    struct buf text = BUF_INIT;
    findings.offers = j->manifest && !j->partitions && !options_has(options, "remember") &&
                      !options_has(options, "pin") && result->rankings[contest_state_of(result)].decided &&
                      result->candidates_n > 1;
    if (options_has(options, "json"))
        strategies_write_json(&findings, &text);
    else if (options_has(options, "markdown"))
        strategies_show_markdown(&findings, &text);
    else if (!j->cli->quiet)
        strategies_show_text(&findings, j->cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    bool decided = true;
    for (int state = 0; state < CONTEST_STATES; state++)
        decided = decided && (!result->states[state] || result->rankings[state].decided);
    return decided ? EXIT_DONE : EXIT_INCONCLUSIVE;
}

static int measure(struct strategies_job *j) {
    struct interrupt interrupt;
    struct contest_result result = {0};
    struct err err;
    enum status status = STATUS_OK;
    int failed = interrupt_start(&interrupt, "ending what is measured", NULL, NULL);
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    j->contest.interrupt = &interrupt.raised;
    if (j->scenario) {
        snprintf(j->made, sizeof j->made, "%s/scenario", j->contest.scratch);
        int made = fs_make_dirs(&j->cli->fs, AT_FDCWD, j->made, 0777);
        status = made < 0
                     ? err_os(&err, -made, "cannot make %s", j->made)
                     : scenario_make(j->scenario, &j->cli->fs, j->made, scenario_units(j->scenario, j->scale),
                                     j->contest.seed, &interrupt.raised, &err);
        snprintf(j->made, sizeof j->made, "%s/scenario/pressrun.yaml", j->contest.scratch);
        j->contest.manifest = j->made;
    }
    if (status == STATUS_OK)
        status = contest_run(&j->contest, &result, &err);
    interrupt_stop(&interrupt);
    if (j->progress)
        fputs("\r\033[K", stderr);
    int code = EXIT_INTERRUPTED;
    if (status != STATUS_OK && status != STATUS_CANCELLED)
        code = cli_fail("%s", err.text);
    else if (status == STATUS_OK && !result.interrupted) {
        int kept = keep_found(j, &result);
        code = tell(j, &result);
        code = kept == EXIT_DONE ? code : kept;
    }
    contest_release(&result);
    return code;
}

static int measure_in_scratch(struct strategies_job *j) {
    char self[PATH_SIZE], *scratch;
    struct err err;
    if (!bench_find_self(self, sizeof self))
        return EXIT_USAGE;
    if (target_scratch(&scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    j->contest.program = self;
    j->contest.scratch = scratch;
    int code = measure(j);
    target_remove(scratch);
    mem_free(scratch);
    return code;
}

// ---- the command

// What cannot be read again and again cannot be compared.
static int check_sources(const struct strategies_job *j) {
    for (size_t i = 0; i < j->manifest->sources_n; i++)
        if (str_is(j->manifest->sources[i].path, "-"))
            return cli_fail("source \"%.*s\" is standard input, which cannot be read more than once",
                            STR_ARG(j->manifest->sources[i].name));
    return EXIT_DONE;
}

static int run_manifest(struct strategies_job *j) {
    const char *name = named_choice(j);
    j->manifest = cli_read_manifest(j->cli, j->options);
    if (!j->manifest)
        return EXIT_USAGE;
    struct str path = arena_str(&j->cli->arena, j->manifest->text.name);
    j->contest.manifest = path.p;
    int code;
    if (options_has(j->options, "forget"))
        code = forget(j);
    else if (name)
        code = keep_choice(j, name, "", 0);
    else if ((code = check_sources(j)) == EXIT_DONE)
        code = measure_in_scratch(j);
    manifest_free(j->manifest);
    return code;
}

static int run_strategies(struct cli *cli, const struct options *options) {
    struct strategies_job j = {
        .cli = cli, .options = options, .progress = !cli->quiet && isatty(STDERR_FILENO)};
    struct err err;
    if (options->arguments_n)
        return cli_argument_error(&command_strategies, "unexpected argument \"%s\"", options->arguments[0]);
    if (!parse_options(&j, &err))
        return cli_argument_error(&command_strategies, "%s", err.text);
    j.contest.variants = j.variants;
    j.contest.more = j.words;
    j.contest.fs = &cli->fs;
    j.contest.clock = &cli->clock;
    j.contest.self = &j;
    j.contest.progress = j.progress ? progress : NULL;
    return j.scenario ? measure_in_scratch(&j) : run_manifest(&j);
}

const struct command command_strategies = {
    .name = "strategies",
    .arguments = "[--only NAMES] [--budget TIME] [--cold | --warm] [--remember] [--json | --markdown]",
    .summary = "run the job under every strategy, compare, and recommend one",
    .details =
        "Runs the manifest's jobs under each strategy in fresh processes, in rounds of one run each in "
        "random\n"
        "order, until it is clear which is the fastest, or the budget is spent: then it is undecided. What "
        "is\n"
        "slower beyond doubt drops out. Before anything is timed all must have made the same outputs.\n"
        "\n"
        "cold: caches are empty; warm: they are filled, and the journal is deleted between runs, so that "
        "all\n"
        "outputs are to be made. Each strategy has a cache and an output directory of its own below TMPDIR\n"
        "(default: /dev/shm); your outputs, caches and history are not touched, and a redis is left alone.\n"
        "\n"
        "Of all rankings 2.5 in 100 at most call anything slower that is not; \"equal\" is within 3 %, and "
        "what is\n"
        "recommended of equals has the fewest workers. See docs/strategies.md.\n"
        "\n"
        "Exit codes: 0 decided; 2 usage, a run that failed, or outputs that differ; 4 undecided;\n"
        "130 interrupted, nothing is left behind.\n",
    .options = strategies_options,
    .run = run_strategies,
};
