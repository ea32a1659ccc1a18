// SPDX-License-Identifier: MIT
#include "bench/micro_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "bench/target.h"
#include "stages/compile/templates.h"
#include "stages/emit/emit.h"
#include "stages/load/load.h"
#include "stages/load/routes/routes.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

enum {
    RECORDS = 256,
    ROWS = 4096,
    PATH_SIZE = 4096,
    FILE_LIMIT = 64 << 20,
    ROUTES = 10000,
    ROUTE_SIZE = 64,
    ROUNDS_OF_A_STREAM = 64 // then a new one is begun, since it takes memory where the scratch directory is
};

struct material {
    const struct micro_options *options;
    const struct scenario *scenario;
    char directory[PATH_SIZE], path[PATH_SIZE + 32];
    char *text; // owned
    struct str lines[RECORDS];
    size_t n;
    struct shapes *shapes;
    struct reader reader, some_reader;
    struct arena arena, values_arena;
    struct value values[RECORDS];
    struct batch *batch;
    struct templates *templates;
    const struct program *program;
    struct vm *vm;
    struct sink_options sink_options;
    const struct sink_kind *kind;
    struct sink *sink;
    struct lane *lane;
    uint64_t rounds;
    struct routes *routes;
    struct routes_search search;
    char (*paths)[ROUTE_SIZE]; // one for each route; owned
};

static const struct projection two_fields = {
    .children =
        (const struct projection *const[]){
            &(const struct projection){.name = {"customer", 8},
                                       .children = (const struct projection *const[]){&(
                                           const struct projection){.name = {"name", 4}, .whole = true}},
                                       .n = 1},
            &(const struct projection){.name = {"id", 2}, .whole = true}},
    .n = 2};

static struct compile_options compile_options_here(void) {
    return (struct compile_options){.trim_blocks = true, .lstrip_blocks = true, .library = library_builtin()};
}

// ---- material

static enum status read_lines(struct material *m, struct err *err) {
    size_t size;
    snprintf(m->path, sizeof m->path, "%s/records.jsonl", m->directory);
    if (fs_read_file(m->options->fs, m->path, FILE_LIMIT, &m->text, &size, err) != STATUS_OK)
        return err->status;
    for (size_t from = 0, to = 0; to < size && m->n < RECORDS; to++)
        if (m->text[to] == '\n') {
            m->lines[m->n++] = (struct str){m->text + from, to - from};
            from = to + 1;
        }
    return STATUS_OK;
}

static enum status parse_values(struct material *m, struct err *err) {
    for (size_t i = 0; i < m->n; i++)
        if (reader_parse(&m->reader, m->lines[i], &m->values_arena, &m->values[i]) != STATUS_OK)
            return err_set(err, STATUS_DATA, "a record of %s cannot be read", m->scenario->name);
    return STATUS_OK;
}

