// SPDX-License-Identifier: MIT
#include "stages/emit/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/emit/compare.h"
#include "stages/emit/frames.h"
#include "stages/emit/place.h"

enum { LANE_MEMORY = 8 << 20, WRITE_CHUNK = 1 << 20, PACKED_KEPT = 1 << 20 };

struct sink {
    struct sink_options options; // path and separator are our copies
    struct fs fs;
    bool is_stdout, compressed, broken;
    int root;      // where the file is put
    int directory; // of the file; the root itself where it has no other
    int fd;
    int disk; // durable: what is synced; else -1
    char temporary[PLACE_TEMPORARY_SIZE];
    char *name; // the file's own
    uint64_t outputs, stored;
    struct frames *frames;
    struct buf separator_frame;
};

static struct str copy(struct str s) {
    return (struct str){mem_copy(s.p, s.n), s.n};
}

static void sink_free(struct sink *sink) {
    const struct fs *fs = &sink->fs;
    if (sink->fd >= 0 && !sink->is_stdout)
        fs->close(fs->self, sink->fd);
    if (sink->temporary[0])
        fs->unlink(fs->self, sink->directory, sink->temporary);
    if (sink->directory >= 0 && sink->directory != sink->root)
        fs->close(fs->self, sink->directory);
    if (sink->disk >= 0)
        fs->close(fs->self, sink->disk);
    frames_free(sink->frames);
    buf_release(&sink->separator_frame);
    mem_free((char *)sink->options.path.p);
    mem_free((char *)sink->options.separator.p);
    mem_free(sink->name);
    mem_free(sink);
}

static enum status open_file(struct sink *sink, struct err *err) {
    enum status status = emit_check_path(sink->options.path, err);
    if (status != STATUS_OK)
        return status;
    const struct fs *fs = &sink->fs;
    struct str directory, name;
    place_split(sink->options.path, &directory, &name);
    sink->name = mem_copy(name.p, name.n);
    if (directory.n > 0) {
        char *path = mem_copy(directory.p, directory.n);
        bool made;
        sink->directory = place_open_directory(fs, sink->root, path, &made);
        mem_free(path);
    } else {
        sink->directory = sink->root;
    }
    if (sink->directory >= 0)
        sink->fd = place_open_temporary(fs, sink->directory, sink, O_WRONLY, sink->temporary);
    if (sink->fd < 0)
        sink->temporary[0] = 0;
    int result = sink->directory < 0 ? sink->directory : sink->fd;
    if (result >= 0 && sink->options.durable)
        result = sink->disk = fs->open_beneath(fs->self, sink->directory, ".", O_RDONLY | O_DIRECTORY, 0);
    if (result >= 0)
        return STATUS_OK;
    return place_error(err, -result, sink->options.path);
}

enum status stream_open(const struct sink_options *options, struct sink **out, struct err *err) {
    struct sink *sink = MEM_NEW(struct sink);
    *sink = (struct sink){.options = *options, .fs = *options->fs, .fd = -1, .disk = -1, .directory = -1};
    sink->options.path = copy(options->path);
    sink->options.separator = copy(options->separator);
    sink->root = options->staged ? options->stage : options->root;
    sink->is_stdout = str_is(options->path, "-");
    sink->compressed = str_ends(options->path, STR(".zst"));
    enum status status = STATUS_OK;
    if (sink->is_stdout)
        sink->fd = STDOUT_FILENO;
    else
        status = open_file(sink, err);
    if (status == STATUS_OK && sink->compressed) {
        sink->frames = frames_new(options->level);
        if (options->separator.n > 0)
            status = frames_add(sink->frames, sink->options.separator, &sink->separator_frame, err);
    }
    if (status == STATUS_OK)
        *out = sink;
    else
        sink_free(sink);
    return status;
}

struct lane *stream_lane_new(struct sink *sink) {
    struct lane *lane = MEM_NEW(struct lane);
    lane->sink = sink;
    spill_init(&lane->spill, &sink->fs, sink->directory < 0 ? sink->root : sink->directory, LANE_MEMORY);
    return lane;
}

