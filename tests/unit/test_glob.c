// SPDX-License-Identifier: MIT
// Patterns of paths: what they match, what they refuse, and that looking at fewer directories loses no file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/load/files/glob.h"
#include "stages/load/files/walk.h"
#include "tests/support/scene.h"

// Matching ---------------------------------------------------------------------------------------------------

// Whether a path of real directories, as a walk would come to it, is meant.
static bool reaches(const struct glob *glob, const char *path) {
    struct glob_set at = glob_start(glob), inside;
    for (;;) {
        size_t n = strcspn(path, "/");
        if (!path[n])
            return glob_accepts(glob, &at, str_of(path));
        if (!glob_enter(glob, &at, (struct str){path, n}, false, &inside))
            return false;
        at = inside;
        path += n + 1;
    }
}

static void check(const char *pattern, const char *const *paths, bool wanted) {
    struct glob *glob;
    struct err err;
    if (glob_new(str_of(pattern), &glob, &err) != STATUS_OK)
        fail_msg("%s: %s", pattern, err.text);
    for (; *paths; paths++)
        if (reaches(glob, *paths) != wanted)
            fail_msg("\"%s\" %s %s", pattern, wanted ? "misses" : "matches", *paths);
    glob_free(glob);
}

#define MATCHES(pattern, ...) check(pattern, (const char *const[]){__VA_ARGS__, NULL}, true)
#define MISSES(pattern, ...)  check(pattern, (const char *const[]){__VA_ARGS__, NULL}, false)

static void stars(void **state) {
    (void)state;
    MATCHES("*.md", "a.md", "a.b.md", "\xC3\xA4.md");
    MISSES("*.md", "a.mdx", "b/a.md", ".md", ".a.md", "md", "A.MD");
    MATCHES("a*b*c", "abc", "aXbbYc", "abcbc");
    MISSES("a*b*c", "ab", "acb", "abcd");
    MATCHES("*", "a", "a.b");
    MISSES("*", ".a", "a/b");
    MATCHES("a/*/c", "a/b/c");
    MISSES("a/*/c", "a/c", "a/b/b/c", "a/.b/c");
    MATCHES("a*", "a", "a*");
    MISSES("a/*", "a");
}

static void any_depth(void **state) {
    (void)state;
    MATCHES("notes/**/*.md", "notes/a.md", "notes/b/a.md", "notes/b/c/d/a.md");
    MISSES("notes/**/*.md", "a.md", "x/notes/a.md", "notes/.b/a.md", "notes/b/.c/a.md", "notes/b/.a.md");
    MATCHES("**", "a", "b/a", "c/b/a");
    MISSES("**", ".a", ".b/a", "a/.b");
    MATCHES("a/**", "a/b", "a/b/c");
    MISSES("a/**", "a", "b/a");
    MATCHES("**/**/a", "a", "b/a", "c/b/a");
    MATCHES("**/a/**/b/*", "a/b/c", "x/a/y/b/c", "a/a/b/b/c");
    MISSES("**/a/**/b/*", "b/a/c", "a/b", "x/b/c");
    MATCHES("**/.well-known/*", ".well-known/x", "a/.well-known/x");
    MATCHES(".*/**/x", ".git/x", ".git/a/x");
    MISSES(".*/**/x", "git/x", ".git/.a/x");
}

static void characters(void **state) {
    (void)state;
    MATCHES("a?c", "abc",
            "a\xC3\xA4"
            "c",
            "a\xF0\x9F\x98\x80"
            "c",
            "a\xFF"
            "c");
    MISSES("a?c", "ac", "abbc",
           "a\xFF\xFF"
           "c");
    MISSES("?a", ".a");
    MATCHES("[a-c]x", "ax", "bx", "cx");
    MISSES("[a-c]x", "dx", "x", "aax");
    MATCHES("[!a-c]x", "dx", "\xC3\xA4x", "\xFFx");
    MATCHES("[^a-c]x", "dx");
    MISSES("[!a-c]x", "ax", "bx", ".x");
    MISSES("[.]x", ".x");
    MATCHES("x[.]y", "x.y");
    MATCHES("[]a]", "]", "a");
    MATCHES("[!]a]", "b");
    MISSES("[!]a]", "]", "a");
    MATCHES("[a-]", "a", "-");
    MATCHES("[-a]", "a", "-");
    MISSES("[a-]", "b");
    MATCHES("[a\\]b]", "a", "]", "b");
    MISSES("[a\\]b]", "\\");
    MATCHES("[\xC3\xA4-\xC3\xBC]", "\xC3\xB6");
    MISSES("[\xC3\xA4-\xC3\xBC]", "o", "\xC3\xBD", "\xFF");
    MATCHES("[*?]", "*", "?");
    MISSES("[*?]", "a");
}

