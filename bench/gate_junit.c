// SPDX-License-Identifier: MIT
#include "bench/gate_escape.h"
#include "bench/gate_formats.h"

static void add_attribute(struct buf *out, const char *name, const char *value) {
    buf_printf(out, " %s=\"", name);
    gate_escape_xml(out, value, 0);
    buf_add_char(out, '"');
}

static void add_line(struct buf *out, const char *text) {
    if (text && *text) {
        gate_escape_xml(out, text, 0);
        buf_add_char(out, '\n');
    }
}

// All there is to say of a row.
static void add_details(struct gate_result *r, const struct gate_row *row, struct buf *out) {
    const char *ratio = gate_ratio_text(r, row);
    add_line(out, row->text);
    if (*ratio)
        add_line(out, gate_printf(r, "B over A, %s: %s, %u pairs, session %u", row->metric_words, ratio,
                                  (unsigned)row->pairs, (unsigned)row->session));
    add_line(out, gate_medians_text(r, row));
    if (row->cause)
        add_line(out, gate_printf(r, "what moved: %s", row->cause));
    add_line(out, gate_outlook_text(r, row));
    add_line(out, row->note);
}

static void add_outcome(struct gate_result *r, const struct gate_row *row, struct buf *out) {
    const char *element = row->verdict == VERDICT_FAIL      ? "failure"
                          : row->verdict == VERDICT_INVALID ? "error"
                                                            : NULL;
    if (row->verdict == VERDICT_INCONCLUSIVE) {
        buf_add_text(out, "      <skipped");
        add_attribute(out, "message", gate_printf(r, "INCONCLUSIVE: %s", row->text ? row->text : ""));
        buf_add_text(out, "/>\n");
    } else if (element) {
        buf_printf(out, "      <%s", element);
        add_attribute(out, "message", row->text ? row->text : "");
        add_attribute(out, "type", gate_reasons[row->reason]);
        buf_add_char(out, '>');
        add_details(r, row, out);
        buf_printf(out, "</%s>\n", element);
        return;
    }
    buf_add_text(out, "      <system-out>");
    add_details(r, row, out);
    buf_add_text(out, "</system-out>\n");
}

static void add_counts(const struct gate_result *r, struct buf *out) {
    size_t counts[VERDICT_INVALID + 1] = {0}; // the control is a test, too
    for (size_t i = 0; i < r->rows_n; i++)
        counts[r->rows[i].verdict]++;
    buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\"", r->rows_n,
               counts[VERDICT_FAIL], counts[VERDICT_INVALID], counts[VERDICT_INCONCLUSIVE], r->seconds);
}

static void add_property(struct buf *out, const char *name, const char *value) {
    buf_add_text(out, "      <property");
    add_attribute(out, "name", name);
    add_attribute(out, "value", value ? value : "");
    buf_add_text(out, "/>\n");
}

static void add_properties(struct gate_result *r, struct buf *out) {
    buf_add_text(out, "    <properties>\n");
    add_property(out, "verdict", verdict_name(r->verdict));
    add_property(out, "text", r->text);
    add_property(out, "baseline", r->baseline.shown);
    add_property(out, "baseline.what", gate_side_text(r, &r->baseline));
    add_property(out, "candidate", r->candidate.shown);
    add_property(out, "candidate.what", gate_side_text(r, &r->candidate));
    add_property(out, "seed", gate_printf(r, "%llu", (unsigned long long)r->seed));
    add_property(out, "cpu", r->host.cpu);
    for (size_t i = 0; i < r->warnings_n; i++)
        add_property(out, "warning", r->warnings[i]);
    buf_add_text(out, "    </properties>\n");
}

void gate_write_junit(struct gate_result *r, struct buf *out) {
    const char *suite = r->suite ? r->suite : "gate";
    buf_add_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pressrun gate\"");
    add_counts(r, out);
    buf_add_text(out, ">\n  <testsuite");
    add_attribute(out, "name", suite);
    add_counts(r, out);
    if (r->started)
        add_attribute(out, "timestamp", r->started);
    buf_add_text(out, ">\n");
    add_properties(r, out);
    for (size_t i = 0; i < r->rows_n; i++) {
        buf_add_text(out, "    <testcase");
        add_attribute(out, "classname", suite);
        add_attribute(out, "name", r->rows[i].name);
        buf_printf(out, " time=\"%.3f\">\n", r->rows[i].seconds);
        add_outcome(r, &r->rows[i], out);
        buf_add_text(out, "    </testcase>\n");
    }
    buf_add_text(out, "  </testsuite>\n</testsuites>\n");
}
