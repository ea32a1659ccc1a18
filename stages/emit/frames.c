// SPDX-License-Identifier: MIT
#include "stages/emit/frames.h"

#include <zstd.h>

#include "base/mem.h"

struct frames {
    ZSTD_CCtx *context;
};

struct frames *frames_new(int level) {
    struct frames *f = MEM_NEW(struct frames);
    f->context = ZSTD_createCCtx();
    if (!f->context)
        mem_fail(sizeof *f);
    ZSTD_CCtx_setParameter(f->context, ZSTD_c_compressionLevel, level ? level : FRAMES_DEFAULT_LEVEL);
    ZSTD_CCtx_setParameter(f->context, ZSTD_c_checksumFlag, 1);
    return f;
}

void frames_free(struct frames *f) {
    if (!f)
        return;
    ZSTD_freeCCtx(f->context);
    mem_free(f);
}

void frames_drop(struct frames *f) {
    ZSTD_CCtx_reset(f->context, ZSTD_reset_session_only);
}

static enum status fault(struct frames *f, size_t code, struct err *err) {
    frames_drop(f);
    return err_set(err, STATUS_MEMORY, "cannot compress: %s", ZSTD_getErrorName(code));
}

enum status frames_add(struct frames *f, struct str text, struct buf *out, struct err *err) {
    buf_reserve(out, ZSTD_compressBound(text.n));
    size_t n = ZSTD_compress2(f->context, out->p + out->n, out->cap - out->n, text.p, text.n);
    if (ZSTD_isError(n))
        return fault(f, n, err);
    out->n += n;
    return STATUS_OK;
}

enum status frames_add_piece(struct frames *f, struct str piece, bool last, struct buf *out,
                             struct err *err) {
    ZSTD_inBuffer in = {.src = piece.p, .size = piece.n};
    size_t left;
    do {
        buf_reserve(out, ZSTD_CStreamOutSize());
        ZSTD_outBuffer to = {.dst = out->p + out->n, .size = out->cap - out->n};
        left = ZSTD_compressStream2(f->context, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return fault(f, left, err);
        out->n += to.pos;
    } while (in.pos < in.size || (last && left > 0));
    return STATUS_OK;
}
