// SPDX-License-Identifier: MIT
/*
 * One file per output, named by the output. Unordered, so a commit publishes at once and flush only reports; but a
 * durable sink's outputs wait for the flush (pending.h), which syncs them all before they take their names.
 *
 * A small output is gathered in the lane's buffer: when all of it is there, a file that has these bytes already is
 * left alone (reading and comparing costs a tenth of replacing), else a temporary file beside it is written and
 * renamed, or the file is overwritten where it is (inplace.h). A large one goes to the temporary file as it comes, and
 * is compared when it is complete. A path that ends in ".zst" gets one frame; what is compared then are its bytes.
 *
 * The lane keeps the last directories open, so an output costs four system calls: open, write, close, rename.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/compare.h"
#include "stages/emit/directories.h"
#include "stages/emit/emit.h"
#include "stages/emit/frames.h"
#include "stages/emit/inplace.h"
#include "stages/emit/pending.h"
#include "stages/emit/place.h"

enum {
    GATHERED_MAX = 1 << 20, // beyond, an output streams to its temporary file
    CHUNK = 256 << 10,      // by which it is written then
    BUFFER_KEPT = 2 << 20,
};

struct sink {
    struct fs fs;
    int root;      // where outputs are put
    int published; // staged: where those are that they are compared with; else -1
    int level;
    bool force, stamped;
    int disk;                // durable: what is synced; else -1
    struct inplace *journal; // of overwriting; NULL: files are replaced
    struct directories_shared directories;
};

struct lane {
    struct sink *sink;
    struct buf path;        // of the output in progress
    struct buf text;        // what of it is not written yet
    struct buf packed;      // the same compressed
    struct buf other;       // what is there
    struct buf line;        // of the journal
    uint64_t bytes, stored; // of the output so far; stored: in the temporary file
    bool is_packed;
    struct place_owner owner; // of temporary files
    int fd;                   // its temporary file, -1: none
    int directory_fd;
    bool made; // by us just now: there is nothing to compare with
    char temporary[PLACE_TEMPORARY_SIZE];
    struct frames *frames;
    struct directories directories;
    struct pending pending;
    struct lane_result result;
    struct lane_stamp *stamps; // of what was committed since the last flush
    size_t stamps_n, stamps_cap;
    bool flushed; // they are the caller's to read until the next output
};

static enum status files_open(const struct sink_options *options, struct sink **out, struct err *err) {
    const struct fs *fs = options->fs;
    int root = options->staged ? options->stage : options->root, disk = -1;
    if (options->durable) { // the root itself may be open as a mere path
        disk = fs->open_beneath(fs->self, root, ".", O_RDONLY | O_DIRECTORY, 0);
        if (disk < 0)
            return err_os(err, -disk, "cannot open the output directory");
    }
    struct sink *sink = MEM_NEW(struct sink);
    *sink = (struct sink){.fs = *fs,
                          .root = root,
                          .published = options->staged ? options->root : -1,
                          .level = options->level,
                          .force = options->force,
                          .stamped = options->stamped,
                          .disk = disk};
    directories_share(&sink->directories);
    if (options->inplace && !options->staged) // a stage has nothing to overwrite
        sink->journal = inplace_new(fs, options->root);
    *out = sink;
    return STATUS_OK;
}

static struct lane *files_lane_new(struct sink *sink) {
    struct lane *lane = MEM_NEW(struct lane);
    lane->sink = sink;
    lane->fd = -1;
    place_owner_init(&lane->owner, lane);
    directories_init(&lane->directories, &sink->fs, sink->root, &sink->directories);
    return lane;
}

// Lanes are many and mostly wait, for their turn or for work: meanwhile they hold no descriptors.
static enum status files_seal(struct lane *lane, struct err *err) {
    (void)err;
    directories_rest(&lane->directories);
    return STATUS_OK;
}

static struct str path_of(struct lane *lane) {
    return buf_str(&lane->path);
}

// Sets directory_fd and made for the output's path. -errno.
static int find_directory(struct lane *lane) {
    lane->directory_fd = directories_find(&lane->directories, path_of(lane), &lane->made);
    return lane->directory_fd < 0 ? lane->directory_fd : 0;
}

// The output's own name; path_of's bytes with a NUL.
static const char *name_of(struct lane *lane) {
    const char *path = buf_text(&lane->path), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void forget_output(struct lane *lane) {
    buf_clear(&lane->text);
    buf_shrink(&lane->text, BUFFER_KEPT);
    buf_clear(&lane->packed);
    buf_shrink(&lane->packed, BUFFER_KEPT);
    buf_clear(&lane->path);
    lane->temporary[0] = 0;
    lane->bytes = lane->stored = 0;
}

static void remove_temporary(struct lane *lane) {
    const struct fs *fs = &lane->sink->fs;
    if (lane->fd >= 0) {
        fs->close(fs->self, lane->fd);
        if (lane->frames)
            frames_drop(lane->frames);
    }
    lane->fd = -1;
    if (lane->temporary[0])
        fs->unlink(fs->self, lane->directory_fd, lane->temporary);
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
    pending_release(&lane->pending, &lane->directories);
    directories_drop(&lane->directories);
    frames_free(lane->frames);
    buf_release(&lane->path);
    buf_release(&lane->text);
    buf_release(&lane->packed);
    buf_release(&lane->other);
    buf_release(&lane->line);
    mem_free(lane->stamps);
    mem_free(lane);
}

static enum status files_begin(struct lane *lane, struct str name, struct err *err) {
    files_abort(lane);
    if (lane->flushed)
        lane->stamps_n = 0;
    lane->flushed = false;
    enum status status = emit_check_path(name, err);
    if (status != STATUS_OK)
        return status;
    buf_add_str(&lane->path, name);
    lane->is_packed = str_ends(name, STR(".zst"));
    if (lane->is_packed && !lane->frames)
        lane->frames = frames_new(lane->sink->level);
    return STATUS_OK;
}

static int try_temporary(struct lane *lane) {
    int result = find_directory(lane);
    if (result < 0)
        return result;
    // Those before it in its batch may still have theirs.
    unsigned number = (unsigned)lane->pending.outputs_n;
    return place_open_numbered(&lane->sink->fs, lane->directory_fd, &lane->owner, number, O_WRONLY,
                               lane->temporary);
}

static int open_temporary(struct lane *lane) {
    int fd = try_temporary(lane);
    if (directories_ran_out(fd) ||
        fd == -ENOENT) { // ENOENT: somebody has removed a directory that is kept open
        directories_drop(&lane->directories);
        fd = try_temporary(lane);
    }
    if (fd < 0)
        lane->temporary[0] = 0;
    lane->fd = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : 0;
}

static int write_bytes(struct lane *lane, struct str bytes) {
    struct err err;
    if (fs_write_all(&lane->sink->fs, lane->fd, bytes.p, bytes.n, &err) != STATUS_OK)
        return -err.os;
    lane->stored += bytes.n;
    return 0;
}

// What is gathered of an output that streams goes to the temporary file; `last`: that was all.
static int write_gathered(struct lane *lane, bool last) {
    struct err err;
    struct str bytes = buf_str(&lane->text);
    if (lane->is_packed) {
        if (frames_add_piece(lane->frames, bytes, last, &lane->packed, &err) != STATUS_OK)
            return -ENOMEM;
        bytes = buf_str(&lane->packed);
    }
    int result = write_bytes(lane, bytes);
    buf_clear(&lane->text);
    buf_clear(&lane->packed);
    return result;
}

static enum status files_write(struct lane *lane, struct str piece, struct err *err) {
    buf_add_str(&lane->text, piece);
    lane->bytes += piece.n;
    int result = 0;
    if (lane->fd < 0 && lane->text.n > GATHERED_MAX)
        result = open_temporary(lane);
    if (result == 0 && lane->fd >= 0 && lane->text.n >= CHUNK)
        result = write_gathered(lane, false);
    return result < 0 ? fail(lane, result, err) : STATUS_OK;
}

// `st` NULL: what came of it is not known; or not yet, where it is overwritten with its batch.
static void stamp(struct lane *lane, const struct stat *st) {
    if (!lane->sink->stamped)
        return;
    MEM_GROW(lane->stamps, lane->stamps_cap, lane->stamps_n + 1);
    lane->stamps[lane->stamps_n++] = st ? lane_stamp_of(st) : (struct lane_stamp){0};
}

static enum status commit_unchanged(struct lane *lane, const struct stat *st) {
    stamp(lane, st);
    lane->result.unchanged++;
    lane->result.bytes += lane->bytes;
    files_abort(lane);
    return STATUS_OK;
}

static void count_written(struct lane *lane, uint64_t stored) {
    lane->result.written++;
    lane->result.bytes += lane->bytes;
    lane->result.stored += stored;
}

// The temporary file is complete: it takes its name, now or with its batch.
static int take_name(struct lane *lane) {
    const struct fs *fs = &lane->sink->fs;
    if (lane->sink->disk >= 0) {
        pending_add_file(&lane->pending, path_of(lane), lane->temporary, lane->bytes, lane->stored);
        return 0;
    }
    int result = fs->rename(fs->self, lane->directory_fd, lane->temporary, lane->directory_fd, name_of(lane));
    if (result == 0)
        count_written(lane, lane->stored);
    return result;
}

static int close_temporary(struct lane *lane, struct stat *st) {
    const struct fs *fs = &lane->sink->fs;
    int looked = lane->sink->stamped ? fs->stat(fs->self, lane->fd, st) : 0;
    int result = fs->close(fs->self, lane->fd);
    lane->fd = -1;
    return result < 0 ? result : looked; // some file systems tell only here that the disk is full
}

// Overwriting -------------------------------------------------------------------------------------------------

// What there is to be overwritten, read into `other`. False: there is nothing, or nothing that may be: a file with
// another name elsewhere is not ours alone, and one that may not be written to may still be replaced.
static bool read_present(struct lane *lane, struct stat *st) {
    const struct fs *fs = &lane->sink->fs;
    if (lane->made)
        return false;
    int fd = compare_open(fs, lane->directory_fd, name_of(lane), O_RDWR, st);
    lane->made = fd == -ENOENT; // nothing to compare with, either
    if (fd < 0)
        return false;
    buf_clear(&lane->other);
    ssize_t n = -1;
    if (st->st_nlink == 1 && st->st_size <= INPLACE_MAX) {
        buf_reserve(&lane->other, (size_t)st->st_size + 1);
        n = compare_read(fs, fd, lane->other.p, (size_t)st->st_size + 1);
    }
    fs->close(fs->self, fd);
    lane->other.n = n > 0 ? (size_t)n : 0;
    return n == st->st_size;
}

static int overwrite_now(struct lane *lane, struct str bytes, struct stat *st, struct digest before) {
    struct inplace *journal = lane->sink->journal;
    enum inplace_left left;
    buf_clear(&lane->line);
    inplace_add_line(&lane->line, (struct inplace_entry){
                                      .before = before, .after = digest_of(bytes), .path = path_of(lane)});
    int result = inplace_note(journal, buf_str(&lane->line));
    if (result < 0)
        return result;
    result = inplace_overwrite(&lane->sink->fs, lane->directory_fd, name_of(lane), st, buf_str(&lane->other),
                               bytes, &left);
    if (result < 0 && left == INPLACE_TORN)
        inplace_tore(journal);
    if (result == 0) {
        const struct fs *fs = &lane->sink->fs;
        bool known = lane->sink->stamped && fs->stat_at(fs->self, lane->directory_fd, name_of(lane), st) == 0;
        stamp(lane, known ? st : NULL);
        count_written(lane, bytes.n);
    }
    return result;
}

// 1: done, or with its batch; 0: it is to be replaced; -errno.
static int overwrite(struct lane *lane, struct str bytes, struct stat *st) {
    struct digest before = digest_of(buf_str(&lane->other));
    if (lane->sink->disk >= 0) {
        if (!pending_add_text(&lane->pending, path_of(lane), bytes, lane->bytes, before, lane->stamps_n))
            return 0;
        stamp(lane, NULL);
        return 1;
    }
    int result = overwrite_now(lane, bytes, st, before);
    return result < 0 ? result : 1;
}

// Commit ------------------------------------------------------------------------------------------------------

// What is gathered, as it will stand in the file. -ENOMEM.
static int pack_gathered(struct lane *lane, struct str *bytes) {
    struct err err;
    *bytes = buf_str(&lane->text);
    if (!lane->is_packed)
        return 0;
    enum status status = frames_add(lane->frames, *bytes, &lane->packed, &err);
    *bytes = buf_str(&lane->packed);
    return status == STATUS_OK ? 0 : -ENOMEM;
}

// Staged: 1: what is published has these bytes; 0: it has not, and they can take its place; -errno.
static int is_published(struct lane *lane, struct str bytes, struct stat *st) {
    const struct sink *sink = lane->sink;
    const char *path = buf_text(&lane->path);
    if (!sink->force && compare_text(&sink->fs, sink->published, path, bytes, &lane->other, st))
        return 1;
    return compare_is_place(&sink->fs, sink->published, path);
}

static enum status commit_gathered(struct lane *lane, struct err *err) {
    const struct sink *sink = lane->sink;
    struct stat st;
    struct str bytes;
    int result = pack_gathered(lane, &bytes);
    if (result == 0 && sink->published >= 0)
        result = is_published(lane, bytes, &st);
    if (result > 0)
        return commit_unchanged(lane, &st);
    if (result == 0)
        result = find_directory(lane);
    if (result < 0)
        return fail(lane, result, err);
    bool present = sink->journal && bytes.n <= INPLACE_MAX && read_present(lane, &st);
    if (!sink->force && !lane->made && sink->published < 0 &&
        (present ? str_equal(buf_str(&lane->other), bytes)
                 : compare_text(&sink->fs, lane->directory_fd, name_of(lane), bytes, &lane->other, &st)))
        return commit_unchanged(lane, &st);
    result = present ? overwrite(lane, bytes, &st) : 0;
    if (result == 0) {
        result = open_temporary(lane);
        if (result == 0)
            result = write_bytes(lane, bytes);
        if (result == 0)
            result = close_temporary(lane, &st);
        if (result == 0)
            result = take_name(lane);
        if (result == 0)
            stamp(lane, &st);
    }
    if (result < 0)
        return fail(lane, result, err);
    forget_output(lane);
    return STATUS_OK;
}

static enum status commit_streamed(struct lane *lane, struct err *err) {
    const struct sink *sink = lane->sink;
    struct stat st;
    int result = write_gathered(lane, true);
    if (result == 0)
        result = close_temporary(lane, &st);
    bool staged = sink->published >= 0;
    struct compare_place there = staged ? (struct compare_place){sink->published, buf_text(&lane->path)}
                                        : (struct compare_place){lane->directory_fd, name_of(lane)};
    struct stat present;
    if (result == 0 && !sink->force && (staged || !lane->made) &&
        compare_files(&sink->fs, there, (struct compare_place){lane->directory_fd, lane->temporary},
                      lane->stored, &lane->other, &present))
        return commit_unchanged(lane, &present);
    if (result == 0 && staged)
        result = compare_is_place(&sink->fs, sink->published, there.name);
    if (result == 0)
        result = take_name(lane);
    if (result == 0)
        stamp(lane, &st);
    if (result < 0)
        return fail(lane, result, err);
    forget_output(lane);
    return STATUS_OK;
}

static enum status files_commit(struct lane *lane, struct err *err) {
    return lane->fd >= 0 ? commit_streamed(lane, err) : commit_gathered(lane, err);
}

static enum status files_flush(struct lane *lane, struct lane_result *result, struct err *err) {
    const struct sink *sink = lane->sink;
    enum status status = pending_publish(&lane->pending, &lane->directories, sink->journal, sink->disk,
                                         sink->stamped ? lane->stamps : NULL, &lane->result, err);
    *result = lane->result;
    result->stamps = lane->stamps;
    result->stamps_n = lane->stamps_n;
    lane->flushed = true;
    lane->result = (struct lane_result){0};
    return status;
}

// What is left are the last batch's renames, which durable outputs want on the disk, too.
static enum status files_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err) {
    const struct fs *fs = &sink->fs;
    (void)publish; // every output was published by itself
    *result = (struct lane_result){0};
    enum status status = STATUS_OK;
    if (sink->disk >= 0) {
        int synced = fs->sync(fs->self, sink->disk);
        if (synced < 0)
            status = err_os(err, -synced, "cannot bring the outputs to the disk");
        fs->close(fs->self, sink->disk);
    }
    result->torn = inplace_free(sink->journal, status != STATUS_OK);
    directories_unshare(&sink->directories);
    mem_free(sink);
    return status;
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
