// SPDX-License-Identifier: MIT
#include "cli/running.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cache_place.h"
#include "cli/history_place.h"
#include "cli/interrupt.h"
#include "cli/path_text.h"
#include "cli/profile_file.h"
#include "cli/profile_text.h"
#include "cli/reason_text.h"
#include "cli/report_file.h"
#include "cli/report_trends.h"
#include "cli/show.h"
#include "cli/summary.h"
#include "cli/worker_choice.h"
#include "monitor/costs_json.h"
#include "monitor/history.h"
#include "monitor/trace.h"
#include "pipeline/plan/define.h"
#include "pipeline/strategy/chooser_text.h"
#include "pipeline/strategy/remembered.h"
#include "scheduler/partition.h"

static bool writes_to_stdout(const struct plan *plan) {
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        if (plan_is_to_stdout(&plan->jobs[j]))
            return true;
    return false;
}

// Whether an alert fired that is bad enough for an exit code of its own.
static bool is_alarming(const struct running *running, const struct manifest *manifest,
                        const struct run_report *report) {
    const int least = running->alert_exit >= 0 ? running->alert_exit : manifest->alert_exit;
    return report->alerts && alerts_worst(report->alerts) >= least;
}

static int exit_code(enum status status, const struct run_report *report, bool alarming) {
    if (report->interrupted)
        return EXIT_INTERRUPTED;
    if (status != STATUS_OK)
        return EXIT_USAGE;
    if (report->review.exceeded)
        return EXIT_BOUND;
    if (alarming)
        return EXIT_REGRESSION;
    bool failed =
        report->counters.failed || report->jobs_failed || report->jobs_skipped || report->cache.differing;
    return failed ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
}

static void explain_strategy(const struct run_report *report, struct buf *out) {
    const char *names[STRATEGIES_N];
    strategy_names(names);
    chooser_write_text(&report->chooser, names, out);
    buf_printf(out, "\nTo begin with it: pressrun strategies --remember=%s; for good: --pin=%s\n",
               report->strategy->name, report->strategy->name);
}

static void add_profile(const struct costs *costs, bool colour, struct buf *out) {
    json_t *profile = costs_json(costs);
    profile_text_write(profile, colour, out);
    json_decref(profile);
}

// What came of the run, to whoever asked for it. A run that could not begin has no summary.
static void tell(struct cli *cli, const struct options *options, const struct plan *plan,
                 const struct run_options *run, const struct run_report *report, const char *workers_source,
                 struct str session) {
    struct buf text = BUF_INIT;
    if (!cli->quiet && !options_has(options, "json")) {
        bool to_stderr = writes_to_stdout(plan) && !run->dry; // where the outputs are what is on stdout
        summary_write(plan->manifest, report, workers_source, to_stderr ? cli->colour_err : cli->colour_out,
                      &text);
        if (options_has(options, "verbose"))
            path_text_write(report->path, report->path_n, report->seconds,
                            to_stderr ? cli->colour_err : cli->colour_out, &text);
        if (report->costs)
            add_profile(report->costs, to_stderr ? cli->colour_err : cli->colour_out, &text);
        if (report->automatic && options_has(options, "explain-strategy"))
            explain_strategy(report, &text);
        else if (options_has(options, "explain-strategy"))
            cli_note("%s",
                     run->strategy == &strategy_auto
                         ? "--explain-strategy: there was nothing to choose a strategy for"
                         : "--explain-strategy is for --strategy auto: this one was not chosen on the way");
        if (to_stderr)
            fwrite(text.p, 1, text.n, stderr);
        else
            cli_print(buf_str(&text));
    }
    if (options_has(options, "json")) {
        if (writes_to_stdout(plan) && !run->dry)
            buf_add_char(&text, '\n'); // the outputs there may end within a line
        run_write_json(report, session, &text);
        cli_print(buf_str(&text));
    }
    buf_release(&text);
}