void stream_lane_free(struct lane *lane) {
    if (!lane)
        return;
    spill_release(&lane->spill);
    buf_release(&lane->packed);
    frames_free(lane->frames);
    mem_free(lane);
}

const struct sink_options *stream_options(const struct lane *lane) {
    return &lane->sink->options;
}

enum status stream_begin(struct lane *lane) {
    assert(!lane->sealed);
    stream_abort(lane);
    lane->is_open = true;
    lane->item_at = spill_end(&lane->spill);
    lane->item_bytes = 0;
    buf_add_str(&lane->spill.text, lane->sink->options.separator);
    return STATUS_OK;
}

enum status stream_grown(struct lane *lane, size_t n, struct err *err) {
    lane->item_bytes += n;
    int result = spill_settle(&lane->spill);
    if (result == 0)
        return STATUS_OK;
    stream_abort(lane);
    return place_error(err, -result, lane->sink->options.path);
}

enum status stream_commit(struct lane *lane) {
    lane->is_open = false;
    lane->outputs++;
    lane->bytes += lane->item_bytes;
    return STATUS_OK;
}

void stream_abort(struct lane *lane) {
    if (lane->is_open)
        spill_cut(&lane->spill, lane->item_at);
    lane->is_open = false;
}

static bool is_spilled(const struct lane *lane) {
    return lane->spill.spilled > 0 || lane->spill.broken;
}

enum status stream_seal(struct lane *lane, struct err *err) {
    stream_abort(lane);
    if (lane->sealed || !lane->sink->compressed || lane->outputs == 0 || is_spilled(lane))
        return STATUS_OK;
    if (!lane->frames)
        lane->frames = frames_new(lane->sink->options.level);
    struct str text = str_from(buf_str(&lane->spill.text), lane->sink->options.separator.n);
    enum status status = frames_add(lane->frames, text, &lane->packed, err);
    lane->sealed = status == STATUS_OK;
    return status;
}

// Bytes on their way from a lane into the file.
struct transfer {
    struct sink *sink;
    size_t skip; // bytes at the start that are left out: the separator
    struct buf packed;
    struct err err;
};

static int put(struct sink *sink, struct str bytes, struct err *err) {
    if (fs_write_all(&sink->fs, sink->fd, bytes.p, bytes.n, err) != STATUS_OK)
        return -err->os;
    sink->stored += bytes.n;
    return 0;
}

static int put_packed(struct transfer *t) {
    int result = put(t->sink, buf_str(&t->packed), &t->err);
    buf_clear(&t->packed);
    return result;
}

static int transfer_piece(void *self, struct str piece) {
    struct transfer *t = self;
    size_t skip = t->skip < piece.n ? t->skip : piece.n;
    t->skip -= skip;
    piece = str_from(piece, skip);
    if (!t->sink->compressed)
        return put(t->sink, piece, &t->err);
    if (frames_add_piece(t->sink->frames, piece, false, &t->packed, &t->err) != STATUS_OK)
        return -ENOMEM;
    return t->packed.n >= WRITE_CHUNK ? put_packed(t) : 0;
}

// A lane as it is: plain, or compressed on the way.
static int put_lane(struct lane *lane, size_t skip) {
    struct transfer t = {.sink = lane->sink, .skip = skip};
    int result = spill_read(&lane->spill, transfer_piece, &t);
    if (result == 0 && lane->sink->compressed) {
        if (frames_add_piece(lane->sink->frames, (struct str){NULL, 0}, true, &t.packed, &t.err) != STATUS_OK)
            result = -ENOMEM;
        else
            result = put_packed(&t);
    }
    buf_release(&t.packed);
    return result;
}

static int write_lane(struct lane *lane) {
    struct sink *sink = lane->sink;
    bool first = sink->outputs == 0;
    size_t separator_n = sink->options.separator.n;
    struct err err;
    if (!sink->compressed)
        return put_lane(lane, first ? separator_n : 0);
    int result = first ? 0 : put(sink, buf_str(&sink->separator_frame), &err);
    if (result < 0)
        return result;
    return lane->sealed ? put(sink, buf_str(&lane->packed), &err) : put_lane(lane, separator_n);
}

