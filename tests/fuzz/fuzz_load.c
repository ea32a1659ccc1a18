// SPDX-License-Identifier: MIT
// Loaders over any bytes. The first byte chooses format, compression and batch size; the rest is the source.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stages/load/load.h"
#include "tests/fuzz/fuzz.h"

static void load_all(struct loader *loader, struct reader *reader, size_t size) {
    struct batch *batch = batch_new();
    struct err err;
    uint64_t ordinal = 0;
    while (load_pull(loader, batch, &err) == STATUS_OK && batch->items_n > 0) {
        load_parse(loader, reader, batch);
        for (size_t i = 0; i < batch->items_n; i++) {
            const struct item *item = &batch->items[i];
            if (item->ordinal != ordinal++ || (!item->error) != (item->record.tag == VALUE_MAP) ||
                item->line == 0)
                abort();
        }
        if (ordinal > size * 4096 + 1) // a compressed source may hold more records than it has bytes
            abort();
        batch_clear(batch);
    }
    batch_free(batch);
}

// The source is the memory file, under whatever name, since the name tells format and compression.
static int open_source(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)dir;
    (void)path;
    (void)flags;
    (void)mode;
    int fd = dup(*(const int *)self);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"x.jsonl", "x.json", "x.jsonl.zst", "x.json.zst"};
    if (size < 1)
        return 0;
    int fd = memfd_create("source", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    struct fs fs = fs_system();
    fs.self = &fd;
    fs.open = open_source;
    struct load_options options = {.fs = &fs,
                                   .path = names[data[0] & 3],
                                   .name = STR("source"),
                                   .pointer = data[0] & 4 ? STR("/a/0") : (struct str){NULL, 0},
                                   .batch_bytes = data[0] & 8 ? 16 : 0,
                                   .record_bytes = data[0] & 16 ? 64 : 0};
    struct shapes *shapes = shapes_new();
    struct reader reader;
    struct loader *loader;
    struct err err;
    reader_init(&reader, shapes, NULL);
    if (load_open(&options, &loader, &err) == STATUS_OK) {
        load_all(loader, &reader, size);
        load_close(loader);
    }
    reader_release(&reader);
    shapes_free(shapes);
    close(fd);
    return 0;
}
