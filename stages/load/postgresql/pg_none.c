// SPDX-License-Identifier: MIT
// PostgreSQL in a build without libpq: it can be asked for, and says that it is not there.
#include "stages/load/postgresql/pg_ask.h"
#include "stages/load/postgresql/pg_pool.h"

static enum status refuse(const struct load_options *options, struct err *err) {
    return err_set(err, STATUS_UNSUPPORTED, "%.*s: no PostgreSQL here: this pressrun was built without libpq",
                   STR_ARG(options->name));
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    *out = NULL;
    return refuse(options, err);
}

enum status pg_ask_open(const struct load_options *options, struct pg_ask **out, struct err *err) {
    *out = NULL;
    return refuse(options, err);
}

void pg_ask_close(struct pg_ask *ask) {
    (void)ask; // there is none
}

enum status pg_ask_query(struct pg_ask *ask, const struct load_options *options, struct buf *sql,
                         struct err *err) {
    (void)ask, (void)sql;
    return refuse(options, err);
}

enum status pg_ask(struct pg_ask *ask, const char *sql, unsigned seconds, struct arena *arena,
                   struct pg_answer *out, struct err *err) {
    (void)ask, (void)sql, (void)seconds, (void)arena;
    *out = (struct pg_answer){NULL, 0, 0};
    return err_set(err, STATUS_UNSUPPORTED, "no PostgreSQL here");
}

struct pg_pools *pg_pools_new(uint32_t most) {
    (void)most;
    return NULL;
}

void pg_pools_free(struct pg_pools *pools) {
    (void)pools;
}

uint32_t pg_pools_most(const struct pg_pools *pools) {
    (void)pools;
    return 0;
}

void pg_pools_expect(struct pg_pools *pools, const char *url) {
    (void)pools, (void)url;
}

void pg_pools_done(struct pg_pools *pools, const char *url) {
    (void)pools, (void)url;
}

bool pg_pools_look(struct pg_pools *pools, size_t i, struct sqlite_pool_statistics *out) {
    (void)pools, (void)i, (void)out;
    return false;
}

static const char *const extensions[] = {NULL};
static const char *const keys[] = {"url",   "query",      "table",       "schema",
                                   "split", "parameters", "connections", NULL};

const struct load_format load_postgresql = {
    .name = "postgresql",
    .extensions = extensions,
    .doc = "the rows of a PostgreSQL query or table, or its schema, by the url of its database",
    .keys = keys,
    .open = open,
};