static void escapes(void **state) {
    (void)state;
    MATCHES("\\*.md", "*.md");
    MISSES("\\*.md", "a.md", "\\*.md");
    MATCHES("a\\?*", "a?", "a?b");
    MISSES("a\\?*", "ab");
    MATCHES("\\[a\\]", "[a]");
    MATCHES("\\{a,b\\}", "{a,b}");
    MATCHES("\\a", "a");
    MATCHES("\\.*", ".a");
    MATCHES("a}", "a}");
    MATCHES("a,b", "a,b");
    MATCHES("\\*\\*", "**");
}

static void alternatives(void **state) {
    (void)state;
    MATCHES("*.{md,html}", "a.md", "a.html");
    MISSES("*.{md,html}", "a.txt", "a.", "a.md,html", "a.{md,html}");
    MATCHES("{a,b/c,**/d}/x", "a/x", "b/c/x", "d/x", "e/f/d/x");
    MISSES("{a,b/c,**/d}/x", "b/x", "c/x", "e/x");
    MATCHES("a{,b}c", "ac", "abc");
    MATCHES("{a,{b,c}d}{1,2}", "a1", "a2", "bd1", "cd2");
    MISSES("{a,{b,c}d}{1,2}", "b1", "ad1", "a");
    MATCHES("{a}", "a");
    MATCHES("{[,],x}", ",", "x");
    MATCHES("{[}],\\,}y", "}y", ",y");
    MATCHES("{.a,b}*", ".ax", "bx");
}

// None of these would end in a lifetime if every star were tried at every place.
static void many_stars(void **state) {
    (void)state;
    char name[256];
    memset(name, 'a', 255);
    name[255] = 0;
    MISSES("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name);
    MATCHES("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", name);
    MISSES("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a");
}

static void refused(void **state) {
    static const struct {
        const char *pattern, *text;
    } cases[] = {
        {"", "is empty"},
        {"{a,}", "is empty"},
        {"/a", "must not begin with '/'"},
        {"{a,/b}", "must not begin with '/'"},
        {"../a", "has a part \"..\""},
        {"a/../b", "has a part \"..\""},
        {"a/..", "has a part \"..\""},
        {"\\../a", "has a part \"..\""},
        {"a/{.,b}./c", "has a part \"..\""},
        {"./a", "has a part \".\""},
        {"a/.", "has a part \".\""},
        {"a//b", "two '/' in a row"},
        {"a/", "ends with '/'"},
        {"[a", "'[' that is not closed: \"[a\""},
        {"a/[b/c]", "'[' that is not closed: \"[b/c]\""},
        {"[]", "'[' that is not closed"},
        {"[!]", "'[' that is not closed"},
        {"[a\\]", "'[' that is not closed"},
        {"[\\/]", "'[' that is not closed"},
        {"x{a,b", "'{' that is not closed: \"{a,b\""},
        {"{a,{b}", "'{' that is not closed"},
        {"{a,[}]", "'{' that is not closed"},
        {"**.md", "\"**\" must be a part of its own"},
        {"a/b**", "\"**\" must be a part of its own"},
        {"***", "\"**\" must be a part of its own"},
        {"a\\", "a backslash with nothing after it"},
        {"a\\/b", "a backslash with nothing after it"},
        {"[z-a]", "range that runs backwards: \"[z-a]\""},
        {"[!b-a]", "range that runs backwards"},
        {"\xFF", "is not UTF-8 (byte 1)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        if (glob_check(str_of(cases[i].pattern), &err) != STATUS_DATA)
            fail_msg("%s is accepted", cases[i].pattern);
        if (!str_starts(str_of(err.text), STR("the pattern ")) || !strstr(err.text, cases[i].text))
            fail_msg("%s: %s", cases[i].pattern, err.text);
    }
    struct err err = {0};
    assert_int_equal(glob_check(STR("a\0b"), &err), STATUS_DATA);
    assert_string_equal(err.text, "the pattern has a NUL byte");
}

static void too_large(void **state) {
    struct err err = {0};
    char text[GLOB_BYTES + 2];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(glob_check((struct str){text, GLOB_BYTES}, &err), STATUS_OK);
    assert_int_equal(glob_check((struct str){text, GLOB_BYTES + 1}, &err), STATUS_DATA);
    assert_int_equal(glob_check(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), &err), STATUS_OK);
    assert_int_equal(glob_check(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), &err),
                     STATUS_DATA);
    assert_non_null(strstr(err.text, "too many alternatives"));
    for (size_t i = 0; i < GLOB_BYTES; i++)
        text[i] = i < GLOB_BYTES / 2 ? '{' : '}';
    assert_int_equal(glob_check((struct str){text, GLOB_BYTES}, &err), STATUS_DATA); // one empty alternative
}

