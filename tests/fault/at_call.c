// SPDX-License-Identifier: MIT
/*
 * at_call: runs a command and does something to it at one system call of a chosen kind.
 *
 *     at_call [--calls NAME,...|all] [--from TEXT] [--on TEXT] [--at N [ACTION]] [--report FILE] -- COMMAND [ARGUMENT...]
 *
 *     --calls NAMES   the system calls that are counted; default: all
 *     --files         calls on the standard descriptors (0 to 2) are not counted
 *     --from TEXT     counted only from the first call on whose path ends in TEXT (what comes before it, such as
 *                     the dynamic linker's work, is left in peace)
 *     --on TEXT       only those are counted whose path ends in TEXT, or whose descriptor is of such a file
 *     --at N          the call at which the action happens, from 1; without it calls are only counted
 *     --kill          the whole process group dies by SIGKILL before the call is made (the default action)
 *     --errno E       the call is not made and fails with the error number E (close: made, and fails nevertheless;
 *                     brk: does not move the break, which is how it fails)
 *     --and-after     with --errno or --signal: at all later calls of the kind too, as on a disk that stays full
 *     --short         a write writes half of what it was to write, and says so
 *     --tear          a write writes half of what it was to write, and then the process group dies
 *     --signal S      the command gets signal number S just before the call is made
 *     --run COMMAND   a shell command runs to its end just before the call is made: what the others meanwhile did
 *     --report FILE   one line of JSON: {"calls": counted, "hit": "name of the call" or null, "each": {"name": how
 *                     many of the counted ones}}
 *
 * All threads and children of the command are followed and counted together, in the order in which they come. Calls
 * that never return or have no error to give (exit, rt_sigreturn, a successful exec) are counted but never made to
 * fail. Exit code: the command's; 128 + S where signal S ended it; 125 where tracing is not possible at all, with a
 * message. Linux on x86-64 only; elsewhere always 125.
 */
#include <stdio.h>

#if defined(__linux__) && defined(__x86_64__)
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT = 125, TRACEES_MAX = 256, PATH_SHOWN = 4096, NO_PATH = -1 };

struct call {
    const char *name;
    long number;
    int path; // which argument is a path, or NO_PATH
};

// clang-format off
#define CALL(name, path) {#name, SYS_##name, path}
#define PLAIN(name)      CALL(name, NO_PATH)
static const struct call calls[] = {
    PLAIN(close), PLAIN(read), PLAIN(pread64), PLAIN(readv), PLAIN(write), PLAIN(pwrite64), PLAIN(writev),
    PLAIN(lseek), PLAIN(fstat), PLAIN(getdents64), PLAIN(ftruncate), PLAIN(fallocate), PLAIN(fsync),
    PLAIN(fdatasync), PLAIN(syncfs), PLAIN(sync_file_range), PLAIN(copy_file_range), PLAIN(flock),
    PLAIN(fcntl), PLAIN(fchmod), PLAIN(mmap), PLAIN(munmap), PLAIN(mremap), PLAIN(mprotect), PLAIN(brk),
    PLAIN(madvise), PLAIN(futex), PLAIN(clone), PLAIN(clone3), PLAIN(fork), PLAIN(vfork), PLAIN(wait4),
    PLAIN(pipe2), PLAIN(dup), PLAIN(dup3), PLAIN(poll), PLAIN(ppoll), PLAIN(getrandom), PLAIN(eventfd2),
    PLAIN(getcwd), PLAIN(clock_nanosleep), PLAIN(getpid), PLAIN(exit_group),
    CALL(open, 0), CALL(creat, 0), CALL(stat, 0), CALL(lstat, 0), CALL(access, 0), CALL(mkdir, 0),
    CALL(rename, 0), CALL(link, 0), CALL(unlink, 0), CALL(rmdir, 0), CALL(readlink, 0), CALL(execve, 0),
    CALL(openat, 1), CALL(openat2, 1), CALL(newfstatat, 1), CALL(statx, 1), CALL(faccessat, 1),
    CALL(faccessat2, 1), CALL(mkdirat, 1), CALL(renameat, 1), CALL(renameat2, 1), CALL(linkat, 1),
    CALL(unlinkat, 1), CALL(readlinkat, 1), CALL(utimensat, 1), CALL(symlinkat, 2),
};
// clang-format on
enum { CALLS = sizeof calls / sizeof calls[0] };

enum action { COUNT, KILL, FAIL, SHORTEN, TEAR, SIGNAL, RUN };

