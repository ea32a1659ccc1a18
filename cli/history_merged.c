// SPDX-License-Identifier: MIT
#include "cli/history_merged.h"

#include <stdlib.h>

#include "base/quantity.h"
#include "cli/history_text.h"
#include "monitor/json_line.h"
#include "monitor/session_merge.h"

enum { DIGITS = 15 };

// ---- which

static bool add_word(struct cli *cli, struct history *h, const struct history_question *q, const char *word,
                     struct session_merge *m) {
    json_t *session = history_session_json(cli, h, q, word);
    const bool added = session && session_merge_add(m, session);
    if (session && !added)
        cli_fail("%s is there twice, or says not when it began", word);
    json_decref(session);
    return added;
}

static bool add_all(struct cli *cli, struct history *h, const struct history_question *q,
                    struct session_merge *m) {
    struct history_row *rows;
    struct err err;
    size_t n;
    if (history_list(h, q->filters, q->filters_n, q->limit ? q->limit : HISTORY_LIMIT_MOST, &cli->arena,
                     &rows, &n, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    for (size_t i = n; i-- > 0;) // oldest first
        if (!add_word(cli, h, &(struct history_question){0}, rows[i].id.p, m))
            return false;
    if (n == 0)
        cli_fail(q->filters_n ? "no run is like that" : "no run has been kept here");
    return n > 0;
}

static bool all_files(const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!history_is_file(words[i]))
            return false;
    return n > 0;
}

static bool collect(struct cli *cli, const struct options *options, const struct history_question *q,
                    const char *const *words, size_t n, struct session_merge *m) {
    const bool files = all_files(words, n);
    struct history *h = files ? NULL : history_find(cli, options);
    bool fine = h || files;
    for (size_t i = 0; fine && i < n; i++)
        fine = add_word(cli, h, q, words[i], m);
    if (fine && n == 0)
        fine = add_all(cli, h, q, m);
    history_close(h);
    return fine;
}

// ---- as text

static void add_summary(const json_t *document, struct buf *out) {
    const json_t *merged = json_object_get(document, "merged"),
                 *without = json_object_get(merged, "without_quantiles");
    const size_t n = json_array_size(json_object_get(merged, "sessions"));
    const char *seconds_name = metric_rows[METRIC_RUN_SECONDS].name;
    buf_printf(out, "%zu session%s as one: ", n, n == 1 ? "" : "s");
    quantity_seconds(out,
                     json_number_value(json_object_get(json_object_get(document, "metrics"), seconds_name)));
    buf_add_text(out, " of runs, from the first start to the last end ");
    quantity_seconds(out, json_number_value(json_object_get(merged, "elapsed_seconds")));
    buf_add_char(out, '\n');
    if (json_array_size(without))
        buf_printf(out, "%zu distribution%s without quantiles: not all sessions have their histograms\n",
                   json_array_size(without), json_array_size(without) == 1 ? " is" : "s are");
    buf_add_char(out, '\n');
}

static void print(struct cli *cli, json_t *document, bool json) {
    struct buf line = BUF_INIT, text = BUF_INIT;
    if (!json)
        add_summary(document, &text);
    json_line_add(document, DIGITS, &line); // gives it up
    if (!json)
        history_text_session(buf_str(&line), cli->colour_out, &text);
    cli_print(buf_str(json ? &line : &text));
    buf_release(&line);
    buf_release(&text);
}

int history_merged(struct cli *cli, const struct options *options, const struct history_question *q,
                   const char *const *words, size_t n) {
    struct session_merge *m = session_merge_new();
    const bool fine = collect(cli, options, q, words, n, m);
    if (fine)
        print(cli, session_merge_json(m), options_has(options, "json"));
    session_merge_free(m);
    return fine ? EXIT_DONE : EXIT_USAGE;
}
