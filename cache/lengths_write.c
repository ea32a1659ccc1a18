// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <zstd.h>

#include "base/mem.h"
#include "cache/journal_format.h"
#include "cache/lengths_format.h"

enum { LEVEL = 1 };

struct lengths_writer {
    struct fs fs;
    int root, fd;
    char name[LENGTHS_NAME_SIZE], new_name[LENGTHS_NAME_SIZE + sizeof LENGTHS_NEW_SUFFIX];
    struct str job, path, separator; // owned
    enum lengths_spelling spelling;
    struct lengths_keys keys;
    struct buf plain, packed;
    ZSTD_CCtx *zstd;
    uint32_t block_items;
    uint64_t items, blocks, sum, bytes;
    struct err err; // the first thing that failed; nothing is written any more then
};

void lengths_name(struct str path, char name[LENGTHS_NAME_SIZE]) {
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest_of(path), hex);
    snprintf(name, LENGTHS_NAME_SIZE, LENGTHS_DIRECTORY "/%s", hex);
}

static struct str copy(struct str s) {
    return (struct str){mem_copy(s.p, s.n), s.n};
}

static void add_number(struct buf *out, uint64_t value, size_t bytes) {
    unsigned char p[8];
    journal_put(p, value, bytes);
    buf_add(out, (const char *)p, bytes);
}

static void put(struct lengths_writer *w, const struct buf *bytes) {
    if (w->err.status == STATUS_OK)
        fs_write_all(&w->fs, w->fd, bytes->p, bytes->n, &w->err);
    w->bytes += bytes->n;
}

