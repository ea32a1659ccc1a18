// SPDX-License-Identifier: MIT
#include "base/number.h"
#include "cli/report_file.h"
#include "cli/running.h"

static const struct option_spec run_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "write there instead of the manifest's output directory"},
    {"only", 0, "JOB", "run this job alone; may be repeated"},
    {"trust", 0, NULL, "take outputs to be as they were left, without looking at them"},
    {"dry-run", 'n', NULL, "find out what would be made and pruned, and write nothing"},
    {"explain", 0, "[all]", "say of each output that is made why: the first reason, or all of them"},
    {"prune", 0, NULL, "remove outputs of earlier runs that no longer belong, if nobody has changed them"},
    {"stage", 0, NULL, "publish nothing yet: \"pressrun diff\" shows what would change"},
    {"max-changed", 0, "N|N%", "publish nothing if more outputs than that would change"},
    {"max-removed", 0, "N|N%", "publish nothing if more outputs than that no longer belong"},
    {"alert-exit", 0, "SEVERITY", "the least severity of an alert that makes the exit code 3; \"never\""},
    {"report", 0, "FILE", "write a report of the run there: .json, .html or .md"},
    {"include-history", 0, NULL, "with how the report's figures went in earlier runs"},
    OPTIONS_RUN,
    OPTIONS_COMMON,
    {0},
};

// "12", or "5%" of the outputs there were.
static bool read_bound(const struct options *options, const char *name, struct run_bound *bound,
                       struct err *err) {
    const char *text = options_get(options, name);
    *bound = (struct run_bound){.set = text != NULL};
    if (!text)
        return true;
    struct str number = str_of(text);
    bound->percent = str_ends(number, STR("%"));
    number.n -= bound->percent;
    if (number.n > 0 && number.p[0] >= '0' && number.p[0] <= '9' &&
        number_parse_double(number, &bound->most) && bound->most <= (bound->percent ? 100.0 : 1e15) &&
        (bound->percent || bound->most == (double)(uint64_t)bound->most))
        return true;
    err_set(err, STATUS_DATA, "--%s must be a number of outputs, or percent such as 5%%, not \"%s\"", name,
            text);
    return false;
}

// -1: the manifest's.
static enum status read_alert_exit(const struct options *options, int *alert_exit, struct err *err) {
    const char *text = options_get(options, "alert-exit");
    *alert_exit = text ? alert_severity_find(str_of(text)) : -1;
    if (!text || *alert_exit >= 0)
        return STATUS_OK;
    *alert_exit = ALERT_SEVERITIES;
    if (strcmp(text, "never") == 0)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "--alert-exit is low, medium, high, critical or never, not \"%s\"",
                   text);
}

