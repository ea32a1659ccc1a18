// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_PAGE_TEXTS_H
#define PRESSRUN_REPORT_PAGE_TEXTS_H
/*
 * The templates of reports as parts of the program: report/templates/NAME, in a source file that the build makes.
 */
#include <stddef.h>

struct page_text {
    const char *name;
    const unsigned char *text;
    size_t n;
};
extern const struct page_text page_texts[];
extern const size_t page_texts_n;

#endif
