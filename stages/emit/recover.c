// SPDX-License-Identifier: MIT
#include "stages/emit/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/compare.h"
#include "stages/emit/inplace.h"
#include "stages/emit/place.h"

enum { READ_CHUNK = 64 << 10, ASIDE_NAME_SIZE = 300 };

struct suspect {
    struct str path; // owned, and a NUL behind it
    struct digest now;
    bool cleared;
};

struct recovery {
    const struct fs *fs;
    int root;
    struct emit_leftovers *found;
    int result;             // the first fault
    struct buf directories; // paths yet to be gone through, each with its NUL
    struct buf leftovers;   // files to be removed in the directory at hand, likewise
    struct buf at;          // its path, with a slash at its end; empty: the root
    bool foreign;           // it is another run's output directory
    bool blind;             // a journal could not be read: nothing is known to be torn
    unsigned *journals;     // their numbers
    size_t journals_n, journals_cap;
    struct suspect *suspects; // in the journals' order
    size_t suspects_n, suspects_cap;
    struct suspect **sorted; // by path and digest, once all are known
    struct buf room;         // of lines and of files
};

static void note_fault(struct recovery *r, int result) {
    if (r->result == 0)
        r->result = result;
}

static void note_blind(struct recovery *r, int result) {
    r->blind = true;
    note_fault(r, result);
}

static void note_kept(struct recovery *r, int result) {
    r->found->kept++;
    note_fault(r, result);
}

static void add_path(struct buf *paths, const struct buf *directory, const char *name) {
    buf_add_str(paths, buf_str(directory));
    buf_add(paths, name, strlen(name) + 1);
}

// Temporary files ----------------------------------------------------------------------------------------------

static bool see_entry(void *context, const char *name, enum fs_entry kind) {
    struct recovery *r = context;
    if (kind == FS_FILE && place_is_temporary(name))
        add_path(&r->leftovers, &r->at, name);
    if (kind != FS_DIRECTORY)
        return true;
    if (strcmp(name, EMIT_BOOKS) != 0)
        add_path(&r->directories, &r->at, name);
    else if (r->at.n > 0)
        r->foreign = true;
    return !r->foreign;
}

static void remove_leftovers(struct recovery *r) {
    for (size_t i = 0; i < r->leftovers.n; i += strlen(r->leftovers.p + i) + 1) {
        int result = r->fs->unlink(r->fs->self, r->root, r->leftovers.p + i);
        if (result == 0)
            r->found->temporaries++;
        else if (result != -ENOENT)
            note_kept(r, result);
    }
    buf_clear(&r->leftovers);
}

// The directory whose path is the last one in `directories`.
static void sweep_directory(struct recovery *r) {
    size_t from = r->directories.n - 1;
    while (from > 0 && r->directories.p[from - 1] != 0)
        from--;
    buf_clear(&r->at);
    buf_add_text(&r->at, r->directories.p + from);
    const char *path = r->at.n > 0 ? buf_text(&r->at) : ".";
    char *name = mem_copy(path, strlen(path));
    if (r->at.n > 0)
        buf_add_char(&r->at, '/');
    r->directories.n = from;
    r->foreign = false;
    int result = r->fs->list(r->fs->self, r->root, name, see_entry, r);
    mem_free(name);
    if (result < 0 && result != -ENOENT)
        note_fault(r, result);
    if (r->foreign) {
        r->directories.n = from;
        buf_clear(&r->leftovers);
    }
    remove_leftovers(r);
}

static void sweep_tree(struct recovery *r) {
    buf_add(&r->directories, "", 1);
    while (r->directories.n > 0)
        sweep_directory(r);
}

// Journals -----------------------------------------------------------------------------------------------------

typedef void (*entry_fn)(struct recovery *r, const struct inplace_entry *entry);

static bool see_journal(void *context, const char *name, enum fs_entry kind) {
    struct recovery *r = context;
    unsigned number;
    // A book that was being written anew; numbered ones have owners of their own.
    if (kind == FS_FILE && str_ends(str_of(name), STR(EMIT_TEMPORARY_SUFFIX)) && !place_is_temporary(name)) {
        buf_add_text(&r->leftovers, EMIT_BOOKS "/");
        buf_add(&r->leftovers, name, strlen(name) + 1);
    }
    if (kind == FS_FILE && inplace_number(name, &number)) {
        MEM_GROW(r->journals, r->journals_cap, r->journals_n + 1);
        r->journals[r->journals_n++] = number;
    }
    return true;
}

