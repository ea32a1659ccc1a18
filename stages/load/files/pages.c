// SPDX-License-Identifier: MIT
/*
 * A directory of files by a pattern: one record per file, in the order of their paths' bytes.
 *
 *     path       "notes/2024/a.md", relative to where the pattern starts
 *     directory  "notes/2024"; "" where there is none
 *     name       "a.md"
 *     stem       "a"
 *     extension  ".md"; "" where there is none, as in ".profile"
 *     size       bytes of the file
 *     content    the text behind the front matter
 *     meta       the front matter, a mapping; an empty one where there is none
 *
 * Pulling looks for the paths (once) and at the files' sizes, so that a batch stays within its bytes; parsing,
 * which may be parallel, reads them. A file that cannot be read, is no UTF-8 or has faulty front matter fails
 * its record, with a place in that file, and the others go on. Files that are data themselves by their names
 * (.json, .jsonl, .ndjson, .yaml, .yml) have no front matter.
 *
 * Where there are routes (routes.h), a path is looked up when it is pulled, so files that no route takes are not even
 * looked at. What stands in the pattern's places comes behind the fields above, or takes the place of the one of that name.
 *
 * A file that is no longer as long as it was is read as it is now: somebody saved it meanwhile.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/load/files/front_matter.h"
#include "stages/load/files/glob.h"
#include "stages/load/files/walk.h"
#include "stages/load/loader.h"
#include "stages/load/routes/routes.h"

enum { BATCH_FILES = 64, GROW_BYTES = 4096 };

enum field { PATH, DIRECTORY, NAME, STEM, EXTENSION, SIZE, CONTENT, META, FIELDS };

// A private shape keeps them for as long as the records are there.
#define FIELD_NAME(text)                                                                                     \
    { .tag = VALUE_STRING, .n = sizeof text - 1, .s = text }
static const struct value field_names[FIELDS] = {
    FIELD_NAME("path"),      FIELD_NAME("directory"), FIELD_NAME("name"),    FIELD_NAME("stem"),
    FIELD_NAME("extension"), FIELD_NAME("size"),      FIELD_NAME("content"), FIELD_NAME("meta"),
};

struct pages {
    struct loader base;
    const struct fs *fs;
    const atomic_bool *interrupt;
    struct glob *glob;
    const struct load_routes *routes; // NULL: none
    struct routes_search search;      // of pulling
    char *directory;                  // owned
    int fd;                           // of the directory, for opening files in it
    bool walked;
    struct walk_paths files; // a record's ordinal is its place in it
};

// Failing ----------------------------------------------------------------------------------------------------

static struct str path_of(const struct loader *base, const struct item *item) {
    return str_of(((const struct pages *)base)->files.paths[item->ordinal]);
}

// All return false, for the caller to return.
static bool fail_with(struct item *item, const struct diag *diag, size_t at) {
    item->record = value_missing();
    item->error = diag;
    item->error_byte = at;
    return false;
}

static bool fail_at(const struct loader *base, struct batch *batch, struct item *item, size_t at,
                    const char *text) {
    const struct source_text page = {path_of(base, item), item->raw};
    return fail_with(item, diag_make(&batch->arena, &page, (struct span){(uint32_t)at, 1}, "%s", text), at);
}

static bool fail_file(const struct loader *base, struct batch *batch, struct item *item, const char *text) {
    const struct source_text page = {path_of(base, item), {NULL, 0}};
    return fail_with(item, diag_make(&batch->arena, &page, (struct span){0, 0}, "%s", text), 0);
}

static bool fail_os(const struct loader *base, struct batch *batch, struct item *item, int os,
                    const char *text) {
    struct err err;
    err_os(&err, os, "%s", text);
    return fail_file(base, batch, item, err.text);
}

static bool fail_too_long(const struct loader *base, struct batch *batch, struct item *item) {
    char text[LOADER_TEXT_SIZE];
    return fail_file(base, batch, item, loader_too_long_text(base, text));
}

// Pulling ----------------------------------------------------------------------------------------------------

static enum status find_files(struct pages *pages, struct err *err) {
    pages->walked = true;
    struct err found;
    enum status status =
        walk_files(pages->glob, pages->fs, pages->directory, pages->interrupt, &pages->files, &found);
    if (status == STATUS_OK)
        return status;
    *err = found;
    err_set(err, status, "%.*s: %s", STR_ARG(pages->base.name), found.text);
    err->os = found.os;
    return status;
}

// The size as far as it can be told; what is wrong with the file shows when it is read.
static size_t size_of(const struct pages *pages, const char *path) {
    struct stat st;
    int fd = pages->fs->open(pages->fs->self, pages->fd, path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    bool regular = pages->fs->stat(pages->fs->self, fd, &st) == 0 && S_ISREG(st.st_mode);
    pages->fs->close(pages->fs->self, fd);
    return regular && st.st_size > 0 ? (size_t)st.st_size : 0;
}

// Whether the next file is a record; if so, *route is its route.
static bool is_taken(struct pages *pages, uint32_t *route) {
    struct loader *base = &pages->base;
    const struct str path = str_of(pages->files.paths[base->ordinal]);
    *route = 0;
    if (!pages->routes)
        return true;
    *route = routes_find(pages->routes->table, &pages->search, path);
    if (*route == ROUTE_NONE) {
        if (base->left_out.n++ == 0)
            base->left_out.first = path;
        return false;
    }
    return !pages->routes->wanted || pages->routes->wanted[*route];
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct pages *pages = (struct pages *)base;
    if (!pages->walked && find_files(pages, err) != STATUS_OK)
        return err->status;
    size_t most = base->batch_records < BATCH_FILES ? base->batch_records : BATCH_FILES, bytes = 0;
    while (batch->items_n < most && bytes < base->batch_bytes && base->ordinal < pages->files.n) {
        uint32_t route;
        if (!is_taken(pages, &route)) {
            base->ordinal++;
            continue;
        }
        size_t size = size_of(pages, pages->files.paths[base->ordinal]);
        struct item *item = loader_add(base, batch, bytes, 0, 0);
        item->route = route;
        if (size > base->record_bytes) {
            fail_too_long(base, batch, item);
            item->error_byte = bytes; // as loader_settle wants it
            continue;
        }
        item->raw.n = size;
        bytes += size;
    }
    loader_reserve(batch, bytes);
    batch->bytes_n = bytes;
    uint64_t read = atomic_fetch_add(&base->read, bytes) + bytes;
    // How much there is in all is not known, but which part of the files is done.
    if (base->ordinal > 0)
        atomic_store(&base->total, (uint64_t)((double)read / (double)base->ordinal * (double)pages->files.n));
    return STATUS_OK;
}

// Parsing ----------------------------------------------------------------------------------------------------

// Reads all of a file to where its item has room, and if that is too little to the arena. False: it failed.
static bool read_open(const struct pages *pages, struct batch *batch, struct item *item, int fd) {
    const struct loader *base = &pages->base;
    char *text = item->raw.n ? batch->bytes + (item->raw.p - batch->bytes) : NULL;
    size_t n = 0, room = item->raw.n;
    for (;;) {
        char more; // is there any, when the room is used up?
        bool full = n == room;
        ssize_t got = pages->fs->read(pages->fs->self, fd, full ? &more : text + n, full ? 1 : room - n);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return fail_os(base, batch, item, (int)-got, "cannot read the file");
        if (got == 0)
            break;
        if (full) {
            if (n == base->record_bytes)
                return fail_too_long(base, batch, item);
            room = n > GROW_BYTES / 2 ? n * 2 : GROW_BYTES;
            room = room < base->record_bytes ? room : base->record_bytes;
            char *larger = arena_alloc(&batch->arena, room);
            if (!larger)
                return fail_os(base, batch, item, ENOMEM, "cannot read the file");
            if (n)
                memcpy(larger, text, n);
            text = larger;
            text[n] = more;
        }
        n += (size_t)got;
    }
    item->raw = n ? (struct str){text, n} : STR("");
    return true;
}

static bool read_file(const struct pages *pages, struct batch *batch, struct item *item) {
    // Should it have become a pipe or a device meanwhile, opening it must not wait.
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = pages->fs->open(pages->fs->self, pages->fd, pages->files.paths[item->ordinal], flags, 0);
    if (fd < 0)
        return fail_os(&pages->base, batch, item, -fd, "cannot open the file");
    bool done = read_open(pages, batch, item, fd);
    pages->fs->close(pages->fs->self, fd);
    return done;
}

static bool check_text(const struct loader *base, struct batch *batch, struct item *item) {
    size_t bad;
    const char *nul = item->raw.n ? memchr(item->raw.p, 0, item->raw.n) : NULL;
    bool valid = utf8_valid(item->raw, &bad);
    if (nul && (valid || (size_t)(nul - item->raw.p) < bad))
        return fail_at(base, batch, item, (size_t)(nul - item->raw.p), "there is a NUL byte");
    return valid || fail_at(base, batch, item, bad, "invalid UTF-8");
}

// YAML may begin like front matter, too, but is no format of sources.
static bool is_data(struct str extension) {
    const struct load_format *format = load_format_for(extension);
    return (format && format->like_front_matter) || str_is(extension, ".yaml") || str_is(extension, ".yml");
}

static void split_path(struct str path, struct value *fields) {
    size_t slash = path.n, dot;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    for (dot = path.n; dot > slash && path.p[dot - 1] != '.'; dot--)
        ;
    // A dot that is the first or the last of the name makes no extension.
    size_t extension = dot > slash + 1 && dot < path.n ? dot - 1 : path.n;
    fields[PATH] = value_string(path);
    fields[DIRECTORY] = value_string(str_slice(path, 0, slash ? slash - 1 : 0));
    fields[NAME] = value_string(str_from(path, slash));
    fields[STEM] = value_string(str_slice(path, slash, extension));
    fields[EXTENSION] = value_string(str_from(path, extension));
}

static struct map *new_map(struct reader *reader, struct arena *arena, const struct value *names,
                           uint32_t n) {
    const struct shape *shape = shapes_of_names(reader->shapes, names, n);
    struct arena_asked asked = arena_asked(arena);
    if (!shape) {
        struct value *own = arena_alloc(arena, n * sizeof *own + 1);
        if (own && n)
            memcpy(own, names, n * sizeof *own);
        shape = own ? shape_new_private(arena, own, n) : NULL;
    }
    arena_uncount(arena, asked);
    return shape ? map_new(arena, shape) : NULL;
}

// Text of digits; routes_capture saw to it that it fits.
static struct value integer_of(struct str digits) {
    int64_t sum = 0;
    for (size_t i = 0; i < digits.n; i++)
        sum = sum * 10 + (digits.p[i] - '0');
    return value_int(sum);
}

// The fields of a record and the values that its route gives.
struct fields {
    struct value names[FIELDS + ROUTE_NAMES], values[FIELDS + ROUTE_NAMES];
    uint32_t n;
};

static void set_field(struct fields *fields, struct str name, struct value value) {
    uint32_t i = 0;
    while (i < fields->n && !str_equal(value_str(fields->names[i]), name))
        i++;
    fields->names[i] = value_string(name);
    fields->values[i] = value;
    fields->n += i == fields->n;
}

static void add_captures(const struct pages *pages, uint32_t route, struct str path, struct fields *fields) {
    struct routes_search search = {0};
    struct str values[ROUTE_NAMES];
    const struct route_name *names;
    const size_t n = routes_names(pages->routes->table, route, &names);
    if (n > 0 && routes_capture(pages->routes->table, route, &search, path, values))
        for (size_t i = 0; i < n; i++)
            set_field(fields, names[i].name,
                      names[i].kind == ROUTE_INT ? integer_of(values[i]) : value_string(values[i]));
    routes_search_release(&search);
}

static void parse(const struct loader *base, struct reader *reader, struct batch *batch, struct item *item) {
    const struct pages *pages = (const struct pages *)base;
    struct arena *arena = &batch->arena;
    struct str path = path_of(base, item);
    if (!utf8_valid(path, NULL)) {
        fail_file(base, batch, item, "the name of the file is not UTF-8");
        return;
    }
    if (!read_file(pages, batch, item) || !check_text(base, batch, item))
        return;
    struct fields fields = {.n = FIELDS};
    memcpy(fields.names, field_names, sizeof field_names);
    struct arena_asked asked = arena_asked(arena);
    const struct str own = arena_str(arena, path); // the loader's own may go before the record
    arena_uncount(arena, asked);
    if (!own.p) {
        fail_os(base, batch, item, ENOMEM, "cannot make the record");
        return;
    }
    split_path(own, fields.values);
    const struct source_text page = {path, item->raw};
    struct front_matter front = {.meta = value_missing(), .text = item->raw};
    if (!is_data(value_str(fields.values[EXTENSION])))
        front = front_matter_read(arena, reader, &page);
    if (front.fault) {
        fail_with(item, front.fault, front.fault_at);
        return;
    }
    struct map *none = new_map(reader, arena, NULL, 0);
    if (!none) {
        fail_os(base, batch, item, ENOMEM, "cannot make the record");
        return;
    }
    fields.values[SIZE] = value_int((int64_t)item->raw.n);
    fields.values[CONTENT] = value_string(front.text);
    fields.values[META] = front.meta.tag == VALUE_MAP ? front.meta : value_map(none);
    if (pages->routes)
        add_captures(pages, item->route, own, &fields);
    struct map *map = new_map(reader, arena, fields.names, fields.n);
    if (!map) {
        fail_os(base, batch, item, ENOMEM, "cannot make the record");
        return;
    }
    memcpy(map->values, fields.values, fields.n * sizeof *fields.values);
    item->record = value_map(map);
    reader->fields.parsed += fields.n;
}

// ------------------------------------------------------------------------------------------------------------

static void free_loader(struct loader *base) {
    struct pages *pages = (struct pages *)base;
    if (pages->fd >= 0)
        pages->fs->close(pages->fs->self, pages->fd);
    glob_free(pages->glob);
    walk_release(&pages->files);
    routes_search_release(&pages->search);
    mem_free(pages->directory);
    mem_free(pages);
}

static enum status open_directory(struct pages *pages, const struct load_options *options, struct err *err) {
    struct err bad;
    if (glob_new(options->files, &pages->glob, &bad) != STATUS_OK)
        return err_set(err, bad.status, "%.*s: %s", STR_ARG(options->name), bad.text);
    const char *path = options->path[0] ? options->path : ".";
    pages->directory = mem_copy(path, strlen(path));
    pages->fd = pages->fs->open(pages->fs->self, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (pages->fd < 0)
        return err_os(err, -pages->fd, "%.*s: cannot open the directory %s", STR_ARG(options->name), path);
    return STATUS_OK;
}

static enum status open_pages(const struct load_options *options, struct loader **out, struct err *err) {
    struct pages *pages = MEM_NEW(struct pages);
    pages->fs = options->fs;
    pages->interrupt = options->interrupt;
    pages->routes = options->routes;
    pages->fd = -1;
    loader_take_options(&pages->base, options);
    if (pages->base.record_bytes >= UINT32_MAX) // as long as a string may be
        pages->base.record_bytes = UINT32_MAX - 1;
    pages->base.pull = pull;
    pages->base.parse = parse;
    pages->base.free = free_loader;
    if (open_directory(pages, options, err) != STATUS_OK) {
        free_loader(&pages->base);
        return err->status;
    }
    *out = &pages->base;
    return STATUS_OK;
}

static const char *const extensions[] = {NULL};

const struct load_format load_files = {
    .name = "files",
    .extensions = extensions,
    .doc = "files of a directory by a pattern: one record per file, with its front matter",
    .open = open_pages,
};
