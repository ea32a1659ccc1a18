// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_BACKOFF_H
#define PRESSRUN_BASE_BACKOFF_H
/*
 * How long to wait before something that failed is tried again: twice as long each time, at most BACKOFF_MOST, and a part
 * of it by chance, so that what failed together does not come back together. The chance is the caller's, so that a test
 * or a second run can have the same.
 */
#include <stdint.h>

#define BACKOFF_MOST UINT64_C(60000000000) // nanoseconds

// `tried`: how often it was tried again before. From a half of what is due to all of it, by `random`.
uint64_t backoff_delay(uint64_t first, uint32_t tried, uint64_t random);

#endif
