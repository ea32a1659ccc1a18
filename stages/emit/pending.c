// SPDX-License-Identifier: MIT
#include "stages/emit/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "stages/emit/compare.h"

enum { TEXTS_KEPT = 1 << 20 };

static struct str path_of(const struct pending_output *output) {
    return str_of(output->path);
}

static const char *name_of(const struct pending_output *output) {
    const char *slash = strrchr(output->path, '/');
    return slash ? slash + 1 : output->path;
}

static struct str text_of(const struct pending *p, const struct pending_output *output) {
    return (struct str){p->texts.p + output->text_at, (size_t)output->stored};
}

static void remove_temporary(const struct pending_output *output, struct directories *directories) {
    bool made;
    if (!output->temporary[0])
        return;
    int fd = directories_find(directories, path_of(output), &made);
    if (fd >= 0)
        directories->fs->unlink(directories->fs->self, fd, output->temporary);
}

static void forget(struct pending *p) {
    for (size_t i = 0; i < p->outputs_n; i++)
        mem_free(p->outputs[i].path);
    p->outputs_n = 0;
    buf_clear(&p->texts);
    buf_shrink(&p->texts, TEXTS_KEPT);
}

static void drop(struct pending *p, struct directories *directories) {
    for (size_t i = 0; i < p->outputs_n; i++)
        remove_temporary(&p->outputs[i], directories);
    forget(p);
}

void pending_release(struct pending *p, struct directories *directories) {
    drop(p, directories);
    mem_free(p->outputs);
    buf_release(&p->texts);
    buf_release(&p->room);
    *p = (struct pending){0};
}

static struct pending_output *add(struct pending *p, struct str path, uint64_t bytes, uint64_t stored) {
    MEM_GROW(p->outputs, p->outputs_cap, p->outputs_n + 1);
    struct pending_output *output = &p->outputs[p->outputs_n++];
    *output = (struct pending_output){.path = mem_copy(path.p, path.n), .bytes = bytes, .stored = stored};
    return output;
}

void pending_add_file(struct pending *p, struct str path, const char *temporary, uint64_t bytes,
                      uint64_t stored) {
    struct pending_output *output = add(p, path, bytes, stored);
    snprintf(output->temporary, sizeof output->temporary, "%s", temporary);
}

bool pending_add_text(struct pending *p, struct str path, struct str text, uint64_t bytes,
                      struct digest before, size_t stamp) {
    if (p->texts.n + text.n > PENDING_TEXTS_MAX)
        return false;
    struct pending_output *output = add(p, path, bytes, text.n);
    output->text_at = p->texts.n;
    output->before = before;
    output->stamp = stamp;
    buf_add_str(&p->texts, text);
    return true;
}

// The journal's lines of all that will be overwritten.
static int note(struct pending *p, struct inplace *journal) {
    buf_clear(&p->room);
    for (size_t i = 0; i < p->outputs_n; i++) {
        const struct pending_output *output = &p->outputs[i];
        if (!output->temporary[0])
            inplace_add_line(&p->room, (struct inplace_entry){.before = output->before,
                                                              .after = digest_of(text_of(p, output)),
                                                              .path = path_of(output)});
    }
    return p->room.n > 0 ? inplace_note(journal, buf_str(&p->room)) : 0;
}

// What the file holds, which is still what the journal says; -ESTALE.
static int read_before(struct pending *p, const struct pending_output *output, const struct fs *fs,
                       int directory, struct stat *st) {
    int fd = compare_open(fs, directory, name_of(output), O_RDONLY, st);
    if (fd < 0)
        return fd;
    buf_clear(&p->room);
    buf_reserve(&p->room, INPLACE_MAX + 1);
    ssize_t n = compare_read(fs, fd, p->room.p, INPLACE_MAX + 1);
    fs->close(fs->self, fd);
    p->room.n = n < 0 ? 0 : (size_t)n;
    if (n < 0)
        return (int)n;
    return digest_equal(digest_of(buf_str(&p->room)), output->before) ? 0 : -ESTALE;
}

static int overwrite(struct pending *p, const struct pending_output *output, const struct fs *fs,
                     int directory, struct inplace *journal, struct lane_stamp *stamps) {
    struct stat st;
    enum inplace_left left;
    int result = read_before(p, output, fs, directory, &st);
    if (result < 0)
        return result;
    result =
        inplace_overwrite(fs, directory, name_of(output), &st, buf_str(&p->room), text_of(p, output), &left);
    if (result < 0 && left == INPLACE_TORN)
        inplace_tore(journal);
    if (result == 0 && stamps && fs->stat_at(fs->self, directory, name_of(output), &st) == 0)
        stamps[output->stamp] = lane_stamp_of(&st);
    return result;
}

static int publish(struct pending *p, const struct pending_output *output, struct directories *directories,
                   struct inplace *journal, struct lane_stamp *stamps) {
    const struct fs *fs = directories->fs;
    bool made;
    int fd = directories_find(directories, path_of(output), &made);
    if (fd < 0)
        return fd;
    if (!output->temporary[0])
        return overwrite(p, output, fs, fd, journal, stamps);
    return fs->rename(fs->self, fd, output->temporary, fd, name_of(output));
}

static enum status tell(struct err *err, int result, const struct pending_output *first, size_t failed) {
    place_error(err, -result, path_of(first));
    size_t n = strlen(err->text);
    if (failed > 1)
        snprintf(err->text + n, sizeof err->text - n, " (and %zu more of its batch)", failed - 1);
    return STATUS_IO;
}

enum status pending_publish(struct pending *p, struct directories *directories, struct inplace *journal,
                            int disk, struct lane_stamp *stamps, struct lane_result *result,
                            struct err *err) {
    const struct fs *fs = directories->fs;
    if (p->outputs_n == 0)
        return STATUS_OK;
    int fault = note(p, journal);
    if (fault == 0)
        fault = fs->sync(fs->self, disk);
    if (fault < 0) {
        tell(err, fault, &p->outputs[0], p->outputs_n);
        drop(p, directories);
        return STATUS_IO;
    }
    const struct pending_output *first = NULL;
    size_t failed = 0;
    for (size_t i = 0; i < p->outputs_n; i++) {
        const struct pending_output *output = &p->outputs[i];
        int published = publish(p, output, directories, journal, stamps);
        if (published < 0) {
            fault = first ? fault : published;
            first = first ? first : output;
            failed++;
            remove_temporary(output, directories);
            continue;
        }
        result->written++;
        result->bytes += output->bytes;
        result->stored += output->stored;
    }
    enum status status = first ? tell(err, fault, first, failed) : STATUS_OK;
    forget(p);
    return status;
}
