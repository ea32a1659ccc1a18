// SPDX-License-Identifier: MIT
#include "cli/history_place.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stages/emit/emit.h"

// A link that somebody names is followed here, once; the history itself follows none.
static const char *resolve(struct arena *arena, const char *path) {
    char real[PATH_MAX];
    return realpath(path, real) ? arena_copy(arena, real, strlen(real)) : path;
}

const char *history_given(struct arena *arena, const struct options *options) {
    const char *flag = options_get(options, "history"), *variable = getenv("PRESSRUN_HISTORY");
    const char *given = flag ? flag : variable && *variable ? variable : NULL;
    return given && strcmp(given, "none") != 0 ? resolve(arena, given) : given;
}

const char *history_of_manifest(struct arena *arena, const struct manifest *manifest, const char *output) {
    if (manifest->history.p)
        return resolve(arena, manifest->history.p);
    const char *path = arena_printf(arena, "%s/" EMIT_BOOKS, output ? output : manifest->output.p);
    if (!path)
        mem_fail(0);
    return path;
}