static int compare_numbers(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static void find_journals(struct recovery *r) {
    int result = r->fs->list(r->fs->self, r->root, EMIT_BOOKS, see_journal, r);
    remove_leftovers(r);
    if (result < 0 && result != -ENOENT)
        note_blind(r, result);
    if (r->journals_n > 0)
        qsort(r->journals, r->journals_n, sizeof *r->journals, compare_numbers);
}

// Up to n bytes more; fewer only at the end. -errno.
static int read_more(const struct fs *fs, int fd, struct buf *b, size_t n) {
    buf_reserve(b, n);
    ssize_t got = compare_read(fs, fd, b->p + b->n, n);
    b->n += got > 0 ? (size_t)got : 0;
    return got < 0 ? (int)got : 0;
}

static void take_lines(struct recovery *r, struct buf *text, struct buf *path, entry_fn fn) {
    struct str left = buf_str(text);
    for (const char *end; left.n > 0 && (end = memchr(left.p, '\n', left.n));) {
        struct inplace_entry entry;
        struct err err;
        struct str line = {left.p, (size_t)(end - left.p)};
        if (inplace_parse(line, path, &entry) && emit_check_path(entry.path, &err) == STATUS_OK)
            fn(r, &entry);
        left = str_from(left, line.n + 1);
    }
    if (left.n > 0)
        memmove(text->p, left.p, left.n);
    text->n = left.n;
}

static void read_journal(struct recovery *r, unsigned number, entry_fn fn) {
    char journal[INPLACE_NAME_SIZE];
    struct buf text = BUF_INIT, path = BUF_INIT;
    inplace_name(number, journal);
    int fd = r->fs->open_beneath(r->fs->self, r->root, journal, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    int result = fd;
    for (size_t left = 0, got = 1; result >= 0 && got > 0;) {
        result = read_more(r->fs, fd, &text, READ_CHUNK);
        got = text.n - left;
        take_lines(r, &text, &path, fn);
        left = text.n;
    }
    if (fd >= 0)
        r->fs->close(r->fs->self, fd);
    if (result < 0)
        note_blind(r, result);
    buf_release(&text);
    buf_release(&path);
}

static void each_journal(struct recovery *r, entry_fn fn) {
    for (size_t i = 0; i < r->journals_n; i++)
        read_journal(r, r->journals[i], fn);
}

// The digest of a file as it is; -ENOENT where there is none that could be ours. Of one that holds what it was to lose
// only its time may have reached the disk, by which others would take it for the new one: it gets another.
static int digest_file(struct recovery *r, const char *path, struct digest before, struct digest *now) {
    struct buf *room = &r->room;
    const struct fs *fs = r->fs;
    struct stat st;
    int fd = fs->open_beneath(fs->self, r->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV || fd == -ENXIO ? -ENOENT : fd;
    int result = fs->stat(fs->self, fd, &st);
    if (result == 0 && (!S_ISREG(st.st_mode) || st.st_size > INPLACE_MAX))
        result = -ENOENT;
    buf_clear(room);
    if (result == 0)
        result = read_more(fs, fd, room, INPLACE_MAX + 1);
    *now = digest_of(buf_str(room));
    if (result == 0 && digest_equal(*now, before))
        fs->touch(fs->self, fd);
    fs->close(fs->self, fd);
    return result;
}

static void check_entry(struct recovery *r, const struct inplace_entry *entry) {
    struct digest now;
    char *path = mem_copy(entry->path.p, entry->path.n);
    int result = digest_file(r, path, entry->before, &now);
    if (result < 0 && result != -ENOENT)
        note_kept(r, result);
    if (result < 0 || digest_equal(now, entry->before) || digest_equal(now, entry->after)) {
        mem_free(path);
        return;
    }
    MEM_GROW(r->suspects, r->suspects_cap, r->suspects_n + 1);
    r->suspects[r->suspects_n++] = (struct suspect){.path = {path, entry->path.n}, .now = now};
}

// Clearing -----------------------------------------------------------------------------------------------------

static int compare_with(const struct suspect *s, struct str path, struct digest now) {
    int order = str_compare(s->path, path);
    if (order == 0)
        order = (s->now.high > now.high) - (s->now.high < now.high);
    return order ? order : (s->now.low > now.low) - (s->now.low < now.low);
}

static int compare_suspects(const void *a, const void *b) {
    const struct suspect *const *x = a, *const *y = b;
    return compare_with(*x, (*y)->path, (*y)->now);
}

// The first of its equals.
static void clear_suspect(struct recovery *r, struct str path, struct digest now) {
    size_t from = 0, to = r->suspects_n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_with(r->sorted[middle], path, now) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from < r->suspects_n && compare_with(r->sorted[from], path, now) == 0)
        r->sorted[from]->cleared = true;
}

static void clear_entry(struct recovery *r, const struct inplace_entry *entry) {
    clear_suspect(r, entry->path, entry->before);
    clear_suspect(r, entry->path, entry->after);
}

// More than one journal may name a file: it is whole where it is what any of them says.
static void clear_suspects(struct recovery *r) {
    r->sorted = MEM_NEW_ARRAY(struct suspect *, r->suspects_n);
    for (size_t i = 0; i < r->suspects_n; i++)
        r->sorted[i] = &r->suspects[i];
    qsort(r->sorted, r->suspects_n, sizeof *r->sorted, compare_suspects);
    each_journal(r, clear_entry);
    for (size_t i = 1; i < r->suspects_n; i++)
        if (r->sorted[i - 1]->cleared && compare_suspects(&r->sorted[i - 1], &r->sorted[i]) == 0)
            r->sorted[i]->cleared = true;
    mem_free(r->sorted);
}

// Putting aside ------------------------------------------------------------------------------------------------

// Its own name, cut where that is too long, and a digest of its path.
static void aside_name(struct str path, char name[ASIDE_NAME_SIZE]) {
    struct str directory, file;
    char digest[DIGEST_HEX_SIZE];
    place_split(path, &directory, &file);
    digest_hex(digest_of(path), digest);
    snprintf(name, ASIDE_NAME_SIZE, "%s/%.*s-%s", EMIT_TORN_DIRECTORY, (int)(file.n < 200 ? file.n : 200),
             file.p, digest);
}

static void put_aside(struct recovery *r, struct str path) {
    char name[ASIDE_NAME_SIZE];
    aside_name(path, name);
    int result = r->fs->make_dir(r->fs->self, r->root, EMIT_TORN_DIRECTORY, 0777);
    if (result == 0 || result == -EEXIST)
        result = r->fs->rename(r->fs->self, r->root, path.p, r->root, name);
    if (result == -ENOENT) // named twice
        return;
    if (result < 0) {
        note_kept(r, result);
        return;
    }
    if (r->found->torn < EMIT_LEFTOVERS_SHOWN)
        emit_show_path(path, r->found->torn_shown[r->found->torn]);
    r->found->torn++;
}

// The oldest first: a newer one that stays still tells the truth about its files.
static void remove_journals(struct recovery *r) {
    for (size_t i = 0; r->result == 0 && i < r->journals_n; i++) {
        char path[INPLACE_NAME_SIZE];
        inplace_name(r->journals[i], path);
        int result = r->fs->unlink(r->fs->self, r->root, path);
        if (result < 0)
            note_fault(r, result);
    }
}

static void check_journals(struct recovery *r) {
    find_journals(r);
    each_journal(r, check_entry);
    if (r->suspects_n > 0)
        clear_suspects(r);
    for (size_t i = 0; i < r->suspects_n; i++) {
        if (r->blind)
            r->found->kept++;
        else if (!r->suspects[i].cleared)
            put_aside(r, r->suspects[i].path);
        mem_free((char *)r->suspects[i].path.p);
    }
    remove_journals(r);
}

int emit_recover(const struct fs *fs, int root, struct emit_leftovers *found) {
    *found = (struct emit_leftovers){0};
    struct recovery r = {.fs = fs, .root = root, .found = found};
    check_journals(&r);
    sweep_tree(&r);
    mem_free(r.suspects);
    buf_release(&r.directories);
    buf_release(&r.leftovers);
    buf_release(&r.at);
    mem_free(r.journals);
    buf_release(&r.room);
    return r.result;
}
