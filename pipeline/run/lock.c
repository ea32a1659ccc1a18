// SPDX-License-Identifier: MIT
#include "pipeline/run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { POLL_NANOSECONDS = 100 * 1000 * 1000, PROCESS_DIGITS = 18 };

static int open_file(const struct fs *fs, int root, int flags) {
    return fs->open_beneath(fs->self, root, LOCK_FILE, flags | O_NOFOLLOW | O_NONBLOCK, 0666);
}

static int open_or_make_file(const struct fs *fs, int root) {
    int fd = open_file(fs, root, O_RDWR | O_CREAT);
    if (fd != -ENOENT)
        return fd;
    int made = fs_make_dirs(fs, root, EMIT_BOOKS, 0777);
    return made < 0 ? made : open_file(fs, root, O_RDWR | O_CREAT);
}

long lock_holder(const struct fs *fs, int root) {
    char text[PROCESS_DIGITS + 2];
    int fd = open_file(fs, root, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = fs->read(fs->self, fd, text, sizeof text);
    fs->close(fs->self, fd);
    long process = 0;
    for (ssize_t i = 0; i < n && i <= PROCESS_DIGITS; i++) {
        if (text[i] == '\n')
            return process;
        if (text[i] < '0' || text[i] > '9')
            break;
        process = process * 10 + (text[i] - '0');
    }
    return 0;
}

// Over what a killed run left there, and only then the rest of it goes: the file is never empty meanwhile.
static int write_process(const struct fs *fs, int fd) {
    char text[PROCESS_DIGITS + 4];
    struct err err;
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (fs_write_all(fs, fd, text, (size_t)n, &err) != STATUS_OK)
        return -err.os;
    return fs->truncate(fs->self, fd, n);
}

static bool is_without_locks(int result) {
    return result == -ENOLCK || result == -EOPNOTSUPP || result == -ENOSYS;
}

static bool is_raised(const atomic_bool *interrupt) {
    return interrupt && atomic_load(interrupt);
}

static enum status conflict(long process, const struct lock_options *options, struct err *err) {
    char who[PROCESS_DIGITS + 16] = "";
    if (process)
        snprintf(who, sizeof who, " (process %ld)", process);
    return err_set(err, STATUS_CONFLICT, "another run%s is writing to %s; wait for it with --wait", who,
                   options->shown);
}

// Tries until the lock is ours, or once. -EWOULDBLOCK: somebody has it, *process where that is known; -ECANCELED.
static void tell_waiting(const struct lock_options *options, long process) {
    struct buf sentence = BUF_INIT;
    buf_add_text(&sentence, "waiting for ");
    if (process)
        buf_printf(&sentence, "process number %ld", process);
    else
        buf_add_text(&sentence, "another process");
    buf_printf(&sentence, ", which works on %s", options->shown);
    options->on_wait(options->context, buf_text(&sentence));
    buf_release(&sentence);
}

static int try_lock(const struct fs *fs, int root, int fd, const struct lock_options *options,
                    long *process) {
    bool told = false;
    for (;;) {
        int result = fs->lock(fs->self, fd);
        if (result == -EINTR)
            continue;
        if (result == -EWOULDBLOCK && !told)
            *process = lock_holder(fs, root);
        if (result != -EWOULDBLOCK || !options->wait)
            return result;
        if (!told && options->on_wait)
            tell_waiting(options, *process);
        told = true;
        if (is_raised(options->interrupt))
            return -ECANCELED;
        struct timespec pause = {.tv_nsec = POLL_NANOSECONDS};
        nanosleep(&pause, NULL);
    }
}

static enum status fail(const struct lock_options *options, int result, struct err *err) {
    return err_os(err, -result, "cannot lock %s/%s", options->shown, LOCK_FILE);
}

// The lock is ours. Says whether it is the file of that name still; somebody may have removed the directory.
static int settle(struct lock *lock, bool *gone) {
    struct stat st;
    int result = lock->fs.stat(lock->fs.self, lock->fd, &st);
    if (result < 0)
        return result;
    *gone = st.st_nlink == 0;
    if (*gone)
        return 0;
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1) // somebody else's file
        return -EINVAL;
    lock->left_behind = st.st_size > 0;
    return write_process(&lock->fs, lock->fd);
}

static void close_file(struct lock *lock) {
    if (lock->fd >= 0)
        lock->fs.close(lock->fs.self, lock->fd);
    lock->fd = -1;
}

enum status lock_take(const struct fs *fs, int root, const struct lock_options *options, struct lock *lock,
                      struct err *err) {
    *lock = (struct lock){.fs = *fs, .fd = -1};
    for (bool gone = true; gone;) {
        int fd = open_or_make_file(fs, root);
        if (fd < 0)
            return fail(options, fd, err);
        lock->fd = fd;
        long process = 0;
        int result = try_lock(fs, root, fd, options, &process);
        lock->unavailable = is_without_locks(result);
        if (result == 0)
            result = settle(lock, &gone);
        if (result == 0 && !gone)
            return STATUS_OK;
        close_file(lock);
        if (lock->unavailable)
            return STATUS_OK;
        if (result == -EWOULDBLOCK)
            return conflict(process, options, err);
        if (result == -ECANCELED)
            return err_set(err, STATUS_CANCELLED, "interrupted while another run writes to %s",
                           options->shown);
        if (result < 0)
            return fail(options, result, err);
    }
    return STATUS_OK;
}

void lock_release(struct lock *lock) {
    if (lock->fd >= 0 && !lock->left_behind)
        lock->fs.truncate(lock->fs.self, lock->fd, 0);
    close_file(lock);
}
