// SPDX-License-Identifier: MIT
#include "base/backoff.h"

uint64_t backoff_delay(uint64_t first, uint32_t tried, uint64_t random) {
    uint64_t due = first < BACKOFF_MOST ? first : BACKOFF_MOST;
    for (uint32_t i = 0; i < tried && due > 0 && due < BACKOFF_MOST; i++)
        due = due < BACKOFF_MOST / 2 ? due * 2 : BACKOFF_MOST;
    random = (random ^ tried) * UINT64_C(0x9E3779B97F4A7C15);
    return due - (uint64_t)((double)(due / 2) * ((double)(random >> 32) / 4294967296.0));
}
