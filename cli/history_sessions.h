// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_SESSIONS_H
#define PRESSRUN_CLI_HISTORY_SESSIONS_H
/*
 * Where the history is and which of its sessions are meant, as command lines say it: an id, the beginning of one, "latest"
 * (of those that meet the conditions), "latest~2" (two before it), or a file with a session's JSON, whose name ends in
 * ".json". Faults have been told when a function returns NULL or false.
 */
#include <jansson.h>

#include "cli/command.h"
#include "monitor/history.h"

enum { HISTORY_LIMIT_MOST = 1000000, HISTORY_CONDITIONS_MOST = 32 };

struct history_question {
    struct history_filter filters[HISTORY_CONDITIONS_MOST + 2]; // of --where and --name, and one more
    size_t filters_n;
    uint32_t limit; // of --limit; 0: none was given
};
enum status history_read_question(const struct options *options, struct history_question *q, struct err *err);

// The history of the options or the manifest, open. NULL: there is none that can be read.
struct history *history_find(struct cli *cli, const struct options *options);

bool history_is_file(const char *word);
// The text of the session that is meant; in the command's arena. `h` may be NULL where the word is a file.
bool history_document(struct cli *cli, struct history *h, const struct history_question *q, const char *word,
                      struct str *document);
// The same, taken apart; the caller's (json_decref).
json_t *history_session_json(struct cli *cli, struct history *h, const struct history_question *q,
                             const char *word);

#endif
