// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_relations.h"

#include "base/mem.h"
#include "stages/load/schema/inflection.h"
#include "stages/load/schema/schema_types.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

// Links -----------------------------------------------------------------------------------------------------------

static const struct schema_table *table_of(const struct schema_relations *r, uint32_t t) {
    return &r->names->schema->tables[t];
}

static const struct schema_foreign_key *key_of(const struct schema_relations *r,
                                               const struct schema_link *link) {
    return &table_of(r, link->holder)->foreign_keys[link->key];
}

// What in a column's name says only that it refers: user_id, id_user.
static struct str without_reference(struct str snake, bool *stripped) {
    static const char *const ends[] = {"_id", "_uuid", "_guid", "_fk", "_key", "_code", "_ref", "_no"};
    static const char *const starts[] = {"fk_", "id_", "ref_"};
    *stripped = true;
    for (size_t i = 0; i < COUNT(starts); i++)
        if (str_starts(snake, str_of(starts[i])) && snake.n > strlen(starts[i]) &&
            !(snake.p[strlen(starts[i])] >= '0' && snake.p[strlen(starts[i])] <= '9')) // id_2 is no "2"
            return str_from(snake, strlen(starts[i]));
    for (size_t i = 0; i < COUNT(ends); i++)
        if (str_ends(snake, str_of(ends[i])) && snake.n > strlen(ends[i]))
            return str_slice(snake, 0, snake.n - strlen(ends[i]));
    *stripped = false;
    return snake;
}

// The column that says which row: the only one, or the only one not called as it is in the other table. -1: none does.
static int64_t telling_column(const struct schema_relations *r, const struct schema_link *link) {
    const struct schema_foreign_key *key = key_of(r, link);
    const struct schema_table *holder = table_of(r, link->holder);
    int64_t found = -1;
    if (key->columns_n == 1)
        return key->columns[0];
    for (uint32_t i = 0; i < key->columns_n; i++) {
        if (str_equal(holder->columns[key->columns[i]].name, key->references[i]))
            continue;
        if (found >= 0)
            return -1;
        found = key->columns[i];
    }
    return found;
}

static struct str join(struct schema_relations *r, struct str first, const char *between, struct str second) {
    struct buf text = BUF_INIT;
    buf_add_str(&text, first);
    buf_add_text(&text, between);
    buf_add_str(&text, second);
    struct str kept = schema_names_keep(r->names, buf_str(&text));
    buf_release(&text);
    return kept;
}

// The first of two names that is free, or the second with a number.
static struct schema_name take(struct schema_relations *r, uint32_t table, struct str first,
                               struct str second) {
    bool plain = schema_names_are_free(r->names, table, first);
    return schema_names_take(r->names, table, plain ? first : second);
}

// The words that all columns of a key begin with: source_crs of source_crs_auth_name and source_crs_code. "": none.
static struct str common_words(const struct schema_relations *r, const struct schema_link *link) {
    const struct schema_foreign_key *key = key_of(r, link);
    const struct schema_name *columns = r->names->tables[link->holder].columns;
    const struct str first = columns[key->columns[0]].snake;
    size_t n = first.n;
    for (uint32_t i = 1; i < key->columns_n; i++) {
        const struct str other = columns[key->columns[i]].snake;
        size_t same = 0;
        while (same < n && same < other.n && first.p[same] == other.p[same])
            same++;
        while (same > 0 &&
               !(same < first.n && first.p[same] == '_' && same < other.n && other.p[same] == '_'))
            same--;
        n = same;
    }
    return str_slice(first, 0, n);
}

// Of a key of several columns, none of which says alone which row it is.
static void name_composite(struct schema_relations *r, struct schema_link *link) {
    const struct str target = r->names->tables[link->target].one.snake, words = common_words(r, link);
    const uint32_t first = key_of(r, link)->columns[0];
    bool stripped;
    struct str own = without_reference(r->names->tables[link->holder].columns[first].snake, &stripped);
    link->there = words.n ? take(r, link->holder, words, join(r, words, "_", target))
                          : take(r, link->holder, target, join(r, own, "_", target));
    link->role = words.n ? words : link->there.snake;
}

