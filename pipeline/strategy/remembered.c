// SPDX-License-Identifier: MIT
#include "pipeline/strategy/remembered.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/emit.h"

enum { VERSION = 1, FILE_MOST = 1 << 20 };

_Static_assert(sizeof REMEMBERED_FILE > sizeof EMIT_BOOKS, "it is one of the books");

static const char *output_of(const char *output, const struct manifest *manifest) {
    return output ? output : manifest->output.p;
}

// The manifest's own path, links in the file's name excepted.
static void add_path(const struct manifest *manifest, struct buf *out) {
    struct str name = manifest->text.name;
    size_t from = name.n;
    while (from > 0 && name.p[from - 1] != '/')
        from--;
    buf_printf(out, "%.*s/%.*s", STR_ARG(manifest->directory), STR_ARG(str_from(name, from)));
}

static json_t *new_file(void) {
    return json_pack("{s:i, s:[]}", "version", VERSION, "choices");
}

// What the file has; a new one where it has nothing that can be used.
static json_t *read_file(const struct fs *fs, const char *output) {
    struct buf path = BUF_INIT;
    char *text;
    size_t size;
    struct err err;
    json_t *file = NULL;
    buf_printf(&path, "%s/" REMEMBERED_FILE, output);
    if (fs_read_file(fs, buf_text(&path), FILE_MOST, &text, &size, &err) == STATUS_OK) {
        file = json_loadb(text, size, 0, NULL);
        mem_free(text);
    }
    buf_release(&path);
    if (json_integer_value(json_object_get(file, "version")) == VERSION &&
        json_is_array(json_object_get(file, "choices")))
        return file;
    json_decref(file);
    return new_file();
}

// Its place among the choices; their number: it has none.
static size_t find(const json_t *choices, const struct manifest *manifest) {
    struct buf path = BUF_INIT;
    size_t at = 0;
    add_path(manifest, &path);
    for (; at < json_array_size(choices); at++) {
        const char *own = json_string_value(json_object_get(json_array_get(choices, at), "manifest"));
        if (own && strcmp(own, buf_text(&path)) == 0)
            break;
    }
    buf_release(&path);
    return at;
}

static bool read_choice(const json_t *entry, struct remembered *choice) {
    const char *strategy = json_string_value(json_object_get(entry, "strategy"));
    const char *state = json_string_value(json_object_get(entry, "state"));
    const char *digest = json_string_value(json_object_get(entry, "digest"));
    json_int_t workers = json_integer_value(json_object_get(entry, "workers"));
    *choice = (struct remembered){.pinned = json_is_true(json_object_get(entry, "pinned")),
                                  .workers = workers > 0 && workers <= UINT32_MAX ? (uint32_t)workers : 0,
                                  .seconds = json_number_value(json_object_get(entry, "seconds")),
                                  .made = json_integer_value(json_object_get(entry, "made"))};
    if (!strategy || !*strategy || strlen(strategy) >= REMEMBERED_NAME || !digest ||
        !digest_parse(str_of(digest), &choice->manifest))
        return false;
    snprintf(choice->strategy, sizeof choice->strategy, "%s", strategy);
    snprintf(choice->state, sizeof choice->state, "%s", state ? state : "");
    return true;
}

bool remembered_read(const struct fs *fs, const char *output, const struct manifest *manifest,
                     struct remembered *choice) {
    json_t *file = read_file(fs, output_of(output, manifest));
    const json_t *choices = json_object_get(file, "choices");
    bool found = read_choice(json_array_get(choices, find(choices, manifest)), choice);
    json_decref(file);
    return found;
}

bool remembered_applies(const struct remembered *choice, const struct manifest *manifest, uint32_t workers) {
    return choice->pinned ||
           (choice->workers == workers && digest_equal(choice->manifest, digest_of(manifest->text.text)));
}

// ---- writing

static enum status write_text(const struct fs *fs, int root, const char *text, struct err *err) {
    static const char temporary[] = REMEMBERED_FILE EMIT_TEMPORARY_SUFFIX;
    int fd = fs->open_beneath(fs->self, root, temporary,
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_os(err, -fd, "cannot write %s", temporary);
    enum status status = fs_write_all(fs, fd, text, strlen(text), err);
    int failed = fs->close(fs->self, fd);
    if (status == STATUS_OK && failed == 0)
        failed = fs->rename(fs->self, root, temporary, root, REMEMBERED_FILE);
    if (status == STATUS_OK && failed != 0)
        status = err_os(err, -failed, "cannot write %s", REMEMBERED_FILE);
    if (status != STATUS_OK)
        fs->unlink(fs->self, root, temporary);
    return status;
}

static enum status write_file(const struct fs *fs, const char *output, const json_t *file, struct err *err) {
    struct buf books = BUF_INIT;
    buf_printf(&books, "%s/" EMIT_BOOKS, output);
    int root = fs_make_dirs(fs, AT_FDCWD, buf_text(&books), 0777);
    buf_release(&books);
    if (root >= 0)
        root = fs->open(fs->self, AT_FDCWD, output, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0)
        return err_os(err, -root, "cannot write into %s", output);
    char *text = json_dumps(file, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    enum status status =
        text ? write_text(fs, root, text, err) : err_os(err, ENOMEM, "cannot write %s", output);
    free(text);
    fs->close(fs->self, root);
    return status;
}

static json_t *choice_json(const struct manifest *manifest, const struct remembered *choice) {
    struct buf path = BUF_INIT;
    char digest[DIGEST_HEX_SIZE];
    add_path(manifest, &path);
    digest_hex(digest_of(manifest->text.text), digest);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:b, s:I, s:s, s:f, s:I}", "manifest", buf_text(&path),
                              "digest", digest, "strategy", choice->strategy, "pinned", choice->pinned,
                              "workers", (json_int_t)choice->workers, "state", choice->state, "seconds",
                              choice->seconds, "made", (json_int_t)choice->made);
    buf_release(&path);
    return entry;
}

enum status remembered_write(const struct fs *fs, const char *output, const struct manifest *manifest,
                             const struct remembered *choice, struct err *err) {
    const char *directory = output_of(output, manifest);
    json_t *entry = choice_json(manifest, choice);
    if (!entry)
        return err_set(err, STATUS_DATA, "the manifest's path is not UTF-8");
    json_t *file = read_file(fs, directory), *choices = json_object_get(file, "choices");
    json_array_remove(choices, find(choices, manifest)); // out of range: nothing
    while (json_array_size(choices) >= REMEMBERED_CHOICES)
        json_array_remove(choices, 0);
    json_array_append_new(choices, entry);
    enum status status = write_file(fs, directory, file, err);
    json_decref(file);
    return status;
}

enum status remembered_forget(const struct fs *fs, const char *output, const struct manifest *manifest,
                              struct err *err) {
    const char *directory = output_of(output, manifest);
    json_t *file = read_file(fs, directory), *choices = json_object_get(file, "choices");
    size_t at = find(choices, manifest);
    enum status status = STATUS_OK;
    if (at < json_array_size(choices)) {
        json_array_remove(choices, at);
        status = write_file(fs, directory, file, err);
    }
    json_decref(file);
    return status;
}