// The trace that is asked for, or NULL. False: what is wrong has been told.
static bool open_trace(struct cli *cli, const struct options *options, const struct plan *plan,
                       const struct run_options *run, struct trace **trace) {
    struct err err;
    struct buf name = BUF_INIT;
    *trace = NULL;
    if (!options_has(options, "trace"))
        return true;
    buf_printf(&name, "pressrun %.*s", STR_ARG(plan->manifest->text.name));
    const struct trace_options wanted = {.fs = &cli->fs,
                                         .path = options_get(options, "trace"),
                                         .process = buf_str(&name),
                                         .row_name = "worker",
                                         .last_row = "critical path",
                                         .rows = run->workers,
                                         .origin = cli->clock.monotonic(cli->clock.self)};
    bool opened = trace_open(&wanted, trace, &err) == STATUS_OK;
    buf_release(&name);
    if (!opened)
        cli_fail("%s", err.text);
    return opened;
}

static void close_trace(struct trace *trace) {
    struct err err;
    if (trace && trace_close(trace, &err) != STATUS_OK)
        cli_note("%s", err.text);
}

// What is asked for of a profile; *fd: of its file, or -1. False: what is wrong has been told.
static bool open_profile(const struct options *options, struct costs **costs, int *fd) {
    const char *path = options_get(options, "profile");
    struct err err;
    *costs = NULL;
    if (!path)
        return true;
    if (*path && profile_file_open(path, fd, &err) != STATUS_OK)
        return cli_fail("%s", err.text) == EXIT_DONE;
    *costs = costs_new();
    return true;
}

static void close_profile(struct cli *cli, const struct options *options, const struct costs *costs, int fd,
                          bool begun) {
    const char *path = options_get(options, "profile");
    struct err err;
    if (fd >= 0 && !begun)
        profile_file_drop(path, fd);
    else if (fd >= 0 && profile_file_write(&cli->fs, path, fd, costs, &err) != STATUS_OK)
        cli_note("%s", err.text);
}

// The directory for the session; NULL: it is not kept. A run that only writes to standard output has none of its own.
static const char *history_directory(struct cli *cli, const struct options *options, const struct plan *plan,
                                     const struct run_options *run) {
    const struct manifest *manifest = plan->manifest;
    const char *given = history_given(&cli->arena, options);
    if (run->dry)
        return NULL;
    if (given)
        return strcmp(given, "none") == 0 ? NULL : given;
    if (manifest->history_keep == 0)
        return NULL;
    return manifest->history.p || plan_writes_files(plan)
               ? history_of_manifest(&cli->arena, manifest, run->output)
               : NULL;
}

static void keep_session(struct cli *cli, const char *directory, const struct session *session,
                         uint64_t manifest_keep) {
    struct err err;
    // Where its manifest keeps none, a place was given all the same; what others keep there stays.
    uint32_t keep = manifest_keep ? (uint32_t)manifest_keep : HISTORY_KEEP_ALL;
    if (directory && history_add(&cli->fs, directory, session, keep, &err) != STATUS_OK)
        cli_note("%s", err.text);
}

static json_t *earlier_runs(struct cli *cli, const char *directory, const struct session *session) {
    struct history *h;
    struct err err;
    if (!directory || history_open(&cli->fs, directory, HISTORY_KEEP_ALL, &h, &err) != STATUS_OK)
        return NULL;
    json_t *trends = report_trends(h, session->name, (double)session->started / 1e9);
    history_close(h);
    return trends;
}

// False: the report that was asked for could not be written, which has been told.
static bool write_report(struct cli *cli, const struct running *running, const char *history,
                         const struct session *session) {
    struct report_options report = {.made = (double)running->run.now};
    struct buf source = BUF_INIT, bytes = BUF_INIT;
    struct err err;
    if (!running->report)
        return true;
    json_t *trends = running->report_history ? earlier_runs(cli, history, session) : NULL;
    report.history = trends;
    session_write_json(session, &source);
    const struct report_format *format = report_format_of_file(running->report, &err);
    const bool written =
        format && report_file_make(format, buf_str(&source), &report, false, &bytes, &err) == STATUS_OK &&
        report_file_save(&cli->fs, running->report, buf_str(&bytes), &err) == STATUS_OK;
    if (!written)
        cli_fail("%s", err.text);
    json_decref(trends);
    buf_release(&source);
    buf_release(&bytes);
    return written;
}

// Who stops at once leaves make its tokens.
static void give_up(void *self) {
    jobserver_surrender(self);
}

