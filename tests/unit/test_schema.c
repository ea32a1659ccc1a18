// SPDX-License-Identifier: MIT
// Schemas as records: what may be wrong with a database or with what is kept, and that every foreign key becomes one pair.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stages/load/load.h"
#include "stages/load/schema/schema_bytes.h"
#include "stages/load/sqlite/sqlite_checks.h"
#include "stages/load/sqlite/sqlite_schema.h"
#include "tests/support/scene.h"

struct asked {
    struct scene scene;
    char path[300];
    struct load_options options;
    struct schema_settings settings;
    struct shapes *shapes;
    struct reader reader;
    struct buf text; // what came of it: records in short
    struct err err;
    // a shelf that holds one value of each kind
    struct load_shelf shelf;
    struct {
        struct digest key;
        struct buf bytes;
        unsigned hits, misses, puts;
    } kept[3];
    int64_t wall;
};

static struct str shelf_get(void *self, enum load_kept kind, struct digest key, void **handle) {
    struct asked *a = self;
    bool hit = a->kept[kind].bytes.n && digest_equal(a->kept[kind].key, key);
    *handle = NULL;
    a->kept[kind].hits += hit;
    a->kept[kind].misses += !hit;
    return hit ? buf_str(&a->kept[kind].bytes) : (struct str){NULL, 0};
}

static void shelf_drop(void *self, void *handle) {
    (void)self;
    assert_null(handle);
}

static void shelf_put(void *self, enum load_kept kind, struct digest key, struct str bytes) {
    struct asked *a = self;
    a->kept[kind].key = key;
    a->kept[kind].puts++;
    buf_clear(&a->kept[kind].bytes);
    buf_add_str(&a->kept[kind].bytes, bytes);
}

static int64_t shelf_wall(void *self) {
    return ((struct asked *)self)->wall;
}

static int setup(void **state) {
    struct asked *a = MEM_NEW(struct asked);
    scene_open(&a->scene);
    snprintf(a->path, sizeof a->path, "%s/t.db", a->scene.path);
    a->shapes = shapes_new();
    reader_init(&a->reader, a->shapes, NULL);
    a->wall = INT64_MAX;
    a->shelf = (struct load_shelf){a, shelf_get, shelf_drop, shelf_put, shelf_wall};
    a->options = (struct load_options){.fs = &a->scene.fs,
                                       .path = a->path,
                                       .name = STR("t.db"),
                                       .shapes = a->shapes,
                                       .schema = &a->settings};
    *state = a;
    return 0;
}

static int teardown(void **state) {
    struct asked *a = *state;
    for (int i = 0; i < 3; i++)
        buf_release(&a->kept[i].bytes);
    buf_release(&a->text);
    reader_release(&a->reader);
    shapes_free(a->shapes);
    scene_close(&a->scene);
    mem_free(a);
    return 0;
}

