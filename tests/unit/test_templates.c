// SPDX-License-Identifier: MIT
// The templates of a run, in a directory made for each test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/compile/templates.h"

static const struct library library;

struct world {
    char root[64];
    struct fs fs;
    struct templates *templates;
    struct arena arena;
    struct diags diags;
};

static void write_file(struct world *w, const char *name, const char *text) {
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s", w->root, name);
    FILE *f = fopen(buf_text(&path), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    buf_release(&path);
}

static void make_dir(struct world *w, const char *name) {
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s", w->root, name);
    assert_int_equal(mkdir(buf_text(&path), 0755), 0);
    buf_release(&path);
}

static void add_path(struct world *w, const char *name) {
    struct buf path = BUF_INIT;
    struct err err;
    buf_printf(&path, "%s/%s", w->root, name);
    assert_int_equal(templates_add_path(w->templates, buf_str(&path), &err), STATUS_OK);
    buf_release(&path);
}

static int set_up(void **state) {
    struct world *w = MEM_NEW(struct world);
    struct compile_options options = {.library = &library};
    snprintf(w->root, sizeof w->root, "%s", "test_templates.XXXXXX");
    if (!mkdtemp(w->root))
        return -1;
    w->fs = fs_system();
    w->templates = templates_new(&w->fs, &options);
    arena_init(&w->arena, 0);
    diags_init(&w->diags, &w->arena);
    make_dir(w, "a");
    make_dir(w, "b");
    add_path(w, "a");
    add_path(w, "b");
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->root);
    templates_free(w->templates);
    arena_release(&w->arena);
    int failed = system(command);
    mem_free(w);
    return failed;
}

static const struct program *find(struct world *w, const char *name, bool *missing) {
    diags_init(&w->diags, &w->arena);
    return templates_find(w->templates, str_of(name), NULL, false, &w->diags, missing);
}

static void test_refused_names(void **state) {
    struct world *w = *state;
    static const char *const names[] = {"",       "/etc/passwd", "..",     "../x",  "sub/../../x",
                                        "sub/..", "none",        "none/x", "a.j2/x"};
    write_file(w, "x", "outside");
    write_file(w, "a/a.j2", "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool missing = false;
        assert_null(find(w, names[i], &missing));
        assert_true(missing);
        assert_int_equal(w->diags.errors, 0);
    }
    bool missing;
    assert_null(templates_find(w->templates, (struct str){"a.j2\0x", 6}, NULL, false, NULL, &missing));
    assert_true(missing);
}

// A link that leads out of the search path is not followed, and that is an error, not a missing template.
static void test_links(void **state) {
    struct world *w = *state;
    char link[128];
    write_file(w, "secret", "outside");
    snprintf(link, sizeof link, "%s/a/link", w->root);
    assert_int_equal(symlink("../secret", link), 0);
    bool missing;
    assert_null(find(w, "link", &missing));
    assert_false(missing);
    assert_int_equal(w->diags.errors, 1);
}

// A directory is no template, and a pipe is not waited for.
static void test_not_a_file(void **state) {
    struct world *w = *state;
    char pipe[128];
    bool missing;
    make_dir(w, "a/sub");
    assert_null(find(w, "sub", &missing));
    assert_true(missing);
    assert_int_equal(w->diags.errors, 0);
    snprintf(pipe, sizeof pipe, "%s/a/pipe", w->root);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_null(find(w, "pipe", &missing));
    assert_false(missing);
    assert_int_equal(w->diags.errors, 1);
}

static void test_missing_directory(void **state) {
    struct world *w = *state;
    struct err err;
    assert_int_equal(templates_add_path(w->templates, STR("test_templates.none"), &err), STATUS_IO);
    assert_int_equal(err.os, ENOENT);
}

