// SPDX-License-Identifier: MIT
// Mustache templates over any bytes, with partials and parents.
#include "tests/fuzz/any_templates.h"
#include "tests/fuzz/fuzz.h"

static const char third[] = "[{{name}}{{$t}}b{{id}}{{/t}}\n"
                            "  {{#rows}}\n"
                            "  {{x}}{{$u}}{{#y}}{{.}}{{/y}}{{/u}}\n"
                            "  {{> a}}\n"
                            "  {{/rows}}\n"
                            "{{<a}}{{$t}}c{{/t}}{{/a}}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_templates("mustache", STR(third), data, size);
    return 0;
}