static void make(const struct asked *a, const char *sql) {
    sqlite3 *db;
    char *said = NULL;
    assert_int_equal(sqlite3_open(a->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s", said);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

// Records in short ---------------------------------------------------------------------------------------------------

static struct value field(struct value map, const char *name) {
    assert_int_equal(map.tag, VALUE_MAP);
    struct value v = map_get(map.map, str_of(name));
    if (v.tag == VALUE_MISSING)
        fail_msg("no field %s", name);
    return v;
}

static void add(struct asked *a, struct value v) {
    if (v.tag == VALUE_STRING)
        buf_add_str(&a->text, value_str(v));
    else if (v.tag == VALUE_NONE)
        buf_add_text(&a->text, "-");
    else
        fail_msg("neither text nor none");
}

static void add_list(struct asked *a, struct value v) {
    assert_int_equal(v.tag, VALUE_LIST);
    for (uint32_t i = 0; i < v.list->n; i++) {
        buf_add_text(&a->text, i ? "," : "");
        add(a, v.list->items[i]);
    }
}

// "  > author: Post(posts) author_id=id ~inverse"
static void add_relations(struct asked *a, struct value record, const char *list, const char *mark) {
    struct value v = field(record, list);
    assert_int_equal(v.tag, VALUE_LIST);
    for (uint32_t i = 0; i < v.list->n; i++) {
        struct value r = v.list->items[i];
        buf_printf(&a->text, "  %s ", mark);
        add(a, field(r, "name"));
        buf_add_text(&a->text, ": ");
        add(a, field(r, "class_name"));
        buf_add_text(&a->text, " ");
        add_list(a, field(r, "columns"));
        buf_add_text(&a->text, "=");
        add_list(a, field(r, "references"));
        buf_add_text(&a->text, " ~");
        add(a, field(r, "inverse"));
        buf_add_text(&a->text, "\n");
    }
}

static void add_polymorphic(struct asked *a, struct value record) {
    struct value pairs = field(record, "polymorphic"), held = field(record, "held_as");
    for (uint32_t i = 0; i < pairs.list->n; i++) {
        struct value pair = pairs.list->items[i], targets = field(pair, "targets");
        buf_add_text(&a->text, "  ? ");
        add(a, field(pair, "name"));
        for (uint32_t k = 0; k < targets.list->n; k++) {
            buf_add_text(&a->text, k ? ", " : ": ");
            add(a, field(targets.list->items[k], "class_name"));
            buf_add_text(&a->text, "=");
            add_list(a, field(targets.list->items[k], "values"));
            buf_add_text(&a->text, " ~");
            add(a, field(targets.list->items[k], "inverse"));
        }
        buf_add_text(&a->text, " !");
        add_list(a, field(pair, "unknown"));
        buf_add_text(&a->text, "\n");
    }
    for (uint32_t i = 0; i < held.list->n; i++) {
        buf_add_text(&a->text, "  @ ");
        add(a, field(held.list->items[i], "name"));
        buf_add_text(&a->text, ": ");
        add(a, field(held.list->items[i], "class_name"));
        buf_add_text(&a->text, " as ");
        add(a, field(held.list->items[i], "inverse"));
        buf_add_text(&a->text, "\n");
    }
}

static void add_record(struct asked *a, struct value record) {
    add(a, field(record, "class_name"));
    buf_add_text(&a->text, field(record, "join").i ? " (joins)\n" : "\n");
    if (field(record, "fault").tag == VALUE_STRING)
        buf_add_text(&a->text, "  fault\n");
    add_relations(a, record, "belongs_to", ">");
    add_relations(a, record, "has_many", "<");
    add_relations(a, record, "has_one", "1");
    add_relations(a, record, "many_to_many", "x");
    add_polymorphic(a, record);
}

// All records, one by one: whatever the loader holds must last.
static enum status ask(struct asked *a, void (*each)(struct asked *a, struct value record)) {
    struct loader *loader;
    buf_clear(&a->text);
    a->options.batch_records = 2;
    if (load_open(&a->options, &loader, &a->err) != STATUS_OK)
        return a->err.status;
    struct batch *batch = batch_new();
    enum status status;
    while ((status = load_pull(loader, batch, &a->err)) == STATUS_OK && batch->items_n > 0) {
        load_parse(loader, &a->reader, batch);
        for (size_t i = 0; i < batch->items_n; i++) {
            if (batch->items[i].error)
                fail_msg("%.*s", STR_ARG(batch->items[i].error->message));
            each(a, batch->items[i].record);
        }
        batch_clear(batch);
    }
    batch_free(batch);
    load_close(loader);
    return status;
}

static void expect(struct asked *a, const char *text) {
    assert_int_equal(ask(a, add_record), STATUS_OK);
    assert_string_equal(buf_text(&a->text), text);
}

static void expect_error(struct asked *a, enum status status, const char *part) {
    assert_int_equal(ask(a, add_record), status);
    if (!strstr(a->err.text, part))
        fail_msg("%s", a->err.text);
}

// Faults ---------------------------------------------------------------------------------------------------------------

static void test_not_a_database(void **state) {
    struct asked *a = *state;
    expect_error(a, STATUS_IO, "cannot open t.db");
    put_text(&a->scene, "t.db", "this is no database, but it is long enough to be one for a moment\n");
    expect_error(a, STATUS_DATA, "t.db is not a SQLite database");
}

static void test_empty_database(void **state) {
    struct asked *a = *state;
    make(a, "create table t(a); drop table t");
    expect(a, "");
}

static void test_rows_too(void **state) {
    struct asked *a = *state;
    make(a, "create table t(a)");
    a->options.table = STR("t");
    expect_error(a, STATUS_DATA, "either a schema, or a query or a table");
}

static void test_broken_view(void **state) {
    struct asked *a = *state;
    make(a,
         "create table t(id integer primary key, u int references u); create table u(id integer primary key);"
         "create view v as select u.id from t join u on t.u = u.id; create view w as select 1 as one; drop "
         "table u");
    expect(a, "T\nV\n  fault\nW\n");
}

static void test_bad_name(void **state) {
    struct asked *a = *state;
    make(a, "create table \"a\xff\"(id int)");
    expect_error(a, STATUS_DATA, "a name that is not valid UTF-8");
    make(a, "drop table \"a\xff\"; create table a(\"\xff\" int)");
    expect_error(a, STATUS_DATA, "a name that is not valid UTF-8");
}

// Foreign keys to what is not there, or is not wanted, are none.
static void test_dangling(void **state) {
    struct asked *a = *state;
    make(a, "create table a(id integer primary key, b int references gone, c int references other(id));"
            "create table other(id integer primary key)");
    const struct str except[] = {STR("oth?r")};
    a->settings.except = except;
    a->settings.except_n = 1;
    expect(a, "A\n");
    a->settings.except_n = 0;
    expect(a, "A\n  > c_other: Other c=id ~as\nOther\n  < as: A c=id ~c_other\n");
}

// A declaration that names a column which is not there, or leaves out what it refers to.
static void test_mismatched(void **state) {
    struct asked *a = *state;
    make(a, "create table a(id integer primary key, b_id int references b(nope), c_id int, d_id int, e text,"
            " foreign key(c_id, d_id) references b); create table b(x int primary key)");
    expect(a, "A\n  > b: B b_id=nope ~as\n  > c_b: B c_id,d_id= ~as_as_c_b\n"
              "B\n  < as: A b_id=nope ~b\n  < as_as_c_b: A c_id,d_id= ~c_b\n");
}

static void test_no_such_table(void **state) {
    struct asked *a = *state;
    make(a, "create table users(id int); create table posts(id int)");
    const struct str tables[] = {STR("post?"), STR("*x"), STR("user")}; // patterns may fit nothing
    a->settings.tables = tables;
    a->settings.tables_n = 3;
    expect_error(a, STATUS_DATA, "t.db: no such table: user; did you mean \"users\"?");
    a->settings.tables = (const struct str[]){STR("zebra")};
    a->settings.tables_n = 1;
    expect_error(a, STATUS_DATA, "t.db: no such table: zebra");
}

static void test_declared_wrongly(void **state) {
    struct asked *a = *state;
    make(a, "create table t(x_type text, x_id int)");
    struct schema_target target = {STR("t"), STR("y"), {NULL, 0}, STR("t")};
    a->settings.targets = &target;
    a->settings.targets_n = 1;
    expect_error(a, STATUS_DATA, "no columns for the type and the id of \"t.y\"");
    target.name = STR("x");
    target.target = STR("posts");
    expect_error(a, STATUS_DATA, "no such table: posts");
}

// Relations ------------------------------------------------------------------------------------------------------------

static void test_one_pair_each(void **state) {
    struct asked *a = *state;
    make(a,
         "create table users(id integer primary key, boss int references users, parent_id int references "
         "users);"
         "create table posts(id integer primary key, title text, author_id int references users, user_id int "
         "references USERS(ID));"
         "create table profiles(user_id integer primary key references users);"
         "create table seats(id integer primary key, holder_id int unique references users)");
    expect(a, "Post\n  > author: User author_id=id ~posts_as_author\n  > user: User user_id=id ~posts\n"
              "Profile\n  > user: User user_id=id ~profile\n"
              "Seat\n  > holder: User holder_id=id ~seat\n"
              "User\n  > boss_user: User boss=id ~users_as_boss\n  > parent: User parent_id=id ~children\n"
              "  < posts_as_author: Post author_id=id ~author\n  < posts: Post user_id=id ~user\n"
              "  < users_as_boss: User boss=id ~boss_user\n  < children: User parent_id=id ~parent\n"
              "  1 profile: Profile user_id=id ~user\n  1 seat: Seat holder_id=id ~holder\n");
}

// A unique index of some rows makes nothing unique; one of the key's columns and more does not either.
static void test_not_unique(void **state) {
    struct asked *a = *state;
    make(a, "create table a(id integer primary key); create table b(a_id int references a, n int, "
            "unique(a_id, n));"
            "create table c(a_id int references a, n int); create unique index i on c(a_id) where n > 0;"
            "create table d(a_id int references a); create unique index j on d(abs(a_id))");
    expect(a, "A\n  < bs: B a_id=id ~a\n  < cs: C a_id=id ~a\n  < ds: D a_id=id ~a\n"
              "B\n  > a: A a_id=id ~bs\nC\n  > a: A a_id=id ~cs\nD\n  > a: A a_id=id ~ds\n");
}

static void test_composite(void **state) {
    struct asked *a = *state;
    make(a,
         "create table orgs(org int, id int, primary key(org, id));"
         "create table staff(org int, owner_id int, deputy_id int, x int, y int,"
         " foreign key(org, owner_id) references orgs(org, id), foreign key(org, deputy_id) references orgs,"
         " foreign key(y, x) references orgs(id, org))");
    expect(
        a,
        "Org\n  < staff_as_owner: Staff org,owner_id=org,id ~owner\n"
        "  < staff_as_deputy: Staff org,deputy_id=org,id ~deputy\n  < staff_as_y_org: Staff y,x=id,org "
        "~y_org\n"
        "Staff\n  > owner: Org org,owner_id=org,id ~staff_as_owner\n"
        "  > deputy: Org org,deputy_id=org,id ~staff_as_deputy\n  > y_org: Org y,x=id,org ~staff_as_y_org\n");
}

static void test_names_do_not_meet(void **state) {
    struct asked *a = *state;
    make(a, "create table author(id integer primary key, books text, books_as_author text);"
            "create table books(id integer primary key, author int references author, author_record text, "
            "authorRecord2 int)");
    expect(a, "Author\n  < books_as_author_2: Book author=id ~author_record_3\n"
              "Book\n  > author_record_3: Author author=id ~books_as_author_2\n");
}

static void test_class_names_differ(void **state) {
    struct asked *a = *state;
    make(a, "create table user(id int); create table Users(id int); create table \"u s e r\"(id int)");
    expect(a, "User\nUSER2\nUser3\n");
}

static void test_joins(void **state) {
    struct asked *a = *state;
    make(
        a,
        "create table a(id integer primary key); create table b(id integer primary key);"
        "create table ab(a_id int references a, b_id int references b, at datetime, primary key(a_id, b_id));"
        "create table rated(a_id int references a, b_id int references b, stars int, unique(b_id, a_id));"
        "create table linked(id integer primary key, a_id int references a, b_id int references b);"
        "create table event(id integer primary key, a_id int references a, b_id int references b, what text);"
        "create table friends(user_id int references a, friend_id int references a, primary key(user_id, "
        "friend_id))");
    const struct str tables[] = {STR("a"), STR("b")}; // joined through what has no record itself
    a->settings.tables = tables;
    a->settings.tables_n = 2;
    expect(a,
           "A\n  x bs: B a_id=id ~as\n  x friends: A user_id=id ~users\n  x users: A friend_id=id ~friends\n"
           "  x bs_through_linked: B a_id=id ~as_through_linked\n  x bs_through_rated: B a_id=id "
           "~as_through_rated\n"
           "B\n  x as: A b_id=id ~bs\n  x as_through_linked: A b_id=id ~bs_through_linked\n"
           "  x as_through_rated: A b_id=id ~bs_through_rated\n");
    a->settings.tables_n = 0;
    expect(a, "A\n"
              "  < abs: Ab a_id=id ~a\n"
              "  < events: Event a_id=id ~a\n"
              "  < friends_as_user: Friend user_id=id ~user\n"
              "  < friends_as_friend: Friend friend_id=id ~friend\n"
              "  < linkeds: Linked a_id=id ~a\n"
              "  < rateds: Rated a_id=id ~a\n"
              "  x bs: B a_id=id ~as\n"
              "  x friends: A user_id=id ~users\n"
              "  x users: A friend_id=id ~friends\n"
              "  x bs_through_linked: B a_id=id ~as_through_linked\n"
              "  x bs_through_rated: B a_id=id ~as_through_rated\n"
              "Ab (joins)\n"
              "  > a: A a_id=id ~abs\n"
              "  > b: B b_id=id ~abs\n"
              "B\n"
              "  < abs: Ab b_id=id ~b\n"
              "  < events: Event b_id=id ~b\n"
              "  < linkeds: Linked b_id=id ~b\n"
              "  < rateds: Rated b_id=id ~b\n"
              "  x as: A b_id=id ~bs\n"
              "  x as_through_linked: A b_id=id ~bs_through_linked\n"
              "  x as_through_rated: A b_id=id ~bs_through_rated\n"
              "Event\n"
              "  > a: A a_id=id ~events\n"
              "  > b: B b_id=id ~events\n"
              "Friend (joins)\n"
              "  > user: A user_id=id ~friends_as_user\n"
              "  > friend: A friend_id=id ~friends_as_friend\n"
              "Linked (joins)\n"
              "  > a: A a_id=id ~linkeds\n"
              "  > b: B b_id=id ~linkeds\n"
              "Rated\n"
              "  > a: A a_id=id ~rateds\n"
              "  > b: B b_id=id ~rateds\n");
}

static void test_polymorphic(void **state) {
    struct asked *a = *state;
    make(a, "create table posts(id integer primary key); create table blog_photos(id integer primary key);"
            "create table comments(id int, subject_type text, subject_id int, item_type text, item_id int,"
            " ownerType text, ownerId int, kind_type text, kind_id int references posts);"
            "insert into comments values (1, 'Post', 1, 'x', 1, null, null, 'Post', 1), (2, "
            "'App\\Models\\BlogPhoto', 1, 'y', 2,"
            " null, null, 'Post', 1), (3, 'posts', 1, null, null, null, null, null, null), (4, 'Admin', 7, "
            "'z', 1, null, null, '', 1)");
    const char *found =
        "BlogPhoto\n  @ comments: Comment as subject\n"
        "Comment\n  > kind: Post kind_id=id ~comments\n"
        "  ? subject: BlogPhoto=App\\Models\\BlogPhoto ~comments, Post=Post,posts ~comments_as_subject "
        "!Admin\n"
        "  ? owner !\n"
        "Post\n  < comments: Comment kind_id=id ~kind\n  @ comments_as_subject: Comment as subject\n";
    expect(a, found);
    make(a, "create index i on comments(subject_type)"); // found from one value to the next
    expect(a, found);
}

static void test_held_once(void **state) {
    struct asked *a = *state;
    make(a,
         "create table posts(id integer primary key); create table covers(of_type text, of_id int, path text,"
         " unique(of_id, of_type)); insert into covers values ('Post', 1, 'x')");
    expect(a, "Cover\n  ? of: Post=Post ~cover !\nPost\n  @ cover: Cover as of\n");
}

static void test_declared(void **state) {
    struct asked *a = *state;
    make(a, "create table posts(id integer primary key); create table users(id integer primary key);"
            "create table notes(x_type text, x_id int, y_type text, y_id int);"
            "insert into notes values ('User', 1, 'Post', 1)");
    const struct schema_target targets[] = {{STR("notes"), STR("x"), STR("P"), STR("posts")},
                                            {STR("notes"), STR("x"), {NULL, 0}, STR("users")},
                                            {STR("notes"), STR("y"), {NULL, 0}, {NULL, 0}}};
    a->settings.targets = targets;
    a->settings.targets_n = 3;
    expect(a, "Note\n  ? x: Post=P ~notes, User=User ~notes !\nPost\n  @ notes: Note as x\nUser\n  @ notes: "
              "Note as x\n");
}

// Columns --------------------------------------------------------------------------------------------------------------

static void add_columns(struct asked *a, struct value record) {
    static const char *const flags[] = {"nullable", "key", "unique", "generated", "automatic"};
    struct value columns = field(record, "columns");
    for (uint32_t i = 0; i < columns.list->n; i++) {
        struct value c = columns.list->items[i];
        add(a, field(c, "name"));
        buf_add_text(&a->text, " ");
        add(a, field(c, "snake"));
        buf_add_text(&a->text, " ");
        add(a, field(c, "camel"));
        buf_add_text(&a->text, " ");
        add(a, field(c, "sql_type"));
        buf_add_text(&a->text, " ");
        add(a, field(c, "default"));
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            if (field(c, flags[k]).i)
                buf_printf(&a->text, " %s", flags[k]);
        buf_add_text(&a->text, ";\n");
    }
}

static void test_columns(void **state) {
    struct asked *a = *state;
    make(a, "create table a(id integer primary key, \"a b\" varchar(4) not null default 'it''s', \"a-b\" int "
            "unique,"
            " g int as (id + 1), s int generated always as (id) stored);"
            "create table b(x text primary key, y) without rowid; create table c(id integer primary key "
            "references a)");
    assert_int_equal(ask(a, add_columns), STATUS_OK);
    assert_string_equal(buf_text(&a->text), "id id id INTEGER - key unique automatic;\n"
                                            "a b a_b aB varchar(4) 'it''s';\n"
                                            "a-b a_b_2 aB2 INT - nullable unique;\n"
                                            "g g g INT - nullable generated;\n"
                                            "s s s INT - nullable generated;\n"
                                            "x x x TEXT - key unique;\n"
                                            "y y y  - nullable;\n"
                                            "id id id INTEGER - key unique;\n");
}

static void add_choices(struct asked *a, struct value record) {
    struct value columns = field(record, "columns");
    for (uint32_t i = 0; i < columns.list->n; i++) {
        add(a, field(columns.list->items[i], "name"));
        buf_add_text(&a->text, "[");
        add_list(a, field(columns.list->items[i], "choices"));
        buf_add_text(&a->text, "]");
    }
    buf_add_text(&a->text, "\n");
}

static void test_choices(void **state) {
    struct asked *a = *state;
    make(a,
         "create table a(state text check (state in ('open', 'it''s', '')), /* check (n in ('x')) */ n text,"
         " \"odd \"\"name\" int CHECK(/**/\"ODD \"\"name\"IN('a')) -- check (n in ('y'))\n"
         ", constraint c check ([n] in ('z')), check (n in ('later')));"
         "create table b(x int check (x in (1, 2)), y text check (y in ('a') or y is null), z text check (z "
         "in ('a', \"b\")),"
         " v text check (v not in ('a')), w text default 'check (w in (''a''))', u text check (lower(u) in "
         "('a')))");
    assert_int_equal(ask(a, add_choices), STATUS_OK);
    assert_string_equal(buf_text(&a->text), "state[open,it's,]n[z]odd \"name[a]\nx[]y[]z[]v[]w[]u[]\n");
}

// No text is read beyond its end.
static void test_choices_cut_short(void **state) {
    struct asked *a = *state;
    static const char sql[] = "create table t(\"a\" int check (a in ('b', 'c''d')), [d] /* */, `e` -- x";
    struct schema schema;
    (void)a;
    for (size_t n = 0; n < sizeof sql; n++) {
        char *cut = mem_alloc(n ? n : 1);
        memcpy(cut, sql, n);
        schema_init(&schema);
        struct schema_table *table = schema_add_table(&schema, STR("t"), SCHEMA_TABLE);
        schema_add_column(&schema, table, STR("a"), STR("int"));
        sqlite_checks_read(&schema, table, (struct str){cut, n});
        assert_int_equal(table->columns[0].choices_n, n >= 49 ? 2 : 0);
        schema_release(&schema);
        mem_free(cut);
    }
}

// What is kept -----------------------------------------------------------------------------------------------------------

static void expect_kept(const struct asked *a, const char *text) {
    char got[64];
    int n = 0;
    for (int i = 0; i < 3; i++)
        n += snprintf(got + n, sizeof got - (size_t)n, "%u/%u/%u ", a->kept[i].hits, a->kept[i].misses,
                      a->kept[i].puts);
    assert_string_equal(got, text);
}

static void test_kept(void **state) {
    struct asked *a = *state;
    const char *found = "T\n  > u: U u_id=id ~ts\nU\n  < ts: T u_id=id ~u\n";
    make(a, "create table u(id integer primary key); create table t(u_id int references u, x_type text, x_id "
            "int)");
    a->options.shelf = &a->shelf;
    assert_int_equal(ask(a, add_record), STATUS_OK);
    expect_kept(a, "0/1/1 0/1/1 0/1/1 ");
    assert_int_equal(ask(a, add_record), STATUS_OK);
    expect_kept(a, "1/1/1 1/1/1 1/1/1 ");
    make(a, "insert into u values (1)"); // other data: asked again, and nothing else made
    assert_int_equal(ask(a, add_record), STATUS_OK);
    expect_kept(a, "1/2/2 2/1/1 2/1/1 ");
    make(a, "insert into t values (1, 'nothing', 1)"); // no relation any more, of the same types
    expect(a, found);
    expect_kept(a, "1/3/3 3/1/1 2/2/2 ");
    const struct schema_mapping mapping = {STR("go"), STR("any"), STR("any")};
    a->settings.mappings = &mapping; // other texts of types, and nothing else
    a->settings.mappings_n = 1;
    expect(a, found);
    expect_kept(a, "2/3/3 3/2/2 3/2/2 ");
    a->wall = 0; // it might change again unseen
    make(a, "insert into u values (2)");
    expect(a, found);
    expect_kept(a, "2/4/3 4/2/2 4/2/2 ");
}

// Whatever the shelf gives is a schema, or is made anew.
static void test_kept_wrongly(void **state) {
    struct asked *a = *state;
    const char *found = "T\n  > u: U u_id=id ~ts\nU\n  < ts: T u_id=id ~u\n";
    make(a, "create table u(id integer primary key); create table t(u_id int references u, v int)");
    a->options.shelf = &a->shelf;
    expect(a, found);
    for (int kind = 0; kind < 3; kind++) {
        struct buf whole = BUF_INIT;
        buf_add_str(&whole, buf_str(&a->kept[kind].bytes));
        for (size_t n = 1; n < whole.n; n += 1 + whole.n / 40) {
            a->kept[kind].bytes.n = n;
            expect(a, found);
            assert_int_equal(a->kept[kind].bytes.n, whole.n);
        }
        buf_release(&whole);
    }
}

// No byte that is wrong leads outside (the sanitizers look).
static void test_damaged_bytes(void **state) {
    struct asked *a = *state;
    make(a, "create table u(id integer primary key, a text default 'x'); create index i on u(lower(a));"
            "create table t(u_id int references u, x_type text, x_id int); insert into t values (1, 'U', 1)");
    struct schema schema;
    struct buf bytes = BUF_INIT, again = BUF_INIT;
    schema_init(&schema);
    assert_int_equal(sqlite_schema.introspect(&a->options, &schema, &a->err), STATUS_OK);
    schema_bytes_write(&schema, &bytes);
    schema_release(&schema);
    schema_init(&schema);
    assert_true(schema_bytes_read(buf_str(&bytes), &schema));
    schema_bytes_write(&schema, &again);
    assert_true(str_equal(buf_str(&bytes), buf_str(&again)));
    schema_release(&schema);
    for (size_t i = 0; i < bytes.n; i++) {
        static const char values[] = {0, 1, 127, -1};
        const char was = bytes.p[i];
        for (size_t k = 0; k < sizeof values; k++) {
            bytes.p[i] = values[k];
            schema_init(&schema);
            schema_bytes_read(buf_str(&bytes), &schema);
            schema_release(&schema);
        }
        bytes.p[i] = was;
    }
    buf_release(&bytes);
    buf_release(&again);
}

static void test_patterns(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"*", "", true},           {"?", "", false},        {"a*b*c", "aXbYbc", true},
        {"a*b", "abc", false},     {"?x", "äx", true},      {"??x", "äx", false},
        {"shop_*", "shop_", true}, {"Shop", "shop", false}, {"**?", "x", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str pattern = str_of(cases[i].pattern);
        const struct schema_settings settings = {.tables = &pattern, .tables_n = 1};
        if (schema_wants(&settings, str_of(cases[i].name)) != cases[i].matches)
            fail_msg("%s", cases[i].pattern);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_not_a_database),
        TEST(test_empty_database),
        TEST(test_rows_too),
        TEST(test_broken_view),
        TEST(test_bad_name),
        TEST(test_dangling),
        TEST(test_mismatched),
        TEST(test_no_such_table),
        TEST(test_declared_wrongly),
        TEST(test_one_pair_each),
        TEST(test_not_unique),
        TEST(test_composite),
        TEST(test_names_do_not_meet),
        TEST(test_class_names_differ),
        TEST(test_joins),
        TEST(test_polymorphic),
        TEST(test_held_once),
        TEST(test_declared),
        TEST(test_columns),
        TEST(test_choices),
        TEST(test_choices_cut_short),
        TEST(test_kept),
        TEST(test_kept_wrongly),
        TEST(test_damaged_bytes),
        TEST(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
