// SPDX-License-Identifier: MIT
// Every folder of tests/manifest with a pressrun.yaml or pressrun.json is a case: reading it must report exactly
// what its file `expected` says. PRESSRUN_BLESS=1 writes these files anew.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "pipeline/manifest/manifest.h"

enum { CASES_MAX = 400, CASES_MIN = 60 };

static char *read_text(const char *path, size_t *size) {
    struct fs fs = fs_system();
    struct err err;
    char *text;
    return fs_read_file(&fs, path, 1 << 24, &text, size, &err) == STATUS_OK ? text : NULL;
}

static void write_text(const char *path, struct str text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    if (text.n)
        assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    assert_int_equal(fclose(file), 0);
}

static void compare(struct buf *got) {
    if (getenv("PRESSRUN_BLESS")) {
        write_text("expected", buf_str(got));
        return;
    }
    size_t size;
    char *want = read_text("expected", &size);
    assert_non_null(want);
    assert_string_equal(buf_text(got), want);
    mem_free(want);
}

static void test_case(void **state) {
    struct fs fs = fs_system();
    struct arena arena;
    struct diags diags;
    struct buf out = BUF_INIT;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    assert_int_equal(chdir(PRESSRUN_MANIFEST_CASES), 0);
    assert_int_equal(chdir(*state), 0);
    const char *path = manifest_find(&fs, &arena, ".");
    assert_non_null(path);
    struct manifest *m = manifest_read(&fs, path, &diags);
    assert_true(m->sound == (diags.errors == 0));
    manifest_free(m); // diags outlive it
    size_t errors = 0;
    for (const struct diag *d = diags.first; d; d = d->next) {
        errors += d->severity == SEVERITY_ERROR;
        diag_write(d, false, &out);
        assert_true(d->next || d == diags.last);
    }
    assert_int_equal(errors, diags.errors);
    compare(&out);
    buf_release(&out);
    arena_release(&arena);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// A folder below the cases that has a manifest.
static bool is_case(const char *name) {
    char path[512];
    struct fs fs = fs_system();
    struct arena arena;
    arena_init(&arena, 0);
    snprintf(path, sizeof path, "%s/%s", PRESSRUN_MANIFEST_CASES, name);
    bool found = name[0] != '.' && manifest_find(&fs, &arena, path);
    arena_release(&arena);
    return found;
}

int main(void) {
    static char *names[CASES_MAX];
    static struct CMUnitTest tests[CASES_MAX];
    size_t n = 0;
    DIR *dir = opendir(PRESSRUN_MANIFEST_CASES);
    for (const struct dirent *entry; dir && n < CASES_MAX && (entry = readdir(dir));) {
        if (is_case(entry->d_name))
            names[n++] = mem_copy(entry->d_name, strlen(entry->d_name));
    }
    if (dir)
        closedir(dir);
    if (n < CASES_MIN) {
        fprintf(stderr, "only %zu cases in %s\n", n, PRESSRUN_MANIFEST_CASES);
        return 1;
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = test_case, .initial_state = names[i]};
    int failed = _cmocka_run_group_tests("manifest", tests, n, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        mem_free(names[i]);
    return failed;
}
