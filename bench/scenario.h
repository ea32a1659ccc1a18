// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SCENARIO_H
#define PRESSRUN_BENCH_SCENARIO_H
/*
 * Scenarios: whole jobs that stand for what pressrun is used for, made up from a seed. A scenario is a directory with a
 * manifest, records and templates; scenario_run.h runs pressrun over it.
 *
 * The same seed and scale make the same bytes on every machine. Unit i is the same at every scale that has it. Nothing is
 * held in memory but a piece of the file that is written, since what this process has would count as its children's.
 *
 * The table is scenarios.def. All is constant or the caller's; thread-safe.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

enum {
    SCENARIO_ONE_RECORD = 1,  // the units are rows of a single record
    SCENARIO_TOUCH_ONE = 2,   // a second manifest, touched.yaml, has one record changed
    SCENARIO_DATABASE = 4,    // the records come from a query of records.db, which has them too
    SCENARIO_FILTERED = 8,    // outputs go through a program outside
    SCENARIO_EIGHT_JOBS = 16, // each has the records whose id modulo 8 is its number
    SCENARIO_SCHEMAS = 32     // the records come from what a database for each application is made of
};

// How the records of a scenario look; each generator reads what is its own.
struct scenario_shape {
    uint32_t models;                // of an application
    uint32_t columns, columns_more; // of a model: at least, and up to so many more
    uint32_t related;               // percent of the pairs of models that are
    uint32_t polymorphic;           // relations that an application's models share
    uint32_t kinds;                 // records that differ
};

struct scenario_template {
    const char *name, *text;
};

struct scenario {
    const char *name, *unit, *to, *what;
    uint64_t units; // at scale 1
    // Unit i as JSON, without line ends. `touched`: other content under the same name.
    void (*write)(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                  struct buf *out);
    struct scenario_shape shape;
    const struct scenario_template *templates; // ends with a name of NULL
    int flags;
};

extern const struct scenario scenarios[]; // ends with a name of NULL
const struct scenario *scenario_find(struct str name);

// At least one, and whole applications.
uint64_t scenario_units(const struct scenario *s, double scale);
uint64_t scenario_records(const struct scenario *s, uint64_t units);

// Writes manifest, templates and records into `directory`, which is there already. STATUS_CANCELLED: `interrupt`, which may
// be NULL, was raised.
enum status scenario_make(const struct scenario *s, const struct fs *fs, const char *directory,
                          uint64_t units, uint64_t seed, const atomic_bool *interrupt, struct err *err);

#endif
