// SPDX-License-Identifier: MIT
// pressrun bench load: operations at a steady rate, an open loop.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "bench/loadgen_command.h"
#include "bench/loadgen_json.h"
#include "bench/loadgen_render.h"
#include "cli/bench.h"
#include "cli/bench_load_text.h"
#include "cli/interrupt.h"
#include "pipeline/manifest/manifest_table.h"
#include "scheduler/scheduler.h"

enum {
    MIX = ARGUMENTS_MAX + OPTION_REPEATS,
    DAY_MILLISECONDS = 86400000,
    RECORDS = 10000,
    RECORDS_MOST = 100000000,
    SECONDS = 600
};
static const double rate_most = 1e8, weight_most = 1e6;

struct load {
    struct cli *cli;
    const struct options *options;
    struct loadgen_options generator;
    struct loadgen_operation operations[MIX];
    struct str jobs[ARGUMENTS_MAX]; // asked for by name
    double weights[ARGUMENTS_MAX];
    size_t jobs_n;
    struct loadgen_command commands[OPTION_REPEATS];
    size_t commands_n;
    uint32_t records, seconds;
    struct manifest *manifest;
    struct plan *plan;
    struct loadgen_render_options render_options;
    struct loadgen_render *render;
    size_t *job_indexes; // owned
    struct interrupt interrupt;
};

// ---- what is asked for

static bool parse_time(const struct options *options, const char *name, uint64_t usual, bool may_be_none,
                       double *seconds, struct err *err) {
    const char *text = options_get(options, name);
    uint64_t milliseconds = usual;
    if (text && may_be_none && (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0))
        milliseconds = 0;
    else if (text && (!manifest_parse_wait(str_of(text), &milliseconds) || milliseconds > DAY_MILLISECONDS))
        return !err_set(err, STATUS_DATA,
                        "--%s must be a time such as 500ms, 30s or 5m, 1440m at most, not \"%s\"", name,
                        text);
    *seconds = (double)milliseconds / 1000;
    return true;
}

static bool parse_rate(const struct load *load, double *rate, struct err *err) {
    const char *text = options_get(load->options, "rate");
    if (!text)
        return !err_set(err, STATUS_DATA, "load needs --rate N, the operations a second");
    if (!number_parse_double(str_of(text), rate) || !(*rate > 0) || *rate > rate_most)
        return !err_set(err, STATUS_DATA, "--rate must be a number above 0, at most %g, not \"%s\"",
                        rate_most, text);
    return true;
}

// JOB or JOB=WEIGHT.
static bool parse_job(struct load *load, const char *word, struct err *err) {
    const char *equals = strrchr(word, '=');
    struct str name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    double weight = 1;
    if (equals &&
        (!number_parse_double(str_of(equals + 1), &weight) || !(weight > 0) || weight > weight_most))
        return !err_set(err, STATUS_DATA, "the weight in \"%s\" must be a number above 0, at most %g", word,
                        weight_most);
    for (size_t i = 0; i < load->jobs_n; i++)
        if (str_equal(load->jobs[i], name))
            return !err_set(err, STATUS_DATA, "job \"%.*s\" is named twice", STR_ARG(name));
    load->jobs[load->jobs_n] = name;
    load->weights[load->jobs_n++] = weight;
    return true;
}

static bool parse_options(struct load *load, struct err *err) {
    const struct options *options = load->options;
    double rate, seconds, ramp;
    uint32_t seed = 1;
    load->records = RECORDS;
    load->seconds = SECONDS;
    load->generator.users = workers_available().n;
    if (!parse_rate(load, &rate, err) || !parse_time(options, "duration", 10000, false, &seconds, err) ||
        !parse_time(options, "ramp-up", 1000, true, &ramp, err) ||
        !bench_number(options, "users", 1, LOADGEN_USERS, &load->generator.users, err) ||
        !bench_number(options, "records", 1, RECORDS_MOST, &load->records, err) ||
        !bench_number(options, "seconds", 1, DAY_MILLISECONDS / 1000, &load->seconds, err) ||
        !bench_number(options, "seed", 0, UINT32_MAX, &seed, err))
        return false;
    for (size_t i = 1; i < options->arguments_n; i++)
        if (!parse_job(load, options->arguments[i], err))
            return false;
    load->generator.seed = seed;
    load->generator.arrivals = arrivals_of(rate, ramp, seconds);
    return true;
}

// ---- operations

static double weight_of(const struct load *load, struct str name) {
    for (size_t i = 0; i < load->jobs_n; i++)
        if (str_equal(load->jobs[i], name))
            return load->weights[i];
    return 1;
}

static int open_plan(struct load *load) {
    struct cli *cli = load->cli;
    struct err err;
    load->manifest = cli_read_manifest(cli, load->options);
    if (!load->manifest)
        return EXIT_USAGE;
    if (load->jobs_n && !manifest_select(load->manifest, load->jobs, load->jobs_n, &err))
        return cli_fail("%s", err.text);
    load->plan = plan_make(&cli->fs, load->manifest, &cli->diags);
    bool sound = !cli->diags.errors && plan_compile_all(load->plan, &cli->diags);
    cli_write_diags(cli);
    return sound ? EXIT_DONE : EXIT_USAGE;
}

