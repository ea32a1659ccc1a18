// SPDX-License-Identifier: MIT
// pressrun plan, pressrun check: what would run, and whether it could.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/plan_outputs.h"
#include "cli/plan_session.h"
#include "cli/running.h"
#include "cli/show.h"
#include "pipeline/plan/check.h"
#include "pipeline/plan/plan.h"

enum { LINE_WIDTH = 100 };

static const struct option_spec plan_options[] = {
    OPTIONS_MANIFEST,
    {"json", 0, NULL, "as JSON: nodes and edges"},
    {"dot", 0, NULL, "as a Graphviz graph"},
    {"mermaid", 0, NULL, "as a Mermaid flowchart"},
    {"routes", 0, NULL, "the routes, the most specific first, with the files that each takes"},
    {"outputs", 0, NULL, "of each job how many outputs are up to date, and why the others would be made"},
    {"timing", 0, "[SESSION]",
     "what each node took in the last run, or in that one; the critical path is marked"},
    {"history", 0, "DIR", "with --timing: where the history is (PRESSRUN_HISTORY)"},
    {"output", 'o', "DIR",
     "with --outputs and --timing: the output directory, where it is not the manifest's"},
    {"define", 'D', "NAME=TEXT", "set a global, as the run would; NAME:=JSON for any value"},
    {"jobs", 'j', "N", "with --outputs: workers (default: the CPUs this process may use; PRESSRUN_JOBS)"},
    OPTIONS_COMMON,
    {0},
};

static const struct option_spec check_options[] = {OPTIONS_MANIFEST, OPTIONS_COMMON, {0}};

// For a person at a terminal.
static void write_text(const struct plan *plan, const struct plan_timing *timing, bool colour,
                       struct buf *out) {
    struct buf text = BUF_INIT;
    if (timing)
        plan_timing_write_text(plan, timing, &text);
    else
        plan_write_text(plan, &text);
    for (size_t from = 0; from < text.n;) {
        const char *line = text.p + from, *end = memchr(line, '\n', text.n - from);
        size_t n = end ? (size_t)(end - line) : text.n - from;
        const bool marked = colour && timing && n && *line == '*'; // on the critical path
        buf_add_text(out, marked ? "\033[1;33m" : "");
        show_escaped(out, (struct str){line, n});
        buf_add_text(out, marked ? "\033[0m\n" : "\n");
        from += n + 1;
    }
    buf_release(&text);
}

static void write_plan(const struct plan *plan, const struct plan_timing *timing,
                       const struct options *options, bool colour, struct buf *out) {
    if (options_has(options, "json"))
        plan_write_json(plan, timing, out);
    else if (options_has(options, "dot"))
        plan_write_dot(plan, timing, out);
    else if (options_has(options, "mermaid"))
        plan_write_mermaid(plan, timing, out);
    else
        write_text(plan, timing, colour, out);
}

