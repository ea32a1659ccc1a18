// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_PAGE_H
#define PRESSRUN_REPORT_PAGE_H
/*
 * A report as something to read: HTML or Markdown, made from the report's document (report.h) by the templates in
 * report/templates/, which are built into the program and rendered by the very stages that runs use.
 *
 * The HTML is one file that needs nothing else: no scripts, no fonts, no addresses; it can be read without its style
 * sheet, too. Charts are SVG whose places are percentages, so that they fill the width there is while their texts keep
 * their size. What the document quotes is escaped; control characters, which no page may have, become U+FFFD.
 *
 * To add a format: a template beside the others (CMakeLists.txt names them all), a row of `page_forms`; in cli/report_file.c its
 * name and its endings.
 *
 * Takes any document of the model's shape, whoever wrote it; what is missing is left out. No state; any thread.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum page_form { PAGE_HTML, PAGE_MARKDOWN };

// STATUS_DATA: `model` is no JSON document of a report; err says what is wrong with it, and `out` is as it was.
enum status page_write(enum page_form form, struct str model, struct buf *out, struct err *err);

#endif
