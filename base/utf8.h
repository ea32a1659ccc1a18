// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_UTF8_H
#define PRESSRUN_BASE_UTF8_H
/*
 * UTF-8: validation (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF), counting, stepping.
 * All but utf8_valid expect valid input. Case mapping and character classes are libunistring's business.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

bool utf8_valid(struct str text, size_t *bad); // *bad (may be NULL): offset of the first bad sequence
bool utf8_is_ascii(struct str text);
size_t utf8_length(struct str text);                // code points
size_t utf8_offset(struct str text, size_t points); // byte offset of the n-th code point, or text.n
uint32_t utf8_decode(const char *p, size_t *size);  // code point at p; *size: its bytes
size_t utf8_encode(uint32_t point, char out[4]);    // bytes written

#endif
