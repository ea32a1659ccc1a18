// SPDX-License-Identifier: MIT
// pressrun gate: whether a candidate is slower than a baseline, by a suite of benchmarks.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/gate_json.h"
#include "cli/bench.h"
#include "cli/gate_job.h"
#include "cli/gate_output.h"
#include "cli/interrupt.h"
#include "pipeline/strategy/strategy.h"

enum { SAVED_MOST = 256 << 20 };

static const struct option_spec gate_options[] = {
    {"baseline", 'b', "A",
     "what is compared with: a capsule, an executable of pressrun, a strategy, a manifest, a command; or "
     "\"history\""},
    {"candidate", 'c', "B", "what is compared: the like (default: this program)"},
    {"suite", 0, "FILE", "the benchmarks (default: gate.yaml, .yml or .json here, else the standard suite)"},
    {"directory", 'C', "DIR", "work in DIR"},
    {"file", 'f', "FILE", "the manifest that both run, in the place of a suite"},
    {"scale", 0, "F", "sizes of scenarios, as a share of the full ones (default: as the suite says)"},
    {"seed", 0, "N", "of records and of the order of runs"},
    {"metric", 0, "NAME",
     "what verdicts are about: cpu (usual), wall (of strategies), instructions, peak_rss"},
    {"pairs", 0, "N", "run exactly N pairs of each, up to 96 (default: until the verdict stands)"},
    {"seconds", 0, "N", "kill a run that takes longer (default: 600)"},
    {"accept", 0, "COUNTER", "this work counter may grow by more than 1 %; repeatable"},
    {"ignore-output", 0, NULL, "outputs may differ"},
    {"no-control", 0, NULL, "do not compare the baseline with itself"},
    {"keep", 0, "NAME", "compare nothing: keep the candidate as a capsule, to be a baseline later"},
    {"export", 0, "FILE", "the same into a file; with --baseline or --import that capsule is copied"},
    {"import", 0, "FILE", "the baseline is the capsule in this file"},
    {"advance", 0, NULL,
     "PASS, and something is surely faster: the candidate is kept in the baseline's place"},
    {"capsules", 0, NULL, "list what is kept"},
    {"forget", 0, "NAME", "keep a capsule no longer"},
    {"history", 0, "DIR", "where capsules are kept (default: as runs have it; PRESSRUN_HISTORY)"},
    {"replay", 0, "FILE", "the verdict again from what --write samples:FILE has kept, running nothing"},
    GATE_OUTPUT_OPTIONS,
    OPTIONS_COMMON,
    {0},
};

// ---- telling

