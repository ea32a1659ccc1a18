// SPDX-License-Identifier: MIT
#include "tests/fuzz/any_templates.h"

#include <stdlib.h>

#include "stages/compile/templates.h"
#include "stages/program/fields.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"
#include "tests/fuzz/memory_templates.h"

// The second one has other shapes, and what prompts replace: keys in brackets, values with brackets and directives.
static const char *const records[] = {
    "{\"id\": 7, \"name\": \"Zo\\u00eb & <co>\", \"score\": 72.5, \"big\": 123456789012345678901234567890,"
    " \"none\": null, \"flag\": true, \"tags\": [\"b\", \"a\", \"\\u65e5\\u672c\"],"
    " \"rows\": [{\"x\": 1, \"y\": [1, 2]}, {\"x\": 2.5}], \"map\": {\"k\": {\"deep\": \"v\"}}, \"empty\": "
    "[],"
    " \"to\": \"a\", \"messages\": [{\"role\": \"user\", \"content\": \"Hi\\n\"},"
    " {\"role\": \"assistant\", \"content\": null}]}",
    "{\"name\": {\"x\": \"<i>\", \"y\": []}, \"rows\": {\"x\": \"1\"}, \"tags\": \"b\", \"[NAME]\": "
    "[\"Ann\", \"Bob\"],"
    " \"id\": -1.5e300, \"[X Y]\": \"\", \"[LIST]\": [], \"[CYCLE]\": \"[NAME][CYCLE]\", \"[OPEN]\": \"[X \","
    " \"[any]\": \"\\\\0\\\\&\\\\`[\\\\'\", \"[SEEN]\": \"//include b.txt\", \"[FILE]\": \"b.txt\", "
    "\"flag\": 0,"
    " \"to\": \"b\"}",
};

static const struct program *find(void *self, struct str name, const char *language, bool autoescape,
                                  bool *missing) {
    return templates_find(self, name, language ? language_named(str_of(language)) : NULL, autoescape, NULL,
                          missing);
}

// What one rendering gave, kept beside the machine that is used again.
struct outcome {
    bool fine;
    struct str text; // the output, or the fault
};

static struct outcome render(struct vm *vm, const struct program *program, struct value record,
                             struct arena *arena) {
    const struct diag *fault = NULL;
    struct outcome o = {.fine = vm_render(vm, program, record, NULL, 0, &fault)};
    if (!o.fine && (!fault || fault->message.n == 0 || fault->line == 0))
        abort();
    o.text = arena_str(arena, o.fine ? vm_output(vm) : fault->message);
    return o;
}

static struct value read_record(struct shapes *shapes, const struct projection *projection, const char *text,
                                struct arena *arena) {
    struct reader reader;
    struct value value;
    reader_init(&reader, shapes, projection);
    if (reader_parse(&reader, str_of(text), arena, &value) != STATUS_OK)
        abort();
    reader_release(&reader);
    return value;
}

static bool is_same(struct outcome a, struct outcome b) {
    return a.fine == b.fine && str_equal(a.text, b.text);
}

// A machine that has rendered the program before, and so remembers shapes and places, gives the same again; and so
// does one that gets no more of the record than the program is said to read.
static void run(const struct program *program, const struct compile_options *compile,
                struct templates *templates, enum undefined_mode mode) {
    struct vm_options options = {.library = compile->library,
                                 .undefined = mode,
                                 .limits = {.include_depth = 8,
                                            .call_depth = 50,
                                            .steps = 20000,
                                            .output_bytes = 1 << 20,
                                            .memory_bytes = 8 << 20},
                                 .finder = {.self = templates, .find = find},
                                 .now = 1700000000};
    struct shapes *shapes = shapes_new();
    struct arena arena;
    arena_init(&arena, 0);
    struct value one = read_record(shapes, NULL, records[0], &arena);
    struct value other = read_record(shapes, NULL, records[1], &arena);
    struct vm *vm = vm_new(&options);
    struct outcome first = render(vm, program, one, &arena);
    render(vm, program, other, &arena);
    struct outcome again = render(vm, program, one, &arena);
    struct fields *fields = fields_new(compile->library);
    fields_add(fields, program, &(struct fields_scope){.record = true});
    struct value part = read_record(shapes, fields_projection(fields), records[0], &arena);
    if (!is_same(first, again) || !is_same(first, render(vm, program, part, &arena)))
        abort();
    fields_free(fields);
    vm_free(vm);
    arena_release(&arena);
    shapes_free(shapes);
}

// Errors are there, have words, and are the template's: "program of m is damaged" is the compiler's fault.
static void check_errors(const struct diags *diags) {
    if (diags->errors == 0)
        abort();
    for (const struct diag *d = diags->first; d; d = d->next)
        if (d->message.n == 0 || str_starts(d->message, STR("program of ")))
            abort();
}

static void list(const struct program *program, const struct library *library) {
    struct buf text = BUF_INIT;
    program_disassemble(program, library, &text);
    if (text.n == 0)
        abort();
    buf_release(&text);
}

void fuzz_templates(const char *language, struct str third, const uint8_t *data, size_t size) {
    if (size < 1)
        return;
    const char *text = (const char *)data + 1, *end = size > 1 ? memchr(text, 0xff, size - 1) : NULL;
    size_t first = end ? (size_t)(end - text) : size - 1;
    struct memory_templates memory = {{{STR("m"), {text, first}, 0},
                                       {STR("a"), {end ? end + 1 : text, end ? size - 2 - first : 0}, 0},
                                       {STR("b"), third, 0}}};
    static const struct compile_variable environment[] = {{{"USER", 4}, {"[NAME] \\1", 9}}};
    bool chat = data[0] & 0x80;
    struct compile_options options = {.trim_blocks = data[0] & 1,
                                      .lstrip_blocks = data[0] & 2,
                                      .keep_trailing_newline = data[0] & 4,
                                      .chat = chat,
                                      .library = chat ? library_chat() : library_builtin(),
                                      .environment = environment,
                                      .environment_n = 1};
    struct fs fs = memory_templates_fs(&memory);
    struct templates *templates = templates_new(&fs, &options);
    struct arena arena;
    struct diags diags;
    struct err err;
    bool missing;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    if (templates_add_path(templates, STR("."), &err) != STATUS_OK)
        abort();
    const struct program *program =
        templates_find(templates, STR("m"), language_named(str_of(language)), data[0] & 8, &diags, &missing);
    if (program) {
        list(program, options.library);
        run(program, &options, templates, (enum undefined_mode)((data[0] >> 4) % 8 % 3));
    } else {
        check_errors(&diags);
    }
    templates_free(templates);
    arena_release(&arena);
}
