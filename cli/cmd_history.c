// SPDX-License-Identifier: MIT
// pressrun history: the runs there were, one of them, or how a figure went.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/changes.h"
#include "cli/command.h"
#include "cli/history_place.h"
#include "cli/history_text.h"
#include "monitor/history.h"

enum { LIMIT = 20, TREND_LIMIT = 1000, LIMIT_MOST = 1000000, FILTERS_MOST = 32 };

static const struct option_spec history_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"history", 0, "DIR", "where the history is, without a manifest (PRESSRUN_HISTORY)"},
    {"where", 'w', "CONDITION", "only runs like that, such as 'run.seconds > 2'; may be repeated"},
    {"limit", 'n', "N", "the newest N runs (default: 20; of a trend 1000)"},
    {"trend", 't', "METRIC", "how a figure went, such as render.p99, and where its level changed"},
    {"json", 0, NULL, "as JSON"},
    OPTIONS_COMMON,
    {0},
};

struct question {
    struct history_filter filters[FILTERS_MOST];
    size_t filters_n;
    uint32_t limit;
    struct str trend;
};

static enum status read_question(const struct options *options, struct question *q, struct err *err) {
    const char *const *words, *limit = options_get(options, "limit"), *trend = options_get(options, "trend");
    struct str distribution;
    *q = (struct question){.limit = trend ? TREND_LIMIT : LIMIT};
    q->filters_n = options_all(options, "where", &words);
    if (q->filters_n > FILTERS_MOST)
        return err_set(err, STATUS_DATA, "at most %d conditions", FILTERS_MOST);
    for (size_t i = 0; i < q->filters_n; i++)
        if (history_parse_filter(str_of(words[i]), &q->filters[i], err) != STATUS_OK)
            return err->status;
    if (limit && options_number("--limit", limit, 1, LIMIT_MOST, &q->limit, err) != STATUS_OK)
        return err->status;
    if (!trend)
        return STATUS_OK;
    q->trend = str_of(trend);
    if (metric_find(q->trend) < 0 && metric_figure_of(q->trend, &distribution) < 0)
        return err_set(err, STATUS_DATA, "there is no metric \"%s\"; \"pressrun help metrics\" lists them",
                       trend);
    return STATUS_OK;
}

// ---- the three answers

static int answer_list(struct cli *cli, struct history *h, const struct question *q, bool json) {
    struct history_row *rows;
    size_t n;
    struct err err;
    if (history_list(h, q->filters, q->filters_n, q->limit, &cli->arena, &rows, &n, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct buf text = BUF_INIT;
    if (json)
        history_text_rows_json(rows, n, &text);
    else
        history_text_rows(rows, n, cli->colour_out, &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    if (n == 0 && !json && !cli->quiet)
        cli_note(q->filters_n ? "no run is like that" : "no run has been kept here");
    return EXIT_DONE;
}

static int answer_one(struct cli *cli, struct history *h, const char *id, bool json) {
    struct str document;
    struct err err;
    if (history_show(h, str_of(strcmp(id, "latest") == 0 ? "" : id), &cli->arena, &document, &err) !=
        STATUS_OK)
        return cli_fail("%s", err.text);
    struct buf text = BUF_INIT;
    if (json) {
        buf_add_str(&text, document);
        buf_add_char(&text, '\n');
    } else if (!history_text_session(document, cli->colour_out, &text)) {
        buf_release(&text);
        return cli_fail("the session is damaged");
    }
    cli_print(buf_str(&text));
    buf_release(&text);
    return EXIT_DONE;
}

static int answer_trend(struct cli *cli, struct history *h, const struct question *q, bool json) {
    struct history_point *points;
    size_t n, changes_n;
    struct err err;
    if (history_series(h, q->filters, q->filters_n, q->trend, q->limit, &cli->arena, &points, &n, &err) !=
        STATUS_OK)
        return cli_fail("%s", err.text);
    double *values = MEM_NEW_ARRAY(double, n + 1);
    for (size_t i = 0; i < n; i++)
        values[i] = points[i].value;
    struct change *changes = changes_find(values, n, &(struct changes_options){0}, &changes_n);
    struct buf text = BUF_INIT;
    const struct history_trend trend = {q->trend, points, n, changes, changes_n};
    if (json)
        history_text_trend_json(&trend, &text);
    else
        history_text_trend(&trend, cli->colour_out, &text);
    cli_print(buf_str(&text));
    if (n == 0 && !json && !cli->quiet)
        cli_note("no run here has %.*s", STR_ARG(q->trend));
    buf_release(&text);
    mem_free(changes);
    mem_free(values);
    return EXIT_DONE;
}

// ---- the command

// The directory, and how many runs are kept there; NULL: an error has been told.
static const char *find_history(struct cli *cli, const struct options *options, uint64_t *keep) {
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

static int run_history(struct cli *cli, const struct options *options) {
    struct question q;
    struct err err;
    uint64_t keep;
    bool json = options_has(options, "json");
    if (options->arguments_n > 1)
        return cli_argument_error(&command_history, "one session at a time");
    if (read_question(options, &q, &err) != STATUS_OK)
        return cli_argument_error(&command_history, "%s", err.text);
    if (options->arguments_n && (q.trend.p || q.filters_n || options_has(options, "limit")))
        return cli_argument_error(&command_history,
                                  "--where, --limit and --trend are for many sessions, not for one");
    const char *directory = find_history(cli, options, &keep);
    if (!directory)
        return EXIT_USAGE;
    struct history *h;
    if (history_open(&cli->fs, directory, (uint32_t)keep, &h, &err) != STATUS_OK)
        return cli_fail("%s (in %s)", err.text, directory);
    if (err.status != STATUS_OK && !cli->quiet)
        cli_note("the newest runs may be missing here: %s (in %s)", err.text, directory);
    int code = options->arguments_n ? answer_one(cli, h, options->arguments[0], json)
               : q.trend.p          ? answer_trend(cli, h, &q, json)
                                    : answer_list(cli, h, &q, json);
    history_close(h);
    return code;
}

const struct command command_history = {
    .name = "history",
    .arguments = "[SESSION | --trend METRIC] [--where CONDITION]... [--limit N] [--json]",
    .summary = "the runs there were: list them, show one, see how a figure went",
    .details =
        "Every run leaves a session: what it did, what it took, how its times were distributed, what went "
        "wrong.\n"
        "Sessions are kept in history.db in .pressrun in the output directory, or where --history or the "
        "manifest\n"
        "(history: { directory: ..., keep: ... }) says.\n"
        "\n"
        "SESSION is an id, the beginning of one, or \"latest\". CONDITION is a field (id, name, strategy, "
        "machine,\n"
        "version, outcome, digest, started) or a metric, one of = != < <= > >= ~ (contains), and a value:\n"
        "\n"
        "    pressrun history --where 'outcome = failed' --where 'started >= 2026-11-01'\n"
        "    pressrun history --trend render.p99 --where 'name = nightly'\n"
        "\n"
        "\"pressrun help metrics\" lists what is measured. A trend is marked where its level changed for "
        "good.\n"
        "\n"
        "Exit codes: 0 done; 2 usage, or the history cannot be read.\n",
    .options = history_options,
    .run = run_history,
};
