// SPDX-License-Identifier: MIT
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "base/utf8.h"
#include "report/report_private.h"

enum { DIGITS = 12 };

struct report {
    json_t *document, *figures, *sections; // the latter two are within the first
};

const char *const report_kinds[REPORT_KINDS_N] = {
#define X(NAME, name) [REPORT_##NAME] = #name,
    REPORT_KINDS(X)
#undef X
};
static const char *const states[] = {
    [REPORT_NEUTRAL] = "neutral", [REPORT_GOOD] = "good", [REPORT_WARNING] = "warning", [REPORT_BAD] = "bad"};

// ---- texts

// A control character shows as a space; a text that is cut ends in three dots.
json_t *report_text_json(struct str text, size_t most) {
    const bool cut = text.n > most;
    struct buf shown = BUF_INIT;
    if (cut) {
        text.n = most > 3 ? most - 3 : 0;
        while (text.n && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    buf_add_str(&shown, text);
    for (size_t i = 0; i < shown.n; i++)
        if (((unsigned char)shown.p[i] < 0x20 && shown.p[i] != '\n') || shown.p[i] == 0x7f)
            shown.p[i] = ' ';
    if (cut)
        buf_add_text(&shown, "...");
    json_t *string = json_stringn(shown.n ? shown.p : "", shown.n);
    buf_release(&shown);
    return string ? string : json_string("(not UTF-8)");
}

void report_put(json_t *object, const char *key, const char *text) {
    json_object_set_new(object, key, report_text_json(str_of(text ? text : ""), REPORT_TEXT));
}

static void put_optional(json_t *object, const char *key, const char *text) {
    if (text && *text)
        report_put(object, key, text);
}

void report_put_number(json_t *object, const char *key, double value) {
    if (isfinite(value))
        json_object_set_new(object, key, json_real(value));
}

static void put_state(json_t *object, enum report_state state) {
    json_object_set_new(object, "state", json_string(states[state]));
}

void report_add_moment(struct buf *out, double seconds) {
    const double last = 253402300799;
    char text[32];
    struct tm tm;
    const time_t moment = seconds > 0 ? seconds < last ? (time_t)seconds : (time_t)last : 0;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", gmtime_r(&moment, &tm));
    buf_add_text(out, text);
}

// ---- the whole

struct report *report_new(enum report_kind kind, const char *title, double made) {
    struct report *report = MEM_NEW(struct report);
    char text[32];
    struct tm tm;
    const time_t moment = (time_t)made;
    *report = (struct report){json_object(), json_array(), json_array()};
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&moment, &tm));
    json_t *document = report->document;
    json_object_set_new(document, "report", json_integer(REPORT_VERSION));
    report_put(document, "kind", report_kinds[kind]);
    report_put(document, "title", title);
    report_put(document, "subtitle", "");
    report_put(document, "made", text);
    report_put(document, "program", "pressrun " PRESSRUN_VERSION);
    report_set_verdict(report, REPORT_NEUTRAL, "", "");
    json_object_set_new(document, "figures", report->figures);
    json_object_set_new(document, "sections", report->sections);
    return report;
}

void report_free(struct report *report) {
    if (!report)
        return;
    json_decref(report->document);
    mem_free(report);
}

void report_set_subtitle(struct report *report, const char *text) {
    report_put(report->document, "subtitle", text);
}

void report_set_verdict(struct report *report, enum report_state state, const char *word, const char *text) {
    json_t *verdict = json_object();
    put_state(verdict, state);
    report_put(verdict, "word", word);
    report_put(verdict, "text", text);
    json_object_set_new(report->document, "verdict", verdict);
}

void report_add_figure(struct report *report, const struct report_figure *figure) {
    if (!isfinite(figure->value) || json_array_size(report->figures) >= REPORT_FIGURES)
        return;
    json_t *object = json_object();
    struct buf text = BUF_INIT;
    quantity_add(&text, figure->value, figure->unit);
    report_put(object, "id", figure->id);
    report_put(object, "label", figure->label);
    report_put_number(object, "value", figure->value);
    report_put(object, "unit", figure->unit);
    report_put(object, "text", buf_text(&text));
    put_state(object, figure->state);
    put_optional(object, "note", figure->note);
    json_array_append_new(report->figures, object);
    buf_release(&text);
}

json_t *report_section(struct report *report, const char *id, const char *title, const char *text,
                       bool folded) {
    json_t *section = json_object();
    report_put(section, "id", id);
    report_put(section, "title", title);
    report_put(section, "text", text);
    json_object_set_new(section, "folded", json_boolean(folded));
    json_object_set_new(section, "blocks", json_array());
    json_array_append_new(report->sections, section);
    return section;
}

json_t *report_add_block(json_t *section, const char *type) {
    if (!section)
        return NULL;
    json_t *block = json_object();
    report_put(block, "type", type);
    json_array_append_new(json_object_get(section, "blocks"), block);
    return block;
}

