// SPDX-License-Identifier: MIT
#include "pipeline/doctor/query_plan.h"

#include "base/mem.h"

enum { STEPS_MOST = 400 }; // of one plan; a query of so many is not looked at further

const char *plan_kind_name(enum plan_kind kind) {
    static const char *const names[] = {
        [PLAN_SCAN] = "full scan",
        [PLAN_SCAN_INDEX] = "full scan by index",
        [PLAN_SCAN_COVERED] = "full scan of index",
        [PLAN_SCAN_MADE] = "scan of subquery",
        [PLAN_SEARCH] = "search by index",
        [PLAN_SEARCH_KEY] = "search by key",
        [PLAN_SKIP] = "skip scan",
        [PLAN_AUTOMATIC] = "automatic index",
        [PLAN_SORT] = "temporary b-tree",
        [PLAN_SORTED] = "sort",
        [PLAN_CORRELATED] = "correlated subquery",
        [PLAN_SUBQUERY] = "subquery",
        [PLAN_MADE] = "made first",
        [PLAN_OTHER] = "other",
    };
    return names[kind];
}

// ---- SQLite's words

// The text behind `words`, or none.
static struct str behind(struct str text, const char *words) {
    const struct str start = str_of(words);
    return str_starts(text, start) ? str_slice(text, start.n, text.n) : (struct str){NULL, 0};
}

// The last place of `words`, so that a table's name may have them; SIZE_MAX: none.
static size_t find_last(struct str text, const char *words) {
    const size_t n = strlen(words);
    for (size_t at = text.n; at-- > 0;)
        if (text.n - at >= n && memcmp(text.p + at, words, n) == 0)
            return at;
    return SIZE_MAX;
}

static void take_terms(struct plan_step *step, struct str *text) {
    const size_t open = find_last(*text, " (");
    if (open == SIZE_MAX || text->p[text->n - 1] != ')')
        return;
    step->terms = str_slice(*text, open + 2, text->n - 1);
    *text = str_slice(*text, 0, open);
}

// "INDEX i", "COVERING INDEX i", "INTEGER PRIMARY KEY", "AUTOMATIC COVERING INDEX"
static void take_way(struct plan_step *step, struct str way, bool search) {
    struct str name;
    if (behind(way, "AUTOMATIC ").p) {
        step->kind = PLAN_AUTOMATIC;
    } else if ((name = behind(way, "COVERING INDEX ")).p) {
        step->kind = search ? PLAN_SEARCH : PLAN_SCAN_COVERED;
        step->index = name;
    } else if ((name = behind(way, "INDEX ")).p) {
        step->kind = search ? PLAN_SEARCH : PLAN_SCAN_INDEX;
        step->index = name;
    } else {
        step->kind = search ? PLAN_SEARCH_KEY : PLAN_SCAN;
    }
}

// "ANY(day) AND customer=?"
static void take_skip(struct plan_step *step) {
    const size_t end = find_last(step->terms, "ANY(");
    const struct str rest = str_from(step->terms, end);
    const size_t and = find_last(rest, " AND ");
    step->kind = PLAN_SKIP;
    step->terms = and == SIZE_MAX ? rest : str_from(rest, and+5);
}

// "orders USING INDEX by_day (day>?) LEFT-JOIN"
static void take_loop(struct plan_step *step, struct str text, bool search) {
    const struct str left = STR(" LEFT-JOIN");
    if (str_ends(text, left))
        text = str_slice(text, 0, text.n - left.n);
    if (str_is(text, "CONSTANT ROW") || str_ends(text, STR(" CONSTANT ROWS")) ||
        str_ends(text, STR("-ROW VALUES CLAUSE")) || find_last(text, " VIRTUAL TABLE INDEX ") != SIZE_MAX)
        return;
    const size_t way = find_last(text, " USING ");
    struct str table = text;
    step->kind = text.n && text.p[0] == '(' ? PLAN_SCAN_MADE : PLAN_SCAN; // so it searches for a max()
    if (way != SIZE_MAX) {
        struct str how = str_slice(text, way + 7, text.n);
        table = str_slice(text, 0, way);
        take_terms(step, &how);
        take_way(step, how, search);
        if (step->kind == PLAN_SEARCH && behind(step->terms, "ANY(").p)
            take_skip(step);
    }
    step->table = table;
}

