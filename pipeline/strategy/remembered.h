// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_REMEMBERED_H
#define PRESSRUN_PIPELINE_REMEMBERED_H
/*
 * The strategy that was chosen for a manifest, for `auto` to begin with: `pressrun strategies --remember` writes it, --pin
 * for good, --forget takes it away.
 *
 * It is `.pressrun/strategy.json` in the output directory, a small file with an entry for each manifest that writes there, by
 * the manifest's resolved path:
 *
 *     {"version": 1, "choices": [{"manifest": "/srv/nightly/pressrun.yaml", "digest": "0f92...", "strategy": "parallel",
 *       "pinned": false, "workers": 8, "state": "warm", "seconds": 1.25, "made": 1790000000}]}
 *
 * A choice was measured of a manifest as it was then, on a machine that had so many workers; of another it says nothing
 * (remembered_applies). One that is pinned always does. `strategy:` in the manifest and --strategy win over both, as they
 * are not `auto`. The name of a strategy is not looked at here. A file that cannot be understood is as good as none.
 *
 * It is replaced as a whole; the last of two that write at once wins. Thread-safe.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "pipeline/manifest/manifest.h"

#define REMEMBERED_FILE ".pressrun/strategy.json"       // beneath the output directory
enum { REMEMBERED_NAME = 32, REMEMBERED_CHOICES = 64 }; // more manifests than that: the oldest choices go

struct remembered {
    char strategy[REMEMBERED_NAME];
    char state
        [REMEMBERED_NAME]; // of the cache that it was measured with: "cold", "warm"; "" where it was not measured
    bool pinned;
    uint32_t workers;       // that there were
    double seconds;         // that a run took
    int64_t made;           // when, in seconds since 1970
    struct digest manifest; // its text; filled by remembered_write
};

// The choice for this manifest; false: there is none. `output` is where it writes; NULL: where the manifest says.
bool remembered_read(const struct fs *fs, const char *output, const struct manifest *manifest,
                     struct remembered *choice);
// Whether it says something of this manifest as it is now and of so many workers.
bool remembered_applies(const struct remembered *choice, const struct manifest *manifest, uint32_t workers);

enum status remembered_write(const struct fs *fs, const char *output, const struct manifest *manifest,
                             const struct remembered *choice, struct err *err);
// Fine where there is none.
enum status remembered_forget(const struct fs *fs, const char *output, const struct manifest *manifest,
                              struct err *err);

#endif
