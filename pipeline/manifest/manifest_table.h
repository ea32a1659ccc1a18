// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_MANIFEST_TABLE_H
#define PRESSRUN_PIPELINE_MANIFEST_TABLE_H
/*
 * The one table of what a manifest may say. The validator (manifest_check.c), the JSON Schema and the key
 * list (manifest_schema.c) are made from it, so none of them can know a key that the others do not.
 *
 * To add a key: one row here, in the order in which readers should learn of it, and its reading in
 * manifest_fill.c; cases under tests/manifest/.
 *
 * Paths: segments joined by dots, '*' stands for any name. The first row is the manifest itself, with path
 * "". Constant data; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

// What a key's value may look like; several may be allowed.
enum manifest_form {
    FORM_TEXT = 1,
    FORM_BOOL = 2,
    FORM_COUNT = 4,     // an integer from min to max
    FORM_SIZE = 8,      // bytes from min to max: an integer, or text such as "64MiB"
    FORM_TEXTS = 16,    // a list of texts
    FORM_MAPPING = 32,  // the keys of the rows below it
    FORM_NAMED = 64,    // names of the user's choice, each with the row "PATH.*"; at least one
    FORM_ANY = 128,     // a mapping of any names to any values
    FORM_TIME = 256,    // seconds from min to max: an integer, or text such as "2h"
    FORM_NULL = 512,    // nothing
    FORM_SHARE = 1024,  // text such as "90%" or "0.5%", above 0 and up to 100
    FORM_WAIT = 2048,   // text such as "100ms" or "2s"
    FORM_LISTED = 4096, // a list of such as the row "PATH.*" describes
    FORM_NUMBER = 8192, // any number
    FORM_ONE = 16384,   // such as the row "PATH.*" describes, in place of a list with it alone
    FORM_LAST = FORM_ONE,
};

struct manifest_key {
    const char *path;
    unsigned forms;
    bool required;
    bool may_be_empty; // the empty text
    const char *what;  // "expected WHAT, found ..."; NULL: the values
    const char *noun;  // what one entry of a FORM_NAMED or a FORM_LISTED is called, in its "*" row
    const char *(*value)(
        size_t i);    // of FORM_TEXT and FORM_TEXTS: the i-th of the values allowed, NULL at the end
    int64_t min, max; // of FORM_COUNT, FORM_SIZE and FORM_TIME
    const char
        *unless; // siblings (false does not count) that this one cannot stand beside, a space between them
    const char *or_else;  // siblings of which one must be there where this one is not, likewise
    bool any_name;        // of FORM_NAMED: names are whatever the data has, not only plain words
    const char *like;     // of FORM_MAPPING: the row whose keys it has, instead of rows of its own
    const char *spares;   // of these, one that need not be there although it is required
    const char *standard; // what holds without it, as JSON; NULL: nothing does
    const char *doc;      // one line
};

extern const struct manifest_key manifest_keys[]; // ends with a NULL path

// The rows directly below `parent` in the table's order: after `previous`, or the first where that is NULL.
// NULL: no more.
const struct manifest_key *manifest_key_next(const struct manifest_key *parent,
                                             const struct manifest_key *previous);
// Whether a mapping of `parent` must have `key`, which is one of its keys.
bool manifest_key_required(const struct manifest_key *parent, const struct manifest_key *key);
const struct manifest_key *manifest_key_child(const struct manifest_key *parent,
                                              struct str name); // NULL: none
const char *manifest_key_name(const struct manifest_key *key);  // last segment
// The next of the words in `unless` and `or_else`, which is taken off; false: there is none.
bool manifest_key_word(const char **words, struct str *word);
void manifest_key_write_what(const struct manifest_key *key, struct buf *out);

bool manifest_parse_size(struct str text, uint64_t *bytes); // "64MiB", "10 kB"; false: no size, or zero
#define MANIFEST_SIZE_PATTERN "^[1-9][0-9]{0,9} ?(B|kB|MB|GB|KiB|MiB|GiB)$"
bool manifest_parse_time(struct str text, uint64_t *seconds); // "90s", "30m", "2h", "7d"; false: no time
#define MANIFEST_TIME_PATTERN "^[1-9][0-9]{0,8} ?(s|m|min|h|d)$"
bool manifest_parse_wait(struct str text, uint64_t *milliseconds); // "100ms", "2s", "1m"; false: no wait
#define MANIFEST_WAIT_PATTERN "^[1-9][0-9]{0,4} ?(ms|s|m)$"
bool manifest_parse_share(struct str text, uint64_t *permille); // "90%", "0.5%"; false: no share
#define MANIFEST_SHARE_PATTERN "^(100(\\.0)?|[1-9][0-9]?(\\.[0-9])?|0\\.[1-9])%$"
bool manifest_is_name(struct str text); // of sources and jobs
#define MANIFEST_NAME_PATTERN "^[A-Za-z0-9_.-]+$"

#endif
