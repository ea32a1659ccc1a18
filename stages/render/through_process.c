// SPDX-License-Identifier: MIT
#include "stages/render/through_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

// In one go, a process gets rid of PIECES * PIECE bytes at most, so that one that writes without end holds nobody up.
enum { PIECE = 1 << 16, PIECES = 32, COMPLAINT_HELD = 2 * THROUGH_COMPLAINT };

// What a program expects that has not asked for more: select knows no more of them, and some close all they may have.
enum { DESCRIPTORS = 1024 };
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4U
#endif

extern char **environ;

static void close_end(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// Start -----------------------------------------------------------------------------------------------------

enum { READ_END, WRITE_END };

struct ends { // of the pipes; each is [READ_END], [WRITE_END]
    int input[2], output[2], complaint[2], failure[2];
};

static void close_ends(struct ends *ends) {
    for (int side = 0; side < 2; side++) {
        close_end(&ends->input[side]);
        close_end(&ends->output[side]);
        close_end(&ends->complaint[side]);
        close_end(&ends->failure[side]);
    }
}

static int open_ends(struct ends *ends) {
    *ends = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    bool opened = pipe2(ends->input, O_CLOEXEC) == 0 && pipe2(ends->output, O_CLOEXEC) == 0 &&
                  pipe2(ends->complaint, O_CLOEXEC) == 0 && pipe2(ends->failure, O_CLOEXEC) == 0;
    // Only this side does not wait: flags belong to an end, and the filter's ends are as any program expects them.
    opened = opened && fcntl(ends->input[WRITE_END], F_SETFL, O_NONBLOCK) == 0 &&
             fcntl(ends->output[READ_END], F_SETFL, O_NONBLOCK) == 0 &&
             fcntl(ends->complaint[READ_END], F_SETFL, O_NONBLOCK) == 0;
    int os = opened ? 0 : errno;
    if (os)
        close_ends(ends);
    return os;
}

// In the new process, which shares this one's memory until it has a program of its own: bare system calls only, since
// what libraries and sanitizers put around them may want locks that another thread holds. What this program was given
// open, and did not open itself, is closed by close_range, where the kernel knows it.
__attribute__((no_sanitize("thread"))) static void become(const struct through_command *command,
                                                          const struct ends *ends,
                                                          const struct rlimit *descriptors, long parent) {
    enum { KERNEL_SET = 8 };               // bytes of a signal set
    const unsigned long standard[8] = {0}; // a kernel's sigaction: the default
    const unsigned char none[KERNEL_SET] = {0};
    bool ready =
        syscall(SYS_setpgid, 0, 0) == 0 && syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
        syscall(SYS_getppid) == parent && syscall(SYS_dup3, ends->input[READ_END], STDIN_FILENO, 0) >= 0 &&
        syscall(SYS_dup3, ends->output[WRITE_END], STDOUT_FILENO, 0) >= 0 &&
        syscall(SYS_dup3, ends->complaint[WRITE_END], STDERR_FILENO, 0) >= 0 &&
        syscall(SYS_chdir, command->directory) == 0 &&
        syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, descriptors, NULL) == 0 &&
        syscall(SYS_rt_sigaction, SIGPIPE, standard, NULL, KERNEL_SET) == 0 &&
        syscall(SYS_rt_sigaction, SIGXFSZ, standard, NULL, KERNEL_SET) == 0 &&
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, KERNEL_SET) == 0;
#ifdef SYS_close_range
    if (ready)
        syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
    if (ready)
        syscall(SYS_execve, command->program, command->argv, environ);
    int os = errno;
    long told = syscall(SYS_write, ends->failure[WRITE_END], &os, sizeof os);
    for (;;) // of the new process only; nothing of this one is run down
        syscall(SYS_exit_group, told == sizeof os ? 127 : 126);
}

// Not inlined, so that no local variable of a caller is at stake.
__attribute__((noinline, no_sanitize("thread"))) static pid_t spawn(const struct through_command *command,
                                                                    const struct ends *ends) {
    const long parent = getpid();
    struct rlimit descriptors = {.rlim_cur = DESCRIPTORS, .rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_NOFILE, &descriptors);
    if (descriptors.rlim_cur > DESCRIPTORS)
        descriptors.rlim_cur = DESCRIPTORS;
    pid_t pid = vfork();
    if (pid == 0)
        become(command, ends, &descriptors, parent);
    return pid;
}

// Why the program did not take over; 0: it did.
static int read_failure(struct ends *ends) {
    int os = 0;
    close_end(&ends->failure[WRITE_END]);
    ssize_t n;
    do
        n = read(ends->failure[READ_END], &os, sizeof os);
    while (n < 0 && errno == EINTR);
    return n == sizeof os ? os : 0;
}

