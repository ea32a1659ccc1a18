// SPDX-License-Identifier: MIT
#include "cli/reason_text.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "cli/show.h"

enum { WRITE_AT = 64 << 10 };

// In words --------------------------------------------------------------------------------------------------

// What is said of the kinds that have neither name nor values.
static const char *sentence(enum explained_kind kind) {
    switch (kind) {
    case EXPLAINED_NEW:
        return "new";
    case EXPLAINED_LOST:
        return "what it was made from is not known";
    case EXPLAINED_MISSING:
        return "missing";
    case EXPLAINED_EDITED:
        return "edited";
    case EXPLAINED_TEMPLATES:
        return "a template of the search path changed, and one is chosen at run time";
    case EXPLAINED_NOW:
        return "the time, which a template may ask for";
    case EXPLAINED_RECIPE:
        return "what it is made with changed";
    case EXPLAINED_READS:
        return "other fields are read";
    case EXPLAINED_RECORDS:
        return "records changed";
    case EXPLAINED_FORCED:
        return "--force";
    default:
        return NULL;
    }
}

static void write_value(struct str text, const char *unknown, const char *code, const char *end,
                        struct buf *out) {
    if (!text.n) {
        buf_add_text(out, text.p ? "(nothing)" : unknown);
        return;
    }
    buf_add_text(out, code);
    show_escaped(out, text);
    buf_add_text(out, end);
}

static bool has_values(const struct explained *reason) {
    const bool any = reason->old_text.p || reason->new_text.p;
    const bool same =
        reason->old_text.p && reason->new_text.p && str_equal(reason->old_text, reason->new_text);
    return any && !same && reason->change == EXPLAINED_CHANGED;
}

static const char *change_of(const struct explained *reason) {
    static const char *const reads[] = {"", " is read now", " is not read any more"};
    static const char *const templates[] = {" changed", " is used now", " is not used any more"};
    static const char *const others[] = {" changed", " is there now", " is not there any more"};
    switch (reason->kind) {
    case EXPLAINED_READS:
        return reads[reason->change];
    case EXPLAINED_TEMPLATE:
    case EXPLAINED_FILTER:
        return templates[reason->change];
    case EXPLAINED_GLOBAL:
        return reason->change == EXPLAINED_CHANGED ? " changed" : reads[reason->change];
    case EXPLAINED_SOURCE:
        return reason->change == EXPLAINED_CHANGED ? " is read in another way" : others[reason->change];
    case EXPLAINED_THROUGH:
        return reason->change == EXPLAINED_CHANGED ? ": its executable or inputs changed"
                                                   : others[reason->change];
    default:
        return others[reason->change];
    }
}

void reason_text_write(const struct explained *reason, bool colour, struct buf *out) {
    const char *said = reason->name.n ? NULL : sentence(reason->kind);
    if (said) {
        buf_add_text(out, said);
        return;
    }
    buf_add_text(out, reason->kind == EXPLAINED_READS ? "field" : explained_name(reason->kind));
    if (reason->kind == EXPLAINED_FIELD && !reason->name.n)
        buf_add_text(out, " behind the first ones");
    if (reason->name.n)
        buf_add_char(out, ' ');
    show_escaped(out, reason->name);
    if (!has_values(reason)) {
        buf_add_text(out, change_of(reason));
        return;
    }
    buf_add_text(out, ": ");
    write_value(reason->old_text, "(not kept)", colour ? "\033[31m" : "", colour ? "\033[0m" : "", out);
    buf_add_text(out, " -> ");
    write_value(reason->new_text, "(long)", colour ? "\033[32m" : "", colour ? "\033[0m" : "", out);
}

// As JSON ---------------------------------------------------------------------------------------------------

void reason_text_string(struct str text, struct buf *out) {
    struct buf escaped = BUF_INIT;
    if (!utf8_valid(text, NULL)) {
        show_escaped(&escaped, text);
        text = buf_str(&escaped);
    }
    buf_add_json(out, text);
    buf_release(&escaped);
}

static void add_text(struct buf *out, const char *name, struct str text) {
    buf_printf(out, ", \"%s\": ", name);
    if (text.p)
        reason_text_string(text, out);
    else
        buf_add_text(out, "null");
}

void reason_text_write_json(const struct explained *reason, struct buf *out) {
    static const char *const changes[] = {"changed", "added", "removed"};
    const bool part = reason->kind >= EXPLAINED_TEMPLATE && reason->kind <= EXPLAINED_READS;
    buf_printf(out, "{\"kind\": \"%s\"", explained_name(reason->kind));
    if (reason->name.n)
        add_text(out, "name", reason->name);
    if (part)
        buf_printf(out, ", \"change\": \"%s\"", changes[reason->change]);
    if (reason->hashed)
        buf_printf(out, ", \"old_hash\": \"%016" PRIx64 "\", \"new_hash\": \"%016" PRIx64 "\"",
                   reason->old_hash, reason->new_hash);
    if (reason->hashed || reason->old_text.p || reason->new_text.p) {
        add_text(out, "old", reason->old_text);
        add_text(out, "new", reason->new_text);
    }
    buf_add_char(out, '}');
}

void reason_text_list_json(const struct explained *reasons, size_t n, struct buf *out) {
    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? ", " : "");
        reason_text_write_json(&reasons[i], out);
    }
    buf_add_char(out, ']');
}

// Lines -----------------------------------------------------------------------------------------------------

void reason_lines_init(struct reason_lines *lines, int fd, bool json, bool all, bool colour) {
    *lines = (struct reason_lines){.fd = fd, .json = json, .all = all, .colour = colour};
    arena_init(&lines->arena, 0);
}

static void write_out(struct reason_lines *lines) {
    struct fs fs = fs_system();
    struct err err;
    if (lines->text.n && !lines->os &&
        fs_write_all(&fs, lines->fd, lines->text.p, lines->text.n, &err) != STATUS_OK)
        lines->os = err.os;
    buf_clear(&lines->text);
}

static void add_json(struct reason_lines *lines, const struct run_reason *reason,
                     const struct explained *list, size_t n) {
    struct buf *out = &lines->text;
    buf_add_text(out, "{\"output\": ");
    reason_text_string(reason->path, out);
    buf_add_text(out, ", \"job\": ");
    reason_text_string(reason->job, out);
    buf_add_text(out, ", \"reasons\": ");
    reason_text_list_json(list, n, out);
    buf_add_text(out, "}\n");
}

void reason_lines_add(struct reason_lines *lines, const struct run_reason *reason) {
    struct explained *list;
    struct buf *out = &lines->text;
    arena_clear(&lines->arena);
    size_t n = explanation_of(&reason->cause, &lines->arena, &list);
    if (lines->json) {
        add_json(lines, reason, list, n);
    } else {
        buf_add_text(out, lines->colour ? "\033[1m" : "");
        show_escaped(out, reason->path);
        buf_add_text(out, lines->colour ? "\033[0m: " : ": ");
        for (size_t i = 0; i < n && (i == 0 || lines->all); i++) {
            buf_add_text(out, i ? "; " : "");
            reason_text_write(&list[i], lines->colour, out);
        }
        if (n > 1 && !lines->all)
            buf_printf(out, " (and %zu more)", n - 1);
        buf_add_char(out, '\n');
    }
    if (out->n >= WRITE_AT)
        write_out(lines);
}

void reason_lines_end(struct reason_lines *lines) {
    write_out(lines);
    buf_release(&lines->text);
    arena_release(&lines->arena);
}
