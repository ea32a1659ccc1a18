// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_FUZZ_ANY_TEMPLATES_H
#define PRESSRUN_TESTS_FUZZ_ANY_TEMPLATES_H
/*
 * Templates over any bytes, in any language: compiled with whatever they refer to, and where that succeeds run on small
 * data, within tight limits: a record, another one, the first again, and what is read of it.
 *
 * The first byte chooses options and undefined mode. A byte 0xff, which no template may hold, ends the first template;
 * the second one follows. They find themselves as `m`, the second as `a`, and `b`, which the target gives.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

void fuzz_templates(const char *language, struct str third, const uint8_t *data, size_t size);

#endif
