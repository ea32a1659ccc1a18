// SPDX-License-Identifier: MIT
#include "pipeline/review/staging_move.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/place.h"

const char *const staging_obstacle_texts[STAGING_OBSTACLES] = {
    "",
    "was edited since it was staged over",
    "was not there when it was staged, and is now",
    "was removed since it was staged over",
    "cannot be a file: a directory is there, or a file is where its directory is to be",
    "is on another file system, which staged files cannot be moved to",
    "is not in the stage as it was staged",
};

bool staging_may_force(enum staging_obstacle obstacle) {
    return obstacle == STAGING_EDITED || obstacle == STAGING_APPEARED || obstacle == STAGING_VANISHED;
}

// Looking --------------------------------------------------------------------------------------------------------

// The two files of a change as they are now.
struct seen {
    struct staging_file here, kept; // under its path in the output directory, and in the generation
    struct stat here_stat, kept_stat;
};

static int see(const struct moving *m, const struct staging_change *change, struct seen *seen) {
    int result = staging_see_file(m->fs, m->root, change->path.p, &seen->here, &seen->here_stat);
    return result < 0 ? result
                      : staging_see_file(m->fs, m->files, change->path.p, &seen->kept, &seen->kept_stat);
}

// The nearest directory that is there, of those an output's path leads through.
static int see_parent(const struct moving *m, struct str path, struct stat *st) {
    char *at = mem_copy(path.p, path.n);
    int result = -ENOENT;
    for (char *slash = strrchr(at, '/'); slash && result == -ENOENT; slash = strrchr(at, '/')) {
        *slash = 0;
        result = m->fs->stat_beneath(m->fs->self, m->root, at, st);
    }
    mem_free(at);
    return result == -ENOENT ? m->fs->stat(m->fs->self, m->root, st) : result;
}

static enum staging_obstacle obstacle_of_target(const struct staging_change *change,
                                                const struct seen *seen) {
    bool here = seen->here.inode != 0;
    if (here && S_ISDIR(seen->here_stat.st_mode))
        return STAGING_DIRECTORY;
    if (here && seen->here_stat.st_dev != seen->kept_stat.st_dev)
        return STAGING_ELSEWHERE;
    if (change->kind == STAGING_ADDED)
        return here ? STAGING_APPEARED : STAGING_FREE;
    if (!here)
        return STAGING_VANISHED;
    return staging_same_file(seen->here, change->old) ? STAGING_FREE : STAGING_EDITED;
}

int staging_obstacle_of(const struct moving *m, const struct staging_change *change,
                        enum staging_obstacle *obstacle) {
    struct seen seen;
    *obstacle = STAGING_FREE;
    if (change->kind == STAGING_REMOVED)
        return 0;
    int result = see(m, change, &seen);
    if (result < 0)
        return result;
    if (!staging_same_file(seen.kept, change->fresh))
        *obstacle = STAGING_LOST;
    else
        *obstacle = obstacle_of_target(change, &seen);
    if (seen.here.inode || (*obstacle != STAGING_FREE && *obstacle != STAGING_VANISHED))
        return 0;
    struct stat parent;
    result = see_parent(m, change->path, &parent);
    if (result == -ENOTDIR || (result == 0 && !S_ISDIR(parent.st_mode) && !S_ISLNK(parent.st_mode)))
        *obstacle = STAGING_DIRECTORY;
    else if (result == 0 && S_ISDIR(parent.st_mode) && parent.st_dev != seen.kept_stat.st_dev)
        *obstacle = STAGING_ELSEWHERE;
    return result == -ENOTDIR ? 0 : result;
}

// Moving ---------------------------------------------------------------------------------------------------------

static int rename_making(const struct fs *fs, int from, int to, struct str path) {
    int result = fs->rename(fs->self, from, path.p, to, path.p);
    if (result != -ENOENT)
        return result;
    struct str directory, name;
    place_split(path, &directory, &name);
    char *copy = mem_copy(directory.p, directory.n);
    result = directory.n ? fs_make_dirs(fs, to, copy, 0777) : -ENOENT;
    mem_free(copy);
    return result < 0 ? result : fs->rename(fs->self, from, path.p, to, path.p);
}

// Three renames through a third name; the output is missing for as long as two of them take.
static int swap_by_renames(const struct moving *m, struct str path) {
    const struct fs *fs = m->fs;
    struct buf third = BUF_INIT;
    buf_add_str(&third, path);
    buf_add_text(&third, EMIT_TEMPORARY_SUFFIX);
    const char *between = buf_text(&third);
    int result = fs->rename(fs->self, m->root, path.p, m->files, between);
    if (result == 0 || result == -ENOENT) {
        result = fs->rename(fs->self, m->files, path.p, m->root, path.p);
        int put = result == 0 ? fs->rename(fs->self, m->files, between, m->files, path.p)
                              : fs->rename(fs->self, m->files, between, m->root, path.p);
        result = result < 0 ? result : put;
    }
    buf_release(&third);
    return result;
}

