// SPDX-License-Identifier: MIT
// pressrun impact: what would be made again if something changed.
#include "cli/reason_text.h"
#include "cli/running.h"
#include "cli/show.h"
#include "pipeline/reasons/impact.h"

static const struct option_spec impact_options[] = {
    OPTIONS_MANIFEST,
    {"field", 0, "SOURCE.FIELD", "a field of records, such as users.tier or users.address"},
    {"template", 't', "NAME", "a template, also where others include it"},
    {"global", 0, "NAME", "a global of the manifest"},
    {"option", 0, "NAME", "an option that outputs depend on, such as undefined or trim_blocks"},
    {"list", 'l', NULL, "the outputs, one a line"},
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"json", 0, NULL, "as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

// In words --------------------------------------------------------------------------------------------------

static void add_count(uint64_t n, const char *what, struct buf *out) {
    show_count(out, n);
    buf_printf(out, " %s%s", what, n == 1 ? "" : "s");
}

static void add_outputs(const struct impact_job *job, bool field, struct buf *out) {
    if (!job->has_run) {
        buf_add_text(out, "not run yet");
    } else if (job->shape == IMPACT_STREAM) {
        buf_add_text(out, "1 stream");
        if (job->outputs) {
            buf_add_text(out, " of ");
            add_count(job->outputs, "output", out);
        }
    } else {
        buf_add_text(out, field ? "up to " : "");
        add_count(job->outputs, job->shape == IMPACT_GROUPS ? "group" : "output", out);
    }
}

static void add_job(const struct impact_job *job, bool field, size_t width, struct buf *out) {
    buf_add_text(out, "  ");
    show_escaped(out, job->name);
    buf_printf(out, "%*s  ", (int)(width > job->name.n ? width - job->name.n : 0), "");
    add_outputs(job, field, out);
    for (size_t i = 0; i < job->by_n; i++) {
        buf_add_text(out, i ? ", " : field ? " (reads " : " (");
        show_escaped(out, job->by[i]);
    }
    buf_add_text(out, ")\n");
    for (size_t i = 0; i < job->paths_n; i++) {
        buf_add_text(out, "    ");
        show_escaped(out, job->paths[i]);
        buf_add_char(out, '\n');
    }
}

static void write_text(const struct impact *impact, const struct impact_question *question, struct buf *out) {
    const bool field = question->kind == IMPACT_FIELD;
    size_t width = 0;
    buf_printf(out, "%s ", impact_kinds[question->kind]);
    show_escaped(out, question->name);
    buf_add_text(out, field && impact->outputs ? ": up to " : ": ");
    add_count(impact->outputs, "output", out);
    if (impact->affected == 0) {
        buf_printf(out, ": no job %s it", field ? "reads" : "depends on");
        if (impact->nearest.p) {
            buf_add_text(out, "; did you mean ");
            show_escaped(out, impact->nearest);
            buf_add_char(out, '?');
        }
        buf_add_char(out, '\n');
        return;
    }
    buf_add_text(out, " of ");
    add_count(impact->affected, "job", out);
    buf_add_char(out, '\n');
    for (size_t j = 0; j < impact->jobs_n; j++)
        width = impact->jobs[j].by_n && impact->jobs[j].name.n > width ? impact->jobs[j].name.n : width;
    for (size_t j = 0; j < impact->jobs_n; j++)
        if (impact->jobs[j].by_n)
            add_job(&impact->jobs[j], field, width, out);
}

// As JSON ---------------------------------------------------------------------------------------------------

static void add_strings(const char *name, const struct str *texts, size_t n, struct buf *out) {
    buf_printf(out, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? ", " : "");
        reason_text_string(texts[i], out);
    }
    buf_add_char(out, ']');
}

