// SPDX-License-Identifier: MIT
/*
 * CSV and TSV: RFC 4180, a record per line unless quotes hold the line's end. Pulling only finds where records end;
 * the fields are split and made values when the batch is parsed (csv_values.h).
 *
 * Lines end with LF or CRLF; a carriage return alone is text. A line with nothing at all is no record, in a file of
 * one column too. A quote that opens at a field's start must be closed: by the end of the file, or that record
 * fails; within record_bytes, or nobody can tell where the next record begins, and that is the end of the source.
 */
#include "base/mem.h"
#include "stages/load/carry.h"
#include "stages/load/csv/csv_scan.h"
#include "stages/load/csv/csv_values.h"

struct csv {
    struct loader base;
    struct csv_columns *columns; // apart, since parsing adds to it
    struct carry carry;
    struct csv_scan scan; // of the record that is being looked for
    uint64_t line, byte;  // of its start
    char delimiter;
    bool header; // it is the header
};

static void next_record(struct csv *csv, uint64_t size, bool line_end) {
    csv->line += csv->scan.lines + line_end;
    csv->byte += size;
    csv_scan_begin(&csv->scan, csv->delimiter, csv->base.record_bytes);
}

static enum status header_too_long(const struct csv *csv, struct err *err) {
    return err_set(err, STATUS_LIMIT, "%.*s:%llu: the header is longer than %zu bytes (limits: record_bytes)",
                   STR_ARG(csv->base.name), (unsigned long long)csv->line, csv->base.record_bytes);
}

static enum status quotes_too_long(const struct csv *csv, struct err *err) {
    return err_set(
        err, STATUS_LIMIT,
        "%.*s:%llu: the quote that opens on this line is not closed within the %zu bytes of a record "
        "(limits: record_bytes), so what follows cannot be told apart",
        STR_ARG(csv->base.name), (unsigned long long)(csv->line + csv->scan.quote_lines),
        csv->base.record_bytes);
}

// A whole record, from..to of the batch's bytes, without the line's end but for a carriage return.
static enum status add_record(struct csv *csv, struct batch *batch, size_t from, size_t to, struct err *err) {
    struct str text = {batch->bytes + from, to - from};
    if (text.n && text.p[text.n - 1] == '\r' && !csv->scan.quoted)
        text.n--;
    if (text.n == 0)
        return STATUS_OK;
    if (csv->header) {
        csv->header = false;
        if (text.n > csv->base.record_bytes)
            return header_too_long(csv, err);
        csv->base.context = digest_of(text);
        return csv_columns_header(csv->columns, csv->delimiter, text, csv->line, err);
    }
    struct item *item = loader_add(&csv->base, batch, from, csv->line, csv->byte);
    item->raw.n = text.n;
    if (text.n > csv->base.record_bytes)
        loader_too_long(&csv->base, batch, item);
    return STATUS_OK;
}

// Adds the records that are whole; *from becomes where the first one that is not begins.
static enum status split(struct csv *csv, struct batch *batch, size_t *from, struct err *err) {
    struct loader *base = &csv->base;
    while (*from < batch->bytes_n && batch->items_n < base->batch_records) {
        const struct str rest = {batch->bytes + *from, batch->bytes_n - *from};
        enum csv_end found = csv_scan_end(&csv->scan, csv->delimiter, rest, csv->carry.ended);
        if (found == CSV_MORE)
            break;
        if (found == CSV_RUNAWAY) {
            if (csv->scan.quote > base->record_bytes && !csv->header) // too long before that
                loader_too_long(base, batch, loader_add(base, batch, *from, csv->line, csv->byte));
            return quotes_too_long(csv, err);
        }
        size_t n = csv->scan.at;
        bool line_end = n < rest.n;
        if (add_record(csv, batch, *from, *from + n, err) != STATUS_OK)
            return err->status;
        *from += n + line_end;
        next_record(csv, n + line_end, line_end);
    }
    return STATUS_OK;
}

// Passes over the rest of a record that is too long; what there is of it begins at `from`.
static enum status skip_record(struct csv *csv, struct batch *batch, size_t from, struct err *err) {
    struct loader *base = &csv->base;
    loader_too_long(base, batch, loader_add(base, batch, from, csv->line, csv->byte));
    size_t n = batch->bytes_n - from, got;
    loader_reserve(batch, batch->bytes_n + base->batch_bytes + CSV_PAD);
    char *at = batch->bytes + from;
    enum csv_end found;
    while ((found = csv_scan_end(&csv->scan, csv->delimiter, (struct str){at, n}, csv->carry.ended)) ==
           CSV_MORE) {
        size_t passed = csv->scan.at;
        csv_scan_drop(&csv->scan, (struct str){at, n});
        n -= passed;
        memmove(at, at + passed, n);
        if (input_read(base->input, at + n, base->batch_bytes, &got, err) != STATUS_OK)
            return err->status;
        csv->carry.ended = got == 0;
        n += got;
        memset(at + n, 0, CSV_PAD);
    }
    if (found == CSV_RUNAWAY)
        return quotes_too_long(csv, err);
    size_t end = csv->scan.at;
    bool line_end = end < n;
    buf_add(&csv->carry.rest, at + end + line_end, n - end - line_end);
    next_record(csv, csv->scan.gone + end + line_end, line_end);
    return STATUS_OK;
}

