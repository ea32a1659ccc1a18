// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_PRIVATE_H
#define PRESSRUN_PIPELINE_STAGING_PRIVATE_H
/*
 * What the files staging*.c share: a generation's facts as a file, and its directory as a descriptor.
 * Descriptors are the caller's to close. One thread.
 */
#include "pipeline/review/staging.h"
#include "pipeline/review/staging_list.h"

// -errno; -EBADMSG: not such a file, -ENOENT: none.
int staging_get_facts(const struct fs *fs, int generation, struct staging_facts *facts);
int staging_put_facts(const struct fs *fs, int generation, const struct staging_facts *facts);

// A descriptor (O_RDONLY) of one of the directories; -errno.
int staging_open(struct staging_root at, const char *directory);

// All that was written beneath it, or moved, is on the disk.
int staging_sync(struct staging_root at);

// "WHAT: why", WHAT being about the generation in `directory`. STATUS_IO, or STATUS_DATA for -EBADMSG.
enum status staging_error(struct err *err, int result, const char *what);

#endif
