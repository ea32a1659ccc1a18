// SPDX-License-Identifier: MIT
#include "stages/load/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"

enum { POLL_MILLISECONDS = 100 };

struct input {
    const struct fs *fs;
    struct str name;
    int fd;
    const atomic_bool *interrupt; // may be NULL
    bool owns_fd, regular, started;
    char first[3]; // the source's first bytes, until they are given out
    size_t first_n, first_at, skipped;
    struct stat opened;
    atomic_uint_fast64_t read;
    // .zst
    ZSTD_DStream *zstd; // NULL: not compressed
    char *stored;       // compressed bytes
    size_t stored_cap;
    ZSTD_inBuffer in;
    bool in_frame;  // a frame has begun and not ended
    bool held_back; // the decoder may hold bytes for which there was no room
};

static enum status start_zstd(struct input *input, struct err *err) {
    input->zstd = ZSTD_createDStream();
    input->stored_cap = ZSTD_DStreamInSize();
    input->stored = mem_alloc(input->stored_cap);
    input->in = (ZSTD_inBuffer){.src = input->stored, .size = 0, .pos = 0};
    if (!input->zstd)
        return err_set(err, STATUS_MEMORY, "%.*s: no memory to decompress", STR_ARG(input->name));
    return STATUS_OK;
}

enum status input_open(const struct load_options *options, struct input **out, struct err *err) {
    const struct fs *fs = options->fs;
    bool standard_input = strcmp(options->path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO
                            : fs->open(fs->self, AT_FDCWD, options->path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot open %.*s", STR_ARG(options->name));
    struct input *input = MEM_NEW(struct input);
    *input = (struct input){.fs = fs,
                            .name = options->name,
                            .fd = fd,
                            .interrupt = options->interrupt,
                            .owns_fd = !standard_input};
    atomic_init(&input->read, 0);
    enum status status = STATUS_OK;
    int failed = fs->stat(fs->self, fd, &input->opened);
    input->regular = failed == 0 && S_ISREG(input->opened.st_mode);
    if (failed < 0)
        status = err_os(err, -failed, "cannot open %.*s", STR_ARG(input->name));
    else if (S_ISDIR(input->opened.st_mode))
        status = err_set(err, STATUS_DATA, "%.*s is a directory", STR_ARG(input->name));
    else if (str_ends(str_of(options->path), STR(".zst")))
        status = start_zstd(input, err);
    if (status != STATUS_OK) {
        input_close(input);
        return status;
    }
    *out = input;
    return STATUS_OK;
}

void input_close(struct input *input) {
    if (!input)
        return;
    if (input->owns_fd)
        input->fs->close(input->fs->self, input->fd);
    ZSTD_freeDStream(input->zstd);
    mem_free(input->stored);
    mem_free(input);
}

size_t input_skipped(const struct input *input) {
    return input->skipped;
}

uint64_t input_bytes_read(const struct input *input) {
    return atomic_load_explicit(&input->read, memory_order_relaxed);
}

uint64_t input_bytes_total(const struct input *input) {
    return input->regular ? (uint64_t)input->opened.st_size : 0;
}

// At the end of a regular file: it must be the file that was opened.
static enum status check_unchanged(struct input *input, struct err *err) {
    struct stat now;
    if (!input->regular)
        return STATUS_OK;
    int failed = input->fs->stat(input->fs->self, input->fd, &now);
    if (failed < 0)
        return err_os(err, -failed, "cannot tell whether %.*s has changed", STR_ARG(input->name));
    const struct stat *then = &input->opened;
    bool same = now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
    return same ? STATUS_OK
                : err_set(err, STATUS_DATA, "%.*s changed while it was read", STR_ARG(input->name));
}

// A pipe may stay silent for long, and whoever interrupts must not have to wait for it.
static bool wait_for_data(const struct input *input) {
    struct pollfd pollfd = {.fd = input->fd, .events = POLLIN};
    if (input->regular || !input->interrupt)
        return true;
    while (poll(&pollfd, 1, POLL_MILLISECONDS) == 0)
        if (atomic_load(input->interrupt))
            return false;
    return true;
}

static enum status read_stored(struct input *input, char *to, size_t n, size_t *got, struct err *err) {
    ssize_t count;
    *got = 0;
    if (!wait_for_data(input))
        return err_set(err, STATUS_CANCELLED, "%.*s: interrupted", STR_ARG(input->name));
    do
        count = input->fs->read(input->fs->self, input->fd, to, n);
    while (count == -EINTR);
    *got = count > 0 ? (size_t)count : 0;
    if (count < 0)
        return err_os(err, (int)-count, "cannot read %.*s", STR_ARG(input->name));
    atomic_fetch_add_explicit(&input->read, *got, memory_order_relaxed);
    return *got ? STATUS_OK : check_unchanged(input, err);
}

static enum status read_zstd(struct input *input, char *to, size_t n, size_t *got, struct err *err) {
    ZSTD_outBuffer out = {.dst = to, .size = n, .pos = 0};
    *got = 0;
    while (out.pos == 0) {
        // What did not fit last time may still be inside the decoder when all that is stored has gone in.
        if (input->in.pos == input->in.size && !input->held_back) {
            size_t stored;
            if (read_stored(input, input->stored, input->stored_cap, &stored, err) != STATUS_OK)
                return err->status;
            if (stored == 0 && input->in_frame)
                return err_set(err, STATUS_DATA, "%.*s is truncated: its last zstd frame is not complete",
                               STR_ARG(input->name));
            if (stored == 0)
                break;
            input->in = (ZSTD_inBuffer){.src = input->stored, .size = stored, .pos = 0};
        }
        size_t left = ZSTD_decompressStream(input->zstd, &out, &input->in);
        if (ZSTD_isError(left))
            return err_set(err, STATUS_DATA, "%.*s is damaged: %s", STR_ARG(input->name),
                           ZSTD_getErrorName(left));
        input->in_frame = left != 0;
        input->held_back = left != 0 && out.pos == n;
    }
    *got = out.pos;
    return STATUS_OK;
}

static enum status read_some(struct input *input, char *to, size_t n, size_t *got, struct err *err) {
    return input->zstd ? read_zstd(input, to, n, got, err) : read_stored(input, to, n, got, err);
}

// The first bytes may come in pieces smaller than the mark, so they are held until it is known what they are.
static enum status read_first(struct input *input, struct err *err) {
    input->started = true;
    while (input->first_n < sizeof input->first) {
        size_t got;
        if (read_some(input, input->first + input->first_n, sizeof input->first - input->first_n, &got,
                      err) != STATUS_OK)
            return err->status;
        if (got == 0)
            break;
        input->first_n += got;
    }
    if (input->first_n == 3 && memcmp(input->first, "\xEF\xBB\xBF", 3) == 0) {
        input->skipped = 3;
        input->first_n = 0;
    }
    return STATUS_OK;
}

enum status input_read(struct input *input, char *to, size_t n, size_t *got, struct err *err) {
    if (!input->started && read_first(input, err) != STATUS_OK)
        return err->status;
    if (input->first_at == input->first_n)
        return read_some(input, to, n, got, err);
    size_t held = input->first_n - input->first_at;
    *got = n < held ? n : held;
    memcpy(to, input->first + input->first_at, *got);
    input->first_at += *got;
    return STATUS_OK;
}
