// SPDX-License-Identifier: MIT
/*
 * What a name may have been meant for is often a field that no template reads, and so none that was loaded. When
 * something is missing, the item's records are read once more, in full, and what failed runs again: the same fault
 * then has the hint that it should have.
 */
#include "base/mem.h"
#include "pipeline/run/run_join.h"

enum { BYTES_AGAIN = 64 << 20 }; // of records, and then only if there are no more

static bool read_item(const struct failing *f, const struct item *item, struct batch *into,
                      struct value *out) {
    struct pass_run *pass = f->pass;
    return load_parse_full(pass->loader, pass->run->shapes, item, into, out) &&
           run_joins_carry(pass, item->record, &into->arena, out);
}

static bool read_group(const struct failing *f, struct batch *into, struct group *full) {
    size_t bytes = 0;
    *full = *f->group;
    for (size_t i = 0; i < full->items_n; i++)
        bytes += full->items[i]->raw.n;
    full->records = bytes <= BYTES_AGAIN ? list_new(&into->arena, (uint32_t)full->items_n) : NULL;
    if (!full->records)
        return false;
    for (size_t i = 0; i < full->items_n; i++)
        if (!read_item(f, full->items[i], into, &full->records->items[i]))
            return false;
    return true;
}

static const struct diag *run_again(const struct failing *f, struct value record, const struct group *group) {
    const struct diag *fault = NULL;
    struct vm_extra extras[2];
    struct value result;
    size_t extras_n = run_extras(group, extras);
    bool fine = f->program->is_expression
                    ? vm_eval(f->vm, f->program, record, extras, extras_n, &result, &fault)
                    : vm_render(f->vm, f->program, record, extras, extras_n, &fault);
    return fine ? NULL : fault;
}

const struct diag *run_explain(const struct failing *f, struct arena *arena, const struct diag *fault) {
    const struct plan *plan = f->pass->run->plan;
    const struct diag *again = NULL;
    fault = diag_copy(arena, fault);
    if (f->pass->pass->projection && vm_missed(f->vm)) {
        struct batch *batch = batch_new();
        struct value record = value_missing();
        struct group full;
        if (f->item ? read_item(f, f->item, batch, &record) : f->group && read_group(f, batch, &full))
            again = run_again(f, record, f->item ? NULL : &full);
        if (again && diag_is_same(again, fault))
            fault = diag_copy(arena, again);
        batch_free(batch);
    }
    return diag_copy(arena, plan_place(plan, arena, f->program, fault));
}
