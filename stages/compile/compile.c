// SPDX-License-Identifier: MIT
#include "stages/compile/compile.h"

#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/compile/jinja.h"
#include "stages/compile/mustache.h"
#include "stages/compile/tree.h"

const struct language *const languages[] = {&language_jinja, &language_mustache, &language_mustache_indented,
                                            NULL};

const struct language *language_named(struct str name) {
    for (const struct language *const *l = languages; *l; l++)
        if (str_is(name, (*l)->name))
            return *l;
    return NULL;
}

static const struct language *language_of_extension(struct str extension) {
    for (const struct language *const *l = languages; *l; l++)
        for (const char *const *e = (*l)->extensions; *e; e++)
            if (str_is(extension, *e))
                return *l;
    return NULL;
}

// The last extension of a name, with its dot; empty where there is none.
static struct str last_extension(struct str name) {
    for (size_t i = name.n; i-- > 0 && name.p[i] != '/';)
        if (name.p[i] == '.')
            return str_from(name, i);
    return (struct str){name.p, 0};
}

// Files that are plainly in another language must not be taken for Jinja and come out wrong.
static bool refuse(struct arena *arena, const struct source_text *source,
                   const struct compile_options *options, struct diags *diags, struct tree **out) {
    (void)arena;
    (void)options;
    (void)out;
    diags_error(diags, source, (struct span){0, 1},
                "prompt templates are not supported by this version (its extension says so)");
    return false;
}

static const char *const refused_extensions[] = {".prompt", NULL};
static const struct language language_refused = {
    .name = "refused", .extensions = refused_extensions, .parse = refuse, .parse_expression = refuse};

const struct language *language_for(struct str name) {
    for (const char *const *extension = refused_extensions; *extension; extension++)
        if (str_ends(name, str_of(*extension)))
            return &language_refused;
    for (int i = 0; i < 2; i++) {
        struct str extension = last_extension(name);
        const struct language *language = language_of_extension(extension);
        if (language)
            return language;
        name.n -= extension.n;
    }
    return &language_jinja;
}

static struct digest own_digest(const struct language *language, struct str text, bool expression,
                                const struct compile_options *options) {
    struct buf made_from = BUF_INIT;
    buf_printf(&made_from, "%s %d%d%d%d%d%d\n", language->name, expression, options->trim_blocks,
               options->lstrip_blocks, options->keep_trailing_newline, options->autoescape, options->chat);
    buf_add_str(&made_from, text);
    struct digest digest = digest_of(buf_str(&made_from));
    buf_release(&made_from);
    return digest;
}

struct digest compile_digest(const struct language *language, struct str text,
                             const struct compile_options *options) {
    return own_digest(language, text, false, options);
}

static struct program *compile(const struct language *language, const struct source_text *source,
                               bool expression, const struct compile_options *options, struct diags *diags) {
    struct program *p = program_new();
    p->language = language->name;
    p->own = own_digest(language, source->text, expression, options);
    p->source = (struct source_text){arena_str(&p->arena, source->name), arena_str(&p->arena, source->text)};
    if (!p->source.name.p || !p->source.text.p)
        mem_fail(source->text.n);
    struct compile_options used = *options;
    used.trim_blocks |= used.chat;
    used.lstrip_blocks |= used.chat;
    struct arena scratch;
    arena_init(&scratch, 0);
    struct tree *tree;
    bool parsed = (expression ? language->parse_expression : language->parse)(&scratch, &p->source, &used,
                                                                              diags, &tree);
    if (parsed) {
        p = codegen(p, &scratch, tree, &used, diags);
    } else {
        program_free(p);
        p = NULL;
    }
    arena_release(&scratch);
    return p;
}

struct program *compile_template(const struct language *language, const struct source_text *source,
                                 const struct compile_options *options, struct diags *diags) {
    return compile(language, source, false, options, diags);
}

struct program *compile_expression(const struct source_text *source, const struct compile_options *options,
                                   struct diags *diags) {
    return compile(&language_jinja, source, true, options, diags);
}
