// SPDX-License-Identifier: MIT
// Writes the manifest's JSON Schema, for tests/support/check_schema.py.
#include <stdio.h>

#include "pipeline/manifest.h"

int main(void) {
    struct buf out = BUF_INIT;
    manifest_write_schema(&out);
    bool written = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_release(&out);
    return written ? 0 : 1;
}
