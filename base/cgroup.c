// SPDX-License-Identifier: MIT
#include "base/cgroup.h"

#include <string.h>

#include "base/mem.h"

enum { FILE_LIMIT = 1 << 20 };

char *cgroup_read(const struct fs *fs, struct str directory, const char *name) {
    char *text;
    size_t n;
    struct err err;
    struct buf path = BUF_INIT;
    buf_printf(&path, "%.*s/%s", STR_ARG(directory), name);
    const bool read = fs_read_file(fs, buf_text(&path), FILE_LIMIT, &text, &n, &err) == STATUS_OK;
    buf_release(&path);
    return read ? text : NULL;
}

struct tour {
    const char *root, *controller;
    cgroup_visit_fn *visit;
    void *context;
};

static void visit_upwards(const struct tour *tour, enum cgroup_version version, const char *mount,
                          struct str group) {
    struct buf path = BUF_INIT;
    for (;;) {
        while (group.n > 0 && group.p[group.n - 1] == '/')
            group.n--;
        buf_clear(&path);
        buf_printf(&path, "%s%s%.*s", tour->root, mount, STR_ARG(group));
        tour->visit(tour->context, version, buf_str(&path));
        if (group.n == 0)
            break;
        while (group.n > 0 && group.p[group.n - 1] != '/')
            group.n--;
    }
    buf_release(&path);
}

static bool has_controller(struct str list, const char *name) {
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (str_is((struct str){list.p, n}, name))
            return true;
        list = str_from(list, n + 1);
    }
    return false;
}

// One line of /proc/self/cgroup: "0::/group" (version 2) or "4:cpu,cpuacct:/group" (version 1, mounted under the name of
// the controller or of all it is mounted with).
static void visit_line(const struct tour *tour, struct str line) {
    static const char *const v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    const char *first = memchr(line.p, ':', line.n);
    if (!first)
        return;
    struct str rest = str_from(line, (size_t)(first - line.p) + 1);
    const char *second = memchr(rest.p, ':', rest.n);
    if (!second)
        return;
    struct str controllers = {rest.p, (size_t)(second - rest.p)};
    struct str group = str_from(rest, controllers.n + 1);
    if (controllers.n == 0) {
        for (size_t i = 0; i < sizeof v2 / sizeof *v2; i++)
            visit_upwards(tour, CGROUP_V2, v2[i], group);
    } else if (has_controller(controllers, tour->controller)) {
        struct buf mount = BUF_INIT;
        buf_printf(&mount, "/sys/fs/cgroup/%s", tour->controller);
        visit_upwards(tour, CGROUP_V1, buf_text(&mount), group);
        if (!str_is(controllers, tour->controller)) {
            buf_clear(&mount);
            buf_printf(&mount, "/sys/fs/cgroup/%.*s", STR_ARG(controllers));
            visit_upwards(tour, CGROUP_V1, buf_text(&mount), group);
        }
        buf_release(&mount);
    }
}

void cgroup_visit(const struct fs *fs, const char *root, const char *controller, cgroup_visit_fn *visit,
                  void *context) {
    const struct tour tour = {.root = root, .controller = controller, .visit = visit, .context = context};
    struct buf directory = BUF_INIT;
    buf_printf(&directory, "%s/proc/self", root);
    char *text = cgroup_read(fs, buf_str(&directory), "cgroup");
    buf_release(&directory);
    for (struct str left = str_of(text); left.n > 0;) {
        const char *end = memchr(left.p, '\n', left.n);
        struct str line = {left.p, end ? (size_t)(end - left.p) : left.n};
        visit_line(&tour, line);
        left = str_from(left, line.n + 1);
    }
    mem_free(text);
}
