// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_IDENTITY_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_IDENTITY_H
/*
 * What tells one state of a SQLite database from another without reading it: of the file and of its write-ahead log and
 * journal the device, inode, size and times; of the database's header the change counter (data version) and the
 * schema's version, which tell also where a file system's times do not: changes through a memory map, times put back.
 *
 * No lock is taken, and a database that is being changed meanwhile has an identity that is nobody's for long. The header
 * is read by SQLite: closing a descriptor of another's making would drop the locks that this process holds.
 *
 * Any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "stages/load/load.h"

// Of the database at options->path. False: there is none, or it changed so lately (`wall`: now, nanoseconds since 1970)
// that another change might not show.
bool sqlite_identity(const struct load_options *options, int64_t wall, struct digest *identity);

#endif
