// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <zstd.h>

#include "base/mem.h"
#include "cache/journal_format.h"
#include "cache/lengths_format.h"

struct lengths_reader {
    struct fs fs;
    int fd;
    uint64_t at, blocks_end; // in the file
    struct buf foot;
    struct lengths_stream stream; // its texts are in the foot
    uint64_t blocks_n, sum_wanted;
    struct buf packed, plain;
    size_t plain_at;
    uint32_t block_items; // that are left in the block
    uint64_t items, blocks, sum;
    struct lengths_keys keys;
    char digits[24]; // of a numeric key
    ZSTD_DCtx *zstd;
};

static enum status damaged(struct err *err) {
    return err_set(err, STATUS_DATA, "what is kept of its items is damaged");
}

static enum status read_exactly(struct lengths_reader *r, void *to, size_t n, uint64_t at, struct err *err) {
    char *p = to;
    while (n > 0) {
        ssize_t got = r->fs.read_at(r->fs.self, r->fd, p, n, (off_t)at);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return err_os(err, (int)-got, "what is kept of its items cannot be read");
        if (got == 0)
            return damaged(err);
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return STATUS_OK;
}

// Foot ------------------------------------------------------------------------------------------------------

static bool take_text(struct str *rest, struct str *text) {
    if (rest->n < 4)
        return false;
    size_t n = (size_t)journal_get((const unsigned char *)rest->p, 4);
    *rest = str_from(*rest, 4);
    if (n > rest->n)
        return false;
    *text = (struct str){rest->p, n};
    *rest = str_from(*rest, n);
    return true;
}

static bool decode_foot(struct lengths_reader *r) {
    const unsigned char *p = (const unsigned char *)r->foot.p;
    if (r->foot.n < LENGTHS_FOOT)
        return false;
    uint64_t spelling = journal_get(p + 64, 4);
    r->stream = (struct lengths_stream){
        .items = journal_get(p, 8),
        .size = journal_get(p + 24, 8),
        .mtime = (int64_t)journal_get(p + 32, 8),
        .inode = journal_get(p + 40, 8),
        .digest = {.low = journal_get(p + 48, 8), .high = journal_get(p + 56, 8)},
        .spelling = (enum lengths_spelling)spelling,
    };
    r->blocks_n = journal_get(p + 8, 8);
    r->sum_wanted = journal_get(p + 16, 8);
    struct str rest = str_from(buf_str(&r->foot), LENGTHS_FOOT);
    return spelling < LENGTHS_SPELLINGS && take_text(&rest, &r->stream.job) &&
           take_text(&rest, &r->stream.path) && take_text(&rest, &r->stream.separator) && rest.n == 0;
}

static enum status read_foot(struct lengths_reader *r, uint64_t size, struct err *err) {
    unsigned char end[LENGTHS_END];
    if (read_exactly(r, end, sizeof end, size - sizeof end, err) != STATUS_OK)
        return err->status;
    uint64_t n = journal_get(end, 4);
    if (memcmp(end + 12, LENGTHS_MAGIC, 8) != 0 || n > LENGTHS_FOOT_MOST ||
        n > size - LENGTHS_HEAD - LENGTHS_END)
        return damaged(err);
    r->blocks_end = size - LENGTHS_END - n;
    buf_reserve(&r->foot, (size_t)n + 4);
    r->foot.n = (size_t)n + 4; // with its length, which is part of what the checksum is of
    if (read_exactly(r, r->foot.p, r->foot.n, r->blocks_end, err) != STATUS_OK)
        return err->status;
    bool sound = digest_of(buf_str(&r->foot)).low == journal_get(end + 4, 8);
    r->foot.n -= 4;
    return sound && decode_foot(r) ? STATUS_OK : damaged(err);
}

static enum status read_head(struct lengths_reader *r, struct err *err) {
    unsigned char head[LENGTHS_HEAD];
    struct stat st;
    int failed = r->fs.stat(r->fs.self, r->fd, &st);
    if (failed < 0)
        return err_os(err, -failed, "what is kept of its items cannot be read");
    if (!S_ISREG(st.st_mode) || st.st_size < LENGTHS_HEAD + LENGTHS_END)
        return damaged(err);
    if (read_exactly(r, head, sizeof head, 0, err) != STATUS_OK)
        return err->status;
    if (memcmp(head, LENGTHS_MAGIC, 8) != 0)
        return damaged(err);
    if (journal_get(head + 8, 4) != LENGTHS_VERSION)
        return err_set(err, STATUS_UNSUPPORTED,
                       "what is kept of its items is of another version of pressrun");
    if (journal_get(head + 12, 4) != 0)
        return damaged(err);
    r->at = LENGTHS_HEAD;
    return read_foot(r, (uint64_t)st.st_size, err);
}

enum status lengths_open(const struct fs *fs, int root, struct str path, struct lengths_reader **reader,
                         struct err *err) {
    char name[LENGTHS_NAME_SIZE];
    *reader = NULL;
    lengths_name(path, name);
    int fd = fs->open_beneath(fs->self, root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return STATUS_OK;
    if (fd < 0)
        return err_os(err, -fd, "what is kept of its items cannot be read");
    struct lengths_reader *r = MEM_NEW(struct lengths_reader);
    *r = (struct lengths_reader){.fs = *fs, .fd = fd};
    enum status status = read_head(r, err);
    if (status == STATUS_OK && !str_equal(r->stream.path, path))
        status = err_set(err, STATUS_DATA, "what is kept of its items is of another stream");
    if (status == STATUS_OK)
        *reader = r;
    else
        lengths_close(r);
    return status;
}

const struct lengths_stream *lengths_about(const struct lengths_reader *r) {
    return &r->stream;
}

void lengths_close(struct lengths_reader *r) {
    if (!r)
        return;
    r->fs.close(r->fs.self, r->fd);
    buf_release(&r->foot);
    buf_release(&r->packed);
    buf_release(&r->plain);
    buf_release(&r->keys.text);
    ZSTD_freeDCtx(r->zstd);
    mem_free(r);
}

// Blocks ----------------------------------------------------------------------------------------------------

static bool unpack(struct lengths_reader *r, const struct lengths_block *block) {
    buf_clear(&r->plain);
    buf_reserve(&r->plain, block->plain);
    if (block->stored == block->plain) {
        buf_add(&r->plain, r->packed.p + LENGTHS_FRAME, block->stored);
        return true;
    }
    if (!r->zstd)
        r->zstd = ZSTD_createDCtx();
    if (!r->zstd)
        return false;
    size_t n =
        ZSTD_decompressDCtx(r->zstd, r->plain.p, block->plain, r->packed.p + LENGTHS_FRAME, block->stored);
    r->plain.n = ZSTD_isError(n) ? 0 : n;
    return r->plain.n == block->plain;
}

static enum status read_block(struct lengths_reader *r, struct err *err) {
    if (r->blocks_end - r->at < LENGTHS_FRAME)
        return damaged(err);
    buf_clear(&r->packed);
    buf_reserve(&r->packed, LENGTHS_FRAME);
    const unsigned char *p = (const unsigned char *)r->packed.p;
    if (read_exactly(r, r->packed.p, LENGTHS_FRAME, r->at, err) != STATUS_OK)
        return err->status;
    struct lengths_block block = {.checksum = journal_get(p, 8),
                                  .number = journal_get(p + 8, 8),
                                  .stored = (uint32_t)journal_get(p + 16, 4),
                                  .plain = (uint32_t)journal_get(p + 20, 4),
                                  .items = (uint32_t)journal_get(p + 24, 4)};
    if (block.number != r->blocks || block.plain > LENGTHS_PLAIN_MOST || block.stored > block.plain ||
        block.stored > r->blocks_end - r->at - LENGTHS_FRAME || block.items == 0)
        return damaged(err);
    buf_reserve(&r->packed, LENGTHS_FRAME + (size_t)block.stored);
    r->packed.n = LENGTHS_FRAME + (size_t)block.stored;
    if (read_exactly(r, r->packed.p + LENGTHS_FRAME, block.stored, r->at + LENGTHS_FRAME, err) != STATUS_OK)
        return err->status;
    if (digest_of((struct str){r->packed.p + 8, r->packed.n - 8}).low != block.checksum || !unpack(r, &block))
        return damaged(err);
    r->at += r->packed.n;
    r->sum += block.checksum;
    r->blocks++;
    r->block_items = block.items;
    r->plain_at = 0;
    return STATUS_OK;
}

// Items -----------------------------------------------------------------------------------------------------

static bool take_varint(struct lengths_reader *r, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && r->plain_at < r->plain.n; shift += 7) {
        unsigned char c = (unsigned char)r->plain.p[r->plain_at++];
        if (shift == 63 && c > 1)
            return false;
        *value |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(struct lengths_reader *r, struct str *bytes) {
    uint64_t n;
    if (!take_varint(r, &n) || n > r->plain.n - r->plain_at)
        return false;
    *bytes = (struct str){r->plain.p + r->plain_at, (size_t)n};
    r->plain_at += (size_t)n;
    return true;
}

static bool take_key(struct lengths_reader *r, unsigned form, struct str *key) {
    struct lengths_keys *keys = &r->keys;
    struct str own;
    uint64_t shared;
    if (form == LENGTHS_TEXT) {
        if (!take_varint(r, &shared) || shared > keys->text.n || !take_bytes(r, &own) ||
            shared + own.n > LENGTHS_LONGEST)
            return false;
        keys->text.n = (size_t)shared;
        buf_add_str(&keys->text, own);
        *key = buf_str(&keys->text);
        return true;
    }
    if (form == LENGTHS_NEXT)
        keys->number++;
    else if (form != LENGTHS_NUMBER || !take_varint(r, &keys->number))
        return false;
    int n = snprintf(r->digits, sizeof r->digits, "%llu", (unsigned long long)keys->number);
    *key = (struct str){r->digits, (size_t)n};
    return n <= LENGTHS_DIGITS;
}

static bool take_item(struct lengths_reader *r, struct lengths_item *item) {
    uint64_t head;
    *item = (struct lengths_item){.n = 0};
    if (!take_varint(r, &head) || !take_key(r, head & 3, &item->key))
        return false;
    item->n = head >> 3;
    if ((head & 4) && !take_bytes(r, &item->tail))
        return false;
    r->block_items--;
    r->items++;
    // What a block says it has is all that is in it.
    return item->tail.n <= item->n && (r->block_items > 0) == (r->plain_at < r->plain.n);
}

enum status lengths_next(struct lengths_reader *r, struct lengths_item *item, bool *end, struct err *err) {
    *end = false;
    if (r->block_items == 0 && r->at == r->blocks_end) {
        *end = true;
        bool whole = r->items == r->stream.items && r->blocks == r->blocks_n && r->sum == r->sum_wanted;
        return whole ? STATUS_OK : damaged(err);
    }
    if (r->block_items == 0 && read_block(r, err) != STATUS_OK)
        return err->status;
    return take_item(r, item) ? STATUS_OK : damaged(err);
}
