// SPDX-License-Identifier: MIT
#include "stages/render/through_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/mem.h"

// Digests of another making are never equal to these.
static const char making[] = "pressrun through 1";
enum { PIECE = 1 << 16 };

// Each part with its length before it, so that no two lists of parts give the same bytes.
static void add_part(struct buf *parts, const void *p, size_t n) {
    const uint64_t length = n;
    buf_add(parts, (const char *)&length, sizeof length);
    buf_add(parts, p, n);
}

static void add_number(struct buf *parts, uint64_t number) {
    add_part(parts, &number, sizeof number);
}

static void add_digest(struct buf *parts, struct digest digest) {
    add_number(parts, digest.high);
    add_number(parts, digest.low);
}

static int digest_contents(const struct fs *fs, const char *path, struct digest *digest) {
    int fd = fs->open(fs->self, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -fd;
    struct digest_stream *contents = digest_stream_new();
    char *piece = mem_alloc(PIECE);
    ssize_t n;
    while ((n = fs->read(fs->self, fd, piece, PIECE)) > 0 || n == -EINTR)
        if (n > 0)
            digest_stream_add(contents, (struct str){piece, (size_t)n});
    *digest = digest_stream_output(contents, STR(""), STR(""));
    mem_free(piece);
    digest_stream_free(contents);
    fs->close(fs->self, fd);
    return n < 0 ? (int)-n : 0;
}

static bool read_script(const struct fs *fs, const char *path, struct digest *digest) {
    struct err err;
    char *text;
    size_t n;
    if (fs_read_file(fs, path, THROUGH_SCRIPT_BYTES - 1, &text, &n, &err) != STATUS_OK)
        return false; // it is larger, or may only be executed
    bool script = n > 2 && text[0] == '#' && text[1] == '!';
    *digest = digest_of((struct str){text, n});
    mem_free(text);
    return script;
}

static int add_program(const struct fs *fs, const char *path, struct buf *parts) {
    struct stat st;
    struct digest script;
    int fd = fs->open(fs->self, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return -fd;
    int result = fs->stat(fs->self, fd, &st);
    fs->close(fs->self, fd);
    if (result < 0)
        return -result;
    add_part(parts, path, strlen(path));
    if (S_ISREG(st.st_mode) && st.st_size < THROUGH_SCRIPT_BYTES && read_script(fs, path, &script)) {
        add_digest(parts, script);
        return 0;
    }
    add_number(parts, (uint64_t)st.st_size);
    add_number(parts, (uint64_t)st.st_ino);
    add_number(parts, (uint64_t)st.st_mtim.tv_sec);
    add_number(parts, (uint64_t)st.st_mtim.tv_nsec);
    return 0;
}

static enum status add_resolved(const struct fs *fs, const struct through_command *command, struct buf *parts,
                                struct err *err) {
    struct buf path = BUF_INIT;
    if (command->program[0] != '/')
        buf_printf(&path, "%s/", command->directory);
    buf_add_text(&path, command->program);
    char *resolved = realpath(buf_text(&path), NULL);
    int os = resolved ? add_program(fs, resolved, parts) : errno;
    free(resolved);
    buf_release(&path);
    return os ? err_os(err, os, "cannot look at %s", command->program) : STATUS_OK;
}

enum status through_identity(const struct fs *fs, const struct through_command *command,
                             const struct str *inputs, size_t inputs_n, struct digest *identity,
                             struct err *err) {
    struct buf parts = BUF_INIT;
    struct digest contents;
    size_t argc = 0;
    add_part(&parts, making, sizeof making);
    while (command->argv[argc])
        argc++;
    add_number(&parts, argc);
    for (size_t i = 0; i < argc; i++)
        add_part(&parts, command->argv[i], strlen(command->argv[i]));
    enum status status = add_resolved(fs, command, &parts, err);
    for (size_t i = 0; i < inputs_n && status == STATUS_OK; i++) {
        int os = digest_contents(fs, inputs[i].p, &contents);
        if (os)
            status = err_os(err, os, "cannot read %.*s", STR_ARG(inputs[i]));
        else
            add_digest(&parts, contents);
    }
    *identity = digest_of(buf_str(&parts));
    buf_release(&parts);
    return status;
}

struct digest through_key(struct digest identity, struct str text) {
    struct buf parts = BUF_INIT;
    add_digest(&parts, identity);
    add_number(&parts, text.n);
    add_digest(&parts, digest_of(text));
    struct digest key = digest_of(buf_str(&parts));
    buf_release(&parts);
    return key;
}
