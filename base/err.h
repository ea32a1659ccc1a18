// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_ERR_H
#define PRESSRUN_BASE_ERR_H
/*
 * Errors of the outside world: a status and a sentence. The last parameter of what can fail is a
 * `struct err *`, which the callee fills where it returns anything but STATUS_OK. For faults in what users
 * wrote there is base/diag.h (located, many at once); for our own faults, assert.
 */
#include "base/str.h"

enum status {
    STATUS_OK = 0,
    STATUS_IO,          // the system refused: os holds errno
    STATUS_DATA,        // the input is not what it must be
    STATUS_LIMIT,       // a limit of the manifest or of this program
    STATUS_MEMORY,      // a bounded allocation failed
    STATUS_CONFLICT,    // somebody else has it: an output path, a directory
    STATUS_UNSUPPORTED, // not in this build or on this system
    STATUS_CANCELLED,   // asked to stop
};

struct err {
    enum status status;
    int os; // errno of STATUS_IO, else 0
    char text[512];
};

enum status err_set(struct err *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The text gets ": " and the system's words for `os`.
enum status err_os(struct err *err, int os, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
