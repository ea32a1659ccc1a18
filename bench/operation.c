// SPDX-License-Identifier: MIT
#include "bench/operation.h"

#include <stdio.h>

#include "base/mem.h"
#include "stages/compile/templates.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

enum { PATH_SIZE = 4096, FILE_LIMIT = 64 << 20, LINES = 4096 };

struct operation {
    const struct operation_options *options;
    char *text; // owned
    struct str lines[LINES];
    size_t lines_n;
    struct templates *templates;
    const struct program *program;
    struct vm *vm;
    struct shapes *shapes;
    struct reader reader;
    struct arena arena;
};

static enum status read_lines(struct operation *o, struct err *err) {
    char path[PATH_SIZE];
    size_t size, from = 0;
    snprintf(path, sizeof path, "%s/records.jsonl", o->options->directory);
    if (fs_read_file(o->options->fs, path, FILE_LIMIT, &o->text, &size, err) != STATUS_OK)
        return err->status;
    for (size_t to = 0; to < size && o->lines_n < LINES; to++)
        if (o->text[to] == '\n') {
            o->lines[o->lines_n++] = (struct str){o->text + from, to - from};
            from = to + 1;
        }
    return o->lines_n ? STATUS_OK : err_set(err, STATUS_DATA, "%s has no records", path);
}

static enum status open_template(struct operation *o, struct err *err) {
    struct compile_options compile = {
        .trim_blocks = true, .lstrip_blocks = true, .library = library_builtin()};
    struct vm_options machine = {.library = compile.library, .undefined = UNDEFINED_STRICT};
    struct str name = str_of(o->options->template);
    struct diags diags;
    bool missing = false;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/templates", o->options->directory);
    diags_init(&diags, &o->arena);
    o->templates = templates_new(o->options->fs, &compile);
    if (templates_add_path(o->templates, str_of(path), err) != STATUS_OK)
        return err->status;
    o->program = templates_find(o->templates, name, language_for(name), false, &diags, &missing);
    o->vm = vm_new(&machine);
    return o->program ? STATUS_OK
                      : err_set(err, STATUS_DATA, "the template %s in %s cannot be compiled",
                                o->options->template, path);
}

// Multiplications that wait for one another, and that no compiler can leave out.
static void spin(uint64_t steps) {
    volatile uint64_t kept;
    uint64_t x = steps | 1;
    for (uint64_t i = 0; i < steps; i++)
        x = x * 6364136223846793005u + 1442695040888963407u;
    kept = x;
    (void)kept;
}

static enum status run_record(struct operation *o, uint32_t i, struct digest *digest, struct err *err) {
    const struct diag *fault;
    struct value record;
    arena_clear(&o->arena);
    if (reader_parse(&o->reader, o->lines[i % o->lines_n], &o->arena, &record) != STATUS_OK)
        return err_set(err, STATUS_DATA, "record %zu cannot be read", i % o->lines_n + 1);
    if (!vm_render(o->vm, o->program, record, NULL, 0, &fault))
        return err_set(err, STATUS_DATA, "record %zu cannot be rendered: %.*s", i % o->lines_n + 1,
                       STR_ARG(fault->message));
    *digest = digest_add(*digest, digest_of(vm_output(o->vm)));
    spin(o->options->steps);
    return STATUS_OK;
}

enum status operation_run(const struct operation_options *options, struct digest *digest, struct err *err) {
    struct operation o = {.options = options, .shapes = shapes_new()};
    reader_init(&o.reader, o.shapes, NULL);
    arena_init(&o.arena, 0);
    *digest = (struct digest){0};
    enum status status = read_lines(&o, err);
    if (status == STATUS_OK)
        status = open_template(&o, err);
    for (uint32_t i = 0; i < options->records && status == STATUS_OK; i++)
        status = run_record(&o, i, digest, err);
    if (o.vm)
        vm_free(o.vm);
    if (o.templates)
        templates_free(o.templates);
    reader_release(&o.reader);
    arena_release(&o.arena);
    shapes_free(o.shapes);
    mem_free(o.text);
    return status;
}
