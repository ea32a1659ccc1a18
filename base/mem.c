// SPDX-License-Identifier: MIT
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void mem_fail(size_t size) {
    fprintf(stderr, "pressrun: out of memory (%zu bytes)\n", size);
    abort();
}

void *mem_alloc(size_t size) {
    void *p = calloc(1, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

void *mem_realloc(void *old, size_t size) {
    void *p = realloc(old, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

void mem_free(void *p) {
    free(p);
}

char *mem_copy(const char *text, size_t size) {
    char *p = mem_alloc(size + 1);
    if (size)
        memcpy(p, text, size);
    return p;
}

void *mem_grow(void *array, size_t *capacity, size_t want, size_t element) {
    if (want <= *capacity)
        return array;
    size_t grown = *capacity ? *capacity : 8;
    while (grown < want) {
        if (grown > SIZE_MAX / 2 / element)
            mem_fail(SIZE_MAX);
        grown *= 2;
    }
    array = mem_realloc(array, grown * element);
    *capacity = grown;
    return array;
}
