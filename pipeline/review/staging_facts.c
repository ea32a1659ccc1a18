// SPDX-License-Identifier: MIT
// generation.json: what a generation is, written last.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/review/staging_private.h"

enum { VERSION = 1, FACTS_MAX = 64 << 10 };

// Counts by their names in the file.
static const struct count_row {
    const char *name;
    size_t offset;
} count_rows[] = {
    {"added", offsetof(struct staging_facts, counts.added)},
    {"changed", offsetof(struct staging_facts, counts.changed)},
    {"removed", offsetof(struct staging_facts, counts.removed)},
    {"unchanged", offsetof(struct staging_facts, counts.unchanged)},
    {"bytes", offsetof(struct staging_facts, counts.bytes)},
    {"failed", offsetof(struct staging_facts, failed)},
};

static bool take_counts(json_t *object, struct staging_facts *facts) {
    for (size_t i = 0; i < sizeof count_rows / sizeof *count_rows; i++) {
        json_t *count = json_object_get(object, count_rows[i].name);
        json_int_t value = json_integer_value(count);
        if (!json_is_integer(count) || value < 0)
            return false;
        uint64_t number = (uint64_t)value;
        memcpy((char *)facts + count_rows[i].offset, &number, sizeof number);
    }
    return true;
}

static bool take_digest(json_t *object, const char *name, struct digest *digest) {
    const char *text = json_string_value(json_object_get(object, name));
    return text && digest_parse(str_of(text), digest);
}

bool staging_parse(struct str text, struct staging_facts *facts) {
    *facts = (struct staging_facts){.when = 0};
    json_t *object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *session = json_string_value(json_object_get(object, "session"));
    json_t *when = json_object_get(object, "when");
    bool sound = json_integer_value(json_object_get(object, "version")) == VERSION && session &&
                 strlen(session) < sizeof facts->session && json_is_integer(when) &&
                 take_digest(object, "digest", &facts->digest) &&
                 take_digest(object, "changes", &facts->list) && take_counts(object, facts);
    if (sound) {
        facts->when = json_integer_value(when);
        snprintf(facts->session, sizeof facts->session, "%s", session);
    }
    json_decref(object);
    return sound;
}

static void write_facts(const struct staging_facts *facts, struct buf *out) {
    char digest[DIGEST_HEX_SIZE], list[DIGEST_HEX_SIZE];
    digest_hex(facts->digest, digest);
    digest_hex(facts->list, list);
    buf_printf(out, "{\"version\": %d, \"session\": ", VERSION);
    buf_add_json(out, str_of(facts->session));
    buf_printf(out, ", \"when\": %lld, \"digest\": \"%s\", \"changes\": \"%s\"", (long long)facts->when,
               digest, list);
    for (size_t i = 0; i < sizeof count_rows / sizeof *count_rows; i++) {
        uint64_t number;
        memcpy(&number, (const char *)facts + count_rows[i].offset, sizeof number);
        buf_printf(out, ", \"%s\": %llu", count_rows[i].name, (unsigned long long)number);
    }
    buf_add_text(out, "}\n");
}

int staging_put_facts(const struct fs *fs, int generation, const struct staging_facts *facts) {
    static const char fresh[] = STAGING_FACTS ".new";
    struct buf text = BUF_INIT;
    struct err err;
    write_facts(facts, &text);
    int fd = fs->open_beneath(fs->self, generation, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    int result = fd < 0 ? fd : 0;
    if (fd >= 0) {
        if (fs_write_all(fs, fd, text.p, text.n, &err) != STATUS_OK)
            result = -err.os;
        int closed = fs->close(fs->self, fd);
        result = result == 0 ? closed : result;
    }
    if (result == 0)
        result = fs->rename(fs->self, generation, fresh, generation, STAGING_FACTS);
    buf_release(&text);
    return result;
}

static int read_text(const struct fs *fs, int generation, struct buf *text) {
    int fd = fs->open_beneath(fs->self, generation, STAGING_FACTS, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    buf_reserve(text, FACTS_MAX);
    int result = 0;
    while (result == 0 && text->n < FACTS_MAX) {
        ssize_t n = fs->read(fs->self, fd, text->p + text->n, FACTS_MAX - text->n);
        if (n == 0)
            break;
        if (n < 0 && n != -EINTR)
            result = (int)n;
        text->n += n > 0 ? (size_t)n : 0;
    }
    fs->close(fs->self, fd);
    return result;
}

int staging_get_facts(const struct fs *fs, int generation, struct staging_facts *facts) {
    struct buf text = BUF_INIT;
    int result = read_text(fs, generation, &text);
    if (result == 0 && !staging_parse(buf_str(&text), facts))
        result = -EBADMSG;
    buf_release(&text);
    return result;
}
