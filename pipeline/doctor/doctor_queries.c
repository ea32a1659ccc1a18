// SPDX-License-Identifier: MIT
// How long the queries of databases take, and what would make them faster.
#include "pipeline/doctor/doctor_queries.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/quantity.h"

enum { TEXT = 32, INDEXES_NAMED = 5 };

static const struct {
    const char *format; // of sources
    doctor_examine_queries *examine;
} examiners[] = {
    {"sqlite", doctor_examine_sqlite},
    {"postgresql", doctor_examine_postgresql},
};

struct query_look *doctor_add_query(struct doctor *doctor) {
    MEM_GROW(doctor->looks.queries, doctor->looks.queries_cap, doctor->looks.queries_n + 1);
    return &doctor->looks.queries[doctor->looks.queries_n++];
}

struct index_look *doctor_add_index(struct doctor *doctor) {
    MEM_GROW(doctor->looks.indexes, doctor->looks.indexes_cap, doctor->looks.indexes_n + 1);
    return &doctor->looks.indexes[doctor->looks.indexes_n++];
}

struct str doctor_keep(struct doctor *doctor, struct str text) {
    const struct str kept = arena_str(&doctor->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

// ---- words

static const char *write_time(uint64_t ns, char out[TEXT]) {
    struct buf text = BUF_INIT;
    quantity_seconds(&text, (double)ns / 1e9);
    snprintf(out, TEXT, "%s", buf_text(&text));
    buf_release(&text);
    return out;
}

static const char *write_rows(uint64_t rows, char out[TEXT]) {
    struct buf text = BUF_INIT;
    quantity_count(&text, rows);
    snprintf(out, TEXT, "%s row%s", buf_text(&text), rows == 1 ? "" : "s");
    buf_release(&text);
    return out;
}

static const char *write_size(uint64_t bytes, char out[TEXT]) {
    doctor_write_bytes(bytes, out, TEXT);
    return out;
}

// Only reading what is asked for takes so long: each row is read once, and most of them are wanted.
static bool is_as_long_as_its_rows(const struct query_look *look) {
    return !query_plan_toils(&look->plan) && look->rows >= look->scanned / 2;
}

static void say_plan(struct doctor *doctor, const struct query_plan *plan) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < plan->n; i++) {
        buf_clear(&text);
        plan_step_say(&plan->steps[i], &text);
        doctor_add_detail(doctor, plan->steps[i].depth, buf_str(&text));
    }
    buf_release(&text);
}

static void say_query(struct doctor *doctor, const struct query_look *look) {
    struct buf name = BUF_INIT;
    char rows[TEXT], took[TEXT];
    buf_add_str(&name, look->source);
    write_rows(look->rows, rows);
    write_time(look->took, took);
    if (look->fault.p)
        doctor_say(doctor, DOCTOR_SKIPPED, buf_text(&name), NULL, "it could not be timed: %.*s",
                   STR_ARG(look->fault));
    else if (look->stopped)
        doctor_say(doctor, DOCTOR_WARN, buf_text(&name), NULL, "slow: it was stopped after %s%s%s", took,
                   look->rows ? ", at " : "", look->rows ? rows : "");
    else if (look->slow && is_as_long_as_its_rows(look))
        doctor_say(doctor, DOCTOR_OK, buf_text(&name), NULL, "%s in %s: as long as so many take", rows, took);
    else
        doctor_say(doctor, look->slow ? DOCTOR_WARN : DOCTOR_OK, buf_text(&name), NULL, "%s%s in %s",
                   look->slow ? "slow: " : "", rows, took);
    if (doctor->findings[doctor->n - 1].state == DOCTOR_WARN || look->proposals_n)
        say_plan(doctor, &look->plan);
    buf_release(&name);
}

// What one index is to a query.
static void say_gain(struct doctor *doctor, const struct query_look *look,
                     const struct query_proposal *proposal) {
    struct buf text = BUF_INIT;
    char before[TEXT], after[TEXT];
    buf_printf(&text, "%.*s: ", STR_ARG(look->source));
    if (proposal->proved)
        buf_printf(&text, "on a copy %s%s became %s%s", proposal->before_stopped ? "more than " : "",
                   write_time(proposal->before, before), write_time(proposal->after, after),
                   proposal->together ? ", with the others for it" : "");
    else
        buf_printf(&text, "it would be used; how much that helps was not tried: %.*s",
                   STR_ARG(look->unproved));
    doctor_add_detail(doctor, 0, buf_str(&text));
    buf_release(&text);
}

static void say_index(struct doctor *doctor, const struct query_proposal *index,
                      const struct query_look *looks, size_t n) {
    struct buf sql = BUF_INIT, database = BUF_INIT;
    char size[TEXT];
    buf_printf(&sql, "%.*s;", STR_ARG(index->sql));
    buf_add_str(&database, looks->database);
    if (!index->what.p)
        doctor_say(doctor, DOCTOR_WARN, buf_text(&database), buf_text(&sql),
                   "nobody has analyzed it, so SQLite does not know which index is good");
    else if (index->proved)
        doctor_say(doctor, DOCTOR_WARN, buf_text(&database), buf_text(&sql),
                   "an index is missing on %.*s, of %s", STR_ARG(index->what),
                   write_size(index->bytes, size));
    else
        doctor_say(doctor, DOCTOR_WARN, buf_text(&database), buf_text(&sql),
                   "an index may be missing on %.*s", STR_ARG(index->what));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < looks[i].proposals_n; k++)
            if (str_equal(looks[i].proposals[k].sql, index->sql))
                say_gain(doctor, &looks[i], &looks[i].proposals[k]);
    buf_release(&sql);
    buf_release(&database);
}

