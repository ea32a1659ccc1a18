// SPDX-License-Identifier: MIT
#include "pipeline/reasons/explanation.h"

#include "base/mem.h"

static const char *const names[] = {
#define X(ID, name) [EXPLAINED_##ID] = name,
    EXPLAINED_KINDS(X)
#undef X
};

const char *explained_name(enum explained_kind kind) {
    return names[kind];
}

enum explained_kind explained_part(struct str part, struct str *name) {
    size_t n = 0;
    while (n < part.n && part.p[n] != ' ')
        n++;
    *name = n < part.n ? str_from(part, n + 1) : (struct str){"", 0};
    for (int kind = EXPLAINED_TEMPLATE; kind < EXPLAINED_RECIPE; kind++)
        if (str_is((struct str){part.p, n}, names[kind]))
            return (enum explained_kind)kind;
    *name = part;
    return EXPLAINED_RECIPE;
}

struct telling {
    struct arena *arena;
    struct explained *items;
    size_t n, cap;
};

static struct explained *add(struct telling *list, enum explained_kind kind, struct str name,
                             enum explained_change change) {
    MEM_GROW(list->items, list->cap, list->n + 1);
    struct explained *added = &list->items[list->n++];
    *added = (struct explained){.kind = kind, .name = name, .change = change};
    return added;
}

static void add_plain(struct telling *list, enum explained_kind kind) {
    add(list, kind, STR(""), EXPLAINED_CHANGED);
}

// Parts ---------------------------------------------------------------------------------------------------------

static const struct journal_part *find_part(const struct journal_recipe *recipe, struct str name) {
    for (uint32_t i = 0; i < recipe->parts_n; i++)
        if (str_equal(recipe->parts[i].name, name))
            return &recipe->parts[i];
    return NULL;
}

static struct str text_of(const struct journal_part *part) {
    return part->text.n ? part->text : (struct str){NULL, 0};
}

static void add_part(struct telling *list, const struct journal_part *part, enum explained_change change) {
    struct str name;
    enum explained_kind kind = explained_part(part->name, &name);
    struct explained *added = add(list, kind, name, change);
    *(change == EXPLAINED_REMOVED ? &added->old_text : &added->new_text) = text_of(part);
}

static void compare_parts(const struct cause *cause, struct telling *list) {
    const struct journal_recipe *before = cause->before, *now = cause->now;
    for (uint32_t i = 0; i < now->parts_n; i++) {
        const struct journal_part *part = &now->parts[i], *old = find_part(before, part->name);
        if (!old) {
            add_part(list, part, EXPLAINED_ADDED);
        } else if (!digest_equal(old->digest, part->digest)) {
            add_part(list, part, EXPLAINED_CHANGED);
            list->items[list->n - 1].old_text = text_of(old);
        }
    }
    for (uint32_t i = 0; i < before->parts_n; i++)
        if (!find_part(now, before->parts[i].name))
            add_part(list, &before->parts[i], EXPLAINED_REMOVED);
}

// Fields --------------------------------------------------------------------------------------------------------

static uint32_t find_field(const struct journal_recipe *recipe, struct str name) {
    uint32_t i = 0;
    while (i < recipe->fields_n && !str_equal(recipe->fields[i], name))
        i++;
    return i;
}

static void compare_reads(const struct cause *cause, struct telling *list) {
    const struct journal_recipe *before = cause->before, *now = cause->now;
    for (uint32_t i = 0; i < now->fields_n; i++)
        if (find_field(before, now->fields[i]) == before->fields_n)
            add(list, EXPLAINED_READS, now->fields[i], EXPLAINED_ADDED);
    for (uint32_t i = 0; i < before->fields_n; i++)
        if (find_field(now, before->fields[i]) == now->fields_n)
            add(list, EXPLAINED_READS, before->fields[i], EXPLAINED_REMOVED);
}

// As far as it is short.
static struct str shown(const struct cause *cause, uint32_t field, struct arena *arena) {
    struct buf text = BUF_INIT;
    struct str kept = {NULL, 0};
    if (cause->imprint && !cause->many) {
        if (!imprint_show(cause->imprint, field, cause->record, &text))
            buf_clear(&text);
        kept = text.n <= VALUES_TEXT ? arena_str(arena, buf_str(&text)) : kept;
    }
    buf_release(&text);
    return kept;
}

