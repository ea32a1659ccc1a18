// SPDX-License-Identifier: MIT
#include <ctype.h>

#include "monitor/history.h"
#include "pipeline/manifest/manifest_private.h"
#include "pipeline/manifest/manifest_table.h"

struct document_node *manifest_node(const struct document_node *mapping, const char *key) {
    const struct document_entry *entry = document_find(mapping, str_of(key));
    return entry && !entry->value->faulty ? entry->value : NULL;
}

void manifest_take_text(const struct document_node *mapping, const char *key, struct str *text,
                        struct span *span) {
    const struct document_node *node = manifest_node(mapping, key);
    if (!node || node->kind != DOCUMENT_TEXT)
        return;
    *text = node->text;
    *span = node->span;
}

static void take_bool(const struct document_node *mapping, const char *key, bool *value) {
    const struct document_node *node = manifest_node(mapping, key);
    if (node && node->kind == DOCUMENT_BOOL)
        *value = node->boolean;
}

size_t manifest_take_texts(struct arena *arena, const struct document_node *mapping, const char *key,
                           const struct str **out) {
    const struct document_node *node = manifest_node(mapping, key);
    if (!node)
        return 0;
    size_t max = node->kind == DOCUMENT_LIST ? node->entries_n : 1, n = 0;
    struct str *texts = document_alloc(arena, sizeof *texts * (max + 1));
    if (node->kind == DOCUMENT_TEXT)
        texts[n++] = node->text;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        if (!e->value->faulty)
            texts[n++] = e->value->text;
    *out = texts;
    return n;
}

void manifest_take_number(const struct document_node *mapping, const char *key, uint64_t *value) {
    const struct document_node *node = manifest_node(mapping, key);
    if (node && node->kind == DOCUMENT_TEXT && !manifest_parse_size(node->text, value))
        manifest_parse_time(node->text, value);
    else if (node && node->kind == DOCUMENT_INT)
        *value = (uint64_t)node->integer;
}

struct manifest_retry manifest_take_retry(const struct document_node *mapping) {
    enum { STANDARD_MS = 100, NANOSECONDS = 1000000 };
    const struct document_node *backoff = manifest_node(mapping, "backoff");
    uint64_t times = 0, wait = STANDARD_MS;
    manifest_take_number(mapping, "retries", &times);
    if (backoff)
        manifest_parse_wait(backoff->text, &wait);
    return (struct manifest_retry){(uint32_t)times, wait * NANOSECONDS};
}

void manifest_take_on_error(const struct document_node *mapping, struct on_error_choice *choice) {
    const struct document_node *node = manifest_node(mapping, "on_error");
    if (!node)
        return;
    struct span span;
    if (node->kind == DOCUMENT_MAPPING) {
        choice->kind = ON_ERROR_FALLBACK;
        manifest_take_text(node, "fallback", &choice->fallback, &span);
    } else {
        choice->kind = str_is(node->text, "fail") ? ON_ERROR_FAIL : ON_ERROR_SKIP;
    }
}

void manifest_take_undefined(const struct document_node *mapping, uint8_t *undefined) {
    enum { AS_DEFAULT, AS_STRICT, AS_KEEP }; // the renderer's order
    const struct document_node *node = manifest_node(mapping, "undefined");
    if (node)
        *undefined = str_is(node->text, "default") ? AS_DEFAULT
                     : str_is(node->text, "keep")  ? AS_KEEP
                                                   : AS_STRICT;
}

void manifest_take_write(const struct document_node *mapping, bool *inplace) {
    const struct document_node *node = manifest_node(mapping, "write");
    if (node)
        *inplace = str_is(node->text, "inplace");
}

static struct str bare_extension(struct arena *arena, struct str written) {
    struct str text = written.n && written.p[0] == '.' ? str_from(written, 1) : written;
    char *lower = document_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        lower[i] = (char)tolower((unsigned char)text.p[i]);
    return (struct str){lower, text.n};
}

static void fill_autoescape(struct manifest *m, const struct document_node *jinja) {
    static const char *const standard[] = {"html", "xml"};
    const struct document_node *node = jinja ? manifest_node(jinja, "autoescape") : NULL;
    size_t n = node ? node->entries_n : 2;
    m->autoescape = document_alloc(&m->arena, sizeof *m->autoescape * (n + 1));
    if (!node) {
        for (size_t i = 0; i < n; i++)
            m->autoescape[m->autoescape_n++] = str_of(standard[i]);
        return;
    }
    m->autoescape_all = node->kind == DOCUMENT_BOOL && node->boolean;
    for (const struct document_entry *e = node->entries; e; e = e->next) {
        if (!e->value->faulty)
            m->autoescape[m->autoescape_n++] = bare_extension(&m->arena, e->value->text);
    }
}

