// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "pipeline/run.h"

enum { WORKERS_MAX = 1024 };

static const struct option_spec run_options[] = {
    OPTIONS_MANIFEST,
    {"jobs", 'j', "N", "workers (default: the CPUs this process may use; PRESSRUN_JOBS)"},
    {"output", 'o', "DIR", "write there instead of the manifest's output directory"},
    {"json", 0, NULL, "print the summary as one JSON object, the last line on stdout"},
    OPTIONS_COMMON,
    {0},
};

// The number of workers and where it came from: -j wins, then the environment, then the machine.
static enum status choose_workers(const struct options *options, struct worker_count *count,
                                  struct err *err) {
    const char *flag = options_get(options, "jobs"), *variable = getenv("PRESSRUN_JOBS");
    *count = workers_available();
    if (flag) {
        count->source = "-j";
        return options_number("-j", flag, 1, WORKERS_MAX, &count->n, err);
    }
    if (variable && *variable) {
        count->source = "PRESSRUN_JOBS";
        return options_number("PRESSRUN_JOBS", variable, 1, WORKERS_MAX, &count->n, err);
    }
    return STATUS_OK;
}

static bool writes_to_stdout(const struct plan *plan) {
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        if (plan->jobs[j].stream.p && str_is(plan->jobs[j].stream, "-"))
            return true;
    return false;
}

static int exit_code(enum status status, const struct run_report *report) {
    if (report->interrupted)
        return EXIT_INTERRUPTED;
    if (status != STATUS_OK)
        return EXIT_USAGE;
    bool failed = report->counters.failed || report->jobs_failed || report->jobs_skipped;
    return failed ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
}

// What came of the run, to whoever asked for it. A run that could not begin has no summary.
static void tell(struct cli *cli, const struct options *options, const struct plan *plan,
                 const struct run_options *run, const struct run_report *report, const char *workers_source,
                 int64_t started) {
    struct buf text = BUF_INIT;
    if (!cli->quiet && !options_has(options, "json")) {
        bool to_stderr = writes_to_stdout(plan); // where the outputs are what is on stdout
        show_summary(plan->manifest, report, workers_source, to_stderr ? cli->colour_err : cli->colour_out,
                     &text);
        if (to_stderr)
            fwrite(text.p, 1, text.n, stderr);
        else
            cli_print(&text);
    }
    if (options_has(options, "json")) {
        if (writes_to_stdout(plan))
            buf_add_char(&text, '\n'); // the outputs there may end within a line
        run_write_json(report, run, started, &text);
        cli_print(&text);
    }
    buf_release(&text);
}

static int execute(struct cli *cli, const struct options *options, struct plan *plan,
                   const struct worker_count *workers) {
    struct interrupt interrupt;
    int failed = interrupt_start(&interrupt);
    if (failed)
        return cli_fail("cannot watch for signals (error %d)", failed);
    struct show show;
    show_init(&show, cli->quiet || options_has(options, "json"), cli->colour_err);
    struct run_observer observer = show_observer(&show);
    struct run_options run = {.fs = &cli->fs,
                              .clock = cli->clock,
                              .workers = workers->n,
                              .output = options_get(options, "output"),
                              .observer = &observer,
                              .interrupt = &interrupt.raised};
    struct run_report report;
    struct err err = {0};
    int64_t started = cli->clock.wall(cli->clock.self);
    enum status status = run_execute(plan, &run, &report, &cli->diags, &err);
    interrupt_stop(&interrupt);
    show_end(&show, &report);
    show_release(&show);
    cli_write_diags(cli);
    if (status != STATUS_OK && cli->diags.errors == 0)
        cli_fail("%s", err.text);
    if (report.begun)
        tell(cli, options, plan, &run, &report, workers->source, started);
    return exit_code(status, &report);
}

static int run_run(struct cli *cli, const struct options *options) {
    struct worker_count workers;
    struct err err;
    if (options->arguments_n)
        return cli_argument_error(&command_run, "unexpected argument \"%s\"", options->arguments[0]);
    if (choose_workers(options, &workers, &err) != STATUS_OK)
        return cli_argument_error(&command_run, "%s", err.text);
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    int code = EXIT_USAGE;
    if (cli->diags.errors == 0) {
        code = execute(cli, options, plan, &workers);
    } else {
        plan_compile_all(plan, &cli->diags); // to tell of everything that is wrong at once
        cli_write_diags(cli);
    }
    plan_free(plan);
    manifest_free(manifest);
    return code;
}

const struct command command_run = {
    .name = "run",
    .arguments = "[-j N] [-o DIR] [--json]",
    .summary = "regenerate all outputs of the manifest",
    .details =
        "Loads the records, compiles the templates, renders and writes, in parallel. One bad record costs "
        "one\n"
        "record: failures are shown, written to .pressrun/errors.jsonl in the output directory, and "
        "counted.\n"
        "The digest in the summary is the same for the same outputs, whatever the number of workers.\n"
        "\n"
        "Exit codes: 0 done; 1 some outputs failed; 2 usage, manifest or environment; 130 interrupted.\n",
    .options = run_options,
    .run = run_run,
};