static void take_words(struct plan_step *step) {
    const struct str text = step->text;
    struct str rest;
    size_t at;
    step->kind = PLAN_OTHER;
    if ((rest = behind(text, "SCAN ")).p)
        take_loop(step, rest, false);
    else if ((rest = behind(text, "SEARCH ")).p)
        take_loop(step, rest, true);
    else if ((rest = behind(text, "USE TEMP B-TREE FOR ")).p) {
        step->kind = PLAN_SORT;
        step->terms = rest;
    } else if ((at = find_last(text, " USING TEMP B-TREE")) != SIZE_MAX) {
        step->kind = PLAN_SORT;
        step->terms = str_slice(text, 0, at);
    } else if (behind(text, "CORRELATED ").p) {
        step->kind = PLAN_CORRELATED;
    } else if (behind(text, "SCALAR SUBQUERY").p || behind(text, "LIST SUBQUERY").p) {
        step->kind = PLAN_SUBQUERY;
    } else if ((rest = behind(text, "MATERIALIZE ")).p || (rest = behind(text, "CO-ROUTINE ")).p) {
        step->kind = PLAN_MADE;
        step->table = rest;
    }
}

// ---- loops within loops

static bool is_loop(const struct plan_step *step) {
    return step->kind <= PLAN_AUTOMATIC;
}

// A subquery's or view's rows that are gone through look like a table's.
static bool is_made(const struct plan_step *steps, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (steps[i].kind == PLAN_MADE && str_equal(steps[i].table, name))
            return true;
    return false;
}

static size_t parent_of(const int *parents, const int *ids, size_t i) {
    for (size_t k = i; k-- > 0;)
        if (ids[k] == parents[i])
            return k;
    return SIZE_MAX;
}

// The loop that a subquery is run for: the innermost beside it.
static struct str loop_beside(const struct plan_step *steps, const int *parents, size_t n, size_t i) {
    for (size_t k = n; k-- > 0;)
        if (parents[k] == parents[i] && is_loop(&steps[k]))
            return steps[k].table;
    return (struct str){NULL, 0};
}

// Steps come parents first: a loop is within the loop before it of the same parent, or in what its parent is in.
static void place(struct plan_step *steps, const int *parents, const int *ids, size_t n, size_t i) {
    struct plan_step *step = &steps[i];
    const size_t parent = parent_of(parents, ids, i);
    if (parent != SIZE_MAX) {
        step->depth = steps[parent].depth + 1;
        step->again = steps[parent].again;
        step->outer = steps[parent].outer;
    }
    if (step->kind == PLAN_CORRELATED) {
        step->again = true;
        step->outer = loop_beside(steps, parents, n, i);
    }
    for (size_t k = i; k-- > 0 && is_loop(step);)
        if (parents[k] == parents[i] && is_loop(&steps[k])) {
            step->again = true;
            step->outer = steps[k].table;
            return;
        }
}

static void relate(struct plan_step *steps, const int *parents, const int *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (steps[i].kind == PLAN_SCAN && is_made(steps, n, steps[i].table))
            steps[i].kind = PLAN_SCAN_MADE;
    for (size_t i = 0; i < n; i++)
        place(steps, parents, ids, n, i);
}

struct reading {
    struct plan_step steps[STEPS_MOST];
    int ids[STEPS_MOST], parents[STEPS_MOST];
    size_t n;
};