// Runs, with the observer that shows what happens.
static enum status execute_watched(struct cli *cli, struct running *running, struct plan *plan,
                                   struct run_report *report, struct err *err) {
    struct run_options *run = &running->run;
    const bool json = options_has(running->options, "json");
    // Where outputs go to standard output, nothing else does.
    const bool to_stderr = writes_to_stdout(plan) && !run->dry;
    struct reason_lines lines;
    struct interrupt interrupt;
    struct show show;
    int failed = interrupt_start(&interrupt, "finishing what is in flight",
                                 run->govern.jobserver ? give_up : NULL, run->govern.jobserver);
    if (failed)
        return err_os(err, failed, "cannot watch for signals");
    // What goes to the same terminal in between would be drawn over.
    const bool alone = !isatty(STDOUT_FILENO) || !(to_stderr || running->explains);
    show_init(&show, !cli->quiet && !json && alone, !cli->quiet, cli->colour_err);
    reason_lines_init(&lines, to_stderr ? STDERR_FILENO : STDOUT_FILENO, json, running->explains_all,
                      to_stderr ? cli->colour_err : cli->colour_out);
    show.interrupt = &interrupt.raised;
    show.reasons = running->explains ? &lines : NULL;
    struct alerting *alerting = running->alerting;
    if (alerting)
        show_add_taker(&show, alerting_taker(alerting));
    if (exporters_any(&running->exporters))
        show_add_taker(&show, exporters_taker(&running->exporters));
    struct run_observer observer = show_observer(&show);
    run->observer = &observer;
    run->interrupt = &interrupt.raised;
    if (alerting)
        alerting->observer = &observer;
    enum status status = run_execute(plan, run, report, &cli->diags, err);
    if (alerting && report->begun)
        alerting_end(alerting, run->session);
    interrupt_stop(&interrupt);
    reason_lines_end(&lines);
    show_end(&show, report);
    show_release(&show);
    run->observer = NULL;
    run->interrupt = NULL;
    return status;
}

static void tell_bound(const char *name, const char *what, const struct run_bound *bound, uint64_t n,
                       uint64_t known) {
    if (run_bound_exceeded(bound, n, known))
        cli_note("%llu of %llu outputs %s, more than --%s %.15g%s", (unsigned long long)n,
                 (unsigned long long)known, what, name, bound->most, bound->percent ? "%" : "");
}

static void tell_exceeded(const struct run_options *run, const struct run_review *review) {
    tell_bound("max-changed", "would change", &run->review.max_changed, review->counts.changed,
               review->known);
    tell_bound("max-removed", "no longer belong", &run->review.max_removed, review->counts.removed,
               review->known);
    cli_fail("nothing was published: look at it with \"pressrun diff\", then \"pressrun publish\" or "
             "\"pressrun drop\"");
}

// What `auto` begins with.
static void make_forecast(struct cli *cli, struct run_options *run, const struct plan *plan,
                          const char *history, struct str machine, struct forecast *forecast) {
    const struct manifest *manifest = plan->manifest;
    forecast_make(&(struct forecast_options){.fs = &cli->fs,
                                             .plan = plan,
                                             .history = history,
                                             .history_keep = (uint32_t)manifest->history_keep,
                                             .machine = machine,
                                             .output = run->output,
                                             .workers = run->workers,
                                             .caches = caches_tiers(manifest, &run->cache,
                                                                    &strategy_auto.caching, CACHE_RENDER)},
                  forecast);
    run->forecast = forecast;
}

static void release_alerting(struct running *running) {
    if (running->alerting)
        alerting_release(running->alerting);
    running->alerting = NULL;
}