static int run_run(struct cli *cli, const struct options *options) {
    struct err err;
    if (options->arguments_n)
        return cli_argument_error(&command_run, "unexpected argument \"%s\"", options->arguments[0]);
    struct running running;
    const char *explain = options_get(options, "explain");
    if (explain && *explain && strcmp(explain, "all") != 0)
        return cli_argument_error(&command_run, "--explain takes nothing or \"all\", not \"%s\"", explain);
    if (!running_init(&running, cli, &command_run, options))
        return EXIT_USAGE;
    running.run.remember = true;
    running.run.trust = options_has(options, "trust");
    running.run.prune = options_has(options, "prune");
    running.run.dry = options_has(options, "dry-run");
    running.explains = explain != NULL;
    running.explains_all = explain && *explain;
    running.run.output = options_get(options, "output");
    running.report = options_get(options, "report");
    running.report_history = options_has(options, "include-history");
    if (running.report && running.run.dry)
        return cli_argument_error(&command_run,
                                  "--report tells what a run made, and --dry-run makes nothing");
    if (running.report && (!report_format_of_file(running.report, &err) ||
                           report_file_check(running.report, &err) != STATUS_OK))
        return cli_argument_error(&command_run, "--report: %s", err.text);
    struct run_review_options *review = &running.run.review;
    review->stage = options_has(options, "stage");
    if (!read_bound(options, "max-changed", &review->max_changed, &err) ||
        !read_bound(options, "max-removed", &review->max_removed, &err) ||
        read_alert_exit(options, &running.alert_exit, &err) != STATUS_OK)
        return cli_argument_error(&command_run, "%s", err.text);
    if (running.run.dry && (review->stage || review->max_changed.set || review->max_removed.set))
        return cli_argument_error(&command_run,
                                  "--dry-run writes nothing, so it cannot be staged: run --stage, "
                                  "look at it with \"pressrun diff\", and \"pressrun drop\" it");
    struct manifest *manifest = cli_read_selected(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    if (!running_select_jobs(options, manifest, &err)) {
        manifest_free(manifest);
        return cli_fail("%s", err.text);
    }
    running.run.selected = options_has(options, "only");
    return running_run(&running, cli, manifest);
}

const struct command command_run = {
    .name = "run",
    .arguments = "[-j N] [-o DIR] [--only JOB] [--only-failed] [--json]",
    .summary = "regenerate all outputs of the manifest",
    .details =
        "Loads the records, compiles the templates, renders and writes, in parallel. One bad record costs "
        "one\n"
        "record: failures are shown, listed in .pressrun/errors.jsonl in the output directory, and counted;\n"
        "--only-failed does them again. The digest in the summary is the same for the same outputs, whatever "
        "the\n"
        "number of workers, and whatever was left alone.\n"
        "\n"
        "Only what would come out differently is made: outputs whose record, as far as templates read it, "
        "and\n"
        "templates, expressions, globals and options are those of the run before are left alone, if they are "
        "as\n"
        "they were left; --trust does without that look, --force makes everything. What is made and is "
        "there\n"
        "already with the same bytes is not written. Outputs that no longer belong are told of; --prune "
        "removes\n"
        "those that nobody has changed. What runs remember is in .pressrun/ in the output directory.\n"
        "\n"
        "--dry-run finds out what would be made, and writes nothing; --json then has would_render and "
        "would_prune.\n"
        "--explain prints a line for each output that is made, or would be: the first reason, --explain=all "
        "all of\n"
        "them; with --json an object a line, before the summary. See also `pressrun help why`.\n"
        "\n"
        "--only runs the jobs it names and not those they need. --max-failed N: a run with more failures "
        "stops,\n"
        "and its streams keep what they were. One run at a time works on an output directory.\n"
        "\n"
        "--stage puts what would be written into .pressrun/stage in the output directory instead, and leaves "
        "what is\n"
        "published as it is; then see `pressrun help diff`. --max-changed and --max-removed do the same and "
        "publish at\n"
        "the end, unless more would change than that, in number or in percent of the outputs there were.\n"
        "--json then has `staged`: published, exceeded, added, changed, removed, known (outputs before).\n"
        "\n"
        "--json has, among others: session, strategy, workers, loaded (records), excluded (by `where`), "
        "up_to_date,\n"
        "rendered, written, unchanged, failed (records and outputs), jobs_done, jobs_failed, jobs_skipped, "
        "seconds,\n"
        "records_per_second, source_bytes, bytes_written, output_bytes, stage_seconds (busy, summed over "
        "workers),\n"
        "peak_rss_bytes, pruned, left_over, interrupted, digest; and the work done, the same from any number "
        "of workers:\n"
        "templates (compiled), fields_parsed and fields_skipped (of records), opcodes (run), allocations,\n"
        "allocated_bytes.\n"
        "\n"
        "What a run notes on its way is on stderr, with --json, too. --quiet leaves notes out, but not what "
        "failed or what\n"
        "is, or may be, lost: a journal that is damaged or cannot be kept, an audit that found another "
        "text.\n"
        "\n"
        "-j N says how many workers there are; -j 2..8 lets their number change between these, as other work "
        "on\n"
        "the machine and its memory leave room (docs/workers.md). Without -j a run that make -jN started "
        "shares\n"
        "make's jobserver, where its recipe begins with \"+\". --json then has workers_least, "
        "workers_changes and\n"
        "intake_pauses, and workers is the most there were at once.\n"
        "\n"
        "Rules of the manifest (`alerts`) that come true are told of on stderr, and --json has them in "
        "`alerts`. Exit\n"
        "code 3 is for those of at least the severity that --alert-exit, or the manifest's alert_exit, "
        "names.\n"
        "\n"
        "Exit codes: 0 done; 1 some outputs failed; 2 usage, manifest or environment; 3 an alert; 5 a bound "
        "was\n"
        "exceeded, nothing published; 130 interrupted.\n",
    .options = run_options,
    .run = run_run,
};
