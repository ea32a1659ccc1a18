// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_GATE_OUTPUT_H
#define PRESSRUN_CLI_GATE_OUTPUT_H
/*
 * How a gate is told: on standard output in one format (--format, --json), and to as many files as are wanted in others
 * (--write FORMAT:FILE).
 *
 * To add a format: a function in a file of bench/ (gate_formats.h), a row in the table of gate_output.c, a row in docs/gate.md.
 */
#include "bench/gate.h"
#include "cli/command.h"

// Rows of a command that tells a gate.
#define GATE_OUTPUT_OPTIONS                                                                                  \
    {"format", 0, "FORMAT",                                                                                  \
     "on standard output: text (default), json, samples, junit, markdown, github, tracker"},                 \
        {"json", 0, NULL, "the same as --format json"},                                                      \
        {"write", 0, "FORMAT:FILE", "to FILE, too; repeatable"}, {                                           \
        "all", 0, NULL, "text: rows without a change, too"                                                   \
    }

// Before anything runs: whether these options can be meant, and the files be written. False: *err.
bool gate_output_check(const struct options *options, struct err *err);
// Tells it, and returns the exit code of the process: EXIT_DONE PASS, EXIT_REGRESSION FAIL, EXIT_INCONCLUSIVE, EXIT_USAGE
// INVALID or what could not be written, EXIT_INTERRUPTED. `r` has been judged.
int gate_output_tell(struct cli *cli, const struct options *options, struct gate_result *r);

#endif