void report_add_text(json_t *section, const char *text) {
    report_put(report_add_block(section, "text"), "text", text);
}

void report_write_json(const struct report *report, bool indented, struct buf *out) {
    json_t *kept = json_array();
    size_t i;
    json_t *section;
    json_array_foreach(report->sections, i, section) {
        if (json_array_size(json_object_get(section, "blocks")))
            json_array_append(kept, section);
    }
    json_t *document = json_copy(report->document);
    json_object_set_new(document, "sections", kept);
    char *text = json_dumps(document, JSON_REAL_PRECISION(DIGITS) | (indented ? JSON_INDENT(2) : 0));
    buf_add_text(out, text ? text : "null");
    buf_add_char(out, '\n');
    free(text);
    json_decref(document);
}

// ---- tables

json_t *report_add_table(json_t *section, const char *caption, const struct report_column *columns,
                         size_t n) {
    json_t *table = report_add_block(section, "table"), *array = json_array();
    for (size_t i = 0; i < n && i < REPORT_COLUMNS; i++) {
        json_t *column = json_object();
        report_put(column, "label", columns[i].label);
        report_put(column, "align", columns[i].number ? "right" : "left");
        json_object_set_new(column, "bar", json_boolean(columns[i].bar));
        json_array_append_new(array, column);
    }
    report_put(table, "caption", caption);
    json_object_set_new(table, "columns", array);
    json_object_set_new(table, "rows", json_array());
    json_object_set_new(table, "more", json_integer(0));
    return table;
}

void report_count_more(json_t *object, uint64_t more) {
    json_int_t n = json_integer_value(json_object_get(object, "more"));
    json_object_set_new(object, "more", json_integer(n + (json_int_t)more));
}

json_t *report_add_row(json_t *table, enum report_state state) {
    json_t *rows = json_object_get(table, "rows");
    if (!table || json_array_size(rows) >= REPORT_ROWS) {
        report_count_more(table, 1);
        return NULL;
    }
    json_t *row = json_object();
    json_object_set_new(row, "cells", json_array());
    put_state(row, state);
    json_array_append_new(rows, row);
    return row;
}

static json_t *add_cell(json_t *row, const char *text) {
    json_t *cells = json_object_get(row, "cells");
    if (!row)
        return NULL;
    json_t *cell = json_object();
    report_put(cell, "text", text);
    json_array_append_new(cells, cell);
    return cell;
}

void report_add_cell(json_t *row, const char *text) {
    add_cell(row, text);
}

static json_t *add_number(json_t *row, double value, const char *unit) {
    struct buf text = BUF_INIT;
    quantity_add(&text, value, unit);
    json_t *cell = add_cell(row, buf_text(&text));
    report_put_number(cell, "value", value);
    buf_release(&text);
    return cell;
}

void report_add_number(json_t *row, double value, const char *unit) {
    add_number(row, value, unit);
}

void report_add_share(json_t *row, double value, const char *unit, double share) {
    json_t *cell = add_number(row, value, unit);
    report_put_number(cell, "share", share < 0 ? 0 : share > 1 ? 1 : share);
}

void report_set_cell_state(json_t *row, enum report_state state) {
    const json_t *cells = json_object_get(row, "cells");
    const size_t n = json_array_size(cells);
    if (n)
        put_state(json_array_get(cells, n - 1), state);
}

void report_put_state(json_t *object, enum report_state state) {
    put_state(object, state);
}

// ---- faults

json_t *report_add_faults(json_t *section, uint64_t more) {
    json_t *faults = report_add_block(section, "faults");
    json_object_set_new(faults, "items", json_array());
    json_object_set_new(faults, "more", json_integer((json_int_t)more));
    return faults;
}

void report_add_fault(json_t *faults, const struct report_fault *fault) {
    json_t *items = json_object_get(faults, "items");
    if (!faults || json_array_size(items) >= REPORT_FAULTS) {
        report_count_more(faults, fault->count);
        return;
    }
    json_t *item = json_object();
    report_put(item, "message", fault->message);
    put_optional(item, "hint", fault->hint);
    put_optional(item, "place", fault->place);
    put_optional(item, "record", fault->record);
    put_optional(item, "job", fault->job);
    if (fault->excerpt && *fault->excerpt) {
        report_put(item, "excerpt", fault->excerpt);
        const struct str excerpt = str_of(fault->excerpt); // readers of the document count characters
        const size_t before = utf8_length(str_slice(excerpt, 0, fault->caret));
        const size_t marked =
            utf8_length(str_slice(excerpt, fault->caret, (size_t)fault->caret + fault->caret_n));
        json_object_set_new(item, "caret", json_integer((json_int_t)before));
        json_object_set_new(item, "caret_n", json_integer((json_int_t)marked));
    }
    json_object_set_new(item, "count", json_integer((json_int_t)fault->count));
    json_array_append_new(items, item);
}
