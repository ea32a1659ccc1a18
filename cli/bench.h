// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_BENCH_H
#define PRESSRUN_CLI_BENCH_H
/*
 * What `pressrun bench` can do, one file each; cmd_bench.c has the table of them, the options of all and the help.
 */
#include "cli/command.h"

// Arguments as given: [0] is the word that chose it. Exit codes of the process.
int bench_compare(struct cli *cli, const struct options *options);
int bench_load(struct cli *cli, const struct options *options);
int bench_run(struct cli *cli, const struct options *options); // scenarios and micro-benchmarks by name
int bench_selftest(struct cli *cli, const struct options *options);
int bench_operation(struct cli *cli, const struct options *options); // one run of what selftest compares
bool bench_find_self(char *path, size_t size); // this program, to run it; false: has been told
// A whole number of an option, where it is given. False: *err says what it must be.
bool bench_number(const struct options *options, const char *name, uint32_t min, uint32_t max,
                  uint32_t *number, struct err *err);

#endif
