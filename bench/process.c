// SPDX-License-Identifier: MIT
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { ERRORS_KEPT = 16 << 10, OUTPUT_KEPT = 64 << 20, PADDING_MOST = 1 << 16, INTERRUPT_LOOK_MS = 50 };

extern char **environ;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// Instructions of a process and of all that it will start, from its exec on; -1: this machine does not tell.
static int open_counter(pid_t pid) {
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .disabled = 1,
                                   .inherit = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1,
                                   .enable_on_exec = 1};
    return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool process_counts_instructions(void) {
    int fd = open_counter(0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// Seconds that all CPUs together have lost to the host since boot.
static double stolen_so_far(void) {
    char text[512];
    int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    unsigned long long steal = 0;
    if (sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
        return 0;
    return (double)steal / (double)sysconf(_SC_CLK_TCK);
}

// The environment again, with padding and a passive wait policy; one allocation for the array, which the caller frees.
static char **environment_of(const struct process_command *command, char *padding) {
    size_t n = 0, at = 0;
    while (environ[n])
        n++;
    char **copy = MEM_NEW_ARRAY(char *, n + 3);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "OMP_WAIT_POLICY=", 16) != 0)
            copy[at++] = environ[i];
    uint32_t size = command->padding < PADDING_MOST ? command->padding : PADDING_MOST;
    memcpy(padding, "PRESSRUN_PADDING=", 17);
    memset(padding + 17, 'x', size);
    padding[17 + size] = 0;
    copy[at++] = padding;
    copy[at++] = "OMP_WAIT_POLICY=passive";
    return copy;
}

struct child {
    pid_t pid;
    int start[2];                // a byte in it, and the child goes on
    int output, errors, failure; // ends that the parent reads; failure: errno of an exec that failed
    int counter;
};

// In the child: only what is safe after a fork of a program with threads.
_Noreturn static void become(const struct process_command *command, char **environment, const int ends[4]) {
    char go;
    if (command->cpus)
        sched_setaffinity(0, sizeof *command->cpus, command->cpus);
    int null = open("/dev/null", O_RDONLY);
    bool fine = null >= 0 && dup2(null, 0) >= 0 && dup2(ends[1], 1) >= 0 && dup2(ends[2], 2) >= 0 &&
                (!command->directory || chdir(command->directory) == 0) && read(ends[0], &go, 1) == 1;
    if (fine) {
        setpgid(0, 0);
        environ = environment;
        execvp(command->arguments[0], (char *const *)command->arguments);
    }
    int failure = errno;
    ssize_t told = write(ends[3], &failure, sizeof failure);
    (void)told;
    syscall(SYS_exit_group, 127);
    __builtin_unreachable();
}

static void close_pair(int pair[2]) {
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static enum status start(const struct process_command *command, struct child *child, struct err *err) {
    int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    for (int i = 0; i < 4; i++)
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            err_os(err, errno, "cannot make a pipe");
            for (int k = 0; k < i; k++)
                close_pair(pipes[k]);
            return err->status;
        }
    char *padding = mem_alloc(PADDING_MOST + 32);
    char **environment = environment_of(command, padding);
    const int ends[4] = {pipes[0][0], pipes[1][1], pipes[2][1], pipes[3][1]};
    child->pid = fork();
    if (child->pid == 0)
        become(command, environment, ends);
    int failed = child->pid < 0 ? errno : 0;
    mem_free(environment);
    mem_free(padding);
    for (int i = 0; i < 4; i++)
        close(ends[i]);
    child->start[1] = pipes[0][1];
    child->output = pipes[1][0];
    child->errors = pipes[2][0];
    child->failure = pipes[3][0];
    child->counter = failed ? -1 : open_counter(child->pid);
    return failed ? err_os(err, failed, "cannot start a process") : STATUS_OK;
}

// Standard error keeps its end, standard output its beginning; both are read to the end so that nobody waits.
static void keep(struct buf *to, const char *p, size_t n, bool end) {
    if (!to)
        return;
    if (!end && to->n + n > OUTPUT_KEPT)
        n = OUTPUT_KEPT - to->n;
    buf_add(to, p, n);
    if (end && to->n > 2 * ERRORS_KEPT) {
        memmove(to->p, to->p + to->n - ERRORS_KEPT, ERRORS_KEPT);
        to->n = ERRORS_KEPT;
    }
}

// For poll: -1 is for ever.
static int milliseconds_until(double until, const atomic_bool *interrupt) {
    int most = interrupt ? INTERRUPT_LOOK_MS : -1;
    if (until <= 0)
        return most;
    int left = (int)((until - now()) * 1000) + 1;
    return interrupt && left > most ? most : left;
}

// Reads both until they are closed; true: the time was up before, or it was interrupted.
static bool drain(const struct child *child, struct buf *output, struct buf *errors, double until,
                  const atomic_bool *interrupt) {
    struct pollfd polled[2] = {{child->output, POLLIN, 0}, {child->errors, POLLIN, 0}};
    char piece[1 << 16];
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        if ((until > 0 && now() >= until) || (interrupt && atomic_load(interrupt)))
            return true;
        if (poll(polled, 2, milliseconds_until(until, interrupt)) < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < 2; i++) {
            if (polled[i].fd < 0 || !polled[i].revents)
                continue;
            ssize_t n = read(polled[i].fd, piece, sizeof piece);
            if (n > 0)
                keep(i ? errors : output, piece, (size_t)n, i == 1);
            else if (n == 0 || errno != EINTR)
                polled[i].fd = -1;
        }
    }
    return false;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void finish(struct child *child, struct process_sample *sample) {
    struct rusage usage;
    int status = 0;
    while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    sample->user = seconds_of(usage.ru_utime);
    sample->system = seconds_of(usage.ru_stime);
    sample->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    sample->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    uint64_t count = 0;
    if (child->counter >= 0 && read(child->counter, &count, sizeof count) == sizeof count)
        sample->instructions = count;
}

enum status process_run(const struct process_command *command, struct process_sample *sample,
                        struct buf *output, struct buf *errors, struct err *err) {
    struct child child;
    *sample = (struct process_sample){0};
    if (output)
        buf_clear(output);
    if (errors)
        buf_clear(errors);
    double stolen = stolen_so_far();
    if (start(command, &child, err) != STATUS_OK)
        return err->status;
    double began = now();
    ssize_t told = write(child.start[1], "g", 1);
    (void)told;
    bool ended = drain(&child, output, errors, command->seconds > 0 ? began + command->seconds : 0,
                       command->interrupt);
    if (ended) {
        sample->interrupted = command->interrupt && atomic_load(command->interrupt);
        sample->timed_out = !sample->interrupted;
        kill(-child.pid, SIGKILL);
        kill(child.pid, SIGKILL); // which may have no group of its own yet
    }
    finish(&child, sample);
    sample->wall = now() - began;
    sample->stolen = stolen_so_far() - stolen;
    int failure = 0;
    bool started = read(child.failure, &failure, sizeof failure) != sizeof failure;
    close(child.start[1]);
    close(child.output);
    close(child.errors);
    close(child.failure);
    if (child.counter >= 0)
        close(child.counter);
    return started ? STATUS_OK : err_os(err, failure, "cannot run %s", command->arguments[0]);
}
