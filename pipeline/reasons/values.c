// SPDX-License-Identifier: MIT
/*
 * The file: "pressrun values 1 CHECKSUM\n" and a line for each value, the oldest first: "HASH TEXT\n", numbers in 16
 * hex digits. Texts are JSON and so have no line ends. The checksum is of all lines.
 */
#include "pipeline/reasons/values.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

#define HEAD      "pressrun values 1 "
#define TEMPORARY VALUES_FILE EMIT_TEMPORARY_SUFFIX

enum { SLOTS = 4 * VALUES_MOST, ROOM = 2 * VALUES_MOST, HEX = 16 };
enum { FILE_MOST = 64 + VALUES_MOST * (HEX + VALUES_TEXT + 2) };

struct kept {
    uint64_t hash;
    uint8_t n;
    char text[VALUES_TEXT];
};

struct values {
    size_t n;
    struct kept kept[ROOM];
    uint16_t slots[SLOTS]; // place + 1
};

struct values *values_new(void) {
    return MEM_NEW(struct values);
}

void values_free(struct values *values) {
    mem_free(values);
}

static size_t slot_of(const struct values *values, uint64_t hash) {
    size_t i = hash % SLOTS;
    while (values->slots[i] && values->kept[values->slots[i] - 1].hash != hash)
        i = (i + 1) % SLOTS;
    return i;
}

struct str values_find(const struct values *values, uint64_t hash) {
    const uint16_t place = values->slots[slot_of(values, hash)];
    const struct kept *kept = &values->kept[place ? place - 1 : 0];
    return place ? (struct str){kept->text, kept->n} : (struct str){NULL, 0};
}

size_t values_count(const struct values *values) {
    return values->n;
}

bool values_add(struct values *values, uint64_t hash, struct str text) {
    const size_t slot = slot_of(values, hash);
    if (values->slots[slot])
        return true;
    if (values->n == ROOM || text.n > VALUES_TEXT)
        return false;
    struct kept *kept = &values->kept[values->n++];
    kept->hash = hash;
    kept->n = (uint8_t)text.n;
    if (text.n)
        memcpy(kept->text, text.p, text.n);
    values->slots[slot] = (uint16_t)values->n;
    return true;
}

static void add_kept(struct values *values, const struct kept *kept) {
    values_add(values, kept->hash, (struct str){kept->text, kept->n});
}

void values_take(struct values *values, const struct values *newer) {
    struct values *merged = values_new();
    for (size_t i = 0; i < values->n; i++)
        if (!values_find(newer, values->kept[i].hash).p)
            add_kept(merged, &values->kept[i]);
    for (size_t i = 0; i < newer->n; i++)
        add_kept(merged, &newer->kept[i]);
    *values = *merged;
    values_free(merged);
}

// Reading -------------------------------------------------------------------------------------------------------

static bool take_hex(struct str *text, uint64_t *number) {
    char digits[HEX + 1] = {0};
    if (text->n <= HEX)
        return false;
    memcpy(digits, text->p, HEX);
    if (strspn(digits, "0123456789abcdef") != HEX)
        return false;
    *number = strtoull(digits, NULL, 16);
    *text = str_from(*text, HEX);
    return true;
}

static void take_line(struct values *values, struct str line) {
    uint64_t hash;
    if (take_hex(&line, &hash) && line.p[0] == ' ')
        values_add(values, hash, str_from(line, 1));
}

static void take_file(struct values *values, struct str text) {
    uint64_t sum;
    if (!str_starts(text, STR(HEAD)))
        return;
    text = str_from(text, sizeof HEAD - 1);
    if (!take_hex(&text, &sum) || text.p[0] != '\n' || digest_of(str_from(text, 1)).low != sum)
        return;
    for (size_t from = 1, end; from < text.n; from = end + 1) {
        const char *found = memchr(text.p + from, '\n', text.n - from);
        end = found ? (size_t)(found - text.p) : text.n;
        take_line(values, str_slice(text, from, end));
    }
}

void values_read(struct values *values, const struct fs *fs, int root) {
    struct buf text = BUF_INIT;
    int fd =
        root < 0 ? -1 : fs->open_beneath(fs->self, root, VALUES_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return;
    for (ssize_t got = 1; got > 0 && text.n <= FILE_MOST;) {
        buf_reserve(&text, 64 << 10);
        got = fs->read(fs->self, fd, text.p + text.n, text.cap - text.n);
        text.n += got > 0 ? (size_t)got : 0;
    }
    fs->close(fs->self, fd);
    if (text.n && text.n <= FILE_MOST)
        take_file(values, buf_str(&text));
    buf_release(&text);
}

// Writing -------------------------------------------------------------------------------------------------------

bool values_write(const struct values *values, const struct fs *fs, int root) {
    struct buf lines = BUF_INIT, file = BUF_INIT;
    struct err err;
    for (size_t i = values->n > VALUES_MOST ? values->n - VALUES_MOST : 0; i < values->n; i++) {
        const struct kept *kept = &values->kept[i];
        buf_printf(&lines, "%016" PRIx64 " ", kept->hash);
        buf_add(&lines, kept->text, kept->n);
        buf_add_char(&lines, '\n');
    }
    buf_printf(&file, HEAD "%016" PRIx64 "\n", digest_of(buf_str(&lines)).low);
    buf_add_str(&file, buf_str(&lines));
    int fd = fs->open_beneath(fs->self, root, TEMPORARY,
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool written = fd >= 0 && fs_write_all(fs, fd, file.p, file.n, &err) == STATUS_OK;
    written = fd >= 0 && fs->close(fs->self, fd) == 0 && written;
    written = written && fs->rename(fs->self, root, TEMPORARY, root, VALUES_FILE) == 0;
    if (fd >= 0 && !written)
        fs->unlink(fs->self, root, TEMPORARY);
    buf_release(&lines);
    buf_release(&file);
    return written;
}