static void progress(void *self, const char *benchmark, int session, const struct verdict_look *look,
                     uint32_t pairs) {
    (void)self;
    fprintf(stderr, "\r%s%s", session == 2 ? "second session: " : "", benchmark);
    if (pairs)
        fprintf(stderr, ", %u pairs", (unsigned)pairs);
    if (look->pairs)
        fprintf(stderr, ", %.3f times after %u", look->estimate, (unsigned)look->pairs);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

// ---- again, from what was saved

static int replay(struct cli *cli, const struct options *options, const char *path) {
    static const char *const others[] = {"baseline", "candidate", "suite",         "file",
                                         "scale",    "seed",      "metric",        "pairs",
                                         "seconds",  "accept",    "ignore-output", "no-control"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (options_has(options, others[i]))
            return cli_argument_error(&command_gate, "--replay takes no --%s: it is in the file", others[i]);
    if (options->arguments_n)
        return cli_argument_error(&command_gate, "--replay takes no benchmarks: they are in the file");
    char *text;
    size_t size;
    struct err err;
    if (fs_read_file(&cli->fs, path, SAVED_MOST, &text, &size, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct gate_result r;
    const char *stored;
    int code;
    gate_result_init(&r);
    if (gate_read_json(&r, (struct str){text, size}, &stored, &err) == STATUS_OK) {
        if (!stored || strcmp(stored, verdict_name(r.verdict)) != 0)
            cli_note("%s says %s, its samples say %s", path, stored ? stored : "nothing",
                     verdict_name(r.verdict));
        code = gate_output_tell(cli, options, &r);
    } else {
        code = cli_fail("%s holds no gate that can be judged again: %s", path, err.text);
    }
    gate_result_release(&r);
    mem_free(text);
    return code;
}

// ---- running

static void describe(struct gate_job *job, struct gate_result *r) {
    char started[32];
    time_t now = (time_t)(job->cli->clock.wall(job->cli->clock.self) / 1000000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &tm);
    r->started = gate_keep(r, started);
    r->program = "pressrun " PRESSRUN_VERSION;
    r->arguments = (const char *const *)job->options->words;
    r->arguments_n = job->options->words_n;
    r->baseline = job->baseline;
    r->candidate = job->candidate;
}

// What a capsule knows is of its own seed.
static void prepare(struct gate_job *job) {
    const struct cli *cli = job->cli;
    bool same = job->baseline.capsule && job->capsule.seed == job->suite.seed;
    job->run = (struct gate_run_options){
        .suite = &job->suite,
        .place = {job->self, job->scratch, &cli->fs, job->suite.seed, strategy_name, NULL},
        .texts = {job->texts[0], job->texts[1]},
        .records = same ? job->capsule.records : NULL,
        .records_n = same ? job->capsule.records_n : 0,
        .confirms_faster = options_has(job->options, "advance"),
        .clock = &cli->clock,
        .progress = !cli->quiet && isatty(STDERR_FILENO) ? progress : NULL};
}

static int compare(struct gate_job *job, struct gate_result *r) {
    struct interrupt interrupt;
    struct err err;
    int failed = interrupt_start(&interrupt, "ending what is measured", NULL, NULL);
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    job->run.place.interrupt = &interrupt.raised;
    enum status status = gate_run(&job->run, r, &err);
    interrupt_stop(&interrupt);
    if (job->run.progress)
        fputs("\r\033[K", stderr);
    return status == STATUS_OK ? EXIT_DONE : cli_fail("%s", err.text);
}

static int compare_and_tell(struct gate_job *job) {
    struct gate_result r;
    gate_result_init(&r);
    describe(job, &r);
    if (job->baseline.capsule && !job->texts[0])
        gate_warn(&r,
                  "the baseline's executable does not run here: outputs and work are compared, and no time");
    int moved = EXIT_DONE, code = compare(job, &r);
    if (code == EXIT_DONE && options_has(job->options, "advance"))
        moved = gate_capsules_advance(job, &r);
    else if (code == EXIT_DONE && job->past)
        moved = gate_past_remember(job, &r);
    if (code == EXIT_DONE)
        code = gate_output_tell(job->cli, job->options, &r);
    gate_result_release(&r);
    return code == EXIT_DONE ? moved : code;
}

// The capsule that is there already, to another place.
static int copy_capsule(struct gate_job *job) {
    const char *name = options_get(job->options, "keep"), *file = options_get(job->options, "export");
    const char *from = options_get(job->options, "baseline");
    const char *place = name ? gate_capsules_place(job) : NULL;
    int64_t now = job->cli->clock.wall(job->cli->clock.self) / 1000000000;
    struct err err;
    if ((name && !place) || !gate_capsules_take(job, from, &err))
        return name && !place ? EXIT_USAGE : cli_fail("%s", err.text);
    if ((name && capsule_keep(&job->capsule, place, name, now, &err) != STATUS_OK) ||
        (file && capsule_write(&job->capsule, &job->cli->fs, file, &err) != STATUS_OK))
        return cli_fail("%s", err.text);
    return EXIT_DONE;
}

static int run_suite(struct gate_job *job, bool compares) {
    int code = gate_choose_sides(job, compares);
    if (code == EXIT_DONE)
        code = gate_choose_suite(job);
    if (code == EXIT_DONE && options_has(job->options, "advance") && !job->baseline.capsule)
        code = cli_argument_error(&command_gate, "--advance moves a capsule, which %s is not",
                                  job->baseline.shown);
    if (code == EXIT_DONE) {
        prepare(job);
        code = job->past ? gate_past_recall(job) : EXIT_DONE;
    }
    if (code == EXIT_DONE) {
        code = compares ? compare_and_tell(job) : gate_capsules_make(job);
    }
    gate_suite_release(&job->suite);
    return code;
}

static int run_job(struct gate_job *job) {
    const struct options *options = job->options;
    bool puts = options_has(options, "keep") || options_has(options, "export");
    bool has = options_has(options, "import") || options_has(options, "baseline");
    if (options_has(options, "capsules"))
        return gate_capsules_list(job);
    if (options_has(options, "forget"))
        return gate_capsules_forget(job, options_get(options, "forget"));
    if (puts && has && !options_has(options, "advance"))
        return copy_capsule(job);
    return run_suite(job, !puts || options_has(options, "advance"));
}

static int run_gate(struct cli *cli, const struct options *options) {
    const char *directory = options_get(options, "directory"), *saved = options_get(options, "replay");
    struct gate_job job = {.cli = cli, .options = options};
    struct err err;
    if (directory && chdir(directory) != 0)
        return cli_fail_os(errno, "cannot work in %s", directory);
    if (!gate_output_check(options, &err))
        return cli_argument_error(&command_gate, "%s", err.text);
    if (saved)
        return replay(cli, options, saved);
    if (!bench_find_self(job.self, sizeof job.self))
        return EXIT_USAGE;
    if (target_scratch(&job.scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    capsule_init(&job.capsule);
    int code = run_job(&job);
    capsule_release(&job.capsule);
    target_remove(job.scratch);
    mem_free(job.scratch);
    return code;
}

const struct command command_gate = {
    .name = "gate",
    .arguments = "[BENCHMARK...]",
    .summary = "whether a candidate is slower than a baseline, by a suite of benchmarks",
    .details =
        "Each benchmark of the suite is run by A, the baseline, and B, the candidate, in pairs of "
        "fresh processes,\n"
        "as `pressrun bench compare` does it. First outputs must be the same, else the verdict is "
        "INVALID; then\n"
        "more than 1 % more work is FAIL; then time is compared. What seems slower is measured again "
        "in a second\n"
        "session when all others are done, and is FAIL only if that says so, too. The baseline is "
        "compared with\n"
        "itself as well: where that moves, nothing can be believed, and the verdict is INVALID.\n"
        "\n"
        "Of suites in which nothing changed 1 in 100 may FAIL at most.\n"
        "\n"
        "--keep NAME makes a capsule of an executable: with it, any later candidate is compared by "
        "running both. --export\n"
        "and --import carry it to where there is no history. --advance moves it on where an "
        "improvement is confirmed.\n"
        "--baseline history runs no baseline: the candidate's work is held against what earlier gates like "
        "this one\n"
        "have kept of theirs, and its time only warns. See docs/gate.md.\n"
        "\n"
        "Exit codes: 0 pass; 2 usage, a run that failed, or INVALID; 3 fail; 4 inconclusive; 130 "
        "interrupted.\n",
    .options = gate_options,
    .run = run_gate,
};
