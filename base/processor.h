// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_PROCESSOR_H
#define PRESSRUN_BASE_PROCESSOR_H
/*
 * What the processor is called, for those who want to know whether figures can be compared. Thread-safe.
 */
#include <stddef.h>

void processor_name(char *name, size_t size); // "AMD EPYC 7B13"; empty where the system does not say

#endif
