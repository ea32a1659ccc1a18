// SPDX-License-Identifier: MIT
#include "cli/cache_place.h"

#include <stdlib.h>
#include <string.h>

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

enum status cache_wish(const char *spec, struct caches_wish *wish, struct err *err) {
    const char *redis = variable("PRESSRUN_REDIS");
    *wish = (struct caches_wish){.directory = variable("PRESSRUN_CACHE_DIR")};
    if (redis && strcmp(redis, "off") != 0)
        return err_set(err, STATUS_DATA, "PRESSRUN_REDIS is \"off\" or not set, not \"%s\"", redis);
    wish->without = redis ? 1u << CACHE_REDIS : 0;
    const char *given = spec ? spec : variable("PRESSRUN_CACHE");
    if (!given || caches_parse(str_of(given), wish, err) == STATUS_OK)
        return STATUS_OK;
    struct err why = *err;
    return err_set(err, STATUS_DATA, "%s: %s", spec ? "--cache" : "PRESSRUN_CACHE", why.text);
}
