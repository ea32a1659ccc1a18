// SPDX-License-Identifier: MIT
#include "cli/running.h"
#include "pipeline/plan/plan.h"
#include "pipeline/run/each.h"
#include "pipeline/run/single.h"

static const struct option_spec render_options[] = {
    {"data", 0, "FILE", "the record: a JSON object (\"-\": standard input; default: an empty one)"},
    {"search", 0, "PLACE",
     "look for templates there, a directory or a database; may be repeated (default: the template's "
     "directory, then here)"},
    {"language", 0, "NAME", "the template's language (default: by its extension, else jinja)"},
    {"environment", 0, "NAME", "an environment variable that a prompt may name; may be repeated"},
    {"trim-blocks", 0, NULL, "drop the line end after a block tag"},
    {"lstrip-blocks", 0, NULL, "drop the blanks before a block tag at the start of a line"},
    {"keep-trailing-newline", 0, NULL, "keep the last line end of a template"},
    {"autoescape", 0, NULL, "escape values for HTML"},
    {"chat", 0, NULL, "the template is a chat template of a language model"},
    {"undefined", 0, "MODE", "strict, default (empty) or keep; without it default, with --each strict"},
    {"limit", 0, "NAME=VALUE", "as the manifest's limits: --limit output_bytes=2GiB; may be repeated"},
    {"program", 0, NULL, "show the compiled program instead of rendering"},
    {"each", 0, "RECORDS", "render once for each record of a source: a file or a pattern of files"},
    {"to", 0, "PATTERN", "with --each: path of the output; with an expression in it one file each"},
    {"key", 0, "EXPR", "with --each: an expression that names a record"},
    {"where", 0, "EXPR", "with --each: only records for which this is true"},
    {"format", 0, "NAME", "with --each: the records' format, where the name does not say it"},
    {"query", 0, "SQL", "with --each: what to read from a database"},
    {"table", 0, "NAME", "with --each: the table of a database"},
    {"schema", 0, NULL, "with --each: the tables of a database are the records, not their rows"},
    {"pointer", 0, "POINTER", "with --each: JSON pointer to the records of a JSON document"},
    {"columns", 0, "NAMES", "with --each: names of a CSV file's columns, where it has no header"},
    {"delimiter", 0, "CHARACTER", "with --each: what separates the fields of a CSV file"},
    {"separator", 0, "TEXT", "with --each: what stands between the outputs of a text stream"},
    {"raw", 0, NULL, "with --each: outputs are JSON texts: lines of .jsonl, rows of a table"},
    OPTIONS_RUN,
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

// What stands on the command line without what it belongs to, or NULL.
static const char *misplaced(const struct options *options) {
    static const char *const of_each[] = {
        "to",          "key",        "where",     "format", "query",   "table",   "schema", "pointer",
        "columns",     "delimiter",  "separator", "raw",    "jobs",    "json",    "force",  "durable",
        "only-failed", "max-failed", "wait",      "trace",  "verbose", "profile", NULL};
    static const char *const of_one[] = {"data", "language", "program", NULL};
    for (const char *const *name = options_has(options, "each") ? of_one : of_each; *name; name++)
        if (options_has(options, *name))
            return *name;
    return NULL;
}

// False: what is wrong has been told.
static bool take_limits(const struct options *options, struct manifest_limits *limits) {
    const char *const *words;
    size_t n = options_all(options, "limit", &words);
    struct err err;
    for (size_t i = 0; i < n; i++) {
        if (!limits_set(limits, words[i], &err)) {
            cli_argument_error(&command_render, "--limit: %s", err.text);
            return false;
        }
    }
    return true;
}

static int render_each(struct cli *cli, const struct options *options) {
    struct each_options each = {
        .template_name = options->arguments[0],
        .records = options_get(options, "each"),
        .to = options_get(options, "to"),
        .format = options_get(options, "format"),
        .query = options_get(options, "query"),
        .table = options_get(options, "table"),
        .schema = options_has(options, "schema"),
        .pointer = options_get(options, "pointer"),
        .columns = options_get(options, "columns"),
        .delimiter = options_get(options, "delimiter"),
        .separator = options_get(options, "separator"),
        .raw = options_has(options, "raw"),
        .key = options_get(options, "key"),
        .where = options_get(options, "where"),
        .undefined = options_get(options, "undefined"),
        .trim_blocks = options_has(options, "trim-blocks"),
        .lstrip_blocks = options_has(options, "lstrip-blocks"),
        .keep_trailing_newline = options_has(options, "keep-trailing-newline"),
        .autoescape = options_has(options, "autoescape"),
        .chat = options_has(options, "chat"),
    };
    each.environment_n = options_all(options, "environment", &each.environment);
    each.search_n = options_all(options, "search", &each.search);
    if (!each.to)
        return cli_argument_error(&command_render, "--each needs --to, where the outputs go");
    size_t n = strlen(each.to);
    if (n == 0 || each.to[n - 1] == '/')
        return cli_argument_error(&command_render,
                                  "--to %s: say how the outputs there are called, such as '%s{{ id }}.txt'",
                                  n ? each.to : "''", each.to);
    struct manifest_limits limits = {0};
    if (!take_limits(options, &limits))
        return EXIT_USAGE;
    struct running running;
    if (!running_init(&running, cli, &command_render, options))
        return EXIT_USAGE;
    struct manifest *manifest = each_manifest(&cli->fs, &each, &cli->diags);
    manifest->limits = limits;
    if (manifest->sound)
        return running_run(&running, cli, manifest);
    plan_check_texts(&cli->fs, manifest, &cli->diags);
    cli_write_diags(cli);
    manifest_free(manifest);
    return EXIT_USAGE;
}

static enum status print_piece(void *self, struct str piece, struct err *err) {
    (void)self;
    (void)err;
    cli_print(piece);
    return STATUS_OK;
}

static int render_one(struct cli *cli, const struct options *options, enum undefined_mode undefined) {
    const struct vm_writer writer = {NULL, print_piece};
    struct single_options single = {
        .template_name = options->arguments[0],
        .data = options_get(options, "data"),
        .language = options_get(options, "language"),
        .trim_blocks = options_has(options, "trim-blocks"),
        .lstrip_blocks = options_has(options, "lstrip-blocks"),
        .keep_trailing_newline = options_has(options, "keep-trailing-newline"),
        .autoescape = options_has(options, "autoescape"),
        .chat = options_has(options, "chat"),
        .show_program = options_has(options, "program"),
        .undefined = undefined,
        .writer = &writer,
    };
    if (!take_limits(options, &single.limits))
        return EXIT_USAGE;
    const char *const *words;
    single.environment_n = options_all(options, "environment", &single.environment);
    single.search_n = options_all(options, "search", &single.search);
    single.defines_n = options_all(options, "define", &words);
    single.defines = define_parse(&cli->arena, words, single.defines_n, &cli->diags);
    struct buf text = BUF_INIT;
    struct err err = {0};
    if (cli_now(cli, &single.now, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    enum single_result result =
        single.defines ? single_render(&cli->fs, &single, &text, &cli->diags, &err) : SINGLE_UNUSABLE;
    if (result == SINGLE_DONE)
        cli_print(buf_str(&text));
    else if (cli->diags.errors)
        cli_write_diags(cli);
    else
        cli_fail("%s", err.text);
    buf_release(&text);
    return result == SINGLE_DONE ? EXIT_DONE : result == SINGLE_FAILED ? EXIT_FAILED_OUTPUTS : EXIT_USAGE;
}

static int run_render(struct cli *cli, const struct options *options) {
    enum undefined_mode undefined = UNDEFINED_DEFAULT;
    bool each = options_has(options, "each");
    const char *wrong = misplaced(options);
    if (options->arguments_n != 1)
        return cli_argument_error(&command_render,
                                  options->arguments_n ? "one template at a time" : "which template?");
    if (!parse_undefined(options_get(options, "undefined"), &undefined))
        return cli_argument_error(&command_render, "--undefined is strict, default or keep, not \"%s\"",
                                  options_get(options, "undefined"));
    if (wrong)
        return cli_argument_error(
            &command_render, each ? "--%s and --each exclude each other" : "--%s goes with --each", wrong);
    return each ? render_each(cli, options) : render_one(cli, options, undefined);
}

const struct command command_render = {
    .name = "render",
    .arguments = "TEMPLATE [--data FILE | --each RECORDS --to PATTERN]",
    .summary = "render one template: with one data file to standard output, or for many records",
    .details =
        "With --each no manifest is needed: RECORDS is a file (JSON lines, JSON, CSV, TSV, a "
        "database; .zst may\n"
        "follow), \"-\", or a pattern such as 'notes/**/*.md'. PATTERN is a path; with a Jinja "
        "expression in it there\n"
        "is a file for each record, without one a stream for all. The directory before the first "
        "expression is the\n"
        "output directory: nothing is written outside it.\n"
        "\n"
        "    pressrun render card.j2 --each people.csv --to 'cards/{{ id }}.txt'\n"
        "\n"
        "A text of more than 1 MiB is printed while it is rendered: where it fails then, its beginning has "
        "been printed.\n"
        "\n"
        "-D sets values: of the data, over what is there; with --each as globals, which records' own "
        "fields hide.\n"
        "\n"
        "Exit codes: 0 done; 1 rendering failed; 2 the template or the data cannot be used; 130 "
        "interrupted.\n",
    .options = render_options,
    .run = run_render,
};
