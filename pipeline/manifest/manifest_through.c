// SPDX-License-Identifier: MIT
// A job's filter outside pressrun: its program is looked up once, here, and its inputs must be there.
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/manifest/manifest_private.h"

#define STANDARD_PATH "/usr/local/bin:/usr/bin:/bin"
enum { STANDARD_SECONDS = 10 };

// 0, or why it cannot be run.
static int look_at_program(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

// In the absolute directories of PATH: the filter runs in another directory than this program, so others would mean
// two things. NULL: in none; *os tells of the first that cannot be run.
static const char *find_program(struct arena *arena, struct str name, int *os) {
    const char *path = getenv("PATH");
    path = path && *path ? path : STANDARD_PATH;
    *os = ENOENT;
    for (const char *at = path, *end; at; at = *end ? end + 1 : NULL) {
        end = at + strcspn(at, ":");
        if (*at != '/')
            continue;
        const char *program = arena_printf(arena, "%.*s/%.*s", (int)(end - at), at, STR_ARG(name));
        int failed = program ? look_at_program(program) : ENOMEM;
        if (!failed) {
            *os = 0;
            return program;
        }
        if (failed != ENOENT && failed != ENOTDIR && *os == ENOENT)
            *os = failed;
    }
    return NULL;
}

const char *manifest_find_program(struct manifest *m, struct str name, struct err *err) {
    enum { SHOWN = 300 };
    const struct str shown = str_slice(name, 0, SHOWN);
    const char *program;
    int os = 0;
    if (memchr(name.p, '/', name.n)) {
        program = name.p;
        os = look_at_program(manifest_resolve(&m->arena, m->directory, name).p);
    } else {
        program = find_program(&m->arena, name, &os);
    }
    if (!program && os == ENOENT)
        err_set(err, STATUS_IO, "no directory of PATH has a program \"%.*s\"", STR_ARG(shown));
    else if (os)
        err_os(err, os, "cannot run \"%.*s\"", STR_ARG(shown));
    return os ? NULL : program;
}

static void fill_program(struct manifest_filling *f, const struct document_node *name,
                         struct manifest_through *through) {
    struct err err;
    through->span = name->span;
    through->program = manifest_find_program(f->m, name->text, &err);
    if (!through->program)
        diags_error(f->diags, &f->m->text, name->span, "%s", err.text);
}

static void fill_inputs(struct manifest_filling *f, const struct document_node *node,
                        struct manifest_through *through) {
    struct manifest *m = f->m;
    struct document_node *inputs = manifest_node(node, "inputs");
    if (!inputs)
        return;
    struct document_entry one = {.value = inputs};
    bool list = inputs->kind == DOCUMENT_LIST;
    struct str *paths = document_alloc(&m->arena, sizeof *paths * ((list ? inputs->entries_n : 1) + 1));
    for (const struct document_entry *e = list ? inputs->entries : &one; e; e = e->next) {
        if (e->value->faulty)
            continue;
        struct str path = manifest_resolve(&m->arena, m->directory, e->value->text);
        manifest_check_file(f, path, e->value->text, e->value->span);
        paths[through->inputs_n++] = path;
    }
    through->inputs = paths;
}

const char *const *manifest_take_command(struct manifest_filling *f, const struct document_node *command) {
    if (!command->entries) {
        diags_error(f->diags, &f->m->text, command->span, "a command needs a program");
        return NULL;
    }
    const char **argv = document_alloc(&f->m->arena, sizeof *argv * (command->entries_n + 1));
    size_t n = 0;
    for (const struct document_entry *e = command->entries; e; e = e->next) {
        if (e->value->faulty)
            return NULL;
        argv[n++] = document_text(&f->m->arena, e->value->text).p;
    }
    argv[n] = NULL;
    return argv;
}

void manifest_fill_through(struct manifest_filling *f, const struct document_node *job,
                           struct manifest_through *through) {
    const struct document_node *node = manifest_node(job, "through");
    const struct document_node *command = node ? manifest_node(node, "command") : NULL;
    if (!node)
        return;
    fill_inputs(f, node, through);
    const struct document_node *seconds = manifest_node(node, "seconds");
    through->seconds = seconds ? (uint64_t)seconds->integer : STANDARD_SECONDS;
    through->retry = manifest_take_retry(node);
    through->argv = command ? manifest_take_command(f, command) : NULL;
    if (through->argv)
        fill_program(f, command->entries->value, through);
}
