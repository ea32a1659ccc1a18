// SPDX-License-Identifier: MIT
#include "stages/compile/compile.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/compile/codegen.h"
#include "stages/compile/jinja.h"
#include "stages/compile/mustache.h"
#include "stages/compile/plain.h"
#include "stages/compile/prompt.h"
#include "stages/compile/tree.h"

const struct language *const languages[] = {&language_jinja,  &language_mustache, &language_mustache_indented,
                                            &language_prompt, &language_text,     NULL};

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

const struct language *language_for(struct str name) {
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
    for (size_t i = 0; i < options->environment_n; i++)
        buf_printf(&made_from, "%.*s=%.*s%c", STR_ARG(options->environment[i].name),
                   STR_ARG(options->environment[i].value), 0);
    for (uint32_t i = 0; options->library && i < options->library->macros_n; i++) {
        const struct library_macro *m = &options->library->macros[i];
        buf_printf(&made_from, "%.*s=%.*s:%.*s\n", STR_ARG(m->name), STR_ARG(m->template_name),
                   STR_ARG(m->macro));
    }
    buf_add_str(&made_from, text);
    struct digest digest = digest_of(buf_str(&made_from));
    buf_release(&made_from);
    return digest;
}

struct digest compile_digest(const struct language *language, struct str text,
                             const struct compile_options *options) {
    return own_digest(language, text, false, options);
}

// What front ends may rely on. Spans have 32 bits, and room to spare.
static bool is_text_fine(const struct language *language, const struct source_text *source,
                         struct diags *diags) {
    size_t at;
    if (source->text.n >= UINT32_MAX / 2) {
        diags_error(diags, NULL, (struct span){0, 0}, "%.*s: templates are limited to 2 GiB",
                    STR_ARG(source->name));
        return false;
    }
    if (language->takes_any_bytes || utf8_valid(source->text, &at))
        return true;
    diags_error(diags, source, (struct span){(uint32_t)at, 1}, "this is not UTF-8");
    return false;
}

static struct program *compile(const struct language *language, const struct source_text *source,
                               bool expression, const struct compile_options *options, struct diags *diags) {
    if (!is_text_fine(language, source, diags))
        return NULL;
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
