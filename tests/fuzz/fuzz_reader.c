// SPDX-License-Identifier: MIT
// The bulk reader over any bytes; what it accepts must copy, and faults must lie within the text.
#include <stdlib.h>

#include "stages/record/reader.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct shapes *shapes = shapes_new();
    struct arena arena, other;
    struct reader reader;
    struct value value, copy;
    arena_init(&arena, 64 << 20);
    arena_init(&other, 64 << 20);
    reader_init(&reader, shapes, NULL);
    enum status status = reader_parse(&reader, (struct str){(const char *)data, size}, &arena, &value);
    if (status == STATUS_OK && !value_copy(&other, value, &copy))
        abort();
    if (status == STATUS_DATA && (!reader.fault || reader.fault_at > size))
        abort();
    reader_release(&reader);
    arena_release(&arena);
    arena_release(&other);
    shapes_free(shapes);
    return 0;
}
