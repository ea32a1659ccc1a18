// SPDX-License-Identifier: MIT
// What each line of the templates cost (`run --profile`).
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/given.h"
#include "report/report_private.h"
#include "report/report_session.h"

static void add_templates(json_t *section, const json_t *templates) {
    static const struct report_column columns[] = {
        {"template", false, false}, {"of all rendering", true, true}, {"time", true, false}};
    size_t i;
    json_t *from;
    if (json_array_size(templates) == 0)
        return;
    json_t *table =
        report_add_table(section, "Templates, the dearest first", columns, sizeof columns / sizeof *columns);
    json_array_foreach(templates, i, from) {
        const double share = given_number(from, "share");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, given_text(from, "template"));
        report_add_share(row, share, "share", isfinite(share) ? share : 0);
        report_add_number(row, given_number(from, "seconds"), "s");
    }
}

// As code, unless the mark for that is in it, or what a Markdown table cannot have in code.
static void add_code(json_t *row, const char *text) {
    struct buf code = BUF_INIT;
    text += strspn(text, " \t");
    buf_printf(&code, *text && !strpbrk(text, "`|") ? "`%s`" : "%s", text);
    report_add_cell(row, buf_text(&code));
    buf_release(&code);
}

static void add_lines(json_t *section, const json_t *profile) {
    static const struct report_column columns[] = {
        {"template", false, false},          {"line", true, false},
        {"of all rendering", true, true},    {"itself", true, false},
        {"with what it calls", true, false}, {"text", false, false}};
    const json_t *lines = json_object_get(profile, "lines");
    size_t i;
    json_t *line;
    if (json_array_size(lines) == 0)
        return;
    json_t *table =
        report_add_table(section, "Lines, the dearest first", columns, sizeof columns / sizeof *columns);
    json_array_foreach(lines, i, line) {
        const double share = given_number(line, "share");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, given_text(line, "template"));
        report_add_number(row, given_number(line, "line"), "");
        report_add_share(row, share, "share", isfinite(share) ? share : 0);
        report_add_number(row, given_number(line, "seconds"), "s");
        report_add_number(row, given_number(line, "total_seconds"), "s");
        add_code(row, given_text(line, "text"));
    }
    report_count_more(table, given_count(profile, "more"));
}

void report_session_profile(struct report *report, const json_t *session) {
    const json_t *profile = json_object_get(session, "profile");
    char text[120];
    snprintf(text, sizeof text, "What rendering took, by line of the templates, from %llu samples.",
             (unsigned long long)given_count(profile, "samples"));
    json_t *section = report_section(report, "profile", "The dearest lines", text, false);
    add_lines(section, profile);
    add_templates(section, json_object_get(profile, "templates"));
}
