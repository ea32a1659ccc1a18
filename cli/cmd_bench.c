// SPDX-License-Identifier: MIT
// pressrun bench: the table of what can be measured.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"

static const struct option_spec bench_options[] = {
    OPTIONS_MANIFEST,
    {"seed", 0, "N", "of what is chosen at random: records, the order of runs (default: 1)"},
    {"scale", 0, "F", "sizes of scenarios, as a share of the full ones (default: 1)"},
    {"repeat", 0, "N", "runs of a scenario of each kind (default: 3)"},
    {"jobs", 'j', "N", "workers of scenarios, besides one (default: the CPUs this process may use)"},
    {"metric", 0, "NAME",
     "compare: what the verdict is about: cpu (default), wall (of strategies), instructions, peak_rss"},
    {"pairs", 0, "N", "compare: run exactly N pairs, up to 96 (default: until the verdict stands)"},
    {"confirm", 0, NULL, "compare: FAIL only if a second round of pairs says so, too"},
    {"accept", 0, "COUNTER", "compare: this work counter may grow by more than 1 %; repeatable"},
    {"ignore-output", 0, NULL, "compare: the outputs may differ"},
    {"seconds", 0, "N", "compare, load: kill a run that takes longer (default: 600)"},
    {"rate", 0, "N", "load: operations a second"},
    {"duration", 0, "TIME", "load: that is measured, such as 500ms, 30s or 5m (default: 10s)"},
    {"ramp-up", 0, "TIME", "load: before that, from nothing to the full rate (default: 1s)"},
    {"users", 0, "N", "load: operations at once (default: the CPUs this process may use)"},
    {"records", 0, "N", "load: take the first N of each source (default: 10000)"},
    {"command", 0, "COMMAND", "load: run it, instead of rendering jobs or besides; repeatable"},
    {"save", 0, "FILE", "compare: write the verdict and all samples to FILE, as --json prints them"},
    {"replay", 0, "FILE", "compare: no A and B; the verdict again from what was saved, running nothing"},
    {"slower", 0, "PERCENT", "selftest: by how much; repeatable (default: 3, 5 and 10)"},
    {"comparisons", 0, "N",
     "selftest: of each slowdown (default: 100); --pairs is of equals (default: 1000)"},
    {"suites", 0, "N", "selftest: suites of equals to form (default: 2000)"},
    {"budget", 0, "MINUTES", "selftest: begin nothing new after so many"},
    {"json", 0, NULL, "print figures, verdict and all samples as JSON"},
    OPTIONS_COMMON,
    {0},
};

bool bench_find_self(char *path, size_t size) {
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    path[n > 0 ? n : 0] = 0;
    if (n <= 0)
        cli_fail_os(errno, "cannot find out where this program is");
    return n > 0;
}

bool bench_number(const struct options *options, const char *name, uint32_t min, uint32_t max,
                  uint32_t *number, struct err *err) {
    char shown[32];
    const char *text = options_get(options, name);
    snprintf(shown, sizeof shown, "--%s", name);
    return !text || options_number(shown, text, min, max, number, err) == STATUS_OK;
}

// What there is by its first word, and the options that say something to it, besides --json, --seed, -q and -h.
static const struct bench_kind {
    const char *word, *shown;
    int (*run)(struct cli *cli, const struct options *options);
    const char *takes[16];
} kinds[] = {
    {"compare",
     "\"bench compare\"",
     bench_compare,
     {"directory", "file", "metric", "pairs", "confirm", "accept", "ignore-output", "seconds", "save",
      "replay"}},
    {"load",
     "\"bench load\"",
     bench_load,
     {"directory", "file", "rate", "duration", "ramp-up", "users", "records", "command", "seconds"}},
    {"selftest",
     "\"bench selftest\"",
     bench_selftest,
     {"scale", "pairs", "slower", "comparisons", "suites", "budget", "save", "replay"}},
    {"operation", "\"bench operation\"", bench_operation, {NULL}},
    {NULL, "scenarios and single operations", bench_run, {"scale", "repeat", "jobs"}}, // whatever the word
};

static bool takes(const struct bench_kind *kind, const char *option) {
    static const char *const common[] = {"json", "seed", "quiet", "help"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strcmp(option, common[i]) == 0)
            return true;
    for (size_t i = 0; kind->takes[i]; i++)
        if (strcmp(option, kind->takes[i]) == 0)
            return true;
    return false;
}

static int run_bench(struct cli *cli, const struct options *options) {
    const struct bench_kind *kind = kinds;
    while (kind->word && !(options->arguments_n && strcmp(options->arguments[0], kind->word) == 0))
        kind++;
    for (const struct option_spec *spec = options->specs; spec->name; spec++)
        if (options_has(options, spec->name) && !takes(kind, spec->name))
            return cli_argument_error(&command_bench, "--%s says nothing to %s", spec->name, kind->shown);
    return kind->run(cli, options);
}

const struct command command_bench = {
    .name = "bench",
    .arguments = "[NAME...] | compare A B | load [JOB[=WEIGHT]...] | selftest",
    .summary = "measure: scenarios, single operations, and whether one of two is slower",
    .details =
        "Without a name all of these are run; `scenarios` and `micro` stand for each half. A scenario is run "
        "in "
        "fresh\n"
        "processes, into an empty directory (cold) and again (warm), with one worker and with many; others "
        "run in\n"
        "this process. Same seed and scale: same records, same digest. A digest that differs between runs is "
        "INVALID.\n"
        "\n"
#define SHAPE(...)                                               0
#define SCENARIO(id, n, word, make, looks, set, path, flag, doc) "  " #id ": " doc "\n"
#include "bench/scenarios.def"
        "\n"
#define MICRO(id, of, prepared, work, unit, doc) "  " id ": " doc "\n"
#include "bench/micros.def"
        "\n"
        "A and B are strategies, manifests, executables of pressrun (for the manifest here, or -f), or "
        "commands in "
        "quotes.\n"
        "Each runs in fresh processes, one right after the other in random order, until it is clear: FAIL, B "
        "is\n"
        "slower, by about 3 % or more; PASS, it is not slower by 5 %; INCONCLUSIVE after 96 pairs. Before "
        "that,\n"
        "different outputs make the comparison INVALID, and more than 1 % more work, as runs of pressrun "
        "count\n"
        "it, is FAIL. Of equals, 2 in 100 may FAIL at most; with --confirm 1 in 1,000.\n"
        "\n"
        "CPU time, instructions and memory are taken on one CPU, wall time on all that may be used (taskset\n"
        "chooses). What runs of pressrun write goes to a directory below TMPDIR (default: /dev/shm) and is\n"
        "removed.\n"
        "\n"
        "load renders jobs of the manifest, all of them or those named, or runs commands, at a steady rate "
        "whether\n"
        "or not the ones before have ended (open loop): an operation that is late counts from when it was "
        "due. With\n"
        "weights jobs are mixed. A rate that was not reached by 99 % makes the measurement INVALID.\n"
        "\n"
        "selftest asks questions whose answers are known: an operation against itself, and against itself "
        "made slower\n"
        "by a busy loop after each record. It says how often the verdict was right, with 95 % intervals, and "
        "how often\n"
        "suites of 40 equals would fail. With --save FILE it goes on where the file ends; --replay FILE "
        "gives its\n"
        "figures again. Exit code 3: some promise is broken; 4: too few were measured.\n"
        "\n"
        "Exit codes: 0 pass; 1 load: operations failed; 2 usage, a run that failed, or INVALID; 3 fail; 4 "
        "inconclusive; 130 "
        "interrupted.\n",
    .options = bench_options,
    .run = run_bench,
};
