// SPDX-License-Identifier: MIT
/*
 * JSON lines: one record a line. Bytes are read straight into the batch; what is left after its last whole line
 * is carried over to the next one. The buffer grows only for a line that does not fit, up to record_bytes;
 * beyond that the line is passed over without being kept.
 */
#include "base/mem.h"
#include "stages/load/carry.h"

struct jsonl {
    struct loader base;
    struct carry carry;
    uint64_t line; // of the next line, from 1
    uint64_t byte; // of the next line's start
};

static bool is_blank(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
            return false;
    return true;
}

static void add_line(struct jsonl *loader, struct batch *batch, size_t from, size_t to, size_t size) {
    struct str text = {batch->bytes + from, to - from};
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    if (!is_blank(text)) {
        struct item *item = loader_add(&loader->base, batch, from, loader->line, loader->byte);
        item->raw.n = text.n;
        if (text.n > loader->base.record_bytes)
            loader_too_long(&loader->base, batch, item);
    }
    loader->line++;
    loader->byte += size;
}

// Passes over the rest of a line that is too long. `have` bytes of it are in the batch from `from` on.
static enum status skip_line(struct jsonl *loader, struct batch *batch, size_t from, size_t have,
                             struct err *err) {
    struct item *item = loader_add(&loader->base, batch, from, loader->line, loader->byte);
    loader_too_long(&loader->base, batch, item);
    uint64_t size = have;
    loader_reserve(batch, from + loader->base.batch_bytes);
    char *at = batch->bytes + from;
    for (;;) {
        size_t got;
        if (input_read(loader->base.input, at, loader->base.batch_bytes, &got, err) != STATUS_OK)
            return err->status;
        const char *end = got ? memchr(at, '\n', got) : NULL;
        if (got == 0)
            loader->carry.ended = true;
        if (end || got == 0) {
            size_t used = end ? (size_t)(end - at) + 1 : 0;
            buf_add(&loader->carry.rest, at + used, got - used);
            loader->line++;
            loader->byte += size + used;
            return STATUS_OK;
        }
        size += got;
    }
}

// Splits the bytes of the batch into lines; what does not make a whole line is carried over.
static size_t split(struct jsonl *loader, struct batch *batch, size_t from) {
    while (from < batch->bytes_n && batch->items_n < loader->base.batch_records) {
        const char *start = batch->bytes + from;
        const char *end = memchr(start, '\n', batch->bytes_n - from);
        size_t n = end ? (size_t)(end - start) : batch->bytes_n - from;
        if (!end && !loader->carry.ended)
            break;
        add_line(loader, batch, from, from + n, n + (end != NULL));
        from += n + (end != NULL);
    }
    return from;
}

static void fill(struct jsonl *loader, struct batch *batch, size_t want) {
    loader_reserve(batch, want);
    carry_fill(&loader->carry, loader->base.input, batch, want);
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct jsonl *loader = (struct jsonl *)base;
    size_t from = 0, want = base->batch_bytes;
    carry_out(&loader->carry, batch, want);
    for (;;) {
        fill(loader, batch, want);
        from = split(loader, batch, from);
        if (batch->items_n > 0 || loader->carry.ended)
            break;
        if (loader->carry.failure.status != STATUS_OK) { // what is left of the last line is no record
            *err = loader->carry.failure;
            return err->status;
        }
        if (from == batch->bytes_n) { // blank lines only
            batch->bytes_n = from = 0;
            continue;
        }
        size_t part = batch->bytes_n - from;
        if (part > base->record_bytes + 1) // one more for an end of line that is two bytes
            return skip_line(loader, batch, from, part, err);
        size_t most = base->record_bytes + 2, more = part * 2 + base->batch_bytes;
        want = from + (more < most ? more : most);
    }
    carry_in(&loader->carry, batch, from, 4 * base->batch_bytes);
    return STATUS_OK;
}

static void free_loader(struct loader *base) {
    struct jsonl *loader = (struct jsonl *)base;
    carry_release(&loader->carry);
    mem_free(loader);
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    struct jsonl *loader = MEM_NEW(struct jsonl);
    loader->base.pull = pull;
    loader->base.free = free_loader;
    loader->base.raw_tells = true;
    loader->line = 1;
    enum status status = STATUS_OK;
    if (options->pointer.n)
        status = err_set(err, STATUS_DATA, "%.*s: a pointer is for JSON documents, not for JSON lines",
                         STR_ARG(options->name));
    else
        status = loader_init(&loader->base, options, err);
    if (status != STATUS_OK) {
        free_loader(&loader->base);
        return status;
    }
    *out = &loader->base;
    return STATUS_OK;
}

static const char *const extensions[] = {".jsonl", ".ndjson", NULL};

const struct load_format load_jsonl = {
    .name = "jsonl",
    .extensions = extensions,
    .doc = "JSON lines: one JSON object a line",
    .like_front_matter = true,
    .open = open,
};
