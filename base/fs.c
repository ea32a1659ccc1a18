// SPDX-License-Identifier: MIT
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { READ_FIRST = 64 << 10, RACE_RETRIES = 100 };

static int system_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)self;
    int fd = openat(dir, path, flags | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

// The next component of *path into name; false at the end. -ENAMETOOLONG goes through *error.
static bool next_component(const char **path, char name[NAME_MAX + 1], int *error) {
    while (**path == '/')
        ++*path;
    size_t n = strcspn(*path, "/");
    if (n == 0)
        return false;
    if (n > NAME_MAX) {
        *error = -ENAMETOOLONG;
        return false;
    }
    memcpy(name, *path, n);
    name[n] = 0;
    *path += n;
    return true;
}

// For kernels without openat2: one component at a time, following no symbolic link and no "..". Stricter than
// the kernel's own rule, which lets links be as long as they stay beneath; never laxer.
static int walk_beneath(int dir, const char *path, int flags, mode_t mode) {
    char name[NAME_MAX + 1], following[NAME_MAX + 1] = "";
    int error = 0, at = dir;
    if (*path == '/')
        return -EXDEV;
    bool more = next_component(&path, name, &error);
    if (!more)
        return error ? error : -ENOENT;
    while (more) {
        if (strcmp(name, "..") == 0) {
            error = -EXDEV;
            break;
        }
        bool slash = *path == '/';
        more = next_component(&path, following, &error);
        if (error)
            break;
        int step = more ? O_PATH | O_DIRECTORY : flags | (slash ? O_DIRECTORY : 0);
        int fd = openat(at, name, step | O_NOFOLLOW | O_CLOEXEC, mode);
        int os = errno;
        if (at != dir)
            close(at);
        at = fd;
        if (fd < 0)
            return -os;
        memcpy(name, following, sizeof name);
    }
    if (error && at != dir)
        close(at);
    return error ? error : at;
}

static int system_open_beneath(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)self;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    // EAGAIN: something beneath was renamed meanwhile, and the kernel could not be sure about a "..".
    for (int i = 0; i < RACE_RETRIES; i++) {
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM) // EPERM: an old seccomp filter that does not know the call
            return walk_beneath(dir, path, flags, mode);
        if (errno != EAGAIN)
            return -errno;
    }
    return -EAGAIN;
}

// The directory that holds the last component of a path, and that component. For a single component, and for
// paths relative to the working directory, that is `dir` itself and costs nothing.
struct place {
    int dir;
    bool opened;
    char name[PATH_MAX];
};