// Walking ----------------------------------------------------------------------------------------------------

struct tree {
    struct scene scene;
    struct fs fs;                     // the scene's, counted and with faults
    int lists, opens, calls, fail_at; // from 1
    int error;
    struct buf log; // the paths, a line each
    struct err err;
};

static void make(struct tree *tree, const char *path) {
    char *directory = mem_copy(path, strlen(path)), *slash = strrchr(directory, '/');
    bool is_directory = slash && !slash[1];
    if (slash) {
        *slash = 0;
        assert_int_equal(fs_make_dirs(&tree->scene.fs, tree->scene.root, directory, 0777), 0);
    }
    mem_free(directory);
    if (!is_directory)
        put_text(&tree->scene, path, "");
}

static void link_to(struct tree *tree, const char *target, const char *path) {
    assert_int_equal(symlinkat(target, tree->scene.root, path), 0);
}

static int counting_list(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    struct tree *tree = self;
    tree->lists++;
    if (++tree->calls == tree->fail_at)
        return -tree->error;
    return tree->scene.fs.list(NULL, dir, path, fn, context);
}

static int counting_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct tree *tree = self;
    tree->opens++;
    if (++tree->calls == tree->fail_at)
        return -tree->error;
    return tree->scene.fs.open(NULL, dir, path, flags, mode);
}

static int plain_stat(void *self, int fd, struct stat *st) {
    struct tree *tree = self;
    return tree->scene.fs.stat(NULL, fd, st);
}

static int plain_close(void *self, int fd) {
    struct tree *tree = self;
    return tree->scene.fs.close(NULL, fd);
}

static int setup(void **state) {
    struct tree *tree = MEM_NEW(struct tree);
    scene_open(&tree->scene);
    tree->fs = (struct fs){
        .self = tree, .open = counting_open, .list = counting_list, .stat = plain_stat, .close = plain_close};
    *state = tree;
    return 0;
}

static int teardown(void **state) {
    struct tree *tree = *state;
    scene_close(&tree->scene);
    buf_release(&tree->log);
    mem_free(tree);
    return 0;
}

static enum status walk(struct tree *tree, const char *pattern, const atomic_bool *interrupt) {
    struct glob *glob;
    struct walk_paths paths;
    assert_int_equal(glob_new(str_of(pattern), &glob, &tree->err), STATUS_OK);
    tree->calls = tree->lists = tree->opens = 0;
    enum status status = walk_files(glob, &tree->fs, tree->scene.path, interrupt, &paths, &tree->err);
    buf_clear(&tree->log);
    for (size_t i = 0; status == STATUS_OK && i < paths.n; i++)
        buf_printf(&tree->log, "%s\n", paths.paths[i]);
    walk_release(&paths);
    glob_free(glob);
    return status;
}

#define WALKS(tree, pattern, wanted)                                                                         \
    do {                                                                                                     \
        assert_int_equal(walk(tree, pattern, NULL), STATUS_OK);                                              \
        assert_string_equal(buf_text(&(tree)->log), wanted);                                                 \
    } while (0)

