// SPDX-License-Identifier: MIT
// Directories of files. If the first byte is odd, a pattern and on the next line a path; else the rest is a page, and
// the first byte says whether its file seemed shorter when it was looked at.
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "stages/load/files/glob.h"
#include "stages/load/load.h"
#include "tests/fuzz/fuzz.h"

enum { COMPARED_BYTES = 24 }; // fnmatch may take a time that doubles with every star

static bool reaches(const struct glob *glob, struct str path) {
    struct glob_set at = glob_start(glob), inside;
    struct str name;
    for (;;) {
        size_t next = 0;
        while (glob_next_name(glob, &at, &next, &name))
            if (!glob_accepts(glob, &at, name) && !glob_enter(glob, &at, name, true, &inside))
                abort();
        const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
        if (!slash)
            return path.n > 0 && glob_accepts(glob, &at, path);
        name = (struct str){path.p, (size_t)(slash - path.p)};
        if (name.n == 0 || !glob_enter(glob, &at, name, false, &inside))
            return false;
        at = inside;
        path = str_from(path, name.n + 1);
    }
}

// What the system's matcher understands as well.
static bool is_common(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80 || strchr("[{", text.p[i]) ||
            (i > 0 && text.p[i] == '*' && text.p[i - 1] == '*'))
            return false;
    return text.n > 0 && text.n <= COMPARED_BYTES;
}

static void match(struct str text) {
    const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
    struct str pattern = {text.p, end ? (size_t)(end - text.p) : text.n};
    struct str path = str_from(text, pattern.n + 1);
    struct glob *glob;
    struct err err = {0};
    if (glob_new(pattern, &glob, &err) != STATUS_OK) {
        if (err.status != STATUS_DATA || !str_starts(str_of(err.text), STR("the pattern ")))
            abort();
        return;
    }
    bool found = reaches(glob, path);
    if (is_common(pattern) && is_common(path) && !memchr(path.p, 0, path.n)) {
        char a[COMPARED_BYTES + 1] = {0}, b[COMPARED_BYTES + 1] = {0};
        memcpy(a, pattern.p, pattern.n);
        memcpy(b, path.p, path.n);
        bool is_path = b[0] != '/' && b[path.n - 1] != '/' && !strstr(b, "//");
        if (is_path && found != (fnmatch(a, b, FNM_PATHNAME | FNM_PERIOD) == 0))
            abort();
    }
    glob_free(glob);
}

// Pages ------------------------------------------------------------------------------------------------------

struct site {
    struct fs system;
    int page;
    const char *name;
    off_t size; // that the file has when it is looked at
};

static int open_page(void *self, int dir, const char *path, int flags, mode_t mode) {
    const struct site *site = self;
    (void)dir, (void)path, (void)mode;
    int fd = dup(site->page);
    if (!(flags & O_PATH))
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int list_page(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    const struct site *site = self;
    (void)dir, (void)path;
    fn(context, site->name, FS_FILE);
    return 0;
}

static int stat_page(void *self, int fd, struct stat *st) {
    const struct site *site = self;
    (void)fd;
    *st = (struct stat){.st_mode = S_IFREG, .st_size = site->size};
    return 0;
}

static void check_value(struct value v) {
    if (v.tag == VALUE_STRING && !utf8_valid(value_str(v), NULL))
        abort();
    for (uint32_t i = 0; v.tag == VALUE_LIST && i < v.list->n; i++)
        check_value(v.list->items[i]);
    for (uint32_t i = 0; v.tag == VALUE_MAP && i < v.map->shape->n; i++) {
        check_value(v.map->shape->keys[i]);
        check_value(v.map->values[i]);
    }
}

static void check_page(const struct item *item, struct str page) {
    if ((!item->error) != (item->record.tag == VALUE_MAP))
        abort();
    if (item->error) {
        if (item->error_byte > page.n || !str_is(item->error->file, "p.md"))
            abort();
        return;
    }
    check_value(item->record);
    struct str content = value_str(map_get(item->record.map, STR("content")));
    if (!str_ends(page, content) || map_get(item->record.map, STR("size")).i != (int64_t)page.n)
        abort();
}

static void load(struct site *site, struct str page) {
    struct fs fs = site->system;
    fs.self = site;
    fs.open = open_page;
    fs.list = list_page;
    fs.stat = stat_page;
    struct load_options options = {
        .fs = &fs, .path = "site", .name = STR("*"), .format = STR("files"), .files = STR("*")};
    struct shapes *shapes = shapes_new();
    struct batch *batch = batch_new();
    struct reader reader;
    struct loader *loader;
    struct err err;
    reader_init(&reader, shapes, NULL);
    if (load_open(&options, &loader, &err) != STATUS_OK || load_pull(loader, batch, &err) != STATUS_OK ||
        batch->items_n != 1)
        abort();
    load_parse(loader, &reader, batch);
    check_page(&batch->items[0], page);
    load_close(loader);
    reader_release(&reader);
    batch_free(batch);
    shapes_free(shapes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    if (data[0] & 1) {
        match(text);
        return 0;
    }
    struct site site = {.system = fs_system(), .name = "p.md"};
    site.page = memfd_create("page", MFD_CLOEXEC);
    if (site.page < 0 || write(site.page, text.p, text.n) != (ssize_t)text.n)
        abort();
    site.size = data[0] & 2 ? (off_t)(text.n / 2) : (off_t)text.n;
    load(&site, text);
    close(site.page);
    return 0;
}
