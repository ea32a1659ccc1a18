// SPDX-License-Identifier: MIT
// Loaders over any bytes. The first byte chooses format, compression, sizes and columns; the rest is the source.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stages/load/load.h"
#include "tests/fuzz/fuzz.h"

// What came of a source, as far as it may not depend on the sizes of batches.
struct outcome {
    enum status status;
    uint64_t records, failed, places;
};

static void take_item(struct outcome *outcome, const struct item *item) {
    if (item->ordinal != outcome->records++ || (!item->error) != (item->record.tag == VALUE_MAP) ||
        item->line == 0)
        abort();
    outcome->failed += item->error != NULL;
    outcome->places = outcome->places * 31 + item->line * 17 + item->byte;
    if (item->error)
        outcome->places +=
            item->error->line * UINT64_C(7) + item->error->column * UINT64_C(5) + item->error_byte;
}

static struct outcome load_all(struct loader *loader, struct reader *reader, size_t size) {
    struct batch *batch = batch_new();
    struct outcome outcome = {.status = STATUS_OK};
    struct err err;
    while ((outcome.status = load_pull(loader, batch, &err)) == STATUS_OK && batch->items_n > 0) {
        load_parse(loader, reader, batch);
        for (size_t i = 0; i < batch->items_n; i++)
            take_item(&outcome, &batch->items[i]);
        if (outcome.records > size * 4096 + 1) // a compressed source may hold more records than it has bytes
            abort();
        batch_clear(batch);
    }
    batch_free(batch);
    return outcome;
}

static struct outcome load_source(const struct load_options *options, size_t size) {
    struct outcome outcome = {.status = STATUS_OK};
    struct shapes *shapes = shapes_new();
    struct reader reader;
    struct loader *loader;
    struct err err;
    reader_init(&reader, shapes, NULL);
    outcome.status = load_open(options, &loader, &err);
    if (outcome.status == STATUS_OK) {
        outcome = load_all(loader, &reader, size);
        load_close(loader);
    }
    reader_release(&reader);
    shapes_free(shapes);
    return outcome;
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

static void load_json_source(struct load_options *options, unsigned choice, size_t size) {
    static const char *const names[] = {"x.jsonl", "x.json", "x.jsonl.zst", "x.json.zst"};
    options->path = names[choice & 3];
    options->pointer = choice & 4 ? STR("/a/0") : (struct str){NULL, 0};
    load_source(options, size);
}

// The same in small batches as in large ones.
static void load_csv_source(struct load_options *options, unsigned choice, size_t size) {
    static const char *const names[] = {"x.csv", "x.tsv", "x.csv.zst", "x.tsv.zst"};
    static const struct str columns[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    static const struct load_column types[] = {{{"a", 1}, COLUMN_INTEGER},
                                               {{"b", 1}, COLUMN_NUMBER},
                                               {{"c", 1}, COLUMN_BOOLEAN},
                                               {{"d", 1}, COLUMN_JSON}};
    options->path = names[choice & 3];
    options->columns = columns;
    options->columns_n = choice & 4 ? 4 : 0;
    options->types = types;
    options->types_n = choice & 64 ? 4 : 0;
    options->delimiter = choice & 128 ? ';' : 0;
    const struct outcome one = load_source(options, size);
    options->batch_bytes = 3;
    const struct outcome other = load_source(options, size);
    if (one.status != STATUS_OK && other.status != STATUS_OK && (choice & 2))
        return; // how much of damaged compressed data comes out depends on how much was asked for
    if (one.status != other.status || one.records != other.records || one.failed != other.failed ||
        one.places != other.places)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    int fd = memfd_create("source", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    struct fs fs = fs_system();
    fs.self = &fd;
    fs.open = open_source;
    struct load_options options = {.fs = &fs,
                                   .name = STR("source"),
                                   .batch_bytes = data[0] & 8 ? 16 : 0,
                                   .record_bytes = data[0] & 16 ? 64 : 0};
    if (data[0] & 32)
        load_csv_source(&options, data[0], size);
    else
        load_json_source(&options, data[0], size);
    close(fd);
    return 0;
}
