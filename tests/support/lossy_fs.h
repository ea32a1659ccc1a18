// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_LOSSY_FS_H
#define PRESSRUN_TESTS_SUPPORT_LOSSY_FS_H
/*
 * The file system of a machine that may lose power after any call. What was not synced may be on the disk or not:
 * names in any state they had since the last sync, bytes of files not at all, all of them, or with the last write
 * torn; and each of these with each other.
 *
 * Works on the flat or nested files of one scene. After each call that changes something, `lost` is called for every
 * such outcome, with a scene that holds it.
 */
#include "base/buf.h"
#include "base/fs.h"
#include "tests/support/scene.h"

enum { LOSSY_NAMES = 64, LOSSY_FILES = 256, LOSSY_LISTINGS = 64 };

struct lossy_name {
    char path[128];
    size_t file; // in `files`
};

struct lossy_listing {
    struct lossy_name names[LOSSY_NAMES];
    size_t names_n;
};

struct lossy_file {
    ino_t inode;
    bool gone;        // its inode may be another file's now
    struct buf disk;  // what is on the disk for certain
    struct buf cache; // as all see it
    struct buf torn;  // `disk` with half of the last write
};

struct lossy {
    struct fs real;
    const struct scene *scene;
    void (*lost)(struct lossy *lossy, const struct scene *after, const char *what);
    void *context;
    int outcomes, syncs;
    struct lossy_file files[LOSSY_FILES];
    size_t files_n;
    struct lossy_listing listings[LOSSY_LISTINGS]; // since the last sync, that one first
    size_t listings_n;
};

struct fs lossy_fs(struct lossy *lossy,
                   const struct scene *scene);           // after the scene's own files were put there
void lossy_check(struct lossy *lossy, const char *what); // all outcomes of losing power now
void lossy_release(struct lossy *lossy);

#endif
