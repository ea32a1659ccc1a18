// SPDX-License-Identifier: MIT
#include "pipeline/plan/join_misfits.h"

#include <inttypes.h>
#include <math.h>

// Keys -------------------------------------------------------------------------------------------------------------

static bool is_nothing(struct value v) {
    if (v.tag == VALUE_LIST)
        for (uint32_t i = 0; i < v.list->n; i++)
            if (is_nothing(v.list->items[i]))
                return true;
    return v.tag == VALUE_NONE || v.tag == VALUE_UNDEFINED || v.tag == VALUE_MISSING ||
           (value_is_string(v) && v.n == 0);
}

// A column of numbers may give 7.0 where another one gives 7.
static struct value as_integer(struct value v) {
    enum { EXACT_BITS = 53 };
    const double most = ldexp(1, EXACT_BITS);
    if (v.tag != VALUE_FLOAT || !(v.f >= -most && v.f <= most) || v.f != floor(v.f))
        return v;
    return value_int((int64_t)v.f);
}

bool join_key(const struct plan *plan, struct vm *vm, const struct program *program, struct value record,
              struct arena *arena, struct str *key, const struct diag **fault) {
    struct value v;
    const struct diag *found = NULL;
    *key = (struct str){NULL, 0};
    if (!vm_eval(vm, program, record, NULL, 0, &v, &found)) {
        *fault = diag_copy(arena, plan_place(plan, arena, program, found));
        return false;
    }
    if (is_nothing(v))
        return true;
    const struct str text = value_is_string(v) ? value_str(v) : vm_text(vm, as_integer(v));
    if (!text.p)
        *fault = diag_make(arena, NULL, (struct span){0, 0}, "no memory for the key of a join");
    else
        *key = text;
    return text.p != NULL;
}

// Sentences --------------------------------------------------------------------------------------------------------

static const char *records(uint64_t n) {
    return n == 1 ? "record" : "records";
}

struct telling {
    void (*tell)(void *context, struct str sentence);
    void *context;
    struct buf text;
};

static void tell(struct telling *t) {
    t->tell(t->context, buf_str(&t->text));
    buf_clear(&t->text);
}

void join_misfits_each(const struct join_misfits *m, void (*fn)(void *context, struct str sentence),
                       void *context) {
    struct telling t = {.tell = fn, .context = context};
    if (m->lost) {
        buf_printf(&t.text, "%" PRIu64 " %s of %.*s %s to no record, the first with the key %.*s", m->lost,
                   records(m->lost), STR_ARG(m->from), m->lost == 1 ? "belongs" : "belong",
                   STR_ARG(m->lost_key));
        tell(&t);
    }
    if (m->shared) {
        buf_printf(&t.text, "%" PRIu64 " %s several records have; each got all that belongs to it", m->shared,
                   m->shared == 1 ? "key is one that" : "keys are such as");
        tell(&t);
    }
    if (m->missed) {
        buf_printf(&t.text, "%" PRIu64 " %s %s a key that no record of %.*s has, the first %.*s", m->missed,
                   records(m->missed), m->missed == 1 ? "names" : "name", STR_ARG(m->from),
                   STR_ARG(m->missed_key));
        tell(&t);
    }
    if (m->repeated) {
        buf_printf(&t.text, "%" PRIu64 " %s of %.*s %s left out, since an earlier one has the same key",
                   m->repeated, records(m->repeated), STR_ARG(m->from), m->repeated == 1 ? "is" : "are");
        tell(&t);
    }
    buf_release(&t.text);
}
