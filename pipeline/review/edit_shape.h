// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_EDIT_SHAPE_H
#define PRESSRUN_PIPELINE_EDIT_SHAPE_H
/*
 * What an output's edit looks like, so that edits that come from one cause can be told to be alike. Three digests, each
 * equal for more edits than the one before it:
 *
 *     exact   the removed and added lines, byte for byte; not where in the output they are
 *     alike   of each line only the part that changed; any number is as good as another, and so are words that the
 *             removed and the added text have in common, however many; a line edited like one before it counts once
 *     form    any words at all are as good as others; what is left are the marks between them
 *
 * So "Dear Ada," -> "Hello Ada," and "Dear Bob Smith," -> "Hello Bob Smith," are alike; "city: Rome" and
 * "city: New York", added where nothing was, are of one form.
 *
 * Words are runs of letters, digits, '_' and bytes above 127 that do not begin with a digit; numbers begin with one.
 *
 * The room is the caller's, used again and again, and released once. One thread.
 */
#include "base/digest.h"
#include "pipeline/review/line_diff.h"

enum { EDIT_SHAPE_WORDS = 512, EDIT_SHAPE_SEEN = 64 };

struct edit_shape {
    struct digest exact, alike, form;
    size_t removed, added; // lines
};

struct edit_room { // of words, reused
    uint64_t words[EDIT_SHAPE_WORDS];
    struct buf text;
};
void edit_room_release(struct edit_room *room);

void edit_shape_of(const struct line_diff *d, struct edit_room *room, struct edit_shape *shape);

#endif