static int place_find(struct place *place, int dir, const char *path) {
    size_t n = strlen(path);
    if (n >= sizeof place->name)
        return -ENAMETOOLONG;
    while (n > 1 && path[n - 1] == '/')
        n--;
    memcpy(place->name, path, n);
    place->name[n] = 0;
    place->dir = dir;
    place->opened = false;
    if (dir == AT_FDCWD)
        return 0;
    char *slash = strrchr(place->name, '/');
    const char *last = slash ? slash + 1 : place->name;
    if (strcmp(last, "..") == 0 || *path == '/')
        return -EXDEV;
    if (!slash)
        return 0;
    *slash = 0;
    int fd = system_open_beneath(NULL, dir, place->name, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    memmove(place->name, last, strlen(last) + 1);
    place->dir = fd;
    place->opened = true;
    return 0;
}

static int place_done(const struct place *place, int result) {
    int os = errno;
    if (place->opened)
        close(place->dir);
    return result < 0 ? -os : result;
}

static int system_make_dir(void *self, int dir, const char *path, mode_t mode) {
    (void)self;
    struct place place;
    int found = place_find(&place, dir, path);
    return found < 0 ? found : place_done(&place, mkdirat(place.dir, place.name, mode));
}

static ssize_t system_read(void *self, int fd, void *p, size_t n) {
    (void)self;
    ssize_t got = read(fd, p, n);
    return got < 0 ? -errno : got;
}

static ssize_t system_read_at(void *self, int fd, void *p, size_t n, off_t at) {
    (void)self;
    ssize_t got = pread(fd, p, n, at);
    return got < 0 ? -errno : got;
}

static ssize_t system_write(void *self, int fd, const void *p, size_t n) {
    (void)self;
    ssize_t put = write(fd, p, n);
    return put < 0 ? -errno : put;
}

static int rename_places(int old_dir, const char *from, int new_dir, const char *to, unsigned flags) {
    struct place old_place, new_place;
    int found = place_find(&old_place, old_dir, from);
    if (found < 0)
        return found;
    found = place_find(&new_place, new_dir, to);
    if (found < 0) {
        errno = -found;
        return place_done(&old_place, -1);
    }
    int result = renameat2(old_place.dir, old_place.name, new_place.dir, new_place.name, flags);
    result = place_done(&new_place, result);
    errno = -result;
    return place_done(&old_place, result);
}

static int system_rename(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    (void)self;
    return rename_places(old_dir, from, new_dir, to, 0);
}

static int system_exchange(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    (void)self;
    int result = rename_places(old_dir, from, new_dir, to, RENAME_EXCHANGE);
    return result == -ENOSYS ? -EINVAL : result;
}

static int remove_at(int dir, const char *path, int flags) {
    struct place place;
    int found = place_find(&place, dir, path);
    return found < 0 ? found : place_done(&place, unlinkat(place.dir, place.name, flags));
}

static int system_unlink(void *self, int dir, const char *path) {
    (void)self;
    return remove_at(dir, path, 0);
}

static int system_remove_dir(void *self, int dir, const char *path) {
    (void)self;
    return remove_at(dir, path, AT_REMOVEDIR);
}

static int system_stat(void *self, int fd, struct stat *st) {
    (void)self;
    return fstat(fd, st) < 0 ? -errno : 0;
}

static int system_stat_beneath(void *self, int dir, const char *path, struct stat *st) {
    (void)self;
    struct place place;
    int found = place_find(&place, dir, path);
    return found < 0 ? found : place_done(&place, fstatat(place.dir, place.name, st, AT_SYMLINK_NOFOLLOW));
}

static int system_stat_at(void *self, int dir, const char *path, struct stat *st) {
    (void)self;
    return fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int system_truncate(void *self, int fd, off_t size) {
    (void)self;
    return ftruncate(fd, size) < 0 ? -errno : 0;
}

static int system_touch(void *self, int fd) {
    (void)self;
    return futimens(fd, NULL) < 0 ? -errno : 0;
}

static int system_sync(void *self, int fd) {
    (void)self;
    return syncfs(fd) < 0 ? -errno : 0;
}

static int system_lock(void *self, int fd) {
    (void)self;
    return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

// Some file systems do not say in the directory what a name is.
static enum fs_entry entry_kind(int dir, const struct dirent *entry) {
    struct stat st;
    unsigned type = entry->d_type;
    if (type == DT_UNKNOWN && fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        type = IFTODT(st.st_mode);
    return type == DT_REG ? FS_FILE : type == DT_DIR ? FS_DIRECTORY : FS_OTHER;
}

static int system_list(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    int flags = O_RDONLY | O_DIRECTORY;
    int fd = dir == AT_FDCWD ? system_open(self, dir, path, flags, 0)
                             : system_open_beneath(self, dir, path, flags, 0);
    if (fd < 0)
        return fd;
    DIR *names = fdopendir(fd);
    if (!names) {
        int os = errno;
        close(fd);
        return -os;
    }
    struct dirent *entry;
    for (errno = 0; (entry = readdir(names)); errno = 0) {
        bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!itself && !fn(context, entry->d_name, entry_kind(fd, entry)))
            break;
    }
    int os = entry ? 0 : errno;
    closedir(names);
    return -os;
}

static int system_close(void *self, int fd) {
    (void)self;
    return close(fd) < 0 ? -errno : 0;
}

struct fs fs_system(void) {
    return (struct fs){
        .self = NULL,
        .open = system_open,
        .open_beneath = system_open_beneath,
        .make_dir = system_make_dir,
        .read = system_read,
        .read_at = system_read_at,
        .write = system_write,
        .rename = system_rename,
        .exchange = system_exchange,
        .unlink = system_unlink,
        .remove_dir = system_remove_dir,
        .stat = system_stat,
        .stat_beneath = system_stat_beneath,
        .stat_at = system_stat_at,
        .truncate = system_truncate,
        .touch = system_touch,
        .sync = system_sync,
        .lock = system_lock,
        .list = system_list,
        .close = system_close,
    };
}

// Reads an open file to its end; *text stays the caller's to free also on failure.
static enum status read_all(const struct fs *fs, int fd, const char *path, size_t limit, char **text,
                            size_t *size, struct err *err) {
    struct stat st;
    int result = fs->stat(fs->self, fd, &st);
    if (result < 0)
        return err_os(err, -result, "cannot look at %s", path);
    size_t n = 0, cap = READ_FIRST;
    if (S_ISREG(st.st_mode) && st.st_size > 0)
        cap = (uint64_t)st.st_size > limit ? limit : (size_t)st.st_size;
    *text = mem_alloc(cap + 2); // one byte more than wanted shows that there is more; and the NUL
    for (;;) {
        ssize_t got = fs->read(fs->self, fd, *text + n, cap + 1 - n);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return err_os(err, (int)-got, "cannot read %s", path);
        n += (size_t)got;
        if (n > limit)
            return err_set(err, STATUS_LIMIT, "%s is larger than %zu bytes", path, limit);
        if (got == 0)
            break;
        if (n > cap) {
            cap = cap > limit / 2 ? limit : cap * 2;
            *text = mem_realloc(*text, cap + 2);
        }
    }
    (*text)[n] = 0;
    *size = n;
    return STATUS_OK;
}

enum status fs_read_file(const struct fs *fs, const char *path, size_t limit, char **text, size_t *size,
                         struct err *err) {
    *text = NULL;
    *size = 0;
    if (limit > SIZE_MAX - 2)
        limit = SIZE_MAX - 2;
    int fd = fs->open(fs->self, AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot open %s", path);
    enum status status = read_all(fs, fd, path, limit, text, size, err);
    fs->close(fs->self, fd);
    if (status != STATUS_OK) {
        mem_free(*text);
        *text = NULL;
    }
    return status;
}

enum status fs_write_all(const struct fs *fs, int fd, const void *p, size_t n, struct err *err) {
    const char *at = p;
    while (n > 0) {
        ssize_t put = fs->write(fs->self, fd, at, n);
        if (put == -EINTR)
            continue;
        if (put <= 0) // a write of nothing is not an error to the system, but no progress either
            return err_os(err, put < 0 ? (int)-put : EIO, "cannot write");
        at += put;
        n -= (size_t)put;
    }
    return STATUS_OK;
}

static int check_dir(const struct fs *fs, int dir, const char *path) {
    int fd = dir == AT_FDCWD ? fs->open(fs->self, dir, path, O_PATH | O_DIRECTORY, 0)
                             : fs->open_beneath(fs->self, dir, path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    fs->close(fs->self, fd);
    return 0;
}

int fs_make_dirs(const struct fs *fs, int dir, const char *path, mode_t mode) {
    // Most often the directory is there, or only its last part is missing.
    int result = fs->make_dir(fs->self, dir, path, mode);
    if (result == 0)
        return 0;
    if (result == -EEXIST)
        return check_dir(fs, dir, path);
    size_t n = strlen(path);
    if (result != -ENOENT || n == 0)
        return result;
    char *part = mem_copy(path, n);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/')
            continue;
        part[i] = 0;
        result = fs->make_dir(fs->self, dir, part, mode);
        part[i] = path[i];
        if (result < 0 && result != -EEXIST)
            break;
    }
    mem_free(part);
    return result == 0 ? 0 : result == -EEXIST ? check_dir(fs, dir, path) : result;
}
