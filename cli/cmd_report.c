// SPDX-License-Identifier: MIT
// pressrun report: a session, or what another command printed with --json, for people.
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/history_sessions.h"
#include "cli/report_file.h"
#include "cli/report_trends.h"
#include "monitor/history.h"

enum { SOURCE_MOST = 64 << 20 };

static const struct option_spec report_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"history", 0, "DIR", "where the history is, without a manifest (PRESSRUN_HISTORY)"},
    {"format", 0, "FORMAT", "json, html or markdown (default: by the name of --save, else markdown)"},
    {"save", 0, "FILE", "write it there instead of to stdout"},
    {"include-history", 0, NULL, "of a session: also how its figures went in earlier ones of the same name"},
    OPTIONS_COMMON,
    {0},
};

// What the report is about: the document, and the trends it comes with.
struct subject {
    struct str document;
    char *owned;    // the memory of it, where it is a file
    json_t *trends; // NULL: none
};

static bool is_file(const char *name) {
    return strchr(name, '/') || str_ends(str_of(name), STR(".json")) || access(name, F_OK) == 0;
}

static int read_source(struct cli *cli, const char *path, struct subject *subject) {
    struct err err;
    size_t size;
    if (fs_read_file(&cli->fs, strcmp(path, "-") == 0 ? "/dev/stdin" : path, SOURCE_MOST, &subject->owned,
                     &size, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    subject->document = (struct str){subject->owned, size};
    return EXIT_DONE;
}

// ---- a session of the history

static json_t *trends_of(struct history *h, struct str document) {
    json_t *session = json_loadb(document.p, document.n, 0, NULL);
    const char *name = json_string_value(json_object_get(session, "name"));
    const double started = json_number_value(json_object_get(session, "started"));
    json_t *trends = name ? report_trends(h, str_of(name), started) : NULL;
    json_decref(session);
    return trends;
}

static int read_session(struct cli *cli, const struct options *options, const char *word,
                        struct subject *subject) {
    const struct history_question all = {0};
    struct history *h = history_find(cli, options);
    if (!h)
        return EXIT_USAGE;
    const bool found = history_document(cli, h, &all, word, &subject->document);
    if (found && options_has(options, "include-history"))
        subject->trends = trends_of(h, subject->document);
    history_close(h);
    return found ? EXIT_DONE : EXIT_USAGE;
}

// ---- the command

static const struct report_format *choose_format(const struct options *options, struct err *err) {
    const char *name = options_get(options, "format"), *file = options_get(options, "save");
    if (name)
        return report_format_named(name, err);
    return file ? report_format_of_file(file, err) : report_format_named("markdown", err);
}

static int tell(struct cli *cli, const struct options *options, const struct report_format *format,
                const struct subject *subject) {
    struct report_options report = {.history = subject->trends};
    struct buf bytes = BUF_INIT;
    struct err err;
    int64_t now;
    const char *file = options_get(options, "save");
    if (cli_now(cli, &now, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    report.made = (double)now;
    int code = EXIT_DONE;
    if (report_file_make(format, subject->document, &report, !file, &bytes, &err) != STATUS_OK)
        code = cli_fail("%s%s%s", subject->owned ? options->arguments[0] : "", subject->owned ? ": " : "",
                        err.text);
    else if (file && report_file_save(&cli->fs, file, buf_str(&bytes), &err) != STATUS_OK)
        code = cli_fail("%s", err.text);
    else if (!file)
        cli_print(buf_str(&bytes));
    buf_release(&bytes);
    return code;
}

static int run_report(struct cli *cli, const struct options *options) {
    const char *what = options->arguments_n ? options->arguments[0] : "latest";
    struct subject subject = {{NULL, 0}, NULL, NULL};
    struct err err;
    if (options->arguments_n > 1)
        return cli_argument_error(&command_report, "one session or file at a time");
    const struct report_format *format = choose_format(options, &err);
    if (!format)
        return cli_argument_error(&command_report, "%s", err.text);
    const bool file = options->arguments_n && (strcmp(what, "-") == 0 || is_file(what));
    if (file && options_has(options, "include-history"))
        return cli_argument_error(&command_report,
                                  "--include-history is for a session of the history, not for a file");
    int code = file ? read_source(cli, what, &subject) : read_session(cli, options, what, &subject);
    if (code == EXIT_DONE)
        code = tell(cli, options, format, &subject);
    json_decref(subject.trends);
    mem_free(subject.owned);
    return code;
}

const struct command command_report = {
    .name = "report",
    .arguments = "[SESSION | FILE] [--format FORMAT] [--save FILE] [--include-history]",
    .summary = "a run, or what another command measured, for people to read",
    .details =
        "SESSION is an id of \"pressrun history\", the beginning of one, or \"latest\", which it is where "
        "nothing is\n"
        "given (\"latest~1\": the one before). FILE is what another command printed with --json (\"-\": "
        "stdin): history, strategies, bench, "
        "bench\n"
        "compare, gate or doctor; or a report in JSON, to have it in another format.\n"
        "\n"
        "    pressrun report --save latest.html\n"
        "    pressrun strategies --json | pressrun report - --format markdown\n"
        "\n"
        "HTML is one file that needs nothing else, no scripts either. JSON is the report itself, of which "
        "the\n"
        "others are made; \"pressrun schema --report\" prints its schema. However large the run, its report "
        "is not:\n"
        "tables have 50 rows, and say how many more there are. See also `pressrun run --report FILE`.\n"
        "\n"
        "Exit codes: 0 done; 2 usage, there is no such session, or no report can be made of the file.\n",
    .options = report_options,
    .run = run_report,
};