static void name_there(struct schema_relations *r, struct schema_link *link) {
    const struct str target = r->names->tables[link->target].one.snake;
    int64_t column = telling_column(r, link);
    if (column < 0) {
        name_composite(r, link);
        return;
    }
    bool stripped;
    struct str snake = r->names->tables[link->holder].columns[column].snake;
    struct str role = without_reference(snake, &stripped);
    bool bare = str_is(snake, "id") || str_is(snake, "uuid"); // the primary key itself refers
    link->role = bare ? target : role;
    struct str longer =
        str_ends(role, target) ? join(r, role, "_", STR("record")) : join(r, role, "_", target);
    if (bare)
        link->there = take(r, link->holder, target, longer);
    else
        link->there = take(r, link->holder, stripped ? role : longer, longer);
}

static void add_link(struct schema_relations *r, uint32_t holder, uint32_t k) {
    const struct schema_table *table = table_of(r, holder);
    const struct schema_foreign_key *key = &table->foreign_keys[k];
    const struct schema_table *target = schema_table_named(r->names->schema, key->table);
    const uint32_t t = target ? (uint32_t)(target - r->names->schema->tables) : 0;
    if (!target || !r->names->tables[t].wanted || key->columns_n == 0)
        return;
    MEM_GROW(r->links, r->links_cap, r->links_n + 1);
    struct schema_link *link = &r->links[r->links_n++];
    *link = (struct schema_link){.holder = holder, .target = t, .key = k};
    link->one = schema_is_unique(table, key->columns, key->columns_n);
    for (uint32_t i = 0; i < key->columns_n; i++)
        link->nullable = link->nullable || table->columns[key->columns[i]].nullable;
    name_there(r, link);
}

// How many links there are between the same two tables, and whether one of them is called as the target.
static bool is_plain(const struct schema_relations *r, const struct schema_link *link) {
    const struct schema_link *from = link, *end = r->links + r->links_n;
    const struct str target = r->names->tables[link->target].one.snake;
    size_t n = 0;
    while (from > r->links && from[-1].holder == link->holder)
        from--;
    for (; from < end && from->holder == link->holder; from++)
        n += from->target == link->target;
    return link->holder != link->target && (n == 1 || str_equal(link->there.snake, target));
}

static void name_back(struct schema_relations *r, struct schema_link *link) {
    const struct schema_table_names *holder = &r->names->tables[link->holder];
    const struct str name = link->one ? holder->one.snake : holder->many.snake;
    const struct str longer = join(r, name, "_as_", link->role);
    struct str first = is_plain(r, link) ? name : longer;
    if (!holder->wanted)
        return;
    if (link->holder == link->target && str_starts(link->role, STR("parent")))
        first = link->one ? STR("child") : STR("children");
    link->back = take(r, link->target, first, longer);
}

// Joining tables ---------------------------------------------------------------------------------------------------

static bool is_in(const struct schema_foreign_key *key, uint32_t column) {
    for (uint32_t i = 0; i < key->columns_n; i++)
        if (key->columns[i] == column)
            return true;
    return false;
}

// A key of the table is these two together, and neither alone.
static bool is_joined(const struct schema_foreign_key *a, const struct schema_foreign_key *b,
                      const uint32_t *columns, uint32_t n) {
    bool a_alone = true, b_alone = true;
    for (uint32_t i = 0; i < n; i++) {
        bool in_a = is_in(a, columns[i]), in_b = is_in(b, columns[i]);
        if (!in_a && !in_b)
            return false;
        a_alone = a_alone && in_a;
        b_alone = b_alone && in_b;
    }
    for (uint32_t i = 0; i < a->columns_n + b->columns_n; i++) { // and nothing besides
        uint32_t column = i < a->columns_n ? a->columns[i] : b->columns[i - a->columns_n], k = 0;
        while (k < n && columns[k] != column)
            k++;
        if (k == n)
            return false;
    }
    return n > 0 && !a_alone && !b_alone;
}

static bool have_key(const struct schema_table *table, const struct schema_foreign_key *a,
                     const struct schema_foreign_key *b) {
    if (is_joined(a, b, table->primary_key, table->primary_key_n))
        return true;
    for (size_t i = 0; i < table->indexes_n; i++) {
        const struct schema_index *index = &table->indexes[i];
        if (index->unique && !index->partial && is_joined(a, b, index->columns, index->columns_n))
            return true;
    }
    return false;
}

