// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_PROFILE_FILE_H
#define PRESSRUN_CLI_PROFILE_FILE_H
/*
 * The file of folded stacks that a profile is asked for with: opened before the run, so that a long one is not for nothing, and
 * written after it. Only a new file, an empty one, a former profile or what is no regular file (a pipe) is written.
 */
#include "base/err.h"
#include "base/fs.h"
#include "monitor/costs.h"

// *fd: what was opened; the caller closes it with profile_file_write, or, where there was no run, with profile_file_drop.
enum status profile_file_open(const char *path, int *fd, struct err *err);
enum status profile_file_write(const struct fs *fs, const char *path, int fd, const struct costs *costs,
                               struct err *err);
void profile_file_drop(const char *path, int fd); // an empty file goes again

#endif
