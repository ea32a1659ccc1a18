// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_HISTORY_H
#define PRESSRUN_MONITOR_HISTORY_H
/*
 * History: sessions kept in a directory, in `history.db` (SQLite, write-ahead log where the file system has it).
 *
 * A session is first written to a file of its own, `sessions/ID.json`, which needs nobody's leave. Such files are merged
 * into the database, in one transaction, when somebody asks for the history or when there are HISTORY_PENDING of them:
 * opening a database costs more than a small run may. So runs that end at once lose nothing and do not wait for each other,
 * and a database that is locked, damaged or on a full disk costs the next merge, not a session. A file that holds no
 * session is put aside as `ID.json.damaged`.
 *
 * Retention: the newest `keep` sessions; older ones go when newer ones are merged. Who does not know how many are to stay
 * says HISTORY_KEEP_ALL.
 *
 * One thread per struct; any number of processes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "monitor/session.h"
#include "monitor/uses.h"

enum { HISTORY_KEEP = 1000, HISTORY_PENDING = 8 };
#define HISTORY_KEEP_ALL UINT32_MAX // a merge drops nothing
#define HISTORY_LATEST   9e9        // the last second since 1970 whose nanoseconds can be counted, roughly

struct history; // an open database

// Writes the session's file, and merges where it is time. STATUS_OK also where only the merging had to wait; else the
// error says whether the session is lost or only waits.
enum status history_add(const struct fs *fs, const char *directory, const struct session *session,
                        uint32_t keep, struct err *err);

// For reading; merges first where it may. Where nothing has been kept it is empty, and nothing is made. STATUS_OK with
// another status in `err`: what waits could not be merged, and is missing.
enum status history_open(const struct fs *fs, const char *directory, uint32_t keep, struct history **out,
                         struct err *err);
// The same without merging, for who cannot wait for it: sessions that have not been merged are missing.
enum status history_open_merged(const char *directory, struct history **out, struct err *err);
void history_close(struct history *h); // NULL is fine

// One condition: a field (id, name, strategy, machine, version, outcome, digest, started) or a figure (metrics.h), an
// operator of = != < <= > >= ~ (contains), a value. Conditions are all to be met.
struct history_filter {
    struct str field, op, value;
};
// "run.seconds > 2" taken apart; STATUS_DATA: it is no condition, or of a figure there cannot be. `started` is compared
// with a day or a moment in UTC: 2026-11-21, 2026-11-21T10:15:00, 2026-11-21T10:15:00.25Z.
enum status history_parse_filter(struct str text, struct history_filter *out, struct err *err);

struct history_row {
    struct str id, name, strategy, outcome, digest;
    int64_t started; // nanoseconds since 1970
    double seconds, records, outputs, failed, peak_rss_bytes;
};

// Seconds since 1970 as nanoseconds; what is no such moment as one that is.
int64_t history_moment(double seconds);

// The newest `limit` sessions that meet the conditions, newest first; rows and texts in `arena`.
enum status history_list(struct history *h, const struct history_filter *filters, size_t filters_n,
                         uint32_t limit, struct arena *arena, struct history_row **rows, size_t *rows_n,
                         struct err *err);
// The JSON of the session whose id begins with `id`, of the newest one where that is empty; STATUS_DATA: none does, or
// several do.
enum status history_show(struct history *h, struct str id, struct arena *arena, struct str *json,
                         struct err *err);
struct history_point {
    struct str id;
    int64_t started;
    double value;
};
// A figure of the newest sessions that meet the conditions and have it, oldest first, for trends; in `arena`.
enum status history_series(struct history *h, const struct history_filter *filters, size_t filters_n,
                           struct str figure, uint32_t limit, struct arena *arena,
                           struct history_point **points, size_t *n, struct err *err);

// Several figures of each session at once, for whoever computes with them.
struct history_session {
    struct str id, name, strategy, version, machine, outcome;
    int64_t started;
    double *values; // by figure; NAN where it has none
};
// The newest `limit` sessions that meet the conditions, newest first; all in `arena`. At most 4,096 figures.
enum status history_table(struct history *h, const struct history_filter *filters, size_t filters_n,
                          const char *const *figures, size_t figures_n, uint32_t limit, struct arena *arena,
                          struct history_session **sessions, size_t *n, struct err *err);

// How often templates were used in the newest `limit` sessions that meet the conditions, the most used first; names in
// `arena`, added to what is in `uses`.
enum status history_uses(struct history *h, const struct history_filter *filters, size_t filters_n,
                         uint32_t limit, struct arena *arena, struct uses *uses, struct err *err);

// The names of all figures that any session has, ascending; in `arena`, with an end.
enum status history_figures(struct history *h, struct arena *arena, const char ***names, size_t *n,
                            struct err *err);

#endif
