// SPDX-License-Identifier: MIT
#include "pipeline/run/each.h"

#include <fcntl.h>

#include "base/buf.h"
#include "pipeline/plan/search_path.h"
#include "stages/load/postgresql/pg_url.h"

static void add_text(struct buf *out, const char *before, struct str text) {
    buf_add_text(out, before);
    buf_add_json(out, text);
}

static void add_option(struct buf *out, const char *before, const char *text) {
    if (text)
        add_text(out, before, str_of(text));
}

// A file whose name looks like a pattern is a file.
static bool is_pattern(const struct fs *fs, const char *path) {
    if (pg_url_is(str_of(path)))
        return false;
    if (!strpbrk(path, "*?[{"))
        return false;
    int fd = fs->open(fs->self, AT_FDCWD, path, O_PATH, 0);
    if (fd >= 0)
        fs->close(fs->self, fd);
    return fd < 0;
}

// Where the pattern's directory ends: before the last slash that stands before any expression.
static size_t root_end(struct str to) {
    size_t end = 0;
    for (size_t i = 0; i < to.n; i++) {
        if (to.p[i] == '{' && i + 1 < to.n && strchr("{%#", to.p[i + 1]))
            break;
        if (to.p[i] == '/')
            end = i + 1;
    }
    return end;
}

static void add_key(struct buf *out, const char *before, struct str text) {
    if (text.p)
        add_text(out, before, text);
}

static void add_place(const struct manifest_place *place, struct buf *out) {
    const struct manifest_store *store = &place->store;
    if (!place->is_store) {
        add_text(out, "", place->path);
        return;
    }
    add_text(out, "{\"sqlite\": ", place->path);
    add_key(out, ", \"table\": ", store->table);
    add_key(out, ", \"id\": ", store->id);
    add_key(out, ", \"text\": ", store->text);
    add_key(out, ", \"language\": ", store->language);
    add_key(out, ", \"language_column\": ", store->language_column);
    buf_add_char(out, '}');
}

// False: what --search says of one is wrong, which is in `diags`.
static bool add_places(const struct fs *fs, const struct each_options *options, struct diags *diags,
                       struct buf *out) {
    struct arena arena;
    bool sound = true;
    const char *before = "";
    arena_init(&arena, 0);
    for (size_t i = 0; i < options->search_n; i++) {
        struct manifest_place place;
        struct err err;
        if (search_path_word(fs, &arena, options->search[i], &place, &err) != STATUS_OK) {
            diags_error(diags, NULL, (struct span){0, 0}, "--search %s: %s", options->search[i], err.text);
            sound = false;
            continue;
        }
        buf_add_text(out, before);
        add_place(&place, out);
        before = ", ";
    }
    arena_release(&arena);
    return sound;
}

static bool add_search_path(const struct fs *fs, const struct each_options *options, struct str *name,
                            struct diags *diags, struct buf *out) {
    const char *slash = strrchr(options->template_name, '/');
    buf_add_text(out, "\"templates\": [");
    bool sound = add_places(fs, options, diags, out);
    if (!options->search_n && slash) {
        size_t n = (size_t)(slash - options->template_name);
        *name = str_of(slash + 1);
        add_text(out, "", n ? (struct str){options->template_name, n} : STR("/"));
        buf_add_text(out, ", ");
    }
    buf_add_text(out, options->search_n ? "],\n" : "\".\"],\n");
    return sound;
}

// Names with commas between them.
static void add_columns(const char *names, struct buf *out) {
    if (!names)
        return;
    buf_add_text(out, ",\n  \"columns\": [");
    for (const char *end, *at = names;; at = end + 1) {
        end = strchrnul(at, ',');
        add_text(out, at == names ? "" : ", ", (struct str){at, (size_t)(end - at)});
        if (!*end)
            break;
    }
    buf_add_char(out, ']');
}

static void add_environment(const struct each_options *options, struct buf *out) {
    for (size_t i = 0; i < options->environment_n; i++)
        add_text(out, i ? ", " : "\"environment\": [", str_of(options->environment[i]));
    buf_add_text(out, options->environment_n ? "],\n" : "");
}

static void add_source(const struct fs *fs, const struct each_options *options, struct buf *out) {
    buf_add_text(out, "\"sources\": {\"records\": {\n");
    add_text(out,
             is_pattern(fs, options->records) ? "  \"files\": " : "  \"path\": ", str_of(options->records));
    add_option(out, ",\n  \"format\": ", options->format);
    add_option(out, ",\n  \"query\": ", options->query);
    add_option(out, ",\n  \"table\": ", options->table);
    buf_add_text(out, options->schema ? ",\n  \"schema\": true" : "");
    add_option(out, ",\n  \"pointer\": ", options->pointer);
    add_option(out, ",\n  \"delimiter\": ", options->delimiter);
    add_columns(options->columns, out);
    add_option(out, ",\n  \"key\": ", options->key);
    buf_add_text(out, "}},\n");
}

static void add_flag(struct buf *out, const char *name, bool flag) {
    buf_printf(out, "\"%s\": %s, ", name, flag ? "true" : "false");
}

struct manifest *each_manifest(const struct fs *fs, const struct each_options *options, struct diags *diags) {
    struct buf text = BUF_INIT;
    struct str to = str_of(options->to), name = str_of(options->template_name);
    size_t end = root_end(to);
    buf_add_text(&text, "{");
    const bool sound = add_search_path(fs, options, &name, diags, &text);
    add_environment(options, &text);
    add_source(fs, options, &text);
    add_text(&text, "\"jobs\": {\"render\": {\"from\": \"records\",\n  \"template\": ", name);
    add_option(&text, ",\n  \"where\": ", options->where);
    add_option(&text, ",\n  \"separator\": ", options->separator);
    buf_add_text(&text, options->raw ? ",\n  \"raw\": true" : "");
    add_text(&text, ",\n  \"to\": ", str_from(to, end));
    buf_add_text(&text, "}},\n\"jinja\": {");
    add_flag(&text, "trim_blocks", options->trim_blocks);
    add_flag(&text, "lstrip_blocks", options->lstrip_blocks);
    add_flag(&text, "keep_trailing_newline", options->keep_trailing_newline);
    add_flag(&text, "chat", options->chat);
    buf_printf(&text, "\"autoescape\": %s},\n", options->autoescape ? "true" : "false");
    add_option(&text, "\"undefined\": ", options->undefined ? options->undefined : "strict");
    add_text(&text, ",\n\"output\": ", end > 1 ? (struct str){to.p, end - 1} : end ? STR("/") : STR("."));
    buf_add_text(&text, "}\n");
    struct diags idle;
    diags_init(&idle, diags->arena);
    struct manifest *m = manifest_read_text(fs, "render --each", buf_str(&text), sound ? diags : &idle);
    if (!sound) { // then nothing can be said of what should be found there
        m->sound = false;
        m->jobs_n = m->sources_n = m->places_n = 0;
    }
    buf_release(&text);
    return m;
}
