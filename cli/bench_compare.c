// SPDX-License-Identifier: MIT
// pressrun bench compare: is one of two slower?
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/comparison_json.h"
#include "bench/comparison_run.h"
#include "bench/counter.h"
#include "cli/bench.h"
#include "cli/compare_text.h"
#include "cli/interrupt.h"
#include "pipeline/strategy/strategy.h"

enum { SECONDS_MOST = 86400, SECONDS_USUAL = 600, SAVED_MOST = 64 << 20 };

static int exit_code(const struct comparison *c) {
    struct judgement judgement = comparison_judge(c);
    if (c->interrupted)
        return EXIT_INTERRUPTED;
    switch (judgement.verdict) {
    case VERDICT_FAIL:
        return EXIT_REGRESSION;
    case VERDICT_INVALID:
        return EXIT_USAGE;
    case VERDICT_PASS:
        return EXIT_DONE;
    case VERDICT_INCONCLUSIVE:
    case VERDICT_MORE:
        break;
    }
    return EXIT_INCONCLUSIVE;
}

static void print(const struct cli *cli, const struct options *options, const struct comparison *c) {
    struct buf text = BUF_INIT;
    if (options_has(options, "json"))
        comparison_write_json(c, &text);
    else if (!cli->quiet)
        compare_text_write(c, cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
}

// ---- again, from what was saved

static int replay(struct cli *cli, const struct options *options, const char *path) {
    static const char *const others[] = {"metric", "pairs", "seed", "seconds",      "confirm",
                                         "accept", "save",  "file", "ignore-output"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (options_has(options, others[i]))
            return cli_argument_error(&command_bench, "--replay takes no --%s: it is in the file", others[i]);
    if (options->arguments_n != 1)
        return cli_argument_error(&command_bench, "--replay takes no A and B: they are in the file");
    char *text;
    size_t size;
    struct err err;
    if (fs_read_file(&cli->fs, path, SAVED_MOST, &text, &size, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct comparison c;
    const char *stored;
    int code;
    comparison_init(&c);
    if (comparison_read_json(&c, (struct str){text, size}, &stored, &err) == STATUS_OK) {
        const char *verdict = verdict_name(comparison_judge(&c).verdict);
        print(cli, options, &c);
        if (!stored || strcmp(stored, verdict) != 0)
            cli_note("%s says %s, its samples say %s", path, stored ? stored : "nothing", verdict);
        code = exit_code(&c);
    } else {
        code = cli_fail("%s holds no comparison: %s", path, err.text);
    }
    comparison_release(&c);
    mem_free(text);
    return code;
}

// ---- what is wanted

// Strategies differ in their number of workers, which shows in wall time on all CPUs and nowhere else.
static bool are_strategies(const struct options *options, const struct target_context *context) {
    return target_is_strategy(options->arguments[1], context) &&
           target_is_strategy(options->arguments[2], context);
}

static bool parse_metric(struct comparison *c, const struct options *options,
                         const struct target_context *context, struct err *err) {
    const char *metric = options_get(options, "metric");
    if (!metric && are_strategies(options, context))
        c->metric = PAIRED_WALL;
    while (metric && c->metric < PAIRED_METRICS && strcmp(metric, paired_metric_name(c->metric)) != 0)
        c->metric++;
    if (c->metric == PAIRED_METRICS)
        return !err_set(err, STATUS_DATA, "--metric is one of cpu, wall, instructions, peak_rss, not \"%s\"",
                        metric);
    if (c->metric == PAIRED_INSTRUCTIONS && !counter_exists(COUNTER_INSTRUCTIONS))
        return !err_set(err, STATUS_UNSUPPORTED, "this machine does not count instructions");
    return true;
}

static bool parse_accepted(struct comparison *c, const struct options *options, struct err *err) {
    c->accepted_n = options_all(options, "accept", &c->accepted);
    for (size_t i = 0; i < c->accepted_n; i++)
        if (!work_is_counter(c->accepted[i]))
            return !err_set(err, STATUS_DATA, "--accept: no work counter is called \"%s\"", c->accepted[i]);
    return true;
}

static bool parse_options(struct comparison *c, struct comparison_run *run, const struct options *options,
                          const struct target_context *context, struct err *err) {
    uint32_t seed = 1, seconds = SECONDS_USUAL;
    c->confirm = options_has(options, "confirm");
    c->compares_output = !options_has(options, "ignore-output");
    if (!parse_metric(c, options, context, err) || !parse_accepted(c, options, err) ||
        !bench_number(options, "pairs", 1, VERDICT_PAIRS, &c->pairs, err) ||
        !bench_number(options, "seed", 0, UINT32_MAX, &seed, err) ||
        !bench_number(options, "seconds", 1, SECONDS_MOST, &seconds, err))
        return false;
    run->seed = seed;
    run->seconds = seconds;
    run->cpus = paired_cpus(c->metric);
    return true;
}

// ---- running

static void progress(void *self, size_t round, const struct verdict_look *look, uint32_t pairs) {
    (void)self;
    fprintf(stderr, "\r%s%u pairs", round ? "second round: " : "", (unsigned)pairs);
    if (look->pairs)
        fprintf(stderr, ", %.3f times after %u", look->estimate, (unsigned)look->pairs);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

// Opened before anything runs, so that a long comparison is not for nothing; what it holds stays until there is more.
static int open_saved(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        cli_fail_os(errno, "cannot write %s", path);
    return fd;
}

static int save(struct cli *cli, const struct comparison *c, int fd, const char *path) {
    struct buf text = BUF_INIT;
    struct err err;
    comparison_write_json(c, &text);
    bool saved = ftruncate(fd, 0) == 0 || errno == EINVAL; // pipes and devices have no length
    saved = saved && fs_write_all(&cli->fs, fd, text.p, text.n, &err) == STATUS_OK;
    buf_release(&text);
    return saved ? EXIT_DONE : cli_fail("cannot write %s", path);
}

static void close_saved(int fd, const char *path) {
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        unlink(path); // nothing came of it
    close(fd);
}

static int run_and_tell(struct cli *cli, const struct options *options, struct comparison *c,
                        struct comparison_run *run, int saved) {
    struct err err;
    struct interrupt interrupt;
    int failed = interrupt_start(&interrupt, "ending what is measured", NULL, NULL);
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    run->interrupt = &interrupt.raised;
    enum status status = comparison_run(c, run, &err);
    interrupt_stop(&interrupt);
    if (run->progress)
        fputs("\r\033[K", stderr);
    if (status != STATUS_OK)
        return cli_fail("%s", err.text);
    print(cli, options, c);
    int code = saved >= 0 ? save(cli, c, saved, options_get(options, "save")) : EXIT_DONE;
    return code == EXIT_DONE ? exit_code(c) : code;
}

static int run_targets(struct cli *cli, const struct options *options, struct comparison *c,
                       struct comparison_run *run, const struct target_context *context) {
    const char *path = options_get(options, "save");
    struct target targets[2];
    struct err err;
    int code = EXIT_DONE, initialised = 0, saved = -1;
    bool executable = false;
    for (; initialised < 2 && code == EXIT_DONE; initialised++) {
        struct target *target = &targets[initialised];
        if (target_init(target, options->arguments[1 + initialised], context, initialised, &err) != STATUS_OK)
            code = cli_argument_error(&command_bench, "%s", err.text);
        executable = executable || target->kind == TARGET_EXECUTABLE || target->kind == TARGET_STRATEGY;
        run->targets[initialised] = target;
    }
    if (code == EXIT_DONE && context->manifest && !executable)
        code = cli_argument_error(
            &command_bench,
            "-f is the manifest for strategies and executables of pressrun, and neither is one");
    if (code == EXIT_DONE && path && (saved = open_saved(path)) < 0)
        code = EXIT_USAGE;
    if (code == EXIT_DONE)
        code = run_and_tell(cli, options, c, run, saved);
    if (saved >= 0)
        close_saved(saved, path);
    while (initialised > 0)
        target_release(&targets[--initialised]);
    return code;
}

// ---- the command

static void describe(struct cli *cli, const struct options *options, struct comparison *c) {
    char started[32];
    time_t now = (time_t)(cli->clock.wall(cli->clock.self) / 1000000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &tm);
    c->started = comparison_keep(c, started);
    c->program = "pressrun " PRESSRUN_VERSION;
    c->arguments = (const char *const *)options->words;
    c->arguments_n = options->words_n;
}

int bench_compare(struct cli *cli, const struct options *options) {
    char self[4096], *scratch;
    const char *directory = options_get(options, "directory"), *saved = options_get(options, "replay");
    struct comparison c;
    struct comparison_run run = {.progress = !cli->quiet && isatty(STDERR_FILENO) ? progress : NULL};
    struct err err;
    if (directory && chdir(directory) != 0)
        return cli_fail_os(errno, "cannot work in %s", directory);
    if (saved)
        return replay(cli, options, saved);
    if (options->arguments_n != 3)
        return cli_argument_error(
            &command_bench, "compare takes two: strategies, manifests, executables of pressrun or commands");
    if (!bench_find_self(self, sizeof self))
        return EXIT_USAGE;
    if (target_scratch(&scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    comparison_init(&c);
    struct target_context context = {self, scratch, options_get(options, "file"), strategy_name};
    int code;
    if (parse_options(&c, &run, options, &context, &err)) {
        describe(cli, options, &c);
        code = run_targets(cli, options, &c, &run, &context);
    } else {
        code = cli_argument_error(&command_bench, "%s", err.text);
    }
    comparison_release(&c);
    target_remove(scratch);
    mem_free(scratch);
    return code;
}
