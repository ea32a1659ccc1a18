// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_PROMPT_TEXT_H
#define PRESSRUN_STAGES_COMPILE_PROMPT_TEXT_H
/*
 * What is left of a prompt's source when its comments are taken out, its lines are cut at the end marker and the
 * listed environment names are replaced by their values; every byte of it knows where it came from.
 */
#include "base/buf.h"
#include "stages/compile/compile.h"

// Bytes from `at` on came from the source's bytes from `from` on; those of a value all from one place.
struct prompt_run {
    uint32_t at, from;
    bool is_value;
};

struct prompt_text {
    struct buf text;
    struct prompt_run *runs; // by `at`
    size_t n, cap;
};

// `out` is to be released, whatever it was before.
void prompt_text_make(struct str source, const struct compile_options *options, struct prompt_text *out);
void prompt_text_release(struct prompt_text *text);
// The source's byte that byte `at` came from.
uint32_t prompt_text_origin(const struct prompt_text *text, size_t at);

#endif