static int execute(struct cli *cli, struct running *running, struct plan *plan) {
    const struct options *options = running->options;
    struct run_options *run = &running->run;
    const char *history = history_directory(cli, options, plan, run);
    struct run_report report = {0};
    struct err err = {0};
    bool reported = true;
    struct session session;
    session_init(&session);
    session_begin(&session, cli->clock.wall(cli->clock.self));
    struct alerting alerting;
    running->alerting = plan->manifest->alerts_n && !run->dry ? &alerting : NULL;
    if (running->alerting)
        alerting_init(&alerting, cli, plan->manifest, session.id);
    run->session = history || running->alerting || running->report || exporters_any(&running->exporters)
                       ? &session
                       : NULL;
    struct forecast forecast;
    if (run->strategy == &strategy_auto)
        make_forecast(cli, run, plan, history, session.machine, &forecast);
    int profile = -1;
    if (!open_trace(cli, options, plan, run, &run->trace) || !open_profile(options, &run->costs, &profile)) {
        close_trace(run->trace);
        release_alerting(running);
        session_release(&session);
        return EXIT_USAGE;
    }
    enum status status = execute_watched(cli, running, plan, &report, &err);
    close_profile(cli, options, run->costs, profile, report.begun);
    close_trace(run->trace);
    run->trace = NULL;
    run->forecast = NULL;
    cli_write_diags(cli);
    if (status != STATUS_OK && cli->diags.errors == 0)
        cli_fail("%s", err.text);
    if (report.exceeded)
        cli_fail("stopped: more than %llu failed (--max-failed)", (unsigned long long)run->max_failed);
    if (report.review.exceeded)
        tell_exceeded(run, &report.review);
    report.alerts = session.alerts = running->alerting && report.begun ? &alerting.alerts : NULL;
    if (report.begun) {
        keep_session(cli, history, &session, plan->manifest->history_keep);
        reported = write_report(cli, running, history, &session);
        tell(cli, options, plan, run, &report, running->workers.most.source, session.id);
    }
    exporters_end(&running->exporters, report.begun ? &session : NULL);
    const int code = exit_code(status, &report, is_alarming(running, plan->manifest, &report));
    release_alerting(running);
    session_release(&session);
    costs_free(run->costs);
    run->costs = NULL;
    return code == EXIT_DONE && !reported ? EXIT_USAGE : code;
}

static int plan_and_execute(struct cli *cli, struct running *running, const struct manifest *manifest) {
    struct exporters *exporters = &running->exporters;
    int code = EXIT_USAGE;
    if (!running->run.dry && !exporters_open(exporters, cli, running->options, manifest))
        return code;
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    if (cli->diags.errors == 0) {
        code = execute(cli, running, plan);
    } else {
        plan_compile_all(plan, &cli->diags); // to tell of everything that is wrong at once
        cli_write_diags(cli);
        exporters_end(exporters, NULL);
    }
    plan_free(plan);
    exporters_close(exporters);
    return code;
}

// Leaves of the manifest what failed in the last run.
static int run_failed(struct cli *cli, struct running *running, struct manifest *manifest) {
    struct run_options *run = &running->run;
    struct retry *retry;
    struct err err;
    const char *output = run->output ? run->output : manifest->output.p;
    if (retry_read(&cli->fs, output, &retry, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (retry)
        retry_select(retry, manifest);
    int code = EXIT_DONE;
    run->retry = retry;
    if (retry && manifest->jobs_n)
        code = plan_and_execute(cli, running, manifest);
    else if (retry)
        code = cli_fail("what failed in the last run to %s belongs to jobs that are not run here", output);
    else if (!cli->quiet)
        cli_note("nothing failed in the last run to %s", output);
    retry_free(retry);
    return code;
}

// The manifest's strategy, where nothing else was asked for; instead of `auto` the one that is pinned, before anybody
// makes up the number of workers.
static void choose_strategy(const struct cli *cli, struct run_options *run, const struct manifest *manifest) {
    struct remembered choice;
    struct err err;
    if (!run->strategy && manifest->strategy.p)
        strategy_find(manifest->strategy, &run->strategy, &err); // the manifest is sound, so there it is
    if (run->strategy == &strategy_auto && remembered_read(&cli->fs, run->output, manifest, &choice) &&
        choice.pinned)
        strategy_find(str_of(choice.strategy), &run->strategy, &err); // of another version: it stays `auto`
}

int running_run(struct running *running, struct cli *cli, struct manifest *manifest) {
    const struct options *options = running->options;
    int code = EXIT_USAGE;
    choose_strategy(cli, &running->run, manifest);
    worker_choice_settle(&running->workers, manifest, &running->run);
    worker_choice_share(cli, &running->workers, &running->run);
    if (running_define(cli, options, manifest))
        code = options_has(options, "only-failed") ? run_failed(cli, running, manifest)
                                                   : plan_and_execute(cli, running, manifest);
    jobserver_close(running->run.govern.jobserver);
    manifest_free(manifest);
    return code;
}