static void open_new(struct lengths_writer *w) {
    const struct fs *fs = &w->fs;
    int made = fs_make_dirs(fs, w->root, LENGTHS_DIRECTORY, 0777);
    if (made == 0)
        w->fd = fs->open_beneath(fs->self, w->root, w->new_name,
                                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    int failed = made < 0 ? made : w->fd < 0 ? w->fd : 0;
    if (failed < 0)
        err_os(&w->err, -failed, "cannot write %s", w->new_name);
}

struct lengths_writer *lengths_write(const struct fs *fs, int root, const struct lengths_stream *stream) {
    struct lengths_writer *w = MEM_NEW(struct lengths_writer);
    *w = (struct lengths_writer){.fs = *fs,
                                 .root = root,
                                 .fd = -1,
                                 .job = copy(stream->job),
                                 .path = copy(stream->path),
                                 .separator = copy(stream->separator),
                                 .spelling = stream->spelling};
    lengths_name(stream->path, w->name);
    snprintf(w->new_name, sizeof w->new_name, "%s" LENGTHS_NEW_SUFFIX, w->name);
    open_new(w);
    buf_add_text(&w->packed, LENGTHS_MAGIC);
    add_number(&w->packed, LENGTHS_VERSION, 4);
    add_number(&w->packed, 0, 4);
    put(w, &w->packed);
    return w;
}

static void write_block(struct lengths_writer *w) {
    size_t room = ZSTD_compressBound(w->plain.n), stored = 0;
    struct buf *out = &w->packed;
    buf_clear(out);
    buf_reserve(out, LENGTHS_FRAME + room);
    if (!w->zstd)
        w->zstd = ZSTD_createCCtx();
    if (w->zstd)
        stored = ZSTD_compressCCtx(w->zstd, out->p + LENGTHS_FRAME, room, w->plain.p, w->plain.n, LEVEL);
    if (!w->zstd || ZSTD_isError(stored) || stored >= w->plain.n) {
        stored = w->plain.n;
        memcpy(out->p + LENGTHS_FRAME, w->plain.p, stored);
    }
    unsigned char *p = (unsigned char *)out->p;
    journal_put(p + 8, w->blocks, 8);
    journal_put(p + 16, stored, 4);
    journal_put(p + 20, w->plain.n, 4);
    journal_put(p + 24, w->block_items, 4);
    out->n = LENGTHS_FRAME + stored;
    uint64_t checksum = digest_of((struct str){out->p + 8, out->n - 8}).low;
    journal_put(p, checksum, 8);
    put(w, out);
    w->sum += checksum;
    w->blocks++;
    w->block_items = 0;
    buf_clear(&w->plain);
}

static char *code_varint(char *p, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *p++ = (char)(value | 0x80);
    *p++ = (char)value;
    return p;
}

// A decimal as it would be printed, and short enough.
static bool is_number(struct str key, uint64_t *number) {
    if (key.n == 0 || key.n > LENGTHS_DIGITS || (key.p[0] == '0' && key.n > 1))
        return false;
    *number = 0;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < '0' || key.p[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(key.p[i] - '0');
    }
    return true;
}

static size_t shared_start(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

static void code_item(struct lengths_writer *w, const struct lengths_item *item) {
    struct lengths_keys *keys = &w->keys;
    buf_reserve(&w->plain, item->key.n + item->tail.n + 4 * LENGTHS_VARINT);
    char *p = w->plain.p + w->plain.n;
    uint64_t number, head = item->n << 3 | (uint64_t)(item->tail.n > 0) << 2;
    if (is_number(item->key, &number)) {
        bool next = number == keys->number + 1;
        p = code_varint(p, head | (next ? LENGTHS_NEXT : LENGTHS_NUMBER));
        p = next ? p : code_varint(p, number);
        keys->number = number;
    } else {
        size_t shared = shared_start(buf_str(&keys->text), item->key);
        struct str own = item->key.n > 0 ? str_from(item->key, shared) : STR("");
        p = code_varint(p, head | LENGTHS_TEXT);
        p = code_varint(p, shared);
        p = code_varint(p, own.n);
        if (own.n > 0)
            memcpy(p, own.p, own.n);
        p += own.n;
        keys->text.n = shared;
        buf_add_str(&keys->text, own);
    }
    if (item->tail.n > 0) {
        p = code_varint(p, item->tail.n);
        memcpy(p, item->tail.p, item->tail.n);
        p += item->tail.n;
    }
    w->plain.n = (size_t)(p - w->plain.p);
}

void lengths_add(struct lengths_writer *w, const struct lengths_item *item) {
    if (w->err.status != STATUS_OK)
        return;
    if (item->key.n + item->tail.n > LENGTHS_LONGEST || item->n >> 60) {
        err_set(&w->err, STATUS_LIMIT, "a key is longer than what is kept of it");
        return;
    }
    code_item(w, item);
    w->items++;
    w->block_items++;
    if (w->plain.n >= LENGTHS_BLOCK)
        write_block(w);
}

static void write_foot(struct lengths_writer *w, const struct lengths_stream *stream) {
    struct buf *out = &w->packed;
    const uint64_t numbers[] = {
        w->items,           w->blocks,          w->sum, stream->size, (uint64_t)stream->mtime, stream->inode,
        stream->digest.low, stream->digest.high};
    const struct str texts[LENGTHS_TEXTS_N] = {w->job, w->path, w->separator};
    buf_clear(out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_number(out, numbers[i], 8);
    add_number(out, w->spelling, 4);
    for (size_t i = 0; i < LENGTHS_TEXTS_N; i++) {
        add_number(out, texts[i].n, 4);
        buf_add_str(out, texts[i]);
    }
    if (out->n > LENGTHS_FOOT_MOST && w->err.status == STATUS_OK)
        err_set(&w->err, STATUS_LIMIT, "job, path and separator are longer than what is kept of them");
    add_number(out, out->n, 4);
    add_number(out, digest_of(buf_str(out)).low, 8);
    buf_add_text(out, LENGTHS_MAGIC);
    put(w, out);
}

static void writer_free(struct lengths_writer *w) {
    if (w->fd >= 0)
        w->fs.close(w->fs.self, w->fd);
    mem_free((char *)w->job.p);
    mem_free((char *)w->path.p);
    mem_free((char *)w->separator.p);
    buf_release(&w->keys.text);
    buf_release(&w->plain);
    buf_release(&w->packed);
    ZSTD_freeCCtx(w->zstd);
    mem_free(w);
}

int lengths_forget(const struct fs *fs, int root, struct str path) {
    char name[LENGTHS_NAME_SIZE];
    lengths_name(path, name);
    int result = fs->unlink(fs->self, root, name);
    return result == -ENOENT || result == -ENOTDIR ? 0 : result;
}

enum status lengths_publish(struct lengths_writer *w, const struct lengths_stream *stream, uint64_t *bytes,
                            struct err *err) {
    const struct fs *fs = &w->fs;
    if (w->block_items > 0)
        write_block(w);
    write_foot(w, stream);
    if (w->fd >= 0) {
        int closed = fs->close(fs->self, w->fd);
        w->fd = -1;
        if (w->err.status == STATUS_OK && closed == 0)
            closed = fs->rename(fs->self, w->root, w->new_name, w->root, w->name);
        if (w->err.status == STATUS_OK && closed < 0)
            err_os(&w->err, -closed, "cannot write %s", w->name);
        if (w->err.status != STATUS_OK)
            fs->unlink(fs->self, w->root, w->new_name);
    }
    *bytes = w->bytes;
    enum status status = w->err.status;
    if (status != STATUS_OK)
        *err = w->err;
    writer_free(w);
    return status;
}

void lengths_drop(struct lengths_writer *w) {
    if (!w)
        return;
    if (w->fd >= 0)
        w->fs.unlink(w->fs.self, w->root, w->new_name);
    writer_free(w);
}
