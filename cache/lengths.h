// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_LENGTHS_H
#define PRESSRUN_CACHE_LENGTHS_H
/*
 * What was put into a stream, item by item: the key that the digest has it by and how long its text was. With that the
 * digest of a stream can be computed again from its bytes. One file a stream, `.pressrun/streams/HEX`, HEX being the
 * digest of the stream's path below the root. It holds no texts, so without the stream it says little.
 *
 *   file     head, blocks, foot; numbers are little-endian
 *   head     16 bytes: "presslen", version u32, zero u32
 *   block    checksum u64 of all that follows, block's number u64, stored u32, plain u32, items u32, then `stored` bytes:
 *            the items, zstd-compressed where that is shorter (stored < plain)
 *   item     varint: length of the text * 8 + tail * 4 + form, then the key, then with `tail` a varint and that many bytes
 *            NEXT    nothing: the last numeric key + 1 (at first 1), in decimal
 *            NUMBER  a varint, in decimal
 *            TEXT    varint: bytes shared with the last TEXT key's start, varint: bytes of its own, these bytes
 *   foot     items, blocks, sum of the blocks' checksums, size, mtime, inode of the stream, digest (low, high): u64 each;
 *            spelling u32; job, path, separator: length u32 and bytes each; then length of the foot so far u32,
 *            checksum u64 of the foot so far, "presslen"
 *
 * The foot comes last since only then it is known what it says; a file that has none was never finished.
 *
 * Trust. Nothing is believed before its checksum was compared, and sizes are bounded before memory is asked for. The
 * file is written under another name while the stream is, and renamed after the stream was; the one before it is
 * removed before that (lengths_forget). So it never speaks of an older stream than the one that is there, but there
 * may be none. It is not synced: what a power failure leaves of it is damaged or missing, not wrong.
 *
 * Memory: a block and some, whatever the stream. A block is full at 64 KiB; keys and tails of more than 1 MiB are not
 * kept, and neither is anything else of their stream then. Threads: one at a time for a writer or reader.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"
#include "cache/journal.h"

#define LENGTHS_DIRECTORY  JOURNAL_DIRECTORY "/streams"
#define LENGTHS_NEW_SUFFIX ".new"

enum { LENGTHS_VERSION = 1, LENGTHS_BLOCK = 64 << 10, LENGTHS_LONGEST = 1 << 20 };

// How items stand in the stream. In the file, so the numbers stay.
enum lengths_spelling {
    LENGTHS_TEXTS = 0,   // as they are, with the separator between them
    LENGTHS_STRINGS = 1, // a JSON string each, in a line
    LENGTHS_LINES = 2,   // as they are without the white space at their end (the tail), in a line
    LENGTHS_SPELLINGS
};

struct lengths_item {
    struct str key;
    uint64_t n;      // of the text, uncompressed, its tail included
    struct str tail; // what of the text's end is not in the stream
};

struct lengths_stream {
    struct str job, path, separator;
    enum lengths_spelling spelling;
    uint64_t items;
    struct digest digest; // sum of the items' (digest_output)
    uint64_t size, inode; // of the file when it was published
    int64_t mtime;        // nanoseconds
};

enum { LENGTHS_NAME_SIZE = sizeof LENGTHS_DIRECTORY + DIGEST_HEX_SIZE };
void lengths_name(struct str path, char name[LENGTHS_NAME_SIZE]); // of the file about the stream at `path`

// Writing ------------------------------------------------------------------------------------------------------

struct lengths_writer; // owned
// `root`: descriptor of the output directory, which stays the caller's; job, path, separator and spelling of `stream`
// are copied, the rest is not looked at. What fails here or later is told by lengths_publish.
struct lengths_writer *lengths_write(const struct fs *fs, int root, const struct lengths_stream *stream);
void lengths_add(struct lengths_writer *writer, const struct lengths_item *item);
// Removes what is there about the stream at `path`; before something else takes the stream's place. -errno; nothing
// there is fine.
int lengths_forget(const struct fs *fs, int root, struct str path);
// Puts it in its place: size, mtime, inode and digest of `stream` are those of what was published. Frees the writer;
// what fails leaves no file behind. *bytes: what it takes on the disk.
enum status lengths_publish(struct lengths_writer *writer, const struct lengths_stream *stream,
                            uint64_t *bytes, struct err *err);
void lengths_drop(struct lengths_writer *writer); // leaves what is there as it is; NULL is fine

// Reading ------------------------------------------------------------------------------------------------------

struct lengths_reader; // owned
// *reader is NULL, with STATUS_OK, where there is none. STATUS_DATA: damaged, or about another stream;
// STATUS_UNSUPPORTED: another version's.
enum status lengths_open(const struct fs *fs, int root, struct str path, struct lengths_reader **reader,
                         struct err *err);
const struct lengths_stream *
lengths_about(const struct lengths_reader *reader); // lives as long as the reader
// The next item, whose bytes are valid until the next call; *end where there is none, and all of the file was sound.
enum status lengths_next(struct lengths_reader *reader, struct lengths_item *item, bool *end,
                         struct err *err);
void lengths_close(struct lengths_reader *reader); // NULL is fine

#endif
