// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_SUGGEST_H
#define PRESSRUN_BASE_SUGGEST_H
/*
 * "Did you mean": the candidate nearest to a misspelt word by Damerau-Levenshtein distance (optimal string
 * alignment, bytes, ASCII case folded), if it is near enough: at most a third of the word's length, at least 1,
 * and less than the longer word, so that two words without a letter in common never match. Words of more than
 * 96 bytes get no suggestion.
 */
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct suggestion {
    struct str word; // what was written
    struct str best; // {NULL, 0} while nothing is near enough
    size_t distance;
};

struct suggestion suggest_for(struct str word);
void suggest_offer(struct suggestion *s, struct str candidate); // ties: the first offered stays

// Which of the words name(0), name(1), ... (until NULL) it is. STATUS_DATA: none; the message, which begins with "there is
// no KIND", has the one that was meant, or all.
enum status suggest_choose(const char *kind, struct str word, const char *(*name)(size_t n), size_t *chosen,
                           struct err *err);

#endif
