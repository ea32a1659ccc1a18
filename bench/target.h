// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_TARGET_H
#define PRESSRUN_BENCH_TARGET_H
/*
 * What can be compared: a strategy, a manifest, an executable of pressrun, or any command. A target becomes a process to
 * run, and knows what its output must be.
 *
 *     STRATEGY      the name of one: `pressrun run --strategy NAME` with the manifest given with it, by this program
 *     MANIFEST      a .yaml, .yml or .json file, or a directory with one: `pressrun run -f MANIFEST`, by this program
 *     EXECUTABLE    a file that says "pressrun ..." to --version: runs the manifest given with it
 *     COMMAND       anything else: words, quoted as in a shell where they have spaces; the shell itself runs what only it
 *                   understands, and its start is then part of what is measured
 *
 * Runs of pressrun write into a new directory each time, below a scratch directory that is removed at the end, since
 * replacing files is slower than making them and would be what is measured; what they remember of themselves is there, too.
 * So is the cache of strategies, which is empty each time, and redis is left alone; of the environment nothing decides for
 * them. Their work is not counted: what a cache keeps is no growth.
 * Their outputs are compared by the digest they print; those of a command by what it prints.
 *
 * Owns what it points to, in an arena of its own. One thread.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "bench/process.h"
#include "bench/work.h"

enum target_kind { TARGET_STRATEGY, TARGET_MANIFEST, TARGET_EXECUTABLE, TARGET_COMMAND };
const char *target_kind_name(enum target_kind kind); // "strategy", ...

struct target {
    enum target_kind kind;
    struct arena arena;
    const char *shown;   // as given
    const char *version; // "pressrun 1.2.3" where it is one; else NULL
    const char *const *arguments;
    const char *output; // of pressrun's runs: a directory that does not exist before a run; NULL: a command
    bool keeps;         // what is in there, for the next run to find; whoever set it removes it
    // Settings, NULL ends: what these runs remember goes below scratch, not where the user's is.
    const char *variables[8];
};

struct target_context {
    const char *self;     // this program
    const char *scratch;  // a directory; outputs go below it
    const char *manifest; // for executables and strategies; NULL: what they find here
    // The names of strategies, NULL after the last; may be NULL: there are none.
    const char *(*strategy)(size_t n);
};

bool target_is_strategy(const char *text, const struct target_context *context);

// STATUS_DATA: it is nothing that can be run.
enum status target_init(struct target *t, const char *text, const struct target_context *context, int which,
                        struct err *err);
// A command, whatever else it may look like.
enum status target_init_command(struct target *t, const char *text, struct err *err);
void target_release(struct target *t);
struct process_command target_command(const struct target *t);

// What a run of pressrun says of itself; of a command nothing but the digest.
struct target_report {
    struct digest digest; // of what it made
    struct work work;
    double stages[WORK_STAGES]; // work_read_stages
};

// After a run: whether it went well, and what it says. Removes what it wrote.
enum status target_take(const struct target *t, const struct process_sample *sample, struct str output,
                        struct str errors, struct target_report *report, struct err *err);

// The end of what a process said, for a message.
struct str target_last_lines(struct str text);

// A new directory for outputs, on a tmpfs where TMPDIR does not say otherwise and there is one; owned (mem_free).
enum status target_scratch(char **directory, struct err *err);
void target_remove(const char *path); // with all that is in it

#endif
