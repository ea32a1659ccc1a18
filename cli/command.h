// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_COMMAND_H
#define PRESSRUN_CLI_COMMAND_H
/*
 * The commands: one table, one file per command family.
 *
 * To add a command: write its function and options in a file of cli/, declare its `const struct command`
 * below, add it to the table in command.c and the file to cli/CMakeLists.txt, give it a case under tests/cli.
 *
 * Conventions: results on stdout, all else on stderr. Exit codes below.
 */
#include <stdbool.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fs.h"
#include "cli/options.h"
#include "pipeline/manifest/manifest.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED_OUTPUTS = 1, // some outputs failed
    EXIT_USAGE = 2,          // usage, manifest or environment
    EXIT_REGRESSION = 3,     // slower, or an alert
    EXIT_INCONCLUSIVE = 4,   // too noisy to say
    EXIT_BOUND = 5,          // a bound of the command line was exceeded, nothing was published
    EXIT_INTERRUPTED = 130,
};

// What every command gets: the outside world, and how to talk to the person in front of it.
struct cli {
    struct fs fs;
    struct clock clock;
    bool colour_out, colour_err;
    bool quiet;
    struct arena arena; // lives as long as the command
    struct diags diags;
};

struct command {
    const char *name;
    const char *arguments; // "[DIR]"
    const char *summary;   // one line
    const char *details;   // paragraphs for `help NAME`
    const struct option_spec *options;
    int (*run)(struct cli *cli, const struct options *options); // exit code
};

extern const struct command command_init, command_check, command_plan, command_run, command_diff,
    command_publish, command_drop, command_rollback, command_render, command_bench, command_history,
    command_report, command_cache, command_doctor, command_schema, command_strategies, command_gate,
    command_verify, command_why, command_impact, command_help;
extern const struct command *const commands[]; // NULL-terminated
const struct command *command_find(const char *name);
int command_main(int argc, char **argv);

// Rows that commands reading a manifest share.
#define OPTIONS_MANIFEST                                                                                     \
    {"directory", 'C', "DIR", "work in DIR"}, {                                                              \
        "file", 'f', "FILE", "the manifest (default: pressrun.yaml, .yml or .json here)"                     \
    }
#define OPTIONS_COMMON                                                                                       \
    {"quiet", 'q', NULL, "say nothing but errors"}, {                                                        \
        "help", 'h', NULL, "show this help"                                                                  \
    }

// The time that templates see, in seconds since 1970: SOURCE_DATE_EPOCH where that is set, else now.
enum status cli_now(const struct cli *cli, int64_t *now, struct err *err);

// Talking (talk.c).
void cli_print(struct str text); // to stdout, all of it
int cli_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2))); // "pressrun: ..." to stderr; EXIT_USAGE
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2))); // the same, of what is no error
int cli_fail_os(int os, const char *format, ...)
    __attribute__((format(printf, 2, 3))); // with the system's words
void cli_write_diags(struct cli *cli);     // to stderr, sorted, with a count at the end
int cli_argument_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The manifest that -C and -f ask for; NULL after its errors have been written.
struct manifest *cli_read_manifest(struct cli *cli, const struct options *options);
// The same, whatever its errors are, which stay unsaid; NULL where there is none, which has been told.
struct manifest *cli_open_manifest(struct cli *cli, const struct options *options);
// As cli_read_manifest, for what works on the jobs that --only names: sources that these do not need may be missing.
struct manifest *cli_read_selected(struct cli *cli, const struct options *options);

#endif