static int read_steps(sqlite3_stmt *stmt, struct arena *arena, struct reading *reading) {
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && reading->n < STEPS_MOST) {
        const char *text = (const char *)sqlite3_column_text(stmt, 3);
        struct plan_step *step = &reading->steps[reading->n];
        reading->ids[reading->n] = sqlite3_column_int(stmt, 0);
        reading->parents[reading->n++] = sqlite3_column_int(stmt, 1);
        *step = (struct plan_step){.text = arena_str(arena, str_of(text ? text : ""))};
        if (!step->text.p)
            return SQLITE_NOMEM;
        take_words(step);
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int query_plan_read(sqlite3 *db, const char *sql, struct arena *arena, struct query_plan *plan) {
    struct buf text = BUF_INIT;
    sqlite3_stmt *stmt = NULL;
    struct reading *reading = MEM_NEW(struct reading);
    *plan = (struct query_plan){NULL, 0};
    buf_printf(&text, "EXPLAIN QUERY PLAN %s", sql);
    int code = sqlite3_prepare_v2(db, buf_text(&text), -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = read_steps(stmt, arena, reading);
    sqlite3_finalize(stmt);
    relate(reading->steps, reading->parents, reading->ids, reading->n);
    struct plan_step *steps =
        reading->n ? arena_alloc(arena, reading->n * sizeof *steps) : (struct plan_step *)NULL;
    if (code == SQLITE_OK && reading->n && !steps)
        code = SQLITE_NOMEM;
    if (code == SQLITE_OK && steps) {
        memcpy(steps, reading->steps, reading->n * sizeof *steps);
        *plan = (struct query_plan){steps, reading->n};
    }
    mem_free(reading);
    buf_release(&text);
    return code;
}

// ---- plain words

static void say_loop(const struct plan_step *step, struct buf *out) {
    const struct str terms = step->terms;
    switch (step->kind) {
    case PLAN_SCAN:
        buf_printf(out, "reads all of %.*s", STR_ARG(step->table));
        break;
    case PLAN_SCAN_INDEX:
        buf_printf(out, "reads all of %.*s in the order of index %.*s", STR_ARG(step->table),
                   STR_ARG(step->index));
        break;
    case PLAN_SCAN_COVERED:
        buf_printf(out, "reads all of index %.*s, and nothing of %.*s", STR_ARG(step->index),
                   STR_ARG(step->table));
        break;
    case PLAN_SCAN_MADE:
        buf_printf(out, "reads all of what %.*s gave", STR_ARG(step->table));
        break;
    case PLAN_SEARCH:
        buf_printf(out, "finds rows of %.*s by index %.*s (%.*s)", STR_ARG(step->table), STR_ARG(step->index),
                   STR_ARG(terms));
        break;
    case PLAN_SKIP:
        buf_printf(
            out,
            "looks for (%.*s) into every part of index %.*s, which begins with another column (skip scan)",
            STR_ARG(terms), STR_ARG(step->index));
        break;
    case PLAN_AUTOMATIC:
        buf_printf(out, "makes an index of %.*s (%.*s), uses it for this one query and throws it away",
                   STR_ARG(step->table), STR_ARG(terms));
        return;
    default:
        buf_printf(out, "finds rows of %.*s by key (%.*s)", STR_ARG(step->table), STR_ARG(terms));
        break;
    }
    if (step->again && step->outer.p)
        buf_printf(out, "%s for every row of %.*s", step->kind < PLAN_SEARCH ? " again" : "",
                   STR_ARG(step->outer));
}

static void say_sort(const struct plan_step *step, struct buf *out) {
    if (str_is(step->terms, "ORDER BY"))
        buf_add_text(out, "sorts all rows before the first can be had (temporary b-tree)");
    else if (str_is(step->terms, "GROUP BY"))
        buf_add_text(out, "sorts all rows to group them (temporary b-tree)");
    else if (str_ends(step->terms, STR("ORDER BY")))
        buf_add_text(out,
                     "sorts by its last terms what comes in the order of the first ones (temporary b-tree)");
    else
        buf_printf(out, "remembers all values of %.*s, to tell which it has seen (temporary b-tree)",
                   STR_ARG(step->terms));
}

void plan_step_say(const struct plan_step *step, struct buf *out) {
    if (is_loop(step))
        say_loop(step, out);
    else if (step->kind == PLAN_SORT)
        say_sort(step, out);
    else if (step->kind == PLAN_SORTED)
        buf_printf(out, "sorts all rows before the first can be had (%.*s)", STR_ARG(step->terms));
    else if (step->kind == PLAN_CORRELATED)
        buf_printf(out, "runs a subquery again for every row of %.*s (correlated)",
                   STR_ARG(step->outer.p ? step->outer : STR("the query around it")));
    else if (step->kind == PLAN_SUBQUERY)
        buf_add_text(out, "runs a subquery once");
    else if (step->kind == PLAN_MADE)
        buf_printf(out, "makes the rows of %.*s", STR_ARG(step->table));
    else if (str_is(step->text, "MULTI-INDEX OR"))
        buf_add_text(out, "looks once for each side of an OR, and puts together what it finds");
    else
        buf_add_str(out, step->text);
}

bool plan_step_costs(const struct plan_step *step) {
    switch (step->kind) {
    case PLAN_SCAN:
    case PLAN_SCAN_INDEX:
    case PLAN_SCAN_COVERED:
    case PLAN_SKIP:
    case PLAN_AUTOMATIC:
    case PLAN_SORT:
    case PLAN_SORTED:
    case PLAN_CORRELATED:
        return true;
    default:
        return false;
    }
}

bool query_plan_costs(const struct query_plan *plan) {
    for (size_t i = 0; i < plan->n; i++)
        if (plan_step_costs(&plan->steps[i]))
            return true;
    return false;
}

bool query_plan_toils(const struct query_plan *plan) {
    for (size_t i = 0; i < plan->n; i++)
        if (plan_step_costs(&plan->steps[i]) &&
            (plan->steps[i].again || plan->steps[i].kind > PLAN_SCAN_COVERED))
            return true;
    return false;
}

bool query_plan_uses(const struct query_plan *plan, struct str index) {
    for (size_t i = 0; i < plan->n; i++)
        if (plan->steps[i].index.p && str_equal(plan->steps[i].index, index))
            return true;
    return false;
}

bool query_plans_equal(const struct query_plan *a, const struct query_plan *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_equal(a->steps[i].text, b->steps[i].text))
            return false;
    return true;
}
