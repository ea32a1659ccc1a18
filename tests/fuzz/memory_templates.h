// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_FUZZ_MEMORY_TEMPLATES_H
#define PRESSRUN_TESTS_FUZZ_MEMORY_TEMPLATES_H
/*
 * A search path in memory behind the file system's functions: one directory, a few templates. What comes after the
 * first dot of a name does not count, so that every language finds each text under its own extension.
 */
#include "base/fs.h"
#include "base/str.h"

enum { MEMORY_TEMPLATES = 3 };

struct memory_templates {
    struct {
        struct str stem, text;
        size_t at; // where reading it goes on
    } files[MEMORY_TEMPLATES];
};

struct fs memory_templates_fs(struct memory_templates *m);

#endif
