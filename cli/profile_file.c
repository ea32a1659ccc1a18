// SPDX-License-Identifier: MIT
#include "cli/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// Whether a text ends like a line of folded stacks: a frame, a space and a number.
static bool is_folded(const char *text, size_t n) {
    size_t digits = 0;
    if (n == 0 || text[n - 1] != '\n')
        return false;
    for (n--; n > 0 && text[n - 1] >= '0' && text[n - 1] <= '9'; n--)
        digits++;
    return digits && n > 1 && text[n - 1] == ' ' && text[n - 2] != '\n';
}

static bool may_be_written(int fd) {
    char end[4096];
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return true;
    off_t from = st.st_size > (off_t)sizeof end ? st.st_size - (off_t)sizeof end : 0;
    ssize_t n = pread(fd, end, sizeof end, from);
    return n > 0 && is_folded(end, (size_t)n);
}

enum status profile_file_open(const char *path, int *fd, struct err *err) {
    *fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
    if (*fd < 0 && errno == ENXIO) // a pipe that nobody reads
        return err_os(err, ENXIO, "cannot write the profile %s", path);
    if (*fd < 0 && (errno == EACCES || errno == EPERM))
        *fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC); // a device that can only be written
    if (*fd < 0)
        return err_os(err, errno, "cannot write the profile %s", path);
    if (may_be_written(*fd))
        return STATUS_OK;
    close(*fd);
    *fd = -1;
    return err_set(err, STATUS_CONFLICT, "%s is no profile, so it is not overwritten", path);
}

enum status profile_file_write(const struct fs *fs, const char *path, int fd, const struct costs *costs,
                               struct err *err) {
    struct buf text = BUF_INIT;
    struct err cause;
    enum status status = STATUS_OK;
    costs_write_folded(costs, &text);
    if (ftruncate(fd, 0) != 0 && errno != EINVAL) // pipes and devices have no length
        status = err_os(err, errno, "the profile %s is incomplete", path);
    else if (fs_write_all(fs, fd, text.p, text.n, &cause) != STATUS_OK)
        status = err_os(err, cause.os, "the profile %s is incomplete", path);
    buf_release(&text);
    close(fd);
    return status;
}

void profile_file_drop(const char *path, int fd) {
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        unlink(path);
    close(fd);
}
