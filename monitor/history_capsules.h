// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_HISTORY_CAPSULES_H
#define PRESSRUN_MONITOR_HISTORY_CAPSULES_H
/*
 * Capsules: documents kept in the history under names of their own, each with at most one file (an executable, say). Both
 * go by the digest of their bytes, so that what several names or capsules have in common is there once; what no name
 * leads to any more is removed. What is inside is of no concern here (bench/capsule.h).
 *
 * Sessions come and go by the number of them; capsules stay until they are forgotten.
 *
 * Each call opens the database and closes it, waiting a moment for who has it. Any number of processes.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

enum { HISTORY_CAPSULE_MOST = 256 << 20 }; // bytes of a file

struct history_capsule {
    struct str name;
    struct digest digest; // of the document
    int64_t made;         // seconds since 1970
    struct str document;  // in the arena of whoever asked
};

// Under a name, which may have meant another one before. The directory is made where it is not there. `file`: its bytes;
// {NULL, 0}: it has none.
enum status history_capsules_put(const char *directory, struct str name, int64_t made, struct str document,
                                 struct str file, struct err *err);
// By its name, or by the first eight digits of its digest or more. STATUS_DATA: there is none, or several.
enum status history_capsules_get(const char *directory, struct str name, struct arena *arena,
                                 struct history_capsule *out, struct err *err);
// The file of a capsule; owned (mem_free), checked. STATUS_DATA: it is damaged, or not there.
enum status history_capsules_file(const char *directory, struct digest capsule, char **bytes, size_t *n,
                                  struct err *err);
// All, by name; in the arena.
enum status history_capsules_list(const char *directory, struct arena *arena, struct history_capsule **out,
                                  size_t *n, struct err *err);
enum status history_capsules_forget(const char *directory, struct str name, struct err *err);

#endif