struct tracee {
    pid_t pid;    // of the thread; 0: unused
    bool failing; // its call was taken away: the result is still to be put in place
    bool tearing; // its call is the last one that anybody makes
    bool bent;    // its call got other arguments: rdi and rdx are still to be put back
    unsigned long long rdi, rdx;
};

struct tracer {
    // what is asked for
    bool all, chosen[CALLS], and_after, files;
    const char *from, *on, *report, *shell;
    long at;
    enum action action;
    int number; // of the error or the signal
    // what has happened
    pid_t leader;
    int leader_status;
    bool executed, begun;
    long counted, each[CALLS];
    long hit; // number of the call, -1: none
    struct tracee tracees[TRACEES_MAX];
};

static const struct call *call_find(long number) {
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

static bool choose_calls(struct tracer *t, const char *names) {
    memset(t->chosen, 0, sizeof t->chosen);
    t->all = strcmp(names, "all") == 0;
    while (!t->all && *names) {
        size_t n = strcspn(names, ","), i = 0;
        while (i < CALLS && (strlen(calls[i].name) != n || memcmp(calls[i].name, names, n) != 0))
            i++;
        if (i == CALLS) {
            fprintf(stderr, "at_call: unknown call: %.*s\n", (int)n, names);
            return false;
        }
        t->chosen[i] = true;
        names += n + (names[n] == ',');
    }
    return true;
}

// The tracee of this thread, remembered from now on (*fresh then); NULL: too many.
static struct tracee *tracee_of(struct tracer *t, pid_t pid, bool *fresh) {
    struct tracee *unused = NULL;
    *fresh = false;
    for (struct tracee *one = t->tracees; one < t->tracees + TRACEES_MAX; one++) {
        if (one->pid == pid)
            return one;
        if (one->pid == 0 && !unused)
            unused = one;
    }
    *fresh = true;
    if (unused)
        *unused = (struct tracee){.pid = pid};
    return unused;
}

static void kill_all(const struct tracer *t) {
    kill(-t->leader, SIGKILL);
    kill(t->leader, SIGKILL);
}

static bool path_ends_in(pid_t pid, unsigned long address, const char *text) {
    char path[PATH_SHOWN] = "";
    // A path may end at the end of the last mapped page: in pieces that do not cross one.
    for (size_t n = 0; n < sizeof path - 1;) {
        size_t piece = 4096 - (address + n) % 4096;
        if (piece > sizeof path - 1 - n)
            piece = sizeof path - 1 - n;
        struct iovec here = {path + n, piece}, there = {(void *)(address + n), piece};
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)piece || memchr(path + n, 0, piece))
            break;
        n += piece;
    }
    size_t n = strlen(path), suffix = strlen(text);
    return n >= suffix && strcmp(path + n - suffix, text) == 0;
}

// Calls whose first argument is the descriptor that they work on.
static bool is_on_standard(const struct __ptrace_syscall_info *info) {
    switch (info->entry.nr) {
    case SYS_read:
    case SYS_pread64:
    case SYS_readv:
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_close:
    case SYS_fstat:
    case SYS_lseek:
    case SYS_fcntl:
        return info->entry.args[0] <= STDERR_FILENO;
    default:
        return false;
    }
}

static bool descriptor_ends_in(pid_t pid, unsigned long fd, const char *text) {
    char link[64], path[PATH_SHOWN];
    snprintf(link, sizeof link, "/proc/%ld/fd/%ld", (long)pid, (long)(int)fd);
    ssize_t n = readlink(link, path, sizeof path);
    size_t suffix = strlen(text);
    return n >= 0 && (size_t)n >= suffix && memcmp(path + (size_t)n - suffix, text, suffix) == 0;
}

// Whether a call is about such a file, by its path or by the descriptor that comes first. Of a rename it is the old name.
static bool is_on(pid_t pid, const struct call *call, const struct __ptrace_syscall_info *info,
                  const char *text) {
    if (!call || call->number == SYS_mmap || call->number == SYS_munmap)
        return false;
    return (call->path != NO_PATH && path_ends_in(pid, info->entry.args[call->path], text)) ||
           descriptor_ends_in(pid, info->entry.args[0], text);
}

