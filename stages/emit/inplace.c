// SPDX-License-Identifier: MIT
#include "stages/emit/inplace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

// Lines -------------------------------------------------------------------------------------------------------

void inplace_add_line(struct buf *lines, struct inplace_entry entry) {
    char before[DIGEST_HEX_SIZE], after[DIGEST_HEX_SIZE];
    digest_hex(entry.before, before);
    digest_hex(entry.after, after);
    buf_printf(lines, "{\"old\":\"%s\",\"new\":\"%s\",\"path\":", before, after);
    buf_add_json(lines, entry.path);
    buf_add_text(lines, "}\n");
}

static bool take(struct str *line, const char *text) {
    struct str prefix = str_of(text);
    if (!str_starts(*line, prefix))
        return false;
    *line = str_from(*line, prefix.n);
    return true;
}

static bool take_half(struct str *line, uint64_t *half) {
    uint64_t sum = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = i < line->n ? line->p[i] : '?';
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
        if (digit > 15)
            return false;
        sum = sum << 4 | digit;
    }
    *half = sum;
    *line = str_from(*line, 16);
    return true;
}

static bool take_digest(struct str *line, struct digest *digest) {
    return take_half(line, &digest->high) && take_half(line, &digest->low);
}

// The rest of a JSON string: in output paths only quotes and backslashes are escaped.
static bool take_path(struct str *line, struct buf *room) {
    buf_clear(room);
    for (size_t i = 0; i < line->n; i++) {
        char c = line->p[i];
        if (c == '"') {
            *line = str_from(*line, i + 1);
            return true;
        }
        if (c == '\\') {
            c = ++i < line->n ? line->p[i] : 0;
            if (c != '"' && c != '\\')
                return false;
        }
        buf_add_char(room, c);
    }
    return false;
}

bool inplace_parse(struct str line, struct buf *room, struct inplace_entry *entry) {
    bool whole = take(&line, "{\"old\":\"") && take_digest(&line, &entry->before) &&
                 take(&line, "\",\"new\":\"") && take_digest(&line, &entry->after) &&
                 take(&line, "\",\"path\":\"") && take_path(&line, room) && str_is(line, "}");
    entry->path = buf_str(room);
    return whole;
}

// The journal --------------------------------------------------------------------------------------------------

#define PREFIX "inplace-"
#define SUFFIX ".jsonl"

enum { DIGITS_MAX = 9 };

void inplace_name(unsigned number, char path[INPLACE_NAME_SIZE]) {
    snprintf(path, INPLACE_NAME_SIZE, EMIT_BOOKS "/" PREFIX "%u" SUFFIX, number);
}

bool inplace_number(const char *name, unsigned *number) {
    struct str left = str_of(name);
    if (!take(&left, PREFIX))
        return false;
    size_t n = 0;
    for (*number = 0; n < left.n && n < DIGITS_MAX && left.p[n] >= '0' && left.p[n] <= '9'; n++)
        *number = *number * 10 + (unsigned)(left.p[n] - '0');
    return n > 0 && (n == 1 || left.p[0] != '0') && str_is(str_from(left, n), SUFFIX);
}

struct inplace {
    struct fs fs;
    int root;
    pthread_mutex_t lock;
    int fd;         // -1: not made yet
    bool cut, torn; // cut: the last line is not whole
    char path[INPLACE_NAME_SIZE];
};

struct inplace *inplace_new(const struct fs *fs, int root) {
    struct inplace *journal = MEM_NEW(struct inplace);
    journal->fs = *fs;
    journal->root = root;
    journal->fd = -1;
    pthread_mutex_init(&journal->lock, NULL);
    return journal;
}

static bool see_name(void *context, const char *name, enum fs_entry kind) {
    unsigned *next = context, number;
    (void)kind;
    if (inplace_number(name, &number) && number >= *next)
        *next = number + 1;
    return true;
}

static int open_journal(struct inplace *journal) {
    enum { TRIES = 1000 }; // other sinks make theirs at the same time
    const struct fs *fs = &journal->fs;
    unsigned next = 0;
    int result = fs_make_dirs(fs, journal->root, EMIT_BOOKS, 0777);
    if (result == 0)
        result = fs->list(fs->self, journal->root, EMIT_BOOKS, see_name, &next);
    if (result < 0)
        return result;
    int fd = -EEXIST;
    for (unsigned i = 0; fd == -EEXIST && i < TRIES; i++) {
        inplace_name(next + i, journal->path);
        fd = fs->open_beneath(fs->self, journal->root, journal->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND,
                              0666);
    }
    journal->fd = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : 0;
}

int inplace_note(struct inplace *journal, struct str lines) {
    struct err err;
    pthread_mutex_lock(&journal->lock);
    int result = journal->fd < 0 ? open_journal(journal) : 0;
    if (result == 0 && journal->cut) {
        result = fs_write_all(&journal->fs, journal->fd, "\n", 1, &err) == STATUS_OK ? 0 : -err.os;
        journal->cut = result < 0;
    }
    if (result == 0 && fs_write_all(&journal->fs, journal->fd, lines.p, lines.n, &err) != STATUS_OK) {
        result = -err.os;
        journal->cut = true;
    }
    pthread_mutex_unlock(&journal->lock);
    return result;
}

void inplace_tore(struct inplace *journal) {
    pthread_mutex_lock(&journal->lock);
    journal->torn = true;
    pthread_mutex_unlock(&journal->lock);
}

bool inplace_free(struct inplace *journal, bool keep) {
    if (!journal)
        return false;
    const struct fs *fs = &journal->fs;
    bool stays = journal->fd >= 0 && (keep || journal->torn);
    if (journal->fd >= 0) {
        fs->close(fs->self, journal->fd);
        if (!stays)
            fs->unlink(fs->self, journal->root, journal->path);
    }
    pthread_mutex_destroy(&journal->lock);
    mem_free(journal);
    return stays;
}

// Files --------------------------------------------------------------------------------------------------------

// *touched: it may be neither old nor new now.
static int put(const struct fs *fs, int directory, const char *name, const struct stat *present,
               struct str text, bool *touched) {
    struct err err;
    struct stat st;
    int fd = fs->open(fs->self, directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    int result = fs->stat(fs->self, fd, &st);
    if (result == 0 && (st.st_dev != present->st_dev || st.st_ino != present->st_ino))
        result = -ESTALE;
    if (result == 0) {
        *touched = true;
        if (fs_write_all(fs, fd, text.p, text.n, &err) != STATUS_OK)
            result = -err.os;
    }
    if (result == 0 && (uint64_t)st.st_size > text.n)
        result = fs->truncate(fs->self, fd, (off_t)text.n);
    int closed = fs->close(fs->self, fd);
    return result < 0 ? result : closed;
}

int inplace_overwrite(const struct fs *fs, int directory, const char *name, const struct stat *present,
                      struct str before, struct str text, enum inplace_left *left) {
    bool touched = false;
    *left = INPLACE_OLD;
    int result = put(fs, directory, name, present, text, &touched);
    if (result == 0 || !touched || put(fs, directory, name, present, before, &touched) == 0)
        return result;
    *left = fs->unlink(fs->self, directory, name) == 0 ? INPLACE_NONE : INPLACE_TORN;
    return result;
}
