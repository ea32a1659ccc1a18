// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_CAPSULE_H
#define PRESSRUN_BENCH_CAPSULE_H
/*
 * A capsule: a baseline that can be run again beside any later candidate. It holds the executable, the suite and the seed that
 * its records are made from, and what each benchmark made and did when it was kept: digests and work counters. It is known by
 * the digest of all that.
 *
 * Kept in the history under a name, or carried in a file: a line with the digest, one of JSON, then the executable's bytes. A file is
 * checked before anything of it is believed; but it holds a program that will be run, so it is to come from somebody trusted.
 *
 * Owns what it points to. One thread.
 */
#include "base/arena.h"
#include "base/fs.h"
#include "bench/gate_run.h"

enum { CAPSULE_FORMAT = 1 };

struct capsule {
    struct arena arena;
    char digest[DIGEST_HEX_SIZE]; // of the document
    const char *made;             // 2026-01-31T12:00:00Z
    const char *version;          // "pressrun 1.2.3"
    const char *suite;            // its name
    struct str text;              // and its text
    uint64_t seed;
    struct host host;
    struct gate_record *records;
    size_t records_n;
    char *executable; // owned
    size_t executable_n;
    struct digest executable_digest;
};

void capsule_init(struct capsule *c);
void capsule_release(struct capsule *c);

// The executable at `path`, into one that says all else.
enum status capsule_take_executable(struct capsule *c, const struct fs *fs, const char *path,
                                    struct err *err);
void capsule_settle(struct capsule *c); // its digest, when all is there

// In the history of a directory.
enum status capsule_keep(const struct capsule *c, const char *directory, const char *name, int64_t made,
                         struct err *err);
enum status capsule_find(struct capsule *c, const char *directory, const char *name, struct err *err);
// As a file. STATUS_DATA: it is none, or damaged.
enum status capsule_write(const struct capsule *c, const struct fs *fs, const char *path, struct err *err);
enum status capsule_read(struct capsule *c, const struct fs *fs, const char *path, struct err *err);
// What a document says, without the executable.
enum status capsule_parse(struct capsule *c, struct str document, struct err *err);

// Its executable as a new file, to be run.
enum status capsule_unpack(const struct capsule *c, const struct fs *fs, const char *path, struct err *err);

#endif