// Whether the call is one of those, and if so counts it.
static bool count(struct tracer *t, pid_t pid, const struct __ptrace_syscall_info *info) {
    const struct call *call = call_find((long)info->entry.nr);
    if (!t->executed)
        return false;
    if (!t->from)
        t->begun = true;
    else if (!t->begun && call && call->path != NO_PATH)
        t->begun = path_ends_in(pid, info->entry.args[call->path], t->from);
    if (!t->begun || (t->files && is_on_standard(info)))
        return false;
    if (!t->all && !(call && t->chosen[call - calls]))
        return false;
    if (t->on && !is_on(pid, call, info, t->on))
        return false;
    t->counted++;
    if (call)
        t->each[call - calls]++;
    return true;
}

static bool can_fail(long number) {
    return number != SYS_exit && number != SYS_exit_group && number != SYS_rt_sigreturn &&
           number != SYS_execve;
}

static void take_away(pid_t pid) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, NULL, &registers);
    registers.orig_rax = (unsigned long long)-1;
    ptrace(PTRACE_SETREGS, pid, NULL, &registers);
}

// The caller relies on finding its arguments in their registers after the call.
static void bend(struct tracee *tracee, const struct user_regs_struct *before, unsigned long long rdi,
                 unsigned long long rdx) {
    struct user_regs_struct registers = *before;
    tracee->bent = true;
    tracee->rdi = before->rdi;
    tracee->rdx = before->rdx;
    registers.rdi = rdi;
    registers.rdx = rdx;
    ptrace(PTRACE_SETREGS, tracee->pid, NULL, &registers);
}

static void fail(struct tracee *tracee, long number) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers);
    if (number == SYS_brk)
        bend(tracee, &registers, 0, registers.rdx); // only asks where the break is
    else if (number != SYS_close)
        take_away(tracee->pid);
    tracee->failing = number != SYS_brk;
}

static bool halve_write(struct tracee *tracee, long number) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers);
    if ((number != SYS_write && number != SYS_pwrite64) || registers.rdx < 2)
        return false;
    bend(tracee, &registers, registers.rdi, registers.rdx / 2);
    return true;
}

// A thread is about to make a call.
static void on_entry(struct tracer *t, struct tracee *tracee, const struct __ptrace_syscall_info *info) {
    long number = (long)info->entry.nr;
    if (!count(t, tracee->pid, info))
        return;
    if (t->counted != t->at && !(t->and_after && t->at && t->counted > t->at))
        return;
    switch (t->action) {
    case COUNT:
        return;
    case KILL:
        take_away(tracee->pid);
        kill_all(t);
        break;
    case FAIL:
        if (!can_fail(number))
            return;
        fail(tracee, number);
        break;
    case SHORTEN:
        if (!halve_write(tracee, number))
            return;
        break;
    case TEAR:
        if (!halve_write(tracee, number))
            return;
        tracee->tearing = true;
        break;
    case SIGNAL:
        kill(t->leader, t->number);
        break;
    case RUN:
        if (system(t->shell) != 0)
            fprintf(stderr, "at_call: failed: %s\n", t->shell);
        break;
    }
    if (t->hit < 0)
        t->hit = number;
}

static void on_exit_of_call(const struct tracer *t, struct tracee *tracee) {
    if (tracee->tearing)
        kill_all(t);
    if (tracee->failing || tracee->bent) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers);
        if (tracee->failing)
            registers.rax = (unsigned long long)-(long long)t->number;
        if (tracee->bent) {
            registers.rdi = tracee->rdi;
            registers.rdx = tracee->rdx;
        }
        ptrace(PTRACE_SETREGS, tracee->pid, NULL, &registers);
    }
    tracee->failing = tracee->bent = false;
}

// What a stopped thread goes on with: a signal, or 0.
static int on_stop(struct tracer *t, pid_t pid, int status) {
    bool fresh;
    struct tracee *tracee = tracee_of(t, pid, &fresh);
    int signal = WSTOPSIG(status), event = status >> 16;
    if (!tracee) {
        fprintf(stderr, "at_call: more than %d threads\n", TRACEES_MAX);
        kill_all(t);
        return 0;
    }
    if (event) {
        if (event == PTRACE_EVENT_EXEC)
            t->executed = true;
        return 0;
    }
    if (signal != (SIGTRAP | 0x80))
        return fresh && signal == SIGSTOP ? 0 : signal; // a new thread's first stop is ours
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0)
        return 0;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        on_entry(t, tracee, &info);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        on_exit_of_call(t, tracee);
    return 0;
}

static void follow(struct tracer *t) {
    for (;;) {
        int status;
        bool fresh;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (WIFSTOPPED(status)) {
            int signal = on_stop(t, pid, status);
            ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
            continue;
        }
        struct tracee *gone = tracee_of(t, pid, &fresh);
        if (gone)
            gone->pid = 0;
        if (pid == t->leader)
            t->leader_status = status;
    }
}

