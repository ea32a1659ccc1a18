// SPDX-License-Identifier: MIT
#include "pipeline/plan/search_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "stages/load/load.h"
#include "stages/record/shape.h"
#include "stages/record/sqlite_names.h"

enum { TEMPLATES_MOST = 1000000, ROWS_TOLD = 5, COLUMNS_LISTED = 12, NUMBER_TEXT = 24, SHOWN = 60 };
static const size_t TEXT_MOST = (size_t)1 << 30;

struct reading {
    const struct fs *fs;
    const struct manifest_place *place;
    struct template_store *store;
    const struct source_text *text; // of the manifest; NULL: there is none
    struct diags *diags;
    uint64_t unfit; // rows
    size_t bytes;
    struct err *err;
};

// Of a row that becomes no template.
static void warn(struct reading *r, const char *sentence) {
    if (r->unfit++ < ROWS_TOLD)
        diags_warning(r->diags, r->text, r->place->span, "%.*s: %s", STR_ARG(r->place->shown), sentence);
}

static void warn_row(struct reading *r, uint64_t ordinal, const char *what) {
    char sentence[128];
    snprintf(sentence, sizeof sentence, "row %llu: %s", (unsigned long long)ordinal + 1, what);
    warn(r, sentence);
}

// Columns -----------------------------------------------------------------------------------------------------

static bool has_column(const struct map *row, struct str name) {
    return map_get(row, name).tag != VALUE_MISSING;
}

static enum status no_column(struct reading *r, const struct value *columns, uint32_t n, struct str name) {
    struct suggestion near = suggest_for(name);
    struct buf listed = BUF_INIT;
    for (uint32_t i = 0; i < n && i < COLUMNS_LISTED; i++) {
        struct str column = value_str(columns[i]);
        suggest_offer(&near, column);
        buf_printf(&listed, "%s%.*s", i ? ", " : "", STR_ARG(column));
    }
    err_set(r->err, STATUS_DATA, "%.*s: its templates have no column \"%.*s\"%s%.*s%s",
            STR_ARG(r->place->shown), STR_ARG(name), near.best.p ? ", did you mean \"" : "; there are ",
            STR_ARG(near.best.p ? near.best : buf_str(&listed)), near.best.p ? "\"?" : "");
    buf_release(&listed);
    return r->err->status;
}

static enum status check_columns(struct reading *r, const struct map *row) {
    const struct manifest_store *spec = &r->place->store;
    const struct str names[] = {spec->id, spec->text, spec->language_column};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].p && !has_column(row, names[i]))
            return no_column(r, row->shape->keys, row->shape->n, names[i]);
    return STATUS_OK;
}

// Rows --------------------------------------------------------------------------------------------------------

// Numbers may be ids, and as texts they are what templates name them by. {NULL, 0}: it is neither.
static struct str text_of(struct value value, char number[NUMBER_TEXT]) {
    if (value.tag == VALUE_STRING)
        return value_str(value);
    if (value.tag != VALUE_INT)
        return (struct str){NULL, 0};
    snprintf(number, NUMBER_TEXT, "%lld", (long long)value.i);
    return str_of(number);
}

static bool has_own_extension(struct str id) {
    for (size_t l = 0; languages[l]; l++)
        for (const char *const *e = languages[l]->extensions; *e; e++)
            if (str_ends(id, str_of(*e)))
                return true;
    return false;
}

// The language a row is in, NULL where its id tells; `fault` where what it says is none.
static const struct language *language_of(const struct reading *r, const struct map *row, struct str id,
                                          struct buf *fault) {
    const struct manifest_store *spec = &r->place->store;
    const struct value said = spec->language_column.p ? map_get(row, spec->language_column) : value_missing();
    if (said.tag == VALUE_STRING && said.n) {
        const struct language *language = language_named(value_str(said));
        if (language && language->doc)
            return language;
        struct suggestion near = suggest_for(value_str(said));
        for (size_t l = 0; languages[l]; l++)
            if (languages[l]->doc)
                suggest_offer(&near, str_of(languages[l]->name));
        buf_printf(fault, "there is no template language \"%.*s\"", (int)(said.n < SHOWN ? said.n : SHOWN),
                   said.s);
        if (near.best.p)
            buf_printf(fault, ", did you mean \"%.*s\"?", STR_ARG(near.best));
        return NULL;
    }
    return spec->language.p && !has_own_extension(id) ? language_named(spec->language) : NULL;
}

