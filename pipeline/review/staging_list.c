// SPDX-License-Identifier: MIT
#include "pipeline/review/staging_list.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "stages/emit/emit.h"

enum { READ_CHUNK = 64 << 10, LINE_MAX_BYTES = 8 << 10, NUMBERS = 6 };

const char *const staging_kind_names[STAGING_KINDS] = {"added", "changed", "removed"};

// Files ----------------------------------------------------------------------------------------------------------

struct staging_file staging_file_of(const struct stat *st) {
    return (struct staging_file){.size = (uint64_t)st->st_size,
                                 .inode = st->st_ino,
                                 .mtime = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec};
}

bool staging_same_file(struct staging_file a, struct staging_file b) {
    return a.size == b.size && a.inode == b.inode && a.mtime == b.mtime;
}

int staging_see_file(const struct fs *fs, int dir, const char *path, struct staging_file *file,
                     struct stat *st) {
    *file = (struct staging_file){0};
    int result = fs->stat_beneath(fs->self, dir, path, st);
    if (result == -ENOENT || result == -ENOTDIR)
        return 0;
    if (result == 0)
        *file = staging_file_of(st);
    return result;
}

// Lines ----------------------------------------------------------------------------------------------------------

void staging_write_change(const struct staging_change *change, struct buf *out) {
    const struct staging_file *files[] = {&change->fresh, &change->old};
    buf_add_text(out, staging_kind_names[change->kind]);
    for (size_t i = 0; i < 2; i++)
        buf_printf(out, " %llu %llu %lld", (unsigned long long)files[i]->size,
                   (unsigned long long)files[i]->inode, (long long)files[i]->mtime);
    buf_add_char(out, ' ');
    buf_add_str(out, change->path);
    buf_add_char(out, '\n');
}

static bool take_word(struct str *line, struct str *word) {
    const char *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;
    if (!blank)
        return false;
    *word = (struct str){line->p, (size_t)(blank - line->p)};
    *line = str_from(*line, word->n + 1);
    return true;
}

static bool take_numbers(struct str *line, int64_t numbers[NUMBERS]) {
    struct str word;
    for (size_t i = 0; i < NUMBERS; i++)
        if (!take_word(line, &word) || !number_parse_int(word, &numbers[i]))
            return false;
    return true;
}

// Inodes may take all of 64 bits, but no file system in use hands out such.
static bool make_file(const int64_t numbers[3], struct staging_file *file) {
    *file = (struct staging_file){
        .size = (uint64_t)numbers[0], .inode = (uint64_t)numbers[1], .mtime = numbers[2]};
    return numbers[0] >= 0 && numbers[1] >= 0;
}

// There is something to publish exactly where something is staged, and something to replace where it says so.
static bool is_consistent(const struct staging_change *change) {
    bool fresh = change->fresh.inode != 0, old = change->old.inode != 0;
    switch (change->kind) {
    case STAGING_ADDED:
        return fresh && !old;
    case STAGING_CHANGED:
        return fresh && old;
    default:
        return !fresh && old;
    }
}

bool staging_parse_change(struct str line, struct staging_change *change) {
    struct str word;
    int64_t numbers[NUMBERS];
    struct err err;
    size_t kind = 0;
    if (!take_word(&line, &word))
        return false;
    while (kind < STAGING_KINDS && !str_is(word, staging_kind_names[kind]))
        kind++;
    if (kind == STAGING_KINDS || !take_numbers(&line, numbers))
        return false;
    *change = (struct staging_change){.kind = (enum staging_kind)kind, .path = line};
    return make_file(numbers, &change->fresh) && make_file(numbers + 3, &change->old) &&
           is_consistent(change) && emit_check_path(line, &err) == STATUS_OK;
}

// Reading --------------------------------------------------------------------------------------------------------

static int fill(struct staging_reader *r) {
    buf_reserve(&r->text, READ_CHUNK);
    ssize_t n;
    do
        n = r->fs->read(r->fs->self, r->fd, r->text.p + r->text.n, READ_CHUNK);
    while (n == -EINTR);
    if (n < 0)
        return (int)n;
    if (r->digest)
        digest_stream_add(r->digest, (struct str){r->text.p + r->text.n, (size_t)n});
    r->text.n += (size_t)n;
    r->ended = n == 0;
    return 0;
}

static void forget_read(struct staging_reader *r) {
    if (r->at > 0)
        memmove(r->text.p, r->text.p + r->at, r->text.n - r->at);
    r->text.n -= r->at;
    r->at = 0;
}

int staging_next(struct staging_reader *r, struct staging_change *change) {
    for (;;) {
        char *from = r->text.n > r->at ? r->text.p + r->at : NULL;
        char *end = from ? memchr(from, '\n', r->text.n - r->at) : NULL;
        if (end) {
            *end = 0;
            r->at = (size_t)(end + 1 - r->text.p);
            return staging_parse_change((struct str){from, (size_t)(end - from)}, change) ? 1 : -EBADMSG;
        }
        if (r->ended)
            return from ? -EBADMSG : 0;
        if (r->text.n - r->at > LINE_MAX_BYTES)
            return -EBADMSG;
        forget_read(r);
        int result = fill(r);
        if (result < 0)
            return result;
    }
}

static int open_list(struct staging_reader *r, int generation) {
    r->fd = r->fs->open_beneath(r->fs->self, generation, STAGING_LIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    return r->fd < 0 ? r->fd : 0;
}

static int find_digest(struct staging_reader *r, struct digest *digest) {
    int result = 0;
    r->digest = digest_stream_new();
    while (result == 0 && !r->ended) {
        buf_clear(&r->text);
        result = fill(r);
    }
    *digest = digest_stream_output(r->digest, STR("changes"), STR(""));
    digest_stream_free(r->digest);
    r->digest = NULL;
    return result;
}

enum status staging_read(struct staging_reader *r, const struct fs *fs, int generation,
                         const struct digest *check, struct err *err) {
    struct digest digest;
    *r = (struct staging_reader){.fs = fs, .fd = -1};
    int result = open_list(r, generation);
    if (result == 0 && check) {
        result = find_digest(r, &digest);
        bool same = digest_equal(digest, *check);
        staging_read_end(r);
        if (result == 0 && !same)
            return err_set(err, STATUS_DATA, "its list of changes is damaged");
        *r = (struct staging_reader){.fs = fs, .fd = -1};
        if (result == 0)
            result = open_list(r, generation);
    }
    return result < 0 ? err_os(err, -result, "cannot read its list of changes") : STATUS_OK;
}

void staging_read_end(struct staging_reader *r) {
    if (r->fd >= 0)
        r->fs->close(r->fs->self, r->fd);
    r->fd = -1;
    buf_release(&r->text);
}
