// SPDX-License-Identifier: MIT
#include "cli/history_sessions.h"

#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "cli/history_place.h"

enum { FILE_MOST = 64 << 20 };

enum status history_read_question(const struct options *options, struct history_question *q,
                                  struct err *err) {
    const char *const *words, *limit = options_get(options, "limit"), *name = options_get(options, "name");
    *q = (struct history_question){0};
    q->filters_n = options_all(options, "where", &words);
    if (q->filters_n > HISTORY_CONDITIONS_MOST)
        return err_set(err, STATUS_DATA, "at most %d conditions", HISTORY_CONDITIONS_MOST);
    for (size_t i = 0; i < q->filters_n; i++)
        if (history_parse_filter(str_of(words[i]), &q->filters[i], err) != STATUS_OK)
            return err->status;
    if (name)
        q->filters[q->filters_n++] = (struct history_filter){STR("name"), STR("="), str_of(name)};
    if (!limit)
        return STATUS_OK;
    return options_number("--limit", limit, 1, HISTORY_LIMIT_MOST, &q->limit, err);
}

// ---- where

// The directory, and how many runs are kept there; NULL: an error has been told.
static const char *find_directory(struct cli *cli, const struct options *options, uint64_t *keep) {
    const char *given = history_given(&cli->arena, options);
    *keep = HISTORY_KEEP_ALL; // how many are to stay there, only the runs' manifests know
    if (given)
        return given;
    struct manifest *manifest = cli_open_manifest(cli, options);
    if (!manifest)
        return NULL;
    if (!manifest->output.p) { // it cannot be made out at all
        cli_write_diags(cli);
        manifest_free(manifest);
        return NULL;
    }
    if (!manifest->sound && !cli->quiet)
        cli_note("the manifest has errors, which \"pressrun check\" shows");
    const char *directory = history_of_manifest(&cli->arena, manifest, options_get(options, "output"));
    struct str kept = arena_str(&cli->arena, str_of(directory)); // the manifest's own goes with it
    if (manifest->sound && manifest->history_keep)
        *keep = manifest->history_keep;
    manifest_free(manifest);
    return kept.p;
}

struct history *history_find(struct cli *cli, const struct options *options) {
    struct history *h;
    struct err err;
    uint64_t keep;
    const char *directory = find_directory(cli, options, &keep);
    if (!directory)
        return NULL;
    if (history_open(&cli->fs, directory, (uint32_t)keep, &h, &err) != STATUS_OK) {
        cli_fail("%s (in %s)", err.text, directory);
        return NULL;
    }
    if (err.status != STATUS_OK && !cli->quiet)
        cli_note("the newest runs may be missing here: %s (in %s)", err.text, directory);
    return h;
}

// ---- which

bool history_is_file(const char *word) {
    return str_ends(str_of(word), STR(".json"));
}

static bool read_file(struct cli *cli, const char *path, struct str *document) {
    char *text;
    size_t size;
    struct err err;
    if (fs_read_file(&cli->fs, path, FILE_MOST, &text, &size, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    *document = arena_str(&cli->arena, (struct str){text, size});
    mem_free(text);
    return document->p;
}

// "latest" and "latest~2": how many before the newest.
static bool parse_latest(const char *word, uint32_t *back) {
    const struct str latest = STR("latest"), text = str_of(word);
    uint64_t n = 0;
    if (!str_starts(text, latest))
        return false;
    const struct str rest = str_from(text, latest.n);
    if (rest.n == 0) {
        *back = 0;
        return true;
    }
    for (size_t i = 1; i < rest.n; i++) {
        if (rest.p[i] < '0' || rest.p[i] > '9' || n > HISTORY_LIMIT_MOST)
            return false;
        n = 10 * n + (uint64_t)(rest.p[i] - '0');
    }
    *back = (uint32_t)n;
    return rest.n > 1 && rest.p[0] == '~' && n < HISTORY_LIMIT_MOST;
}

static bool find_latest(struct cli *cli, struct history *h, const struct history_question *q, uint32_t back,
                        struct str *id) {
    struct history_row *rows;
    struct err err;
    size_t n;
    if (history_list(h, q->filters, q->filters_n, back + 1, &cli->arena, &rows, &n, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    if (n <= back) {
        if (n == 0)
            cli_fail(q->filters_n ? "no run is like that" : "no run has been kept here");
        else
            cli_fail("there are only %zu runs%s, and none before the first", n,
                     q->filters_n ? " like that" : "");
        return false;
    }
    *id = rows[back].id;
    return true;
}

bool history_document(struct cli *cli, struct history *h, const struct history_question *q, const char *word,
                      struct str *document) {
    struct str id = str_of(word);
    uint32_t back;
    struct err err;
    if (history_is_file(word))
        return read_file(cli, word, document);
    if (parse_latest(word, &back) && !find_latest(cli, h, q, back, &id))
        return false;
    if (history_show(h, id, &cli->arena, document, &err) == STATUS_OK)
        return true;
    cli_fail("%s", err.text);
    return false;
}

json_t *history_session_json(struct cli *cli, struct history *h, const struct history_question *q,
                             const char *word) {
    struct str document;
    if (!history_document(cli, h, q, word, &document))
        return NULL;
    json_t *session = json_loadb(document.p, document.n, 0, NULL);
    if (json_is_string(json_object_get(session, "session")) &&
        json_is_object(json_object_get(session, "metrics")))
        return session;
    json_decref(session);
    cli_fail("%s is no session", word);
    return NULL;
}
