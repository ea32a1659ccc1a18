// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_MEM_H
#define PRESSRUN_BASE_MEM_H
/*
 * Heap memory for bookkeeping: tables, lists, buffers that the program itself needs to go on.
 *
 * These never return NULL: bookkeeping that cannot allocate cannot be unwound honestly, so mem_fail()
 * aborts, in one place, after one line on stderr. What belongs to an item in flight (a record, a rendered
 * text) is allocated from a bounded arena instead (base/arena.h), which returns NULL and fails that item.
 *
 * Ownership: the caller owns what it gets and gives it back with mem_free. Thread-safe.
 */
#include <stddef.h>

void *mem_alloc(size_t size);                  // zeroed
void *mem_realloc(void *old, size_t size);     // like realloc; the grown part is not zeroed
void mem_free(void *p);                        // NULL is fine
char *mem_copy(const char *text, size_t size); // a NUL-terminated copy
_Noreturn void mem_fail(size_t size);

#define MEM_NEW(type)          ((type *)mem_alloc(sizeof(type)))
#define MEM_NEW_ARRAY(type, n) ((type *)mem_alloc(sizeof(type) * (size_t)(n)))

// Makes room for at least `want` elements in a growing array; doubles. Aborts where the size would overflow.
void *mem_grow(void *array, size_t *capacity, size_t want, size_t element);
#define MEM_GROW(array, capacity, want) ((array) = mem_grow((array), &(capacity), (want), sizeof *(array)))

#endif
