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

static void fill_program(struct manifest_filling *f, const struct document_node *name,
                         struct manifest_through *through) {
    struct manifest *m = f->m;
    struct err err;
    int os = 0;
    through->span = name->span;
    if (memchr(name->text.p, '/', name->text.n)) {
        through->program = name->text.p;
        os = look_at_program(manifest_resolve(&m->arena, m->directory, name->text).p);
    } else {
        through->program = find_program(&m->arena, name->text, &os);
    }
    if (!through->program && os == ENOENT) {
        diags_error(f->diags, &m->text, name->span, "no directory of PATH has a program \"%.*s\"",
                    STR_ARG(name->text));
    } else if (os) {
        err_os(&err, os, "cannot run \"%.*s\"", (int)(name->text.n < 300 ? name->text.n : 300), name->text.p);
        diags_error(f->diags, &m->text, name->span, "%s", err.text);
    }
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
    if (!command)
        return;
    if (!command->entries) {
        diags_error(f->diags, &f->m->text, command->span, "a command needs a program");
        return;
    }
    const char **argv = document_alloc(&f->m->arena, sizeof *argv * (command->entries_n + 1));
    size_t n = 0;
    for (const struct document_entry *e = command->entries; e; e = e->next) {
        if (e->value->faulty)
            return;
        argv[n++] = document_text(&f->m->arena, e->value->text).p;
    }
    argv[n] = NULL;
    through->argv = argv;
    fill_program(f, command->entries->value, through);
}
