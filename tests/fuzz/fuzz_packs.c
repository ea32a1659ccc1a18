// SPDX-License-Identifier: MIT
// A directory of packs with any bytes as segment and dictionary: what is served must be what an entry with a right
// checksum holds, and reading, verifying, repairing and appending end well. A first byte says what the rest is; of
// one of the kinds the checksums are made right first, so that what lies behind them is reached.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "cache/entry.h"
#include "cache/packs.h"
#include "tests/fuzz/fuzz.h"

enum { AS_IT_IS, SEALED, DICTIONARY, KINDS };

struct disk { // one file that is there from the first, and one that grows; all else fails
    struct buf given, grown;
    const char *name;
    bool has_grown;
};

enum { GIVEN = 1000, GROWN = 1001 };

static int disk_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)dir, (void)mode;
    struct disk *disk = self;
    if (strcmp(path, disk->name) == 0)
        return GIVEN;
    if (flags & O_CREAT)
        disk->has_grown = true;
    return disk->has_grown ? GROWN : -ENOENT;
}

static struct buf *file_of(struct disk *disk, int fd) {
    return fd == GIVEN ? &disk->given : &disk->grown;
}

static ssize_t disk_read_at(void *self, int fd, void *p, size_t n, off_t at) {
    struct str rest = str_from(buf_str(file_of(self, fd)), (size_t)at);
    n = n < rest.n ? n : rest.n;
    if (n)
        memcpy(p, rest.p, n);
    return (ssize_t)n;
}

static ssize_t disk_write(void *self, int fd, const void *p, size_t n) {
    buf_add(file_of(self, fd), p, n);
    return (ssize_t)n;
}

static int disk_rename(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    (void)self, (void)old_dir, (void)from, (void)new_dir, (void)to;
    return -EACCES;
}

static int disk_unlink(void *self, int dir, const char *path) {
    (void)self, (void)dir, (void)path;
    return -EACCES;
}

static int disk_stat(void *self, int fd, struct stat *st) {
    *st = (struct stat){.st_mode = S_IFREG, .st_nlink = 1, .st_size = (off_t)file_of(self, fd)->n};
    return 0;
}

static int disk_truncate(void *self, int fd, off_t size) {
    struct buf *file = file_of(self, fd);
    file->n = (size_t)size < file->n ? (size_t)size : file->n;
    return 0;
}

static int disk_nothing(void *self, int fd) {
    (void)self, (void)fd;
    return 0;
}

static int disk_list(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    (void)dir, (void)path;
    struct disk *disk = self;
    fn(context, disk->name, FS_FILE);
    return 0;
}

// Makes the checksums of all that looks like an entry right.
static void seal_all(struct buf *bytes) {
    struct entry entry;
    for (size_t at = entry_search(buf_str(bytes), 0); at < bytes->n;
         at = entry_search(buf_str(bytes), at + 1))
        if (entry_peek(str_from(buf_str(bytes), at), &entry) && at + entry_size(&entry) <= bytes->n)
            entry_seal(&entry, bytes->p + at);
}

static void use(struct packs *packs, const struct disk *disk) {
    struct cache_tier tier = packs_tier(packs);
    struct str bytes = buf_str(&disk->given);
    struct entry entry;
    for (size_t at = entry_search(bytes, 0); at < bytes.n; at = entry_search(bytes, at + 1)) {
        if (!entry_peek(str_from(bytes, at), &entry))
            continue;
        struct cache_value *value = tier.get(tier.self, entry.key);
        if (value && value->n > ENTRY_LARGEST)
            abort();
        cache_value_drop(value);
    }
    struct cache_key key = {CACHE_RENDER, {1, 2}};
    struct cache_value *value = cache_value_of(STR("a value"), 0);
    if (tier.put(tier.self, key, value)) {
        struct cache_value *got = tier.get(tier.self, key);
        if (!got || got->n != value->n || memcmp(got->bytes, value->bytes, got->n) != 0)
            abort();
        cache_value_drop(got);
    }
    cache_value_drop(value);
    packs_gc(packs, 1 << 10);
    packs_verify(packs, true);
    tier.close(tier.self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct disk disk = {.name = "segment-0123456789abcdef"};
    struct fs fs = {
        .self = &disk,
        .open = disk_open,
        .open_beneath = disk_open,
        .read_at = disk_read_at,
        .write = disk_write,
        .rename = disk_rename,
        .unlink = disk_unlink,
        .stat = disk_stat,
        .truncate = disk_truncate,
        .touch = disk_nothing,
        .lock = disk_nothing,
        .list = disk_list,
        .close = disk_nothing,
    };
    buf_add(&disk.given, (const char *)data + 1, size - 1);
    if (data[0] % KINDS == SEALED)
        seal_all(&disk.given);
    if (data[0] % KINDS == DICTIONARY)
        disk.name = "dictionary-00000001";
    struct clock clock = clock_system();
    struct packs_options options = {.fs = &fs, .clock = &clock, .dir = 3};
    struct packs *packs;
    struct err err;
    if (packs_open(&options, &packs, &err) != STATUS_OK)
        abort();
    use(packs, &disk);
    buf_release(&disk.given);
    buf_release(&disk.grown);
    return 0;
}
