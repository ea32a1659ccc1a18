// SPDX-License-Identifier: MIT
#include "cli/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/page.h"

static enum status write_json(struct str document, bool indented, struct buf *out, struct err *err) {
    (void)indented; // it has been made so
    (void)err;
    buf_add_str(out, document);
    return STATUS_OK;
}

static enum status write_html(struct str document, bool indented, struct buf *out, struct err *err) {
    (void)indented;
    return page_write(PAGE_HTML, document, out, err);
}

static enum status write_markdown(struct str document, bool indented, struct buf *out, struct err *err) {
    (void)indented;
    return page_write(PAGE_MARKDOWN, document, out, err);
}

static const struct report_format formats[] = {
    {"json", {".json"}, write_json},
    {"html", {".html", ".htm"}, write_html},
    {"markdown", {".md", ".markdown"}, write_markdown},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static void write_names(struct buf *out, bool endings) {
    for (size_t i = 0; i < FORMATS; i++)
        for (size_t e = 0; e < (endings ? 3 : 1) && formats[i].endings[e]; e++)
            buf_printf(out, "%s%s", out->n ? ", " : "", endings ? formats[i].endings[e] : formats[i].name);
}

const struct report_format *report_format_named(const char *name, struct err *err) {
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    write_names(&names, false);
    err_set(err, STATUS_DATA, "a report is in one of the formats %s, not \"%s\"", buf_text(&names), name);
    buf_release(&names);
    return NULL;
}

const struct report_format *report_format_of_file(const char *path, struct err *err) {
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < FORMATS; i++)
        for (size_t e = 0; e < 3 && formats[i].endings[e]; e++)
            if (str_ends(str_of(path), str_of(formats[i].endings[e])))
                return &formats[i];
    write_names(&names, true);
    err_set(err, STATUS_DATA, "the name of a report ends in one of %s, which \"%s\" does not",
            buf_text(&names), path);
    buf_release(&names);
    return NULL;
}

enum status report_file_make(const struct report_format *format, struct str source,
                             const struct report_options *options, bool indented, struct buf *out,
                             struct err *err) {
    struct buf document = BUF_INIT;
    enum status status = report_make(source, options, indented, &document, err);
    if (status == STATUS_OK)
        status = format->write(buf_str(&document), indented, out, err);
    buf_release(&document);
    return status;
}

// ---- files

// `shown`: the file that it is in the end.
static enum status write_at(const struct fs *fs, const char *path, const char *shown, int flags,
                            struct str bytes, struct err *err) {
    const int fd = fs->open(fs->self, AT_FDCWD, path, O_WRONLY | O_CLOEXEC | flags, 0666);
    if (fd < 0)
        return err_os(err, -fd, "cannot write %s", shown);
    struct err why;
    const enum status status = fs_write_all(fs, fd, bytes.p, bytes.n, &why);
    fs->close(fs->self, fd);
    return status == STATUS_OK ? STATUS_OK : err_os(err, why.os, "cannot write %s", shown);
}

enum status report_file_check(const char *path, struct err *err) {
    const char *slash = strrchr(path, '/');
    struct buf directory = BUF_INIT;
    buf_add(&directory, slash ? path : ".", slash ? (size_t)(slash - path) + (slash == path) : 1);
    const bool there = access(buf_text(&directory), W_OK | X_OK) == 0;
    if (!there)
        err_os(err, errno, "cannot write to %s", buf_text(&directory));
    buf_release(&directory);
    return there ? STATUS_OK : STATUS_IO;
}

enum status report_file_save(const struct fs *fs, const char *path, struct str bytes, struct err *err) {
    struct stat st;
    struct buf beside = BUF_INIT;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_at(fs, path, path, 0, bytes, err);
    buf_printf(&beside, "%s.%ld.tmp", path, (long)getpid());
    const char *name = buf_text(&beside);
    enum status status = write_at(fs, name, path, O_CREAT | O_EXCL, bytes, err);
    if (status == STATUS_OK) {
        const int failed = fs->rename(fs->self, AT_FDCWD, name, AT_FDCWD, path);
        if (failed < 0)
            status = err_os(err, -failed, "cannot write %s", path);
    }
    if (status != STATUS_OK)
        fs->unlink(fs->self, AT_FDCWD, name);
    buf_release(&beside);
    return status;
}
