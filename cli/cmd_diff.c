// SPDX-License-Identifier: MIT
// pressrun diff: what publishing would change.
#include <string.h>

#include "cli/diff_text.h"
#include "cli/review.h"

enum { KINDS_SHOWN = 10, LIMIT_MOST = 1000000000 };

static const struct option_spec diff_options[] = {
    OPTIONS_REVIEW,
    {"stat", 0, NULL, "one line for each output: how many lines come and go"},
    {"full", 0, NULL, "all hunks of each output, as `diff -u` writes them"},
    {"limit", 'n', "N", "at most N kinds of edits (default: 10), or outputs (default: all); 0: all"},
    {"json", 0, NULL, "the kinds of edits as one JSON object"},
    OPTIONS_COMMON,
    {0},
};

// Paths are relative to the output directory; as one sees them from here they begin with it.
static void read_paths(const struct options *options, const char *shown, const char *paths[ARGUMENTS_MAX]) {
    size_t n = strlen(shown);
    for (size_t i = 0; i < options->arguments_n; i++) {
        const char *path = options->arguments[i];
        bool prefixed = n && strncmp(path, shown, n) == 0 && (path[n] == '/' || shown[n - 1] == '/');
        paths[i] = prefixed ? path + n + (path[n] == '/') : path;
        if (!*paths[i])
            paths[i] = ".";
    }
}

static int show_each(struct diff_text *text, const struct clusters_paths *paths, bool stat) {
    struct staging_facts facts;
    struct err err;
    if (clusters_open(text->source->at, text->source, &facts, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    enum status status = diff_text_each(text, paths, &facts.list, stat, &err);
    diff_text_end(text);
    return status == STATUS_OK ? EXIT_DONE : cli_fail("%s", err.text);
}

static int show_clusters(struct diff_text *text, const struct clusters_paths *paths, bool json) {
    struct clusters changes;
    struct staging_facts facts;
    struct err err;
    if (clusters_find(text->source->at, paths, &changes, &err) != STATUS_OK ||
        clusters_open(text->source->at, text->source, &facts, &err) != STATUS_OK) {
        clusters_release(&changes);
        return cli_fail("%s", err.text);
    }
    if (json)
        diff_text_json(text, &changes);
    else
        diff_text_clusters(text, &changes);
    diff_text_end(text);
    clusters_release(&changes);
    return EXIT_DONE;
}

static int run_diff(struct cli *cli, const struct options *options) {
    const char *limit = options_get(options, "limit"), *words[ARGUMENTS_MAX];
    bool stat = options_has(options, "stat"), full = options_has(options, "full"),
         json = options_has(options, "json");
    struct review review;
    struct err err;
    if (stat + full + json > 1)
        return cli_argument_error(&command_diff, "one of --stat, --full and --json");
    struct diff_text text = {.colour = cli->colour_out && !json, .limit = stat || full ? 0 : KINDS_SHOWN};
    if (limit && options_number("--limit", limit, 0, LIMIT_MOST, &text.limit, &err) != STATUS_OK)
        return cli_argument_error(&command_diff, "%s", err.text);
    if (!review_open(&review, cli, options))
        return EXIT_USAGE;
    read_paths(options, review.shown, words);
    const struct clusters_paths paths = {.paths = words, .n = options->arguments_n};
    struct clusters_source source = {.at = review_root(&review), .generation = -1, .files = -1};
    text.source = &source;
    int code = stat || full ? show_each(&text, &paths, stat) : show_clusters(&text, &paths, json);
    clusters_close(&source);
    review_close(&review);
    return code;
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "[--stat | --full | --json] [--limit N] [PATH...]",
    .summary = "what publishing the staged outputs would change",
    .details = "After `pressrun run --stage`: the staged outputs against the published ones, clustered by "
               "what their\n"
               "edits look like, the most frequent first, with a sample of each:\n"
               "\n"
               "    12,480 outputs share this one-line edit:\n"
               "\n"
               "Edits are the same (byte for byte), alike (but for numbers, and for words that an edited "
               "line keeps), or\n"
               "of one form (but for all words: each output has its own value). PATH is an output or a "
               "directory of them,\n"
               "relative to the output directory.\n"
               "\n"
               "Then `pressrun publish` puts them in place, and `pressrun drop` removes them.\n"
               "\n"
               "Exit codes: 0 done; 2 nothing is staged, usage or environment.\n",
    .options = diff_options,
    .run = run_diff,
};
