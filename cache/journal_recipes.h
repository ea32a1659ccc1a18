// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_JOURNAL_RECIPES_H
#define PRESSRUN_CACHE_JOURNAL_RECIPES_H
/*
 * The recipes a journal knows, by id, by what they say, and the latest of each job. Ids that come with what another one
 * said before are that one. It knows nothing of files.
 *
 * Invariants: no two kept recipes say the same; an id leads to one of them, always the same; a kept recipe does not move.
 * Owns its memory. Finding may go on in many threads; taking one in may not go on beside anything else.
 */
#include "cache/journal.h"
#include "cache/journal_index.h"

struct journal_kept_recipe {
    struct journal_recipe recipe; // its texts are in `content`
    struct str content;           // journal_code_content's
    uint64_t job_key;             // journal_job_key's
    size_t live_bytes;            // in the file; 0: a later one of the same job took its place
};

struct journal_recipes {
    struct journal_kept_recipe **kept; // one block each
    size_t n, cap;
    struct journal_table ids, contents, jobs; // of places in `kept`
    uint64_t live_bytes;
    uint32_t last_id; // the highest seen, also where the recipe itself is lost
};

void journal_recipes_init(struct journal_recipes *recipes);
void journal_recipes_release(struct journal_recipes *recipes);
size_t journal_recipes_place(const struct journal_recipes *recipes,
                             uint32_t id); // in `kept`; SIZE_MAX: unknown
const struct journal_kept_recipe *journal_recipes_find(const struct journal_recipes *recipes, uint32_t id);
const struct journal_kept_recipe *journal_recipes_equal(const struct journal_recipes *recipes,
                                                        struct str content);
// Content that is malformed, or comes with an id that is there, is passed over. `bytes`: its length in the file.
void journal_recipes_take(struct journal_recipes *recipes, uint32_t id, struct str content, size_t bytes);
void journal_recipes_note(struct journal_recipes *recipes, uint32_t id); // an id that was given away

#endif
