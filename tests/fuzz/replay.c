// SPDX-License-Identifier: MIT
// Runs a fuzz target over files and directories of files, for builds without libFuzzer.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/fuzz/fuzz.h"

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    struct buf text = BUF_INIT;
    char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        buf_add(&text, block, n);
    fclose(file);
    // An exact allocation, so that a sanitizer sees a read beyond the end.
    uint8_t *exact = malloc(text.n ? text.n : 1);
    if (!exact)
        return 1;
    if (text.n)
        memcpy(exact, text.p, text.n);
    LLVMFuzzerTestOneInput(exact, text.n);
    free(exact);
    buf_release(&text);
    return 0;
}

static int run_path(const char *path, unsigned *count) {
    DIR *dir = opendir(path);
    if (!dir) {
        ++*count;
        return run_file(path);
    }
    int failed = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= run_path(name, count);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= run_path(argv[i], &count);
    printf("%u inputs replayed\n", count);
    return failed || count == 0;
}
