// SPDX-License-Identifier: MIT
#include "scheduler/jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TOKENS_MOST = 4096, FULL_RETRIES = 100, FULL_WAIT = 10 /* milliseconds */ };

struct jobserver {
    struct fs fs;
    int in, out; // the same for a fifo
    pthread_mutex_t lock;
    bool surrendered;
    uint32_t held;
    unsigned char tokens[TOKENS_MOST];
};

// ---- what make offers

// The next word of MAKEFLAGS; a backslash takes the meaning from what follows it. False: there is none.
static bool next_word(const char **text, struct buf *word) {
    buf_clear(word);
    *text += strspn(*text, " \t");
    if (!**text)
        return false;
    for (; **text && **text != ' ' && **text != '\t'; ++*text) {
        if (**text == '\\' && (*text)[1])
            ++*text;
        buf_add_char(word, **text);
    }
    return true;
}

// What the last option of make's says, into `offer`; false: there is none.
static bool find_offer(const char *makeflags, struct buf *offer) {
    static const char *const options[] = {"--jobserver-auth=", "--jobserver-fds="};
    struct buf word = BUF_INIT;
    bool found = false;
    while (next_word(&makeflags, &word)) {
        const struct str text = buf_str(&word);
        if (str_is(text, "--")) // variables follow
            break;
        for (size_t i = 0; i < 2; i++) {
            if (!str_starts(text, str_of(options[i])))
                continue;
            const struct str value = str_from(text, strlen(options[i]));
            buf_clear(offer);
            buf_add(offer, value.p, value.n);
            found = true;
        }
    }
    buf_release(&word);
    return found;
}

// ---- opening

static int open_for(const struct fs *fs, const char *path, int access) {
    return fs->open(fs->self, AT_FDCWD, path, access | O_NONBLOCK | O_CLOEXEC, 0);
}

static int reopen(const struct fs *fs, int fd, int access) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open_for(fs, path, access);
}

static bool is_fifo(const struct fs *fs, int fd, struct stat *st) {
    return fs->stat(fs->self, fd, st) >= 0 && S_ISFIFO(st->st_mode);
}

static bool open_fifo(struct jobserver *j, const char *path, char *why) {
    struct stat st;
    j->in = open_for(&j->fs, path, O_RDWR); // for writing, too: so there is always somebody who reads
    if (j->in < 0) {
        snprintf(why, JOBSERVER_WHY_SIZE, "make's jobserver %.120s cannot be opened: %s", path,
                 strerror(-j->in));
        return false;
    }
    j->out = j->in;
    if (is_fifo(&j->fs, j->in, &st))
        return true;
    snprintf(why, JOBSERVER_WHY_SIZE, "make's jobserver %.120s is no fifo", path);
    return false;
}

static bool open_pipe(struct jobserver *j, const char *text, char *why) {
    struct stat in, out;
    int from, to, read = 0;
    if (sscanf(text, "%d,%d%n", &from, &to, &read) != 2 || text[read]) {
        snprintf(why, JOBSERVER_WHY_SIZE, "make's jobserver \"%.60s\" is of an unknown kind", text);
        return false;
    }
    // Make names descriptors to all it starts, and closes them for those whose recipe does not begin with "+".
    if (from < 0 || to < 0 || !is_fifo(&j->fs, from, &in) || !is_fifo(&j->fs, to, &out) ||
        in.st_ino != out.st_ino || in.st_dev != out.st_dev) {
        snprintf(why, JOBSERVER_WHY_SIZE,
                 "make's jobserver is closed to this recipe: begin it with \"+\" to share make's -j");
        return false;
    }
    j->in = reopen(&j->fs, from, O_RDONLY);
    j->out = j->in < 0 ? -1 : reopen(&j->fs, to, O_WRONLY);
    if (j->in >= 0 && j->out >= 0)
        return true;
    snprintf(why, JOBSERVER_WHY_SIZE, "make's jobserver cannot be opened a second time: %s",
             strerror(j->in < 0 ? -j->in : -j->out));
    return false;
}

static void close_descriptors(struct jobserver *j) {
    if (j->in >= 0)
        j->fs.close(j->fs.self, j->in);
    if (j->out >= 0 && j->out != j->in)
        j->fs.close(j->fs.self, j->out);
}

struct jobserver *jobserver_open(const struct fs *fs, const char *makeflags, char why[JOBSERVER_WHY_SIZE]) {
    static const char fifo[] = "fifo:";
    struct buf offer = BUF_INIT;
    struct jobserver *j = NULL;
    *why = 0;
    if (makeflags && find_offer(makeflags, &offer)) {
        const char *text = buf_text(&offer);
        const bool is_path = strncmp(text, fifo, strlen(fifo)) == 0;
        j = MEM_NEW(struct jobserver);
        j->fs = *fs;
        j->in = j->out = -1;
        if (!(is_path ? open_fifo(j, text + strlen(fifo), why) : open_pipe(j, text, why))) {
            close_descriptors(j);
            mem_free(j);
            j = NULL;
        }
    }
    buf_release(&offer);
    if (j)
        pthread_mutex_init(&j->lock, NULL);
    return j;
}

// ---- tokens

static bool take(struct jobserver *j) {
    ssize_t n;
    do
        n = j->fs.read(j->fs.self, j->in, &j->tokens[j->held], 1);
    while (n == -EINTR);
    j->held += n == 1;
    return n == 1;
}

// There is always room for what came from there; but a fifo may be short of it for a moment.
static void give(struct jobserver *j) {
    j->held--;
    for (int tries = 0; tries < FULL_RETRIES;) {
        const ssize_t n = j->fs.write(j->fs.self, j->out, &j->tokens[j->held], 1);
        if (n == 1 || (n != -EINTR && n != -EAGAIN))
            return;
        if (n == -EAGAIN) {
            poll(&(struct pollfd){.fd = j->out, .events = POLLOUT}, 1, FULL_WAIT);
            tries++;
        }
    }
}

uint32_t jobserver_hold(struct jobserver *j, uint32_t tokens) {
    pthread_mutex_lock(&j->lock);
    tokens = j->surrendered ? 0 : tokens < TOKENS_MOST ? tokens : TOKENS_MOST;
    while (j->held < tokens && take(j))
        ;
    while (j->held > tokens)
        give(j);
    const uint32_t held = j->held;
    pthread_mutex_unlock(&j->lock);
    return held;
}

void jobserver_surrender(struct jobserver *j) {
    pthread_mutex_lock(&j->lock);
    j->surrendered = true;
    while (j->held > 0)
        give(j);
    pthread_mutex_unlock(&j->lock);
}

void jobserver_close(struct jobserver *j) {
    if (!j)
        return;
    jobserver_surrender(j);
    close_descriptors(j);
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}
