// SPDX-License-Identifier: MIT
// pressrun history: the runs there were, one of them, or how a figure went.
#include <string.h>

#include "base/mem.h"
#include "bench/changes.h"
#include "cli/command.h"
#include "cli/history_compare.h"
#include "cli/history_merged.h"
#include "cli/history_text.h"
#include "monitor/history.h"

enum { LIMIT = 20, TREND_LIMIT = 1000 };

static const struct option_spec history_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"history", 0, "DIR", "where the history is, without a manifest (PRESSRUN_HISTORY)"},
    {"where", 'w', "CONDITION", "only runs like that, such as 'run.seconds > 2'; may be repeated"},
    {"name", 0, "NAME", "only runs of the manifest of that name"},
    {"limit", 'n', "N", "the newest N runs (default: 20; of a trend 1000)"},
    {"trend", 't', "METRIC", "how a figure went, such as render.p99, and where its level changed"},
    {"all", 'a', NULL, "of a comparison: also what is the same"},
    {"json", 0, NULL, "as JSON"},
    OPTIONS_COMMON,
    {0},
};

static enum status read_trend(const struct options *options, struct str *figure, struct err *err) {
    const char *trend = options_get(options, "trend");
    struct str distribution;
    *figure = str_of(trend);
    if (trend && metric_find(*figure) < 0 && metric_figure_of(*figure, &distribution) < 0)
        return err_set(err, STATUS_DATA, "there is no metric \"%s\"; \"pressrun help metrics\" lists them",
                       trend);
    return STATUS_OK;
}

// ---- the three answers

static int answer_list(struct cli *cli, struct history *h, const struct history_question *q, bool json) {
    struct history_row *rows;
    size_t n;
    struct err err;
    if (history_list(h, q->filters, q->filters_n, q->limit ? q->limit : LIMIT, &cli->arena, &rows, &n,
                     &err) != STATUS_OK)
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

static int answer_one(struct cli *cli, struct history *h, const struct history_question *q, const char *word,
                      bool json) {
    struct str document;
    if (!history_document(cli, h, q, word, &document))
        return EXIT_USAGE;
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

static int answer_trend(struct cli *cli, struct history *h, const struct history_question *q,
                        struct str figure, bool json) {
    const uint32_t limit = q->limit ? q->limit : TREND_LIMIT;
    struct history_point *points;
    size_t n, changes_n;
    struct err err;
    if (history_series(h, q->filters, q->filters_n, figure, limit, &cli->arena, &points, &n, &err) !=
        STATUS_OK)
        return cli_fail("%s", err.text);
    double *values = MEM_NEW_ARRAY(double, n + 1);
    for (size_t i = 0; i < n; i++)
        values[i] = points[i].value;
    struct change *changes = changes_find(values, n, &(struct changes_options){0}, &changes_n);
    struct buf text = BUF_INIT;
    const struct history_trend trend = {figure, points, n, changes, changes_n};
    if (json)
        history_text_trend_json(&trend, &text);
    else
        history_text_trend(&trend, cli->colour_out, &text);
    cli_print(buf_str(&text));
    if (n == 0 && !json && !cli->quiet)
        cli_note("no run here has %.*s", STR_ARG(figure));
    buf_release(&text);
    mem_free(changes);
    mem_free(values);
    return EXIT_DONE;
}

// ---- the command

static int run_one_or_many(struct cli *cli, const struct options *options, const struct history_question *q,
                           struct str trend) {
    const bool json = options_has(options, "json");
    const bool file = options->arguments_n && history_is_file(options->arguments[0]);
    struct history *h = file ? NULL : history_find(cli, options);
    if (!h && !file)
        return EXIT_USAGE;
    int code = options->arguments_n ? answer_one(cli, h, q, options->arguments[0], json)
               : trend.p            ? answer_trend(cli, h, q, trend, json)
                                    : answer_list(cli, h, q, json);
    history_close(h);
    return code;
}

// Conditions choose among many; here nothing is left to be chosen.
static bool chosen(const char *const *words, size_t n) {
    const bool compares = n && strcmp(words[0], "compare") == 0, merges = n && strcmp(words[0], "merge") == 0;
    const size_t first = compares || merges;
    for (size_t i = first; i < n; i++)
        if (str_starts(str_of(words[i]), STR("latest")))
            return false;
    return n - first > compares;
}

static int run_history(struct cli *cli, const struct options *options) {
    const char *const *words = options->arguments;
    const size_t n = options->arguments_n;
    const bool compares = n && strcmp(words[0], "compare") == 0, merges = n && strcmp(words[0], "merge") == 0;
    struct history_question q;
    struct str trend;
    struct err err;
    if (history_read_question(options, &q, &err) != STATUS_OK ||
        read_trend(options, &trend, &err) != STATUS_OK)
        return cli_argument_error(&command_history, "%s", err.text);
    if (n && (trend.p || (q.limit && !(merges && n == 1))))
        return cli_argument_error(&command_history, "--limit and --trend are for many sessions, not for one");
    if (q.filters_n && chosen(words, n))
        return cli_argument_error(&command_history,
                                  "--where and --name choose among many sessions, and these are named");
    if (merges && n == 1 && !q.filters_n && !q.limit)
        return cli_argument_error(&command_history,
                                  "which sessions? Name them, or say --name, --where or --limit");
    if (merges)
        return history_merged(cli, options, &q, words + 1, n - 1);
    if (compares && n > 3)
        return cli_argument_error(&command_history, "two sessions are compared, not more");
    if (compares)
        return history_compare(cli, options, &q, words + 1, n - 1);
    if (n > 1)
        return cli_argument_error(&command_history, "one session at a time, or \"compare\" and two");
    return run_one_or_many(cli, options, &q, trend);
}

const struct command command_history = {
    .name = "history",
    .arguments = "[SESSION | compare [A [B]] | merge [SESSION...] | --trend METRIC] [--where CONDITION]... "
                 "[--limit N] [--json]",
    .summary = "the runs there were: list them, show one, see how a figure went",
    .details =
        "Every run leaves a session: what it did, what it took, how its times were distributed, what went "
        "wrong.\n"
        "Sessions are kept in history.db in .pressrun in the output directory, or where --history or the "
        "manifest\n"
        "(history: { directory: ..., keep: ... }) says.\n"
        "\n"
        "SESSION is an id, the beginning of one, \"latest\", \"latest~2\" for two before it, or a file "
        "NAME.json\n"
        "with the JSON of one. CONDITION is a field (id, name, strategy, machine, version, outcome, digest, "
        "started)\n"
        "or a metric, one of = != < <= > >= ~ (contains), and a value:\n"
        "\n"
        "    pressrun history --where 'outcome = failed' --where 'started >= 2026-11-01'\n"
        "    pressrun history --trend render.p99 --name nightly\n"
        "    pressrun history compare latest~1 latest\n"
        "\n"
        "\"compare\" puts two sessions side by side: work counters first, then what moved beyond what is "
        "usual in\n"
        "runs like A, then distributions. Without A and B it takes the last two of the same name.\n"
        "\"merge\" makes one session of several, named or all that meet the conditions: counts are added, "
        "histograms too.\n"
        "\n"
        "\"pressrun help metrics\" lists what is measured. A trend is marked where its level changed for "
        "good.\n"
        "\n"
        "Exit codes: 0 done; 2 usage, or the history cannot be read.\n",
    .options = history_options,
    .run = run_history,
};
