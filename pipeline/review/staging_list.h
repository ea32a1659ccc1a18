// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_LIST_H
#define PRESSRUN_PIPELINE_STAGING_LIST_H
/*
 * The list of a generation's changes, `changes`: a line each, in the order of the directories' sorted names, then what
 * no longer belongs. A line is a word, six numbers and, last, the path, which may have blanks but no line ends, since
 * output paths have no control characters:
 *
 *     changed SIZE INODE MTIME OLD-SIZE OLD-INODE OLD-MTIME cards/de/1.txt
 *
 * Times are nanoseconds since 1970; what is not there is three zeros. Size, time and inode tell a file from another one,
 * and one that was edited from what it was; a rename changes none of them.
 *
 * It is read through one small buffer, so it may be long. A reader owns that and its descriptor; one thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

#define STAGING_LIST "changes"

struct staging_file {
    uint64_t size, inode; // inode 0: there is none
    int64_t mtime;
};
struct staging_file staging_file_of(const struct stat *st);
bool staging_same_file(struct staging_file a, struct staging_file b);
// What is under a path now; absent is fine. -errno.
int staging_see_file(const struct fs *fs, int dir, const char *path, struct staging_file *file,
                     struct stat *st);

enum staging_kind { STAGING_ADDED, STAGING_CHANGED, STAGING_REMOVED, STAGING_KINDS };
extern const char *const staging_kind_names[STAGING_KINDS]; // "added", ...

struct staging_change {
    enum staging_kind kind;
    struct str path; // a NUL is behind it
    struct staging_file fresh, old;
};

void staging_write_change(const struct staging_change *change, struct buf *out);
// A line without its end, whose last byte may be overwritten. False: it is not one.
bool staging_parse_change(struct str line, struct staging_change *change);

struct staging_reader {
    const struct fs *fs;
    int fd;
    struct buf text;
    size_t at;
    bool ended;
    struct digest_stream *digest; // of what was read; NULL: not asked for
};

// `generation` is the directory that the list is in. With `check` its digest is compared first: STATUS_DATA.
enum status staging_read(struct staging_reader *reader, const struct fs *fs, int generation,
                         const struct digest *check, struct err *err);
// The next change, valid until the next call. 1; 0 at the end; -errno, -EBADMSG: not a line of such a list.
int staging_next(struct staging_reader *reader, struct staging_change *change);
void staging_read_end(struct staging_reader *reader);

#endif
