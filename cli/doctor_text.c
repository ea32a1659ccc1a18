// SPDX-License-Identifier: MIT
#include "cli/doctor_text.h"

#include "cli/doctor_queries_json.h"
#include "cli/show.h"
#include "monitor/json_line.h"

enum { STATE_COLUMNS = 8, CHECK_COLUMNS = 11 };

static const char *colour_of(enum doctor_state state) {
    static const char *const colours[DOCTOR_STATES] = {"\033[32m", "\033[2m", "\033[33m", "\033[1;31m"};
    return colours[state];
}

static void write_finding(const struct doctor_finding *f, bool colour, struct buf *out) {
    const char *plain = colour ? "\033[0m" : "";
    buf_printf(out, "%s%-*s%s %-*s ", colour ? colour_of(f->state) : "", STATE_COLUMNS - 1,
               doctor_state_names[f->state], plain, CHECK_COLUMNS - 1, f->check);
    if (f->subject.p) {
        show_escaped(out, f->subject);
        buf_add_text(out, ": ");
    }
    show_escaped(out, f->found);
    buf_add_char(out, '\n');
    for (const struct doctor_detail *detail = f->details; detail; detail = detail->next) {
        buf_printf(out, "%*s", (int)(STATE_COLUMNS + CHECK_COLUMNS + 2 + 2 * detail->depth), "");
        show_escaped(out, detail->text);
        buf_add_char(out, '\n');
    }
    if (!f->advice.p)
        return;
    buf_printf(out, "%*s -> ", STATE_COLUMNS + CHECK_COLUMNS - 1, "");
    show_escaped(out, f->advice);
    buf_add_char(out, '\n');
}

void doctor_text_write(const struct doctor *doctor, bool colour, struct buf *out) {
    static const enum doctor_state order[DOCTOR_STATES] = {DOCTOR_FAIL, DOCTOR_WARN, DOCTOR_OK,
                                                           DOCTOR_SKIPPED};
    static const char *const words[DOCTOR_STATES] = {"well", "skipped", "to look at", "failed"};
    const char *between = "";
    for (size_t i = 0; i < doctor->n; i++)
        write_finding(&doctor->findings[i], colour, out);
    for (size_t i = 0; i < DOCTOR_STATES; i++)
        if (doctor->counts[order[i]]) {
            buf_printf(out, "%s%zu %s", between, doctor->counts[order[i]], words[order[i]]);
            between = ", ";
        }
    buf_add_char(out, '\n');
}

static json_t *details_of(const struct doctor_finding *finding) {
    json_t *list = json_array();
    for (const struct doctor_detail *detail = finding->details; detail; detail = detail->next)
        json_array_append_new(list, json_line_text(detail->text));
    return list;
}

void doctor_text_json(const struct doctor *doctor, struct buf *out) {
    json_t *object = json_object(), *array = json_array();
    enum doctor_state worst = DOCTOR_OK;
    for (size_t i = 0; i < doctor->n; i++) {
        const struct doctor_finding *f = &doctor->findings[i];
        json_t *finding = json_object();
        const struct {
            const char *key;
            struct str text;
        } texts[] = {{"check", str_of(f->check)},
                     {"subject", f->subject},
                     {"state", str_of(doctor_state_names[f->state])},
                     {"found", f->found},
                     {"advice", f->advice}};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            if (texts[k].text.p)
                json_object_set_new(finding, texts[k].key, json_line_text(texts[k].text));
        }
        if (f->details)
            json_object_set_new(finding, "details", details_of(f));
        json_array_append_new(array, finding);
        worst = f->state > worst && f->state != DOCTOR_SKIPPED ? f->state : worst;
    }
    json_object_set_new(object, "state", json_string(doctor_state_names[worst]));
    json_object_set_new(object, "checks", array);
    if (doctor->looks.queries_n)
        doctor_queries_json_add(&doctor->looks, object);
    json_line_add(object, 0, out);
}
