// SPDX-License-Identifier: MIT
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/counter.h"

enum { END_KEPT = 16 << 10, OUTPUT_KEPT = 64 << 20, PADDING_MOST = 1 << 16 };

extern char **environ;

// Times are whole numbers of small units until the end, so that they can be written in decimals and read again as they were.
static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double since(int64_t began) {
    return (double)(now() - began) / 1e9;
}

double process_stolen_step(void) {
    return 1 / (double)sysconf(_SC_CLK_TCK);
}

// Ticks that these CPUs (NULL: all) have lost to the host since boot.
static uint64_t stolen_so_far(const cpu_set_t *cpus) {
    FILE *f = fopen("/proc/stat", "re");
    unsigned long long steal;
    uint64_t sum = 0;
    char line[512];
    while (f && fgets(line, sizeof line, f) && strncmp(line, "cpu", 3) == 0) {
        unsigned cpu = 0;
        bool total = line[3] == ' ';
        if (sscanf(line,
                   total ? "cpu %*u %*u %*u %*u %*u %*u %*u %llu" : "cpu%*u %*u %*u %*u %*u %*u %*u %*u %llu",
                   &steal) != 1 ||
            (!total && sscanf(line, "cpu%u", &cpu) != 1))
            continue;
        if (cpus ? !total && cpu < CPU_SETSIZE && CPU_ISSET(cpu, cpus) : total)
            sum += steal;
    }
    if (f)
        fclose(f);
    return sum;
}

static bool is_named(const char *variable, const char *setting) {
    size_t n = strcspn(setting, "=");
    return strncmp(variable, setting, n) == 0 && variable[n] == '=';
}

// Whether the caller sets this variable, or takes it away.
static bool is_replaced(const char *variable, const char *const *settings) {
    for (size_t i = 0; settings && settings[i]; i++)
        if (is_named(variable, settings[i]))
            return true;
    return false;
}

// The environment again, with padding, the caller's variables and a passive wait policy; one allocation for the array, which
// the caller frees.
static char **environment_of(const struct process_command *command, char *padding) {
    static const char passive[] = "OMP_WAIT_POLICY=passive";
    const char *const *settings = command->variables;
    size_t n = 0, more = 0, at = 0;
    while (environ[n])
        n++;
    while (settings && settings[more])
        more++;
    char **copy = MEM_NEW_ARRAY(char *, n + more + 3);
    for (size_t i = 0; i < n; i++)
        if (!is_named(environ[i], passive) && !is_replaced(environ[i], settings))
            copy[at++] = environ[i];
    uint32_t size = command->padding < PADDING_MOST ? command->padding : PADDING_MOST;
    memcpy(padding, "PRESSRUN_PADDING=", 17);
    memset(padding + 17, 'x', size);
    padding[17 + size] = 0;
    copy[at++] = padding;
    // execve changes none of these.
    copy[at++] = (char *)passive;
    for (size_t i = 0; i < more; i++)
        if (strchr(settings[i], '='))
            copy[at++] = (char *)settings[i];
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
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL); // this program ignores it and waits for some others in a thread
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (command->cpus)
        sched_setaffinity(0, sizeof *command->cpus, command->cpus);
    int null = open("/dev/null", O_RDONLY);
    bool fine = null >= 0 && dup2(null, 0) >= 0 && dup2(ends[1], 1) >= 0 && dup2(ends[2], 2) >= 0 &&
                (!command->directory || chdir(command->directory) == 0) && read(ends[0], &go, 1) == 1;
    if (fine) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        environ = environment;
        execvp(command->arguments[0], (char *const *)command->arguments);
    }
    int failure = errno;
    ssize_t told = write(ends[3], &failure, sizeof failure);
    (void)told;
    syscall(SYS_exit_group, 127);
    __builtin_unreachable();
}

static void close_pair(const int pair[2]) {
    close(pair[0]);
    close(pair[1]);
}

// The one that says "go on" is a socket, as a write to a child that has ended already must not raise SIGPIPE.
static int open_pair(int pair[2], bool socket) {
    return socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) : pipe2(pair, O_CLOEXEC);
}

