// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_EMIT_H
#define PRESSRUN_STAGES_EMIT_EMIT_H
/*
 * Emit: rendered text to where it belongs. One file and one row of emit_sinks per kind of sink.
 *
 * The contract: an output comes in pieces, `begin`, `write` any number of times, then `commit` or `abort`;
 * after an abort nothing of it is left. Where one of the three fails, the output is aborted already (a further
 * abort does no harm) and the lane is ready for the next one. Outputs of one batch go through one `lane`, which
 * one thread holds at a time; many lanes work in parallel. After the last commit of a batch `seal` does what
 * can be done in parallel (compression); `flush` then publishes the lane's committed outputs and empties it. An
 * `ordered` sink's lanes must be flushed in batch order, one at a time; others flush in any order, from any
 * thread. A lane that is freed without a flush leaves out what was not published yet. Lanes end before `close`.
 *
 * To add a sink: write emit/NAME.c with a `const struct sink_kind emit_NAME`, declare it below, add it to the
 * table in emit.c and to emit/CMakeLists.txt, give it cases under tests/.
 *
 * An output is old or new, never a mixture: files and streams are written under a temporary name in their own
 * directory and renamed, or (`inplace`) are in a journal while they are overwritten, by which what was torn is found
 * and removed (inplace.h, recover.h). A stream is renamed at close, when everything in it is complete; one that is
 * there already stays as it is. Nothing is written outside the root directory.
 *
 * Durable files take their names in flush, after one sync for all of the lane: a flush that fails may have published
 * some, which its result counts; it names the first of the others. What is synced is the file system of the root
 * directory (of a stream: of its own); another one mounted below is not.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

struct sink_options {
    const struct fs *fs;
    int root; // descriptor of the output directory
    // staged: what differs from what is beneath `root` is put beneath `stage` instead, and `root` stays as it is
    bool staged;
    int stage;
    struct str path;      // of a stream, relative to the root; "-": standard output
    struct str separator; // between the outputs of a text stream
    bool raw;     // .jsonl: the output is a JSON text of its own, one a line, not a string to be quoted
                  // tables: it is a JSON object, whose keys are the columns
    int level;    // of .zst; 0: 3
    bool durable; // what is published is on the disk before it takes its name
    bool force;   // write what is there already with the same bytes, too
    bool stamped; // outputs that are files of their own are looked at when they are published
    // files
    bool inplace; // overwrite a file that is there, instead of putting a new one in its place
    // tables
    struct str table; // its name
    const struct str
        *unique; // columns by which a row replaces another one; none: the record key, in column `key`
    size_t unique_n;
    const atomic_bool *interrupt; // ends waiting for somebody else; may be NULL
    struct sink *beside;          // an open sink that writes another table of the same database; NULL: none
};

struct sink;
struct lane;

// An output that could only be refused when it was its turn: a row that the table does not take.
struct lane_refusal {
    size_t output;    // which of those committed since the last flush, from 0
    const char *text; // lasts until the lane's next begin, or its end
};

// An output's file as it was left: whoever finds it so later may take it for untouched.
struct lane_stamp {
    uint64_t size, inode;
    int64_t mtime; // nanoseconds since 1970; 0: not known
};
struct lane_stamp lane_stamp_of(const struct stat *st);

// What became of a lane's outputs, for the summary.
struct lane_result {
    uint64_t written;                    // outputs published
    uint64_t unchanged;                  // outputs that were there already with these bytes
    uint64_t bytes;                      // uncompressed bytes of these outputs
    uint64_t stored;                     // bytes given to the file system
    const struct lane_refusal *refusals; // of flush; in the order of the outputs. All others are published
    size_t refusals_n;
    const struct lane_stamp
        *stamps; // of flush, where asked for: of the outputs, in order; as long as refusals
    size_t stamps_n;
    bool torn;             // of close: a file may be neither old nor new, and only emit_recover can tell
    bool stream_unchanged; // of close: the whole stream was there already, so nothing of it was written
};

struct sink_kind {
    const char *name; // "files", "jsonl", "text"
    const char *doc;
    // Of the streams that are its own, NULL-terminated, with the dot; NULL: files, or text, which takes all others.
    const char *const *extensions;
    bool ordered;
    bool named; // an output has a path of its own
    bool
        rows; // outputs are published in parts as they come: what a flush reported stays, also where close drops
    enum status (*open)(const struct sink_options *options, struct sink **out, struct err *err);
    struct lane *(*lane_new)(struct sink *sink);
    void (*lane_free)(struct lane *lane);
    // `name`: the output's path relative to the root (named sinks), else its record key.
    enum status (*begin)(struct lane *lane, struct str name, struct err *err);
    enum status (*write)(struct lane *lane, struct str piece, struct err *err);
    enum status (*commit)(struct lane *lane, struct err *err);
    void (*abort)(struct lane *lane);
    enum status (*seal)(struct lane *lane, struct err *err); // may be NULL: nothing to do before flush
    enum status (*flush)(struct lane *lane, struct lane_result *result, struct err *err); // empties the lane
    // Publishes (a stream: rename) or drops what there is. Frees the sink in every case.
    enum status (*close)(struct sink *sink, bool publish, struct lane_result *result, struct err *err);
};

extern const struct sink_kind emit_files, emit_jsonl, emit_table, emit_text;
extern const struct sink_kind *const emit_sinks[]; // NULL-terminated

// The stream sink a path asks for by its extension: .jsonl, .sqlite, or text for all others; ".zst" may follow.
const struct sink_kind *emit_stream_for(struct str path);

/*
 * Output paths as templates write them, made safe: relative, UTF-8 without control characters, no empty, "." or
 * ".." part, no part above 255 bytes, at most 4095 bytes in all, none under the directory `.pressrun`, none that
 * ends in the temporary suffix. Refused paths are refused whole; nothing is "cleaned".
 */
enum status emit_check_path(struct str path, struct err *err);
#define EMIT_TEMPORARY_SUFFIX ".pressrun-tmp"
#define EMIT_BOOKS            ".pressrun" // below the root: where runs keep their books

// A path as messages show it: control characters and bad bytes as \xNN, long ones cut in the middle.
enum { EMIT_SHOWN_SIZE = 320 };
const char *emit_show_path(struct str path, char shown[EMIT_SHOWN_SIZE]);

#endif
