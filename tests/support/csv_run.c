// SPDX-License-Identifier: MIT
#include "tests/support/csv_run.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

int run_setup(void **state) {
    struct csv_run *r = MEM_NEW(struct csv_run);
    r->fs = memory_source_fs(&r->source);
    r->options = (struct load_options){.fs = &r->fs, .path = "t.csv", .name = STR("t.csv")};
    r->shapes = shapes_new();
    reader_init(&r->reader, r->shapes, NULL);
    r->batch = batch_new();
    *state = r;
    return 0;
}

int run_teardown(void **state) {
    struct csv_run *r = *state;
    batch_free(r->batch);
    reader_release(&r->reader);
    shapes_free(r->shapes);
    buf_release(&r->log);
    mem_free(r);
    return 0;
}

void run_type(struct csv_run *r, struct str name, enum column_type of) {
    r->types[r->options.types_n++] = (struct load_column){name, of};
    r->options.types = r->types;
}

void run_column(struct csv_run *r, struct str name) {
    r->columns[r->options.columns_n++] = name;
    r->options.columns = r->columns;
}

void run_log_value(struct buf *out, struct value v) {
    char text[NUMBER_TEXT_SIZE];
    switch (v.tag) {
    case VALUE_STRING:
        buf_add_str(out, value_str(v));
        break;
    case VALUE_NONE:
        buf_add_text(out, "<none>");
        break;
    case VALUE_BOOL:
        buf_add_text(out, v.i ? "<true>" : "<false>");
        break;
    case VALUE_INT:
        buf_printf(out, "<%lld>", (long long)v.i);
        break;
    case VALUE_BIG:
        buf_printf(out, "<big %.*s>", STR_ARG(value_str(v)));
        break;
    case VALUE_FLOAT:
        buf_printf(out, "<%.*s>", (int)number_write_double(text, v.f), text);
        break;
    case VALUE_LIST:
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(out, i ? "," : "[");
            run_log_value(out, v.list->items[i]);
        }
        buf_add_text(out, v.list->n ? "]" : "[]");
        break;
    case VALUE_MAP:
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_printf(out, "%s%.*s=", i ? "|" : "", STR_ARG(value_str(v.map->shape->keys[i])));
            run_log_value(out, v.map->values[i]);
        }
        break;
    default:
        fail_msg("a value of tag %d", v.tag);
    }
}

static void log_item(struct csv_run *r, const struct item *item) {
    if (!r->values_only)
        buf_printf(&r->log, "%d @%d ", (int)item->line, (int)item->byte);
    if (item->error) {
        assert_int_equal(item->record.tag, VALUE_MISSING);
        buf_printf(&r->log, "!%u:%u @%d %.*s", item->error->line, item->error->column, (int)item->error_byte,
                   STR_ARG(item->error->message));
    } else {
        assert_int_equal(item->record.tag, VALUE_MAP);
        r->shape = item->record.map->shape;
        r->fields = r->shape->n;
        run_log_value(&r->log, item->record);
    }
    buf_add_char(&r->log, '\n');
}

static enum status load_batches(struct csv_run *r, struct loader *loader) {
    uint64_t ordinal = 0;
    for (;;) {
        batch_clear(r->batch);
        enum status status = load_pull(loader, r->batch, &r->err);
        if (status != STATUS_OK || r->batch->items_n == 0)
            return status;
        load_parse(loader, &r->reader, r->batch);
        assert_int_equal(r->batch->arena.limit, 0);
        for (size_t i = 0; i < r->batch->items_n; i++) {
            assert_int_equal(r->batch->items[i].ordinal, ordinal++);
            log_item(r, &r->batch->items[i]);
        }
    }
}

const char *run_load(struct csv_run *r, struct str bytes) {
    struct loader *loader = NULL;
    memory_source_put(&r->source, bytes);
    buf_clear(&r->log);
    enum status status = load_open(&r->options, &loader, &r->err);
    if (status == STATUS_OK) {
        status = load_batches(r, loader);
        load_close(loader);
    }
    assert_int_equal(r->source.opens, r->source.closes);
    if (status != STATUS_OK)
        buf_printf(&r->log, "%s\n", r->err.text);
    return buf_text(&r->log);
}

void run_expect(struct csv_run *r, struct str bytes, const char *want) {
    const size_t sizes[] = {0, 1, 2, 3, 5, 16, 17, 64};
    for (size_t b = 0; b < sizeof sizes / sizeof *sizes; b++) {
        for (size_t p = 0; p < sizeof sizes / sizeof *sizes; p++) {
            for (size_t records = 0; records <= 2; records++) {
                r->options.batch_bytes = sizes[b];
                r->options.batch_records = records;
                r->source.piece = sizes[p];
                const char *got = run_load(r, bytes);
                if (strcmp(got, want) != 0)
                    fail_msg("batches of %zu bytes, %zu records, reads of %zu:\n%s\nnot\n%s", sizes[b],
                             records, sizes[p], got, want);
            }
        }
    }
    r->options.batch_bytes = r->options.batch_records = r->source.piece = 0;
}
