// SPDX-License-Identifier: MIT
/*
 * bare_files SIZES TEXTS OUT: what one file each costs at least. SIZES holds a number a line, TEXTS the outputs, one
 * after the other; both are in memory before the clock starts.
 *
 * For each output the system calls of pressrun's files sink and nothing else: open a temporary file beneath a
 * directory's descriptor, write, close, rename. Output i is OUT/(i mod 100)/i.txt; the directories are made and
 * opened under the clock too. Prints the seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DIRECTORIES = 100 };

struct bytes {
    char *p;
    size_t n;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The whole file with a NUL after it.
static int read_all(const char *path, struct bytes *out) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    *out = (struct bytes){.p = malloc((size_t)st.st_size + 1)};
    for (ssize_t n = 1; out->p && n > 0; out->n += n > 0 ? (size_t)n : 0)
        n = read(fd, out->p + out->n, (size_t)st.st_size - out->n);
    close(fd);
    if (!out->p || out->n != (size_t)st.st_size)
        return -1;
    out->p[out->n] = 0;
    return 0;
}

static int open_beneath(int directory, const char *name, int flags, unsigned mode) {
    struct open_how how = {
        .flags = (unsigned)flags, .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

static int write_one(int directory, const char *name, const char *text, size_t n) {
    static const char temporary[] = ".bare-tmp";
    int fd = open_beneath(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, text, n);
    if (close(fd) < 0 || written != (ssize_t)n)
        return -1;
    return renameat(directory, temporary, directory, name);
}

static int make_directories(const char *out, int directories[DIRECTORIES]) {
    if (mkdir(out, 0777) < 0)
        return -1;
    int root = open(out, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; root >= 0 && i < DIRECTORIES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%02d", i);
        if (mkdirat(root, name, 0777) < 0)
            return -1;
        directories[i] = open_beneath(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (directories[i] < 0)
            return -1;
    }
    return root;
}

// How many were written; -1 on an error.
static long write_all(const char *sizes, struct bytes texts, const char *out) {
    int directories[DIRECTORIES];
    if (make_directories(out, directories) < 0)
        return -1;
    long i = 0;
    for (size_t at = 0; *sizes;) {
        char *end, name[32];
        size_t n = strtoul(sizes, &end, 10);
        if (end == sizes || n > texts.n - at)
            return -1;
        i++;
        snprintf(name, sizeof name, "%06ld.txt", i);
        if (write_one(directories[i % DIRECTORIES], name, texts.p + at, n) < 0)
            return -1;
        at += n;
        sizes = *end == '\n' ? end + 1 : end;
    }
    return i;
}

int main(int argc, char **argv) {
    struct bytes sizes, texts;
    if (argc != 4) {
        dprintf(2, "usage: bare_files SIZES TEXTS OUT\n");
        return 2;
    }
    if (read_all(argv[1], &sizes) < 0 || read_all(argv[2], &texts) < 0) {
        dprintf(2, "bare_files: cannot read: %s\n", strerror(errno));
        return 1;
    }
    double started = now();
    long n = write_all(sizes.p, texts, argv[3]);
    double seconds = now() - started;
    if (n < 0) {
        dprintf(2, "bare_files: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    dprintf(1, "files: %ld records %.6f s\n", n, seconds);
    return 0;
}
