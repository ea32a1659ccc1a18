// SPDX-License-Identifier: MIT
#include "stages/emit/spill.h"

#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "stages/emit/place.h"

enum { READ_CHUNK = 256 << 10, MEMORY_KEPT = 2 << 20 };

void spill_init(struct spill *s, const struct fs *fs, int directory, size_t limit) {
    *s = (struct spill){.fs = fs, .directory = directory, .limit = limit, .write_fd = -1, .read_fd = -1};
}

static void close_files(struct spill *s) {
    if (s->write_fd >= 0)
        s->fs->close(s->fs->self, s->write_fd);
    if (s->read_fd >= 0)
        s->fs->close(s->fs->self, s->read_fd);
    s->write_fd = s->read_fd = -1;
}

void spill_clear(struct spill *s) {
    close_files(s);
    buf_clear(&s->text);
    buf_shrink(&s->text, MEMORY_KEPT);
    s->spilled = 0;
    s->holes_n = 0;
    s->broken = false;
}

void spill_release(struct spill *s) {
    close_files(s);
    buf_release(&s->text);
    mem_free(s->holes);
    s->holes = NULL;
}

// Two descriptors, since writing and reading each have their position; then the name goes.
static int open_files(struct spill *s) {
    char name[PLACE_TEMPORARY_SIZE];
    const struct fs *fs = s->fs;
    int fd = place_open_temporary(fs, s->directory, s, O_WRONLY, name);
    if (fd < 0)
        return fd;
    s->write_fd = fd;
    int result = fs->open_beneath(fs->self, s->directory, name, O_RDONLY | O_NOFOLLOW, 0);
    int unlinked = fs->unlink(fs->self, s->directory, name);
    if (result >= 0)
        s->read_fd = result;
    if (result < 0 || unlinked < 0)
        close_files(s);
    return result < 0 ? result : unlinked;
}

int spill_settle(struct spill *s) {
    if (s->broken)
        return -EIO;
    if (s->text.n <= s->limit || s->text.n <= SPILL_KEPT)
        return 0;
    if (s->write_fd < 0) {
        int result = open_files(s);
        if (result < 0)
            return result;
    }
    struct err err;
    size_t n = s->text.n - SPILL_KEPT;
    if (fs_write_all(s->fs, s->write_fd, s->text.p, n, &err) != STATUS_OK) {
        s->broken = true;
        return -err.os;
    }
    memmove(s->text.p, s->text.p + n, SPILL_KEPT);
    s->text.n = SPILL_KEPT;
    s->spilled += n;
    return 0;
}

void spill_cut(struct spill *s, uint64_t from) {
    if (from >= s->spilled) {
        s->text.n = (size_t)(from - s->spilled);
        return;
    }
    buf_clear(&s->text);
    while (s->holes_n > 0 && s->holes[s->holes_n - 1].from >= from)
        s->holes_n--; // swallowed by the new one
    MEM_GROW(s->holes, s->holes_cap, s->holes_n + 1);
    s->holes[s->holes_n++] = (struct spill_hole){.from = from, .to = s->spilled};
}

// A piece of the file that begins at `at`: what lies in holes is left out.
static int hand_out(const struct spill *s, size_t *hole, uint64_t at, struct str piece,
                    int (*fn)(void *self, struct str piece), void *self) {
    uint64_t end = at + piece.n;
    while (at < end) {
        while (*hole < s->holes_n && s->holes[*hole].to <= at)
            ++*hole;
        bool more = *hole < s->holes_n;
        if (more && s->holes[*hole].from <= at) {
            at = s->holes[*hole].to < end ? s->holes[*hole].to : end;
            continue;
        }
        uint64_t to = more && s->holes[*hole].from < end ? s->holes[*hole].from : end;
        size_t from = piece.n - (size_t)(end - at);
        int result = fn(self, str_slice(piece, from, from + (size_t)(to - at)));
        if (result < 0)
            return result;
        at = to;
    }
    return 0;
}

int spill_read(struct spill *s, int (*fn)(void *self, struct str piece), void *self) {
    if (s->broken)
        return -EIO;
    size_t hole = 0;
    char *chunk = s->spilled > 0 ? mem_alloc(READ_CHUNK) : NULL;
    int result = 0;
    for (uint64_t at = 0; result >= 0 && at < s->spilled;) {
        size_t want = s->spilled - at < READ_CHUNK ? (size_t)(s->spilled - at) : READ_CHUNK;
        ssize_t n = s->fs->read(s->fs->self, s->read_fd, chunk, want);
        if (n == -EINTR)
            continue;
        if (n <= 0) {
            result = n < 0 ? (int)n : -EIO; // shorter than what was written
            break;
        }
        result = hand_out(s, &hole, at, (struct str){chunk, (size_t)n}, fn, self);
        at += (uint64_t)n;
    }
    mem_free(chunk);
    if (result >= 0 && s->text.n > 0)
        result = fn(self, buf_str(&s->text));
    return result < 0 ? result : 0;
}
