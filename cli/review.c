// SPDX-License-Identifier: MIT
#include "cli/review.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

// The output directory's path and how messages name it; NULL: what is wrong has been told.
static const char *find_output(struct review *review, const struct options *options) {
    struct cli *cli = review->cli;
    const char *directory = options_get(options, "directory"), *output = options_get(options, "output");
    if (output && directory && chdir(directory) != 0) {
        cli_fail_os(errno, "cannot work in %s", directory);
        return NULL;
    }
    review->shown = output;
    if (output)
        return output;
    struct manifest *manifest = cli_open_manifest(cli, options);
    if (!manifest)
        return NULL;
    const char *path = NULL;
    if (manifest->output.p) {
        path = arena_copy(&cli->arena, manifest->output.p, manifest->output.n);
        review->shown = arena_copy(&cli->arena, manifest->output_shown.p, manifest->output_shown.n);
        if (!path || !review->shown)
            mem_fail(manifest->output.n);
    } else {
        cli_write_diags(cli); // it cannot be made out at all
    }
    manifest_free(manifest);
    return path;
}

bool review_open(struct review *review, struct cli *cli, const struct options *options) {
    *review = (struct review){.cli = cli, .fs = &cli->fs, .root = -1};
    const char *path = find_output(review, options);
    if (!path)
        return false;
    review->root = cli->fs.open(cli->fs.self, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (review->root < 0)
        cli_fail_os(-review->root, "cannot open the output directory %s", review->shown);
    return review->root >= 0;
}

static void note_waiting(void *context, const char *sentence) {
    (void)context;
    cli_note("%s", sentence);
}

bool review_lock(struct review *review, bool wait) {
    const struct lock_options options = {.shown = review->shown, .wait = wait, .on_wait = note_waiting};
    struct err err;
    review->locked = lock_take(review->fs, review->root, &options, &review->lock, &err) == STATUS_OK;
    if (!review->locked)
        cli_fail("%s", err.text);
    return review->locked;
}

void review_close(struct review *review) {
    if (review->locked)
        lock_release(&review->lock);
    if (review->root >= 0)
        review->fs->close(review->fs->self, review->root);
    review->root = -1;
    review->locked = false;
}

struct staging_root review_root(const struct review *review) {
    return (struct staging_root){.fs = review->fs, .root = review->root};
}
