// SPDX-License-Identifier: MIT
// Jinja templates over any bytes, that of chats too, with others to include, extend and import.
#include "tests/fuzz/any_templates.h"
#include "tests/fuzz/fuzz.h"

static const char third[] =
    "{% macro f(x, y=2) %}<{{ x }}{{ caller(y) if caller }}{{ varargs }}{{ kwargs }}>{% endmacro %}"
    "{% set v = name %}[{% block t %}b{{ id }}{% endblock %}{% for r in rows %}{% block u scoped %}{{ r.x }}"
    "{% endblock %}{% endfor %}{% include ['nope', 'a'] ignore missing %}]";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_templates("jinja", STR(third), data, size);
    return 0;
}
