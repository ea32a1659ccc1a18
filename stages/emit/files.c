// SPDX-License-Identifier: MIT
/*
 * One file per output, named by the output. Unordered, so a commit publishes at once and flush only reports.
 *
 * A small output is gathered in the lane's buffer: when all of it is there, a file that has these bytes already is
 * left alone (reading and comparing costs a tenth of replacing), else a temporary file beside it is written and
 * renamed. A large one goes to the temporary file as it comes, and is compared when it is complete.
 *
 * The lane keeps the last few directories open, so an output costs four system calls: open, write, close, rename.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/place.h"

enum {
    DIRECTORIES_KEPT = 16,  // by each lane; descriptors are scarce
    GATHERED_MAX = 1 << 20, // beyond, an output streams to its temporary file
    CHUNK = 256 << 10,      // by which it is written then, and compared
    BUFFER_KEPT = 2 << 20,
};

struct directory {
    char *path; // owned, NUL-terminated; NULL: unused
    size_t n;
    int fd;        // -1: closed since the last batch
    bool made;     // by us just now: nothing can be in it yet that is to be compared
    uint64_t used; // by the lane's tick
};

struct sink {
    struct fs fs;
    int root;
};

struct lane {
    struct sink *sink;
    struct buf path; // of the output in progress
    struct buf text; // what of it is not written yet, and room for a chunk to compare with
    struct buf other;
    uint64_t bytes;
    int fd; // its temporary file, -1: none
    int directory_fd;
    bool made;
    char temporary[PLACE_TEMPORARY_SIZE];
    struct directory directories[DIRECTORIES_KEPT];
    uint64_t tick;
    struct lane_result result;
};

static enum status files_open(const struct sink_options *options, struct sink **out, struct err *err) {
    (void)err;
    struct sink *sink = MEM_NEW(struct sink);
    *sink = (struct sink){.fs = *options->fs, .root = options->root};
    *out = sink;
    return STATUS_OK;
}

static struct lane *files_lane_new(struct sink *sink) {
    struct lane *lane = MEM_NEW(struct lane);
    lane->sink = sink;
    lane->fd = -1;
    return lane;
}

static void drop_directory(struct lane *lane, struct directory *d) {
    if (!d->path)
        return;
    if (d->fd >= 0)
        lane->sink->fs.close(lane->sink->fs.self, d->fd);
    mem_free(d->path);
    *d = (struct directory){0};
}

static bool is_out_of_descriptors(int result) {
    return result == -EMFILE || result == -ENFILE;
}

// Gives back the kept descriptors, for when the process or the system has run out of them.
static void drop_directories(struct lane *lane) {
    for (size_t i = 0; i < DIRECTORIES_KEPT; i++)
        drop_directory(lane, &lane->directories[i]);
}

// Lanes are many and mostly wait, for their turn or for work: meanwhile they hold no descriptors.
static enum status files_seal(struct lane *lane, struct err *err) {
    const struct fs *fs = &lane->sink->fs;
    (void)err;
    for (struct directory *d = lane->directories; d < lane->directories + DIRECTORIES_KEPT; d++) {
        if (d->path && d->fd >= 0)
            fs->close(fs->self, d->fd);
        d->fd = -1;
    }
    return STATUS_OK;
}

static bool reopen_directory(struct lane *lane, struct directory *d) {
    bool made;
    if (d->fd < 0)
        d->fd = place_open_directory(&lane->sink->fs, lane->sink->root, d->path, &made);
    if (d->fd < 0)
        drop_directory(lane, d);
    return d->path != NULL;
}

static struct str path_of(struct lane *lane) {
    return buf_str(&lane->path);
}

// Sets directory_fd and made for the output's path. -errno.
static int find_directory(struct lane *lane) {
    struct str directory, name;
    place_split(path_of(lane), &directory, &name);
    lane->made = false;
    lane->directory_fd = lane->sink->root;
    if (directory.n == 0)
        return 0;
    struct directory *oldest = &lane->directories[0];
    for (struct directory *d = lane->directories; d < lane->directories + DIRECTORIES_KEPT; d++) {
        bool same = d->path && d->n == directory.n && memcmp(d->path, directory.p, directory.n) == 0;
        if (same && reopen_directory(lane, d)) {
            d->used = ++lane->tick;
            lane->directory_fd = d->fd;
            lane->made = d->made;
            return 0;
        }
        if (d->used < oldest->used)
            oldest = d;
    }
    drop_directory(lane, oldest);
    char *path = mem_copy(directory.p, directory.n);
    bool made;
    int fd = place_open_directory(&lane->sink->fs, lane->sink->root, path, &made);
    if (is_out_of_descriptors(fd)) {
        drop_directories(lane);
        fd = place_open_directory(&lane->sink->fs, lane->sink->root, path, &made);
    }
    if (fd < 0) {
        mem_free(path);
        return fd;
    }
    *oldest =
        (struct directory){.path = path, .n = directory.n, .fd = fd, .made = made, .used = ++lane->tick};
    lane->directory_fd = fd;
    lane->made = made;
    return 0;
}

// The output's own name; path_of's bytes with a NUL.
static const char *name_of(struct lane *lane) {
    const char *path = buf_text(&lane->path), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void forget_output(struct lane *lane) {
    buf_clear(&lane->text);
    buf_shrink(&lane->text, BUFFER_KEPT);
    buf_clear(&lane->path);
    lane->bytes = 0;
}

static void remove_temporary(struct lane *lane) {
    const struct fs *fs = &lane->sink->fs;
    if (lane->fd >= 0)
        fs->close(fs->self, lane->fd);
    lane->fd = -1;
    if (lane->temporary[0])
        fs->unlink(fs->self, lane->directory_fd, lane->temporary);
    lane->temporary[0] = 0;
}

static void files_abort(struct lane *lane) {
    remove_temporary(lane);
    forget_output(lane);
}

static enum status fail(struct lane *lane, int result, struct err *err) {
    place_error(err, -result, path_of(lane));
    files_abort(lane);
    return STATUS_IO;
}

static void files_lane_free(struct lane *lane) {
    if (!lane)
        return;
    files_abort(lane);
    drop_directories(lane);
    buf_release(&lane->path);
    buf_release(&lane->text);
    buf_release(&lane->other);
    mem_free(lane);
}

static enum status files_begin(struct lane *lane, struct str name, struct err *err) {
    files_abort(lane);
    enum status status = emit_check_path(name, err);
    if (status == STATUS_OK)
        buf_add_str(&lane->path, name);
    return status;
}

static int open_temporary(struct lane *lane) {
    int result = find_directory(lane);
    if (result < 0)
        return result;
    const struct fs *fs = &lane->sink->fs;
    result = place_open_temporary(fs, lane->directory_fd, lane, O_WRONLY, lane->temporary);
    if (is_out_of_descriptors(result)) {
        drop_directories(lane);
        result = find_directory(lane);
        if (result == 0)
            result = place_open_temporary(fs, lane->directory_fd, lane, O_WRONLY, lane->temporary);
    }
    if (result < 0)
        lane->temporary[0] = 0;
    lane->fd = result < 0 ? -1 : result;
    return result < 0 ? result : 0;
}

// What is gathered goes to the temporary file.
static int write_gathered(struct lane *lane) {
    struct err err;
    if (fs_write_all(&lane->sink->fs, lane->fd, lane->text.p, lane->text.n, &err) != STATUS_OK)
        return -err.os;
    buf_clear(&lane->text);
    return 0;
}

static enum status files_write(struct lane *lane, struct str piece, struct err *err) {
    buf_add_str(&lane->text, piece);
    lane->bytes += piece.n;
    int result = 0;
    if (lane->fd < 0 && lane->text.n > GATHERED_MAX)
        result = open_temporary(lane);
    if (result == 0 && lane->fd >= 0 && lane->text.n >= CHUNK)
        result = write_gathered(lane);
    return result < 0 ? fail(lane, result, err) : STATUS_OK;
}

// Reads up to n bytes; fewer only at the end. -errno.
static ssize_t read_full(const struct fs *fs, int fd, char *p, size_t n) {
    size_t at = 0;
    while (at < n) {
        ssize_t got = fs->read(fs->self, fd, p + at, n - at);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

// A file of the output's size under its name, opened; -1 where there is none or it cannot be looked at.
static int open_present(struct lane *lane) {
    const struct fs *fs = &lane->sink->fs;
    struct stat st;
    // O_NONBLOCK: what is there may be a pipe that nobody writes to.
    int fd = fs->open(fs->self, lane->directory_fd, name_of(lane), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (fs->stat(fs->self, fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == lane->bytes)
        return fd;
    fs->close(fs->self, fd);
    return -1;
}

// Compares an open file with another one (from its descriptor on), or with what is gathered.
static bool has_same_bytes(struct lane *lane, int fd, int other) {
    const struct fs *fs = &lane->sink->fs;
    buf_clear(&lane->other);
    buf_reserve(&lane->other, other < 0 ? lane->text.n + 1 : 2 * (size_t)CHUNK);
    if (other < 0) { // one byte more than there may be
        ssize_t n = read_full(fs, fd, lane->other.p, lane->text.n + 1);
        return n == (ssize_t)lane->text.n && (n == 0 || memcmp(lane->other.p, lane->text.p, (size_t)n) == 0);
    }
    for (;;) {
        ssize_t n = read_full(fs, fd, lane->other.p, CHUNK);
        ssize_t m = read_full(fs, other, lane->other.p + CHUNK, CHUNK);
        if (n < 0 || n != m || memcmp(lane->other.p, lane->other.p + CHUNK, (size_t)n) != 0)
            return false;
        if (n < CHUNK)
            return true;
    }
}

// Whether the output is there already. Where that cannot be found out it counts as not there.
static bool is_unchanged(struct lane *lane) {
    const struct fs *fs = &lane->sink->fs;
    if (lane->made)
        return false;
    int fd = open_present(lane);
    if (fd < 0)
        return false;
    bool same = false;
    if (!lane->temporary[0]) {
        same = has_same_bytes(lane, fd, -1);
    } else {
        int other = fs->open(fs->self, lane->directory_fd, lane->temporary, O_RDONLY | O_NOFOLLOW, 0);
        same = other >= 0 && has_same_bytes(lane, fd, other);
        if (other >= 0)
            fs->close(fs->self, other);
    }
    fs->close(fs->self, fd);
    return same;
}

static enum status commit_unchanged(struct lane *lane) {
    lane->result.unchanged++;
    lane->result.bytes += lane->bytes;
    files_abort(lane);
    return STATUS_OK;
}

static enum status files_commit(struct lane *lane, struct err *err) {
    const struct fs *fs = &lane->sink->fs;
    int result = 0;
    bool streamed = lane->fd >= 0;
    if (!streamed) {
        result = find_directory(lane);
        if (result == 0 && is_unchanged(lane))
            return commit_unchanged(lane);
        if (result == 0)
            result = open_temporary(lane);
    }
    if (result == 0)
        result = write_gathered(lane);
    if (result < 0)
        return fail(lane, result, err);
    result = fs->close(fs->self, lane->fd); // some file systems tell only here that the disk is full
    lane->fd = -1;
    if (result == 0 && streamed && is_unchanged(lane))
        return commit_unchanged(lane);
    if (result == 0)
        result = fs->rename(fs->self, lane->directory_fd, lane->temporary, lane->directory_fd, name_of(lane));
    if (result < 0)
        return fail(lane, result, err);
    lane->temporary[0] = 0;
    lane->result.written++;
    lane->result.bytes += lane->bytes;
    lane->result.stored += lane->bytes;
    forget_output(lane);
    return STATUS_OK;
}

static enum status files_flush(struct lane *lane, struct lane_result *result, struct err *err) {
    (void)err;
    *result = lane->result;
    lane->result = (struct lane_result){0};
    return STATUS_OK;
}

static enum status files_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err) {
    (void)publish; // every output was published by itself
    (void)err;
    *result = (struct lane_result){0};
    mem_free(sink);
    return STATUS_OK;
}

const struct sink_kind emit_files = {
    .name = "files",
    .doc = "one file per output, named by the job's `to`",
    .ordered = false,
    .named = true,
    .open = files_open,
    .lane_new = files_lane_new,
    .lane_free = files_lane_free,
    .begin = files_begin,
    .write = files_write,
    .commit = files_commit,
    .abort = files_abort,
    .seal = files_seal,
    .flush = files_flush,
    .close = files_close,
};
