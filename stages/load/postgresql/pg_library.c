// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

// A function pointer is no object pointer, but as large on every system that has dlsym.
static bool find(void *handle, const char *name, void *function, size_t n) {
    void *found = dlsym(handle, name);
    memcpy(function, &found, n);
    return found != NULL;
}

enum status pg_library_open(const char *name, struct pg_library *library, struct err *err) {
    *library = (struct pg_library){0};
    // It stays in the process: the TLS library that it brings is not made to be unloaded.
    library->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library->handle)
        return err_set(err, STATUS_UNSUPPORTED, "no PostgreSQL here: %s is not installed", name);
    bool whole = true;
#define X(function)                                                                                          \
    whole = find(library->handle, "PQ" #function, &library->function, sizeof library->function) && whole;
    PG_LIBRARY_FUNCTIONS(X)
#undef X
    if (whole)
        return STATUS_OK;
    pg_library_close(library);
    return err_set(err, STATUS_UNSUPPORTED, "no PostgreSQL here: %s is not the library it should be", name);
}

void pg_library_close(struct pg_library *library) {
    if (library->handle)
        dlclose(library->handle);
    *library = (struct pg_library){0};
}
