// SPDX-License-Identifier: MIT
// The file system door: nothing leaves the directory it was given, with and without openat2.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

struct place {
    char root[64];
    int dir; // root/in; beside it lies root/out
    struct fs fs;
};

static int setup(void **state) {
    struct place *p = MEM_NEW(struct place);
    snprintf(p->root, sizeof p->root, "/tmp/pressrun-fs-XXXXXX");
    p->fs = fs_system();
    if (!mkdtemp(p->root))
        return -1;
    int root = open(p->root, O_RDONLY | O_DIRECTORY);
    if (mkdirat(root, "in", 0777) || mkdirat(root, "out", 0777) || symlinkat("../out", root, "in/leave") ||
        mkdirat(root, "in/real", 0777) || symlinkat("real", root, "in/stay"))
        return -1;
    p->dir = openat(root, "in", O_RDONLY | O_DIRECTORY);
    close(root);
    *state = p;
    return p->dir < 0;
}

static int teardown(void **state) {
    struct place *p = *state;
    char command[128];
    close(p->dir);
    snprintf(command, sizeof command, "rm -rf %s", p->root);
    int result = system(command);
    mem_free(p);
    return result;
}

static int try_create(struct place *p, const char *path) {
    int fd = p->fs.open_beneath(p->fs.self, p->dir, path, O_WRONLY | O_CREAT, 0666);
    if (fd >= 0)
        p->fs.close(p->fs.self, fd);
    return fd < 0 ? fd : 0;
}

static void nothing_leaves_the_directory(void **state) {
    struct place *p = *state;
    assert_int_equal(try_create(p, "../out/x"), -EXDEV);
    assert_int_equal(try_create(p, "/tmp/x"), -EXDEV);
    assert_int_equal(try_create(p, "leave/x"), -EXDEV);
    assert_int_equal(try_create(p, "real/../../out/x"), -EXDEV);
    assert_int_equal(p->fs.make_dir(p->fs.self, p->dir, "../out/d", 0777), -EXDEV);
    assert_int_equal(p->fs.make_dir(p->fs.self, p->dir, "leave/d", 0777), -EXDEV);
    assert_int_equal(p->fs.make_dir(p->fs.self, p->dir, "/tmp/d", 0777), -EXDEV);
    assert_int_equal(p->fs.unlink(p->fs.self, p->dir, "../out"), -EXDEV);
    assert_int_equal(try_create(p, "a"), 0);
    assert_int_equal(p->fs.rename(p->fs.self, p->dir, "a", p->dir, "../out/a"), -EXDEV);
    assert_int_equal(p->fs.rename(p->fs.self, p->dir, "a", p->dir, "leave/a"), -EXDEV);
    assert_int_equal(p->fs.rename(p->fs.self, p->dir, "leave/a", p->dir, "a"), -EXDEV);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "leave/d/e", 0777), -EXDEV);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "..", 0777), -EXDEV);
}

