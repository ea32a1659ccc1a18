// SPDX-License-Identifier: MIT
#include "stages/emit/emit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { PATH_LIMIT = 4095, PART_LIMIT = 255 };

const struct sink_kind *const emit_sinks[] = {&emit_files, &emit_jsonl, &emit_table, &emit_text, NULL};

const struct sink_kind *emit_stream_for(struct str path) {
    if (str_ends(path, STR(".zst")))
        path.n -= 4;
    for (size_t i = 0; emit_sinks[i]; i++)
        for (const char *const *e = emit_sinks[i]->extensions; e && *e; e++)
            if (str_ends(path, str_of(*e)))
                return emit_sinks[i];
    return &emit_text;
}

struct lane_stamp lane_stamp_of(const struct stat *st) {
    return (struct lane_stamp){.size = (uint64_t)st->st_size,
                               .inode = st->st_ino,
                               .mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
}

static size_t find_bad(struct str text, size_t from) {
    size_t bad;
    return utf8_valid(str_from(text, from), &bad) ? text.n : from + bad;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

const char *emit_show_path(struct str path, char shown[EMIT_SHOWN_SIZE]) {
    enum { ROOM = EMIT_SHOWN_SIZE - 1, TAIL = 80 };
    struct buf all = BUF_INIT;
    size_t bad = find_bad(path, 0);
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c < 0x20 || c == 0x7f || i == bad)
            buf_printf(&all, "\\x%02x", c);
        else
            buf_add_char(&all, path.p[i]);
        if (i == bad)
            bad = find_bad(path, i + 1);
    }
    size_t head = all.n, tail = all.n; // [head, tail) is left out
    if (all.n > ROOM) {
        head = ROOM - TAIL - 3;
        tail = all.n - TAIL;
        while (head > 0 && is_continuation(all.p[head]))
            head--;
        while (tail < all.n && is_continuation(all.p[tail]))
            tail++;
    }
    snprintf(shown, EMIT_SHOWN_SIZE, "%.*s%s%.*s", (int)head, all.n ? all.p : "", head < tail ? "..." : "",
             (int)(all.n - tail), all.n ? all.p + tail : "");
    buf_release(&all);
    return shown;
}

static const char *fault_of_part(struct str part) {
    if (part.n == 0)
        return "it has an empty part";
    if (str_is(part, ".") || str_is(part, ".."))
        return "it has a part \".\" or \"..\"";
    if (part.n > PART_LIMIT)
        return "a part is longer than 255 bytes";
    if (str_ends(part, STR(EMIT_TEMPORARY_SUFFIX)))
        return "names that end in \"" EMIT_TEMPORARY_SUFFIX "\" are for temporary files";
    return NULL;
}

static const char *fault_of_path(struct str path) {
    if (path.n == 0)
        return "it is empty";
    if (path.n > PATH_LIMIT)
        return "it is longer than 4095 bytes";
    if (!utf8_valid(path, NULL))
        return "it is not UTF-8";
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        // C1 controls are U+0080 to U+009F: the bytes c2 80 to c2 9f.
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)path.p[i + 1] < 0xa0))
            return "it has a control character";
    }
    if (path.p[0] == '/')
        return "it is absolute";
    if (path.p[path.n - 1] == '/')
        return "it ends in \"/\"";
    bool first = true;
    for (struct str left = path;; first = false) {
        const char *slash = memchr(left.p, '/', left.n);
        struct str part = {left.p, slash ? (size_t)(slash - left.p) : left.n};
        const char *fault = fault_of_part(part);
        if (fault)
            return fault;
        if (first && str_is(part, EMIT_BOOKS))
            return "the directory \"" EMIT_BOOKS "\" is not for outputs";
        if (!slash)
            return NULL;
        left = str_from(left, part.n + 1);
    }
}

enum status emit_check_path(struct str path, struct err *err) {
    const char *fault = fault_of_path(path);
    if (!fault)
        return STATUS_OK;
    char shown[EMIT_SHOWN_SIZE];
    return err_set(err, STATUS_DATA, "the output path \"%s\" is refused: %s", emit_show_path(path, shown),
                   fault);
}
