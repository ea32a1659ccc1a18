// SPDX-License-Identifier: MIT
#include "pipeline/run/single.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/plan/environment.h"
#include "pipeline/plan/finder.h"
#include "pipeline/plan/search_path.h"
#include "stages/program/fields.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"

enum { DATA_BYTES_MAX = 1 << 30 };

// What one rendering holds; released together.
struct single {
    const struct fs *fs;
    const struct single_options *options;
    struct compile_options compile;
    struct templates *templates;
    struct str name; // of the template, below the search path
    struct shapes *shapes;
    struct arena arena;
    char *text; // of the data
    struct str json;
    struct fields *fields; // that the template reads
    struct value data;
};

static enum status add_place(struct single *s, const char *word, struct diags *diags, struct err *err) {
    struct manifest_place place;
    if (search_path_word(s->fs, &s->arena, word, &place, err) != STATUS_OK)
        return err->status;
    return place.is_store ? search_path_add_store(s->templates, s->fs, &place, NULL, diags, err)
                          : templates_add_path(s->templates, place.path, err);
}

static enum status add_search_path(struct single *s, struct diags *diags, struct err *err) {
    const struct single_options *options = s->options;
    s->name = str_of(options->template_name);
    for (size_t i = 0; i < options->search_n; i++)
        if (add_place(s, options->search[i], diags, err) != STATUS_OK)
            return err->status;
    if (options->search_n)
        return STATUS_OK;
    const char *slash = strrchr(options->template_name, '/');
    if (slash) {
        size_t n = (size_t)(slash - options->template_name);
        s->name = str_of(slash + 1);
        struct str directory = n ? (struct str){options->template_name, n} : STR("/");
        if (templates_add_path(s->templates, directory, err) != STATUS_OK)
            return err->status;
    }
    return templates_add_path(s->templates, STR("."), err);
}

static bool bad_data(struct single *s, const struct source_text *source, size_t at, const char *message,
                     struct diags *diags) {
    (void)s;
    diags_error(diags, source, (struct span){(uint32_t)at, 1}, "%s", message);
    return false;
}

// Mustache renders any value; elsewhere only an object has names. False: the reason is in diags, or in err where
// diags has none.
static bool read_data(struct single *s, const struct program *program, struct diags *diags, struct err *err) {
    s->data = value_missing();
    if (!s->options->data)
        return true;
    size_t n = 0;
    bool standard_input = strcmp(s->options->data, "-") == 0;
    const char *path = standard_input ? "/dev/stdin" : s->options->data;
    if (fs_read_file(s->fs, path, DATA_BYTES_MAX, &s->text, &n, err) != STATUS_OK)
        return false;
    struct source_text source = {str_of(standard_input ? "<stdin>" : s->options->data), {s->text, n}};
    struct str json = source.text;
    if (str_starts(json, STR("\xef\xbb\xbf")))
        json = str_from(json, 3);
    struct reader reader;
    s->json = json;
    reader_init(&reader, s->shapes, fields_projection(s->fields));
    enum status status = reader_parse(&reader, json, &s->arena, &s->data);
    size_t at = reader.fault_at + (size_t)(json.p - source.text.p);
    const char *fault = status == STATUS_MEMORY ? "out of memory" : reader.fault;
    reader_release(&reader);
    if (status != STATUS_OK)
        return bad_data(s, &source, at, fault, diags);
    if (s->data.tag != VALUE_MAP && (!program->has_context_stack || s->options->defines_n))
        return bad_data(s, &source, (size_t)(json.p - source.text.p), "the data must be a JSON object",
                        diags);
    return true;
}

static const struct program *find_program(struct single *s, struct diags *diags, struct err *err) {
    const struct language *language = NULL;
    if (s->options->language)
        language = language_named(str_of(s->options->language));
    if (s->options->language && (!language || !language->doc)) {
        struct suggestion near = suggest_for(str_of(s->options->language));
        for (size_t i = 0; languages[i]; i++)
            if (languages[i]->doc)
                suggest_offer(&near, str_of(languages[i]->name));
        err_set(err, STATUS_DATA, "there is no template language \"%s\"%s%.*s%s", s->options->language,
                near.best.p ? ", did you mean \"" : "; \"pressrun help languages\" lists them",
                STR_ARG(near.best), near.best.p ? "\"?" : "");
        return NULL;
    }
    bool missing = false;
    const struct program *program =
        templates_find(s->templates, s->name, language, s->options->autoescape, diags, &missing);
    if (!missing)
        return program;
    struct str *names;
    size_t n = templates_list(s->templates, &names);
    struct suggestion suggestion = suggest_for(s->name);
    for (size_t i = 0; i < n; i++)
        suggest_offer(&suggestion, names[i]);
    struct buf searched = BUF_INIT; // with --search the path itself is not tried, which may surprise
    for (size_t i = 0; i < s->options->search_n; i++)
        buf_printf(&searched, "%s\"%s\"", i ? ", " : " in ", s->options->search[i]);
    err_set(err, STATUS_DATA, "there is no template \"%s\"%.*s%s%.*s%s", s->options->template_name,
            STR_ARG(buf_str(&searched)), suggestion.best.p ? ", did you mean \"" : "",
            STR_ARG(suggestion.best), suggestion.best.p ? "\"?" : "");
    buf_release(&searched);
    mem_free(names);
    return NULL;
}