static void is_sorted_by_bytes(void **state) {
    struct tree *tree = *state;
    static const char *const names[] = {"b.md",     "a/z.md", "a.md",       "a-b.md",
                                        "a/b/c.md", "B.md",   "\xC3\xA4.md"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        make(tree, names[i]);
    make(tree, "a/x.txt");
    make(tree, ".hidden/x.md");
    make(tree, "directory.md/");
    WALKS(tree, "**/*.md", "B.md\na-b.md\na.md\na/b/c.md\na/z.md\nb.md\n\xC3\xA4.md\n");
    WALKS(tree, "{*.md,**/z.md,a.*}", "B.md\na-b.md\na.md\na/z.md\nb.md\n\xC3\xA4.md\n");
    WALKS(tree, "nothing/*.md", "");
    WALKS(tree, "*.nothing", "");
    WALKS(tree, "a.md/*", "");
    WALKS(tree, "directory.md", "");
}

static void looks_only_where_it_must(void **state) {
    struct tree *tree = *state;
    make(tree, "notes/2024/a.md");
    make(tree, "notes/2023/a.md");
    make(tree, "other/deep/er/a.md");
    make(tree, "notes/2024/sub/a.md");
    WALKS(tree, "notes/2024/*.md", "notes/2024/a.md\n");
    assert_int_equal(tree->lists, 1);
    WALKS(tree, "{notes,other}/2024/{a,b}.md", "notes/2024/a.md\n");
    assert_int_equal(tree->lists, 0);
    WALKS(tree, "notes/*/a.md", "notes/2023/a.md\nnotes/2024/a.md\n");
    assert_int_equal(tree->lists, 1);
    WALKS(tree, "notes/**/a.md", "notes/2023/a.md\nnotes/2024/a.md\nnotes/2024/sub/a.md\n");
    assert_int_equal(tree->lists, 4);
}

static void links(void **state) {
    struct tree *tree = *state;
    make(tree, "real/a.md");
    make(tree, "real/sub/b.md");
    link_to(tree, "real", "linked");
    link_to(tree, "..", "real/sub/up");
    link_to(tree, "real/a.md", "file.md");
    link_to(tree, "nowhere", "broken.md");
    link_to(tree, "self.md", "self.md");
    assert_int_equal(mkfifoat(tree->scene.root, "pipe.md", 0666), 0);
    WALKS(tree, "**/*.md", "broken.md\nfile.md\nreal/a.md\nreal/sub/b.md\nself.md\n");
    WALKS(tree, "linked/**/*.md", "linked/a.md\nlinked/sub/b.md\n");
    WALKS(tree, "*/a.md", "linked/a.md\nreal/a.md\n");
    WALKS(tree, "**/up/*.md", "real/sub/up/a.md\n");
    WALKS(tree, "{pipe,broken}.md", "");
    WALKS(tree, "broken.md/*", "");
}

static void failures(void **state) {
    struct tree *tree = *state;
    make(tree, "a/b/x.md");
    make(tree, "c/x.md");
    link_to(tree, "c/x.md", "link.md");
    tree->error = EIO;
    static const char *const patterns[] = {"**/*.md", "a/*/x.md", "{a/b,c}/x.md"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        tree->fail_at = 0;
        WALKS(tree, patterns[i],
              i == 0   ? "a/b/x.md\nc/x.md\nlink.md\n"
              : i == 1 ? "a/b/x.md\n"
                       : "a/b/x.md\nc/x.md\n");
        int calls = tree->calls;
        for (tree->fail_at = 1; tree->fail_at <= calls; tree->fail_at++) {
            // A link that cannot be followed is a file that cannot be read: its record will say so.
            if (walk(tree, patterns[i], NULL) == STATUS_OK)
                assert_non_null(strstr(buf_text(&tree->log), "link.md\n"));
            else
                assert_non_null(strstr(tree->err.text, "Input/output error"));
        }
    }
    tree->fail_at = 3; // after the base and the link: a directory that vanishes once it was seen
    tree->error = ENOENT;
    assert_int_equal(walk(tree, "*/*.md", NULL), STATUS_OK);
    tree->error = EACCES;
    assert_int_equal(walk(tree, "*/*.md", NULL), STATUS_IO);
    assert_true(strcmp(tree->err.text, "cannot read the directory a: Permission denied") == 0 ||
                strcmp(tree->err.text, "cannot read the directory c: Permission denied") == 0);
    tree->fail_at = 1; // the base itself must be there
    tree->error = ENOENT;
    assert_int_equal(walk(tree, "*.md", NULL), STATUS_IO);
}

static void is_interrupted(void **state) {
    struct tree *tree = *state;
    atomic_bool interrupt = true;
    make(tree, "a/x.md");
    assert_int_equal(walk(tree, "**/*.md", &interrupt), STATUS_CANCELLED);
    assert_int_equal(tree->calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),      cmocka_unit_test(too_large),    cmocka_unit_test(stars),
        cmocka_unit_test(any_depth),    cmocka_unit_test(characters),   cmocka_unit_test(escapes),
        cmocka_unit_test(alternatives), cmocka_unit_test(many_stars),   TEST(failures),
        TEST(is_sorted_by_bytes),       TEST(looks_only_where_it_must), TEST(links),
        TEST(is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