// Of the elements of a list, which one it is.
static void narrow(const struct cause *cause, uint32_t field, struct arena *arena, struct explained *added) {
    struct buf name = BUF_INIT, now = BUF_INIT;
    struct str before = added->old_text;
    if (before.n && added->new_text.n &&
        imprint_narrow(cause->imprint, field, cause->record, &before, &name, &now)) {
        struct str kept = arena_str(arena, buf_str(&name)), text = arena_str(arena, buf_str(&now));
        if (kept.p && text.p) {
            added->name = kept;
            added->old_text = before;
            added->new_text = text;
        }
    }
    buf_release(&name);
    buf_release(&now);
}

static void compare_fields(const struct cause *cause, struct telling *list) {
    const struct journal_recipe *before = cause->before, *now = cause->now;
    for (uint32_t i = 0; i < now->fields_n; i++) {
        const uint32_t old = before == now ? i : find_field(before, now->fields[i]);
        if (old == before->fields_n || cause->fields_before[old] == cause->fields_now[i])
            continue;
        struct explained *added = add(list, EXPLAINED_FIELD, now->fields[i], EXPLAINED_CHANGED);
        added->hashed = true;
        added->old_hash = cause->fields_before[old];
        added->new_hash = cause->fields_now[i];
        added->new_text = shown(cause, i, list->arena);
        if (cause->values && !cause->many)
            added->old_text = values_find(cause->values, added->old_hash);
        narrow(cause, i, list->arena, added);
    }
}

// Where there are no hashes to compare, the bits tell; the last one stands for several fields.
static void name_fields(const struct cause *cause, struct telling *list) {
    const struct journal_recipe *now = cause->now;
    for (uint32_t i = 0; now && i < now->fields_n && i <= REASON_FIELD_BITS; i++)
        if (cause->why & reason_of_field(i))
            add(list, EXPLAINED_FIELD, i < REASON_FIELD_BITS ? now->fields[i] : STR(""), EXPLAINED_CHANGED);
}

static void explain_record(const struct cause *cause, struct telling *list) {
    const size_t n = list->n;
    if ((cause->why & REASON_FIELDS) && cause->before && cause->now)
        compare_reads(cause, list);
    if (!(cause->why & (REASON_RECORD | REASON_FIELDS)))
        return;
    if (cause->before && cause->now && cause->fields_before && cause->fields_now)
        compare_fields(cause, list);
    else
        name_fields(cause, list);
    if (list->n == n) // which field is not known
        add_plain(list, cause->why & REASON_FIELDS ? EXPLAINED_READS : EXPLAINED_RECORDS);
}

// ---------------------------------------------------------------------------------------------------------------

static int compare_kinds(const void *a, const void *b) {
    const struct explained *x = a, *y = b;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

// Stable, so that parts and fields keep their order.
static void sort(struct telling *list) {
    for (size_t i = 1; i < list->n; i++) {
        const struct explained item = list->items[i];
        size_t at = i;
        for (; at > 0 && compare_kinds(&list->items[at - 1], &item) > 0; at--)
            list->items[at] = list->items[at - 1];
        list->items[at] = item;
    }
}

size_t explanation_of(const struct cause *cause, struct arena *arena, struct explained **out) {
    struct telling list = {.arena = arena};
    const uint32_t why = cause->why;
    if (why & REASON_NEW)
        add_plain(&list, EXPLAINED_NEW);
    if (why & REASON_LOST)
        add_plain(&list, EXPLAINED_LOST);
    if (why & REASON_MISSING)
        add_plain(&list, EXPLAINED_MISSING);
    if (why & REASON_EDITED)
        add_plain(&list, EXPLAINED_EDITED);
    const size_t n = list.n;
    if ((why & REASON_RECIPE) && cause->before && cause->now)
        compare_parts(cause, &list);
    explain_record(cause, &list);
    if ((why & REASON_RECIPE) && list.n == n && !(why & REASON_LOST))
        add_plain(&list, EXPLAINED_RECIPE);
    if (why & REASON_FORCED)
        add_plain(&list, EXPLAINED_FORCED);
    sort(&list);
    *out = arena_alloc(arena, (list.n + 1) * sizeof **out);
    if (!*out)
        mem_fail(list.n * sizeof **out);
    if (list.n)
        memcpy(*out, list.items, list.n * sizeof **out);
    mem_free(list.items);
    return list.n;
}
