// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_PRIVATE_H
#define PRESSRUN_REPORT_REPORT_PRIVATE_H
/*
 * What the files that make the document share: members of its objects. Every function takes NULL for an object and does
 * nothing then.
 */
#include "report/report.h"

void report_put(json_t *object, const char *key, const char *text);    // NULL: ""
void report_put_number(json_t *object, const char *key, double value); // not where it is not finite
void report_put_state(json_t *object, enum report_state state);
json_t *report_add_block(json_t *section, const char *type);
void report_count_more(json_t *object, uint64_t more); // what was left out

#endif
