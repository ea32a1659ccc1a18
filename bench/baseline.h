// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_BASELINE_H
#define PRESSRUN_BENCH_BASELINE_H
/*
 * What a figure of the next run is to be expected to be, from runs like it: the prediction interval of one more value,
 *
 *     mean +- t s sqrt(1 + 1/n),
 *
 * with t of Student's distribution with n - 1 degrees of freedom. It takes the values for independent, and near enough to
 * normal; runs on a shared machine are neither, so what is outside is worth a warning and no more. A figure that never
 * varies (a work counter) has an interval without width.
 *
 * Runs like it: of the same manifest by name, of the same machine class (the processor, whichever host it is in), the same
 * strategy and as many workers, that ended well.
 *
 * Pure, but for reading the history. Nothing is kept.
 */
#include "monitor/history.h"

enum { BASELINE_SESSIONS = 20, BASELINE_LEAST = 5 };
#define BASELINE_ALPHA 0.01 // the risk on each side

struct baseline {
    size_t n;
    double mean, deviation; // the sample's
    double low, high;       // of one more value
};

// False, and only n and mean are known: fewer than BASELINE_LEAST values, or none that is finite.
bool baseline_of(const double *values, size_t n, double alpha, struct baseline *out);

struct baseline_question {
    struct str figure; // of baseline_ask
    struct str name;
    struct str machine;  // as sessions have it, host and all; empty: any
    struct str strategy; // empty: any
    double workers;      // 0: any number
    struct str before;   // a session: only those that began before it; empty: all
    double alpha;        // 0: BASELINE_ALPHA
};
// From the newest BASELINE_SESSIONS that are like that. *known as above.
enum status baseline_ask(struct history *h, const struct baseline_question *question, struct baseline *out,
                         bool *known, struct err *err);

// The same of many figures at once. Sessions that do not have a figure are passed over, so that some may be made from fewer.
enum status baseline_ask_all(struct history *h, const struct baseline_question *question,
                             const char *const *figures, size_t figures_n, struct baseline *out, bool *known,
                             struct err *err);

// What a machine's name says about its class: all but the host.
struct str baseline_machine_class(struct str machine);

#endif
