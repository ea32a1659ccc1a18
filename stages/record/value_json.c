// SPDX-License-Identifier: MIT
#include "stages/record/value_json.h"

#include <math.h>

#include "base/number.h"

static void add_float(struct buf *out, double d) {
    if (isnan(d)) {
        buf_add_text(out, "NaN");
    } else if (isinf(d)) {
        buf_add_text(out, d < 0 ? "-Infinity" : "Infinity");
    } else {
        buf_reserve(out, NUMBER_TEXT_SIZE);
        out->n += number_write_double(out->p + out->n, d);
    }
}

bool value_json_add_scalar(struct buf *out, struct value v) {
    switch (v.tag) {
    case VALUE_NONE:
        buf_add(out, "null", 4);
        return true;
    case VALUE_BOOL:
        buf_add_text(out, v.i ? "true" : "false");
        return true;
    case VALUE_INT:
        buf_reserve(out, NUMBER_TEXT_SIZE);
        out->n += number_write_int(out->p + out->n, v.i);
        return true;
    case VALUE_BIG:
        buf_add_str(out, value_str(v));
        return true;
    case VALUE_FLOAT:
        add_float(out, v.f);
        return true;
    default:
        return false;
    }
}