static enum status add_row(struct reading *r, const struct item *item) {
    const struct manifest_store *spec = &r->place->store;
    const struct map *row = item->record.map;
    char number[NUMBER_TEXT];
    const struct value text = map_get(row, spec->text);
    const struct str id = text_of(map_get(row, spec->id), number);
    if (!id.p) {
        warn_row(r, item->ordinal, "its id is no text and no whole number");
        return STATUS_OK;
    }
    struct buf fault = BUF_INIT;
    const struct language *language = language_of(r, row, id, &fault);
    if (text.tag != VALUE_STRING) {
        buf_clear(&fault);
        buf_printf(&fault, "it has no text: \"%.*s\" is %s", STR_ARG(spec->text),
                   text.tag == VALUE_NONE ? "null" : "a number");
    }
    const struct str content = text.tag == VALUE_STRING ? value_str(text) : STR("");
    const bool named = template_store_add(r->store, id, content, language,
                                          fault.n ? buf_str(&fault) : (struct str){NULL, 0});
    buf_release(&fault);
    if (!named)
        warn_row(r, item->ordinal, "its id cannot be a template's name");
    r->bytes += content.n;
    if (r->store->n > TEMPLATES_MOST || r->bytes > TEXT_MOST)
        return err_set(r->err, STATUS_LIMIT, "%.*s: more than %d templates, or 1 GiB of them",
                       STR_ARG(r->place->shown), TEMPLATES_MOST);
    return STATUS_OK;
}

static enum status add_rows(void *context, const struct batch *batch) {
    struct reading *r = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < batch->items_n; i++) {
        const struct item *item = &batch->items[i];
        if (item->error) {
            struct str message = item->error->message;
            char sentence[256];
            snprintf(sentence, sizeof sentence, "%.*s", STR_ARG(message));
            warn(r, sentence);
            continue;
        }
        if (r->store->n == 0)
            status = check_columns(r, item->record.map);
        if (status == STATUS_OK)
            status = add_row(r, item);
    }
    return status;
}

// Stores ------------------------------------------------------------------------------------------------------

typedef enum status (*rows_fn)(void *context, const struct batch *batch);

static enum status read_rows(struct reading *r, struct str query, rows_fn fn, void *context) {
    struct loader *loader = NULL;
    struct reader reader;
    struct shapes *shapes = shapes_new();
    struct batch *batch = batch_new();
    const struct load_options options = {.fs = r->fs,
                                         .path = r->place->path.p,
                                         .name = r->place->shown,
                                         .format = STR("sqlite"),
                                         .shapes = shapes,
                                         .query = query};
    enum status status = load_open(&options, &loader, r->err);
    reader_init(&reader, shapes, NULL);
    for (bool more = true; status == STATUS_OK && more; batch_clear(batch)) {
        status = load_pull(loader, batch, r->err);
        more = batch->items_n > 0;
        if (status != STATUS_OK)
            break;
        load_parse(loader, &reader, batch);
        status = fn(context, batch);
    }
    reader_release(&reader);
    batch_free(batch);
    if (loader)
        load_close(loader);
    shapes_free(shapes);
    return status;
}

// Names of tables or columns, one a row.
struct names {
    struct arena arena;
    struct value *list; // owned
    size_t n, cap;
};

static enum status add_names(void *context, const struct batch *batch) {
    struct names *names = context;
    for (size_t i = 0; i < batch->items_n; i++) {
        if (batch->items[i].error)
            continue;
        MEM_GROW(names->list, names->cap, names->n + 1);
        if (value_copy(&names->arena, batch->items[i].record.map->values[0], &names->list[names->n]))
            names->n++;
    }
    return STATUS_OK;
}