int through_process_start(struct through_process *p, struct through_task *task) {
    struct ends ends;
    int os = open_ends(&ends);
    if (os)
        return os;
    // No handler of this program may run in the new process.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = spawn(task->command, &ends);
    os = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!os) {
        os = read_failure(&ends);
        while (os && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (os) {
        close_ends(&ends);
        return os;
    }
    *p = (struct through_process){.task = task,
                                  .pid = pid,
                                  .handle = (int)syscall(SYS_pidfd_open, pid, 0),
                                  .input = ends.input[WRITE_END],
                                  .output = ends.output[READ_END],
                                  .complaint = ends.complaint[READ_END]};
    ends.input[WRITE_END] = ends.output[READ_END] = ends.complaint[READ_END] = -1;
    close_ends(&ends);
    task->end = THROUGH_DONE;
    task->status = 0;
    return 0;
}

void through_process_kill(struct through_process *p, enum through_end why) {
    if (p->killed)
        return;
    p->killed = true;
    p->task->end = why;
    kill(-p->pid, SIGKILL);
}

// Serve -----------------------------------------------------------------------------------------------------

size_t through_process_watch(const struct through_process *p, struct pollfd *fds) {
    size_t n = 0;
    if (p->handle >= 0)
        fds[n++] = (struct pollfd){.fd = p->handle, .events = POLLIN};
    if (p->input >= 0)
        fds[n++] = (struct pollfd){.fd = p->input, .events = POLLOUT};
    if (p->output >= 0)
        fds[n++] = (struct pollfd){.fd = p->output, .events = POLLIN};
    if (p->complaint >= 0)
        fds[n++] = (struct pollfd){.fd = p->complaint, .events = POLLIN};
    return n;
}

size_t through_process_called(struct through_process *p, const struct pollfd *fds) {
    size_t n = (size_t)((p->handle >= 0) + (p->input >= 0) + (p->output >= 0) + (p->complaint >= 0));
    p->called = p->handle < 0;
    for (size_t i = 0; i < n; i++)
        p->called |= fds[i].revents != 0;
    return n;
}

// A filter that does not want the rest of its input is as good as any.
static void feed(struct through_process *p) {
    const struct buf *text = &p->task->text;
    while (p->input >= 0 && p->written < text->n) {
        ssize_t n = write(p->input, text->p + p->written, text->n - p->written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        p->written += (size_t)n;
    }
    close_end(&p->input);
}

// What is there, behind what `out` has; false: it may be more than `most` in all.
static bool take(int *fd, struct buf *out, uint64_t most) {
    for (int i = 0; i < PIECES && *fd >= 0 && out->n <= most; i++) {
        buf_reserve(out, PIECE);
        ssize_t n = read(*fd, out->p + out->n, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            close_end(fd);
        else
            out->n += (size_t)n;
    }
    return out->n <= most;
}

static void take_complaint(struct through_process *p) {
    struct buf *held = &p->task->complaint;
    for (int i = 0; i < PIECES && !take(&p->complaint, held, COMPLAINT_HELD); i++) {
        memmove(held->p, held->p + held->n - THROUGH_COMPLAINT, THROUGH_COMPLAINT);
        held->n = THROUGH_COMPLAINT;
    }
}

void through_process_move(struct through_process *p) {
    feed(p);
    if (!p->killed && !take(&p->output, &p->task->output, p->task->command->output_bytes))
        through_process_kill(p, THROUGH_LARGE);
    take_complaint(p);
}

// The texts may wait for a while.
static void fit(struct buf *text) {
    if (text->n == 0)
        buf_release(text);
    else
        text->p = mem_realloc(text->p, text->n);
    text->cap = text->n;
}

static void close_all(struct through_process *p) {
    close_end(&p->handle);
    close_end(&p->input);
    close_end(&p->output);
    close_end(&p->complaint);
}

bool through_process_reap(struct through_process *p) {
    struct through_task *task = p->task;
    siginfo_t info = {.si_pid = 0};
    int result = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && info.si_pid == 0)
        return false;
    if (result == 0)
        kill(-p->pid, SIGKILL); // what it left behind; its number is not given away before it is reaped
    through_process_move(p);
    int status = 0;
    pid_t reaped;
    do
        reaped = waitpid(p->pid, &status, 0);
    while (reaped < 0 && errno == EINTR);
    task->status = reaped == p->pid ? status : 0;
    bool well = reaped == p->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!p->killed && !well)
        task->end = THROUGH_FAILED;
    if (task->complaint.n > THROUGH_COMPLAINT) {
        size_t spare = task->complaint.n - THROUGH_COMPLAINT;
        memmove(task->complaint.p, task->complaint.p + spare, THROUGH_COMPLAINT);
        task->complaint.n = THROUGH_COMPLAINT;
    }
    fit(&task->output);
    fit(&task->complaint);
    close_all(p);
    return true;
}
