// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_SALT_H
#define PRESSRUN_BASE_SALT_H
/*
 * Numbers that nobody can foresee and that no two processes share: what hashes of names from outside depend on, and what
 * tells apart things that are made in the same instant. Not for secrets: before the kernel has gathered enough noise it is
 * clocks and the process's number. Any thread.
 */
#include <stdint.h>

uint64_t salt_draw(void);

#endif
