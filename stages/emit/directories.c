// SPDX-License-Identifier: MIT
#include "stages/emit/directories.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "stages/emit/place.h"

// Shared -----------------------------------------------------------------------------------------------------

enum { IDLE_MAX = 512, PLACES_FIRST = 64 };

void directories_share(struct directories_shared *shared) {
    struct rlimit limit;
    *shared = (struct directories_shared){0};
    pthread_mutex_init(&shared->lock, NULL);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        shared->idle_max = limit.rlim_cur / 4 < IDLE_MAX ? (unsigned)(limit.rlim_cur / 4) : IDLE_MAX;
}

void directories_unshare(struct directories_shared *shared) {
    pthread_mutex_destroy(&shared->lock);
    mem_free(shared->made);
}

static struct digest *find_made(struct digest *made, size_t mask, struct digest path) {
    size_t at = path.low & mask;
    while ((made[at].low || made[at].high) && !digest_equal(made[at], path))
        at = (at + 1) & mask;
    return &made[at];
}

static void grow_made(struct directories_shared *shared) {
    size_t mask = shared->made ? shared->mask * 2 + 1 : PLACES_FIRST - 1;
    struct digest *made = MEM_NEW_ARRAY(struct digest, mask + 1);
    for (size_t i = 0; shared->made && i <= shared->mask; i++)
        if (shared->made[i].low || shared->made[i].high)
            *find_made(made, mask, shared->made[i]) = shared->made[i];
    mem_free(shared->made);
    shared->made = made;
    shared->mask = mask;
}

// Whether this run made a directory: `made` just now, or another lane before.
static bool was_made(struct directories_shared *shared, struct str path, bool made) {
    struct digest digest = digest_of(path);
    pthread_mutex_lock(&shared->lock);
    if (!shared->made || (shared->made_n + 1) * 2 > shared->mask)
        grow_made(shared);
    struct digest *place = find_made(shared->made, shared->mask, digest);
    bool known = digest_equal(*place, digest);
    if (made && !known) {
        *place = digest;
        shared->made_n++;
    }
    pthread_mutex_unlock(&shared->lock);
    return made || known;
}

// A lane's -----------------------------------------------------------------------------------------------------

void directories_init(struct directories *d, const struct fs *fs, int root,
                      struct directories_shared *shared) {
    *d = (struct directories){.fs = fs, .root = root, .shared = shared};
}

static void close_directory(struct directories *d, struct directory *kept) {
    if (kept->path && kept->fd >= 0) {
        d->fs->close(d->fs->self, kept->fd);
        atomic_fetch_sub(&d->shared->open, 1);
    }
    kept->fd = -1;
}

static void drop_directory(struct directories *d, struct directory *kept) {
    close_directory(d, kept);
    mem_free(kept->path);
    *kept = (struct directory){.fd = -1};
}

void directories_rest(struct directories *d) {
    for (size_t i = 0; i < DIRECTORIES_KEPT && atomic_load(&d->shared->open) > d->shared->idle_max; i++)
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
    if (kept->fd >= 0)
        return true;
    kept->fd = place_open_directory(d->fs, d->root, kept->path, &made);
    if (kept->fd >= 0)
        atomic_fetch_add(&d->shared->open, 1);
    else
        drop_directory(d, kept);
    return kept->path != NULL;
}

static int open_directory(struct directories *d, struct directory *kept, struct str path, uint64_t hash) {
    drop_directory(d, kept);
    char *copy = mem_copy(path.p, path.n);
    bool made;
    int fd = place_open_directory(d->fs, d->root, copy, &made);
    if (directories_ran_out(fd)) {
        directories_drop(d);
        fd = place_open_directory(d->fs, d->root, copy, &made);
    }
    if (fd < 0) {
        mem_free(copy);
        return fd;
    }
    atomic_fetch_add(&d->shared->open, 1);
    *kept = (struct directory){.path = copy, .n = path.n, .hash = hash, .fd = fd, .used = ++d->tick};
    kept->made = was_made(d->shared, path, made);
    return fd;
}

int directories_find(struct directories *d, struct str path, bool *made) {
    struct str directory, name;
    place_split(path, &directory, &name);
    *made = false;
    if (directory.n == 0)
        return d->root;
    uint64_t hash = digest_of(directory).low;
    struct directory *oldest = &d->kept[hash % DIRECTORIES_KEPT];
    for (size_t i = 0; i < DIRECTORIES_WAYS; i++) {
        struct directory *kept = &d->kept[(hash + i) % DIRECTORIES_KEPT];
        bool same = kept->hash == hash && kept->path && kept->n == directory.n &&
                    memcmp(kept->path, directory.p, directory.n) == 0;
        if (same && reopen(d, kept)) {
            kept->used = ++d->tick;
            *made = kept->made;
            return kept->fd;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    int fd = open_directory(d, oldest, directory, hash);
    *made = fd >= 0 && oldest->made;
    return fd;
}
