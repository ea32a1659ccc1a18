// SPDX-License-Identifier: MIT
// Manifests over any bytes, YAML and JSON: a model or errors, never both, never neither.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pipeline/manifest/manifest.h"
#include "tests/fuzz/fuzz.h"

struct one_file {
    struct fs real;
    int fd;
};

// The manifest is the memory file; nothing else exists.
static int open_one(void *self, int dir, const char *path, int flags, mode_t mode) {
    const struct one_file *one = self;
    (void)dir;
    (void)flags;
    (void)mode;
    if (!strstr(path, "pressrun."))
        return -ENOENT;
    int fd = dup(one->fd);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct one_file one = {.real = fs_system(), .fd = memfd_create("manifest", MFD_CLOEXEC)};
    if (one.fd < 0 || write(one.fd, data, size) != (ssize_t)size)
        abort();
    struct fs fs = one.real;
    fs.self = &one;
    fs.open = open_one;
    bool json = size > 0 && data[0] == '{';
    struct arena arena;
    struct diags diags;
    struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    struct manifest *manifest = manifest_read(&fs, json ? "pressrun.json" : "pressrun.yaml", &diags);
    if (manifest->sound != (diags.errors == 0))
        abort();
    for (const struct diag *diag = diags.first; diag; diag = diag->next)
        diag_write(diag, true, &text);
    manifest_free(manifest);
    buf_release(&text);
    arena_release(&arena);
    close(one.fd);
    return 0;
}
