// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_DOCTOR_QUERIES_JSON_H
#define PRESSRUN_CLI_DOCTOR_QUERIES_JSON_H
/*
 * What `doctor --json` says of queries and of indexes: `queries` and `indexes` of its object. docs/doctor.md has their members.
 * Times are seconds.
 */
#include <jansson.h>

#include "pipeline/doctor/query_looks.h"

void doctor_queries_json_add(const struct query_looks *looks, json_t *object);

#endif