static bool is_told(const struct query_look *looks, size_t i, size_t k) {
    for (size_t a = 0; a <= i; a++)
        for (size_t b = 0; b < (a == i ? k : looks[a].proposals_n); b++)
            if (str_equal(looks[a].proposals[b].sql, looks[i].proposals[k].sql))
                return true;
    return false;
}

// Each index once, with all queries it helps.
static void say_proposals(struct doctor *doctor, const struct query_look *looks, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < looks[i].proposals_n; k++)
            if (!is_told(looks, i, k))
                say_index(doctor, &looks[i].proposals[k], looks, n);
}

// Those of one database that no query here uses.
static void say_indexes(struct doctor *doctor, struct str database, const struct index_look *list, size_t n) {
    struct buf names = BUF_INIT, subject = BUF_INIT;
    char size[TEXT];
    size_t unused = 0;
    uint64_t bytes = 0;
    const bool counted = n && list[0].scans >= 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].used || list[i].unique || list[i].scans > 0)
            continue;
        if (unused++ < INDEXES_NAMED)
            buf_printf(&names, "%s%.*s", unused > 1 ? ", " : "", STR_ARG(list[i].index));
        bytes += list[i].bytes;
    }
    if (unused > INDEXES_NAMED)
        buf_printf(&names, " and %zu more", unused - INDEXES_NAMED);
    buf_add_str(&subject, database);
    if (unused)
        doctor_say(doctor, DOCTOR_OK, buf_text(&subject),
                   counted ? "drop what nobody needs, if the server has counted for long enough: writing "
                             "takes longer for each"
                           : "drop what nobody else uses either: writing takes longer for each",
                   "%s %s%s%s%s", counted ? "nobody has used" : "no query here uses", buf_text(&names),
                   bytes ? " (" : "", bytes ? write_size(bytes, size) : "", bytes ? ")" : "");
    buf_release(&names);
    buf_release(&subject);
}

// Now, or when what is proposed is done.
static bool uses(const struct query_look *look, struct str index) {
    bool used = query_plan_uses(&look->plan, index);
    for (size_t i = 0; i < look->proposals_n; i++)
        used = used || query_plan_uses(&look->proposals[i].plan, index);
    return used;
}

static void count_users(struct query_looks *looks, size_t queries, size_t indexes) {
    for (size_t i = indexes; i < looks->indexes_n; i++)
        for (size_t k = queries; k < looks->queries_n; k++)
            looks->indexes[i].used += uses(&looks->queries[k], looks->indexes[i].index);
}

// Of one database: its looks are the last ones.
static void say_all(struct doctor *doctor, size_t queries, size_t indexes) {
    const struct query_looks *looks = &doctor->looks;
    for (size_t i = queries; i < looks->queries_n; i++)
        say_query(doctor, &looks->queries[i]);
    say_proposals(doctor, &looks->queries[queries], looks->queries_n - queries);
    if (indexes < looks->indexes_n)
        say_indexes(doctor, looks->indexes[indexes].database, &looks->indexes[indexes],
                    looks->indexes_n - indexes);
}

// ---- the check

static const struct load_format *format_of(const struct manifest_source *source) {
    if (source->url.p)
        return load_format_named(STR("postgresql"));
    return source->format.p ? load_format_named(source->format) : load_format_for(source->path);
}

static const struct manifest_source *source_of(const struct doctor *doctor, size_t i,
                                               doctor_examine_queries **examine) {
    const struct manifest_source *source = &doctor->options->manifest->sources[i];
    if ((!source->path.p && !source->url.p) || !source->name.p || source->schema)
        return NULL; // the manifest has errors, or it asks for no rows
    const struct load_format *format = format_of(source);
    for (size_t k = 0; format && k < sizeof examiners / sizeof *examiners; k++)
        if (strcmp(format->name, examiners[k].format) == 0) {
            *examine = examiners[k].examine;
            return source;
        }
    return NULL;
}

static bool is_same_database(const struct manifest_source *a, const struct manifest_source *b) {
    return a->url.p || b->url.p ? a->url.p && b->url.p && str_equal(a->url, b->url)
                                : str_equal(a->path, b->path);
}

// All sources that read what the i-th does, if it is the first of them.
static void examine_database(struct doctor *doctor, size_t i, const struct manifest_source **same) {
    const struct manifest *manifest = doctor->options->manifest;
    const size_t queries = doctor->looks.queries_n, indexes = doctor->looks.indexes_n;
    doctor_examine_queries *examine = NULL, *other;
    const struct manifest_source *first = source_of(doctor, i, &examine);
    size_t n = 0;
    for (size_t k = 0; first && k < manifest->sources_n; k++) {
        const struct manifest_source *source = source_of(doctor, k, &other);
        if (!source || !is_same_database(source, first))
            continue;
        if (k < i)
            return;
        same[n++] = source;
    }
    if (!first)
        return;
    examine(doctor, same, n);
    count_users(&doctor->looks, queries, indexes);
    say_all(doctor, queries, indexes);
}

void doctor_check_queries(struct doctor *doctor) {
    const struct manifest *manifest = doctor->options->manifest;
    const size_t before = doctor->n, n = manifest ? manifest->sources_n : 0;
    const struct manifest_source **same = n ? MEM_NEW_ARRAY(const struct manifest_source *, n) : NULL;
    for (size_t i = 0; i < n; i++)
        examine_database(doctor, i, same);
    mem_free(same);
    if (doctor->n == before)
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL,
                   "no source has a table or a query, or none can be read");
}
