// SPDX-License-Identifier: MIT
#include "cli/reference.h"

#include "base/suggest.h"
#include "monitor/metrics.h"
#include "stages/compile/compile.h"
#include "stages/render/builtins.h"

enum { FILTERS, TESTS, FUNCTIONS, SIGNATURE_COLUMNS = 30 };

const struct reference_kind reference_kinds[REFERENCE_KINDS] = {
    [FILTERS] = {"filter", "filters", "{{ value|%s }}"},
    [TESTS] = {"test", "tests", "{% if value is %s %}"},
    [FUNCTIONS] = {"function", "functions", "{{ %s }}"},
};

static const struct library_function *table_of(const struct library *library, size_t kind, uint32_t *n) {
    *n = kind == FILTERS ? library->filters_n : kind == TESTS ? library->tests_n : library->globals_n;
    return kind == FILTERS ? library->filters : kind == TESTS ? library->tests : library->globals;
}

// Both tables are sorted by name, so they are gone through side by side.
const struct library_function *reference_row(size_t kind, size_t at, bool *chat_only) {
    uint32_t pages_n, chats_n, p = 0, c = 0;
    const struct library_function *pages = table_of(library_builtin(), kind, &pages_n);
    const struct library_function *chats = table_of(library_chat(), kind, &chats_n);
    while (p < pages_n || c < chats_n) {
        int order = p == pages_n ? 1 : c == chats_n ? -1 : strcmp(pages[p].name, chats[c].name);
        bool same = order == 0 && pages[p].call == chats[c].call;
        *chat_only = order > 0;
        const struct library_function *row = order > 0 ? &chats[c] : &pages[p];
        p += order <= 0;
        c += order > 0 || same;
        if (order == 0 && !same) { // the page's now, the chat's next
            if (at-- == 0)
                return row;
            row = &chats[c++];
            *chat_only = true;
        }
        if (at-- == 0)
            return row;
    }
    return NULL;
}

void reference_write_signature(size_t kind, const struct library_function *f, struct buf *out) {
    const char *at = f->params, *between = "(";
    bool optional = false;
    buf_add_text(out, f->name);
    for (struct library_word word; (word = library_next_word(&at, &optional)).name.p; between = ", ") {
        buf_add_text(out, between);
        if (str_is(word.name, "*"))
            buf_add_text(out, "arguments...");
        else if (str_is(word.name, "**"))
            buf_add_text(out, "keywords...");
        else
            buf_add_str(out, word.name);
        if (word.standard.p)
            buf_printf(out, "=%.*s", STR_ARG(word.standard));
    }
    if (*f->params)
        buf_add_char(out, ')');
    else if (kind == FUNCTIONS)
        buf_add_text(out, "()");
}

void reference_write_rest(const struct library_function *f, struct buf *out) {
    bool keywords = strstr(f->params, "**") != NULL, arguments = *f->params == '*';
    if (arguments || keywords)
        buf_printf(out, "Takes any number of %s%s%s.", arguments ? "arguments" : "",
                   arguments && keywords ? " and " : "", keywords ? "keywords (name=value)" : "");
}

static void write_row(size_t kind, const struct library_function *f, bool chat_only, struct buf *out) {
    size_t start = out->n;
    buf_add_text(out, "  ");
    reference_write_signature(kind, f, out);
    if (out->n - start > SIGNATURE_COLUMNS)
        buf_printf(out, "\n%*s", SIGNATURE_COLUMNS, "");
    else
        buf_printf(out, "%*s", (int)(SIGNATURE_COLUMNS - (out->n - start)), "");
    buf_printf(out, " %s%s\n", f->doc, chat_only ? " (chat templates)" : "");
}

void reference_write_kind(size_t kind, struct buf *out) {
    const struct library_function *f;
    bool chat_only;
    for (size_t i = 0; (f = reference_row(kind, i, &chat_only)); i++)
        write_row(kind, f, chat_only, out);
}

void reference_write_metrics(struct buf *out) {
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        buf_printf(out, "  %-26s %s%s%s%s\n", row->name, row->meaning, *row->unit ? ", in " : "", row->unit,
                   row->work ? " (work)" : "");
    }
    buf_add_text(out, "\n\"work\": depends on manifest and data alone, neither on time nor on workers.\n"
                      "live.*: of a run that goes on, at each moment; sessions have none of them.\n\n");
    buf_add_text(
        out,
        "Distributions of durations in seconds: of a batch in load, compile (a job's "
        "templates) and emit, of an\n"
        "output in render, job.NAME and template.NAME, of a filter's process in through and through.JOB;\n"
        "each with");
    for (int i = 0; i < FIGURES; i++)
        buf_printf(out, "%s .%s", i ? "," : "", metric_figures[i]);
    buf_add_text(
        out,
        ":\nrender.p99, job.cards.max. Of outputs that take less than some 25 us one in so many is timed.\n");
}

bool reference_write_languages(const char *only, struct buf *out) {
    size_t before = out->n;
    for (size_t i = 0; languages[i]; i++) {
        if (!languages[i]->doc || (only && strcmp(only, languages[i]->name) != 0))
            continue;
        buf_printf(out, "  %-10s %s\n", languages[i]->name, languages[i]->doc);
        for (const char *const *e = languages[i]->extensions; *e; e++)
            buf_printf(out, "%s *%s%s", e == languages[i]->extensions ? "             files named" : ",", *e,
                       e[1] ? "" : "\n");
    }
    return out->n > before;
}

static void write_details(size_t kind, const struct library_function *f, bool chat_only, struct buf *out) {
    const char *use = reference_kinds[kind].use, *place = strstr(use, "%s");
    reference_write_signature(kind, f, out);
    buf_printf(out, "\n\n  %s%s\n", f->doc, chat_only ? " (chat templates)" : "");
    struct buf rest = BUF_INIT;
    reference_write_rest(f, &rest);
    if (rest.n)
        buf_printf(out, "  %.*s\n", STR_ARG(buf_str(&rest)));
    buf_release(&rest);
    buf_printf(out, "\n  %.*s", (int)(place - use), use);
    reference_write_signature(kind, f, out);
    buf_printf(out, "%s\n", place + 2);
}

bool reference_write_one(size_t kind, const char *name, struct buf *out, struct str *near) {
    struct suggestion suggestion = suggest_for(str_of(name));
    const struct library_function *f;
    bool found = false, chat_only;
    for (size_t i = 0; (f = reference_row(kind, i, &chat_only)); i++) {
        suggest_offer(&suggestion, str_of(f->name));
        if (strcmp(f->name, name) != 0)
            continue;
        buf_add_text(out, found ? "\n" : "");
        write_details(kind, f, chat_only, out);
        found = true;
    }
    *near = suggestion.best;
    return found;
}
