// SPDX-License-Identifier: MIT
// What is kept of a stream's items, of any bytes: it is read to its end or refused, and what is read can be written and
// read again. The first byte's lowest bit puts the rest into a block whose checksum is right, since nothing else gets far
// by chance; the second byte is how many items the block says it has.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/journal_format.h"
#include "cache/lengths_format.h"
#include "tests/fuzz/fuzz.h"

struct place {
    struct fs fs;
    int root;
    char path[64], name[LENGTHS_NAME_SIZE];
};

static const struct lengths_stream about = {.job = {"j", 1}, .path = {"s", 1}, .separator = {"-", 1}};

static void must(bool holds) {
    if (!holds)
        abort();
}

static void add_number(struct buf *out, uint64_t value, size_t bytes) {
    unsigned char p[8];
    journal_put(p, value, bytes);
    buf_add(out, (const char *)p, bytes);
}

// A sound file with one block of these bytes.
static void add_file(struct buf *out, uint32_t items, struct str plain) {
    struct buf block = BUF_INIT, foot = BUF_INIT;
    add_number(&block, 0, 8);
    add_number(&block, plain.n, 4);
    add_number(&block, plain.n, 4);
    add_number(&block, items, 4);
    buf_add_str(&block, plain);
    uint64_t sum = digest_of(buf_str(&block)).low;
    buf_add_text(out, LENGTHS_MAGIC);
    add_number(out, LENGTHS_VERSION, 8);
    add_number(out, sum, 8);
    buf_add_str(out, buf_str(&block));
    const uint64_t numbers[] = {items, 1, sum, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_number(&foot, numbers[i], 8);
    add_number(&foot, LENGTHS_LINES, 4);
    for (size_t i = 0; i < LENGTHS_TEXTS_N; i++) {
        add_number(&foot, 1, 4);
        buf_add_char(&foot, "js-"[i]);
    }
    add_number(&foot, foot.n, 4);
    add_number(&foot, digest_of(buf_str(&foot)).low, 8);
    buf_add_text(&foot, LENGTHS_MAGIC);
    buf_add_str(out, buf_str(&foot));
    buf_release(&block);
    buf_release(&foot);
}

static void put(const struct place *place, struct str bytes) {
    int fd = openat(place->root, place->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

// Reads all and, where it is sound, writes what it read to `writer`. How many items.
static uint64_t read_all(const struct place *place, struct lengths_writer *writer, bool *sound) {
    struct lengths_reader *reader;
    struct lengths_item item;
    struct err err;
    uint64_t n = 0;
    bool end = false;
    *sound = false;
    if (lengths_open(&place->fs, place->root, about.path, &reader, &err) != STATUS_OK || !reader)
        return 0;
    enum status status;
    while ((status = lengths_next(reader, &item, &end, &err)) == STATUS_OK && !end) {
        must(item.tail.n <= item.n && item.key.n <= LENGTHS_LONGEST);
        if (writer)
            lengths_add(writer, &item);
        n++;
    }
    *sound = status == STATUS_OK;
    must(!*sound || n == lengths_about(reader)->items);
    lengths_close(reader);
    return n;
}

static void run(const struct place *place) {
    struct err err;
    bool sound, again;
    uint64_t bytes;
    struct lengths_writer *writer = lengths_write(&place->fs, place->root, &about);
    uint64_t n = read_all(place, writer, &sound);
    // Lengths beyond 2^60 are read, and not written.
    enum status status = lengths_publish(writer, &about, &bytes, &err);
    must(status == STATUS_OK || status == STATUS_LIMIT);
    if (status == STATUS_OK)
        must(read_all(place, NULL, &again) == n && again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct place place = {.fs = fs_system(), .path = "/dev/shm/fuzz-lengths-XXXXXX"};
    struct buf file = BUF_INIT;
    must(mkdtemp(place.path) != NULL);
    place.root = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(place.root >= 0 && fs_make_dirs(&place.fs, place.root, LENGTHS_DIRECTORY, 0777) == 0);
    lengths_name(about.path, place.name);
    const struct str rest = {(const char *)data + 2, size > 2 ? size - 2 : 0};
    if (size > 2 && (data[0] & 1))
        add_file(&file, data[1], rest);
    else if (size > 2)
        buf_add_str(&file, rest);
    put(&place, buf_str(&file));
    run(&place);
    unlinkat(place.root, place.name, 0);
    unlinkat(place.root, LENGTHS_DIRECTORY, AT_REMOVEDIR);
    unlinkat(place.root, ".pressrun", AT_REMOVEDIR);
    close(place.root);
    rmdir(place.path);
    buf_release(&file);
    return 0;
}
