// SPDX-License-Identifier: MIT
// Prompts over any bytes, with files to include and values that have keywords and directives in them.
#include "tests/fuzz/any_templates.h"
#include "tests/fuzz/fuzz.h"

static const char third[] = "as it is [NAME]\n//include a\n\\0 \\1 $USER <!-- c -->\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_templates("prompt", STR(third), data, size);
    return 0;
}
