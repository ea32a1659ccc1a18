// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/render/through.h"

static const uint64_t SECOND = 1000000000;

static struct through_command shell(const char *script) {
    // One array per script: commands outlive the calls that use them.
    const char **argv = MEM_NEW_ARRAY(const char *, 4);
    argv[0] = "sh", argv[1] = "-c", argv[2] = script, argv[3] = NULL;
    return (struct through_command){.program = "/bin/sh",
                                    .argv = argv,
                                    .directory = "/",
                                    .time_ns = 20 * SECOND,
                                    .output_bytes = 1 << 20};
}

static void release_command(const struct through_command *command) {
    mem_free((void *)(uintptr_t)command->argv);
}

static struct through_task task_of(const struct through_command *command, const char *text) {
    struct through_task task = {.command = command};
    buf_add_text(&task.text, text);
    return task;
}

static void release_task(struct through_task *task) {
    buf_release(&task->text);
    buf_release(&task->output);
    buf_release(&task->complaint);
}

static struct through *pool(uint32_t processes, const atomic_bool *interrupt) {
    return through_new(
        &(struct through_options){.processes = processes, .clock = clock_system(), .interrupt = interrupt});
}

// Rounds until all have come back; how many did.
static size_t serve_all(struct through *t) {
    size_t n = 0;
    bool more = true;
    while (more) {
        struct through_task *done = NULL;
        more = through_serve(t, true, &done);
        for (; done; done = done->next)
            n++;
    }
    return n;
}

static void run_one(struct through_task *task) {
    struct through *t = pool(1, NULL);
    assert_true(through_add(t, task));
    assert_int_equal(serve_all(t), 1);
    through_free(t);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nothing is left to be reaped
}

static void assert_text(const struct buf *text, const char *expected) {
    assert_int_equal(text->n, strlen(expected));
    assert_memory_equal(text->p, expected, text->n);
}

static int open_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void text_goes_in_and_comes_out(void **state) {
    (void)state;
    int open = open_descriptors();
    struct through_command command = shell("tr a-z A-Z; echo not of interest >&2");
    struct through_task task = task_of(&command, "some text");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_text(&task.output, "SOME TEXT");
    assert_int_equal(open_descriptors(), open);
    release_task(&task);
    release_command(&command);
}

static void text_larger_than_any_pipe_goes_both_ways(void **state) {
    (void)state;
    enum { SIZE = 5000000 };
    struct through_command command = shell("cat");
    struct through_task task = {.command = &command};
    command.output_bytes = SIZE;
    for (int i = 0; i < SIZE / 10; i++)
        buf_add(&task.text, "0123456789", 10);
    run_one(&task);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_int_equal(task.output.n, SIZE);
    assert_memory_equal(task.output.p, task.text.p, SIZE);
    release_task(&task);
    release_command(&command);
}

static void filter_need_not_read(void **state) {
    (void)state;
    struct through_command command = shell("exec <&-; echo fine");
    struct through_task task = {.command = &command};
    for (int i = 0; i < 100000; i++)
        buf_add(&task.text, "0123456789", 10);
    run_one(&task);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_text(&task.output, "fine\n");
    release_task(&task);
    release_command(&command);
}

static void exit_status_and_last_words_come_back(void **state) {
    (void)state;
    struct through_command command = shell("echo half; seq 1 100000 >&2; exit 7");
    struct through_task task = task_of(&command, "");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_FAILED);
    assert_true(WIFEXITED(task.status));
    assert_int_equal(WEXITSTATUS(task.status), 7);
    assert_int_equal(task.complaint.n, THROUGH_COMPLAINT);
    assert_memory_equal(task.complaint.p + task.complaint.n - 7, "100000\n", 7);
    release_task(&task);
    release_command(&command);
}

static void signal_comes_back(void **state) {
    (void)state;
    struct through_command command = shell("kill -PIPE $$");
    struct through_task task = task_of(&command, "");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_FAILED);
    assert_true(WIFSIGNALED(task.status));
    assert_int_equal(WTERMSIG(task.status), SIGPIPE); // so it was not ignored there
    release_task(&task);
    release_command(&command);
}

static void hanging_group_is_killed(void **state) {
    (void)state;
    struct through_command command = shell("(trap '' TERM; sleep 86423) & sleep 86423");
    struct through_task task = task_of(&command, "text");
    command.time_ns = SECOND / 5;
    run_one(&task);
    assert_int_equal(task.end, THROUGH_LATE);
    release_task(&task);
    release_command(&command);
}

static void what_a_filter_leaves_behind_holds_nobody_up(void **state) {
    (void)state;
    struct through_command command = shell("sleep 86424 & echo done");
    struct through_task task = task_of(&command, "text");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_text(&task.output, "done\n");
    release_task(&task);
    release_command(&command);
}

