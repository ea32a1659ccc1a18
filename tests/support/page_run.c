// SPDX-License-Identifier: MIT
// A report's document on standard input, the page of it on standard output: page_run html|markdown.
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "report/page.h"

int main(int n, char **words) {
    const struct fs fs = fs_system();
    struct buf out = BUF_INIT;
    struct err err = {0};
    char *text = NULL;
    size_t size = 0;
    const bool html = n == 2 && strcmp(words[1], "html") == 0;
    if (!html && (n != 2 || strcmp(words[1], "markdown") != 0)) {
        fprintf(stderr, "usage: page_run html|markdown\n");
        return 2;
    }
    enum status status = fs_read_file(&fs, "/dev/stdin", 64 << 20, &text, &size, &err);
    if (status == STATUS_OK)
        status = page_write(html ? PAGE_HTML : PAGE_MARKDOWN, (struct str){text, size}, &out, &err);
    if (status == STATUS_OK)
        fwrite(out.p, 1, out.n, stdout);
    else
        fprintf(stderr, "%s\n", err.text);
    mem_free(text);
    buf_release(&out);
    return status == STATUS_OK ? 0 : 1;
}
