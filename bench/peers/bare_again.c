// SPDX-License-Identifier: MIT
/*
 * bare_again RECORDS PATHS ROOT: what finding out that nothing has changed costs at least. PATHS holds the path of an
 * output beneath ROOT a line, in the order of the records they were made from; it is in memory before the clock starts.
 *
 * Reads RECORDS a megabyte at a time, splits the lines, hashes each (XXH3, 128 bits), and looks at its output by
 * fstatat beneath the descriptor of its directory, which stays open until an output is in another one. Prints the
 * seconds and the outputs' bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { READ_BYTES = 1 << 20, LONGEST_LINE = 1 << 20, LONGEST_PATH = 256 };

struct outputs {
    int root, directory; // the directory of the last one
    char path[LONGEST_PATH];
    size_t path_n;
    const char *next; // line of PATHS
    long n;
    uint64_t bytes, hashes; // both of all so far
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The whole file with a NUL after it; NULL on an error.
static char *read_all(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    size_t size = (size_t)st.st_size;
    char *text = malloc(size + 1);
    bool whole = text && read(fd, text, size) == (ssize_t)size;
    close(fd);
    if (!whole) {
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

static int enter(struct outputs *outputs, const char *path, size_t n) {
    if (outputs->directory >= 0 && n == outputs->path_n && memcmp(outputs->path, path, n) == 0)
        return 0;
    if (n >= LONGEST_PATH)
        return -1;
    if (outputs->directory >= 0)
        close(outputs->directory);
    memcpy(outputs->path, path, n);
    outputs->path[n] = 0;
    outputs->path_n = n;
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    outputs->directory = (int)syscall(SYS_openat2, outputs->root, n ? outputs->path : ".", &how, sizeof how);
    return outputs->directory < 0 ? -1 : 0;
}

static int look(struct outputs *outputs) {
    char name[LONGEST_PATH];
    struct stat st;
    const char *path = outputs->next, *end = strchr(path, '\n');
    if (!end)
        return -1;
    const char *slash = memrchr(path, '/', (size_t)(end - path));
    const char *base = slash ? slash + 1 : path;
    size_t n = (size_t)(end - base);
    if (n >= LONGEST_PATH || enter(outputs, path, slash ? (size_t)(slash - path) : 0) < 0)
        return -1;
    memcpy(name, base, n);
    name[n] = 0;
    if (fstatat(outputs->directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    outputs->bytes += (uint64_t)st.st_size;
    outputs->next = end + 1;
    outputs->n++;
    return 0;
}

// Of the lines in `text` that are complete; how many bytes these are, or -1.
static ssize_t do_lines(struct outputs *outputs, const char *text, size_t n) {
    size_t at = 0;
    for (const char *end; (end = memchr(text + at, '\n', n - at)); at = (size_t)(end - text) + 1) {
        XXH128_hash_t hash = XXH3_128bits(text + at, (size_t)(end - (text + at)));
        outputs->hashes ^= hash.low64 ^ hash.high64;
        if (look(outputs) < 0)
            return -1;
    }
    return (ssize_t)at;
}

static int do_all(struct outputs *outputs, const char *records) {
    static char buffer[LONGEST_LINE + READ_BYTES];
    size_t kept = 0;
    int fd = open(records, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (ssize_t n; (n = read(fd, buffer + kept, READ_BYTES)) != 0;) {
        ssize_t done = n < 0 ? -1 : do_lines(outputs, buffer, kept + (size_t)n);
        if (done < 0)
            return -1;
        kept += (size_t)n - (size_t)done;
        if (kept > LONGEST_LINE)
            return -1;
        memmove(buffer, buffer + done, kept);
    }
    return close(fd);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        dprintf(2, "usage: bare_again RECORDS PATHS ROOT\n");
        return 2;
    }
    char *paths = read_all(argv[2]);
    if (!paths) {
        dprintf(2, "bare_again: %s: %s\n", argv[2], strerror(errno));
        return 1;
    }
    double started = now();
    struct outputs outputs = {
        .root = open(argv[3], O_PATH | O_DIRECTORY | O_CLOEXEC), .directory = -1, .next = paths};
    int result = outputs.root < 0 ? -1 : do_all(&outputs, argv[1]);
    double seconds = now() - started;
    if (result < 0) {
        dprintf(2, "bare_again: after %ld records: %s\n", outputs.n, strerror(errno));
        return 1;
    }
    dprintf(1, "again: %ld records %.6f s, %llu bytes, %llx\n", outputs.n, seconds,
            (unsigned long long)outputs.bytes, (unsigned long long)outputs.hashes);
    free(paths);
    return 0;
}
