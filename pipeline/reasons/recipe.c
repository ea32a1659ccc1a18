// SPDX-License-Identifier: MIT
#include "pipeline/reasons/recipe.h"

#include <stdio.h>

#include "base/mem.h"
#include "stages/load/query_parameters.h"

#define MANIFEST "manifest"

enum { TEXT_SHOWN = 64 }; // bytes of a value that are kept to be shown

struct making {
    const struct plan *plan;
    const struct plan_job *job;
    struct arena *arena;
    struct journal_part *parts;
    size_t n, cap;
    struct buf scratch;
    struct imprint *everything;
};

static void add(struct making *m, const char *kind, struct str name, struct digest digest, struct str text) {
    MEM_GROW(m->parts, m->cap, m->n + 1);
    char *whole = arena_printf(m->arena, "%s%s%.*s", kind, name.n ? " " : "", STR_ARG(name));
    if (!whole)
        mem_fail(name.n);
    m->parts[m->n++] = (struct journal_part){
        .name = str_of(whole),
        .digest = digest,
        .text = text.n <= TEXT_SHOWN ? arena_str(m->arena, text) : (struct str){"", 0},
    };
}

static void add_text(struct making *m, const char *kind, const char *name, struct str text) {
    add(m, kind, str_of(name), digest_of(text), text);
}

// Templates ---------------------------------------------------------------------------------------------------

struct asking {
    struct str text; // {NULL, 0}: whether templates are chosen at run time
    bool found;
};

static void ask(void *context, struct str name, const struct program *p) {
    struct asking *asking = context;
    (void)name;
    asking->found |= asking->text.p ? program_mentions(p, asking->text) : program_chooses(p);
}

// Of any program of the job, or of what they lead to.
static bool any(const struct making *m, struct str text) {
    const struct plan_job *job = m->job;
    const struct program *const programs[] = {job->body, job->to, job->where, job->group_by,
                                              m->plan->sources[job->job->source].key};
    struct asking asking = {.text = text};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (programs[i])
            program_reach(programs[i], ask, &asking);
    return asking.found;
}

// A store may give a template a language that its name does not tell.
static void add_template(void *context, struct str name, const struct program *p) {
    struct making *m = context;
    struct digest digest = digest_of(p->source.text);
    name = name.p ? name : m->job->job->template_name;
    if (templates_is_stored(m->plan->templates, name) &&
        !str_is(str_of(p->language), language_for(name)->name))
        digest = digest_add(digest, digest_of(str_of(p->language)));
    add(m, "template", templates_id(m->plan->templates, name, p), digest, STR(""));
}

static void add_templates(struct making *m, bool chosen) {
    program_reach(m->job->body, add_template, m);
    if (chosen)
        add(m, "templates", STR(""), templates_digest(m->plan->templates), STR(""));
}

static void sum_texts(void *context, struct str name, const struct program *p) {
    struct digest *sum = context;
    *sum = digest_add(*sum, digest_output(STR("template"), name, p->source.text));
    if (name.p && !str_is(str_of(p->language), language_for(name)->name))
        *sum = digest_add(*sum, digest_of(str_of(p->language)));
}

static void add_filters(struct making *m) {
    const struct manifest *manifest = m->plan->manifest;
    for (size_t i = 0; i < manifest->filters_n; i++) {
        const struct manifest_filter *filter = &manifest->filters[i];
        bool missing;
        const struct program *p =
            templates_find(m->plan->templates, filter->template_name, NULL, false, NULL, &missing);
        struct digest sum = digest_of(filter->macro);
        if (p)
            program_reach(p, sum_texts, &sum);
        add(m, "filter", filter->name, sum, STR(""));
    }
}

// The manifest ------------------------------------------------------------------------------------------------

static void add_expressions(struct making *m) {
    const struct manifest_job *job = m->job->job;
    add_text(m, "expression", "to", job->to);
    if (job->where.p)
        add_text(m, "expression", "where", job->where);
    if (job->group_by.p)
        add_text(m, "expression", "group_by", job->group_by);
}

static void add_globals(struct making *m, bool chosen) {
    struct value globals = m->plan->manifest->globals;
    struct buf shown = BUF_INIT;
    uint64_t hash;
    for (uint32_t i = 0; globals.tag == VALUE_MAP && i < globals.map->shape->n; i++) {
        struct str name = value_str(globals.map->shape->keys[i]);
        struct value value = globals.map->values[i];
        if (!chosen && m->plan->manifest->filters_n == 0 && !any(m, name))
            continue;
        buf_clear(&shown);
        imprint_show(m->everything, 0, value, &shown);
        add(m, "global", name, imprint_take(m->everything, value, &m->scratch, &hash), buf_str(&shown));
    }
    buf_release(&shown);
}