static bool start(struct tracer *t, char **command) {
    t->leader = fork();
    if (t->leader < 0)
        return false;
    if (t->leader == 0) {
        setpgid(0, 0);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(CANNOT);
        raise(SIGSTOP);
        execvp(command[0], command);
        fprintf(stderr, "at_call: cannot run %s: %s\n", command[0], strerror(errno));
        _exit(CANNOT);
    }
    int status;
    bool fresh;
    if (waitpid(t->leader, &status, 0) < 0 || !WIFSTOPPED(status))
        return false;
    tracee_of(t, t->leader, &fresh);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    return ptrace(PTRACE_SETOPTIONS, t->leader, NULL, (void *)options) == 0 &&
           ptrace(PTRACE_SYSCALL, t->leader, NULL, NULL) == 0;
}

static bool write_report(const struct tracer *t) {
    FILE *f = t->report ? fopen(t->report, "w") : NULL;
    if (!f)
        return !t->report;
    const struct call *call = call_find(t->hit);
    fprintf(f, "{\"calls\": %ld, \"hit\": ", t->counted);
    if (t->hit < 0)
        fprintf(f, "null");
    else if (call)
        fprintf(f, "\"%s\"", call->name);
    else
        fprintf(f, "\"%ld\"", t->hit);
    const char *separator = "";
    fprintf(f, ", \"each\": {");
    for (size_t i = 0; i < CALLS; i++) {
        if (t->each[i] == 0)
            continue;
        fprintf(f, "%s\"%s\": %ld", separator, calls[i].name, t->each[i]);
        separator = ", ";
    }
    fprintf(f, "}}\n");
    return fclose(f) == 0;
}

static bool parse_number(const char *text, long *out) {
    char *end;
    *out = text ? strtol(text, &end, 10) : 0;
    return text && *text && !*end && *out > 0;
}

// The options; returns where the command begins, 0 where they are wrong.
static int parse(struct tracer *t, int argc, char **argv) {
    long number = 0;
    bool chosen = false;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = argv[i + 1]; // argv ends in NULL
        if (strcmp(option, "--") == 0) {
            if (t->at && !chosen)
                t->action = KILL;
            return i + 1 < argc ? i + 1 : 0;
        }
        if (strcmp(option, "--kill") == 0)
            t->action = KILL;
        else if (strcmp(option, "--short") == 0)
            t->action = SHORTEN;
        else if (strcmp(option, "--tear") == 0)
            t->action = TEAR;
        else if (strcmp(option, "--and-after") == 0)
            t->and_after = true;
        else if (strcmp(option, "--files") == 0)
            t->files = true;
        else if (!value)
            return 0;
        else if (++i && strcmp(option, "--calls") == 0) {
            if (!choose_calls(t, value))
                return 0;
        } else if (strcmp(option, "--from") == 0)
            t->from = value;
        else if (strcmp(option, "--on") == 0)
            t->on = value;
        else if (strcmp(option, "--report") == 0)
            t->report = value;
        else if (strcmp(option, "--run") == 0) {
            t->action = RUN;
            t->shell = value;
        } else if (!parse_number(value, &number))
            return 0;
        else if (strcmp(option, "--at") == 0)
            t->at = number;
        else if (strcmp(option, "--errno") == 0 || strcmp(option, "--signal") == 0) {
            t->action = option[2] == 'e' ? FAIL : SIGNAL;
            t->number = (int)number;
        } else
            return 0;
        chosen = chosen || t->action != COUNT;
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct tracer t = {.all = true, .hit = -1};
    int command = parse(&t, argc, argv);
    if (!command) {
        fprintf(stderr, "at_call: see the head of at_call.c for its options\n");
        return CANNOT;
    }
    if (!start(&t, argv + command)) {
        fprintf(stderr, "at_call: tracing is not possible here: %s\n", strerror(errno));
        if (t.leader > 0)
            kill(t.leader, SIGKILL);
        return CANNOT;
    }
    follow(&t);
    if (!write_report(&t)) {
        fprintf(stderr, "at_call: cannot write %s: %s\n", t.report, strerror(errno));
        return CANNOT;
    }
    return WIFSIGNALED(t.leader_status) ? 128 + WTERMSIG(t.leader_status) : WEXITSTATUS(t.leader_status);
}

#else
int main(void) {
    fprintf(stderr, "at_call: tracing is not possible here: not Linux on x86-64\n");
    return 125;
}
#endif