static void write_json(const struct impact *impact, const struct impact_question *question, struct buf *out) {
    static const char *const shapes[] = {"outputs", "groups", "stream"};
    bool first = true;
    buf_printf(out, "{\"%s\": ", impact_kinds[question->kind]);
    reason_text_string(question->name, out);
    buf_printf(out, ", \"outputs\": %llu, \"jobs\": [", (unsigned long long)impact->outputs);
    for (size_t j = 0; j < impact->jobs_n; j++) {
        const struct impact_job *job = &impact->jobs[j];
        if (!job->by_n)
            continue;
        buf_add_text(out, first ? "{\"job\": " : ", {\"job\": ");
        reason_text_string(job->name, out);
        buf_printf(out, ", \"shape\": \"%s\", \"run\": %s, \"outputs\": %llu", shapes[job->shape],
                   job->has_run ? "true" : "false", (unsigned long long)job->outputs);
        add_strings("by", job->by, job->by_n, out);
        if (question->lists)
            add_strings("paths", job->paths, job->paths_n, out);
        buf_add_char(out, '}');
        first = false;
    }
    buf_add_char(out, ']');
    if (impact->nearest.p && impact->affected == 0) {
        buf_add_text(out, ", \"nearest\": ");
        reason_text_string(impact->nearest, out);
    }
    buf_add_text(out, "}\n");
}

// ---------------------------------------------------------------------------------------------------------------

static int answer(const struct options *options, struct plan *plan, const struct impact_question *question) {
    struct impact impact;
    struct buf text = BUF_INIT;
    struct err err;
    int code = EXIT_DONE;
    if (impact_find(plan, question, &impact, &err) != STATUS_OK) {
        code = cli_fail("%s", err.text);
    } else {
        if (options_has(options, "json"))
            write_json(&impact, question, &text);
        else
            write_text(&impact, question, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
        if (impact.damaged && !options_has(options, "quiet"))
            cli_note("parts of the journal are damaged: there may be more");
    }
    impact_release(&impact);
    return code;
}

static bool read_question(const struct options *options, struct impact_question *question) {
    size_t given = 0;
    for (int kind = 0; kind < IMPACT_KINDS; kind++) {
        const char *const *words;
        size_t n = options_all(options, impact_kinds[kind], &words);
        given += n;
        if (n == 0)
            continue;
        question->kind = (enum impact_kind)kind;
        question->name = str_of(words[0]);
    }
    question->lists = options_has(options, "list");
    return given == 1;
}

static int run_impact(struct cli *cli, const struct options *options) {
    struct impact_question question = {.fs = &cli->fs};
    struct err err;
    if (options->arguments_n)
        return cli_argument_error(&command_impact, "unexpected argument \"%s\"", options->arguments[0]);
    if (!read_question(options, &question))
        return cli_argument_error(&command_impact, "one of --field, --template, --global and --option");
    if (cli_now(cli, &question.now, &err) != STATUS_OK)
        return cli_argument_error(&command_impact, "%s", err.text);
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    const char *output = options_get(options, "output");
    question.output = output ? output : manifest->output.p;
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    bool ok = plan_compile_all(plan, &cli->diags) && cli->diags.errors == 0;
    cli_write_diags(cli);
    int code = ok ? answer(options, plan, &question) : EXIT_USAGE;
    plan_free(plan);
    manifest_free(manifest);
    return code;
}

const struct command command_impact = {
    .name = "impact",
    .arguments = "--field SOURCE.FIELD | --template NAME | --global NAME | --option NAME [--list]",
    .summary = "which outputs would be made again if something changed",
    .details =
        "Nothing is loaded or run: what jobs depend on is known from their templates and expressions, and "
        "how "
        "many\n"
        "outputs they have from what the last runs remembered. Of a field it is the most that a change can "
        "come to:\n"
        "an output is made again where the field of its own record, or of a record of its group, changes. A "
        "field\n"
        "stands for what is beneath it, too. A stream is made as a whole.\n"
        "\n"
        "Exit codes: 0 done, also where there are none; 2 usage, manifest or environment, or there is "
        "nothing "
        "of that name.\n",
    .options = impact_options,
    .run = run_impact,
};