static enum status read_names(struct reading *r, struct str query, struct names *names) {
    *names = (struct names){.list = NULL};
    arena_init(&names->arena, 0);
    return read_rows(r, query, add_names, names);
}

static void release_names(struct names *names) {
    mem_free(names->list);
    arena_release(&names->arena);
}

// By the table's name, for a column in quotes that is not there would be a text.
static void add_column(struct buf *sql, const char *before, struct str table, struct str column) {
    buf_add_text(sql, before);
    sqlite_names_add(sql, table);
    buf_add_char(sql, '.');
    sqlite_names_add(sql, column);
}

static void write_query(const struct manifest_store *spec, struct str table, struct buf *sql) {
    add_column(sql, "SELECT ", table, spec->id);
    if (!sqlite_names_equal(spec->id, spec->text))
        add_column(sql, ", ", table, spec->text);
    if (spec->language_column.p && !sqlite_names_equal(spec->language_column, spec->id) &&
        !sqlite_names_equal(spec->language_column, spec->text))
        add_column(sql, ", ", table, spec->language_column);
    buf_add_text(sql, " FROM ");
    sqlite_names_add(sql, table);
}

// The query has failed: was it for a column? Else the error stays as it is.
static enum status explain(struct reading *r, struct str table) {
    const struct manifest_store *spec = &r->place->store;
    const struct str wanted[] = {spec->id, spec->text, spec->language_column};
    const struct err before = *r->err;
    struct buf sql = BUF_INIT;
    struct names columns;
    enum status status = before.status;
    buf_add_text(&sql, "SELECT name FROM pragma_table_xinfo(");
    sqlite_names_add(&sql, table); // which, being no column, is a text
    buf_add_char(&sql, ')');
    if (read_names(r, buf_str(&sql), &columns) != STATUS_OK || !columns.n)
        *r->err = before;
    for (size_t w = 0; columns.n && w < sizeof wanted / sizeof *wanted; w++) {
        size_t i = 0;
        while (i < columns.n && !sqlite_names_equal(value_str(columns.list[i]), wanted[w]))
            i++;
        if (wanted[w].p && i == columns.n) {
            status = no_column(r, columns.list, (uint32_t)columns.n, wanted[w]);
            break;
        }
        *r->err = before;
    }
    release_names(&columns);
    buf_release(&sql);
    return status;
}

static enum status read_table(struct reading *r, struct str table) {
    struct buf sql = BUF_INIT;
    write_query(&r->place->store, table, &sql);
    enum status status = read_rows(r, buf_str(&sql), add_rows, r);
    buf_release(&sql);
    return status == STATUS_DATA && r->store->n == 0 ? explain(r, table) : status;
}

static enum status read_only_table(struct reading *r) {
    struct names tables;
    enum status status = read_names(r,
                                    STR("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type "
                                        "IN ('table', 'view', 'virtual') "
                                        "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"),
                                    &tables);
    if (status == STATUS_OK && tables.n == 1) {
        status = read_table(r, value_str(tables.list[0]));
    } else if (status == STATUS_OK) {
        struct buf listed = BUF_INIT;
        for (size_t i = 0; i < tables.n && i < COLUMNS_LISTED; i++)
            buf_printf(&listed, "%s%.*s", i ? ", " : "; there are ", STR_ARG(value_str(tables.list[i])));
        status = err_set(r->err, STATUS_DATA, "%.*s: which table has the templates? Say `table`%.*s",
                         STR_ARG(r->place->shown), STR_ARG(buf_str(&listed)));
        buf_release(&listed);
    }
    release_names(&tables);
    return status;
}