static void closed_output_is_not_the_end(void **state) {
    (void)state;
    struct through_command command = shell("echo early; exec >&- 2>&-; sleep 0.2; cat >/dev/null; exit 3");
    struct through_task task = task_of(&command, "text");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_FAILED);
    assert_int_equal(WEXITSTATUS(task.status), 3);
    assert_text(&task.output, "early\n");
    release_task(&task);
    release_command(&command);
}

static void no_output_is_one(void **state) {
    (void)state;
    struct through_command command = shell("exit 0");
    struct through_task task = task_of(&command, "text");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_int_equal(task.output.n, 0);
    release_task(&task);
    release_command(&command);
}

static void nothing_open_is_handed_on(void **state) {
    (void)state;
    struct rlimit before, many;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    many = before;
    many.rlim_cur = many.rlim_max < 5000 ? many.rlim_max : 5000;
    int fd = dup(STDIN_FILENO); // not to be closed when a program takes over
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
    struct through_command command = shell("ulimit -n; exec ls /proc/self/fd");
    struct through_task task = task_of(&command, "text");
    run_one(&task);
    setrlimit(RLIMIT_NOFILE, &before);
    close(fd);
    assert_int_equal(task.end, THROUGH_DONE);
    assert_text(&task.output, "1024\n0\n1\n2\n3\n"); // the last is the directory itself
    release_task(&task);
    release_command(&command);
}

// A kernel that is older than some of the calls: what they would tell is looked for.
static void forbid_new_calls(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(77); // nor may it be tried here
}

static void old_kernel_will_do(void **state) {
    (void)state;
    int status = 0;
    pid_t pid = fork(); // what is forbidden stays so
    assert_true(pid >= 0);
    if (pid == 0) {
        forbid_new_calls();
        struct through_command command = shell("exec 2>&- >&-; sleep 0.1; exit 5");
        struct through_task task = task_of(&command, "text"), *done = NULL;
        struct through *t = pool(1, NULL);
        bool more = through_add(t, &task);
        while (more)
            more = through_serve(t, true, &done);
        through_free(t);
        _exit(task.end == THROUGH_FAILED && WEXITSTATUS(task.status) == 5 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void times_and_places_are_told(void **state) {
    (void)state;
    enum { TASKS = 9, PLACES = 3 };
    struct through_command command = shell("cat");
    struct through_task tasks[TASKS];
    struct through *t = pool(PLACES, NULL);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_of(&command, "text");
        if (i > 0)
            tasks[i - 1].next = &tasks[i];
    }
    assert_true(through_add(t, tasks));
    assert_int_equal(serve_all(t), TASKS);
    for (int i = 0; i < TASKS; i++) {
        assert_true(tasks[i].began > 0 && tasks[i].ended >= tasks[i].began);
        assert_true(tasks[i].place < PLACES);
        for (int k = 0; k < i; k++) // nobody shared a place
            assert_true(tasks[i].place != tasks[k].place || tasks[i].began >= tasks[k].ended);
        release_task(&tasks[i]);
    }
    through_free(t);
    release_command(&command);
}

static void endless_output_is_cut_off(void **state) {
    (void)state;
    struct through_command command = shell("exec cat /dev/zero");
    struct through_task task = task_of(&command, "text");
    run_one(&task);
    assert_int_equal(task.end, THROUGH_LARGE);
    release_task(&task);
    release_command(&command);
}

static void endless_complaints_end_in_time(void **state) {
    (void)state;
    struct through_command command = shell("exec cat /dev/zero >&2");
    struct through_task task = task_of(&command, "text");
    command.time_ns = SECOND / 5;
    run_one(&task);
    assert_int_equal(task.end, THROUGH_LATE);
    assert_int_equal(task.complaint.n, THROUGH_COMPLAINT);
    release_task(&task);
    release_command(&command);
}

static void output_of_just_the_limit_is_fine(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct through_command command = shell("cat");
        struct through_task task = task_of(&command, "0123456789");
        command.output_bytes = 10;
        if (more)
            buf_add_char(&task.text, '!');
        run_one(&task);
        assert_int_equal(task.end, more ? THROUGH_LARGE : THROUGH_DONE);
        release_task(&task);
        release_command(&command);
    }
}

static void program_that_cannot_start_says_why(void **state) {
    (void)state;
    struct through_command command = shell("true");
    struct through_task task = task_of(&command, "text");
    command.program = "/nowhere/at/all";
    run_one(&task);
    assert_int_equal(task.end, THROUGH_UNSTARTED);
    assert_int_equal(task.status, ENOENT);
    assert_int_equal(task.began, 0);
    command.program = "/bin/sh";
    command.directory = "/nowhere";
    run_one(&task);
    assert_int_equal(task.end, THROUGH_UNSTARTED);
    assert_int_equal(task.status, ENOENT);
    release_task(&task);
    release_command(&command);
}

static void scarce_descriptors_make_it_slower_only(void **state) {
    (void)state;
    enum { TASKS = 12 };
    struct through_command command = shell("cat");
    struct through_task tasks[TASKS];
    struct rlimit before, few;
    struct through *t = pool(TASKS, NULL);
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_of(&command, "text");
        tasks[i].next = NULL;
        if (i > 0)
            tasks[i - 1].next = &tasks[i];
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)open_descriptors() + 16; // for two or three at once
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_true(through_add(t, tasks));
    size_t n = serve_all(t);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(n, TASKS);
    through_free(t);
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(tasks[i].end, THROUGH_DONE);
        assert_text(&tasks[i].output, "text");
        release_task(&tasks[i]);
    }
    release_command(&command);
}

