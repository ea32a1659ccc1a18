// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CLUSTERS_H
#define PRESSRUN_PIPELINE_CLUSTERS_H
/*
 * The changes of a staged generation, clustered by what they look like (edit_shape.h), so that a hundred thousand of them
 * can be looked at: edits that are the same or alike are one cluster; where one form of edit has many different ones
 * (each output its own value), what is left of it is one cluster, too.
 *
 * Outputs are read one at a time. Memory is bounded by CLUSTERS_EDITS different edits and CLUSTERS_FORMS forms; what goes
 * beyond is counted (`others`). Files above CLUSTERS_BYTES, and those with a NUL byte, are not compared by lines.
 *
 * It reads without the lock: an output that is published, edited or dropped meanwhile is counted as unread.
 * Ownership: the clusters are the changes'.
 */
#include "pipeline/review/line_diff.h"
#include "pipeline/review/staging.h"
#include "pipeline/review/staging_list.h"

enum {
    CLUSTERS_EDITS = 16384,
    CLUSTERS_FORMS = 4096,
    CLUSTERS_BYTES = 16 << 20,
    CLUSTERS_SAMPLES = 3,
    CLUSTERS_FEW = 5
};

enum clusters_what { CLUSTERS_TEXT, CLUSTERS_BINARY, CLUSTERS_LARGE };
enum clusters_alike { CLUSTERS_SAME, CLUSTERS_ALIKE, CLUSTERS_FORM };

struct cluster {
    uint64_t outputs;
    uint64_t variants; // different edits among them
    enum clusters_what what;
    enum clusters_alike alike;
    size_t removed, added; // lines, of the sample
    char *sample;          // its path
};

struct clusters {
    struct staging_facts facts;
    uint64_t counts[STAGING_KINDS]; // those that were asked for
    uint64_t lines_removed, lines_added;
    uint64_t unread, others;
    struct cluster *clusters; // the largest first
    size_t n;
    char *samples[STAGING_KINDS][CLUSTERS_SAMPLES]; // paths of the first ones
};

// The paths asked for: outputs, or directories of them, relative to the output directory; none: all.
struct clusters_paths {
    const char *const *paths;
    size_t n;
};
bool clusters_wanted(const struct clusters_paths *paths, struct str path);

// STATUS_CONFLICT: nothing is staged, or it is incomplete.
enum status clusters_find(struct staging_root at, const struct clusters_paths *paths,
                          struct clusters *changes, struct err *err);
void clusters_release(struct clusters *changes);

// A staged generation, read output by output.
struct clusters_source {
    struct staging_root at;
    int generation, files;
    struct buf old, fresh; // texts of the output read last
};
enum status clusters_open(struct staging_root at, struct clusters_source *source, struct staging_facts *facts,
                          struct err *err);
void clusters_close(struct clusters_source *source);
// The texts of a change; one of them is empty where it was added or is removed. -errno: they cannot be read any more.
int clusters_read(struct clusters_source *source, enum staging_kind kind, const char *path,
                  enum clusters_what *what);

#endif
