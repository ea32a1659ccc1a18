// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_REPORT_FILE_H
#define PRESSRUN_CLI_REPORT_FILE_H
/*
 * Reports as files and on stdout: the formats there are, how a file's name tells its format, and the way from a document
 * that a report is made of (report/report_sources.h) to bytes.
 *
 * A file is written beside its place and then takes it, so it is the old one or the new one, whole; what is no regular
 * file (a pipe, a terminal) is written as it is.
 *
 * To add a format: a row in report_file.c.
 */
#include "cli/command.h"
#include "report/report_sources.h"

struct report_format {
    const char *name;
    const char *endings[3]; // of files; NULL: no more
    enum status (*write)(struct str document, bool indented, struct buf *out, struct err *err);
};

// NULL, and the error says which there are: there is none of that name, or for such a file.
const struct report_format *report_format_named(const char *name, struct err *err);
const struct report_format *report_format_of_file(const char *path, struct err *err);

// The report about what `source` has, as bytes. `indented`: for people, where the format has a choice.
enum status report_file_make(const struct report_format *format, struct str source,
                             const struct report_options *options, bool indented, struct buf *out,
                             struct err *err);
// Whether there is a place for the file, for who works long before there is something to write.
enum status report_file_check(const char *path, struct err *err);
enum status report_file_save(const struct fs *fs, const char *path, struct str bytes, struct err *err);

#endif