// Errors show each time they are asked for, with those of what is included, however often.
static void test_errors(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/top", "{% include 'mid' %}{% include 'mid2' %}");
    write_file(w, "a/mid", "{% include 'broken' %}");
    write_file(w, "a/mid2", "{% include 'broken' %}{% include 'top' %}");
    write_file(w, "a/broken", "\n{{ }}{% if %}{% endif %}");
    write_file(w, "a/fine", "{% include 'none' ignore missing %}");
    for (int i = 0; i < 2; i++) {
        assert_null(find(w, "top", &missing));
        assert_false(missing);
        assert_int_equal(w->diags.errors, 2);
        assert_int_equal(w->diags.first->line, 2);
        assert_true(str_ends(w->diags.first->file, STR("/a/broken")));
    }
    assert_null(templates_find(w->templates, STR("mid"), NULL, false, NULL, &missing));
    assert_false(missing);
    assert_non_null(find(w, "fine", &missing));
    assert_int_equal(w->diags.errors, 0);
}

static void test_links_between_templates(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/x.j2", "{% include 'y.j2' %}{% include 'none' %}");
    write_file(w, "b/y.j2", "{% include 'x.j2' %}{% include 'y.j2' %}");
    const struct program *x = find(w, "x.j2", &missing), *y = find(w, "y.j2", &missing);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(x->refs_n, 2);
    assert_ptr_equal(x->refs[0].program, y);
    assert_null(x->refs[1].program);
    assert_ptr_equal(y->refs[0].program, x);
    assert_ptr_equal(y->refs[1].program, y);
    assert_ptr_equal(find(w, "x.j2", &missing), x);
}

static void test_first_directory_wins(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "1");
    write_file(w, "b/t", "2");
    write_file(w, "b/u", "3");
    assert_true(str_is(find(w, "t", &missing)->source.text, "1"));
    assert_true(str_is(find(w, "u", &missing)->source.text, "3"));
}

static void test_one_for_each_autoescape(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "{{ x }}{% include 'u' %}");
    write_file(w, "a/u", "{{ x }}");
    const struct program *plain = templates_find(w->templates, STR("t"), NULL, false, NULL, &missing);
    const struct program *escaped = templates_find(w->templates, STR("t"), NULL, true, NULL, &missing);
    assert_ptr_not_equal(plain, escaped);
    assert_false(plain->refs[0].program->autoescape);
    assert_true(escaped->refs[0].program->autoescape);
}

// Code is shared, names and places in messages are not.
static void test_one_program_for_one_text(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "{{ x }}{% include 'v' %}");
    write_file(w, "b/u", "{{ x }}{% include 'v' %}");
    write_file(w, "a/v", "v");
    const struct program *t = find(w, "t", &missing), *u = find(w, "u", &missing);
    assert_ptr_equal(t->code, u->code);
    assert_true(str_ends(t->source.name, STR("/a/t")));
    assert_true(str_ends(u->source.name, STR("/b/u")));
    assert_non_null(u->refs[0].program);
    assert_ptr_equal(u->refs[0].program, t->refs[0].program);
    const struct program *escaped = templates_find(w->templates, STR("t"), NULL, true, NULL, &missing);
    assert_ptr_not_equal(escaped->code, t->code);
}

// A digest is of everything a program leads to, and of what it misses.
static void test_digests(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "{% include 'u' %}");
    write_file(w, "a/u", "{% include 'v' %}{% include 't' %}");
    write_file(w, "a/v", "1");
    struct digest before = program_digest(find(w, "t", &missing));
    assert_true(digest_equal(before, program_digest(find(w, "t", &missing))));
    static const struct {
        const char *file, *text;
    } changes[] = {
        {"a/v", "2"}, {"a/t", "{% include 'u' %} "}, {"a/u", "{% include 'w' %}{% include 't' %}"}};
    struct digest seen[4] = {before};
    for (size_t i = 0; i < 3; i++) {
        write_file(w, changes[i].file, changes[i].text);
        templates_free(w->templates);
        w->templates = templates_new(&w->fs, &(struct compile_options){.library = &library});
        add_path(w, "a");
        seen[i + 1] = program_digest(find(w, "t", &missing));
        for (size_t k = 0; k <= i; k++)
            assert_false(digest_equal(seen[k], seen[i + 1]));
    }
}

// A template that nobody asks for may be as broken as it likes.
static void test_what_is_not_asked_for_is_not_compiled(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "{% include name %}");
    write_file(w, "a/broken", "{{ }}");
    assert_non_null(find(w, "t", &missing));
    assert_int_equal(w->diags.errors, 0);
    assert_null(find(w, "broken", &missing));
    assert_int_equal(w->diags.errors, 1);
}