static void what_stays_beneath_works(void **state) {
    struct place *p = *state;
    struct err err;
    assert_int_equal(try_create(p, "stay/x"), 0);
    assert_int_equal(try_create(p, "none/x"), -ENOENT);
    assert_int_equal(try_create(p, ""), -ENOENT);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "d/e//f/", 0777), 0);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "d/e/f", 0777), 0);
    assert_int_equal(p->fs.rename(p->fs.self, p->dir, "real/x", p->dir, "d/e/f/y"), 0);
    assert_int_equal(p->fs.rename(p->fs.self, p->dir, "real/x", p->dir, "d/z"), -ENOENT);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "d/e/f/y", 0777), -ENOTDIR);
    assert_int_equal(fs_make_dirs(&p->fs, p->dir, "d/e/f/y/z", 0777), -ENOTDIR);
    int fd = p->fs.open_beneath(p->fs.self, p->dir, "d/e/f/y", O_RDWR, 0);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(&p->fs, fd, "hello", 5, &err), STATUS_OK);
    struct stat st;
    assert_int_equal(p->fs.stat(p->fs.self, fd, &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(p->fs.close(p->fs.self, fd), 0);
    assert_int_equal(p->fs.unlink(p->fs.self, p->dir, "d/e/f/y"), 0);
    assert_int_equal(p->fs.unlink(p->fs.self, p->dir, "d/e/f/y"), -ENOENT);
}

static void names_swap_and_empty_directories_go(void **state) {
    struct place *p = *state;
    const struct fs *fs = &p->fs;
    struct stat a, b, st;
    assert_int_equal(fs_make_dirs(fs, p->dir, "s/t", 0777), 0);
    assert_int_equal(try_create(p, "s/a"), 0);
    assert_int_equal(try_create(p, "s/t/b"), 0);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "s/a", &a), 0);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "s/t/b", &b), 0);
    assert_int_equal(fs->exchange(fs->self, p->dir, "s/a", p->dir, "s/t/b"), 0);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "s/a", &st), 0);
    assert_int_equal(st.st_ino, b.st_ino);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "s/t/b", &st), 0);
    assert_int_equal(st.st_ino, a.st_ino);
    assert_int_equal(fs->exchange(fs->self, p->dir, "s/a", p->dir, "s/none"), -ENOENT);
    assert_int_equal(fs->exchange(fs->self, p->dir, "s/a", p->dir, "leave/a"), -EXDEV);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "leave/a", &st), -EXDEV);
    assert_int_equal(fs->stat_beneath(fs->self, p->dir, "leave", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(fs->remove_dir(fs->self, p->dir, "s/t"), -ENOTEMPTY);
    assert_int_equal(fs->remove_dir(fs->self, p->dir, "../out"), -EXDEV);
    assert_int_equal(fs->remove_dir(fs->self, p->dir, "s/a"), -ENOTDIR);
    assert_int_equal(fs->unlink(fs->self, p->dir, "s/t/b"), 0);
    assert_int_equal(fs->remove_dir(fs->self, p->dir, "s/t"), 0);
    assert_int_equal(fs->remove_dir(fs->self, p->dir, "s/t"), -ENOENT);
}

// A kernel without openat2, played by a filter that answers ENOSYS; irrevocable, so in a child.
static int refuse_openat2(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int check_walk(struct place *p) {
    if (try_create(p, "../out/x") != -EXDEV || try_create(p, "/tmp/x") != -EXDEV)
        return 1;
    if (try_create(p, "leave/x") != -ENOTDIR || try_create(p, "real/../../out/x") != -EXDEV)
        return 2;
    if (try_create(p, "leave") != -ELOOP || try_create(p, "") != -ENOENT || try_create(p, "real/") == 0)
        return 3;
    if (try_create(p, "real/x") != 0 || try_create(p, "./real//y") != 0 || try_create(p, "z") != 0)
        return 4;
    if (p->fs.rename(p->fs.self, p->dir, "real/x", p->dir, "real/w") != 0)
        return 5;
    if (p->fs.rename(p->fs.self, p->dir, "real/w", p->dir, "../out/w") != -EXDEV)
        return 6;
    if (fs_make_dirs(&p->fs, p->dir, "a/b/c", 0777) != 0 || fs_make_dirs(&p->fs, p->dir, "a/b/c", 0777) != 0)
        return 7;
    char name[300];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    return try_create(p, name) == -ENAMETOOLONG ? 0 : 8;
}

static void an_old_kernel_is_as_safe(void **state) {
    struct place *p = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(refuse_openat2() ? 77 : check_walk(p));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: this system lets no process filter its own calls\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void reading_a_file_whole(void **state) {
    struct place *p = *state;
    struct err err;
    char path[128], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/in/none", p->root);
    assert_int_equal(fs_read_file(&p->fs, path, 100, &text, &size, &err), STATUS_IO);
    assert_int_equal(err.os, ENOENT);
    assert_non_null(strstr(err.text, "in/none"));
    assert_null(text);
    snprintf(path, sizeof path, "%s/in", p->root);
    assert_int_equal(fs_read_file(&p->fs, path, 100, &text, &size, &err), STATUS_IO);
    snprintf(path, sizeof path, "%s/in/f", p->root);
    FILE *f = fopen(path, "w");
    fputs("twelve bytes", f);
    fclose(f);
    assert_int_equal(fs_read_file(&p->fs, path, 11, &text, &size, &err), STATUS_LIMIT);
    assert_int_equal(fs_read_file(&p->fs, path, 12, &text, &size, &err), STATUS_OK);
    assert_int_equal(size, 12);
    assert_string_equal(text, "twelve bytes");
    mem_free(text);
    assert_int_equal(fs_read_file(&p->fs, path, SIZE_MAX, &text, &size, &err), STATUS_OK);
    mem_free(text);
    // No size is known beforehand.
    assert_int_equal(fs_read_file(&p->fs, "/proc/self/status", 1 << 20, &text, &size, &err), STATUS_OK);
    assert_true(size > 100 && strlen(text) == size);
    mem_free(text);
}

static void reading_somewhere_moves_nothing(void **state) {
    struct place *p = *state;
    char got[8] = "";
    int fd = p->fs.open_beneath(p->fs.self, p->dir, "places", O_RDWR | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 4, 0), 0);
    assert_int_equal(write(fd, "abcdef", 6), 6);
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 3, 2), 3);
    assert_string_equal(got, "cde");
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 3, 5), 1);
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 3, 6), 0);
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 3, -1), -EINVAL);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 6);
    p->fs.close(p->fs.self, fd);
    assert_int_equal(p->fs.read_at(p->fs.self, fd, got, 3, 0), -EBADF);
}

static ssize_t write_nothing(void *self, int fd, const void *p, size_t n) {
    (void)self, (void)fd, (void)p, (void)n;
    return 0;
}

static ssize_t write_one_interrupted(void *self, int fd, const void *p, size_t n) {
    int *calls = self;
    (void)n;
    return ++*calls % 2 ? -EINTR : write(fd, p, 1);
}

static void writing_goes_on_until_all_is_written(void **state) {
    struct place *p = *state;
    struct err err;
    int calls = 0;
    struct fs fs = p->fs;
    fs.write = write_nothing;
    assert_int_equal(fs_write_all(&fs, 1, "x", 1, &err), STATUS_IO);
    fs.self = &calls;
    fs.write = write_one_interrupted;
    int fds[2];
    char got[8] = "";
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fs_write_all(&fs, fds[1], "abc", 3, &err), STATUS_OK);
    assert_int_equal(read(fds[0], got, sizeof got), 3);
    assert_string_equal(got, "abc");
    assert_int_equal(calls, 6);
    close(fds[0]);
    close(fds[1]);
}

static void clocks_run_forward(void **state) {
    (void)state;
    struct clock c = clock_system();
    uint64_t a = c.monotonic(c.self), cpu = c.thread_cpu(c.self);
    assert_true(c.monotonic(c.self) >= a);
    assert_true(c.thread_cpu(c.self) >= cpu);
    assert_true(c.wall(c.self) > INT64_C(1700000000) * 1000000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_leaves_the_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stays_beneath_works, setup, teardown),
        cmocka_unit_test_setup_teardown(names_swap_and_empty_directories_go, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_kernel_is_as_safe, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_a_file_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_somewhere_moves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_goes_on_until_all_is_written, setup, teardown),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
