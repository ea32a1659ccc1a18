// SPDX-License-Identifier: MIT
// A staged generation and what it would replace, as texts.
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/review/clusters.h"
#include "pipeline/review/staging_private.h"
#include "stages/emit/compare.h"

enum { LOOKED_AT_FOR_NUL = 8000 };

static enum status refuse(enum staging_state state, struct err *err) {
    return state == STAGING_NONE
               ? err_set(err, STATUS_CONFLICT, "nothing is staged; \"pressrun run --stage\" does that")
               : err_set(err, STATUS_CONFLICT,
                         "what is staged is incomplete: a run is at work on it, or did not come to its end");
}

enum status clusters_open(struct staging_root at, struct clusters_source *source, struct staging_facts *facts,
                          struct err *err) {
    enum staging_state state;
    *source = (struct clusters_source){.at = at, .generation = -1, .files = -1};
    if (staging_look(at, STAGING_STAGE, &state, facts, err) != STATUS_OK)
        return err->status;
    if (state != STAGING_COMPLETE)
        return refuse(state, err);
    int result = source->generation = staging_open(at, STAGING_STAGE);
    if (result >= 0)
        result = source->files = at.fs->open_beneath(at.fs->self, source->generation, STAGING_FILES,
                                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (result >= 0)
        return STATUS_OK;
    clusters_close(source);
    return err_os(err, -result, "cannot open %s", STAGING_STAGE);
}

void clusters_close(struct clusters_source *source) {
    const struct fs *fs = source->at.fs;
    if (source->files >= 0)
        fs->close(fs->self, source->files);
    if (source->generation >= 0)
        fs->close(fs->self, source->generation);
    source->files = source->generation = -1;
    buf_release(&source->old);
    buf_release(&source->fresh);
}

// One byte more than may be, where there are more.
static int read_text(const struct fs *fs, int dir, const char *path, struct buf *text) {
    struct stat st;
    buf_clear(text);
    int fd = fs->open_beneath(fs->self, dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    int result = fs->stat(fs->self, fd, &st);
    if (result == 0 && S_ISREG(st.st_mode)) {
        size_t most = st.st_size > CLUSTERS_BYTES ? (size_t)CLUSTERS_BYTES + 1 : (size_t)st.st_size;
        buf_reserve(text, most + 1);
        ssize_t n = compare_read(fs, fd, text->p, most);
        text->n = n < 0 ? 0 : (size_t)n;
        result = n < 0 ? (int)n : 0;
    }
    fs->close(fs->self, fd);
    return result;
}

static bool is_binary(const struct buf *text) {
    return text->n && memchr(text->p, 0, text->n < LOOKED_AT_FOR_NUL ? text->n : LOOKED_AT_FOR_NUL);
}

int clusters_read(struct clusters_source *source, enum staging_kind kind, const char *path,
                  enum clusters_what *what) {
    const struct fs *fs = source->at.fs;
    buf_clear(&source->old);
    buf_clear(&source->fresh);
    int result = kind == STAGING_ADDED ? 0 : read_text(fs, source->at.root, path, &source->old);
    if (result == 0 && kind != STAGING_REMOVED)
        result = read_text(fs, source->files, path, &source->fresh);
    *what = source->old.n > CLUSTERS_BYTES || source->fresh.n > CLUSTERS_BYTES ? CLUSTERS_LARGE
            : is_binary(&source->old) || is_binary(&source->fresh)             ? CLUSTERS_BINARY
                                                                               : CLUSTERS_TEXT;
    return result;
}