static void add_options(struct making *m) {
    static const char *const modes[] = {"default", "strict", "keep"};
    const struct manifest_job *job = m->job->job;
    char level[16];
    add_text(m, "option", "undefined", str_of(modes[job->undefined]));
    snprintf(level, sizeof level, "%d", job->level);
    if (job->level)
        add_text(m, "option", "level", str_of(level));
}

static void frame(struct buf *out, struct str text) {
    buf_printf(out, "%zu:", text.n);
    buf_add_str(out, text);
}

// What becomes of a job's outputs together: how many there are, and what stands around each.
static void add_gathering(struct making *m) {
    const struct manifest_job *job = m->job->job;
    struct buf *unique = &m->scratch;
    if (job->collect)
        add_text(m, "option", "collect", STR("true"));
    if (job->separator.n)
        add_text(m, "option", "separator", job->separator);
    if (job->raw)
        add_text(m, "option", "raw", STR("true"));
    if (job->table.p)
        add_text(m, "option", "table", job->table);
    buf_clear(unique);
    for (size_t i = 0; i < job->unique_n; i++)
        frame(unique, job->unique[i]);
    if (job->unique_n)
        add(m, "option", STR("unique"), digest_of(buf_str(unique)), STR(""));
}

// Those of compiling.
static void add_compile_options(struct making *m) {
    const struct compile_options *options = &m->plan->compile;
    const struct {
        const char *name;
        bool value;
    } flags[] = {
        {"trim_blocks", options->trim_blocks},
        {"lstrip_blocks", options->lstrip_blocks},
        {"keep_trailing_newline", options->keep_trailing_newline},
        {"chat", options->chat},
        {"autoescape", m->job->autoescape},
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        add_text(m, "option", flags[i].name, flags[i].value ? STR("true") : STR("false"));
    for (size_t i = 0; i < options->environment_n; i++)
        add(m, "environment", options->environment[i].name, digest_of(options->environment[i].value),
            STR("")); // perhaps a secret
}

// Of a manifest: its `name`, else its file's, without directories, so that it may be moved with all it has.
static struct str manifest_name(const struct manifest *manifest) {
    if (manifest->name.n)
        return manifest->name;
    struct str path = manifest->text.name;
    size_t from = path.n;
    while (from > 0 && path.p[from - 1] != '/')
        from--;
    return str_from(path, from);
}

// How a source is read, whatever is in it.
static void frame_source(struct buf *text, const struct manifest_source *source) {
    const struct load_format *format =
        source->format.p ? load_format_named(source->format) : load_format_for(source->path);
    const struct str texts[] = {str_of(format ? format->name : ""),
                                source->pointer,
                                source->query,
                                source->table,
                                source->files,
                                source->key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        frame(text, texts[i]);
    for (size_t i = 0; i < source->columns_n; i++)
        frame(text, source->columns[i]);
    for (size_t i = 0; i < source->types_n; i++) {
        frame(text, source->types[i].name);
        buf_printf(text, "%d,", source->types[i].type);
    }
    buf_printf(text, "%d,%d", source->delimiter, source->header);
    if (source->split.p) // another order
        frame(text, source->split);
}

// Whether none of the n parameters before it has its name.
static bool is_first(struct str query, struct str name, size_t n) {
    struct str other;
    for (size_t at = 0; n > 0 && query_parameters_next(query, &at, &other); n--)
        if (str_equal(other, name))
            return false;
    return true;
}

// Values that the source's query is given.
static void add_parameters(struct making *m) {
    const struct manifest *manifest = m->plan->manifest;
    const struct load_options options =
        manifest_load_options(manifest, &manifest->sources[m->job->job->source]);
    struct buf text = BUF_INIT;
    struct str name;
    for (size_t at = 0, n = 0; options.query.p && query_parameters_next(options.query, &at, &name); n++) {
        if (!is_first(options.query, name, n))
            continue;
        const struct value value = query_parameters_find(&options, name);
        buf_clear(&text);
        query_parameters_add_json(&text, value);
        if (value.tag != VALUE_MISSING)
            add(m, "parameter", name, digest_of(buf_str(&text)), buf_str(&text));
    }
    buf_release(&text);
}

static void frame_parameters(struct buf *text, const struct manifest *manifest,
                             const struct manifest_source *source) {
    const struct load_options options = manifest_load_options(manifest, source);
    struct str name;
    for (size_t at = 0; options.query.p && query_parameters_next(options.query, &at, &name);) {
        const struct value value = query_parameters_find(&options, name);
        frame(text, name);
        if (value.tag != VALUE_MISSING)
            query_parameters_add_json(text, value);
    }
}

// Its joins, as far as the job reads what they give.
static void frame_joins(const struct manifest *manifest, struct buf *text, size_t from,
                        const struct projection *read, unsigned depth) {
    enum { DEPTH = 6 }; // of sources that join each other there is no end
    const struct manifest_source *source = &manifest->sources[from];
    for (size_t i = 0; i < source->joins_n && depth < DEPTH; i++) {
        const struct manifest_join *join = &source->joins[i];
        const struct projection *field = read ? projection_find(read, join->name) : NULL;
        if (read && !field)
            continue;
        frame(text, join->name);
        frame(text, join->on);
        frame(text, join->key);
        buf_printf(text, "%d", join->one);
        frame_source(text, &manifest->sources[join->source]);
        frame_parameters(text, manifest, &manifest->sources[join->source]);
        frame_joins(manifest, text, join->source, field && !field->whole ? field : NULL, depth + 1);
    }
}

static void add_source(struct making *m) {
    const struct manifest *manifest = m->plan->manifest;
    const size_t from = m->job->job->source;
    struct buf *text = &m->scratch;
    buf_clear(text);
    frame_source(text, &manifest->sources[from]);
    frame_joins(manifest, text, from, fields_projection(m->job->fields), 0);
    add(m, "source", manifest->sources[from].name, digest_of(buf_str(text)), STR(""));
}

static void add_filter(struct making *m) {
    struct buf command = BUF_INIT;
    plan_write_filter(m->job, &command);
    add(m, "through", (struct str){NULL, 0}, m->job->filter_identity, buf_str(&command));
    buf_release(&command);
}

static void add_now(struct making *m, int64_t now) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)now);
    add_text(m, "now", "", str_of(text));
}