static void test_list(void **state) {
    struct world *w = *state;
    struct str *names;
    make_dir(w, "a/sub");
    write_file(w, "a/t", "");
    write_file(w, "b/t", "");
    write_file(w, "a/.hidden", "");
    write_file(w, "a/sub/u", "");
    assert_int_equal(templates_list(w->templates, &names), 2);
    assert_true(str_is(names[0], "sub/u"));
    assert_true(str_is(names[1], "t"));
    mem_free(names);
}

// A file system whose reads fail.
static ssize_t failing_read(void *self, int fd, void *p, size_t n) {
    (void)self;
    (void)fd;
    (void)p;
    (void)n;
    return -EIO;
}

static void test_reads_fail(void **state) {
    struct world *w = *state;
    bool missing;
    write_file(w, "a/t", "text");
    w->fs.read = failing_read;
    assert_null(find(w, "t", &missing));
    assert_false(missing);
    assert_int_equal(w->diags.errors, 1);
}

enum { THREADS = 4, CHAIN = 200 };

static void *find_all(void *world) {
    struct world *w = world;
    const struct program *end = NULL;
    for (int i = 0; i < CHAIN; i++) {
        char name[16];
        bool missing;
        snprintf(name, sizeof name, "t%d", (i * 37) % CHAIN);
        const struct program *p = templates_find(w->templates, str_of(name), NULL, false, NULL, &missing);
        while (p && p->refs_n) // linked all the way, whoever did it
            p = p->refs[0].program;
        if (!p || (end && p != end)) // compiled once, so that all chains end in the same one
            return NULL;
        end = p;
    }
    return (void *)end;
}

static void test_threads(void **state) {
    struct world *w = *state;
    for (int i = 0; i < CHAIN; i++) {
        char name[16], text[64];
        snprintf(name, sizeof name, "a/t%d", i);
        snprintf(text, sizeof text, i + 1 < CHAIN ? "{%% include 't%d' %%}" : "end", i + 1);
        write_file(w, name, text);
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_all, w), 0);
    void *ends[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &ends[i]);
        assert_non_null(ends[i]);
        assert_ptr_equal(ends[i], ends[0]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

// Texts in memory hide files, are compiled from a copy, and what they refer to may be either.
static void test_texts(void **state) {
    struct world *w = *state;
    char text[] = "{% include \"file\" %}{% include \"other\" %}";
    bool missing;
    write_file(w, "a/main.j2", "of a file");
    write_file(w, "a/file", "f");
    templates_add_text(w->templates, STR("main.j2"), str_of(text));
    templates_add_text(w->templates, STR("other"), STR("{{ 1 +"));
    assert_null(find(w, "main.j2", &missing));
    assert_false(missing);
    assert_int_equal(w->diags.errors, 1);
    assert_true(str_is(w->diags.first->file, "other"));
    struct str *names;
    assert_int_equal(templates_list(w->templates, &names), 3);
    assert_true(str_is(names[0], "file") && str_is(names[1], "main.j2") && str_is(names[2], "other"));
    mem_free(names);
    templates_add_text(w->templates, STR("good.j2"), (struct str){text, 20});
    const struct program *program = find(w, "good.j2", &missing);
    assert_non_null(program);
    memset(text, '{', sizeof text);
    assert_true(str_is(program->source.text, "{% include \"file\" %}"));
}

int main(void) {
    const struct CMUnitTest all[] = {
        TEST(test_refused_names),
        TEST(test_links),
        TEST(test_not_a_file),
        TEST(test_missing_directory),
        TEST(test_errors),
        TEST(test_list),
        TEST(test_reads_fail),
        TEST(test_links_between_templates),
        TEST(test_threads),
        TEST(test_first_directory_wins),
        TEST(test_one_for_each_autoescape),
        TEST(test_one_program_for_one_text),
        TEST(test_digests),
        TEST(test_texts),
        TEST(test_what_is_not_asked_for_is_not_compiled),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
