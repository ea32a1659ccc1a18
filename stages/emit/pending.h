// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_PENDING_H
#define PRESSRUN_STAGES_EMIT_PENDING_H
/*
 * Outputs of one batch that are to be on the disk before they take their names. One sync for all of them:
 *
 *     write temporary files ... | sync | rename ...                 new content is on the disk before its name is
 *     keep the new text ...     | sync | overwrite in place ...     the journal's lines are, before the file is touched
 *
 * The renames reach the disk with the next batch's sync, or with the sink's last one.
 *
 * Owned by one lane. What is dropped leaves no temporary file.
 */
#include "base/buf.h"
#include "base/digest.h"
#include "stages/emit/directories.h"
#include "stages/emit/emit.h"
#include "stages/emit/inplace.h"
#include "stages/emit/place.h"

enum { PENDING_TEXTS_MAX = 8 << 20 }; // bytes kept for overwriting

struct pending_output {
    char *path;                           // owned
    char temporary[PLACE_TEMPORARY_SIZE]; // empty: to be overwritten in place
    size_t text_at;                       // what with, in `texts`
    size_t stamp;                         // then: which of the lane's stamps is to be set
    uint64_t bytes, stored;
    struct digest before;
};

struct pending {
    struct pending_output *outputs;
    size_t outputs_n, outputs_cap;
    struct buf texts, room;
};

void pending_release(struct pending *p, struct directories *directories); // drops what there is
void pending_add_file(struct pending *p, struct str path, const char *temporary, uint64_t bytes,
                      uint64_t stored);
// False: that is too much to keep.
bool pending_add_text(struct pending *p, struct str path, struct str text, uint64_t bytes,
                      struct digest before, size_t stamp);

// Publishes all there is and empties the list. `disk`: a descriptor to sync. What cannot be published is dropped, the
// rest is published; the error names the first such output and tells how many there were. *result counts the others;
// `stamps`, if not NULL, are set of what was overwritten.
enum status pending_publish(struct pending *p, struct directories *directories, struct inplace *journal,
                            int disk, struct lane_stamp *stamps, struct lane_result *result, struct err *err);

#endif
