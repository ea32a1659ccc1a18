// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_FS_H
#define PRESSRUN_BASE_FS_H
/*
 * The file system behind a struct of functions, so that tests can fail the n-th call. What goes out (outputs)
 * goes through this; so do the inputs' opens and reads.
 *
 * Calls return what the system call returns, and errno in the last parameter style of Linux: a negative
 * result is -errno. Paths given with a directory descriptor are resolved beneath it and never leave it,
 * symbolic links included (openat2 RESOLVE_BENEATH; where the kernel lacks it, a walk with O_NOFOLLOW).
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum fs_entry { FS_FILE, FS_DIRECTORY, FS_OTHER }; // what a name is; of a symbolic link: FS_OTHER
typedef bool (*fs_entry_fn)(void *context, const char *name, enum fs_entry kind);

struct fs {
    void *self;
    int (*open)(void *self, int dir, const char *path, int flags, mode_t mode); // plain openat: inputs
    int (*open_beneath)(void *self, int dir, const char *path, int flags, mode_t mode);
    int (*make_dir)(void *self, int dir, const char *path, mode_t mode); // one level
    ssize_t (*read)(void *self, int fd, void *p, size_t n);              // read at the file position
    ssize_t (*read_at)(void *self, int fd, void *p, size_t n, off_t at); // leaves the file position alone
    ssize_t (*write)(void *self, int fd, const void *p, size_t n);
    int (*rename)(void *self, int old_dir, const char *from, int new_dir, const char *to);
    // Two names swap what they stand for, in one step. -EINVAL: the file system cannot.
    int (*exchange)(void *self, int old_dir, const char *from, int new_dir, const char *to);
    int (*unlink)(void *self, int dir, const char *path);
    int (*remove_dir)(void *self, int dir, const char *path); // an empty one
    int (*stat)(void *self, int fd, struct stat *st);
    int (*stat_beneath)(void *self, int dir, const char *path,
                        struct stat *st); // of a symbolic link: its own
    // The same at a third of the price, and links on the way are followed, wherever they lead: for whoever knows the inode.
    int (*stat_at)(void *self, int dir, const char *path, struct stat *st);
    int (*truncate)(void *self, int fd, off_t size);
    int (*touch)(void *self, int fd); // sets its times to now
    int (*sync)(void *self, int fd);  // all of the file system that the file is on
    int (*lock)(void *self, int fd);  // for this process alone, until it ends; -EWOULDBLOCK: somebody has it
    // Names in a directory beneath `dir` (AT_FDCWD: any path), without "." and ".."; ends early where fn is false.
    int (*list)(void *self, int dir, const char *path, fs_entry_fn fn, void *context);
    int (*close)(void *self, int fd);
};

struct fs fs_system(void);

// Whole file into owned memory (NUL after the end, not counted). Refuses more than `limit` bytes.
enum status fs_read_file(const struct fs *fs, const char *path, size_t limit, char **text, size_t *size,
                         struct err *err);
enum status fs_write_all(const struct fs *fs, int fd, const void *p, size_t n, struct err *err);
// mkdir -p of `path` beneath `dir`; existing directories are fine.
int fs_make_dirs(const struct fs *fs, int dir, const char *path, mode_t mode);

#endif