static enum status open_machine(struct material *m, struct err *err) {
    struct compile_options compile = compile_options_here();
    struct diags diags;
    bool missing = false;
    char path[PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/templates", m->directory);
    m->templates = templates_new(m->options->fs, &compile);
    if (templates_add_path(m->templates, str_of(path), err) != STATUS_OK)
        return err->status;
    diags_init(&diags, &m->arena);
    struct str name = str_of(m->scenario->templates->name);
    m->program = templates_find(m->templates, name, language_for(name), false, &diags, &missing);
    if (!m->program)
        return err_set(err, STATUS_DATA, "the template of %s cannot be compiled", m->scenario->name);
    struct vm_options options = {.library = compile.library, .undefined = UNDEFINED_STRICT};
    m->vm = vm_new(&options);
    return parse_values(m, err);
}

static enum status write_csv(struct material *m, struct err *err) {
    struct buf text = BUF_INIT;
    buf_add_text(&text, "id,name,city,amount,paid,note\n");
    for (int i = 0; i < ROWS; i++)
        buf_printf(&text, "%d,name %d,city of %d,%d.25,%s,\"a note, quoted, of row %d\"\n", i, i, i % 37,
                   i * 3, i % 2 ? "true" : "false", i);
    snprintf(m->path, sizeof m->path, "%s/rows.csv", m->directory);
    const struct fs *fs = m->options->fs;
    int fd = fs->open(fs->self, AT_FDCWD, m->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    enum status status =
        fd < 0 ? err_os(err, -fd, "cannot write %s", m->path) : fs_write_all(fs, fd, text.p, text.n, err);
    if (fd >= 0)
        fs->close(fs->self, fd);
    buf_release(&text);
    m->batch = batch_new();
    return status;
}

// A fifth of each: literal paths, names in parts, integers, whole parts, stars; over them routes that take what is left.
static void make_routes(struct material *m) {
    static const char *const patterns[] = {"s%d/posts/%d/index.md", "s%d/users/{id}/%d.json",
                                           "s%d/logs/{day:int}-%d.txt", "s%d/{rest:path}/d%d/{name}.md",
                                           "s%d/img-*-%d.png"};
    static const char *const paths[] = {"s%d/posts/%d/index.md", "s%d/users/mary/%d.json",
                                        "s%d/logs/20240131-%d.txt", "s%d/a/b/d%d/notes.md",
                                        "s%d/img-large-%d.png"};
    enum { KINDS = sizeof patterns / sizeof *patterns, SECTIONS = 100 };
    char(*texts)[ROUTE_SIZE] = mem_alloc(sizeof *texts * ROUTES);
    struct str *names = MEM_NEW_ARRAY(struct str, ROUTES + 1);
    m->paths = mem_alloc(sizeof *m->paths * ROUTES);
    for (int i = 0; i < ROUTES; i++) {
        snprintf(texts[i], ROUTE_SIZE, patterns[i % KINDS], i / KINDS % SECTIONS, i);
        snprintf(m->paths[i], ROUTE_SIZE, paths[i % KINDS], i / KINDS % SECTIONS, i);
        names[i] = str_of(texts[i]);
    }
    names[ROUTES] = STR("**");
    m->routes = routes_new(names, ROUTES + 1);
    mem_free(names);
    mem_free(texts);
}

static enum status open_sink(struct material *m, struct err *err) {
    if (m->kind->open(&m->sink_options, &m->sink, err) != STATUS_OK)
        return err->status;
    m->lane = m->kind->lane_new(m->sink);
    return STATUS_OK;
}

static enum status close_sink(struct material *m, struct err *err) {
    struct lane_result result = {0};
    struct sink *sink = m->sink;
    if (m->lane)
        m->kind->lane_free(m->lane);
    m->lane = NULL;
    m->sink = NULL;
    return sink ? m->kind->close(sink, false, &result, err) : STATUS_OK;
}

static enum status open_output(struct material *m, int needs, struct err *err) {
    const struct fs *fs = m->options->fs;
    snprintf(m->path, sizeof m->path, "%s/out", m->directory);
    int failed = fs_make_dirs(fs, AT_FDCWD, m->path, 0777);
    int root =
        failed < 0 ? failed : fs->open(fs->self, AT_FDCWD, m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0)
        return err_os(err, -root, "cannot write to %s", m->path);
    m->kind = needs == MICRO_FILES ? &emit_files : needs == MICRO_JSONL ? &emit_jsonl : &emit_text;
    m->sink_options = (struct sink_options){
        .fs = fs, .root = root, .path = needs == MICRO_JSONL ? STR("all.jsonl") : STR("all.txt")};
    return open_sink(m, err);
}

static enum status prepare(struct material *m, int needs, struct err *err) {
    const struct micro_options *options = m->options;
    int failed = fs_make_dirs(options->fs, AT_FDCWD, m->directory, 0777);
    if (failed < 0)
        return err_os(err, -failed, "cannot make %s", m->directory);
    if (scenario_make(m->scenario, options->fs, m->directory, RECORDS, options->seed, NULL, err) !=
            STATUS_OK ||
        read_lines(m, err) != STATUS_OK)
        return err->status;
    switch (needs) {
    case MICRO_CSV:
        return write_csv(m, err);
    case MICRO_ROUTES:
        make_routes(m);
        return STATUS_OK;
    case MICRO_MACHINE:
        return open_machine(m, err);
    case MICRO_FILES:
    case MICRO_JSONL:
    case MICRO_TEXT:
        return open_output(m, needs, err);
    default:
        return STATUS_OK;
    }
}

enum status micro_material_new(const struct micro *micro, const struct micro_options *options,
                               struct material **material, struct err *err) {
    struct material *m = *material = MEM_NEW(struct material);
    m->options = options;
    m->scenario = scenario_find(str_of(micro->scenario));
    m->shapes = shapes_new();
    m->sink_options.root = -1;
    reader_init(&m->reader, m->shapes, NULL);
    reader_init(&m->some_reader, m->shapes, &two_fields);
    arena_init(&m->arena, 0);
    arena_init(&m->values_arena, 0);
    int n = snprintf(m->directory, sizeof m->directory, "%s/micro", options->scratch);
    if (n > 0 && (size_t)n < sizeof m->directory)
        return prepare(m, micro->needs, err);
    m->directory[0] = 0;
    return err_os(err, ENAMETOOLONG, "cannot work in %s", options->scratch);
}

void micro_material_free(struct material *m) {
    struct err err;
    if (!m)
        return;
    close_sink(m, &err);
    if (m->sink_options.root >= 0)
        m->options->fs->close(m->options->fs->self, m->sink_options.root);
    if (m->vm)
        vm_free(m->vm);
    if (m->templates)
        templates_free(m->templates);
    if (m->batch)
        batch_free(m->batch);
    routes_free(m->routes);
    routes_search_release(&m->search);
    mem_free(m->paths);
    reader_release(&m->reader);
    reader_release(&m->some_reader);
    arena_release(&m->arena);
    arena_release(&m->values_arena);
    shapes_free(m->shapes);
    mem_free(m->text);
    if (m->directory[0])
        target_remove(m->directory);
    mem_free(m);
}

// ---- rounds

static enum status read_with(struct material *m, struct reader *reader, uint64_t *operations, uint64_t *bytes,
                             struct err *err) {
    arena_clear(&m->arena);
    for (size_t i = 0; i < m->n; i++) {
        if (reader_parse(reader, m->lines[i], &m->arena, &m->values[i]) != STATUS_OK)
            return err_set(err, STATUS_DATA, "a record cannot be read");
        *bytes += m->lines[i].n;
    }
    *operations += m->n;
    return STATUS_OK;
}

enum status micro_round_read(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    struct material *m = material;
    return read_with(m, &m->reader, operations, bytes, err);
}

enum status micro_round_read_fields(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    struct material *m = material;
    return read_with(m, &m->some_reader, operations, bytes, err);
}

enum status micro_round_csv(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    struct material *m = material;
    struct load_options options = {
        .fs = m->options->fs, .path = m->path, .name = str_of(m->path), .shapes = m->shapes};
    struct loader *loader;
    if (load_open(&options, &loader, err) != STATUS_OK)
        return err->status;
    enum status status;
    for (;;) {
        batch_clear(m->batch);
        status = load_pull(loader, m->batch, err);
        if (status != STATUS_OK || m->batch->items_n == 0)
            break;
        load_parse(loader, &m->reader, m->batch);
        *operations += m->batch->items_n;
    }
    *bytes += load_bytes_read(loader);
    load_close(loader);
    return status;
}

enum status micro_round_compile(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    enum { TIMES = 32 };
    struct material *m = material;
    struct compile_options options = compile_options_here();
    struct source_text source = {str_of(m->scenario->templates->name), str_of(m->scenario->templates->text)};
    for (int i = 0; i < TIMES; i++) {
        struct diags diags;
        arena_clear(&m->arena);
        diags_init(&diags, &m->arena);
        struct program *program = compile_template(language_for(source.name), &source, &options, &diags);
        if (!program)
            return err_set(err, STATUS_DATA, "the template of %s cannot be compiled", m->scenario->name);
        program_free(program);
    }
    *operations += TIMES;
    *bytes += TIMES * source.text.n;
    return STATUS_OK;
}

enum status micro_round_render(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    struct material *m = material;
    for (size_t i = 0; i < m->n; i++) {
        const struct diag *fault;
        if (!vm_render(m->vm, m->program, m->values[i], NULL, 0, &fault))
            return err_set(err, STATUS_DATA, "%s cannot be rendered: %.*s", m->scenario->name,
                           STR_ARG(fault->message));
        *bytes += vm_output(m->vm).n;
    }
    *operations += m->n;
    return STATUS_OK;
}

// Files get a new directory each round: replacing them is another thing than making them.
enum status micro_round_emit(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    struct material *m = material;
    struct lane_result result = {0};
    char name[64];
    if (m->kind->ordered && ++m->rounds % ROUNDS_OF_A_STREAM == 0 &&
        (close_sink(m, err) != STATUS_OK || open_sink(m, err) != STATUS_OK))
        return err->status;
    m->rounds += !m->kind->ordered;
    for (size_t i = 0; i < m->n; i++) {
        int n = snprintf(name, sizeof name, "%llu/%zu.json", (unsigned long long)m->rounds, i);
        if (m->kind->begin(m->lane, (struct str){name, (size_t)n}, err) != STATUS_OK ||
            m->kind->write(m->lane, m->lines[i], err) != STATUS_OK ||
            m->kind->commit(m->lane, err) != STATUS_OK)
            return err->status;
        *bytes += m->lines[i].n;
    }
    *operations += m->n;
    return m->kind->flush(m->lane, &result, err);
}

// Those far from each other follow each other, as far as memory goes.
enum status micro_round_route(void *material, uint64_t *operations, uint64_t *bytes, struct err *err) {
    enum { STRIDE = 7919 };
    struct material *m = material;
    struct str values[ROUTE_NAMES];
    for (size_t i = 0, at = 0; i < ROUTES; i++, at = (at + STRIDE) % ROUTES) {
        const struct str path = str_of(m->paths[at]);
        const uint32_t route = routes_find(m->routes, &m->search, path);
        if (route != at || !routes_capture(m->routes, route, &m->search, path, values))
            return err_set(err, STATUS_DATA, "%s has another route", m->paths[at]);
        *bytes += path.n;
    }
    *operations += ROUTES;
    return STATUS_OK;
}
