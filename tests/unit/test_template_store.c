// SPDX-License-Identifier: MIT
// Templates that are no files: what a store has, and what of a search path with stores is found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/compile/templates.h"

static const struct library library;
static const struct str NO_FAULT = {NULL, 0};

struct world {
    char root[64];
    struct fs fs;
    struct templates *templates;
    struct arena arena;
    struct diags diags;
};

static int set_up(void **state) {
    struct world *w = MEM_NEW(struct world);
    snprintf(w->root, sizeof w->root, "%s", "test_template_store.XXXXXX");
    if (!mkdtemp(w->root))
        return -1;
    w->fs = fs_system();
    w->templates = templates_new(&w->fs, &(struct compile_options){.library = &library});
    arena_init(&w->arena, 0);
    diags_init(&w->diags, &w->arena);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->root);
    templates_free(w->templates);
    arena_release(&w->arena);
    mem_free(w);
    return system(command);
}

static void write_file(struct world *w, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->root, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const struct program *find(struct world *w, const char *name, bool *missing) {
    diags_init(&w->diags, &w->arena);
    return templates_find(w->templates, str_of(name), NULL, false, &w->diags, missing);
}

static void add(struct template_store *store, const char *id, const char *text, const char *language) {
    assert_true(template_store_add(store, str_of(id), str_of(text),
                                   language ? language_named(str_of(language)) : NULL, NO_FAULT));
}

static void test_names(void **state) {
    (void)state;
    static const char *const bad[] = {"", "/", "..", "../x", "a/../b", "a/.."};
    struct template_store *store = template_store_new(STR("s"));
    char *longest = mem_alloc(5000);
    memset(longest, 'x', 5000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(template_store_add(store, str_of(bad[i]), STR("x"), NULL, NO_FAULT));
    assert_false(template_store_add(store, (struct str){longest, 5000}, STR("x"), NULL, NO_FAULT));
    assert_false(template_store_add(store, (struct str){"a\0b", 3}, STR("x"), NULL, NO_FAULT));
    assert_int_equal(store->n, 0);
    assert_null(template_store_find(store, STR("x")));
    add(store, "//a", "text", NULL);
    assert_true(str_is(template_store_find(store, STR("a"))->text, "text"));
    add(store, "..a/b..", "", NULL);
    assert_non_null(template_store_find(store, STR("..a/b..")));
    template_store_free(store);
    mem_free(longest);
}

// What is in it is a copy, is found among many, and is no good where two have one id.
static void test_many(void **state) {
    (void)state;
    enum { N = 3000 };
    struct template_store *store = template_store_new(STR("s"));
    char id[16];
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "t%d", i);
        add(store, id, id, NULL);
    }
    add(store, "/t7", "again", NULL);
    assert_int_equal(store->n, N);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "t%d", i);
        const struct stored_template *stored = template_store_find(store, str_of(id));
        assert_non_null(stored);
        assert_true(str_is(stored->text, id));
        assert_true((stored->fault.p != NULL) == (i == 7));
    }
    assert_null(template_store_find(store, STR("t3000")));
    template_store_free(store);
}

static void test_extensions(void **state) {
    (void)state;
    struct template_store *store = template_store_new(STR("s"));
    add(store, "plain", "", NULL);
    add(store, "moustache", "", "mustache");
    add(store, "a.j2", "", NULL);
    assert_non_null(template_store_find(store, STR("plain.j2")));
    assert_non_null(template_store_find(store, STR("plain.jinja")));
    assert_null(template_store_find(store, STR("plain.mustache"))); // it is in another language
    assert_null(template_store_find(store, STR("moustache.j2")));
    assert_non_null(template_store_find(store, STR("moustache.mustache")));
    assert_null(template_store_find(store, STR("a")));
    assert_non_null(template_store_find(store, STR("a.j2.j2"))); // odd, and no harm
    assert_null(template_store_find(store, STR(".j2")));
    template_store_free(store);
}

// The first place that has a name wins; faults are told of what is asked for alone.
static void test_places(void **state) {
    struct world *w = *state;
    struct template_store *first = template_store_new(STR("first.db")),
                          *second = template_store_new(STR("second.db"));
    bool missing;
    struct err err;
    write_file(w, "both", "file {% include 'second' %}");
    write_file(w, "file", "{% include 'broken' %}");
    add(first, "first", "{% include 'both' %}", NULL);
    add(second, "both", "stored", NULL);
    add(second, "second", "{% include 'first' ignore missing %}", NULL);
    add(second, "broken", "one\n {{ 1 + }}", NULL);
    assert_true(template_store_add(second, STR("faulty"), STR(""), NULL, STR("it has no text")));
    templates_add_store(w->templates, first);
    assert_int_equal(templates_add_path(w->templates, str_of(w->root), &err), STATUS_OK);
    templates_add_store(w->templates, second);
    const struct program *p = find(w, "first", &missing);
    assert_non_null(p);
    assert_true(str_is(p->source.name, "first.db:first"));
    assert_true(str_starts(p->refs[0].program->source.text, STR("file")));
    assert_true(str_is(p->refs[0].program->refs[0].program->source.name, "second.db:second"));
    assert_null(find(w, "file", &missing));
    assert_int_equal(w->diags.errors, 1);
    assert_true(str_is(w->diags.first->file, "second.db:broken"));
    assert_int_equal(w->diags.first->line, 2);
    assert_null(find(w, "faulty", &missing));
    assert_false(missing);
    assert_int_equal(w->diags.errors, 1);
    assert_true(str_is(w->diags.first->message, "second.db:faulty: it has no text"));
    struct str *names;
    assert_int_equal(templates_list(w->templates, &names), 6);
    mem_free(names);
    assert_true(templates_is_stored(w->templates, STR("/both")));
    assert_false(templates_is_stored(w->templates, STR("file")));
}

