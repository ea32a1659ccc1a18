// SPDX-License-Identifier: MIT
// pressrun bench: the table of what can be measured.
#include <string.h>

#include "cli/bench.h"

static const struct option_spec bench_options[] = {
    OPTIONS_MANIFEST,
    {"metric", 0, "NAME", "what the verdict is about: cpu (default), wall, instructions, peak_rss"},
    {"pairs", 0, "N", "run exactly N pairs, up to 96 (default: until the verdict stands)"},
    {"seed", 0, "N", "of the order within the pairs (default: 1)"},
    {"ignore-output", 0, NULL, "compare commands that print different things"},
    {"json", 0, NULL, "print verdict and all samples as JSON"},
    OPTIONS_COMMON,
    {0},
};

static int run_bench(struct cli *cli, const struct options *options) {
    if (options->arguments_n && strcmp(options->arguments[0], "compare") == 0)
        return bench_compare(cli, options);
    return cli_argument_error(&command_bench,
                              options->arguments_n ? "unknown benchmark \"%s\"" : "say what: compare%s",
                              options->arguments_n ? options->arguments[0] : "");
}

const struct command command_bench = {
    .name = "bench",
    .arguments = "compare A B",
    .summary = "measure: is one of two slower?",
    .details =
        "A and B are manifests, executables of pressrun (for the manifest here, or -f), or commands in "
        "quotes.\n"
        "Each runs in fresh processes, one right after the other in random order, until it is clear: FAIL, B "
        "is\n"
        "slower by 3 % or more; PASS, it is not slower by 5 %; INCONCLUSIVE after 96 pairs. A comparison of\n"
        "different outputs is INVALID. What runs of pressrun write goes to a directory below TMPDIR "
        "(default:\n"
        "/dev/shm) and is removed.\n"
        "\n"
        "Exit codes: 0 pass; 2 usage, or INVALID; 3 fail; 4 inconclusive; 130 interrupted.\n",
    .options = bench_options,
    .run = run_bench,
};
