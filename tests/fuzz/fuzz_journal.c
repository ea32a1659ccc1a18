// SPDX-License-Identifier: MIT
// A journal of any bytes: it opens, gives what it has, takes an entry, is compacted, and what it then is opens clean. The
// first byte's lowest bit puts a sound header before the rest, since nothing else gets far by chance; the second lowest
// makes checksums right from record to record.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "cache/journal_format.h"
#include "tests/fuzz/fuzz.h"

enum { SALT = 7 };

struct place {
    struct fs fs;
    int root;
    char path[64];
};

static void must(bool holds) {
    if (!holds)
        abort();
}

static void put(const struct place *place, const struct buf *file) {
    int fd = openat(place->root, JOURNAL_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(fd >= 0 && write(fd, file->p, file->n) == (ssize_t)file->n);
    close(fd);
}

// Frames that lengths lead to get their checksums.
static void mend(struct buf *file, size_t at, uint64_t salt) {
    while (file->n - at > JOURNAL_FRAME) {
        unsigned char *p = (unsigned char *)file->p + at;
        size_t size = journal_get(p + 10, 2) % 128 * JOURNAL_UNIT;
        size = size > file->n - at || size <= JOURNAL_FRAME ? file->n - at : size;
        size -= size % JOURNAL_UNIT;
        if (size <= JOURNAL_FRAME || size > JOURNAL_LONGEST)
            return;
        p[8] = 0xA7;
        journal_put(p + 10, size / JOURNAL_UNIT, 2);
        journal_put(p, XXH3_64bits_withSeed(p + 8, size - 8, salt), 8);
        at += size;
    }
}

struct sum {
    struct journal_reader reader; // another one: the one that lists is not to be used meanwhile
    uint64_t count, found;
};

static bool look(void *context, const struct journal_entry *entry) {
    struct sum *sum = context;
    struct journal_entry other;
    for (uint32_t i = 0; i < entry->fields_n; i++)
        sum->found += journal_entry_field(entry, i) & 1;
    for (uint32_t i = 0; entry->recipe && i < entry->recipe->fields_n; i++)
        sum->found += entry->recipe->fields[i].n;
    must(journal_find(&sum->reader, entry->path, &other) && other.number == entry->number);
    if (entry->recipe) {
        journal_find_raw(&sum->reader, entry->recipe->job, entry->raw, &other);
        for (uint32_t i = 0; i < entry->recipe->parts_n; i++)
            sum->found += entry->recipe->parts[i].name.n + entry->recipe->parts[i].text.n;
        must(entry->fields_n == entry->recipe->fields_n);
    }
    sum->count++;
    return true;
}

static uint64_t look_through(struct journal *journal) {
    struct sum sum = {.count = 0};
    struct journal_reader reader;
    journal_reader_init(&reader, journal);
    journal_reader_init(&sum.reader, journal);
    journal_each(&reader, look, &sum);
    must(sum.count == journal_figures(journal).outputs);
    journal_reader_release(&sum.reader);
    journal_reader_release(&reader);
    return sum.count;
}

static struct journal *open_it(const struct place *place, bool writable, struct journal_found *found) {
    struct journal *journal;
    struct err err;
    struct journal_options options = {
        .fs = &place->fs, .root = place->root, .writable = writable, .salt = SALT};
    enum status status = journal_open(options, &journal, found, &err);
    must(status == STATUS_OK || (status == STATUS_UNSUPPORTED && !writable));
    return journal;
}

static void add_one(struct journal *journal) {
    struct journal_recipe recipe = {.job = STR("j")};
    struct journal_batch batch = {.entries = 0};
    struct journal_entry entry = {.path = STR("a path of its own")};
    struct err err;
    if (journal_recipe(journal, &recipe, &entry.recipe, &err) != STATUS_OK) {
        must(err.status == STATUS_LIMIT);
        return;
    }
    must(journal_batch_add(&batch, journal, &entry, NULL));
    must(journal_append(journal, &batch, false, &err) == STATUS_OK);
    journal_batch_release(&batch);
}

static void run(const struct place *place) {
    struct journal_found found;
    struct err err;
    struct journal *journal = open_it(place, false, &found);
    uint64_t outputs = journal ? look_through(journal) : 0;
    journal_close(journal);
    journal = open_it(place, true, &found);
    must(look_through(journal) == outputs);
    add_one(journal);
    must(journal_end_run(journal, true, 0, &err) == STATUS_OK);
    outputs = look_through(journal);
    must(journal_compact(journal, &err) == STATUS_OK);
    must(look_through(journal) == outputs);
    journal_close(journal);
    journal = open_it(place, true, &found);
    must(found.damaged + found.torn_bytes == 0 && !found.set_aside && look_through(journal) == outputs);
    journal_close(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct place place = {.fs = fs_system(), .path = "/dev/shm/fuzz-journal-XXXXXX"};
    struct buf file = BUF_INIT;
    must(mkdtemp(place.path) != NULL);
    place.root = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(place.root >= 0 && mkdirat(place.root, ".pressrun", 0777) == 0);
    unsigned how = size > 0 ? data[0] : 0;
    if (how & 1)
        journal_code_header(&file, SALT);
    size_t header = file.n;
    if (size > 1)
        buf_add(&file, (const char *)data + 1, size - 1);
    if (how & 2)
        mend(&file, header, SALT);
    put(&place, &file);
    run(&place);
    unlinkat(place.root, JOURNAL_FILE, 0);
    unlinkat(place.root, JOURNAL_OLD_FILE, 0);
    unlinkat(place.root, ".pressrun", AT_REMOVEDIR);
    close(place.root);
    rmdir(place.path);
    buf_release(&file);
    return 0;
}
