// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/machine.h"
#include "stages/render/ops.h"
#include "stages/render/sequence.h"
#include "stages/render/text.h"

// Position -> element of a list or string; MISSING beyond the end.
static struct value string_at(struct value v, int64_t index) {
    struct str s = value_str(v);
    if (index < 0)
        index += (int64_t)utf8_length(s);
    if (index < 0 || (uint64_t)index >= s.n)
        return value_missing();
    size_t at = utf8_offset(s, (size_t)index), size;
    if (at >= s.n)
        return value_missing();
    utf8_decode(s.p + at, &size);
    struct value c = value_string((struct str){s.p + at, size});
    c.flags = v.flags;
    return c;
}

bool op_index(struct call *call, struct value v, struct value key, struct value *out) {
    *out = value_missing();
    if (v.tag == VALUE_MAP) {
        *out = key.tag == VALUE_STRING ? map_get(v.map, value_str(key)) : map_get_key(v.map, key);
        return true;
    }
    if (!call_defined(call, key))
        return false;
    if (key.tag != VALUE_INT && key.tag != VALUE_BOOL)
        return true;
    if (v.tag == VALUE_LIST) {
        int64_t at = key.i < 0 ? key.i + v.list->n : key.i;
        if (at >= 0 && at < v.list->n)
            *out = v.list->items[at];
    } else if (v.tag == VALUE_STRING) {
        if (!vm_charge(call, vm_work_of(v)))
            return false;
        *out = string_at(v, key.i);
    } else if (sequence_is_range(v)) {
        *out = sequence_at(v, key.i);
    }
    return true;
}

static bool slice_part(struct call *call, struct value v, int64_t otherwise, int64_t *out) {
    if (v.tag == VALUE_NONE || v.tag == VALUE_MISSING) {
        *out = otherwise;
        return true;
    }
    if (v.tag == VALUE_BIG) { // beyond any length, on that side
        *out = v.s[0] == '-' ? INT64_MIN / 4 : INT64_MAX / 4;
        return true;
    }
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_INT && v.tag != VALUE_BOOL)
        return call_fail(call, "slice indices must be integers or None, not '%s'", op_type_name(v));
    *out = v.i;
    return true;
}

static int64_t clamp(int64_t at, int64_t length, int64_t low, int64_t high) {
    if (at < 0)
        at = at < -length ? low : at + length;
    return at < low ? low : at > high ? high : at;
}

// Bounds as Python clamps them; *count elements from *start in steps of *step.
static bool slice_bounds(struct call *call, int64_t length, struct value start, struct value stop,
                         struct value step, int64_t *from, int64_t *to, int64_t *stride, int64_t *count) {
    if (!slice_part(call, step, 1, stride))
        return false;
    if (*stride == 0)
        return call_fail(call, "slice step cannot be zero");
    bool forward = *stride > 0;
    int64_t low = forward ? 0 : -1, high = forward ? length : length - 1;
    if (!slice_part(call, start, forward ? 0 : INT64_MAX / 4, from) ||
        !slice_part(call, stop, forward ? INT64_MAX / 4 : INT64_MIN / 4, to))
        return false;
    *from = clamp(*from, length, low, high);
    *to = clamp(*to, length, low, high);
    int64_t distance = forward ? *to - *from : *from - *to;
    uint64_t width = forward ? (uint64_t)*stride : -(uint64_t)*stride;
    *count = distance <= 0 ? 0 : (int64_t)(((uint64_t)distance - 1) / width + 1);
    return true;
}

static bool slice_string(struct call *call, struct value v, int64_t from, int64_t step, int64_t count,
                         struct value *out) {
    struct str s = value_str(v);
    if (step == 1 || count <= 1) { // a part of the same bytes
        size_t begin = utf8_offset(s, from < 0 ? 0 : (size_t)from);
        struct str rest = str_from(s, begin);
        *out = value_string((struct str){rest.p, utf8_offset(rest, (size_t)count)});
        out->flags = v.flags;
        return true;
    }
    struct text t;
    text_init(&t, call->arena, (size_t)count);
    const char *p = s.p + utf8_offset(s, (size_t)from);
    for (int64_t i = 0; i < count; i++) {
        size_t size;
        utf8_decode(p, &size);
        text_add(&t, p, size);
        for (int64_t k = 0; i + 1 < count && k < (step < 0 ? -step : step); k++) {
            do
                p += step < 0 ? -1 : 1;
            while (((uint8_t)*p & 0xc0) == 0x80);
        }
    }
    struct str made;
    if (!text_finish_str(&t, call, &made))
        return false;
    *out = value_string(made);
    out->flags = v.flags;
    return true;
}

static bool slice_list(struct call *call, struct value v, int64_t from, int64_t step, int64_t count,
                       struct value *out) {
    if (!vm_charge(call, (uint64_t)count))
        return false;
    struct value *items = arena_alloc(call->arena, ((size_t)count + 1) * sizeof *items);
    if (!items)
        return call_no_memory(call);
    for (int64_t i = 0; i < count; i++)
        items[i] = v.list->items[from + i * step];
    return v.flags & VALUE_TUPLE ? op_new_tuple(call, items, (uint32_t)count, out)
                                 : op_new_list(call, items, (uint32_t)count, out);
}

bool op_slice(struct call *call, struct value v, struct value start, struct value stop, struct value step,
              struct value *out) {
    int64_t length = 0, from, to, stride, count;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag == VALUE_STRING && !vm_charge(call, vm_work_of(v)))
        return false;
    if (v.tag == VALUE_STRING)
        length = (int64_t)utf8_length(value_str(v));
    else if (v.tag == VALUE_LIST)
        length = v.list->n;
    else if (sequence_is_range(v))
        sequence_length(v, &length);
    else if (v.tag == VALUE_MAP)
        return call_fail(call, "unhashable type: 'slice'");
    else
        return call_fail(call, "'%s' object is not subscriptable", op_type_name(v));
    if (!slice_bounds(call, length, start, stop, step, &from, &to, &stride, &count))
        return false;
    if (v.tag == VALUE_STRING)
        return slice_string(call, v, from, stride, count, out);
    if (v.tag == VALUE_LIST)
        return slice_list(call, v, from, stride, count, out);
    return sequence_slice(call, v, from, to, stride, out);
}
