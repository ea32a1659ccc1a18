// SPDX-License-Identifier: MIT
#include "pipeline/review/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/review/staging_private.h"

int staging_open(struct staging_root at, const char *directory) {
    return at.fs->open_beneath(at.fs->self, at.root, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

int staging_sync(struct staging_root at) {
    int fd = at.fs->open_beneath(at.fs->self, at.root, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int result = at.fs->sync(at.fs->self, fd);
    at.fs->close(at.fs->self, fd);
    return result;
}

enum status staging_error(struct err *err, int result, const char *what) {
    if (result == -EBADMSG)
        return err_set(err, STATUS_DATA, "%s: it is damaged, or of another version of pressrun", what);
    return err_os(err, -result, "%s", what);
}

enum status staging_look(struct staging_root at, const char *directory, enum staging_state *state,
                         struct staging_facts *facts, struct err *err) {
    *state = STAGING_NONE;
    *facts = (struct staging_facts){.when = 0};
    int fd = staging_open(at, directory);
    if (fd == -ENOENT)
        return STATUS_OK;
    int result = fd < 0 ? fd : staging_get_facts(at.fs, fd, facts);
    if (fd >= 0)
        at.fs->close(at.fs->self, fd);
    *state = result == 0 ? STAGING_COMPLETE : STAGING_INCOMPLETE;
    if (result == 0 || result == -ENOENT)
        return STATUS_OK;
    char what[64] = "cannot read ";
    strncat(what, directory, sizeof what - strlen(what) - 1);
    return staging_error(err, result, what);
}

// Removing -------------------------------------------------------------------------------------------------------

struct names {
    struct buf text; // each with its kind before it and a NUL behind it
};

static bool add_name(void *context, const char *name, enum fs_entry kind) {
    struct names *names = context;
    buf_add_char(&names->text, kind == FS_DIRECTORY ? 'd' : 'f');
    buf_add(&names->text, name, strlen(name) + 1);
    return true;
}

// Depth first, with one list of names per level; the levels are as many as a path has parts.
static int remove_below(const struct fs *fs, int root, struct buf *path) {
    struct names names = {.text = BUF_INIT};
    size_t n = path->n;
    int result = fs->list(fs->self, root, buf_text(path), add_name, &names);
    for (size_t i = 0; result == 0 && i < names.text.n; i += strlen(names.text.p + i) + 1) {
        buf_add_char(path, '/');
        buf_add_text(path, names.text.p + i + 1);
        result = names.text.p[i] == 'd' ? remove_below(fs, root, path)
                                        : fs->unlink(fs->self, root, buf_text(path));
        if (result == -ENOENT)
            result = 0;
        path->n = n;
    }
    buf_release(&names.text);
    return result == 0 ? fs->remove_dir(fs->self, root, buf_text(path)) : result;
}

int staging_remove_tree(const struct fs *fs, int root, const char *path) {
    struct buf at = BUF_INIT;
    buf_add_text(&at, path);
    int result = remove_below(fs, root, &at);
    buf_release(&at);
    return result == -ENOENT ? 0 : result;
}

enum status staging_drop(struct staging_root at, const char *directory, struct err *err) {
    const struct fs *fs = at.fs;
    int result = staging_remove_tree(fs, at.root, STAGING_DROPPED); // of somebody who was killed at it
    if (result == 0)
        result = fs->rename(fs->self, at.root, directory, at.root, STAGING_DROPPED);
    if (result == -ENOENT)
        return STATUS_OK;
    if (result == 0)
        result = staging_remove_tree(fs, at.root, STAGING_DROPPED);
    return result < 0 ? err_os(err, -result, "cannot remove %s", directory) : STATUS_OK;
}

enum status staging_begin(struct staging_root at, int *stage, int *files, struct err *err) {
    const struct fs *fs = at.fs;
    *stage = *files = -1;
    if (staging_drop(at, STAGING_STAGE, err) != STATUS_OK)
        return err->status;
    int result = fs_make_dirs(fs, at.root, STAGING_STAGE "/" STAGING_FILES, 0777);
    if (result == 0)
        result = fs_make_dirs(fs, at.root, STAGING_STAGE "/" EMIT_BOOKS, 0777);
    if (result == 0)
        result = *stage = staging_open(at, STAGING_STAGE);
    if (result >= 0)
        result = *files = staging_open(at, STAGING_STAGE "/" STAGING_FILES);
    if (result >= 0)
        return STATUS_OK;
    if (*stage >= 0)
        fs->close(fs->self, *stage);
    *stage = -1;
    return err_os(err, -result, "cannot make %s", STAGING_STAGE);
}

// The list -------------------------------------------------------------------------------------------------------

struct listing {
    struct staging_root at;
    int files, fd;
    struct buf path, text;
    struct digest_stream *digest;
    struct staging_counts *counts;
};

enum { WRITE_CHUNK = 256 << 10 };

static int put_text(struct listing *l) {
    struct err err;
    if (fs_write_all(l->at.fs, l->fd, l->text.p, l->text.n, &err) != STATUS_OK)
        return -err.os;
    digest_stream_add(l->digest, buf_str(&l->text));
    buf_clear(&l->text);
    return 0;
}

static int put_change(struct listing *l, const struct staging_change *change) {
    uint64_t *counts[] = {&l->counts->added, &l->counts->changed, &l->counts->removed};
    ++*counts[change->kind];
    l->counts->bytes += change->fresh.size;
    staging_write_change(change, &l->text);
    return l->text.n >= WRITE_CHUNK ? put_text(l) : 0;
}

static int list_file(struct listing *l) {
    struct stat st;
    const char *path = buf_text(&l->path); // may move it
    struct staging_change change = {.path = buf_str(&l->path)};
    int result = staging_see_file(l->at.fs, l->files, path, &change.fresh, &st);
    if (result == 0)
        result = staging_see_file(l->at.fs, l->at.root, path, &change.old, &st);
    change.kind = change.old.inode ? STAGING_CHANGED : STAGING_ADDED;
    return result < 0 ? result : put_change(l, &change);
}

static int compare_names(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x + 1, *y + 1);
}

static int list_below(struct listing *l) {
    struct names names = {.text = BUF_INIT};
    size_t at = l->path.n, n = 0, cap = 0;
    char **sorted = NULL;
    int result = l->at.fs->list(l->at.fs->self, l->files, at ? buf_text(&l->path) : ".", add_name, &names);
    for (size_t i = 0; result == 0 && i < names.text.n; i += strlen(names.text.p + i) + 1) {
        MEM_GROW(sorted, cap, n + 1);
        sorted[n++] = names.text.p + i;
    }
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, compare_names);
    for (size_t i = 0; result == 0 && i < n; i++) {
        if (at > 0)
            buf_add_char(&l->path, '/');
        buf_add_text(&l->path, sorted[i] + 1);
        result = *sorted[i] == 'd' ? list_below(l) : list_file(l);
        l->path.n = at;
    }
    mem_free(sorted);
    buf_release(&names.text);
    return result;
}

static int list_removed(struct listing *l, struct staging_removed removed) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < removed.n; i++) {
        struct stat st;
        struct staging_change change = {.kind = STAGING_REMOVED, .path = removed.paths[i]};
        buf_clear(&l->path);
        buf_add_str(&l->path, removed.paths[i]);
        result = staging_see_file(l->at.fs, l->at.root, buf_text(&l->path), &change.old, &st);
        if (result == 0 && change.old.inode) // somebody else has removed it already
            result = put_change(l, &change);
    }
    return result;
}

