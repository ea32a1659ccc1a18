// SPDX-License-Identifier: MIT
// What is kept of a schema, of any bytes: it is refused, or every wanted table gets a record that is JSON wherever its names are
// UTF-8, whatever refers to whatever; and it is written as it was read. The first byte's bits choose the manifest's wishes.
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/load/schema/schema_bytes.h"
#include "stages/load/schema/schema_types.h"
#include "stages/load/schema/schema_write.h"
#include "stages/record/reader.h"
#include "tests/fuzz/fuzz.h"

static void must(bool holds) {
    if (!holds)
        abort();
}

static void check_record(struct str json) {
    struct shapes *shapes = shapes_new();
    struct reader reader;
    struct arena arena;
    struct value value;
    arena_init(&arena, 0);
    reader_init(&reader, shapes, NULL);
    must(!utf8_valid(json, NULL) || reader_parse(&reader, json, &arena, &value) == STATUS_OK);
    reader_release(&reader);
    arena_release(&arena);
    shapes_free(shapes);
}

static void write_types(const struct schema_settings *settings, const struct schema_table *table,
                        struct str *types, struct arena *arena) {
    struct buf members = BUF_INIT;
    for (size_t i = 0; i < table->columns_n; i++) {
        buf_clear(&members);
        schema_types_write(settings, table->columns[i].type, table->columns[i].choices_n > 0, &members);
        types[i] = arena_str(arena, buf_str(&members));
    }
    buf_release(&members);
}

static void write_records(const struct schema *schema, const struct schema_settings *settings) {
    struct buf pieces = BUF_INIT, json = BUF_INIT;
    struct arena arena;
    arena_init(&arena, 0);
    schema_write_pieces(schema, settings, &pieces);
    struct str rest = buf_str(&pieces);
    for (size_t t = 0; t < schema->tables_n; t++) {
        const struct schema_table *table = &schema->tables[t];
        if (!schema_wants(settings, table->name))
            continue;
        struct str *types = MEM_NEW_ARRAY(struct str, table->columns_n + 1);
        write_types(settings, table, types, &arena);
        buf_clear(&json);
        must(schema_write_record(table, &rest, types, &json));
        check_record(buf_str(&json));
        mem_free(types);
    }
    must(rest.n == 0);
    arena_release(&arena);
    buf_release(&pieces);
    buf_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct str except[] = {STR("*o*")};
    const struct schema_word words[] = {{STR("a"), STR("bs")}, {STR(""), STR("x")}};
    const struct schema_mapping mappings[] = {{STR("x"), STR("int"), STR("\"")},
                                              {STR("x"), STR("array"), STR("<{}>")}};
    const struct schema_target targets[] = {{STR("comments"), STR("commentable"), {NULL, 0}, STR("posts")}};
    if (size < 1)
        return 0;
    const struct schema_settings settings = {.except = except,
                                             .except_n = data[0] & 1,
                                             .irregulars = words,
                                             .irregulars_n = data[0] & 2,
                                             .mappings = mappings,
                                             .mappings_n = data[0] >> 1 & 2,
                                             .targets = targets,
                                             .targets_n = data[0] >> 3 & 1};
    struct schema schema;
    schema_init(&schema);
    if (schema_bytes_read((struct str){(const char *)data + 1, size - 1}, &schema)) {
        struct buf again = BUF_INIT;
        schema_bytes_write(&schema, &again);
        write_records(&schema, &settings);
        buf_release(&again);
    }
    schema_release(&schema);
    return 0;
}
