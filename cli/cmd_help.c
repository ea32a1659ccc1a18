// SPDX-License-Identifier: MIT
// pressrun help, pressrun schema: what pressrun says about itself, all of it made from tables.
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/manual.h"
#include "cli/reference.h"
#include "monitor/session_schema.h"
#include "report/report_schema.h"

static const struct option_spec help_options[] = {
    {"man", 0, "PAGE", "print a manual page for man(1): pressrun or pressrun-templates"},
    OPTIONS_COMMON,
    {0},
};
static const struct option_spec schema_options[] = {
    {"report", 0, NULL, "of reports in JSON instead (pressrun report --format json)"},
    {"session", 0, NULL, "of sessions in JSON instead (pressrun history SESSION --json)"},
    OPTIONS_COMMON,
    {0},
};

static void write_overview(struct buf *out) {
    buf_add_text(out, "pressrun regenerates large sets of text from templates and records.\n\n"
                      "usage: pressrun COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; commands[i]; i++)
        buf_printf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    buf_add_text(out, "\n\"pressrun help COMMAND\" says more; so does \"pressrun help TOPIC\": manifest, "
                      "languages, filters, tests,\n"
                      "functions, metrics. \"pressrun help filter NAME\" tells of one of them.\n"
                      "\"pressrun --version\" prints the version.\n");
}

static void write_command(const struct command *command, struct buf *out) {
    buf_printf(out, "usage: pressrun %s%s%s\n\n", command->name, *command->arguments ? " " : "",
               command->arguments);
    buf_printf(out, "%s\n\n%s%s", command->summary, command->details, *command->details ? "\n" : "");
    options_write_help(command->options, out);
}

// "filter truncate": one row of a table.
static int write_one(const struct options *options, struct buf *out) {
    const char *word = options->arguments[0], *name = options->arguments[1];
    struct str near = {NULL, 0};
    size_t kind = 0;
    while (kind < REFERENCE_KINDS && strcmp(reference_kinds[kind].name, word) != 0)
        kind++;
    if (kind == REFERENCE_KINDS)
        return cli_fail("there is no help on \"%s %s\"; \"pressrun help\" lists what there is", word, name);
    if (reference_write_one(kind, name, out, &near))
        return EXIT_DONE;
    if (near.p)
        return cli_fail("there is no %s \"%s\", did you mean \"%.*s\"?", word, name, STR_ARG(near));
    return cli_fail("there is no %s \"%s\"; \"pressrun help %s\" lists them", word, name,
                    reference_kinds[kind].plural);
}

static int write_topic(const char *topic, struct buf *out) {
    const struct command *command = command_find(topic);
    struct suggestion near = suggest_for(str_of(topic));
    for (size_t kind = 0; kind < REFERENCE_KINDS; kind++) {
        suggest_offer(&near, str_of(reference_kinds[kind].plural));
        if (strcmp(topic, reference_kinds[kind].plural) == 0 ||
            strcmp(topic, reference_kinds[kind].name) == 0) {
            reference_write_kind(kind, out);
            return EXIT_DONE;
        }
    }
    for (size_t i = 0; commands[i]; i++)
        suggest_offer(&near, str_of(commands[i]->name));
    suggest_offer(&near, STR("manifest"));
    suggest_offer(&near, STR("languages"));
    suggest_offer(&near, STR("metrics"));
    if (command)
        write_command(command, out);
    else if (strcmp(topic, "manifest") == 0)
        manifest_write_keys(out);
    else if (strcmp(topic, "metrics") == 0)
        reference_write_metrics(out);
    else if (strcmp(topic, "languages") == 0)
        reference_write_languages(NULL, out);
    else if (reference_write_languages(topic, out))
        return EXIT_DONE;
    else if (near.best.p)
        return cli_fail("there is no help on \"%s\", did you mean \"%.*s\"?", topic, STR_ARG(near.best));
    else
        return cli_fail("there is no help on \"%s\"; \"pressrun help\" lists what there is", topic);
    return EXIT_DONE;
}

static int run_help(struct cli *cli, const struct options *options) {
    (void)cli;
    struct buf text = BUF_INIT;
    int code = EXIT_DONE;
    const char *page = options_get(options, "man");
    if (page)
        code =
            manual_write(page, &text)
                ? EXIT_DONE
                : cli_fail("there is no manual page \"%s\"; there are pressrun and pressrun-templates", page);
    else if (options->arguments_n == 0)
        write_overview(&text);
    else if (options->arguments_n == 1)
        code = write_topic(options->arguments[0], &text);
    else if (options->arguments_n == 2)
        code = write_one(options, &text);
    else
        code = cli_argument_error(&command_help, "one topic at a time");
    if (code == EXIT_DONE)
        cli_print(buf_str(&text));
    buf_release(&text);
    return code;
}

static int run_schema(struct cli *cli, const struct options *options) {
    (void)cli;
    if (options->arguments_n)
        return cli_argument_error(&command_schema, "unexpected argument \"%s\"", options->arguments[0]);
    if (options_has(options, "report") && options_has(options, "session"))
        return cli_argument_error(&command_schema, "--report and --session are two schemas");
    struct buf text = BUF_INIT;
    if (options_has(options, "report"))
        report_write_schema(&text);
    else if (options_has(options, "session"))
        session_write_schema(&text);
    else
        manifest_write_schema(&text);
    cli_print(buf_str(&text));
    buf_release(&text);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND | TOPIC | filter NAME | test NAME | function NAME]",
    .summary = "what pressrun can do",
    .details = "Topics: manifest (its keys), languages (of templates), filters, tests, functions,\n"
               "metrics (what is measured of a run).\n",
    .options = help_options,
    .run = run_help,
};

const struct command command_schema = {
    .name = "schema",
    .arguments = "[--report | --session]",
    .summary = "print the manifest's JSON Schema, for editors",
    .details = "With --report it is the schema of reports, with --session that of sessions, for who reads "
               "them by program.\n",
    .options = schema_options,
    .run = run_schema,
};
