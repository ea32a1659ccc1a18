// SPDX-License-Identifier: MIT
#include "bench/target.h"

#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { SHOWN_LINES = 5, OPEN_DIRECTORIES = 16 };

// ---- scratch

enum status target_scratch(char **directory, struct err *err) {
    const char *base = getenv("TMPDIR");
    if (!base || !*base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    size_t size = strlen(base) + 32;
    *directory = mem_alloc(size);
    snprintf(*directory, size, "%s/pressrun-bench-XXXXXX", base);
    if (mkdtemp(*directory))
        return STATUS_OK;
    int os = errno;
    mem_free(*directory);
    *directory = NULL;
    return err_os(err, os, "cannot make a directory in %s", base);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    remove(path); // what stays behind is found by whoever looks; there is nobody to tell
    return 0;
}

void target_remove(const char *path) {
    nftw(path, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

// ---- what a text is

const char *target_kind_name(enum target_kind kind) {
    static const char *const names[] = {[TARGET_STRATEGY] = "strategy",
                                        [TARGET_MANIFEST] = "manifest",
                                        [TARGET_EXECUTABLE] = "executable",
                                        [TARGET_COMMAND] = "command"};
    return names[kind];
}

static bool is_directory(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_manifest(const char *text) {
    struct str name = str_of(text);
    bool named = str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
    return is_directory(text) || (named && is_file(text));
}

static const char *keep(struct target *t, const char *text) {
    struct str kept = arena_str(&t->arena, str_of(text));
    if (!kept.p)
        mem_fail(strlen(text));
    return kept.p;
}

// Its version, where it says that it is a pressrun; else NULL.
static const char *find_version(struct target *t, const char *program) {
    if (!strchr(program, '/') || !is_file(program) || access(program, X_OK) != 0)
        return NULL;
    const char *const arguments[] = {program, "--version", NULL};
    struct process_command command = {.arguments = arguments, .seconds = 10};
    struct process_sample sample;
    struct err err;
    struct buf output = BUF_INIT;
    const char *version = NULL;
    if (process_run(&command, &sample, &output, NULL, &err) == STATUS_OK && sample.exit_code == 0 &&
        str_starts(buf_str(&output), STR("pressrun "))) {
        size_t n = 0;
        while (n < output.n && output.p[n] != '\n')
            n++;
        output.n = n;
        version = keep(t, buf_text(&output));
    }
    buf_release(&output);
    return version;
}

static void set_arguments(struct target *t, const char *const *arguments) {
    size_t n = 0;
    while (arguments[n])
        n++;
    const char **kept = ARENA_NEW_ARRAY(&t->arena, const char *, n + 1);
    if (!kept)
        mem_fail(n);
    for (size_t i = 0; i < n; i++)
        kept[i] = keep(t, arguments[i]);
    t->arguments = kept;
}

static const char *keep_printed(struct target *t, const char *format, const char *scratch, int which) {
    const char *kept = arena_printf(&t->arena, format, scratch, 'a' + which);
    if (!kept)
        mem_fail(strlen(scratch));
    return kept;
}

// `more`: two words, or NULL.
static void set_run(struct target *t, const char *program, const char *const *more, const char *manifest,
                    const char *scratch, int which) {
    t->output = keep_printed(t, "%s/%c", scratch, which);
    t->variables[0] = keep_printed(t, "PRESSRUN_HISTORY=%s/%c/.pressrun", scratch, which);
    const char *arguments[10] = {program, "run", "--json", "-o", t->output};
    size_t n = 5;
    if (more) {
        arguments[n++] = more[0];
        arguments[n++] = more[1];
    }
    if (manifest) {
        arguments[n++] = "-f";
        arguments[n++] = manifest;
    }
    set_arguments(t, arguments);
}

static void set_strategy(struct target *t, const char *name, const struct target_context *context,
                         int which) {
    static const char *const others[] = {"PRESSRUN_REDIS=off", "PRESSRUN_CACHE", "PRESSRUN_JOBS",
                                         "PRESSRUN_STRATEGY", "MAKEFLAGS"};
    _Static_assert(2 + sizeof others / sizeof *others < sizeof t->variables / sizeof *t->variables,
                   "NULL ends them");
    t->kind = TARGET_STRATEGY;
    t->version = "pressrun " PRESSRUN_VERSION;
    set_run(t, context->self, (const char *const[]){"--strategy", name}, context->manifest, context->scratch,
            which);
    t->variables[1] = keep_printed(t, "PRESSRUN_CACHE_DIR=%s/%c/.pressrun/cache", context->scratch, which);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        t->variables[2 + i] = others[i];
}

// The words of a plain command, quotes taken off; 0: it takes a shell to understand it. `words` has room for `most`.
static size_t split_words(struct target *t, const char *text, const char **words, size_t most) {
    struct buf word = BUF_INIT;
    size_t n = 0;
    bool plain = true;
    for (const char *at = text + strspn(text, " \t"); plain && *at; at += strspn(at, " \t")) {
        char quote = 0;
        buf_clear(&word);
        plain = n < most && *at != '#' && *at != '~';
        for (; plain && *at && (quote || !strchr(" \t", *at)); at++) {
            if (quote ? *at == quote : *at == '\'' || *at == '"')
                quote = quote ? 0 : *at;
            else if (quote != '\'' && strchr(quote ? "$`\\" : "|&;<>()$`\\*?[]{}!\n", *at))
                plain = false;
            else if (n == 0 && *at == '=')
                plain = false; // an assignment
            else
                buf_add_char(&word, *at);
        }
        plain = plain && !quote;
        if (plain)
            words[n++] = keep(t, buf_text(&word));
    }
    buf_release(&word);
    return plain ? n : 0;
}

static enum status set_command(struct target *t, const char *text, struct err *err) {
    enum { WORDS = 256 };
    const char *words[WORDS + 1];
    if (!text[strspn(text, " \t\n")])
        return err_set(err, STATUS_DATA, "there is no command in \"%s\"", text);
    size_t n = split_words(t, text, words, WORDS);
    words[n] = NULL;
    set_arguments(t, n ? words : (const char *const[]){"sh", "-c", text, NULL});
    return STATUS_OK;
}

bool target_is_strategy(const char *text, const struct target_context *context) {
    for (size_t i = 0; context->strategy && context->strategy(i); i++)
        if (strcmp(text, context->strategy(i)) == 0)
            return true;
    return false;
}

enum status target_init(struct target *t, const char *text, const struct target_context *context, int which,
                        struct err *err) {
    *t = (struct target){0};
    arena_init(&t->arena, 0);
    t->shown = keep(t, text);
    if (target_is_strategy(text, context)) {
        set_strategy(t, text, context, which);
    } else if (is_manifest(text)) {
        bool directory = is_directory(text);
        t->kind = TARGET_MANIFEST;
        t->version = "pressrun " PRESSRUN_VERSION;
        set_run(t, context->self, directory ? (const char *const[]){"-C", text} : NULL,
                directory ? NULL : text, context->scratch, which);
    } else if ((t->version = find_version(t, text)) != NULL) {
        t->kind = TARGET_EXECUTABLE;
        set_run(t, text, NULL, context->manifest, context->scratch, which);
    } else {
        t->kind = TARGET_COMMAND;
        return set_command(t, text, err);
    }
    return STATUS_OK;
}

enum status target_init_command(struct target *t, const char *text, struct err *err) {
    *t = (struct target){.kind = TARGET_COMMAND};
    arena_init(&t->arena, 0);
    t->shown = keep(t, text);
    return set_command(t, text, err);
}

void target_release(struct target *t) {
    arena_release(&t->arena);
}

struct process_command target_command(const struct target *t) {
    return (struct process_command){.arguments = t->arguments, .variables = t->variables};
}

// ---- what came of a run

struct str target_last_lines(struct str text) {
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    size_t from = text.n, lines = 0;
    while (from > 0 && lines < SHOWN_LINES)
        if (text.p[--from] == '\n' && ++lines == SHOWN_LINES)
            from++;
    return lines == SHOWN_LINES ? str_from(text, from) : text;
}

static enum status explain(const struct target *t, const struct process_sample *sample, struct str errors,
                           struct err *err) {
    if (sample->timed_out)
        return err_set(err, STATUS_DATA, "%s had not ended after %.0f s and was killed (--seconds)", t->shown,
                       sample->wall);
    return err_set(err, STATUS_DATA, "%s ended with exit code %d%s%.*s", t->shown, sample->exit_code,
                   errors.n ? "; it said: " : "", STR_ARG(target_last_lines(errors)));
}

enum status target_take(const struct target *t, const struct process_sample *sample, struct str output,
                        struct str errors, struct target_report *report, struct err *err) {
    *report = (struct target_report){0};
    if (t->output && !t->keeps)
        target_remove(t->output);
    if (sample->timed_out || sample->exit_code != 0)
        return explain(t, sample, errors, err);
    if (!t->output) {
        report->digest = digest_of(output);
        return STATUS_OK;
    }
    json_t *document = work_report(output);
    const char *hex = json_string_value(json_object_get(document, "digest"));
    bool found = hex && digest_parse(str_of(hex), &report->digest);
    if (t->kind != TARGET_STRATEGY)
        work_read(&report->work, document);
    work_read_stages(report->stages, document);
    json_decref(document);
    return found ? STATUS_OK : err_set(err, STATUS_DATA, "%s printed no digest of its outputs", t->shown);
}
