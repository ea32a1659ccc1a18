// SPDX-License-Identifier: MIT
// pressrun verify: whether the outputs are still those that the last run made.
#include <stdlib.h>

#include "cli/running.h"
#include "cli/show.h"
#include "pipeline/verify/verify.h"

enum { SHOWN = 20 };

static const struct option_spec verify_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "look there instead of the manifest's output directory"},
    {"only", 0, "JOB", "the outputs of this job alone; may be repeated"},
    {"jobs", 'j', "N", "workers (default: the CPUs this process may use; PRESSRUN_JOBS)"},
    {"json", 0, NULL, "as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

static void add_finding(const struct verify_finding *finding, struct buf *out) {
    buf_printf(out, "%-8s  ", verify_state_names[finding->state]);
    show_escaped(out, finding->path.n ? finding->path : STR("standard output"));
    if (finding->job.n) {
        buf_add_text(out, " (job ");
        show_escaped(out, finding->job);
        buf_add_char(out, ')');
    }
    if (finding->why) {
        buf_add_text(out, ": ");
        show_escaped(out, str_of(finding->why));
    }
    buf_add_char(out, '\n');
}

static void add_counts(const struct verify_count *count, struct buf *out) {
    uint64_t outputs = 0;
    const char *between = ": ";
    for (int state = 0; state < VERIFY_STATES; state++)
        outputs += count->outputs[state];
    show_count(out, outputs);
    buf_add_text(out, outputs == 1 ? " output" : " outputs");
    for (int state = 0; state < VERIFY_STATES; state++) {
        if (!count->outputs[state])
            continue;
        buf_add_text(out, between);
        show_count(out, count->outputs[state]);
        buf_printf(out, " %s", verify_state_names[state]);
        between = ", ";
    }
    buf_add_char(out, '\n');
}

static void add_jobs(const struct verify_report *report, struct buf *out) {
    for (size_t j = 0; j < report->jobs_n; j++) {
        const struct verify_job *job = &report->jobs[j];
        bool differs = !digest_equal(job->count.digest, job->count.expected);
        if (!differs && (!job->reason || job->count.outputs[VERIFY_UNKNOWN])) // which has been said
            continue;
        buf_add_text(out, "job ");
        show_escaped(out, job->name.n ? job->name : STR("?"));
        buf_printf(out, ": %s\n", differs ? "its digest differs" : job->reason);
    }
}

static void add_digest(const struct verify_report *report, struct buf *out) {
    char digest[DIGEST_HEX_SIZE], expected[DIGEST_HEX_SIZE];
    digest_hex(report->count.digest, digest);
    digest_hex(report->count.expected, expected);
    switch (verify_answer(report)) {
    case VERIFY_EQUAL:
        buf_printf(out, "digest    %s, as the run made it\n", digest);
        break;
    case VERIFY_DIFFERENT:
        if (digest_equal(report->count.digest, report->count.expected))
            buf_printf(out, "digest    %s, as the run made it; the files are not\n", digest);
        else
            buf_printf(out, "digest    %s\nexpected  %s\n", digest, expected);
        break;
    case VERIFY_CANNOT_SAY:
        buf_printf(out, "digest    %s, of what is verified; it cannot be said for the whole\n", digest);
        break;
    }
}

static void write_text(const struct verify_report *report, struct buf *out) {
    uint64_t all = 0, shown = 0;
    for (int state = VERIFY_VERIFIED + 1; state < VERIFY_STATES; state++)
        all += report->count.outputs[state];
    for (; shown < report->findings_n && shown < SHOWN; shown++)
        add_finding(&report->findings[shown], out);
    if (all > shown) {
        buf_add_text(out, "and ");
        show_count(out, all - shown);
        buf_add_text(out, " more\n");
    }
    add_counts(&report->count, out);
    add_jobs(report, out);
    add_digest(report, out);
}

static int exit_code(enum verify_answer answer) {
    static const int codes[] = {[VERIFY_EQUAL] = EXIT_DONE,
                                [VERIFY_DIFFERENT] = EXIT_FAILED_OUTPUTS,
                                [VERIFY_CANNOT_SAY] = EXIT_USAGE};
    return codes[answer];
}

static int verify(struct cli *cli, const struct options *options, const struct verify_options *asked) {
    struct verify_report report;
    struct err err;
    struct buf text = BUF_INIT;
    if (verify_outputs(asked, &cli->arena, &report, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (report.at_work && !cli->quiet)
        cli_note("a run is at work here, or was killed: what it made is verified as far as it is known");
    if (report.damaged && !cli->quiet)
        cli_note("parts of the journal are damaged");
    if (options_has(options, "json"))
        verify_write_json(&report, &text);
    else if (!cli->quiet)
        write_text(&report, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    return exit_code(verify_answer(&report));
}

static int run_verify(struct cli *cli, const struct options *options) {
    struct err err;
    struct worker_count workers;
    if (options->arguments_n)
        return cli_argument_error(&command_verify, "unexpected argument \"%s\"", options->arguments[0]);
    if (running_choose_workers(options, &workers, &err) != STATUS_OK)
        return cli_argument_error(&command_verify, "%s", err.text);
    struct manifest *manifest = cli_read_selected(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    int code;
    if (!running_select_jobs(options, manifest, &err))
        code = cli_fail("%s", err.text);
    else
        code = verify(cli, options,
                      &(struct verify_options){.fs = &cli->fs,
                                               .manifest = manifest,
                                               .output = options_get(options, "output"),
                                               .workers = workers.n,
                                               .selected = options_has(options, "only")});
    manifest_free(manifest);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .arguments = "[-j N] [-o DIR] [--only JOB] [--json]",
    .summary = "whether the outputs are still those that the last run made",
    .details = "Computes the digest of the last run again from the files and tells which outputs are "
               "missing, edited, "
               "or\n"
               "not known. Nothing is loaded, rendered or written.\n"
               "\n"
               "A stream (.jsonl, text) is taken apart by the lengths of its items, which the run kept in\n"
               ".pressrun/streams in the output directory; it counts as one output. What cannot be verified: "
               "rows of a\n"
               "table, which do not keep their texts, and standard output. Outputs that the last run did not "
               "make any\n"
               "more are left out. --only verifies the jobs it names.\n"
               "\n"
               "--json has: answer (\"equal\", \"different\", \"cannot say\"), digest (computed), expected "
               "(kept; neither "
               "has\n"
               "what is unknown), outputs, verified, missing, edited, unknown, items (of verified streams), "
               "the same for\n"
               "each of jobs with the reason why it cannot be said, and findings: path, job, state and why "
               "of at most\n"
               "1000 outputs that are not verified.\n"
               "\n"
               "Exit codes: 0 equal; 1 something is missing or edited; 2 it cannot be said.\n",
    .options = verify_options,
    .run = run_verify,
};
