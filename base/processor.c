// SPDX-License-Identifier: MIT
#include "base/processor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The list is long, and slow to make, where there are many processors: its beginning has the name.
void processor_name(char *name, size_t size) {
    char text[4096];
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "model name"), *value = line ? strchr(line, ':') : NULL;
    name[0] = 0;
    if (!value)
        return;
    value += 1 + strspn(value + 1, " ");
    snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
}
