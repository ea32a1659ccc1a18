// SPDX-License-Identifier: MIT
// pressrun why: what becomes of single outputs, and why.
#include <stdio.h>
#include <unistd.h>

#include "cli/running.h"
#include "cli/show.h"
#include "cli/why_text.h"

static const struct option_spec why_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"define", 'D', "NAME=TEXT", "set a global, as the run would; NAME:=JSON for any value"},
    {"jobs", 'j', "N", "workers (default: the CPUs this process may use; PRESSRUN_JOBS)"},
    {"verbose", 'v', NULL, "also what it was made with: templates, globals, options, fields"},
    {"json", 0, NULL, "one JSON object for each output, with all that is known"},
    OPTIONS_COMMON,
    {0},
};

// Paths -----------------------------------------------------------------------------------------------------

// From the root, without "." and "..", as the letters have it: links are not looked at.
static struct str absolute(struct arena *arena, const char *path) {
    struct buf whole = BUF_INIT;
    char here[4096];
    if (path[0] != '/' && getcwd(here, sizeof here) && here[1])
        buf_add_text(&whole, here);
    for (const char *part = path; *part; part += strspn(part, "/")) {
        size_t n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.') {
            while (whole.n && whole.p[--whole.n] != '/')
                ;
        } else if (n && !(n == 1 && part[0] == '.')) {
            buf_add_char(&whole, '/');
            buf_add(&whole, part, n);
        }
        part += n;
    }
    struct str kept = arena_str(arena, whole.n ? buf_str(&whole) : STR("/"));
    buf_release(&whole);
    return kept;
}

static bool is_there(struct arena *arena, struct str directory, const char *path) {
    const char *whole = arena_printf(arena, "%.*s/%s", STR_ARG(directory), path);
    return whole && access(whole, F_OK) == 0;
}

// Below the output directory. Paths are the output directory's, but those of files that are there from here, as a shell
// completes them, are taken as that. {NULL, 0}: it is outside.
static struct str output_path(struct arena *arena, struct str root, const char *given) {
    struct str whole = absolute(arena, given);
    bool beneath = whole.n > root.n + 1 && str_starts(whole, root) && whole.p[root.n] == '/';
    if (beneath && (given[0] == '/' || access(given, F_OK) == 0 || !is_there(arena, root, given)))
        return str_from(whole, root.n + 1);
    struct str within = absolute(arena, arena_printf(arena, "%.*s/%s", STR_ARG(root), given));
    bool fits =
        given[0] != '/' && within.n > root.n + 1 && str_starts(within, root) && within.p[root.n] == '/';
    return fits ? str_from(within, root.n + 1) : (struct str){NULL, 0};
}

// ---------------------------------------------------------------------------------------------------------------

static int tell(struct cli *cli, const struct options *options, const struct why *why) {
    struct buf text = BUF_INIT;
    int code = EXIT_DONE;
    for (size_t i = 0; i < why->n; i++) {
        const struct why_answer *answer = &why->answers[i];
        if (options_has(options, "json"))
            why_text_write_json(why, answer, &text);
        else
            why_text_write(why, answer, options_has(options, "verbose"), cli->colour_out, &text);
        if (answer->state == WHY_UNKNOWN)
            code = EXIT_USAGE;
    }
    cli_print(buf_str(&text));
    buf_release(&text);
    return code;
}

static int ask(struct cli *cli, const struct options *options, struct run_options *run,
               const struct manifest *manifest, const struct str *paths, size_t n) {
    struct plan *plan = plan_make(&cli->fs, manifest, &cli->diags);
    struct show show;
    struct why why;
    struct err err = {0};
    int code = EXIT_USAGE;
    if (cli->diags.errors == 0) {
        show_init(&show, !cli->quiet, !cli->quiet, cli->colour_err);
        const struct run_observer observer = show_observer(&show);
        run->observer = &observer;
        enum status status = why_ask(plan, run, paths, n, &why, &cli->diags, &err);
        if (status == STATUS_OK)
            code = tell(cli, options, &why);
        else if (cli->diags.errors == 0)
            cli_fail("%s", err.text);
        why_release(&why);
        show_release(&show);
    }
    cli_write_diags(cli);
    plan_free(plan);
    return code;
}

static int run_why(struct cli *cli, const struct options *options) {
    struct run_options run;
    struct str paths[ARGUMENTS_MAX];
    if (options->arguments_n == 0)
        return cli_argument_error(&command_why, "which output?");
    if (!running_init_dry(&run, cli, &command_why, options))
        return EXIT_USAGE;
    struct manifest *manifest = cli_read_manifest(cli, options);
    if (!manifest)
        return EXIT_USAGE;
    const char *output = run.output ? run.output : manifest->output.p;
    const struct str root = absolute(&cli->arena, output);
    bool fits = true;
    for (size_t i = 0; i < options->arguments_n && fits; i++) {
        paths[i] = output_path(&cli->arena, root, options->arguments[i]);
        fits = paths[i].p != NULL;
        if (!fits)
            cli_fail("%s is not in the output directory, %s", options->arguments[i],
                     run.output ? run.output : manifest->output_shown.p);
    }
    int code = EXIT_USAGE;
    if (fits && running_define(cli, options, manifest))
        code = ask(cli, options, &run, manifest, paths, options->arguments_n);
    manifest_free(manifest);
    return code;
}

const struct command command_why = {
    .name = "why",
    .arguments = "OUTPUT... [-v] [--json]",
    .summary = "why an output would, or would not, be made again, and why it was",
    .details =
        "For each output: whether it is up to date or the next run would make it, for which reasons, and "
        "from "
        "which\n"
        "record; when the last one was made, by which run, and why. Paths are those below the output "
        "directory, or\n"
        "of files as they are seen from here. The records are read, and nothing is rendered or written.\n"
        "\n"
        "Of values that are not short, and of those that nobody kept, there is only the hash (--json). A "
        "field "
        "that\n"
        "has changed once is kept, if it is short, so its next change tells both values.\n"
        "\n"
        "--json: output, state (up_to_date, would_be_made, fails, left_over, undecided, unknown), reasons, "
        "job, source,\n"
        "path, line, record, key, and made (run, runs, written, size, reasons, with, fields).\n"
        "\n"
        "Exit codes: 0 done; 2 usage, manifest or environment, or there is an output that no job makes.\n",
    .options = why_options,
    .run = run_why,
};