// Frees both.
static int show_routes(struct cli *cli, struct plan *plan, struct manifest *manifest, bool json) {
    struct plan_routed *counts = MEM_NEW_ARRAY(struct plan_routed, manifest->sources_n + 1);
    struct buf text = BUF_INIT, shown = BUF_INIT;
    struct err err;
    for (size_t s = 0; s < manifest->sources_n && cli->diags.errors == 0; s++)
        if (plan->sources[s].routes && plan_count_routes(&cli->fs, plan, s, &counts[s], &err) != STATUS_OK)
            diags_error(&cli->diags, &manifest->text, manifest->sources[s].path_span, "%s", err.text);
    const bool ok = cli->diags.errors == 0;
    cli_write_diags(cli);
    if (ok && json)
        plan_write_routes_json(plan, counts, &shown);
    else if (ok)
        plan_write_routes(plan, counts, &text);
    for (struct str rest = buf_str(&text); rest.n;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        show_escaped(&shown, (struct str){rest.p, (size_t)(end - rest.p)});
        buf_add_char(&shown, '\n');
        rest = str_from(rest, (size_t)(end - rest.p) + 1);
    }
    cli_print(buf_str(&shown));
    buf_release(&text);
    buf_release(&shown);
    for (size_t s = 0; s < manifest->sources_n; s++)
        mem_free(counts[s].files);
    mem_free(counts);
    plan_free(plan);
    manifest_free(manifest);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

static int run_plan(struct cli *cli, const struct options *options) {
    const bool outputs = options_has(options, "outputs");
    struct run_options run;
    if (options->arguments_n)
        return cli_argument_error(&command_plan, "unexpected argument \"%s\"", options->arguments[0]);
    if (options_has(options, "json") + options_has(options, "dot") + options_has(options, "mermaid") > 1)
        return cli_argument_error(&command_plan, "--json, --dot and --mermaid exclude each other");
    if (options_has(options, "routes") && (outputs || options_has(options, "timing") ||
                                           options_has(options, "dot") || options_has(options, "mermaid")))
        return cli_argument_error(&command_plan, "--routes goes with --json alone");
    if (outputs && (options_has(options, "dot") || options_has(options, "mermaid")))
        return cli_argument_error(&command_plan, "--outputs is no graph");
    if (outputs && options_has(options, "timing"))
        return cli_argument_error(&command_plan, "--outputs and --timing exclude each other");
    if (options_has(options, "history") && !options_has(options, "timing"))
        return cli_argument_error(&command_plan, "--history goes with --timing");
    if (outputs && !running_init_dry(&run, cli, &command_plan, options))
        return EXIT_USAGE;
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    if (!running_define(cli, options, manifest)) {
        manifest_free(manifest);
        return EXIT_USAGE;
    }
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    if (outputs && cli->diags.errors == 0) {
        int code = plan_outputs(cli, plan, &run, options_has(options, "json"));
        plan_free(plan);
        manifest_free(manifest);
        return code;
    }
    if (options_has(options, "routes"))
        return show_routes(cli, plan, manifest, options_has(options, "json"));
    const bool timed = options_has(options, "timing");
    struct plan_timing timing;
    bool ok = plan_compile_all(plan, &cli->diags) && cli->diags.errors == 0;
    cli_write_diags(cli);
    ok = ok && (!timed || plan_session_read(cli, options, plan, &timing));
    if (ok) {
        struct buf text = BUF_INIT;
        write_plan(plan, timed ? &timing : NULL, options, cli->colour_out, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    plan_free(plan);
    manifest_free(manifest);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

// Paths one after the other, in lines of about LINE_WIDTH, those behind the first indented.
static void add_paths(struct buf *out, const struct str *paths, size_t n, size_t indent, size_t column) {
    for (size_t i = 0; i < n; i++) {
        size_t width = paths[i].n + (i + 1 < n);
        bool breaks = i > 0 && column + 1 + width > LINE_WIDTH;
        if (breaks)
            buf_printf(out, "\n%*s", (int)indent, "");
        else if (i > 0)
            buf_add_char(out, ' ');
        column = (breaks ? indent : column + (i > 0)) + width;
        show_escaped(out, paths[i]);
        if (i + 1 < n)
            buf_add_char(out, ',');
    }
    buf_add_text(out, n ? "\n" : "nothing\n");
}

// What each job reads of its records.
static void show_fields(const struct plan *plan, struct buf *out) {
    size_t widest = 0;
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        widest = plan->manifest->jobs[j].name.n > widest ? plan->manifest->jobs[j].name.n : widest;
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        struct str *paths, name = plan->manifest->jobs[j].name;
        size_t n = fields_paths(plan->jobs[j].fields, &paths), indent = widest + strlen("   reads ");
        buf_printf(out, "  %.*s%*s reads ", STR_ARG(name), (int)(widest - name.n), "");
        add_paths(out, paths, n, indent, indent);
        mem_free(paths);
    }
}

static int run_check(struct cli *cli, const struct options *options) {
    if (options->arguments_n)
        return cli_argument_error(&command_check, "unexpected argument \"%s\"", options->arguments[0]);
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    struct check_result result;
    bool ok = check_plan(&cli->fs, plan, &result, &cli->diags);
    cli_write_diags(cli);
    if (ok && !cli->quiet) {
        struct buf text = BUF_INIT;
        show_escaped(&text, manifest->text.name);
        buf_printf(&text, ": ok: %zu source%s, %zu job%s, %zu template%s\n", manifest->sources_n,
                   manifest->sources_n == 1 ? "" : "s", manifest->jobs_n, manifest->jobs_n == 1 ? "" : "s",
                   result.templates, result.templates == 1 ? "" : "s");
        show_fields(plan, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    plan_free(plan);
    manifest_free(manifest);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "[--json | --dot | --mermaid] [--outputs | --timing]",
    .summary = "show the stage graph: what would run, and after what",
    .details =
        "Compiles everything and prints the nodes of the graph in an order in which they may run. "
        "Nothing is\n"
        "loaded, rendered or written. --outputs reads the records instead, and tells of each job what the "
        "next run\n"
        "would do: how many outputs are up to date, and for which first reasons the others would be "
        "made.\n"
        "\n"
        "--timing adds to each node what it took in the last run of this manifest that the history has, or "
        "in "
        "the\n"
        "session it names: busy seconds of all workers and their share, how long an output (of rendering) or "
        "a\n"
        "batch (of the rest) took, p50 and p95, and the share of the run that its critical path spent there. "
        "Nodes\n"
        "on the path are marked: *, bold or coloured. Jobs and sources are matched by name; one that the "
        "run did not\n"
        "have has no times.\n"
        "\n"
        "Exit codes: 0 done; 2 usage, manifest, or no session to take times from.\n",
    .options = plan_options,
    .run = run_plan,
};

const struct command command_check = {
    .name = "check",
    .arguments = "",
    .summary = "check manifest, templates and sources without writing anything",
    .details =
        "Reports all errors at once, each with file, line and column: unknown keys, missing files, "
        "templates and\n"
        "expressions that do not compile, missing includes, outputs that collide, sources that cannot "
        "be opened\n"
        "or begin with nothing that can be read; and warns of bad records among the first ones, of fields "
        "that are\n"
        "read and that none of these records has, and of templates that nothing uses.\n"
        "Then prints which fields of its records each job reads: \"a.b\", \"a[].b\" of each element of a "
        "list, \"a.*\"\n"
        "all fields of a mapping, \"*\" all of the record. What no job reads is not loaded.\n"
        "Exit codes: 0 all is well (there may be warnings); 2 there are errors.\n",
    .options = check_options,
    .run = run_check,
};
