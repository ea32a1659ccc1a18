// SPDX-License-Identifier: MIT
#include "cli/gate_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bench/gate_formats.h"
#include "bench/gate_json.h"
#include "cli/gate_summary.h"

static void write_json(struct gate_result *r, struct buf *out) {
    gate_write_json(r, false, out);
}

static void write_samples(struct gate_result *r, struct buf *out) {
    gate_write_json(r, true, out);
}

static void write_text(struct gate_result *r, struct buf *out) {
    gate_summary_write(r, true, false, out);
}

static const struct format {
    const char *name;
    void (*write)(struct gate_result *r, struct buf *out);
} formats[] = {
    {"text", write_text},          {"json", write_json},
    {"samples", write_samples}, // JSON with all samples, which can be replayed
    {"junit", gate_write_junit},   {"markdown", gate_write_markdown},
    {"github", gate_write_github}, {"tracker", gate_write_tracker},
};

static const struct format *find_format(struct str name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}

static bool refuse(struct str name, struct err *err) {
    err_set(err, STATUS_DATA,
            "\"%.*s\" is no format: text, json, samples, junit, markdown, github or tracker", STR_ARG(name));
    return false;
}

// "junit:gate.xml" taken apart. NULL: it is none.
static const char *split(const char *text, const struct format **format) {
    const char *colon = strchr(text, ':');
    *format = colon ? find_format((struct str){text, (size_t)(colon - text)}) : NULL;
    return *format && colon[1] ? colon + 1 : NULL;
}

// What a file holds stays until there is something new, and where there is none, none is left.
static bool can_write(const char *path) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool made = fd < 0 && errno == ENOENT;
    if (made)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    close(fd);
    return !made || unlink(path) == 0;
}

bool gate_output_check(const struct options *options, struct err *err) {
    const char *name = options_get(options, "format"), *const * wanted;
    size_t n = options_all(options, "write", &wanted);
    if (name && !find_format(str_of(name)))
        return refuse(str_of(name), err);
    if (name && options_has(options, "json") && strcmp(name, "json") != 0)
        return !err_set(err, STATUS_DATA, "--json is --format json, not %s", name);
    for (size_t i = 0; i < n; i++) {
        const struct format *format;
        const char *path = split(wanted[i], &format);
        if (!path && !format && strchr(wanted[i], ':'))
            return refuse((struct str){wanted[i], (size_t)(strchr(wanted[i], ':') - wanted[i])}, err);
        if (!path)
            return !err_set(err, STATUS_DATA, "--write is FORMAT:FILE, not \"%s\"", wanted[i]);
        if (!can_write(path))
            return !err_os(err, errno, "cannot write %s", path);
    }
    return true;
}

static int write_file(struct cli *cli, struct gate_result *r, const char *wanted) {
    const struct format *format;
    const char *path = split(wanted, &format);
    struct buf text = BUF_INIT;
    struct err err;
    int code = EXIT_DONE, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return cli_fail_os(errno, "cannot write %s", path);
    format->write(r, &text);
    if (fs_write_all(&cli->fs, fd, text.p, text.n, &err) != STATUS_OK)
        code = cli_fail_os(err.os, "cannot write %s", path);
    if (close(fd) != 0 && code == EXIT_DONE)
        code = cli_fail_os(errno, "cannot write %s", path);
    buf_release(&text);
    return code;
}

static int exit_code(const struct gate_result *r) {
    if (r->interrupted)
        return EXIT_INTERRUPTED;
    switch (r->verdict) {
    case VERDICT_PASS:
        return EXIT_DONE;
    case VERDICT_FAIL:
        return EXIT_REGRESSION;
    case VERDICT_INVALID:
        return EXIT_USAGE;
    case VERDICT_INCONCLUSIVE:
    case VERDICT_MORE:
        break;
    }
    return EXIT_INCONCLUSIVE;
}

int gate_output_tell(struct cli *cli, const struct options *options, struct gate_result *r) {
    const char *name = options_has(options, "json") ? "json" : options_get(options, "format");
    const char *const *wanted;
    size_t n = options_all(options, "write", &wanted);
    struct buf text = BUF_INIT;
    int code = EXIT_DONE;
    for (size_t i = 0; i < n; i++) {
        int written = write_file(cli, r, wanted[i]);
        if (code == EXIT_DONE)
            code = written;
    }
    if (name && strcmp(name, "text") != 0)
        find_format(str_of(name))->write(r, &text);
    else if (!cli->quiet)
        gate_summary_write(r, options_has(options, "all"), cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    return code == EXIT_DONE ? exit_code(r) : code;
}
