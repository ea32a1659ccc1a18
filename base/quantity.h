// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_QUANTITY_H
#define PRESSRUN_BASE_QUANTITY_H
/*
 * Quantities as people read them, with their units: 1,234,567; 1.2 MB (powers of ten); 12.3 ms; 4.5 us. Independent of
 * the locale. Every function appends to `out`. What is not finite is "-".
 *
 * Units are those of metrics: "s" (a duration), "B" (bytes), "B/s", "1/s" (rates), "share" (0..1, shown in percent), "x" (a
 * factor), "" (a count, or a plain number where it is not whole).
 */
#include <stdint.h>

#include "base/buf.h"

void quantity_count(struct buf *out, uint64_t n);     // 1,234,567
void quantity_bytes(struct buf *out, uint64_t bytes); // 1.2 MB
void quantity_seconds(struct buf *out, double seconds);
void quantity_add(struct buf *out, double value, const char *unit);

#endif
