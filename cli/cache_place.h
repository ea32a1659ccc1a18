// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_PLACE_H
#define PRESSRUN_CLI_CACHE_PLACE_H
/*
 * What of the cache is to be used: flag over environment (PRESSRUN_CACHE, PRESSRUN_CACHE_DIR) over manifest.
 */
#include "pipeline/caching/caches.h"

// `spec`: of the flag --cache; NULL: it was not given.
enum status cache_wish(const char *spec, struct caches_wish *wish, struct err *err);

#endif