// A stored template's language is its store's to say, but for who asks for another one.
static void test_languages(void **state) {
    struct world *w = *state;
    struct template_store *store = template_store_new(STR("s"));
    bool missing;
    add(store, "a", "{{x}}{{>b}}", "mustache");
    add(store, "b", "{{>a}}", "mustache");
    add(store, "c.prompt", "[X]", "jinja");
    add(store, "d", "{% include 'a' %}", NULL);
    templates_add_store(w->templates, store);
    const struct program *a = find(w, "a", &missing);
    assert_string_equal(a->language, "mustache");
    assert_true(str_is(a->refs[0].program->source.name, "s:b"));
    assert_true(str_is(templates_id(w->templates, STR("b.mustache"), a->refs[0].program), "b"));
    assert_true(str_is(templates_id(w->templates, STR("b.mustache"), a), "b.mustache"));
    assert_string_equal(find(w, "c.prompt", &missing)->language, "jinja");
    assert_string_equal(find(w, "d", &missing)->refs[0].program->language, "mustache");
    const struct program *text =
        templates_find(w->templates, STR("a"), language_named(STR("text")), false, NULL, &missing);
    assert_string_equal(text->language, "text");
}

// The digest of all templates knows texts and languages.
static void test_digest(void **state) {
    struct world *w = *state;
    static const struct {
        const char *text, *language;
    } stores[] = {{"x", NULL}, {"y", NULL}, {"x", "mustache"}, {"x", "jinja"}};
    struct digest seen[4];
    for (size_t i = 0; i < 4; i++) {
        struct template_store *store = template_store_new(STR("s"));
        add(store, "t", stores[i].text, stores[i].language);
        templates_free(w->templates);
        w->templates = templates_new(&w->fs, &(struct compile_options){.library = &library});
        templates_add_store(w->templates, store);
        seen[i] = templates_digest(w->templates);
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(seen[i], seen[k]));
    }
}

static void count(void *context, struct str name, const struct program *program, uint64_t n) {
    (void)program;
    assert_true(str_is(name, "t"));
    *(uint64_t *)context += n;
}

static void test_chosen(void **state) {
    struct world *w = *state;
    struct template_store *store = template_store_new(STR("s"));
    bool missing;
    uint64_t n = 0;
    add(store, "t", "x", NULL);
    add(store, "broken", "{{", NULL);
    templates_add_store(w->templates, store);
    find(w, "t", &missing);
    for (int i = 0; i < 3; i++)
        assert_non_null(templates_choose(w->templates, STR("t"), NULL, false, &missing));
    assert_null(templates_choose(w->templates, STR("broken"), NULL, false, &missing));
    assert_false(missing);
    assert_null(templates_choose(w->templates, STR("none"), NULL, false, &missing));
    assert_true(missing);
    templates_each_chosen(w->templates, count, &n);
    assert_int_equal(n, 3);
}

enum { THREADS = 4, ROUNDS = 300 };

static void *choose_all(void *world) {
    struct world *w = world;
    size_t found = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        bool missing;
        snprintf(name, sizeof name, "t%d", i % 50);
        found += templates_choose(w->templates, str_of(name), NULL, false, &missing) != NULL;
        found += templates_is_stored(w->templates, str_of(name));
    }
    return found == 2 * ROUNDS ? w : NULL;
}

static void add_up(void *context, struct str name, const struct program *program, uint64_t n) {
    (void)name, (void)program;
    *(uint64_t *)context += n;
}

static void test_threads(void **state) {
    struct world *w = *state;
    struct template_store *store = template_store_new(STR("s"));
    pthread_t threads[THREADS];
    uint64_t n = 0;
    void *end;
    char id[16], text[48];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "t%d", i);
        snprintf(text, sizeof text, "{%% include 't%d.j2' %%}", (i + 1) % 50);
        add(store, id, text, NULL);
    }
    templates_add_store(w->templates, store);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, choose_all, w), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &end);
        assert_non_null(end);
    }
    templates_each_chosen(w->templates, add_up, &n);
    assert_int_equal(n, THREADS * ROUNDS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_extensions),
        TEST(test_places),
        TEST(test_languages),
        TEST(test_digest),
        TEST(test_chosen),
        TEST(test_threads),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
