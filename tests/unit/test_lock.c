// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/run/lock.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

static const struct lock_options plain = {.shown = "the/output"};

static enum status take(struct scene *scene, struct lock *lock, struct err *err) {
    return lock_take(&scene->fs, scene->root, &plain, lock, err);
}

static void assert_process(const struct scene *scene, long process) {
    char text[32];
    snprintf(text, sizeof text, "%ld\n", process);
    assert_file(scene, LOCK_FILE, text);
}

static void second_run_is_told_about_the_first(void **state) {
    (void)state;
    struct scene scene;
    struct lock first, second;
    struct err err;
    char process[32];
    scene_open(&scene);
    assert_int_equal(take(&scene, &first, &err), STATUS_OK);
    assert_false(first.left_behind);
    assert_false(first.unavailable);
    assert_process(&scene, getpid());
    assert_int_equal(fcntl(first.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(take(&scene, &second, &err), STATUS_CONFLICT);
    snprintf(process, sizeof process, "(process %ld)", (long)getpid());
    assert_non_null(strstr(err.text, process));
    assert_non_null(strstr(err.text, "the/output"));
    assert_non_null(strstr(err.text, "--wait"));
    lock_release(&second); // holds nothing
    assert_process(&scene, getpid());
    lock_release(&first);
    lock_release(&first);
    assert_file(&scene, LOCK_FILE, "");
    assert_int_equal(take(&scene, &second, &err), STATUS_OK);
    assert_false(second.left_behind);
    lock_release(&second);
    scene_close(&scene);
}

static void holders_that_cannot_be_named_are_not(void **state) {
    (void)state;
    static const char *const contents[] = {"", "\n", "12", "x\n", "-5\n", "1234567890123456789012\n"};
    struct scene scene;
    struct lock first, second;
    struct err err;
    scene_open(&scene);
    assert_int_equal(take(&scene, &first, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        put_text(&scene, LOCK_FILE, contents[i]);
        assert_int_equal(take(&scene, &second, &err), STATUS_CONFLICT);
        assert_null(strstr(err.text, "process"));
        assert_non_null(strstr(err.text, "another run is writing"));
    }
    lock_release(&first);
    scene_close(&scene);
}

static void killed_runs_leave_no_lock_but_a_trace(void **state) {
    (void)state;
    struct scene scene;
    struct lock lock;
    struct err err;
    scene_open(&scene);
    for (int i = 0; i < 2; i++) { // the second time over the first one's trace
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (take(&scene, &lock, &err) == STATUS_OK && lock.left_behind == (i > 0))
                raise(SIGKILL);
            _exit(1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_process(&scene, child);
    }
    put_text(&scene, LOCK_FILE, "99999999999\nand more\n"); // longer than what will be written over it
    assert_int_equal(take(&scene, &lock, &err), STATUS_OK);
    assert_true(lock.left_behind);
    assert_process(&scene, getpid());
    lock_release(&lock); // without having cleared it away
    assert_int_equal(take(&scene, &lock, &err), STATUS_OK);
    assert_true(lock.left_behind);
    lock.left_behind = false;
    lock_release(&lock);
    assert_int_equal(take(&scene, &lock, &err), STATUS_OK);
    assert_false(lock.left_behind);
    lock_release(&lock);
    scene_close(&scene);
}

// Waiting ------------------------------------------------------------------------------------------------------
struct waiting {
    struct scene *scene;
    struct lock *holder;
    bool remove;
    atomic_bool interrupt;
    int told;
    char sentence[128];
};

static void let_go(void *context, const char *sentence) {
    struct waiting *w = context;
    w->told++;
    snprintf(w->sentence, sizeof w->sentence, "%s", sentence);
    if (w->remove)
        unlinkat(w->scene->root, LOCK_FILE, 0);
    if (w->holder)
        lock_release(w->holder);
    else
        atomic_store(&w->interrupt, true);
}

static enum status wait_for(struct waiting *w, struct lock *lock, struct err *err) {
    struct lock_options options = {
        .shown = "out", .wait = true, .interrupt = &w->interrupt, .on_wait = let_go, .context = w};
    return lock_take(&w->scene->fs, w->scene->root, &options, lock, err);
}

static void waiting_ends_when_the_other_run_does(void **state) {
    (void)state;
    for (int remove = 0; remove < 2; remove++) { // somebody cleared the directory away meanwhile
        struct scene scene;
        struct lock first, second, third;
        struct err err;
        scene_open(&scene);
        assert_int_equal(take(&scene, &first, &err), STATUS_OK);
        struct waiting w = {.scene = &scene, .holder = &first, .remove = remove};
        assert_int_equal(wait_for(&w, &second, &err), STATUS_OK);
        assert_int_equal(w.told, 1);
        char expected[128];
        snprintf(expected, sizeof expected, "waiting for process number %ld, which works on out",
                 (long)getpid());
        assert_string_equal(w.sentence, expected);
        assert_false(second.left_behind);
        assert_process(&scene, getpid());
        assert_int_equal(take(&scene, &third, &err), STATUS_CONFLICT); // it is the lock of that name
        lock_release(&second);
        // free at once: nobody is told
        assert_int_equal(wait_for(&w, &second, &err), STATUS_OK);
        assert_int_equal(w.told, 1);
        lock_release(&second);
        scene_close(&scene);
    }
}

static void waiting_ends_when_interrupted(void **state) {
    (void)state;
    struct scene scene;
    struct lock first, second;
    struct err err;
    scene_open(&scene);
    assert_int_equal(take(&scene, &first, &err), STATUS_OK);
    struct waiting w = {.scene = &scene};
    assert_int_equal(wait_for(&w, &second, &err), STATUS_CANCELLED);
    assert_int_equal(w.told, 1);
    assert_non_null(strstr(err.text, "out"));
    assert_process(&scene, getpid());
    lock_release(&first);
    scene_close(&scene);
}

// What may be in the way ---------------------------------------------------------------------------------------
static void lock_stays_beneath_the_root(void **state) {
    (void)state;
    struct scene scene, outside;
    struct lock lock;
    struct err err;
    scene_open(&scene);
    scene_open(&outside);
    put_text(&outside, "lock", "kept");
    assert_int_equal(symlinkat(outside.path, scene.root, ".pressrun"), 0);
    assert_int_equal(take(&scene, &lock, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "the/output/" LOCK_FILE));
    assert_int_equal(unlinkat(scene.root, ".pressrun", 0), 0);
    assert_int_equal(mkdirat(scene.root, ".pressrun", 0777), 0);
    char victim[300];
    snprintf(victim, sizeof victim, "%s/lock", outside.path);
    assert_int_equal(symlinkat(victim, scene.root, LOCK_FILE), 0);
    assert_int_equal(take(&scene, &lock, &err), STATUS_IO);
    assert_int_equal(err.os, ELOOP);
    assert_file(&outside, "lock", "kept");
    assert_int_equal(count_files(outside.root, NULL), 1);
    assert_int_equal(unlinkat(scene.root, LOCK_FILE, 0), 0);
    assert_int_equal(mkfifoat(scene.root, LOCK_FILE, 0666), 0);
    assert_int_equal(take(&scene, &lock, &err), STATUS_IO);
    scene_close(&scene);
    scene_close(&outside);
}

static int no_locks(void *self, int fd) {
    (void)self, (void)fd;
    return -ENOLCK;
}

static void file_systems_without_locks_are_used_without(void **state) {
    (void)state;
    struct scene scene;
    struct lock lock;
    struct err err;
    scene_open(&scene);
    scene.fs.lock = no_locks;
    assert_int_equal(take(&scene, &lock, &err), STATUS_OK);
    assert_true(lock.unavailable);
    assert_false(lock.left_behind);
    lock_release(&lock);
    assert_file(&scene, LOCK_FILE, ""); // nothing that would tell of a killed run
    scene_close(&scene);
}

static void any_fault_is_told_and_leaves_nothing_open(void **state) {
    (void)state;
    static const int errors[] = {ENOSPC, EACCES, EMFILE, EROFS};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        int n = 1;
        for (bool hit = true; hit; n++) {
            struct scene scene;
            struct faulty faulty;
            struct lock lock;
            struct err err;
            scene_open(&scene);
            scene.fs = faulty_fs(&faulty, n, errors[e]);
            enum status status = take(&scene, &lock, &err);
            int calls = faulty.calls;
            if (status == STATUS_OK) {
                assert_process(&scene, getpid());
                lock_release(&lock);
            } else {
                assert_int_equal(status, STATUS_IO);
                assert_int_equal(err.os, errors[e]);
                assert_non_null(strstr(err.text, "the/output/" LOCK_FILE));
            }
            assert_true((status == STATUS_OK) == (n > calls));
            assert_int_equal(faulty.open_files, 0);
            hit = faulty.hit;
            scene_close(&scene);
        }
        assert_true(n > 6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_run_is_told_about_the_first),
        cmocka_unit_test(holders_that_cannot_be_named_are_not),
        cmocka_unit_test(killed_runs_leave_no_lock_but_a_trace),
        cmocka_unit_test(waiting_ends_when_the_other_run_does),
        cmocka_unit_test(waiting_ends_when_interrupted),
        cmocka_unit_test(lock_stays_beneath_the_root),
        cmocka_unit_test(file_systems_without_locks_are_used_without),
        cmocka_unit_test(any_fault_is_told_and_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