static int swap(const struct moving *m, struct str path) {
    int result = m->fs->exchange(m->fs->self, m->files, path.p, m->root, path.p);
    return result == -EINVAL ? swap_by_renames(m, path) : result;
}

// What a kill left between the renames has the third name: it goes to its place beneath `to`.
static int finish_swap_to(const struct moving *m, int to, struct str path) {
    struct buf third = BUF_INIT;
    buf_add_str(&third, path);
    buf_add_text(&third, EMIT_TEMPORARY_SUFFIX);
    int result = m->fs->rename(m->fs->self, m->files, buf_text(&third), to, path.p);
    buf_release(&third);
    return result == -ENOENT ? 0 : result;
}

static int finish_swap(const struct moving *m, struct str path) {
    return finish_swap_to(m, m->files, path);
}

// Those above an output that is gone, as long as they are empty.
static void remove_directories(const struct moving *m, struct str path) {
    char *at = mem_copy(path.p, path.n);
    for (char *slash; (slash = strrchr(at, '/')) != NULL;) {
        *slash = 0;
        if (m->fs->remove_dir(m->fs->self, m->root, at) < 0)
            break;
    }
    mem_free(at);
}

// Out of its place, and kept.
static int take_out(const struct moving *m, struct str path) {
    int result = rename_making(m->fs, m->root, m->files, path);
    if (result == 0)
        remove_directories(m, path);
    return result;
}

static int remove_output(const struct moving *m, const struct staging_change *change, const struct seen *seen,
                         enum staging_done *done) {
    *done = STAGING_KEPT;
    if (!seen->here.inode)
        *done = seen->kept.inode ? STAGING_WAS_MOVED : STAGING_KEPT;
    if (!m->prune || !seen->here.inode || !staging_same_file(seen->here, change->old))
        return 0;
    *done = STAGING_MOVED;
    return take_out(m, change->path);
}

int staging_move_in(const struct moving *m, const struct staging_change *change, enum staging_done *done) {
    struct seen seen;
    int result = see(m, change, &seen);
    if (result < 0)
        return result;
    if (change->kind == STAGING_REMOVED)
        return remove_output(m, change, &seen, done);
    *done = staging_same_file(seen.here, change->fresh) ? STAGING_WAS_MOVED : STAGING_MOVED;
    if (*done == STAGING_WAS_MOVED)
        return seen.kept.inode ? 0 : finish_swap(m, change->path);
    if (seen.here.inode)
        return swap(m, change->path);
    result = rename_making(m->fs, m->files, m->root, change->path);
    return result < 0 ? result : finish_swap(m, change->path);
}

static int move_back_removed(const struct moving *m, const struct staging_change *change,
                             const struct seen *seen, enum staging_done *done) {
    bool is_there = staging_same_file(seen->here, change->old);
    *done = is_there ? STAGING_WAS_MOVED : STAGING_KEPT;
    if (seen->here.inode || !seen->kept.inode)
        return 0;
    *done = STAGING_MOVED;
    return rename_making(m->fs, m->files, m->root, change->path);
}

int staging_move_back(const struct moving *m, const struct staging_change *change, enum staging_done *done) {
    struct seen seen;
    int result = see(m, change, &seen);
    if (result < 0)
        return result;
    if (change->kind == STAGING_REMOVED)
        return move_back_removed(m, change, &seen, done);
    if (!seen.kept.inode) {
        result = finish_swap(m, change->path);
        result = result == 0 ? see(m, change, &seen) : result;
        if (result < 0)
            return result;
    }
    bool published = staging_same_file(seen.here, change->fresh);
    *done = STAGING_WAS_MOVED;
    if (staging_same_file(seen.kept, change->fresh))
        return seen.here.inode ? 0 : finish_swap_to(m, m->root, change->path);
    *done = STAGING_MOVED;
    if (!seen.here.inode &&
        seen.kept.inode) { // somebody has removed what was published, or a kill left it so
        result = rename_making(m->fs, m->files, m->root, change->path);
        return result < 0 ? result : finish_swap(m, change->path);
    }
    if (published)
        return seen.kept.inode ? swap(m, change->path) : take_out(m, change->path);
    *done = STAGING_KEPT;
    return 0;
}
