// SPDX-License-Identifier: MIT
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "base/suggest.h"

const struct command *const commands[] = {&command_init,       &command_check,
                                          &command_plan,       &command_run,
                                          &command_diff,       &command_publish,
                                          &command_drop,       &command_rollback,
                                          &command_render,     &command_why,
                                          &command_impact,     &command_verify,
                                          &command_history,    &command_report,
                                          &command_cache,      &command_doctor,
                                          &command_strategies, &command_bench,
                                          &command_gate,       &command_schema,
                                          &command_help,       NULL};

const struct command *command_find(const char *name) {
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    struct suggestion suggestion = suggest_for(str_of(name));
    for (size_t i = 0; commands[i]; i++)
        suggest_offer(&suggestion, str_of(commands[i]->name));
    if (suggestion.best.p)
        return cli_fail("unknown command \"%s\", did you mean \"%.*s\"?", name, STR_ARG(suggestion.best));
    return cli_fail("unknown command \"%s\"; \"pressrun help\" lists them", name);
}

static bool wants_colour(int fd) {
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

// The year 9999 is the last one that dates are written for.
enum status cli_now(const struct cli *cli, int64_t *now, struct err *err) {
    const int64_t last = 253402300799;
    const char *text = getenv("SOURCE_DATE_EPOCH");
    *now = cli->clock.wall(cli->clock.self) / 1000000000;
    if (!text || !*text)
        return STATUS_OK;
    if (!number_parse_int(str_of(text), now) || *now < 0 || *now > last)
        return err_set(err, STATUS_DATA,
                       "SOURCE_DATE_EPOCH must be seconds since 1970, up to the year 9999, not \"%s\"", text);
    return STATUS_OK;
}

static int run_command(const struct command *command, int argc, char **argv) {
    struct options options;
    struct err err;
    if (options_parse(&options, command->options, argc, argv, &err) != STATUS_OK)
        return cli_argument_error(command, "%s", err.text);
    if (options_has(&options, "help")) {
        options =
            (struct options){.specs = command_help.options, .arguments = {command->name}, .arguments_n = 1};
        command = &command_help;
    }
    struct cli cli = {.fs = fs_system(),
                      .clock = clock_system(),
                      .colour_out = wants_colour(STDOUT_FILENO),
                      .colour_err = wants_colour(STDERR_FILENO),
                      .quiet = options_has(&options, "quiet")};
    arena_init(&cli.arena, 0);
    diags_init(&cli.diags, &cli.arena);
    int code = command->run(&cli, &options);
    arena_release(&cli.arena);
    return code;
}

int command_main(int argc, char **argv) {
    if (argc < 2) {
        char *help[] = {NULL};
        run_command(&command_help, 0, help);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("pressrun %s\n", PRESSRUN_VERSION);
        return fflush(stdout) ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    const struct command *command = command_find(name);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(name);
}
