// SPDX-License-Identifier: MIT
#include "stages/emit/readback.h"

#include <errno.h>
#include <fcntl.h>
#include <zstd.h>

#include "base/mem.h"
#include "stages/emit/emit.h"

struct readback {
    struct fs fs;
    int root, fd;
    struct stat st;
    bool compressed, in_frame, held_back;
    struct buf path;
    char *stored, *text; // READBACK_PIECE each; text: NULL until something is compressed
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in;
};

struct readback *readback_new(const struct fs *fs, int root) {
    struct readback *r = MEM_NEW(struct readback);
    *r = (struct readback){.fs = *fs, .root = root, .fd = -1, .stored = mem_alloc(READBACK_PIECE)};
    return r;
}

static void end(struct readback *r) {
    if (r->fd >= 0)
        r->fs.close(r->fs.self, r->fd);
    r->fd = -1;
}

void readback_free(struct readback *r) {
    if (!r)
        return;
    end(r);
    ZSTD_freeDStream(r->zstd);
    buf_release(&r->path);
    mem_free(r->stored);
    mem_free(r->text);
    mem_free(r);
}

static enum status start_zstd(struct readback *r, struct err *err) {
    if (!r->text)
        r->text = mem_alloc(READBACK_PIECE);
    if (!r->zstd)
        r->zstd = ZSTD_createDStream();
    if (!r->zstd || ZSTD_isError(ZSTD_initDStream(r->zstd)))
        return err_set(err, STATUS_MEMORY, "no memory to decompress it");
    r->in = (ZSTD_inBuffer){.src = r->stored};
    r->in_frame = r->held_back = false;
    return STATUS_OK;
}

enum readback_found readback_open(struct readback *r, struct str path, struct err *err) {
    const struct fs *fs = &r->fs;
    end(r);
    buf_clear(&r->path);
    buf_add_str(&r->path, path);
    // What is there may have become a pipe, and nobody is to wait for one.
    r->fd = fs->open_beneath(fs->self, r->root, buf_text(&r->path),
                             O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (r->fd == -ENOENT || r->fd == -ENOTDIR)
        return READBACK_MISSING;
    if (r->fd == -EXDEV || r->fd == -ELOOP ||
        r->fd == -ENXIO) // a link that leads out, or in circles; a socket
        return READBACK_OTHER;
    int failed = r->fd < 0 ? r->fd : fs->stat(fs->self, r->fd, &r->st);
    if (failed < 0) {
        err_os(err, -failed, "it cannot be read");
        return READBACK_FAILED;
    }
    if (!S_ISREG(r->st.st_mode))
        return READBACK_OTHER;
    r->compressed = str_ends(path, STR(".zst"));
    return r->compressed && start_zstd(r, err) != STATUS_OK ? READBACK_FAILED : READBACK_OPEN;
}

const struct stat *readback_stat(const struct readback *r) {
    return &r->st;
}

static enum status read_stored(struct readback *r, size_t *n, struct err *err) {
    ssize_t got;
    do
        got = r->fs.read(r->fs.self, r->fd, r->stored, READBACK_PIECE);
    while (got == -EINTR);
    *n = got > 0 ? (size_t)got : 0;
    return got < 0 ? err_os(err, (int)-got, "it cannot be read") : STATUS_OK;
}

static enum status read_zstd(struct readback *r, size_t *n, struct err *err) {
    ZSTD_outBuffer out = {.dst = r->text, .size = READBACK_PIECE};
    if (r->st.st_size == 0)
        return err_set(err, STATUS_DATA, "it is empty, which no zstd file is");
    while (out.pos == 0) {
        if (r->in.pos == r->in.size && !r->held_back) {
            size_t stored;
            if (read_stored(r, &stored, err) != STATUS_OK)
                return err->status;
            if (stored == 0 && r->in_frame)
                return err_set(err, STATUS_DATA, "it is cut off");
            if (stored == 0)
                break;
            r->in = (ZSTD_inBuffer){.src = r->stored, .size = stored};
        }
        size_t left = ZSTD_decompressStream(r->zstd, &out, &r->in);
        if (ZSTD_isError(left))
            return err_set(err, STATUS_DATA, "it is damaged: %s", ZSTD_getErrorName(left));
        r->in_frame = left != 0;
        r->held_back = left != 0 && out.pos == READBACK_PIECE;
    }
    *n = out.pos;
    return STATUS_OK;
}

enum status readback_next(struct readback *r, struct str *piece, struct err *err) {
    size_t n;
    enum status status = r->compressed ? read_zstd(r, &n, err) : read_stored(r, &n, err);
    *piece = (struct str){r->compressed ? r->text : r->stored, status == STATUS_OK ? n : 0};
    return status;
}

// Strings ---------------------------------------------------------------------------------------------------

static bool take_escape(struct readback_string *s, char c, struct buf *text) {
    static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";
    const char *found = c ? strchr(from, c) : NULL;
    s->at = c == 'u' ? STRING_HEX : STRING_WITHIN;
    s->hex_n = s->code = 0;
    if (found)
        buf_add_char(text, to[found - from]);
    return found || c == 'u';
}

// \u is for control characters, but for those that have an escape of their own.
static bool take_hex(struct readback_string *s, char c, struct buf *text) {
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;
    if (!found)
        return false;
    s->code = s->code << 4 | (unsigned)(found - digits);
    if (++s->hex_n < 4)
        return true;
    buf_add_char(text, (char)s->code);
    s->at = STRING_WITHIN;
    return s->code < 0x20 && s->code != '\n' && s->code != '\r' && s->code != '\t';
}

static size_t plain_run(struct str bytes) {
    size_t n = 0;
    while (n < bytes.n && (unsigned char)bytes.p[n] >= 0x20 && bytes.p[n] != '"' && bytes.p[n] != '\\')
        n++;
    return n;
}

static bool take_char(struct readback_string *s, char c, struct buf *text) {
    switch (s->at) {
    case STRING_BEFORE:
        s->at = STRING_WITHIN;
        return c == '"';
    case STRING_ESCAPE:
        return take_escape(s, c, text);
    case STRING_HEX:
        return take_hex(s, c, text);
    default:
        s->at = c == '"' ? STRING_BEHIND : STRING_ESCAPE;
        return c == '"' || c == '\\';
    }
}

bool readback_unquote(struct readback_string *s, struct str *bytes, struct buf *text) {
    while (bytes->n > 0 && s->at != STRING_BEHIND) {
        size_t run = s->at == STRING_WITHIN ? plain_run(*bytes) : 0;
        buf_add(text, bytes->p, run);
        *bytes = str_from(*bytes, run);
        if (bytes->n == 0)
            break;
        if (!take_char(s, bytes->p[0], text))
            return false;
        *bytes = str_from(*bytes, 1);
    }
    return true;
}