static void fill_history(struct manifest *m, const struct document_node *root) {
    const struct document_node *history = manifest_node(root, "history");
    struct str directory = {NULL, 0};
    struct span span;
    m->history_keep = HISTORY_KEEP;
    if (!history)
        return;
    manifest_take_text(history, "directory", &directory, &span);
    if (directory.p)
        m->history = manifest_resolve(&m->arena, m->directory, directory);
    manifest_take_number(history, "keep", &m->history_keep);
}

static void fill_monitor(struct manifest *m, const struct document_node *root) {
    const struct document_node *monitor = manifest_node(root, "monitor");
    struct str file = {NULL, 0};
    struct span span;
    if (!monitor)
        return;
    manifest_take_text(monitor, "statsd", &m->statsd, &span);
    manifest_take_text(monitor, "openmetrics", &file, &span);
    if (file.p)
        m->openmetrics = manifest_resolve(&m->arena, m->directory, file);
}

static void fill_options(struct manifest *m, const struct document_node *root) {
    struct span span;
    manifest_take_text(root, "name", &m->name, &span);
    m->output_shown = STR("out");
    manifest_take_text(root, "output", &m->output_shown, &span);
    m->output = manifest_resolve(&m->arena, m->directory, m->output_shown);
    manifest_take_text(root, "strategy", &m->strategy, &span);
    const struct document_node *jinja = manifest_node(root, "jinja");
    if (jinja) {
        take_bool(jinja, "trim_blocks", &m->trim_blocks);
        take_bool(jinja, "lstrip_blocks", &m->lstrip_blocks);
        take_bool(jinja, "keep_trailing_newline", &m->keep_trailing_newline);
        take_bool(jinja, "chat", &m->chat);
    }
    fill_autoescape(m, jinja);
    const struct document_node *limits = manifest_node(root, "limits");
    if (!limits)
        return;
    uint64_t depth = 0;
    manifest_take_number(limits, "include_depth", &depth);
    m->limits.include_depth = (uint32_t)depth;
    manifest_take_number(limits, "steps", &m->limits.steps);
    manifest_take_number(limits, "output_bytes", &m->limits.output_bytes);
    manifest_take_number(limits, "record_bytes", &m->limits.record_bytes);
    manifest_take_number(limits, "memory_bytes", &m->limits.memory_bytes);
    manifest_take_number(limits, "join_bytes", &m->limits.join_bytes);
    manifest_take_number(limits, "seconds", &m->limits.seconds);
    manifest_take_number(limits, "processes", &m->limits.processes);
}

static double take_share(const struct document_node *mapping, const char *key) {
    const struct document_node *node = manifest_node(mapping, key);
    uint64_t permille = 0;
    if (node)
        manifest_parse_share(node->text, &permille);
    return (double)permille / 1000;
}

static void fill_workers(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *node = manifest_node(root, "workers");
    struct manifest_workers *workers = &f->m->workers;
    uint64_t least = 0, most = 0;
    if (!node)
        return;
    workers->given = true;
    if (node->kind == DOCUMENT_INT) {
        workers->least = workers->most = (uint32_t)node->integer;
        return;
    }
    manifest_take_number(node, "least", &least);
    manifest_take_number(node, "most", &most);
    if (most && least > most)
        diags_error(f->diags, &f->m->text, manifest_node(node, "least")->span,
                    "\"least\" is more than \"most\"");
    workers->least = (uint32_t)least;
    workers->most = (uint32_t)most;
    workers->cpu = take_share(node, "cpu");
    workers->memory = take_share(node, "memory");
}

static void check_variable(struct manifest_filling *f, const struct document_node *name) {
    for (size_t i = 0; i < name->text.n; i++) {
        char c = name->text.p[i], letter = (char)(c | 0x20);
        if ((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '_')
            continue;
        diags_error(f->diags, &f->m->text, name->span, "\"%.*s\" is no name of an environment variable",
                    STR_ARG(name->text));
        break;
    }
}

static void fill_environment(struct manifest_filling *f, const struct document_node *root) {
    struct manifest *m = f->m;
    const struct document_node *node = manifest_node(root, "environment");
    m->environment_n = manifest_take_texts(&m->arena, root, "environment", &m->environment);
    if (node && node->kind == DOCUMENT_TEXT)
        check_variable(f, node);
    for (const struct document_entry *e = node ? node->entries : NULL; e; e = e->next)
        if (!e->value->faulty)
            check_variable(f, e->value);
}

void manifest_fill(struct manifest_filling *f, const struct document_node *root) {
    manifest_fill_globals(f, root);
    fill_options(f->m, root);
    fill_workers(f, root);
    manifest_fill_databases(f, root);
    fill_history(f->m, root);
    fill_monitor(f->m, root);
    manifest_fill_cache(f->m, root);
    fill_environment(f, root);
    manifest_fill_places(f, root);
    manifest_fill_filters(f, root);
    manifest_fill_sources(f, root);
    manifest_fill_jobs(f, root);
    manifest_check_needed(f);
    manifest_fill_alerts(f, root);
}
