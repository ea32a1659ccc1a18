// SPDX-License-Identifier: MIT
#include "cache/redis_library.h"

#include <dlfcn.h>

// A function pointer is no object pointer, but as large on every system that has dlsym.
static bool find(void *handle, const char *name, void *function, size_t n) {
    void *found = dlsym(handle, name);
    memcpy(function, &found, n);
    return found != NULL;
}

#define FIND(handle, name, function) find((handle), (name), &(function), sizeof(function))

static bool find_all(struct redis_library *library) {
    return FIND(library->hiredis, "redisReaderCreateWithFunctions", library->reader_new) &&
           FIND(library->hiredis, "redisReaderFree", library->reader_free) &&
           FIND(library->hiredis, "redisReaderFeed", library->reader_feed) &&
           FIND(library->hiredis, "redisReaderGetReply", library->reader_get) &&
           FIND(library->b2, "blake2b", library->blake2b);
}

enum status redis_library_open(const char *hiredis, const char *b2, struct redis_library *library,
                               struct err *err) {
    *library = (struct redis_library){0};
    // They stay in the process: libb2 brings an OpenMP runtime with it, which is not made to be unloaded.
    library->hiredis = dlopen(hiredis, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    library->b2 = dlopen(b2, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *missing = !library->hiredis ? hiredis : !library->b2 ? b2 : NULL;
    if (!missing && find_all(library))
        return STATUS_OK;
    redis_library_close(library);
    if (missing)
        return err_set(err, STATUS_UNSUPPORTED, "no redis here: %s is not installed", missing);
    return err_set(err, STATUS_UNSUPPORTED, "no redis here: %s or %s is not the library it should be",
                   hiredis, b2);
}

void redis_library_close(struct redis_library *library) {
    if (library->hiredis)
        dlclose(library->hiredis);
    if (library->b2)
        dlclose(library->b2);
    *library = (struct redis_library){0};
}
