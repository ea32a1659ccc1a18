// SPDX-License-Identifier: MIT
// pressrun bench selftest: do comparisons keep here what they promise?
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "bench/comparison_json.h"
#include "bench/operation.h"
#include "bench/selftest_run.h"
#include "bench/selftest_store.h"
#include "bench/target.h"
#include "cli/bench.h"
#include "cli/interrupt.h"
#include "cli/selftest_text.h"

enum {
    PAIRS = 1000,
    PAIRS_MOST = 1000000,
    COMPARISONS = 100,
    COMPARISONS_MOST = 100000,
    SUITES = 2000,
    SUITES_MOST = 1000000,
    MINUTES_MOST = 100000,
    STORED_MOST = 1 << 30
};
static const double run_seconds = 0.05, scale_most = 100, percent_most = 1000;
static const char *const usual_levels[] = {"3", "5", "10"};

struct selftest_job {
    struct cli *cli;
    const struct options *options;
    struct selftest selftest;
    struct selftest_options run;
    uint32_t suites;
    int fd;           // of --save, locked; -1: none
    const char *path; // its name
    bool begun;       // there is something in it
    bool progress;
};

// ---- what is asked for

static bool parse_levels(struct selftest_job *job, struct err *err) {
    const char *const *texts = usual_levels;
    size_t n = sizeof usual_levels / sizeof *usual_levels;
    if (options_has(job->options, "slower"))
        n = options_all(job->options, "slower", &texts);
    for (size_t i = 0; i < n; i++) {
        double percent;
        if (!number_parse_double(str_of(texts[i]), &percent) || !(percent > 0) || percent > percent_most)
            return !err_set(err, STATUS_DATA,
                            "--slower must be a number of percent above 0, at most %g, not \"%s\"",
                            percent_most, texts[i]);
        if (!selftest_level(&job->selftest, percent))
            return !err_set(err, STATUS_DATA, "there are at most %d percentages", SELFTEST_LEVELS_MOST - 1);
    }
    return true;
}

static bool parse_options(struct selftest_job *job, struct err *err) {
    const struct options *options = job->options;
    const char *scale = options_get(options, "scale");
    uint32_t seed = 1, minutes = 0;
    double factor = 1;
    job->run.pairs = PAIRS;
    job->run.comparisons = COMPARISONS;
    if (scale && (!number_parse_double(str_of(scale), &factor) || !(factor >= 0.01) || factor > scale_most))
        return !err_set(err, STATUS_DATA, "--scale must be a number from 0.01 to %g, not \"%s\"", scale_most,
                        scale);
    if (!bench_number(options, "pairs", 0, PAIRS_MOST, &job->run.pairs, err) ||
        !bench_number(options, "comparisons", 0, COMPARISONS_MOST, &job->run.comparisons, err) ||
        !bench_number(options, "budget", 1, MINUTES_MOST, &minutes, err) ||
        !bench_number(options, "seed", 0, UINT32_MAX, &seed, err))
        return false;
    job->run.seconds = 60.0 * minutes;
    job->run.seed = seed;
    job->run.run_seconds = run_seconds * factor;
    return true;
}

// ---- the file