static enum status start(const struct process_command *command, struct child *child, struct err *err) {
    int pipes[4][2];
    for (int i = 0; i < 4; i++)
        if (open_pair(pipes[i], i == 0) != 0) {
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
    if (failed) {
        for (int i = 0; i < 4; i++)
            close_pair(pipes[i]);
        return err_os(err, failed, "cannot start a process");
    }
    for (int i = 0; i < 4; i++)
        close(ends[i]);
    child->start[1] = pipes[0][1];
    child->output = pipes[1][0];
    child->errors = pipes[2][0];
    child->failure = pipes[3][0];
    child->counter = counter_open(COUNTER_INSTRUCTIONS, child->pid);
    setpgid(child->pid, child->pid); // before anybody may want to kill the group
    return STATUS_OK;
}

// All is read, so that nobody waits; the beginning is kept, or the end.
static void keep(struct buf *to, const char *p, size_t n, size_t most, bool end) {
    if (!to)
        return;
    if (!end && to->n + n > most)
        n = most - to->n;
    buf_add(to, p, n);
    if (end && to->n > 2 * most) {
        memmove(to->p, to->p + to->n - most, most);
        to->n = most;
    }
}

enum ending { ENDED, TIMED_OUT, INTERRUPTED };

static bool is_interrupted(const struct process_command *command) {
    return command->interrupt && atomic_load(command->interrupt);
}

// How long to wait for output: until the time is up, and not without looking at the interrupt now and then.
static int patience(const struct process_command *command, double left) {
    enum { LOOK_MILLISECONDS = 100 };
    if (command->seconds > 0 && left * 1000 < LOOK_MILLISECONDS)
        return (int)(left * 1000) + 1;
    return command->interrupt || command->seconds > 0 ? LOOK_MILLISECONDS : -1;
}

// Reads both until they are closed.
static enum ending drain(const struct process_command *command, const struct child *child, int64_t began,
                         struct buf *output, struct buf *errors) {
    struct pollfd polled[2] = {{child->output, POLLIN, 0}, {child->errors, POLLIN, 0}};
    char piece[1 << 16];
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        double left = command->seconds - since(began);
        if (command->seconds > 0 && left <= 0)
            return TIMED_OUT;
        if (is_interrupted(command))
            return INTERRUPTED;
        if (poll(polled, 2, patience(command, left)) <= 0)
            continue;
        for (int i = 0; i < 2; i++) {
            if (polled[i].fd < 0 || !polled[i].revents)
                continue;
            ssize_t n = read(polled[i].fd, piece, sizeof piece);
            if (n > 0 && i == 0)
                keep(output, piece, (size_t)n, command->keeps_end ? END_KEPT : OUTPUT_KEPT,
                     command->keeps_end);
            else if (n > 0)
                keep(errors, piece, (size_t)n, END_KEPT, true);
            else if (n == 0 || errno != EINTR)
                polled[i].fd = -1;
        }
    }
    return ENDED;
}

static double seconds_of(struct timeval t) {
    return (double)(t.tv_sec * 1000000 + t.tv_usec) / 1e6;
}

// A command may close its output and go on: the time is up for it all the same.
static enum ending wait_for(const struct process_command *command, const struct child *child, int64_t began) {
    struct pollfd ended = {(int)syscall(SYS_pidfd_open, child->pid, 0), POLLIN, 0};
    enum ending ending = ENDED;
    while (ended.fd >= 0) {
        double left = command->seconds - since(began);
        if (poll(&ended, 1, patience(command, left > 0 ? left : 0)) > 0)
            break;
        if (command->seconds > 0 && left <= 0)
            ending = TIMED_OUT;
        else if (is_interrupted(command))
            ending = INTERRUPTED;
        if (ending != ENDED)
            break;
    }
    if (ended.fd >= 0)
        close(ended.fd);
    return ending;
}

static void finish(const struct process_command *command, const struct child *child, int64_t began,
                   enum ending ending, struct process_sample *sample) {
    struct rusage usage = {0};
    int status = 0;
    if (ending == ENDED)
        ending = wait_for(command, child, began);
    if (ending != ENDED)
        kill(-child->pid, SIGKILL);
    while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    sample->wall = since(began);
    sample->timed_out = ending == TIMED_OUT;
    sample->interrupted = ending == INTERRUPTED;
    sample->user = seconds_of(usage.ru_utime);
    sample->system = seconds_of(usage.ru_stime);
    sample->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    sample->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    sample->instructions = child->counter >= 0 ? counter_read(child->counter) : 0;
}

enum status process_run(const struct process_command *command, struct process_sample *sample,
                        struct buf *output, struct buf *errors, struct err *err) {
    struct child child;
    *sample = (struct process_sample){0};
    if (output)
        buf_clear(output);
    if (errors)
        buf_clear(errors);
    uint64_t stolen = stolen_so_far(command->cpus);
    if (start(command, &child, err) != STATUS_OK)
        return err->status;
    int64_t began = now();
    ssize_t told = send(child.start[1], "g", 1, MSG_NOSIGNAL);
    (void)told;
    enum ending ending = drain(command, &child, began, output, errors);
    finish(command, &child, began, ending, sample);
    uint64_t stolen_now = stolen_so_far(command->cpus); // some hosts take back what they said they took
    sample->stolen = stolen_now > stolen ? (double)(stolen_now - stolen) / (double)sysconf(_SC_CLK_TCK) : 0;
    int failure = 0;
    bool started = ending != ENDED || read(child.failure, &failure, sizeof failure) != sizeof failure;
    close(child.start[1]);
    close(child.output);
    close(child.errors);
    close(child.failure);
    if (child.counter >= 0)
        close(child.counter);
    return started ? STATUS_OK : err_os(err, failure, "cannot run %s", command->arguments[0]);
}
