// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/render/through_identity.h"

struct folder {
    char path[64];
};

static int make_folder(void **state) {
    struct folder *folder = MEM_NEW(struct folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/test-identity-XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

static int remove_folder(void **state) {
    struct folder *folder = *state;
    static const char *const names[] = {"tool", "other", "link", "input", "second", "new"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        unlink(path);
    }
    rmdir(folder->path);
    mem_free(folder);
    return 0;
}

static const char *put(const struct folder *folder, const char *name, const char *text, char path[128]) {
    snprintf(path, 128, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

// As if it had been touched a day before.
static void age(const char *path) {
    const struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct digest identity(const char *directory, const char *program, const char *const *argv,
                              const char *const *inputs) {
    struct fs fs = fs_system();
    struct err err;
    struct digest digest;
    struct str names[4];
    size_t n = 0;
    for (; inputs && inputs[n]; n++)
        names[n] = str_of(inputs[n]);
    const struct through_command command = {.program = program, .argv = argv, .directory = directory};
    assert_int_equal(through_identity(&fs, &command, names, n, &digest, &err), STATUS_OK);
    return digest;
}

static const char *const plain[] = {"tool", "x", NULL};

static void arguments_count(void **state) {
    char path[128];
    put(*state, "tool", "#!/bin/sh\n", path);
    static const char *const lists[][4] = {{"tool", "x"},     {"tool", "y"}, {"tool", "x", ""},
                                           {"tool", "", "x"}, {"toolx"},     {"tool"}};
    enum { LISTS = sizeof lists / sizeof *lists };
    struct digest seen[LISTS];
    for (int i = 0; i < LISTS; i++) {
        seen[i] = identity("/", path, lists[i], NULL);
        assert_true(digest_equal(seen[i], identity("/", path, lists[i], NULL)));
        for (int k = 0; k < i; k++)
            assert_false(digest_equal(seen[i], seen[k]));
    }
}

static void script_is_known_by_its_contents(void **state) {
    char path[128];
    put(*state, "tool", "#!/bin/sh\necho a\n", path);
    struct digest first = identity("/", path, plain, NULL);
    age(path);
    assert_true(digest_equal(first, identity("/", path, plain, NULL)));
    unlink(path);
    put(*state, "tool", "#!/bin/sh\necho a\n", path); // another inode
    assert_true(digest_equal(first, identity("/", path, plain, NULL)));
    put(*state, "tool", "#!/bin/sh\necho b\n", path);
    assert_false(digest_equal(first, identity("/", path, plain, NULL)));
}

static void program_is_known_by_size_time_and_inode(void **state) {
    char path[128], replaced[128];
    put(*state, "tool", "binary", path);
    age(path);
    struct digest first = identity("/", path, plain, NULL);
    assert_true(digest_equal(first, identity("/", path, plain, NULL)));
    put(*state, "tool", "binary", path); // touched
    assert_false(digest_equal(first, identity("/", path, plain, NULL)));
    age(path);
    assert_true(digest_equal(first, identity("/", path, plain, NULL)));
    put(*state, "new", "binary", replaced);
    age(replaced);
    assert_int_equal(rename(replaced, path), 0);
    assert_false(digest_equal(first, identity("/", path, plain, NULL)));
}

static void large_script_is_known_as_a_program_is(void **state) {
    char path[128];
    put(*state, "tool", "#!/bin/sh\n", path);
    assert_int_equal(truncate(path, THROUGH_SCRIPT_BYTES), 0);
    struct digest first = identity("/", path, plain, NULL);
    age(path);
    assert_false(digest_equal(first, identity("/", path, plain, NULL)));
}

static void links_are_followed(void **state) {
    const struct folder *folder = *state;
    char tool[128], other[128], link[128];
    put(folder, "tool", "#!/bin/sh\n", tool);
    put(folder, "other", "#!/bin/sh\n", other);
    snprintf(link, sizeof link, "%s/link", folder->path);
    assert_int_equal(symlink("tool", link), 0);
    struct digest first = identity("/", link, plain, NULL);
    assert_true(digest_equal(first, identity("/", tool, plain, NULL)));
    assert_true(
        digest_equal(first, identity(folder->path, "./tool", plain, NULL))); // from the command's directory
    unlink(link);
    assert_int_equal(symlink("other", link), 0);
    assert_false(digest_equal(first, identity("/", link, plain, NULL)));
}

static void inputs_count_by_their_contents(void **state) {
    char tool[128], input[128], second[128];
    put(*state, "tool", "#!/bin/sh\n", tool);
    put(*state, "input", "one", input);
    put(*state, "second", "two", second);
    const char *const none[] = {NULL}, *const one[] = {input, NULL}, *const both[] = {input, second, NULL},
                      *const turned[] = {second, input, NULL};
    struct digest first = identity("/", tool, plain, one);
    assert_false(digest_equal(first, identity("/", tool, plain, none)));
    assert_false(digest_equal(first, identity("/", tool, plain, both)));
    assert_false(digest_equal(identity("/", tool, plain, turned), identity("/", tool, plain, both)));
    age(input);
    assert_true(digest_equal(first, identity("/", tool, plain, one)));
    put(*state, "input", "ONE", input);
    assert_false(digest_equal(first, identity("/", tool, plain, one)));
}

static void what_is_not_there_is_told(void **state) {
    struct fs fs = fs_system();
    struct err err;
    struct digest digest;
    char tool[128];
    struct through_command command = {.program = "/nowhere/tool", .argv = plain, .directory = "/"};
    assert_int_not_equal(through_identity(&fs, &command, NULL, 0, &digest, &err), STATUS_OK);
    assert_non_null(strstr(err.text, "/nowhere/tool"));
    command.program = put(*state, "tool", "#!/bin/sh\n", tool);
    const struct str missing = STR("/nowhere/input"), folder = STR("/");
    assert_int_not_equal(through_identity(&fs, &command, &missing, 1, &digest, &err), STATUS_OK);
    assert_non_null(strstr(err.text, "/nowhere/input"));
    assert_int_not_equal(through_identity(&fs, &command, &folder, 1, &digest, &err), STATUS_OK); // EISDIR
}

static void key_is_of_identity_and_text(void **state) {
    (void)state;
    const struct digest a = {1, 2}, b = {2, 1};
    struct digest key = through_key(a, STR("text"));
    assert_true(digest_equal(key, through_key(a, STR("text"))));
    assert_false(digest_equal(key, through_key(b, STR("text"))));
    assert_false(digest_equal(key, through_key(a, STR("texT"))));
    assert_false(digest_equal(key, through_key(a, STR(""))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arguments_count, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(script_is_known_by_its_contents, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(program_is_known_by_size_time_and_inode, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(large_script_is_known_as_a_program_is, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(links_are_followed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(inputs_count_by_their_contents, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_told, make_folder, remove_folder),
        cmocka_unit_test(key_is_of_identity_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
