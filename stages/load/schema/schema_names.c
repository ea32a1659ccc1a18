// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_names.h"

#include "base/mem.h"
#include "stages/load/schema/inflection.h"

enum { CLASSES = UINT16_MAX }; // the mark of class names, beside those of snake and camel case

// The set -----------------------------------------------------------------------------------------------------------

struct str schema_names_keep(struct schema_names *names, struct str text) {
    struct str copy = arena_str(&names->arena, text);
    if (!copy.p)
        mem_fail(text.n);
    return copy;
}

// Where an entry is, or would be.
static size_t find_slot(const struct schema_names *names, struct str entry) {
    size_t at = str_hash(entry) & (names->taken_cap - 1);
    while (names->taken[at].p && !str_equal(names->taken[at], entry))
        at = (at + 1) & (names->taken_cap - 1);
    return at;
}

static void grow(struct schema_names *names) {
    struct str *old = names->taken;
    const size_t old_cap = names->taken_cap;
    names->taken_cap = old_cap ? old_cap * 2 : 1024;
    names->taken = MEM_NEW_ARRAY(struct str, names->taken_cap);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].p)
            names->taken[find_slot(names, old[i])] = old[i];
    mem_free(old);
}

static struct str entry_of(struct buf *buf, char mark, uint32_t table, struct str text) {
    buf_clear(buf);
    buf_printf(buf, "%c%u ", mark, table);
    buf_add_str(buf, text);
    return buf_str(buf);
}

static bool has(const struct schema_names *names, char mark, uint32_t table, struct str text) {
    struct buf entry = BUF_INIT;
    bool found = names->taken[find_slot(names, entry_of(&entry, mark, table, text))].p != NULL;
    buf_release(&entry);
    return found;
}

static void add(struct schema_names *names, char mark, uint32_t table, struct str text) {
    struct buf entry = BUF_INIT;
    if (names->taken_n * 2 >= names->taken_cap)
        grow(names);
    size_t slot = find_slot(names, entry_of(&entry, mark, table, text));
    if (!names->taken[slot].p) {
        names->taken[slot] = schema_names_keep(names, buf_str(&entry));
        names->taken_n++;
    }
    buf_release(&entry);
}

// Names of columns and relations ----------------------------------------------------------------------------------------

static struct schema_name named(struct schema_names *names, struct str snake) {
    struct buf camel = BUF_INIT;
    inflection_camel(snake, false, &camel);
    struct schema_name name = {schema_names_keep(names, snake), schema_names_keep(names, buf_str(&camel))};
    buf_release(&camel);
    return name;
}

bool schema_names_are_free(const struct schema_names *names, uint32_t table, struct str snake) {
    struct buf camel = BUF_INIT;
    inflection_camel(snake, false, &camel);
    bool free = !has(names, 's', table, snake) && !has(names, 'c', table, buf_str(&camel));
    buf_release(&camel);
    return free;
}

struct schema_name schema_names_take(struct schema_names *names, uint32_t table, struct str snake) {
    struct buf text = BUF_INIT;
    buf_add_str(&text, snake);
    for (unsigned k = 2; !schema_names_are_free(names, table, buf_str(&text)); k++) {
        buf_clear(&text);
        buf_add_str(&text, snake);
        buf_printf(&text, "_%u", k);
    }
    struct schema_name name = named(names, buf_str(&text));
    buf_release(&text);
    add(names, 's', table, name.snake);
    add(names, 'c', table, name.camel);
    return name;
}

// Names of tables -------------------------------------------------------------------------------------------------------

static void number(struct buf *text, struct str base, unsigned k) {
    buf_clear(text);
    buf_add_str(text, base);
    if (k > 1)
        buf_printf(text, "_%u", k);
}

// Files of classes are told apart also where their names' case does not tell.
static bool is_class(const struct schema_names *names, const struct buf *camel, struct buf *folded) {
    buf_clear(folded);
    for (size_t i = 0; i < camel->n; i++)
        buf_add_char(folded, camel->p[i] >= 'A' && camel->p[i] <= 'Z' ? (char)(camel->p[i] + 'a' - 'A')
                                                                      : camel->p[i]);
    return has(names, 'C', CLASSES, buf_str(folded));
}

static void name_table(struct schema_names *names, uint32_t t) {
    struct schema_table_names *table = &names->tables[t];
    struct buf snake = BUF_INIT, one = BUF_INIT, many = BUF_INIT, text = BUF_INIT, camel = BUF_INIT;
    struct buf folded = BUF_INIT;
    inflection_snake(names->schema->tables[t].name, &snake);
    inflection_singular(names->settings, buf_str(&snake), &one);
    inflection_plural(names->settings, buf_str(&one), &many);
    unsigned k = 0;
    do {
        number(&text, buf_str(&one), ++k);
        buf_clear(&camel);
        inflection_camel(buf_str(&text), true, &camel);
    } while (table->wanted && is_class(names, &camel, &folded));
    table->one = named(names, buf_str(&text));
    number(&text, buf_str(&many), k);
    table->many = named(names, buf_str(&text));
    if (table->wanted) {
        table->class_name = schema_names_keep(names, buf_str(&camel));
        add(names, 'C', CLASSES, buf_str(&folded));
    }
    buf_release(&snake);
    buf_release(&one);
    buf_release(&many);
    buf_release(&text);
    buf_release(&camel);
    buf_release(&folded);
}

static void name_columns(struct schema_names *names, uint32_t t) {
    const struct schema_table *table = &names->schema->tables[t];
    struct buf snake = BUF_INIT;
    names->tables[t].columns = MEM_NEW_ARRAY(struct schema_name, table->columns_n + 1);
    for (size_t i = 0; i < table->columns_n; i++) {
        buf_clear(&snake);
        inflection_snake(table->columns[i].name, &snake);
        names->tables[t].columns[i] = schema_names_take(names, t, buf_str(&snake));
    }
    buf_release(&snake);
}

void schema_names_init(struct schema_names *names, const struct schema *schema,
                       const struct schema_settings *settings) {
    *names = (struct schema_names){.schema = schema, .settings = settings};
    arena_init(&names->arena, 0);
    names->tables = MEM_NEW_ARRAY(struct schema_table_names, schema->tables_n + 1);
    grow(names);
    for (uint32_t t = 0; t < schema->tables_n; t++) {
        names->tables[t].wanted = schema_wants(settings, schema->tables[t].name);
        name_table(names, t);
        name_columns(names, t);
    }
}

void schema_names_release(struct schema_names *names) {
    for (size_t t = 0; t < names->schema->tables_n; t++)
        mem_free(names->tables[t].columns);
    mem_free(names->tables);
    mem_free(names->taken);
    arena_release(&names->arena);
}