static int add_jobs(struct load *load) {
    struct cli *cli = load->cli;
    struct err err;
    int64_t now;
    if (cli_now(cli, &now, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    int code = open_plan(load);
    if (code != EXIT_DONE)
        return code;
    size_t n = load->manifest->jobs_n;
    if (n + load->commands_n > MIX)
        return cli_fail("more than %d jobs: name those that are to be rendered", MIX);
    load->job_indexes = MEM_NEW_ARRAY(size_t, n + 1);
    for (size_t j = 0; j < n; j++)
        load->job_indexes[j] = j;
    load->render_options = (struct loadgen_render_options){.fs = &cli->fs,
                                                           .clock = cli->clock,
                                                           .now = now,
                                                           .plan = load->plan,
                                                           .jobs = load->job_indexes,
                                                           .jobs_n = n,
                                                           .users = load->generator.users,
                                                           .records = load->records,
                                                           .interrupt = &load->interrupt.raised};
    if (loadgen_render_new(&load->render_options, &load->render, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    for (size_t j = 0; j < n; j++) {
        struct loadgen_operation operation = loadgen_render_operation(load->render, j);
        operation.weight = weight_of(load, load->manifest->jobs[j].name);
        load->operations[load->generator.operations_n++] = operation;
    }
    uint64_t left_out = loadgen_render_left_out(load->render);
    if (left_out)
        cli_note("%llu record%s left out: cannot be read, or not be sorted", (unsigned long long)left_out,
                 left_out == 1 ? "" : "s");
    return EXIT_DONE;
}

static int add_commands(struct load *load) {
    const char *const *texts;
    size_t n = options_all(load->options, "command", &texts);
    struct err err;
    for (size_t i = 0; i < n; i++) {
        struct loadgen_command *command = &load->commands[load->commands_n++];
        if (loadgen_command_init(command, texts[i], load->seconds, &load->interrupt.raised, &err) !=
            STATUS_OK)
            return cli_argument_error(&command_bench, "%s", err.text);
        load->operations[load->generator.operations_n++] = loadgen_command_operation(command);
    }
    return EXIT_DONE;
}

// ---- running

static void progress(void *self, uint64_t time, uint64_t begun, uint64_t due) {
    (void)self;
    fprintf(stderr, "\r%.1f s, %llu begun, %llu waiting\033[K", (double)time / 1e9, (unsigned long long)begun,
            (unsigned long long)(due - begun));
    fflush(stderr);
}

static void print(const struct load *load, const struct loadgen_result *result) {
    struct buf text = BUF_INIT;
    if (options_has(load->options, "json"))
        loadgen_write_json(&load->generator, result, &text);
    else
        bench_load_text(&load->generator, result, load->cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
}

static int generate(struct load *load) {
    struct loadgen_result result;
    struct err err;
    enum status status = loadgen_run(&load->generator, &result, &err);
    if (load->generator.progress)
        fputs("\r\033[K", stderr);
    int code = EXIT_INTERRUPTED;
    if (status != STATUS_OK) {
        code = cli_fail("%s", err.text);
    } else if (!result.interrupted) {
        print(load, &result);
        code = !result.valid ? EXIT_USAGE : result.all.failed ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
    }
    loadgen_release(&result);
    return code;
}

static int prepare_and_generate(struct load *load) {
    int failed = interrupt_start(&load->interrupt, "ending what is measured", NULL, NULL);
    if (failed)
        return cli_fail_os(failed, "cannot watch for signals");
    const char *directory = options_get(load->options, "directory");
    int code = EXIT_DONE;
    if (load->jobs_n || !options_has(load->options, "command"))
        code = add_jobs(load);
    else if (directory && chdir(directory) != 0)
        code = cli_fail_os(errno, "cannot work in %s", directory);
    if (code == EXIT_DONE)
        code = add_commands(load);
    load->generator.operations = load->operations;
    load->generator.clock = load->cli->clock;
    load->generator.interrupt = &load->interrupt.raised;
    if (!load->cli->quiet && isatty(STDERR_FILENO))
        load->generator.progress = progress;
    if (code == EXIT_DONE)
        code = generate(load);
    interrupt_stop(&load->interrupt);
    return code;
}

int bench_load(struct cli *cli, const struct options *options) {
    struct load *load = MEM_NEW(struct load);
    struct err err;
    load->cli = cli;
    load->options = options;
    int code = parse_options(load, &err) ? prepare_and_generate(load)
                                         : cli_argument_error(&command_bench, "%s", err.text);
    loadgen_render_free(load->render);
    for (size_t i = 0; i < load->commands_n; i++)
        loadgen_command_release(&load->commands[i]);
    if (load->plan)
        plan_free(load->plan);
    if (load->manifest)
        manifest_free(load->manifest);
    mem_free(load->job_indexes);
    mem_free(load);
    return code;
}
