// SPDX-License-Identifier: MIT
// Writing the journal anew without what is outdated.
#include <errno.h>
#include <fcntl.h>

#include "cache/journal_private.h"

enum { WRITE_AT = 256 << 10 };

struct rewrite {
    struct journal *journal;
    int fd;
    struct buf bytes; // not yet written
    uint64_t salt;
    uint32_t *ids; // new ids of recipes by their place; 0: not written yet
    uint32_t last_id;
    struct err *err;
    enum status status;
};

static void write_out(struct rewrite *w, size_t from) {
    if (w->status != STATUS_OK || w->bytes.n < from)
        return;
    w->status = fs_write_all(w->journal->options.fs, w->fd, w->bytes.p, w->bytes.n, w->err);
    buf_clear(&w->bytes);
}

// Recipes get numbers from 1 on, where the first entry wants them.
static uint32_t rewrite_recipe(struct rewrite *w, const struct journal_recipe *recipe) {
    if (!recipe)
        return JOURNAL_NONE;
    size_t place = journal_recipes_place(&w->journal->recipes, recipe->id);
    if (w->ids[place] == 0) {
        w->ids[place] = ++w->last_id;
        journal_code_recipe(&w->bytes, w->salt, w->last_id, w->journal->recipes.kept[place]->content);
    }
    return w->ids[place];
}

static bool rewrite_entry(void *context, const struct journal_entry *entry) {
    struct rewrite *w = context;
    uint32_t recipe = rewrite_recipe(w, entry->recipe);
    journal_code_entry(&w->bytes, w->salt, entry, recipe, entry->generation, entry->fields);
    if (entry->left)
        journal_code_mark(&w->bytes, w->salt,
                          (struct journal_mark_record){.key = journal_path_key(w->salt, entry->path),
                                                       .generation = w->journal->last_generation,
                                                       .what = JOURNAL_LEFT});
    write_out(w, WRITE_AT);
    return w->status == STATUS_OK;
}

static enum status rewrite_all(struct rewrite *w) {
    struct journal *j = w->journal;
    struct journal_reader reader;
    journal_code_header(&w->bytes, w->salt);
    journal_reader_init(&reader, j);
    journal_each(&reader, rewrite_entry, w);
    if (reader.os) // what cannot be read now may be read later
        w->status = err_os(w->err, reader.os, "cannot read %s", JOURNAL_FILE);
    journal_reader_release(&reader);
    journal_code_run(&w->bytes, w->salt, j->last_generation, false, 0);
    write_out(w, 0);
    return w->status;
}

// The new file takes the old one's place on the disk, by name, and here.
static enum status replace(struct journal *j, int fd, struct err *err) {
    const struct fs *fs = j->options.fs;
    int root = j->options.root, result = fs->sync(fs->self, fd);
    if (result < 0)
        return err_os(err, -result, "cannot sync %s", JOURNAL_NEW_FILE);
    result = fs->rename(fs->self, root, JOURNAL_NEW_FILE, root, JOURNAL_FILE);
    return result < 0 ? err_os(err, -result, "cannot rename %s", JOURNAL_NEW_FILE) : STATUS_OK;
}

static enum status take_over(struct journal *j, int fd, uint64_t salt, struct err *err) {
    size_t outputs = (size_t)j->index.live;
    j->options.fs->close(j->options.fs->self, j->fd);
    j->fd = fd;
    j->salt = salt;
    journal_forget(j, outputs);
    j->edition++;
    j->header_damaged = false;
    j->broken = false;
    enum status status = journal_scan(j, JOURNAL_HEADER, err);
    j->broken = status != STATUS_OK; // `end` is not known
    journal_begin(j);
    return status;
}

enum status journal_compact(struct journal *j, struct err *err) {
    const struct fs *fs = j->options.fs;
    if (!j->options.writable)
        return err_set(err, STATUS_IO, "%s is open for reading only", JOURNAL_FILE);
    enum status status = journal_take_in(j, err); // what is not indexed would be left out
    if (status != STATUS_OK)
        return status;
    // One that is there may be another's by a second name: it is not written to.
    int fd = fs->unlink(fs->self, j->options.root, JOURNAL_NEW_FILE);
    if (fd == 0 || fd == -ENOENT)
        fd = fs->open_beneath(fs->self, j->options.root, JOURNAL_NEW_FILE,
                              O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (fd < 0)
        return err_os(err, -fd, "cannot open %s", JOURNAL_NEW_FILE);
    struct rewrite w = {.journal = j, .fd = fd, .err = err, .salt = journal_salt(j->salt, j->options.salt)};
    w.ids = MEM_NEW_ARRAY(uint32_t, j->recipes.n + 1);
    status = rewrite_all(&w);
    mem_free(w.ids);
    buf_release(&w.bytes);
    if (status == STATUS_OK)
        status = replace(j, fd, err);
    if (status == STATUS_OK)
        return take_over(j, fd, w.salt, err);
    fs->close(fs->self, fd);
    fs->unlink(fs->self, j->options.root, JOURNAL_NEW_FILE);
    return status;
}
