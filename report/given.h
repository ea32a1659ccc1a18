// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_GIVEN_H
#define PRESSRUN_REPORT_GIVEN_H
/*
 * Reading the documents that reports are made from. They come from files, so any of it may be missing or be something
 * else: what is not there is NAN, "" or NULL, and nothing is told.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

double given_number(const json_t *object, const char *key);    // NAN
uint64_t given_count(const json_t *object, const char *key);   // 0; what is negative is 0
const char *given_text(const json_t *object, const char *key); // ""
// A text, or several as one: "a, b".
void given_texts(const json_t *object, const char *key, struct buf *out);
// A moment as documents have it, "2026-01-31T12:00:59Z", as people read it: "2026-01-31 12:00 UTC". Any other text as it is.
void given_moment(const json_t *object, const char *key, struct buf *out);
// A member of a member.
double given_number_in(const json_t *object, const char *key, const char *inner);

#endif
