// SPDX-License-Identifier: MIT
// scenario_files NAME SCALE DIRECTORY: the files of a scenario of `pressrun bench`, for tests that run it in their own way.
// Without arguments: the names of all.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/scenario.h"

static int make(const char *name, double scale, const char *directory) {
    const struct scenario *scenario = scenario_find(str_of(name));
    const struct fs fs = fs_system();
    struct err err;
    if (!scenario || fs_make_dirs(&fs, AT_FDCWD, directory, 0777) < 0)
        return 2;
    if (scenario_make(scenario, &fs, directory, scenario_units(scenario, scale), 1, NULL, &err) == STATUS_OK)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}

int main(int argc, char **argv) {
    if (argc == 4)
        return make(argv[1], strtod(argv[2], NULL), argv[3]);
    for (const struct scenario *s = scenarios; s->name; s++)
        printf("%s\n", s->name);
    return argc == 1 ? 0 : 2;
}
