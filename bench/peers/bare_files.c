// SPDX-License-Identifier: MIT
/*
 * bare_files SIZES TEXTS OUT order|turns: what one file each costs at least. SIZES holds a number a line, TEXTS the
 * outputs, one after the other; both are in memory before the clock starts.
 *
 * For each output the system calls of pressrun's files sink and nothing else: open a temporary file beneath a
 * directory's descriptor, write, close, rename. Output i is OUT/D/i.txt, where D is i / 1000 in order and i mod 100 in
 * turns; a directory is made and opened, under the clock, when it is first needed, and stays open. Prints the seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DIRECTORIES = 1000, IN_ORDER = 1000, IN_TURNS = 100 };

struct tree {
    int root;
    bool turns;
    int directories[DIRECTORIES]; // 0: not made yet
};

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

// Descriptor of output i's directory; negative on an error.
static int find_directory(struct tree *tree, long i) {
    long number = tree->turns ? i % IN_TURNS : i / IN_ORDER;
    if (number >= DIRECTORIES)
        return -1;
    if (tree->directories[number] == 0) {
        char name[16];
        snprintf(name, sizeof name, tree->turns ? "%02ld" : "%03ld", number);
        if (mkdirat(tree->root, name, 0777) < 0)
            return -1;
        tree->directories[number] = open_beneath(tree->root, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    }
    return tree->directories[number];
}

// How many were written; -1 on an error.
static long write_all(struct tree *tree, const char *sizes, struct bytes texts) {
    long i = 0;
    for (size_t at = 0; *sizes;) {
        char *end, name[32];
        size_t n = strtoul(sizes, &end, 10);
        if (end == sizes || n > texts.n - at)
            return -1;
        i++;
        snprintf(name, sizeof name, "%06ld.txt", i);
        int directory = find_directory(tree, i);
        if (directory < 0 || write_one(directory, name, texts.p + at, n) < 0)
            return -1;
        at += n;
        sizes = *end == '\n' ? end + 1 : end;
    }
    return i;
}

int main(int argc, char **argv) {
    struct bytes sizes, texts;
    if (argc != 5) {
        dprintf(2, "usage: bare_files SIZES TEXTS OUT order|turns\n");
        return 2;
    }
    if (read_all(argv[1], &sizes) < 0 || read_all(argv[2], &texts) < 0) {
        dprintf(2, "bare_files: cannot read: %s\n", strerror(errno));
        return 1;
    }
    double started = now();
    struct tree tree = {.root = -1, .turns = strcmp(argv[4], "turns") == 0};
    if (mkdir(argv[3], 0777) == 0)
        tree.root = open(argv[3], O_PATH | O_DIRECTORY | O_CLOEXEC);
    long n = tree.root < 0 ? -1 : write_all(&tree, sizes.p, texts);
    double seconds = now() - started;
    if (n < 0) {
        dprintf(2, "bare_files: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    dprintf(1, "files: %ld records %.6f s\n", n, seconds);
    return 0;
}
