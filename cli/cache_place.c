// SPDX-License-Identifier: MIT
#include "cli/cache_place.h"

#include <stdlib.h>

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

enum status cache_wish(const char *spec, struct caches_wish *wish, struct err *err) {
    *wish = (struct caches_wish){.directory = variable("PRESSRUN_CACHE_DIR")};
    const char *given = spec ? spec : variable("PRESSRUN_CACHE");
    if (!given || caches_parse(str_of(given), wish, err) == STATUS_OK)
        return STATUS_OK;
    struct err why = *err;
    return err_set(err, STATUS_DATA, "%s: %s", spec ? "--cache" : "PRESSRUN_CACHE", why.text);
}
