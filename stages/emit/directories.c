// SPDX-License-Identifier: MIT
#include "stages/emit/directories.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "stages/emit/place.h"

void directories_init(struct directories *d, const struct fs *fs, int root) {
    *d = (struct directories){.fs = fs, .root = root};
}

static void close_directory(struct directories *d, struct directory *kept) {
    if (kept->path && kept->fd >= 0)
        d->fs->close(d->fs->self, kept->fd);
    kept->fd = -1;
}

static void drop_directory(struct directories *d, struct directory *kept) {
    close_directory(d, kept);
    mem_free(kept->path);
    *kept = (struct directory){.fd = -1};
}

void directories_close(struct directories *d) {
    for (size_t i = 0; i < DIRECTORIES_KEPT; i++)
        close_directory(d, &d->kept[i]);
}

void directories_drop(struct directories *d) {
    for (size_t i = 0; i < DIRECTORIES_KEPT; i++)
        drop_directory(d, &d->kept[i]);
}

bool directories_ran_out(int result) {
    return result == -EMFILE || result == -ENFILE;
}

static bool reopen(struct directories *d, struct directory *kept) {
    bool made;
    if (kept->fd < 0)
        kept->fd = place_open_directory(d->fs, d->root, kept->path, &made);
    if (kept->fd < 0)
        drop_directory(d, kept);
    return kept->path != NULL;
}

static int open_directory(struct directories *d, struct directory *kept, struct str path) {
    drop_directory(d, kept);
    char *copy = mem_copy(path.p, path.n);
    bool made;
    int fd = place_open_directory(d->fs, d->root, copy, &made);
    if (directories_ran_out(fd)) {
        directories_drop(d);
        fd = place_open_directory(d->fs, d->root, copy, &made);
    }
    if (fd < 0)
        mem_free(copy);
    else
        *kept = (struct directory){.path = copy, .n = path.n, .fd = fd, .made = made, .used = ++d->tick};
    return fd;
}

int directories_find(struct directories *d, struct str path, bool *made) {
    struct str directory, name;
    place_split(path, &directory, &name);
    *made = false;
    if (directory.n == 0)
        return d->root;
    struct directory *oldest = &d->kept[0];
    for (struct directory *kept = d->kept; kept < d->kept + DIRECTORIES_KEPT; kept++) {
        bool same = kept->path && kept->n == directory.n && memcmp(kept->path, directory.p, directory.n) == 0;
        if (same && reopen(d, kept)) {
            kept->used = ++d->tick;
            *made = kept->made;
            return kept->fd;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    int fd = open_directory(d, oldest, directory);
    *made = fd >= 0 && oldest->made;
    return fd;
}
