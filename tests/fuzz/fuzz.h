// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_FUZZ_FUZZ_H
#define PRESSRUN_TESTS_FUZZ_FUZZ_H
/*
 * The entry point libFuzzer calls, which each fuzz_NAME.c defines.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
