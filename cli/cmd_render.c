// SPDX-License-Identifier: MIT
#include "cli/command.h"
#include "pipeline/single.h"

static const struct option_spec render_options[] = {
    {"data", 0, "FILE", "the record: a JSON object (\"-\": standard input; default: an empty one)"},
    {"search", 0, "DIR",
     "look for templates there; may be repeated (default: the template's directory, then here)"},
    {"language", 0, "NAME", "the template's language (default: by its extension, else jinja)"},
    {"trim-blocks", 0, NULL, "drop the line end after a block tag"},
    {"lstrip-blocks", 0, NULL, "drop the blanks before a block tag at the start of a line"},
    {"keep-trailing-newline", 0, NULL, "keep the last line end of a template"},
    {"autoescape", 0, NULL, "escape values for HTML"},
    {"undefined", 0, "MODE", "strict, default (empty) or keep"},
    {"program", 0, NULL, "show the compiled program instead of rendering"},
    OPTIONS_COMMON,
    {0},
};

static bool parse_undefined(const char *text, enum undefined_mode *mode) {
    static const char *const names[] = {"default", "strict", "keep"}; // in the enum's order
    for (int i = 0; text && i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum undefined_mode)i;
            return true;
        }
    }
    return !text;
}

static int run_render(struct cli *cli, const struct options *options) {
    if (options->arguments_n != 1)
        return cli_argument_error(&command_render,
                                  options->arguments_n ? "one template at a time" : "which template?");
    struct single_options single = {
        .template_name = options->arguments[0],
        .data = options_get(options, "data"),
        .language = options_get(options, "language"),
        .trim_blocks = options_has(options, "trim-blocks"),
        .lstrip_blocks = options_has(options, "lstrip-blocks"),
        .keep_trailing_newline = options_has(options, "keep-trailing-newline"),
        .autoescape = options_has(options, "autoescape"),
        .show_program = options_has(options, "program"),
    };
    single.search_n = options_all(options, "search", &single.search);
    if (!parse_undefined(options_get(options, "undefined"), &single.undefined))
        return cli_argument_error(&command_render, "--undefined is strict, default or keep, not \"%s\"",
                                  options_get(options, "undefined"));
    struct buf text = BUF_INIT;
    struct err err = {0};
    enum single_result result = single_render(&cli->fs, &single, &text, &cli->diags, &err);
    if (result == SINGLE_DONE)
        cli_print(&text);
    else if (cli->diags.errors)
        cli_write_diags(cli);
    else
        cli_fail("%s", err.text);
    buf_release(&text);
    return result == SINGLE_DONE ? EXIT_DONE : result == SINGLE_FAILED ? EXIT_FAILED_OUTPUTS : EXIT_USAGE;
}

const struct command command_render = {
    .name = "render",
    .arguments = "TEMPLATE [--data FILE] [--search DIR]...",
    .summary = "render one template with one data file to standard output",
    .details = "Exit codes: 0 done; 1 rendering failed; 2 the template or the data cannot be used.\n",
    .options = render_options,
    .run = run_render,
};
