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

static bool is_pressrun(const char *text) {
    if (!strchr(text, '/') || !is_file(text) || access(text, X_OK) != 0)
        return false;
    const char *const arguments[] = {text, "--version", NULL};
    struct process_command command = {.arguments = arguments, .seconds = 10};
    struct process_sample sample;
    struct err err;
    struct buf output = BUF_INIT;
    bool is = process_run(&command, &sample, &output, NULL, &err) == STATUS_OK && sample.exit_code == 0 &&
              str_starts(buf_str(&output), STR("pressrun "));
    buf_release(&output);
    return is;
}

static const char *keep(struct target *t, const char *text) {
    struct str kept = arena_str(&t->arena, str_of(text));
    if (!kept.p)
        mem_fail(strlen(text));
    return kept.p;
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

// -C `directory` -f `manifest`, where they are not NULL.
static void set_run(struct target *t, const char *program, const char *directory, const char *manifest,
                    const char *scratch, int which) {
    t->output = arena_printf(&t->arena, "%s/%c", scratch, 'a' + which);
    if (!t->output)
        mem_fail(strlen(scratch));
    const char *arguments[10] = {program, "run", "--json", "-o", t->output};
    size_t n = 5;
    if (directory) {
        arguments[n++] = "-C";
        arguments[n++] = directory;
    }
    if (manifest) {
        arguments[n++] = "-f";
        arguments[n++] = manifest;
    }
    set_arguments(t, arguments);
}

// Words as they are; the shell gets what only it understands. Its start is then part of what is measured.
static enum status set_command(struct target *t, const char *text, struct err *err) {
    enum { WORDS = 256 };
    if (strpbrk(text, "|&;<>()$`\\\"'*?[]#~={}!\n")) {
        const char *shell[] = {"sh", "-c", text, NULL};
        set_arguments(t, shell);
        return STATUS_OK;
    }
    const char *words[WORDS + 1];
    size_t n = 0;
    for (const char *at = text + strspn(text, " \t"); *at && n < WORDS; at += strspn(at, " \t")) {
        size_t length = strcspn(at, " \t");
        words[n++] = arena_copy(&t->arena, at, length);
        at += length;
    }
    words[n] = NULL;
    if (!n)
        return err_set(err, STATUS_DATA, "there is no command in \"%s\"", text);
    set_arguments(t, words);
    return STATUS_OK;
}

enum status target_init(struct target *t, const char *text, const struct target_context *context, int which,
                        struct err *err) {
    *t = (struct target){0};
    arena_init(&t->arena, 0);
    t->shown = keep(t, text);
    if (is_manifest(text)) {
        t->kind = TARGET_MANIFEST;
        bool directory = is_directory(text);
        set_run(t, context->self, directory ? text : NULL, directory ? NULL : text, context->scratch, which);
    } else if (is_pressrun(text)) {
        t->kind = TARGET_EXECUTABLE;
        set_run(t, text, context->directory, context->manifest, context->scratch, which);
    } else {
        t->kind = TARGET_COMMAND;
        return set_command(t, text, err);
    }
    return STATUS_OK;
}

void target_release(struct target *t) {
    arena_release(&t->arena);
}

struct process_command target_command(const struct target *t) {
    return (struct process_command){.arguments = t->arguments};
}

// ---- what came of a run

// The end of what it said, for a message.
static struct str last_lines(struct str text) {
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    size_t from = text.n, lines = 0;
    while (from > 0 && lines < SHOWN_LINES)
        if (text.p[--from] == '\n' && ++lines == SHOWN_LINES)
            from++;
    return lines == SHOWN_LINES ? str_from(text, from) : text;
}

static bool parse_digest(const char *hex, struct digest *digest) {
    if (!hex || strlen(hex) != 32 || strspn(hex, "0123456789abcdef") != 32)
        return false;
    char half[17] = {0};
    memcpy(half, hex, 16);
    digest->high = strtoull(half, NULL, 16);
    digest->low = strtoull(hex + 16, NULL, 16);
    return true;
}

// Of the last line, which is the run's report.
static bool find_digest(struct str output, struct digest *digest) {
    while (output.n && output.p[output.n - 1] == '\n')
        output.n--;
    size_t from = output.n;
    while (from > 0 && output.p[from - 1] != '\n')
        from--;
    json_t *report = json_loadb(output.p + from, output.n - from, 0, NULL);
    bool found = parse_digest(json_string_value(json_object_get(report, "digest")), digest);
    json_decref(report);
    return found;
}

enum status target_take(const struct target *t, const struct process_sample *sample, struct str output,
                        struct str errors, struct digest *digest, struct err *err) {
    if (t->output)
        target_remove(t->output);
    if (sample->exit_code != 0)
        return err_set(err, STATUS_DATA, "%s ended with exit code %d%s%.*s", t->shown, sample->exit_code,
                       errors.n ? "; it said: " : "", STR_ARG(last_lines(errors)));
    if (!t->output) {
        *digest = digest_of(output);
        return STATUS_OK;
    }
    if (!find_digest(output, digest))
        return err_set(err, STATUS_DATA, "%s printed no digest of its outputs", t->shown);
    return STATUS_OK;
}
