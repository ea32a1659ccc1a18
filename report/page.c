// SPDX-License-Identifier: MIT
#include "report/page.h"

#include "base/diag.h"
#include "base/mem.h"
#include "report/page_texts.h"
#include "stages/compile/templates.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

// Bounds, not sizes: a document of the model's bounds makes a page of less than 2 MB in some million steps.
enum { PAGE_BYTES = 64 << 20, PAGE_STEPS = 200 * 1000 * 1000, PAGE_SECONDS = 60 };

static const struct {
    const char *template_name;
    bool escapes;
} page_forms[] = {
    [PAGE_HTML] = {"html.j2", true},
    [PAGE_MARKDOWN] = {"markdown.j2", false},
};

struct page {
    struct templates *templates;
    struct shapes *shapes;
    struct arena arena;
    struct diags diags;
    struct value model;
};

static enum status read_model(struct page *page, struct str text, struct err *err) {
    struct reader reader;
    reader_init(&reader, page->shapes, NULL);
    enum status status = reader_parse(&reader, text, &page->arena, &page->model);
    if (status == STATUS_DATA)
        err_set(err, status, "this is no report: byte %zu: %s", reader.fault_at + 1, reader.fault);
    else if (status != STATUS_OK)
        err_set(err, status, "out of memory");
    reader_release(&reader);
    if (status != STATUS_OK)
        return status;
    if (page->model.tag != VALUE_MAP || map_get(page->model.map, STR("report")).tag != VALUE_INT)
        return err_set(err, STATUS_DATA, "this is no report: there is no version of the model in it");
    return STATUS_OK;
}

// A fault of the document, as far as the templates are right, which tests see to.
static enum status fault(const struct diag *diag, struct err *err) {
    return err_set(err, STATUS_DATA, "the report cannot be shown: %.*s (%.*s:%u:%u)", STR_ARG(diag->message),
                   STR_ARG(diag->file), diag->line, diag->column);
}

// Control characters are of one byte, or of two: U+0080 to U+009F are 0xc2 and a byte below 0xa0.
static size_t control_length(struct str text, size_t at) {
    const unsigned char c = (unsigned char)text.p[at];
    if (c == 0xc2)
        return at + 1 < text.n && (unsigned char)text.p[at + 1] < 0xa0 ? 2 : 0;
    return c == 0x7f || (c < 0x20 && c != '\n' && c != '\t') ? 1 : 0;
}

// Of empty lines, which templates leave behind wherever they had nothing to say, one stays.
static void add_readable(struct buf *out, struct str text) {
    static const struct str stand_in = {"\xef\xbf\xbd", 3};
    size_t ends = 2; // of lines, just before this byte
    for (size_t i = 0, control; i < text.n; i++) {
        control = control_length(text, i);
        ends = text.p[i] == '\n' ? ends + 1 : 0;
        if (control)
            buf_add_str(out, stand_in);
        else if (ends <= 2)
            buf_add_char(out, text.p[i]);
        i += control ? control - 1 : 0;
    }
    if (!ends)
        buf_add_char(out, '\n');
}

static enum status render(struct page *page, const struct program *program, struct buf *out,
                          struct err *err) {
    struct vm_options options = {.library = library_builtin(),
                                 .limits = {.output_bytes = PAGE_BYTES,
                                            .steps = PAGE_STEPS,
                                            .time_ns = PAGE_SECONDS * UINT64_C(1000000000)}};
    struct vm *vm = vm_new(&options);
    const struct diag *wrong = NULL;
    enum status status = STATUS_OK;
    if (vm_render(vm, program, page->model, NULL, 0, &wrong))
        add_readable(out, vm_output(vm));
    else
        status = fault(wrong, err);
    vm_free(vm);
    return status;
}

static enum status write_page(struct page *page, enum page_form form, struct str model, struct buf *out,
                              struct err *err) {
    bool missing;
    if (read_model(page, model, err) != STATUS_OK)
        return err->status;
    const struct program *program = templates_find(page->templates, str_of(page_forms[form].template_name),
                                                   NULL, page_forms[form].escapes, &page->diags, &missing);
    if (!program)
        return page->diags.first ? fault(page->diags.first, err)
                                 : err_set(err, STATUS_DATA, "there is no such form of a report");
    return render(page, program, out, err);
}

enum status page_write(enum page_form form, struct str model, struct buf *out, struct err *err) {
    const struct compile_options options = {
        .trim_blocks = true, .lstrip_blocks = true, .library = library_builtin()};
    struct fs fs = fs_system();
    struct page page = {.templates = templates_new(&fs, &options), .shapes = shapes_new()};
    arena_init(&page.arena, 0);
    diags_init(&page.diags, &page.arena);
    for (size_t i = 0; i < page_texts_n; i++)
        templates_add_text(page.templates, str_of(page_texts[i].name),
                           (struct str){(const char *)page_texts[i].text, page_texts[i].n});
    enum status status = write_page(&page, form, model, out, err);
    templates_free(page.templates);
    shapes_free(page.shapes);
    arena_release(&page.arena);
    return status;
}
