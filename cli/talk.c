// SPDX-License-Identifier: MIT
// How commands talk: results to stdout, everything else to stderr.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "pipeline/plan/plan.h"

void cli_print(struct str text) {
    struct fs fs = fs_system();
    struct err err;
    if (fs_write_all(&fs, STDOUT_FILENO, text.p, text.n, &err) != STATUS_OK) {
        if (err.os != EPIPE) // a reader that has seen enough need not be told
            fprintf(stderr, "pressrun: cannot write to standard output: %s\n", strerror(err.os));
        exit(EXIT_USAGE);
    }
}

static void say(const char *format, va_list args) {
    char text[2048];
    struct arena arena;
    vsnprintf(text, sizeof text, format, args);
    arena_init(&arena, 0);
    struct str shown = diag_escape(&arena, str_of(text)); // names and texts of others may be in it
    fprintf(stderr, "pressrun: %.*s\n", STR_ARG(shown));
    arena_release(&arena);
}

int cli_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return EXIT_USAGE;
}

void cli_note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

int cli_fail_os(int os, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct err err;
    err_os(&err, os, "%s", text);
    return cli_fail("%s", err.text);
}

int cli_argument_error(const struct command *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    fprintf(stderr, "usage: pressrun %s%s%s\nSee \"pressrun help %s\".\n", command->name,
            *command->arguments ? " " : "", command->arguments, command->name);
    return EXIT_USAGE;
}

static void write_count(size_t n, const char *what, struct buf *out) {
    buf_printf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

void cli_write_diags(struct cli *cli) {
    if (!cli->diags.first)
        return;
    struct buf text = BUF_INIT;
    diags_sort(&cli->diags);
    for (const struct diag *diag = cli->diags.first; diag; diag = diag->next)
        if (diag->severity == SEVERITY_ERROR || !cli->quiet)
            diag_write(diag, cli->colour_err, &text);
    if (cli->diags.errors) {
        write_count(cli->diags.errors, "error", &text);
        if (cli->diags.warnings) {
            buf_add_text(&text, ", ");
            write_count(cli->diags.warnings, "warning", &text);
        }
        buf_add_char(&text, '\n');
    }
    if (text.n)
        fwrite(text.p, 1, text.n, stderr);
    buf_release(&text);
}

// `selected`: only the jobs that --only names.
static struct manifest *open_manifest(struct cli *cli, const struct options *options, bool selected) {
    const char *directory = options_get(options, "directory");
    if (directory && chdir(directory) != 0) {
        cli_fail_os(errno, "cannot work in %s", directory);
        return NULL;
    }
    const char *path = options_get(options, "file"), *variable = getenv("PRESSRUN_FILE");
    if (!path && variable && *variable)
        path = variable;
    if (!path)
        path = manifest_find(&cli->fs, &cli->arena, ".");
    if (!path) {
        cli_fail(
            "there is no pressrun.yaml, pressrun.yml or pressrun.json here; \"pressrun init\" makes a small "
            "project, -f names another manifest");
        return NULL;
    }
    const char *const *words;
    struct str jobs[OPTION_REPEATS];
    const size_t n = selected ? options_all(options, "only", &words) : 0;
    for (size_t i = 0; i < n; i++)
        jobs[i] = str_of(words[i]);
    return manifest_read_for(&cli->fs, path, jobs, n, &cli->diags);
}

struct manifest *cli_open_manifest(struct cli *cli, const struct options *options) {
    return open_manifest(cli, options, false);
}

static struct manifest *check_sound(struct cli *cli, struct manifest *manifest) {
    if (!manifest || manifest->sound)
        return manifest;
    plan_check_texts(&cli->fs, manifest, &cli->diags);
    cli_write_diags(cli);
    manifest_free(manifest);
    return NULL;
}

struct manifest *cli_read_manifest(struct cli *cli, const struct options *options) {
    return check_sound(cli, open_manifest(cli, options, false));
}

struct manifest *cli_read_selected(struct cli *cli, const struct options *options) {
    return check_sound(cli, open_manifest(cli, options, true));
}
