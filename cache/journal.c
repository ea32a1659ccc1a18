// SPDX-License-Identifier: MIT
// Opening and appending.
#include "cache/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cache/journal_private.h"

enum {
    FIRST_OUTPUTS_LIMIT = 1 << 22, // beyond that tables grow on the way: a file's size is only a claim
    SAMPLE = 64 << 10,             // of a file, to tell how many outputs it has
    REDUNDANT_FROM = 64 << 10,
    LAST_RECIPE = INT32_MAX, // beyond, ids are given out anew
};

// Opening ------------------------------------------------------------------------------------------------------

static int open_file(const struct journal_options *o) {
    if (o->root < 0 && !o->writable)
        return -ENOENT;
    int flags = (o->writable ? O_RDWR | O_APPEND | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK;
    int fd = o->fs->open_beneath(o->fs->self, o->root, JOURNAL_FILE, flags, 0666);
    if (fd != -ENOENT || !o->writable)
        return fd;
    int made = fs_make_dirs(o->fs, o->root, JOURNAL_DIRECTORY, 0777);
    return made < 0 ? made : o->fs->open_beneath(o->fs->self, o->root, JOURNAL_FILE, flags, 0666);
}

static enum status write_header(struct journal *j, struct err *err) {
    struct buf header = BUF_INIT;
    j->salt = journal_salt(0, j->options.salt);
    journal_code_header(&header, j->salt);
    int cut = j->options.fs->truncate(j->options.fs->self, j->fd, 0);
    enum status status = cut < 0 ? err_os(err, -cut, "cannot cut off %s", JOURNAL_FILE)
                                 : fs_write_all(j->options.fs, j->fd, header.p, header.n, err);
    buf_release(&header);
    j->end = j->scanned = JOURNAL_HEADER;
    return status;
}

// What is there is no journal of ours: it keeps its bytes under another name, and a new one begins.
static enum status set_aside(struct journal *j, struct err *err) {
    const struct fs *fs = j->options.fs;
    int result = fs->rename(fs->self, j->options.root, JOURNAL_FILE, j->options.root, JOURNAL_OLD_FILE);
    if (result < 0)
        return err_os(err, -result, "cannot set %s aside", JOURNAL_FILE);
    fs->close(fs->self, j->fd);
    j->fd = open_file(&j->options);
    if (j->fd < 0)
        return err_os(err, -j->fd, "cannot open %s", JOURNAL_FILE);
    j->found.set_aside = true;
    return write_header(j, err);
}

static enum status cut_tail(struct journal *j, struct err *err) {
    if (!j->options.writable || j->found.torn_bytes == 0)
        return STATUS_OK;
    int result = j->options.fs->truncate(j->options.fs->self, j->fd, (off_t)j->end);
    return result < 0 ? err_os(err, -result, "cannot cut off %s", JOURNAL_FILE) : STATUS_OK;
}

// Neither ours nor another version's, or both copies of the header are damaged: without the salt no record is known.
static enum status read_foreign(struct journal *j, struct err *err) {
    j->found.damaged++;
    return j->options.writable ? set_aside(j, err) : STATUS_OK;
}

// From the first entries: tables that are made too large stay so.
static size_t expected_outputs(const struct journal *j, uint64_t size) {
    unsigned char *p = mem_alloc(SAMPLE);
    ssize_t got = journal_read_at(j->options.fs, j->fd, p, SAMPLE, JOURNAL_HEADER);
    size_t n = got > 0 ? (size_t)got : 0, at = 0, outputs = 0, hashed = 0;
    struct journal_record record;
    for (size_t step; (step = journal_decode_record(p + at, n - at, SAMPLE, j->salt, &record, &hashed)) > 0;
         at += step)
        outputs += record.kind == JOURNAL_ENTRY;
    mem_free(p);
    if (outputs == 0)
        return 0;
    uint64_t expected = size / (at / outputs) + 1;
    return expected < FIRST_OUTPUTS_LIMIT ? (size_t)expected : FIRST_OUTPUTS_LIMIT;
}

static enum status read_file(struct journal *j, uint64_t size, struct err *err) {
    unsigned char bytes[JOURNAL_HEADER];
    ssize_t got = journal_read_at(j->options.fs, j->fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return err_os(err, (int)-got, "cannot read %s", JOURNAL_FILE);
    if (got < JOURNAL_HEADER) {
        if (!journal_begins_header(bytes, (size_t)got))
            return read_foreign(j, err);
        j->found.fresh = got == 0;
        j->found.torn_bytes = (uint64_t)got; // made by a run that was killed just then
        return j->options.writable ? write_header(j, err) : STATUS_OK;
    }
    struct journal_header header;
    int sound = journal_decode_header(bytes, &header);
    if (sound == 0)
        return read_foreign(j, err);
    if (sound < 0) {
        j->found.version = header.version;
        if (j->options.writable)
            return set_aside(j, err);
        return err_set(err, STATUS_UNSUPPORTED, "%s is of version %u, not %d", JOURNAL_FILE, header.version,
                       JOURNAL_VERSION);
    }
    j->salt = header.salt;
    j->header_damaged = header.is_damaged;
    j->found.damaged += header.is_damaged;
    journal_forget(j, expected_outputs(j, size));
    enum status status = journal_scan(j, JOURNAL_HEADER, err);
    if (status == STATUS_OK)
        status = cut_tail(j, err);
    if (status == STATUS_OK && j->options.writable && j->recipes.last_id > LAST_RECIPE)
        status = journal_compact(j, err);
    return status;
}

static enum status open_and_read(struct journal *j, struct err *err) {
    const struct fs *fs = j->options.fs;
    struct stat st;
    j->fd = open_file(&j->options);
    if (j->fd == -ENOENT && !j->options.writable) {
        j->found.fresh = true;
        return STATUS_OK;
    }
    if (j->fd < 0)
        return err_os(err, -j->fd, "cannot open %s", JOURNAL_FILE);
    int result = fs->stat(fs->self, j->fd, &st);
    if (result < 0)
        return err_os(err, -result, "cannot look at %s", JOURNAL_FILE);
    if (!S_ISREG(st.st_mode))
        return err_set(err, STATUS_DATA, "%s is not a file", JOURNAL_FILE);
    return read_file(j, (uint64_t)st.st_size, err);
}

enum status journal_open(struct journal_options options, struct journal **journal,
                         struct journal_found *found, struct err *err) {
    struct journal *j = MEM_NEW(struct journal);
    j->options = options;
    j->fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    journal_forget(j, 0);
    enum status status = open_and_read(j, err);
    *found = j->found;
    journal_begin(j);
    if (status != STATUS_OK) {
        journal_close(j);
        j = NULL;
    }
    *journal = j;
    return status;
}

void journal_close(struct journal *j) {
    if (!j)
        return;
    if (j->fd >= 0)
        j->options.fs->close(j->options.fs->self, j->fd);
    journal_forget(j, 0);
    journal_index_release(&j->index);
    journal_recipes_release(&j->recipes);
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}

struct journal_figures journal_figures(const struct journal *j) {
    return (struct journal_figures){
        .outputs = j->index.live,
        .left = j->index.left,
        .bytes = j->end,
        .live_bytes = j->index.live_bytes + j->recipes.live_bytes + JOURNAL_HEADER,
        .index_bytes = journal_index_bytes(&j->index) + j->seen_words * sizeof *j->seen,
        .damaged = j->found.damaged,
        .generation = j->generation,
    };
}

bool journal_is_redundant(const struct journal *j) {
    struct journal_figures f = journal_figures(j);
    return j->header_damaged || (f.bytes > REDUNDANT_FROM && f.live_bytes * 2 < f.bytes);
}

uint32_t journal_items(const struct journal *journal) {
    return (uint32_t)journal->index.items_n;
}

void journal_see(struct journal *j, uint32_t number) {
    // Mostly set one after the other by one thread: looking first keeps the line from going back and forth.
    _Atomic uint64_t *word = &j->seen[number / 64];
    uint64_t bit = UINT64_C(1) << (number % 64);
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
}

bool journal_is_seen(const struct journal *j, uint32_t number) {
    return number / 64 < j->seen_words &&
           (atomic_load_explicit(&j->seen[number / 64], memory_order_relaxed) >> (number % 64) & 1);
}

void journal_see_none(struct journal *j) {
    memset((void *)j->seen, 0, j->seen_words * sizeof *j->seen);
}

// Appending ----------------------------------------------------------------------------------------------------

void journal_batch_release(struct journal_batch *batch) {
    buf_release(&batch->bytes);
    batch->entries = 0;
}

// Hashes as they are in the file. On a little-endian machine that is what they are already.
static const void *field_bytes(const uint64_t *fields, uint32_t n, struct buf *room) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    if (first)
        return fields;
    buf_reserve(room, (size_t)n * 8);
    for (uint32_t i = 0; i < n; i++)
        journal_put((unsigned char *)room->p + (size_t)i * 8, fields[i], 8);
    return room->p;
}

bool journal_batch_add(struct journal_batch *batch, const struct journal *journal,
                       const struct journal_entry *entry, const uint64_t *fields) {
    assert(entry->recipe && entry->recipe->fields_n == entry->fields_n);
    struct buf room = BUF_INIT;
    bool fits = journal_code_entry(&batch->bytes, journal->salt, entry, entry->recipe->id,
                                   journal->generation, field_bytes(fields, entry->fields_n, &room));
    buf_release(&room);
    batch->entries += fits;
    return fits;
}

void journal_batch_remove(struct journal_batch *batch, const struct journal *journal, struct str path) {
    struct journal_mark_record mark = {.key = journal_path_key(journal->salt, path),
                                       .generation = journal->generation,
                                       .what = JOURNAL_REMOVED};
    journal_code_mark(&batch->bytes, journal->salt, mark);
    batch->entries++;
}

static enum status append_locked(struct journal *j, struct str bytes, struct err *err) {
    const struct fs *fs = j->options.fs;
    if (j->broken || j->fd < 0 || !j->options.writable)
        return err_set(err, STATUS_IO, "%s takes no more entries", JOURNAL_FILE);
    if (bytes.n > JOURNAL_FILE_LONGEST - j->end)
        return err_set(err, STATUS_LIMIT, "%s is full", JOURNAL_FILE);
    enum status status = fs_write_all(fs, j->fd, bytes.p, bytes.n, err);
    if (status == STATUS_OK)
        j->end += bytes.n;
    else
        j->broken = fs->truncate(fs->self, j->fd, (off_t)j->end) < 0;
    return status;
}

static enum status append_bytes(struct journal *j, struct str bytes, bool sync, struct err *err) {
    if (bytes.n == 0)
        return STATUS_OK;
    pthread_mutex_lock(&j->lock);
    enum status status = append_locked(j, bytes, err);
    pthread_mutex_unlock(&j->lock);
    int synced = status == STATUS_OK && sync ? j->options.fs->sync(j->options.fs->self, j->fd) : 0;
    return synced < 0 ? err_os(err, -synced, "cannot sync %s", JOURNAL_FILE) : status;
}

enum status journal_append(struct journal *j, struct journal_batch *batch, bool sync, struct err *err) {
    enum status status = append_bytes(j, buf_str(&batch->bytes), sync, err);
    buf_clear(&batch->bytes);
    batch->entries = 0;
    return status;
}

static enum status append_recipe(struct journal *j, struct str content, struct err *err) {
    struct buf bytes = BUF_INIT;
    journal_code_recipe(&bytes, j->salt, j->recipes.last_id + 1, content);
    enum status status = append_bytes(j, buf_str(&bytes), false, err);
    buf_release(&bytes);
    return status == STATUS_OK ? journal_take_in(j, err) : status;
}

enum status journal_recipe(struct journal *j, const struct journal_recipe *recipe,
                           const struct journal_recipe **kept, struct err *err) {
    const struct journal_kept_recipe *found = NULL;
    enum status status = STATUS_OK;
    struct buf content = BUF_INIT;
    bool fits = journal_code_content(&content, recipe);
    if (fits)
        found = journal_recipes_equal(&j->recipes, buf_str(&content));
    if (!fits || (!found && j->recipes.last_id >= JOURNAL_NONE - 1))
        status = err_set(err, STATUS_LIMIT, "%.*s: what its outputs are made from does not fit into %s",
                         STR_ARG(str_slice(recipe->job, 0, 100)), JOURNAL_FILE);
    if (status == STATUS_OK && !found) {
        status = append_recipe(j, buf_str(&content), err);
        found = journal_recipes_equal(&j->recipes, buf_str(&content));
        if (status == STATUS_OK && !found)
            status = err_set(err, STATUS_IO, "%s lost what was written to it", JOURNAL_FILE);
    }
    *kept = status == STATUS_OK ? &found->recipe : NULL;
    buf_release(&content);
    return status;
}

const struct journal_recipe *journal_find_recipe(const struct journal *j,
                                                 const struct journal_recipe *recipe) {
    struct buf content = BUF_INIT;
    const struct journal_kept_recipe *found =
        journal_code_content(&content, recipe) ? journal_recipes_equal(&j->recipes, buf_str(&content)) : NULL;
    buf_release(&content);
    return found ? &found->recipe : NULL;
}

const struct journal_recipe *journal_recipe_before(const struct journal *j,
                                                   const struct journal_recipe *recipe) {
    size_t place = journal_recipes_place(&j->recipes, recipe->id);
    while (place != SIZE_MAX && place-- > 0)
        if (str_equal(j->recipes.kept[place]->recipe.job, recipe->job))
            return &j->recipes.kept[place]->recipe;
    return NULL;
}

// The end of a run ---------------------------------------------------------------------------------------------

enum status journal_take_in(struct journal *j, struct err *err) {
    if (j->scanned == j->end)
        return STATUS_OK;
    j->runs = true;
    j->edition++;
    enum status status = journal_scan(j, j->scanned, err);
    j->runs = false;
    if (status != STATUS_OK || j->found.torn_bytes == 0)
        return status;
    // What was whole when it was written is not any more. The next append goes where the sound records end.
    j->found.damaged++;
    j->found.damaged_bytes += j->found.torn_bytes;
    status = cut_tail(j, err);
    j->broken = status != STATUS_OK;
    return status;
}

// What a run did not see has left only if it saw all there is; what it saw belongs in any case.
static void note_changes(const struct journal *j, bool complete, struct buf *out) {
    for (size_t i = 0; i < j->index.items_n; i++) {
        const struct journal_item *item = &j->index.items[i];
        bool seen = journal_is_seen(j, (uint32_t)i);
        if (item->live && seen == item->left && (seen || complete))
            journal_code_mark(out, j->salt,
                              (struct journal_mark_record){.key = item->path_key,
                                                           .generation = j->generation,
                                                           .what = seen ? JOURNAL_BACK : JOURNAL_LEFT});
    }
}

enum status journal_end_run(struct journal *j, bool complete, int64_t now_ns, struct err *err) {
    enum status status = journal_take_in(j, err);
    if (status != STATUS_OK)
        return status;
    struct buf notes = BUF_INIT;
    note_changes(j, complete, &notes);
    journal_code_run(&notes, j->salt, j->generation, complete, now_ns);
    status = append_bytes(j, buf_str(&notes), false, err);
    buf_release(&notes);
    if (status == STATUS_OK)
        status = journal_take_in(j, err);
    if (status == STATUS_OK)
        journal_begin(j);
    return status;
}