enum status search_path_add_store(struct templates *templates, const struct fs *fs,
                                  const struct manifest_place *place, const struct source_text *text,
                                  struct diags *diags, struct err *err) {
    const struct manifest_store *spec = &place->store;
    struct reading r = {.fs = fs,
                        .place = place,
                        .store = template_store_new(place->shown),
                        .text = text,
                        .diags = diags,
                        .err = err};
    enum status status = spec->query.p   ? read_rows(&r, spec->query, add_rows, &r)
                         : spec->table.p ? read_table(&r, spec->table)
                                         : read_only_table(&r);
    if (r.unfit > ROWS_TOLD)
        diags_warning(diags, text, place->span, "%.*s: %llu more rows are no templates",
                      STR_ARG(place->shown), (unsigned long long)(r.unfit - ROWS_TOLD));
    if (status == STATUS_OK)
        templates_add_store(templates, r.store);
    else
        template_store_free(r.store);
    return status;
}

bool search_path_add(struct templates *templates, const struct fs *fs, const struct manifest *manifest,
                     struct diags *diags) {
    struct err err;
    const size_t errors = diags->errors;
    for (size_t i = 0; i < manifest->places_n; i++) {
        const struct manifest_place *place = &manifest->places[i];
        enum status status = place->is_store
                                 ? search_path_add_store(templates, fs, place, &manifest->text, diags, &err)
                                 : templates_add_path(templates, place->path, &err);
        if (status != STATUS_OK)
            diags_error(diags, &manifest->text, place->span, "%s", err.text);
    }
    return diags->errors == errors;
}

// What a command line names ------------------------------------------------------------------------------------

static bool is_database(const struct fs *fs, const char *path) {
    struct stat st;
    const struct load_format *format = load_format_for(str_of(path));
    if (!format || strcmp(format->name, "sqlite") != 0)
        return false;
    int fd = fs->open(fs->self, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return fd == -ENOENT; // which is then told of a database
    bool is_file = fs->stat(fs->self, fd, &st) == 0 && !S_ISDIR(st.st_mode);
    fs->close(fs->self, fd);
    return is_file;
}

static enum status set_key(struct manifest_store *store, struct str name, struct str value, struct err *err) {
    const struct {
        const char *name;
        struct str *value;
    } keys[] = {{"table", &store->table},
                {"id", &store->id},
                {"text", &store->text},
                {"language", &store->language},
                {"language_column", &store->language_column}};
    struct suggestion near = suggest_for(name);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        suggest_offer(&near, str_of(keys[i].name));
        if (str_is(name, keys[i].name)) {
            *keys[i].value = value;
            return STATUS_OK;
        }
    }
    return err_set(err, STATUS_DATA, "a store of templates has no key \"%.*s\"%s%.*s%s", STR_ARG(name),
                   near.best.p ? ", did you mean \""
                               : "; there are table, id, text, language, language_column",
                   STR_ARG(near.best), near.best.p ? "\"?" : "");
}

static enum status set_keys(struct manifest_store *store, const char *keys, struct err *err) {
    for (const char *at = keys; *at;) {
        const char *end = strchrnul(at, '&'), *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals || equals == at || equals + 1 == end)
            return err_set(err, STATUS_DATA, "expected KEY=VALUE behind the database, found \"%.*s\"",
                           (int)(end - at), at);
        if (set_key(store, (struct str){at, (size_t)(equals - at)},
                    (struct str){equals + 1, (size_t)(end - equals - 1)}, err) != STATUS_OK)
            return err->status;
        at = end + (*end == '&');
    }
    const struct language *language = store->language.p ? language_named(store->language) : languages[0];
    if (!language || !language->doc)
        return err_set(err, STATUS_DATA, "there is no template language \"%.*s\"", STR_ARG(store->language));
    return STATUS_OK;
}

enum status search_path_word(const struct fs *fs, struct arena *arena, const char *word,
                             struct manifest_place *place, struct err *err) {
    const char *keys = strrchr(word, '?');
    const size_t n = keys ? (size_t)(keys - word) : strlen(word);
    const char *path = arena_copy(arena, word, n);
    if (!path)
        mem_fail(n);
    *place = (struct manifest_place){.path = str_of(word), .shown = str_of(word)};
    if (!is_database(fs, path))
        return STATUS_OK;
    *place = (struct manifest_place){
        .path = {path, n}, .shown = {path, n}, .is_store = true, .store = MANIFEST_STORE};
    return set_keys(&place->store, keys ? keys + 1 : "", err);
}
