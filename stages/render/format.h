// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_FORMAT_H
#define PRESSRUN_STAGES_RENDER_FORMAT_H
/*
 * Formatting in both of Python's ways: "%05.1f" % x (the % operator and the filter `format`) and
 * "{:05.1f}".format(x). Both end in a format_spec, which format_value applies.
 *
 * A safe template makes a safe text; what goes into it is escaped.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"
#include "stages/record/value.h"
#include "stages/render/object.h"
#include "stages/render/text.h"

struct format_spec {
    struct str fill; // one character; empty: a blank
    char align;      // '<' '>' '^' '=', 0: by the value's type
    char sign;       // '+' ' ' '-', 0: '-'
    bool alternate;  // '#'
    bool zero;       // pad numbers with zeros after the sign
    char grouping;   // ',' '_' or 0
    char type;       // 0: by the value's type
    int64_t width;
    int64_t precision; // -1: none
};

// Both parts of a number or a text, padded to the width. False after call_fail.
bool format_integer(struct call *call, struct value v, const struct format_spec *spec, struct text *out);
bool format_float(struct call *call, double d, const struct format_spec *spec, struct text *out);
void format_padded(struct str text, const struct format_spec *spec, char align, struct text *out);

// format(value, spec) as Python: by the value's type.
bool format_value(struct call *call, struct value v, struct str spec, struct text *out);

// template % args
bool format_percent(struct call *call, struct value template, struct value args, struct value *out);
// template.format(args)
bool format_fields(struct call *call, struct value template, const struct call_args *args, struct value *out);

#endif