// ------------------------------------------------------------------------------------------------------------

struct journal_recipe recipe_of(const struct plan *plan, const struct plan_job *job,
                                const struct imprint *imprint, int64_t now, struct arena *arena) {
    struct making m = {.plan = plan, .job = job, .arena = arena, .everything = imprint_new(NULL)};
    const bool chosen = any(&m, (struct str){NULL, 0});
    add_text(&m, "pressrun", "", STR(PRESSRUN_VERSION));
    add_text(&m, MANIFEST, "", manifest_name(plan->manifest));
    add_templates(&m, chosen);
    add_filters(&m);
    add_expressions(&m);
    add_globals(&m, chosen);
    add_options(&m);
    add_gathering(&m);
    add_compile_options(&m);
    add_source(&m);
    add_parameters(&m);
    if (job->filter.argv)
        add_filter(&m);
    if (plan->manifest->chat && (chosen || any(&m, STR("strftime_now"))))
        add_now(&m, now);
    struct journal_part *parts = arena_alloc(arena, m.n * sizeof *parts);
    if (!parts)
        mem_fail(m.n * sizeof *parts);
    memcpy(parts, m.parts, m.n * sizeof *parts);
    mem_free(m.parts);
    buf_release(&m.scratch);
    imprint_free(m.everything);
    return (struct journal_recipe){.job = job->job->name,
                                   .parts = parts,
                                   .parts_n = (uint32_t)m.n,
                                   .fields = imprint_names(imprint),
                                   .fields_n = imprint_fields(imprint)};
}

bool recipe_is_of(const struct journal_recipe *recipe, const struct manifest *manifest) {
    const struct digest name = digest_of(manifest_name(manifest));
    for (uint32_t i = 0; recipe && i < recipe->parts_n; i++)
        if (str_is(recipe->parts[i].name, MANIFEST))
            return digest_equal(recipe->parts[i].digest, name);
    return false;
}

struct digest recipe_digest(const struct journal_recipe *recipe) {
    struct digest sum = {0, 0};
    for (uint32_t i = 0; i < recipe->parts_n; i++)
        sum = digest_add(sum, digest_output(STR("part"), recipe->parts[i].name,
                                            (struct str){(const char *)&recipe->parts[i].digest,
                                                         sizeof recipe->parts[i].digest}));
    for (uint32_t i = 0; i < recipe->fields_n; i++)
        sum = digest_add(sum, digest_output(STR("field"), recipe->fields[i], STR("")));
    return sum;
}
