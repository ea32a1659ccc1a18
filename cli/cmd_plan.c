// SPDX-License-Identifier: MIT
// pressrun plan, pressrun check: what would run, and whether it could.
#include <stdio.h>

#include "cli/command.h"
#include "pipeline/check.h"
#include "pipeline/plan.h"

static const struct option_spec plan_options[] = {
    OPTIONS_MANIFEST,
    {"json", 0, NULL, "as JSON: nodes and edges"},
    {"dot", 0, NULL, "as a Graphviz graph"},
    {"mermaid", 0, NULL, "as a Mermaid flowchart"},
    OPTIONS_COMMON,
    {0},
};

static const struct option_spec check_options[] = {OPTIONS_MANIFEST, OPTIONS_COMMON, {0}};

static void write_plan(const struct plan *plan, const struct options *options, struct buf *out) {
    if (options_has(options, "json"))
        plan_write_json(plan, out);
    else if (options_has(options, "dot"))
        plan_write_dot(plan, out);
    else if (options_has(options, "mermaid"))
        plan_write_mermaid(plan, out);
    else
        plan_write_text(plan, out);
}

static int run_plan(struct cli *cli, const struct options *options) {
    if (options->arguments_n)
        return cli_argument_error(&command_plan, "unexpected argument \"%s\"", options->arguments[0]);
    if (options_has(options, "json") + options_has(options, "dot") + options_has(options, "mermaid") > 1)
        return cli_argument_error(&command_plan, "--json, --dot and --mermaid exclude each other");
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    bool ok = plan_compile_all(plan, &cli->diags) && cli->diags.errors == 0;
    cli_write_diags(cli);
    if (ok) {
        struct buf text = BUF_INIT;
        write_plan(plan, options, &text);
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    plan_free(plan);
    manifest_free(manifest);
    return ok ? EXIT_DONE : EXIT_USAGE;
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
        buf_printf(&text, "%.*s: ok: %zu source%s, %zu job%s, %zu template%s\n", STR_ARG(manifest->text.name),
                   manifest->sources_n, manifest->sources_n == 1 ? "" : "s", manifest->jobs_n,
                   manifest->jobs_n == 1 ? "" : "s", result.templates, result.templates == 1 ? "" : "s");
        cli_print(buf_str(&text));
        buf_release(&text);
    }
    plan_free(plan);
    manifest_free(manifest);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "[--json | --dot | --mermaid]",
    .summary = "show the stage graph: what would run, and after what",
    .details = "Compiles everything and prints the nodes of the graph in an order in which they may run. "
               "Nothing is\n"
               "loaded, rendered or written.\n",
    .options = plan_options,
    .run = run_plan,
};

const struct command command_check = {
    .name = "check",
    .arguments = "",
    .summary = "check manifest, templates and sources without writing anything",
    .details = "Reports all errors at once, each with file, line and column: unknown keys, missing files, "
               "templates and\n"
               "expressions that do not compile, missing includes, outputs that collide, sources that cannot "
               "be opened\n"
               "or begin with nothing that can be read; and warns of bad records among the first ones and of "
               "templates\n"
               "that nothing uses.\n"
               "Exit codes: 0 all is well (there may be warnings); 2 there are errors.\n",
    .options = check_options,
    .run = run_check,
};
