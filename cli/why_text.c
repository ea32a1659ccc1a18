// SPDX-License-Identifier: MIT
#include "cli/why_text.h"

#include <time.h>

#include "cli/reason_text.h"
#include "cli/show.h"

// In words --------------------------------------------------------------------------------------------------

static void add_reasons(const struct explained *reasons, size_t n, bool colour, struct buf *out) {
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? "; " : "");
        reason_text_write(&reasons[i], colour, out);
    }
}

static void add_left_over(const struct why_answer *a, struct buf *out) {
    buf_add_text(out, "no longer belongs: no job makes it now");
    if (a->file_is == REASON_MISSING)
        buf_add_text(out, ", and it is gone");
    else if (a->file_is == REASON_EDITED)
        buf_add_text(out, "; it was edited since, so it stays");
    else
        buf_add_text(out, "; run --prune removes it");
}

static void add_nearest(const struct why_answer *a, struct buf *out) {
    if (!a->nearest.p)
        return;
    buf_add_text(out, "; did you mean ");
    show_escaped(out, a->nearest);
    buf_add_char(out, '?');
}

static void add_state(const struct why_answer *a, bool colour, struct buf *out) {
    switch (a->state) {
    case WHY_UP_TO_DATE:
        buf_add_text(out, "up to date");
        break;
    case WHY_TO_DO:
        buf_add_text(out, "would be made: ");
        add_reasons(a->reasons, a->reasons_n, colour, out);
        break;
    case WHY_FAILS:
        buf_add_text(out, "cannot be made: ");
        show_escaped(out, a->fault);
        break;
    case WHY_LEFT_OVER:
        add_left_over(a, out);
        break;
    case WHY_UNDECIDED:
        buf_add_text(out, "not known, since some records or jobs failed");
        add_nearest(a, out);
        break;
    case WHY_UNKNOWN:
        buf_add_text(out, "no job makes it");
        add_nearest(a, out);
        break;
    }
}

static void add_record(const struct why_answer *a, struct buf *out) {
    buf_add_text(out, "\n  from      job ");
    show_escaped(out, a->job);
    if (a->origin.n) {
        buf_add_text(out, ", ");
        show_escaped(out, a->origin);
    }
    if (a->line)
        buf_printf(out, ":%llu", (unsigned long long)a->line);
    else if (a->record)
        buf_printf(out, ", record %llu", (unsigned long long)a->record);
    if (a->stream) {
        buf_add_text(out, ", all records as one stream");
    } else if (a->records) {
        buf_printf(out, ", group of %llu record%s: ", (unsigned long long)a->records,
                   a->records == 1 ? "" : "s");
        show_escaped(out, a->key);
    } else if (a->key.n) {
        buf_add_text(out, ", key ");
        show_escaped(out, a->key);
    }
}

static void add_made(const struct why *why, const struct why_answer *a, bool colour, struct buf *out) {
    const time_t seconds = (time_t)(a->written / 1000000000);
    char when[32] = "?";
    struct tm tm;
    if (gmtime_r(&seconds, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    buf_printf(out, "\n  last made %s UTC, run %u of %u: ", when, a->generation, why->runs);
    if (a->past_n)
        add_reasons(a->past, a->past_n, colour, out);
    else
        buf_add_text(out, "why is not known");
}

static void add_parts(const struct why_answer *a, struct buf *out) {
    for (size_t i = 0; i < a->parts_n; i++) {
        const struct why_part *part = &a->parts[i];
        buf_printf(out, "\n  %s %s%s", i ? "         " : "made with", explained_name(part->kind),
                   part->name.n ? " " : "");
        show_escaped(out, part->name);
        buf_add_text(out, part->text.n ? ": " : "");
        show_escaped(out, part->text);
    }
    for (size_t i = 0; i < a->fields_n; i++) {
        buf_add_text(out, i ? ", " : "\n  reads     ");
        show_escaped(out, a->fields[i]);
    }
}

void why_text_write(const struct why *why, const struct why_answer *a, bool details, bool colour,
                    struct buf *out) {
    buf_add_text(out, colour ? "\033[1m" : "");
    show_escaped(out, a->path);
    buf_add_text(out, colour ? "\033[0m: " : ": ");
    add_state(a, colour, out);
    if (a->job.n)
        add_record(a, out);
    if (a->known)
        add_made(why, a, colour, out);
    if (a->known && details)
        add_parts(a, out);
    buf_add_char(out, '\n');
}

// As JSON ---------------------------------------------------------------------------------------------------

static void add_string(const char *name, struct str text, struct buf *out) {
    buf_printf(out, ", \"%s\": ", name);
    reason_text_string(text, out);
}

static void add_number(const char *name, uint64_t n, struct buf *out) {
    if (n)
        buf_printf(out, ", \"%s\": %llu", name, (unsigned long long)n);
}

static void add_record_json(const struct why_answer *a, struct buf *out) {
    add_string("job", a->job, out);
    if (!a->origin.n)
        return;
    add_string("source", a->source, out);
    add_string("path", a->origin, out);
    add_number("line", a->line, out);
    add_number("record", a->record, out);
    add_number("records", a->records, out);
    if (a->key.n)
        add_string(a->records ? "group" : "key", a->key, out);
    buf_add_text(out, a->stream ? ", \"stream\": true" : "");
}

static void add_made_json(const struct why *why, const struct why_answer *a, struct buf *out) {
    buf_printf(out,
               ", \"made\": {\"run\": %u, \"runs\": %u, \"written\": %.3f, \"size\": %llu, \"reasons\": ",
               a->generation, why->runs, (double)(a->written / 1000000) / 1e3, (unsigned long long)a->size);
    reason_text_list_json(a->past, a->past_n, out);
    buf_add_text(out, ", \"with\": [");
    for (size_t i = 0; i < a->parts_n; i++) {
        buf_printf(out, "%s{\"kind\": \"%s\"", i ? ", " : "", explained_name(a->parts[i].kind));
        if (a->parts[i].name.n)
            add_string("name", a->parts[i].name, out);
        if (a->parts[i].text.n)
            add_string("value", a->parts[i].text, out);
        buf_add_char(out, '}');
    }
    buf_add_text(out, "], \"fields\": [");
    for (size_t i = 0; i < a->fields_n; i++) {
        buf_add_text(out, i ? ", " : "");
        reason_text_string(a->fields[i], out);
    }
    buf_add_text(out, "]}");
}

void why_text_write_json(const struct why *why, const struct why_answer *a, struct buf *out) {
    buf_add_text(out, "{\"output\": ");
    reason_text_string(a->path, out);
    buf_printf(out, ", \"state\": \"%s\", \"reasons\": ", why_states[a->state]);
    reason_text_list_json(a->reasons, a->reasons_n, out);
    if (a->fault.n)
        add_string("message", a->fault, out);
    if (a->known && a->file_is)
        buf_printf(out, ", \"file\": \"%s\"", a->file_is == REASON_MISSING ? "missing" : "edited");
    if (a->nearest.n)
        add_string("nearest", a->nearest, out);
    if (a->job.n)
        add_record_json(a, out);
    if (a->known)
        add_made_json(why, a, out);
    buf_add_text(out, "}\n");
}