static void lane_clear(struct lane *lane) {
    spill_clear(&lane->spill);
    buf_clear(&lane->packed);
    buf_shrink(&lane->packed, PACKED_KEPT);
    lane->is_open = lane->sealed = false;
    lane->outputs = lane->bytes = 0;
}

static enum status broken_error(const struct sink *sink, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_IO, "%s is incomplete: an earlier part of it could not be written",
                   emit_show_path(sink->options.path, shown));
}

enum status stream_flush(struct lane *lane, struct lane_result *result, struct err *err) {
    struct sink *sink = lane->sink;
    *result = (struct lane_result){0};
    stream_abort(lane);
    enum status status = STATUS_OK;
    uint64_t stored = sink->stored;
    if (sink->broken) {
        status = broken_error(sink, err);
    } else if (lane->outputs > 0 || lane->spill.broken) {
        int written = write_lane(lane);
        if (written < 0)
            status = place_error(err, -written, sink->options.path);
    }
    if (status == STATUS_OK) {
        sink->outputs += lane->outputs;
        *result = (struct lane_result){.written = lane->outputs, .bytes = lane->bytes};
        result->stored = sink->stored - stored;
    } else {
        sink->broken = true;
    }
    lane_clear(lane);
    return status;
}

// A file of no bytes is not a zstd file.
static int put_empty_frame(struct sink *sink) {
    struct buf frame = BUF_INIT;
    struct err err;
    int result = -ENOMEM;
    if (frames_add(sink->frames, (struct str){"", 0}, &frame, &err) == STATUS_OK)
        result = put(sink, buf_str(&frame), &err);
    buf_release(&frame);
    return result;
}

// 1: the file is there already; 0: it is not; staged: or could not take the place of what is; -errno.
static int is_unchanged(struct sink *sink) {
    const struct sink_options *options = &sink->options;
    struct buf room = BUF_INIT;
    char *path = mem_copy(options->path.p, options->path.n);
    struct compare_place there = options->staged ? (struct compare_place){options->root, path}
                                                 : (struct compare_place){sink->directory, sink->name};
    struct stat st;
    int result = !options->force &&
                 compare_files(&sink->fs, there, (struct compare_place){sink->directory, sink->temporary},
                               sink->stored, &room, &st);
    if (!result && options->staged)
        result = compare_is_place(&sink->fs, options->root, path);
    mem_free(path);
    buf_release(&room);
    return result;
}

static int sync_disk(struct sink *sink) {
    return sink->disk >= 0 ? sink->fs.sync(sink->fs.self, sink->disk) : 0;
}

// The bytes are on the disk before they take the name, and the name is before this returns.
static int take_name(struct sink *sink) {
    int result = sync_disk(sink);
    if (result == 0)
        result =
            sink->fs.rename(sink->fs.self, sink->directory, sink->temporary, sink->directory, sink->name);
    if (result < 0)
        return result;
    sink->temporary[0] = 0;
    return sync_disk(sink);
}

static enum status publish_file(struct sink *sink, bool *unchanged, struct err *err) {
    const struct fs *fs = &sink->fs;
    int result = sink->compressed && sink->outputs == 0 ? put_empty_frame(sink) : 0;
    if (result == 0) {
        result = fs->close(fs->self, sink->fd);
        sink->fd = -1;
    }
    if (result == 0)
        result = is_unchanged(sink);
    *unchanged = result > 0;
    if (result >= 0) // what is there already may have come there without a sync
        result = *unchanged ? sync_disk(sink) : take_name(sink);
    return result < 0 ? place_error(err, -result, sink->options.path) : STATUS_OK;
}

enum status stream_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err) {
    *result = (struct lane_result){0};
    uint64_t stored = sink->stored;
    enum status status = STATUS_OK;
    if (publish && sink->broken)
        status = broken_error(sink, err);
    else if (publish && !sink->is_stdout)
        status = publish_file(sink, &result->stream_unchanged, err);
    if (status == STATUS_OK && !result->stream_unchanged)
        result->stored = sink->stored - stored;
    sink_free(sink);
    return status;
}