static int open_store(struct selftest_job *job) {
    struct cli *cli = job->cli;
    job->path = options_get(job->options, "save");
    if (!job->path)
        return EXIT_DONE;
    job->fd = open(job->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (job->fd < 0)
        return cli_fail_os(errno, "cannot write %s", job->path);
    int failed = cli->fs.lock(cli->fs.self, job->fd);
    if (failed == -EWOULDBLOCK)
        return cli_fail("%s is being written by another self-test", job->path);
    return failed < 0 ? cli_fail_os(-failed, "cannot lock %s", job->path) : EXIT_DONE;
}

static int read_store(struct selftest_job *job, const char *path, size_t *whole) {
    char *text;
    size_t size;
    struct err err;
    int code = EXIT_DONE;
    if (fs_read_file(&job->cli->fs, path, STORED_MOST, &text, &size, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (selftest_store_read(&job->selftest, (struct str){text, size}, whole, &err) != STATUS_OK)
        code = cli_fail("%s: %s", path, err.text);
    job->begun = *whole > 0;
    mem_free(text);
    return code;
}

// What is added must be comparable with what is there.
static int check_store(struct selftest_job *job) {
    const struct selftest *s = &job->selftest;
    struct host here;
    cpu_set_t cpus = paired_cpus(PAIRED_CPU);
    host_describe(&here, &cpus);
    if (strcmp(s->program, "pressrun " PRESSRUN_VERSION) != 0)
        return cli_fail("%s was begun by %s, this is pressrun " PRESSRUN_VERSION, job->path, s->program);
    if (strcmp(s->host.cpu, here.cpu) != 0 || strcmp(s->host.system, here.system) != 0 ||
        s->host.cpus != here.cpus || strcmp(s->host.mask, here.mask) != 0)
        return cli_fail("%s was begun on another machine or other CPUs", job->path);
    return EXIT_DONE;
}

static int continue_store(struct selftest_job *job) {
    size_t whole = 0;
    int code = open_store(job);
    if (code == EXIT_DONE && job->fd >= 0)
        code = read_store(job, job->path, &whole);
    if (code == EXIT_DONE && job->begun)
        code = check_store(job);
    if (code == EXIT_DONE && job->fd >= 0 && ftruncate(job->fd, (off_t)whole) != 0)
        code = cli_fail_os(errno, "cannot write %s", job->path);
    return code;
}

static enum status append(struct selftest_job *job, const struct buf *text, struct err *err) {
    struct err fault;
    if (job->fd >= 0 && fs_write_all(&job->cli->fs, job->fd, text->p, text->n, &fault) != STATUS_OK)
        return err_os(err, fault.os, "cannot write %s", job->path);
    return STATUS_OK;
}

static enum status store(void *self, struct comparison *c, double percent, struct err *err) {
    struct selftest_job *job = self;
    struct buf text = BUF_INIT;
    (void)percent;
    comparison_write_json(c, &text);
    enum status status = append(job, &text, err);
    buf_release(&text);
    return status;
}

// ---- running

static void progress(void *self, const char *what, double percent, size_t done, size_t all) {
    const struct selftest_job *job = self;
    if (!job->progress)
        return;
    if (!all)
        fprintf(stderr, "\r%s\033[K", what);
    else if (percent > 0)
        fprintf(stderr, "\r%g %% slower: %zu of %zu\033[K", percent, done, all);
    else
        fprintf(stderr, "\requals: %zu of %zu\033[K", done, all);
    fflush(stderr);
}

static enum status begin(struct selftest_job *job, struct err *err) {
    struct selftest *s = &job->selftest;
    struct buf text = BUF_INIT;
    char started[32];
    time_t now = (time_t)(job->cli->clock.wall(job->cli->clock.self) / 1000000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &tm);
    cpu_set_t cpus = paired_cpus(PAIRED_CPU);
    host_describe(&s->host, &cpus);
    s->program = "pressrun " PRESSRUN_VERSION;
    s->started = arena_str(&s->arena, str_of(started)).p;
    if (selftest_calibrate(s, &job->run, err) != STATUS_OK)
        return err->status;
    selftest_store_head(s, &text);
    enum status status = append(job, &text, err);
    buf_release(&text);
    return status;
}

static enum status run(struct selftest_job *job, struct err *err) {
    if (selftest_prepare(&job->run, err) != STATUS_OK || (!job->begun && begin(job, err) != STATUS_OK))
        return err->status;
    return selftest_run(&job->selftest, &job->run, err);
}

static int exit_code(const struct selftest_figures *f) {
    if (f->interrupted)
        return EXIT_INTERRUPTED;
    return f->state == SELFTEST_BROKEN ? EXIT_REGRESSION
           : f->state == SELFTEST_KEPT ? EXIT_DONE
                                       : EXIT_INCONCLUSIVE;
}

static int tell(struct selftest_job *job, const atomic_bool *interrupt) {
    struct selftest_figures figures;
    struct buf text = BUF_INIT;
    progress(job, "forming suites", 0, 0, 0);
    selftest_figures(&job->selftest, job->suites, job->run.seed, interrupt, &figures);
    if (job->progress)
        fputs("\r\033[K", stderr);
    if (options_has(job->options, "json"))
        selftest_write_json(&job->selftest, &figures, &text);
    else if (!job->cli->quiet)
        selftest_text_write(&job->selftest, &figures, job->cli->colour_out, &text);
    if (!figures.interrupted)
        cli_print(buf_str(&text));
    int code = exit_code(&figures);
    buf_release(&text);
    selftest_figures_release(&figures);
    return code;
}

static int run_and_tell(struct selftest_job *job, bool runs) {
    struct interrupt interrupt;
    struct err err;
    int failed = interrupt_start(&interrupt, "ending what is measured", NULL, NULL), code;
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    job->run.interrupt = &interrupt.raised;
    enum status status = runs ? run(job, &err) : STATUS_OK;
    if (status == STATUS_OK)
        code = tell(job, &interrupt.raised);
    else
        code = status == STATUS_CANCELLED ? EXIT_INTERRUPTED : EXIT_USAGE;
    interrupt_stop(&interrupt);
    if (job->progress)
        fputs("\r\033[K", stderr);
    if (status != STATUS_OK && status != STATUS_CANCELLED)
        cli_fail("%s", err.text);
    if (code == EXIT_INTERRUPTED && job->path)
        cli_note("the same command goes on where %s ends", job->path);
    return code;
}

static int run_here(struct selftest_job *job) {
    char self[4096], *scratch;
    struct err err;
    int code = continue_store(job);
    if (code != EXIT_DONE)
        return code;
    if (!parse_levels(job, &err))
        return cli_argument_error(&command_bench, "%s", err.text);
    if (!bench_find_self(self, sizeof self))
        return EXIT_USAGE;
    if (target_scratch(&scratch, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    job->run.program = self;
    job->run.scratch = scratch;
    code = run_and_tell(job, true);
    target_remove(scratch);
    mem_free(scratch);
    return code;
}

static int replay(struct selftest_job *job, const char *path) {
    static const char *const others[] = {"pairs", "comparisons", "slower", "budget", "scale", "save"};
    size_t whole;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (options_has(job->options, others[i]))
            return cli_argument_error(&command_bench, "--replay runs nothing, so there is no --%s",
                                      others[i]);
    int code = read_store(job, path, &whole);
    if (code == EXIT_DONE && !job->begun)
        return cli_fail("%s holds no self-test", path);
    return code == EXIT_DONE ? run_and_tell(job, false) : code;
}

int bench_selftest(struct cli *cli, const struct options *options) {
    struct selftest_job job = {.cli = cli,
                               .options = options,
                               .fd = -1,
                               .suites = SUITES,
                               .progress = !cli->quiet && isatty(STDERR_FILENO)};
    const char *stored = options_get(options, "replay");
    struct err err;
    if (options->arguments_n != 1)
        return cli_argument_error(&command_bench, "selftest takes no names");
    if (!bench_number(options, "suites", 1, SUITES_MOST, &job.suites, &err) || !parse_options(&job, &err))
        return cli_argument_error(&command_bench, "%s", err.text);
    job.run.fs = &cli->fs;
    job.run.clock = &cli->clock;
    job.run.self = &job;
    job.run.store = store;
    job.run.progress = progress;
    selftest_init(&job.selftest);
    int code = stored ? replay(&job, stored) : run_here(&job);
    selftest_release(&job.selftest);
    if (job.fd >= 0)
        close(job.fd);
    return code;
}

// ---- one run of what is compared

int bench_operation(struct cli *cli, const struct options *options) {
    struct operation_options operation = {.fs = &cli->fs, .template = selftest_template};
    struct digest digest;
    struct err err;
    uint32_t steps;
    char hex[DIGEST_HEX_SIZE];
    if (options->arguments_n != 4)
        return cli_argument_error(&command_bench, "operation takes a directory, records and steps");
    operation.directory = options->arguments[1];
    if (options_number("RECORDS", options->arguments[2], 1, UINT32_MAX, &operation.records, &err) !=
            STATUS_OK ||
        options_number("STEPS", options->arguments[3], 0, UINT32_MAX, &steps, &err) != STATUS_OK)
        return cli_argument_error(&command_bench, "%s", err.text);
    operation.steps = steps;
    if (operation_run(&operation, &digest, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    digest_hex(digest, hex);
    puts(hex);
    return EXIT_DONE;
}