static void define(struct single *s) {
    if (s->options->defines_n)
        s->data = define_over(&s->arena, s->data, s->options->defines, s->options->defines_n);
}

// The same fault over all fields of the data: what a name may have been meant for is among those that are not read.
static const struct diag *fault_in_full(struct single *s, struct vm *vm, const struct program *program,
                                        struct arena *arena, const struct diag *fault) {
    struct reader reader;
    const struct diag *again = NULL;
    fault = diag_copy(arena, fault);
    if (!s->json.p || !vm_missed(vm))
        return fault;
    reader_init(&reader, s->shapes, NULL);
    bool full = reader_parse(&reader, s->json, &s->arena, &s->data) == STATUS_OK;
    reader_release(&reader);
    if (!full)
        return fault;
    define(s);
    bool failed = !vm_render(vm, program, s->data, NULL, 0, &again);
    return failed && diag_is_same(again, fault) ? again : fault;
}

static enum single_result render(struct single *s, const struct program *program, struct buf *out,
                                 struct diags *diags) {
    struct vm_options options = {.library = s->compile.library,
                                 .undefined = s->options->undefined,
                                 .limits = limits_of_machine(&s->options->limits),
                                 .now = s->options->now,
                                 .finder = finder_for(s->templates)};
    struct vm *vm = vm_new(&options);
    const struct diag *fault = NULL;
    bool ok = vm_render_to(vm, program, s->data, NULL, 0, s->options->writer, &fault);
    if (ok) {
        buf_add_str(out, vm_output(vm));
    } else {
        struct diag *added = diags_error(diags, NULL, (struct span){0, 0}, "%s", "");
        *added = *diag_copy(diags->arena, fault_in_full(s, vm, program, diags->arena, fault));
    }
    vm_free(vm);
    return ok ? SINGLE_DONE : SINGLE_FAILED;
}

static void show_fields(struct single *s, struct buf *out) {
    struct str *paths;
    size_t n = fields_paths(s->fields, &paths);
    buf_add_text(out, "reads");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s %.*s", i ? "," : "", STR_ARG(paths[i]));
    buf_add_text(out, n ? "\n" : " nothing\n");
    mem_free(paths);
}

static enum single_result run(struct single *s, struct buf *out, struct diags *diags, struct err *err) {
    if (add_search_path(s, diags, err) != STATUS_OK)
        return SINGLE_UNUSABLE;
    const struct program *program = find_program(s, diags, err);
    if (!program)
        return SINGLE_UNUSABLE;
    s->fields = fields_new(s->compile.library);
    fields_add(s->fields, program, &(struct fields_scope){.record = true});
    if (s->options->show_program) {
        program_disassemble(program, s->compile.library, out);
        show_fields(s, out);
        return SINGLE_DONE;
    }
    if (!read_data(s, program, diags, err))
        return SINGLE_UNUSABLE;
    define(s);
    return render(s, program, out, diags);
}

static void read_environment(struct single *s) {
    size_t n = s->options->environment_n;
    struct str *names = ARENA_NEW_ARRAY(&s->arena, struct str, n + 1);
    if (!names)
        mem_fail(n * sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = str_of(s->options->environment[i]);
    environment_read(&s->arena, names, n, &s->compile);
}

enum single_result single_render(const struct fs *fs, const struct single_options *options, struct buf *out,
                                 struct diags *diags, struct err *err) {
    struct single s = {.fs = fs,
                       .options = options,
                       .compile = {.trim_blocks = options->trim_blocks,
                                   .lstrip_blocks = options->lstrip_blocks,
                                   .keep_trailing_newline = options->keep_trailing_newline,
                                   .chat = options->chat,
                                   .library = options->chat ? library_chat() : library_builtin()},
                       .shapes = shapes_new()};
    arena_init(&s.arena, 0);
    read_environment(&s);
    s.templates = templates_new(fs, &s.compile);
    enum single_result result = run(&s, out, diags, err);
    fields_free(s.fields);
    templates_free(s.templates);
    shapes_free(s.shapes);
    arena_release(&s.arena);
    mem_free(s.text);
    return result;
}