static int write_list(struct listing *l, int generation, struct staging_removed removed) {
    const struct fs *fs = l->at.fs;
    l->fd =
        fs->open_beneath(fs->self, generation, STAGING_LIST, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    if (l->fd < 0)
        return l->fd;
    int result = list_below(l);
    if (result == 0)
        result = list_removed(l, removed);
    if (result == 0)
        result = put_text(l);
    int closed = fs->close(fs->self, l->fd);
    return result < 0 ? result : closed;
}

enum status staging_seal(struct staging_root at, struct staging_removed removed, bool durable,
                         struct staging_facts *facts, struct err *err) {
    const struct fs *fs = at.fs;
    uint64_t unchanged = facts->counts.unchanged;
    facts->counts = (struct staging_counts){.unchanged = unchanged};
    int stage = staging_open(at, STAGING_STAGE), files = staging_open(at, STAGING_STAGE "/" STAGING_FILES);
    int result = stage < 0 ? stage : files < 0 ? files : 0;
    if (result == 0) {
        struct listing l = {
            .at = at, .files = files, .digest = digest_stream_new(), .counts = &facts->counts};
        result = write_list(&l, stage, removed);
        facts->list = digest_stream_output(l.digest, STR("changes"), STR(""));
        digest_stream_free(l.digest);
        buf_release(&l.path);
        buf_release(&l.text);
    }
    if (result == 0 && durable)
        result = staging_sync(at);
    if (result == 0)
        result = staging_put_facts(fs, stage, facts);
    if (result == 0 && durable)
        result = staging_sync(at);
    if (stage >= 0)
        fs->close(fs->self, stage);
    if (files >= 0)
        fs->close(fs->self, files);
    return result < 0 ? err_os(err, -result, "cannot complete %s", STAGING_STAGE) : STATUS_OK;
}