static void fill(struct csv *csv, struct batch *batch, size_t want) {
    loader_reserve(batch, want + CSV_PAD);
    carry_fill(&csv->carry, csv->base.input, batch, want);
    memset(batch->bytes + batch->bytes_n, 0, CSV_PAD);
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct csv *csv = (struct csv *)base;
    size_t from = 0, want = base->batch_bytes;
    carry_out(&csv->carry, batch, want + CSV_PAD);
    for (;;) {
        fill(csv, batch, want);
        if (split(csv, batch, &from, err) != STATUS_OK)
            return err->status;
        if (batch->items_n > 0 || csv->carry.ended)
            break;
        if (csv->carry.failure.status != STATUS_OK) { // what is left of the last record is none
            *err = csv->carry.failure;
            return err->status;
        }
        if (from == batch->bytes_n) { // blank lines, or the header
            batch->bytes_n = from = 0;
            continue;
        }
        size_t part = batch->bytes_n - from;
        if (part > base->record_bytes + 1) // one more for an end of line that is two bytes
            return csv->header ? header_too_long(csv, err) : skip_record(csv, batch, from, err);
        size_t most = base->record_bytes + 2, more = part * 2 + base->batch_bytes;
        want = from + (more < most ? more : most);
    }
    carry_in(&csv->carry, batch, from, 4 * base->batch_bytes);
    return STATUS_OK;
}

static void parse(const struct loader *base, struct reader *reader, struct batch *batch, struct item *item) {
    const struct csv *csv = (const struct csv *)base;
    csv_values_parse(base, csv->columns, csv->delimiter, reader, batch, item);
}

static void free_loader(struct loader *base) {
    struct csv *csv = (struct csv *)base;
    csv_columns_release(csv->columns);
    mem_free(csv->columns);
    carry_release(&csv->carry);
    mem_free(csv);
}

static enum status check(const struct load_options *options, struct err *err) {
    char d = options->delimiter;
    if (d == '"' || d == '\r' || d == '\n' || (unsigned char)d >= 0x80)
        return err_set(
            err, STATUS_DATA,
            "%.*s: the delimiter must be one ASCII character, and neither a quote nor a line's end",
            STR_ARG(options->name));
    if (options->header == LOAD_HEADER_NO && options->columns_n == 0)
        return err_set(err, STATUS_DATA, "%.*s: without a header, columns must name the columns",
                       STR_ARG(options->name));
    if (options->pointer.n)
        return err_set(err, STATUS_DATA, "%.*s: a pointer is for JSON documents, not for CSV",
                       STR_ARG(options->name));
    return STATUS_OK;
}

static enum status open(const struct load_options *options, char delimiter, struct loader **out,
                        struct err *err) {
    struct csv *csv = MEM_NEW(struct csv);
    csv->base.pull = pull;
    csv->base.parse = parse;
    csv->base.parses_again = true;
    csv->base.raw_tells = true;
    csv->base.free = free_loader;
    csv->columns = MEM_NEW(struct csv_columns);
    csv->line = 1;
    csv->delimiter = options->delimiter ? options->delimiter : delimiter;
    csv->header = options->header == LOAD_HEADER_YES ||
                  (options->header == LOAD_HEADER_AUTO && options->columns_n == 0);
    enum status status = check(options, err);
    if (status == STATUS_OK)
        status = csv_columns_init(csv->columns, options, err);
    if (status == STATUS_OK)
        status = loader_init(&csv->base, options, err);
    if (status != STATUS_OK) {
        free_loader(&csv->base);
        return status;
    }
    csv_scan_begin(&csv->scan, csv->delimiter, csv->base.record_bytes);
    *out = &csv->base;
    return STATUS_OK;
}

static enum status open_csv(const struct load_options *options, struct loader **out, struct err *err) {
    return open(options, ',', out, err);
}

static enum status open_tsv(const struct load_options *options, struct loader **out, struct err *err) {
    return open(options, '\t', out, err);
}

static const char *const csv_extensions[] = {".csv", NULL}, *const tsv_extensions[] = {".tsv", NULL};
static const char *const keys[] = {"columns", "types", "header", "delimiter", NULL};

const struct load_format load_csv = {
    .name = "csv",
    .extensions = csv_extensions,
    .doc = "comma-separated values, named by a header or by columns",
    .keys = keys,
    .open = open_csv,
};

const struct load_format load_tsv = {
    .name = "tsv",
    .extensions = tsv_extensions,
    .doc = "tab-separated values, named by a header or by columns",
    .keys = keys,
    .open = open_tsv,
};
