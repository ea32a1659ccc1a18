// SPDX-License-Identifier: MIT
// pressrun history: the runs there were, one of them, or how a figure went.
#include <string.h>

#include "cli/command.h"
#include "cli/history_compare.h"
#include "cli/history_merged.h"
#include "cli/history_text.h"
#include "cli/history_trend.h"
#include "monitor/history.h"

enum { LIMIT = 20 };

static const struct option_spec history_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"history", 0, "DIR", "where the history is, without a manifest (PRESSRUN_HISTORY)"},
    {"where", 'w', "CONDITION", "only runs like that, such as 'run.seconds > 2'; may be repeated"},
    {"name", 0, "NAME", "only runs of the manifest of that name"},
    {"limit", 'n', "N", "the newest N runs (default: 20; of changes 200, of a trend 1000)"},
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

// ---- many, or one

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

// ---- the command

static int run_one_or_many(struct cli *cli, const struct options *options, const struct history_question *q,
                           struct str trend) {
    const bool json = options_has(options, "json");
    const bool file = options->arguments_n && history_is_file(options->arguments[0]);
    struct history *h = file ? NULL : history_find(cli, options);
    if (!h && !file)
        return EXIT_USAGE;
    int code = options->arguments_n ? answer_one(cli, h, q, options->arguments[0], json)
               : trend.p            ? history_trend(cli, h, q, trend, json)
                                    : answer_list(cli, h, q, json);
    history_close(h);
    return code;
}

enum question { ASKED_RUNS, ASKED_COMPARE, ASKED_MERGE, ASKED_CHANGES };

static enum question asked(const char *const *words, size_t n) {
    static const char *const names[] = {"", "compare", "merge", "changes"};
    for (int i = ASKED_COMPARE; n && i <= ASKED_CHANGES; i++)
        if (strcmp(words[0], names[i]) == 0)
            return (enum question)i;
    return ASKED_RUNS;
}

static bool any_latest(const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_starts(str_of(words[i]), STR("latest")))
            return true;
    return false;
}

// What is wrong with the sessions that are named, and how they are chosen; NULL: nothing.
static const char *fault_of(enum question question, const char *const *words, size_t n,
                            const struct history_question *q, bool trend) {
    static const size_t most[] = {1, 2, ARGUMENTS_MAX, 0}, all[] = {1, 2, 1, 1};
    if (n > most[question])
        return question == ASKED_RUNS ? "one session at a time; \"compare\" and \"merge\" take several"
               : question == ASKED_COMPARE
                   ? "two sessions are compared, not more"
                   : "changes are those of all runs; --name, --where and --limit choose";
    if (trend && (n || question != ASKED_RUNS))
        return "--trend is of many sessions, which are not named";
    if (q->limit && (n || question == ASKED_COMPARE))
        return "--limit is for many sessions, not for some that are named";
    if (q->filters_n && n >= all[question] && !any_latest(words, n))
        return "--where and --name choose among many sessions, and these are named";
    if (question == ASKED_MERGE && !n && !q->filters_n && !q->limit)
        return "which sessions? Name them, or say --name, --where or --limit";
    return NULL;
}

static int run_history(struct cli *cli, const struct options *options) {
    const enum question question = asked(options->arguments, options->arguments_n);
    const char *const *words = options->arguments + (question != ASKED_RUNS);
    const size_t n = options->arguments_n - (question != ASKED_RUNS);
    struct history_question q;
    struct str trend;
    struct err err;
    if (history_read_question(options, &q, &err) != STATUS_OK ||
        read_trend(options, &trend, &err) != STATUS_OK)
        return cli_argument_error(&command_history, "%s", err.text);
    const char *fault = fault_of(question, words, n, &q, trend.p != NULL);
    if (fault)
        return cli_argument_error(&command_history, "%s", fault);
    switch (question) {
    case ASKED_COMPARE:
        return history_compare(cli, options, &q, words, n);
    case ASKED_MERGE:
        return history_merged(cli, options, &q, words, n);
    case ASKED_CHANGES:
        return history_changes(cli, options, &q);
    case ASKED_RUNS:
        break;
    }
    return run_one_or_many(cli, options, &q, trend);
}

const struct command command_history = {
    .name = "history",
    .arguments = "[SESSION | compare [A [B]] | merge [SESSION...] | changes | --trend METRIC] "
                 "[--where CONDITION]... [--limit N] [--json]",
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
        "\"changes\" looks at all figures of the newest 200 runs: with which runs their levels changed for "
        "good, "
        "and what\n"
        "else changed with them. A trend shows one of them; \"pressrun help metrics\" lists what is "
        "measured.\n"
        "\n"
        "Exit codes: 0 done; 2 usage, or the history cannot be read.\n",
    .options = history_options,
    .run = run_history,
};
