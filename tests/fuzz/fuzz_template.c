// SPDX-License-Identifier: MIT
// Templates over any bytes: compile, and where that succeeds run on small data, within tight limits.
#include <stdlib.h>

#include "stages/compile/compile.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"
#include "tests/fuzz/fuzz.h"

static const char record[] = "{\"id\": 7, \"name\": \"Zo\\u00eb & <co>\", \"score\": 72.5, \"big\": "
                             "123456789012345678901234567890, \"none\": null,"
                             " \"flag\": true, \"tags\": [\"b\", \"a\", \"\\u65e5\\u672c\"], \"rows\": "
                             "[{\"x\": 1, \"y\": [1, 2]}, {\"x\": 2.5}],"
                             " \"map\": {\"k\": {\"deep\": \"v\"}}, \"empty\": []}";

static const struct program *find_nothing(void *self, struct str name, const char *language, bool autoescape,
                                          bool *missing) {
    (void)self;
    (void)name;
    (void)language;
    (void)autoescape;
    *missing = true;
    return NULL;
}

static void run(const struct program *program, enum undefined_mode mode) {
    struct vm_options options = {.library = library_builtin(),
                                 .undefined = mode,
                                 .limits = {.include_depth = 8,
                                            .call_depth = 50,
                                            .steps = 20000,
                                            .output_bytes = 1 << 20,
                                            .memory_bytes = 8 << 20},
                                 .finder = {.find = find_nothing}};
    struct shapes *shapes = shapes_new();
    struct arena arena;
    struct reader reader;
    struct value value;
    const struct diag *fault = NULL;
    arena_init(&arena, 0);
    reader_init(&reader, shapes, NULL);
    if (reader_parse(&reader, (struct str){record, sizeof record - 1}, &arena, &value) != STATUS_OK)
        abort();
    struct vm *vm = vm_new(&options);
    if (!vm_render(vm, program, value, NULL, 0, &fault) && (!fault || fault->message.n == 0))
        abort();
    vm_free(vm);
    reader_release(&reader);
    arena_release(&arena);
    shapes_free(shapes);
}

// The first byte chooses options and undefined mode.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct compile_options options = {.trim_blocks = data[0] & 1,
                                      .lstrip_blocks = data[0] & 2,
                                      .keep_trailing_newline = data[0] & 4,
                                      .autoescape = data[0] & 8,
                                      .library = library_builtin()};
    struct source_text source = {STR("t.j2"), {(const char *)data + 1, size - 1}};
    struct arena arena;
    struct diags diags;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    struct program *program = compile_template(languages[0], &source, &options, &diags);
    if (!program != (diags.errors > 0))
        abort();
    if (program) {
        run(program, (enum undefined_mode)((data[0] >> 4) % 3));
        program_free(program);
    }
    arena_release(&arena);
    return 0;
}
