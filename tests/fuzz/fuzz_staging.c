// SPDX-License-Identifier: MIT
// A generation's files of any bytes: facts and a list of changes are read to their end, a line that is taken is written as
// it was read, and nothing but paths that outputs may have comes out. The first byte chooses which of the two it is.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/review/staging.h"
#include "pipeline/review/staging_list.h"
#include "tests/fuzz/fuzz.h"

static void must(bool holds) {
    if (!holds)
        abort();
}

// Numbers may be spelled in more ways than they are written, so it is what was written that must read the same.
static void check_change(const struct staging_change *change) {
    struct buf out = BUF_INIT, twice = BUF_INIT;
    struct staging_change again;
    struct err err;
    must(emit_check_path(change->path, &err) == STATUS_OK);
    staging_write_change(change, &out);
    must(staging_parse_change((struct str){out.p, out.n - 1}, &again));
    staging_write_change(&again, &twice);
    must(str_equal(buf_str(&out), buf_str(&twice)));
    buf_release(&out);
    buf_release(&twice);
}

static void read_list(const uint8_t *data, size_t size) {
    char path[] = "/dev/shm/fuzz-staging-XXXXXX";
    struct fs fs = fs_system();
    struct staging_reader reader;
    struct staging_change change;
    struct err err;
    must(mkdtemp(path) != NULL);
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(dir, STAGING_LIST, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    const struct digest other = {1, 2};
    must(staging_read(&reader, &fs, dir, &other, &err) != STATUS_OK);
    must(staging_read(&reader, &fs, dir, NULL, &err) == STATUS_OK);
    int more;
    while ((more = staging_next(&reader, &change)) > 0)
        check_change(&change);
    staging_read_end(&reader);
    unlinkat(dir, STAGING_LIST, 0);
    close(dir);
    rmdir(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct staging_facts facts;
    if (size == 0)
        return 0;
    if (data[0] & 1) {
        read_list(data + 1, size - 1);
        return 0;
    }
    char *copy = malloc(size); // of its own, so that reading beyond it is seen
    must(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (staging_parse((struct str){copy, size - 1}, &facts))
        must(strlen(facts.session) < sizeof facts.session);
    free(copy);
    return 0;
}
