// SPDX-License-Identifier: MIT
#include "report/report_schema.h"

#include "report/page_texts.h"

void report_write_schema(struct buf *out) {
    for (size_t i = 0; i < page_texts_n; i++)
        if (str_is(str_of(page_texts[i].name), "report.schema.json"))
            buf_add(out, (const char *)page_texts[i].text, page_texts[i].n);
}
