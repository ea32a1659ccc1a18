// SPDX-License-Identifier: MIT
#include "stages/load/load.h"

#include <stdio.h>

#include "base/mem.h"
#include "stages/load/loader.h"

enum { BATCH_BYTES = 256 << 10, BATCH_RECORDS = 4096, RECORD_BYTES = 256 << 20 };

extern const struct load_format load_jsonl, load_json, load_csv, load_tsv, load_files, load_sqlite,
    load_postgresql;
const struct load_format *const load_formats[] = {
    &load_jsonl, &load_json, &load_csv, &load_tsv, &load_files, &load_sqlite, &load_postgresql, NULL,
};

const char *column_type_name(size_t i) {
    static const char *const names[] = {"text", "integer", "number", "boolean", "json", NULL};
    return names[i];
}

const struct load_format *load_format_named(struct str name) {
    for (size_t i = 0; load_formats[i]; i++)
        if (str_is(name, load_formats[i]->name))
            return load_formats[i];
    return NULL;
}

const struct load_format *load_format_for(struct str path) {
    if (str_ends(path, STR(".zst")))
        path.n -= 4;
    for (size_t i = 0; load_formats[i]; i++)
        for (const char *const *extension = load_formats[i]->extensions; *extension; extension++)
            if (str_ends(path, str_of(*extension)))
                return load_formats[i];
    return NULL;
}

bool load_format_has_key(const struct load_format *format, struct str key) {
    for (const char *const *own = format->keys; own && *own; own++)
        if (str_is(key, *own))
            return true;
    return false;
}

enum status load_open(const struct load_options *options, struct loader **out, struct err *err) {
    const struct load_format *format;
    if (options->format.p)
        format = load_format_named(options->format);
    else if (strcmp(options->path, "-") == 0)
        format = load_formats[0];
    else
        format = load_format_for(str_of(options->path));
    if (!format)
        return err_set(err, STATUS_DATA, "%.*s: the format is not known from the name",
                       STR_ARG(options->name));
    return format->open(options, out, err);
}

void load_set_batch(struct loader *loader, size_t records, size_t bytes) {
    loader->batch_records = records;
    loader->batch_bytes = bytes;
}

enum status load_pull(struct loader *loader, struct batch *batch, struct err *err) {
    if (loader->pending.status != STATUS_OK) {
        *err = loader->pending;
        return err->status;
    }
    enum status status = loader->pull(loader, batch, err);
    loader_settle(batch);
    if (status != STATUS_OK)
        loader->pending = *err;
    return batch->items_n > 0 ? STATUS_OK : status;
}

bool load_ready(struct loader *loader) {
    return !loader->ready || loader->pending.status != STATUS_OK || loader->ready(loader);
}

uint32_t load_ahead_wanted(struct loader *loader) {
    return loader->ahead_wanted && loader->pending.status == STATUS_OK ? loader->ahead_wanted(loader) : 0;
}

bool load_ahead(struct loader *loader) {
    return loader->ahead(loader);
}

const char *load_remark(const struct loader *loader) {
    return loader->remark;
}

uint64_t load_bytes_read(const struct loader *loader) {
    return loader->input ? input_bytes_read(loader->input) : atomic_load(&loader->read);
}

uint64_t load_bytes_total(const struct loader *loader) {
    return loader->input ? input_bytes_total(loader->input) : atomic_load(&loader->total);
}

struct load_left_out load_left_out(const struct loader *loader) {
    return loader->left_out;
}

void load_close(struct loader *loader) {
    if (!loader)
        return;
    if (loader->input)
        input_close(loader->input);
    loader->free(loader);
}

// Parsing ----------------------------------------------------------------------------------------------------

// The fault's place in the source: the diag is made from the record's own text, then moved to where that stands.
static void fail_at(const struct loader *loader, struct batch *batch, struct item *item, struct str record,
                    size_t at, const char *text) {
    const struct source_text source = {loader->name, record};
    struct diag *diag = arena_alloc(&batch->arena, sizeof *diag);
    const struct diag *made = diag_make(&batch->arena, &source, (struct span){(uint32_t)at, 1}, "%s", text);
    item->error = made;
    if (!diag)
        return;
    *diag = *made;
    if (diag->line == 1 && item->column > 0)
        diag->column += (uint32_t)(item->column - 1);
    if (diag->line > 0)
        diag->line += (uint32_t)(item->line - 1);
    item->error = diag;
}

