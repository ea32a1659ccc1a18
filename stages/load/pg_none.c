// SPDX-License-Identifier: MIT
// PostgreSQL in a build without libpq: it can be asked for, and says that it is not there.
#include "stages/load/load.h"

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    *out = NULL;
    return err_set(err, STATUS_UNSUPPORTED, "%.*s: no PostgreSQL here: this pressrun was built without libpq",
                   STR_ARG(options->name));
}

static const char *const extensions[] = {NULL};
static const char *const keys[] = {"url", "query", "table", "schema", NULL};

const struct load_format load_postgresql = {
    .name = "postgresql",
    .extensions = extensions,
    .doc = "the rows of a PostgreSQL query or table, or its schema, by the url of its database",
    .keys = keys,
    .open = open,
};