static void interrupt_ends_what_has_not_begun(void **state) {
    (void)state;
    atomic_bool interrupt = false, stopped = true;
    struct through_command command = shell("cat; sleep 0.3");
    struct through_task tasks[3] = {task_of(&command, "a"), task_of(&command, "b"), task_of(&command, "c")};
    struct through *t = pool(1, &interrupt);
    struct through_task *done = NULL;
    tasks[0].cancel = &stopped;
    tasks[0].next = &tasks[1];
    tasks[1].next = &tasks[2];
    assert_true(through_add(t, tasks));
    assert_true(through_serve(t, false, &done)); // the first is not wanted, the second begins
    assert_ptr_equal(done, &tasks[0]);
    assert_null(done->next);
    atomic_store(&interrupt, true);
    assert_int_equal(serve_all(t), 2);
    assert_int_equal(tasks[0].end, THROUGH_CANCELLED);
    assert_int_equal(tasks[1].end, THROUGH_DONE);
    assert_text(&tasks[1].output, "b");
    assert_int_equal(tasks[2].end, THROUGH_CANCELLED);
    through_free(t);
    for (int i = 0; i < 3; i++)
        release_task(&tasks[i]);
    release_command(&command);
}

static void freeing_kills_what_runs(void **state) {
    (void)state;
    int open = open_descriptors();
    struct through_command command = shell("sleep 86425");
    struct through_task task = task_of(&command, "text"), *done = NULL;
    struct through *t = pool(2, NULL);
    assert_true(through_add(t, &task));
    assert_true(through_serve(t, false, &done));
    through_free(t);
    assert_int_equal(task.end, THROUGH_CANCELLED);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(open_descriptors(), open);
    release_task(&task);
    release_command(&command);
}

// Threads add while one serves, which takes up serving whenever through_add says so.
enum { ADDERS = 3, ADDED = 15 };
struct adder {
    struct through *t;
    const struct through_command *command;
    struct through_task tasks[ADDED];
    pthread_t thread;
    atomic_size_t *back;
};

static void *add_some(void *arg) {
    struct adder *adder = arg;
    for (int i = 0; i < ADDED; i++) {
        adder->tasks[i] = task_of(adder->command, "text");
        if (through_add(adder->t, &adder->tasks[i]))
            atomic_fetch_add(adder->back, serve_all(adder->t));
    }
    return NULL;
}

static void many_threads_add(void **state) {
    (void)state;
    atomic_size_t back = 0;
    struct through_command command = shell("cat");
    struct through *t = pool(4, NULL);
    struct adder *adders = MEM_NEW_ARRAY(struct adder, ADDERS);
    for (int i = 0; i < ADDERS; i++) {
        adders[i].t = t;
        adders[i].command = &command;
        adders[i].back = &back;
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_some, &adders[i]), 0);
    }
    for (int i = 0; i < ADDERS; i++)
        pthread_join(adders[i].thread, NULL);
    assert_int_equal(back, ADDERS * ADDED);
    for (int i = 0; i < ADDERS; i++) {
        for (int k = 0; k < ADDED; k++) {
            assert_int_equal(adders[i].tasks[k].end, THROUGH_DONE);
            assert_text(&adders[i].tasks[k].output, "text");
            release_task(&adders[i].tasks[k]);
        }
    }
    mem_free(adders);
    through_free(t);
    release_command(&command);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_in_and_comes_out),
        cmocka_unit_test(text_larger_than_any_pipe_goes_both_ways),
        cmocka_unit_test(filter_need_not_read),
        cmocka_unit_test(exit_status_and_last_words_come_back),
        cmocka_unit_test(signal_comes_back),
        cmocka_unit_test(hanging_group_is_killed),
        cmocka_unit_test(what_a_filter_leaves_behind_holds_nobody_up),
        cmocka_unit_test(closed_output_is_not_the_end),
        cmocka_unit_test(no_output_is_one),
        cmocka_unit_test(nothing_open_is_handed_on),
        cmocka_unit_test(old_kernel_will_do),
        cmocka_unit_test(times_and_places_are_told),
        cmocka_unit_test(endless_output_is_cut_off),
        cmocka_unit_test(endless_complaints_end_in_time),
        cmocka_unit_test(output_of_just_the_limit_is_fine),
        cmocka_unit_test(program_that_cannot_start_says_why),
        cmocka_unit_test(scarce_descriptors_make_it_slower_only),
        cmocka_unit_test(interrupt_ends_what_has_not_begun),
        cmocka_unit_test(freeing_kills_what_runs),
        cmocka_unit_test(many_threads_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
