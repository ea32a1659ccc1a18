// SPDX-License-Identifier: MIT
// pressrun help, pressrun schema: what pressrun says about itself, all of it made from tables.
#include "cli/command.h"
#include "stages/compile/compile.h"
#include "stages/render/builtins.h"

static const struct option_spec help_options[] = {OPTIONS_COMMON, {0}};

static void write_overview(struct buf *out) {
    buf_add_text(out, "pressrun regenerates large sets of text from templates and records.\n\n"
                      "usage: pressrun COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; commands[i]; i++)
        buf_printf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    buf_add_text(
        out,
        "\n\"pressrun help COMMAND\" says more; so do \"help manifest\", \"help filters\", \"help tests\".\n"
        "\"pressrun --version\" prints the version.\n");
}

static void write_command(const struct command *command, struct buf *out) {
    buf_printf(out, "usage: pressrun %s%s%s\n\n", command->name, *command->arguments ? " " : "",
               command->arguments);
    buf_printf(out, "%s\n\n%s%s", command->summary, command->details, *command->details ? "\n" : "");
    options_write_help(command->options, out);
}

// A filter's or test's signature as people write it: "width [first blank]" becomes "(width, first, blank)".
static void write_signature(const struct library_function *function, struct buf *out) {
    buf_add_text(out, function->name);
    if (!*function->params)
        return;
    buf_add_char(out, '(');
    for (const char *p = function->params; *p; p++) {
        if (*p == ' ')
            buf_add_text(out, ", ");
        else if (*p != '[' && *p != ']')
            buf_add_char(out, *p);
    }
    buf_add_char(out, ')');
}

static void write_functions(const struct library_function *functions, uint32_t n, struct buf *out) {
    for (uint32_t i = 0; i < n; i++) {
        struct buf signature = BUF_INIT;
        write_signature(&functions[i], &signature);
        buf_printf(out, "  %-40.*s %s\n", STR_ARG(buf_str(&signature)), functions[i].doc);
        buf_release(&signature);
    }
}

static void write_languages(struct buf *out) {
    for (size_t i = 0; languages[i]; i++) {
        if (!languages[i]->doc)
            continue;
        buf_printf(out, "  %-10s %s\n", languages[i]->name, languages[i]->doc);
        if (languages[i]->extensions[0])
            buf_printf(out, "  %-10s files named", "");
        for (const char *const *e = languages[i]->extensions; *e; e++)
            buf_printf(out, "%s *%s%s", e == languages[i]->extensions ? "" : ",", *e, e[1] ? "" : "\n");
    }
}

static bool write_topic(const char *topic, struct buf *out) {
    const struct library *library = library_builtin();
    const struct command *command = command_find(topic);
    if (command)
        write_command(command, out);
    else if (strcmp(topic, "manifest") == 0)
        manifest_write_keys(out);
    else if (strcmp(topic, "languages") == 0)
        write_languages(out);
    else if (strcmp(topic, "filters") == 0)
        write_functions(library->filters, library->filters_n, out);
    else if (strcmp(topic, "tests") == 0)
        write_functions(library->tests, library->tests_n, out);
    else
        return false;
    return true;
}

static int run_help(struct cli *cli, const struct options *options) {
    (void)cli;
    struct buf text = BUF_INIT;
    bool known = true;
    if (options->arguments_n == 0)
        write_overview(&text);
    else
        known = write_topic(options->arguments[0], &text);
    if (known)
        cli_print(buf_str(&text));
    buf_release(&text);
    return known ? EXIT_DONE
                 : cli_fail("there is no help on \"%s\"; \"pressrun help\" lists the commands",
                            options->arguments[0]);
}

static int run_schema(struct cli *cli, const struct options *options) {
    (void)cli;
    if (options->arguments_n)
        return cli_argument_error(&command_schema, "unexpected argument \"%s\"", options->arguments[0]);
    struct buf text = BUF_INIT;
    manifest_write_schema(&text);
    cli_print(buf_str(&text));
    buf_release(&text);
    return EXIT_DONE;
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND | manifest | languages | filters | tests]",
    .summary = "what pressrun can do",
    .details = "",
    .options = help_options,
    .run = run_help,
};

const struct command command_schema = {
    .name = "schema",
    .arguments = "",
    .summary = "print the manifest's JSON Schema, for editors",
    .details = "",
    .options = help_options,
    .run = run_schema,
};