void loader_fail(const struct loader *loader, struct batch *batch, struct item *item, size_t at,
                 const char *text) {
    fail_at(loader, batch, item, item->raw, at, text);
    item->record = value_missing();
    item->error_byte = item->byte + at;
}

// A short text like "[[],[],[]]" makes values many times its size.
void loader_bound_values(const struct loader *loader, struct batch *batch) {
    size_t least = (size_t)64 << 20;
    size_t bytes = loader->record_bytes < SIZE_MAX / 4 ? loader->record_bytes * 4 : SIZE_MAX / 4;
    arena_limit(&batch->arena, arena_used(&batch->arena) + (bytes > least ? bytes : least));
}

static void parse_object(const struct loader *loader, struct reader *reader, struct batch *batch,
                         struct item *item) {
    loader_bound_values(loader, batch);
    enum status status = reader_parse(reader, item->raw, &batch->arena, &item->record);
    arena_limit(&batch->arena, 0);
    if (status == STATUS_MEMORY)
        loader_fail(loader, batch, item, 0,
                    "the values of the record need too much memory (limits: record_bytes)");
    else if (status != STATUS_OK)
        loader_fail(loader, batch, item, reader->fault_at, reader->fault);
    else if (item->record.tag != VALUE_MAP)
        loader_fail(loader, batch, item, 0, "a record must be a JSON object");
}

static void parse_item(const struct loader *loader, struct reader *reader, struct batch *batch,
                       struct item *item) {
    if (loader->parse)
        loader->parse(loader, reader, batch, item);
    else
        parse_object(loader, reader, batch, item);
}

void load_parse(const struct loader *loader, struct reader *reader, struct batch *batch) {
    for (size_t i = 0; i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        const struct field_count fields = reader->fields;
        if (!item->error && !item->unwanted)
            parse_item(loader, reader, batch, item);
        if (item->error)
            reader->fields = fields;
    }
}

bool load_parse_full(const struct loader *loader, struct shapes *shapes, const struct item *item,
                     struct batch *into, struct value *out) {
    struct item full = *item;
    struct reader reader;
    if (loader->parse && !loader->parses_again)
        return false;
    reader_init(&reader, shapes, NULL);
    parse_item(loader, &reader, into, &full);
    reader_release(&reader);
    *out = full.record;
    return !full.error;
}

bool load_tells_raw(const struct loader *loader) {
    return loader->raw_tells;
}

bool load_raw_digest(const struct loader *loader, const struct item *item, struct digest *raw) {
    if (!loader->raw_tells || item->error)
        return false;
    *raw = digest_of(item->raw);
    raw->high ^= loader->context.high;
    raw->low ^= loader->context.low;
    return true;
}

// For the formats --------------------------------------------------------------------------------------------

void loader_take_options(struct loader *loader, const struct load_options *options) {
    loader->name = options->name;
    loader->batch_bytes = options->batch_bytes ? options->batch_bytes : BATCH_BYTES;
    loader->batch_records = options->batch_records ? options->batch_records : BATCH_RECORDS;
    loader->record_bytes = options->record_bytes ? options->record_bytes : RECORD_BYTES;
}

enum status loader_init(struct loader *loader, const struct load_options *options, struct err *err) {
    loader_take_options(loader, options);
    return input_open(options, &loader->input, err);
}

struct item *loader_add(struct loader *loader, struct batch *batch, size_t offset, uint64_t line,
                        uint64_t byte) {
    struct item *item = batch_add(batch);
    item->raw = (struct str){NULL, 0};
    item->error_byte = offset; // until loader_settle
    item->ordinal = loader->ordinal++;
    item->line = line;
    item->byte = byte + (loader->input ? input_skipped(loader->input) : 0);
    return item;
}

void loader_settle(struct batch *batch) {
    for (size_t i = 0; i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        item->raw.p = item->raw.n ? batch->bytes + item->error_byte : "";
        item->error_byte = item->byte;
    }
}

void loader_too_long(const struct loader *loader, struct batch *batch, struct item *item) {
    char text[LOADER_TEXT_SIZE];
    fail_at(loader, batch, item, STR(""), 0, loader_too_long_text(loader, text));
}

const char *loader_too_long_text(const struct loader *loader, char text[LOADER_TEXT_SIZE]) {
    snprintf(text, LOADER_TEXT_SIZE, "the record is longer than %zu bytes (limits: record_bytes)",
             loader->record_bytes);
    return text;
}

void loader_reserve(struct batch *batch, size_t bytes) {
    MEM_GROW(batch->bytes, batch->bytes_cap, bytes);
}
