// SPDX-License-Identifier: MIT
// slow_filter MILLISECONDS: standard input to standard output, after having slept so long.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char text[65536];
    long ms = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
    for (ssize_t n; (n = read(0, text, sizeof text)) != 0;)
        if (n < 0 || write(1, text, (size_t)n) != n)
            return 1;
    return 0;
}