// Of a column in neither key: it says nothing about what is joined.
static bool is_idle(const struct schema_table *table, uint32_t column) {
    const struct schema_column *c = &table->columns[column];
    enum schema_base base = schema_type_of(c->type, false).base;
    bool sole_key = table->primary_key_n == 1 && table->primary_key[0] == column;
    return sole_key || base == SCHEMA_DATETIME || base == SCHEMA_DATE || str_ends(c->name, STR("_at")) ||
           str_is(c->name, "last_update");
}

static bool is_only_joining(const struct schema_table *table, const struct schema_foreign_key *a,
                            const struct schema_foreign_key *b) {
    for (uint32_t i = 0; i < table->columns_n; i++)
        if (!is_in(a, i) && !is_in(b, i) && !is_idle(table, i))
            return false;
    return true;
}

static void add_many(struct schema_relations *r, size_t near, size_t far, size_t inverse) {
    const struct schema_link *to = &r->links[far];
    const uint32_t table = r->links[near].target;
    struct buf role = BUF_INIT;
    struct str first = r->names->tables[to->target].many.snake;
    struct str longer = join(r, first, "_through_", r->names->tables[to->holder].one.snake);
    if (table == to->target) {
        inflection_plural(r->names->settings, to->role, &role);
        first = schema_names_keep(r->names, buf_str(&role));
    }
    buf_release(&role);
    MEM_GROW(r->many, r->many_cap, r->many_n + 1);
    r->many[r->many_n++] = (struct schema_many){.table = table,
                                                .other = to->target,
                                                .near = near,
                                                .far = far,
                                                .inverse = inverse,
                                                .name = take(r, table, first, longer)};
}

// The links a and b make the table a joining one by a key, or by its having nothing else.
static bool joins(const struct schema_relations *r, size_t a, size_t b, bool sole) {
    const struct schema_link *near = &r->links[a], *far = &r->links[b];
    const struct schema_table *table = table_of(r, near->holder);
    if (near->target == near->holder || far->target == near->holder)
        return false;
    return have_key(table, key_of(r, near), key_of(r, far)) ||
           (sole && !near->one && !far->one && is_only_joining(table, key_of(r, near), key_of(r, far)));
}

// The links from..to are all that the table has. `referred`: it is more than a join to others.
static void find_join(struct schema_relations *r, size_t from, size_t to, bool referred) {
    const uint32_t t = r->links[from].holder;
    for (size_t a = from; a < to; a++) {
        for (size_t b = a + 1; b < to; b++) {
            if (!joins(r, a, b, to - from == 2 && !referred))
                continue;
            r->joins[t] = is_only_joining(table_of(r, t), key_of(r, &r->links[a]), key_of(r, &r->links[b]));
            add_many(r, a, b, r->many_n + 1);
            add_many(r, b, a, r->many_n - 1);
            return;
        }
    }
}

static void find_joins(struct schema_relations *r) {
    bool *referred = MEM_NEW_ARRAY(bool, r->names->schema->tables_n + 1);
    for (size_t i = 0; i < r->links_n; i++)
        referred[r->links[i].target] = true;
    for (size_t from = 0, to; from < r->links_n; from = to) {
        for (to = from + 1; to < r->links_n && r->links[to].holder == r->links[from].holder;)
            to++;
        if (to - from >= 2)
            find_join(r, from, to, referred[r->links[from].holder]);
    }
    mem_free(referred);
}

void schema_relations_init(struct schema_relations *r, struct schema_names *names) {
    *r = (struct schema_relations){.names = names};
    r->joins = MEM_NEW_ARRAY(bool, names->schema->tables_n + 1);
    for (uint32_t t = 0; t < names->schema->tables_n; t++)
        for (uint32_t k = 0; k < names->schema->tables[t].foreign_keys_n; k++)
            add_link(r, t, k);
    schema_relations_find_polymorphic(r);
    for (size_t i = 0; i < r->links_n; i++)
        name_back(r, &r->links[i]);
    schema_relations_name_held(r);
    find_joins(r);
}

void schema_relations_release(struct schema_relations *r) {
    for (size_t i = 0; i < r->polymorphic_n; i++) {
        for (size_t k = 0; k < r->polymorphic[i].targets_n; k++)
            mem_free(r->polymorphic[i].targets[k].values);
        mem_free(r->polymorphic[i].targets);
        mem_free(r->polymorphic[i].unknown);
    }
    mem_free(r->links);
    mem_free(r->many);
    mem_free(r->polymorphic);
    mem_free(r->joins);
}
