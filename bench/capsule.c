// SPDX-License-Identifier: MIT
#include "bench/capsule.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/comparison_json.h"
#include "monitor/history_capsules.h"
#include "monitor/json_line.h"

enum { DIGITS = 15, DOCUMENT_MOST = 16 << 20 };

void capsule_init(struct capsule *c) {
    *c = (struct capsule){0};
    arena_init(&c->arena, 0);
}

void capsule_release(struct capsule *c) {
    mem_free(c->executable);
    arena_release(&c->arena);
    *c = (struct capsule){0};
}

// ---- as a document

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *digest_json(struct digest digest) {
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest, hex);
    return json_string(hex);
}

static json_t *records_json(const struct capsule *c) {
    json_t *array = json_array();
    for (size_t i = 0; i < c->records_n; i++) {
        const struct gate_record *record = &c->records[i];
        json_t *object = json_object(), *work = json_object();
        set(object, "name", json_string(record->name));
        set(object, "scale", json_real(record->scale));
        set(object, "digest", digest_json(record->digest));
        set(object, "cpu_seconds", json_real(record->cpu_seconds));
        for (size_t k = 0; k < record->work.n; k++)
            set(work, record->work.counters[k].name,
                json_integer((json_int_t)record->work.counters[k].value));
        set(object, "work", work);
        json_array_append_new(array, object);
    }
    return array;
}

// On one line, with its end.
static void write_document(const struct capsule *c, struct buf *out) {
    json_t *object = json_object(), *executable = json_object();
    set(object, "capsule", json_integer(CAPSULE_FORMAT));
    set(object, "made", json_string(c->made));
    set(object, "version", json_string(c->version));
    set(object, "suite", json_string(c->suite));
    set(object, "text", json_stringn(c->text.p, c->text.n));
    set(object, "seed", json_integer((json_int_t)c->seed));
    set(object, "machine", comparison_host_to_json(&c->host));
    set(executable, "bytes", json_integer((json_int_t)c->executable_n));
    set(executable, "digest", digest_json(c->executable_digest));
    set(object, "executable", executable);
    set(object, "benchmarks", records_json(c));
    json_line_add(object, DIGITS, out);
}

void capsule_settle(struct capsule *c) {
    struct buf text = BUF_INIT;
    write_document(c, &text);
    digest_hex(digest_of(buf_str(&text)), c->digest);
    buf_release(&text);
}

static const char *get_text(struct capsule *c, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    const char *kept = text ? arena_copy(&c->arena, text, strlen(text)) : NULL;
    if (text && !kept)
        mem_fail(strlen(text));
    return kept;
}

static bool get_digest(const json_t *object, struct digest *digest) {
    const char *hex = json_string_value(json_object_get(object, "digest"));
    return hex && digest_parse(str_of(hex), digest);
}

static bool read_record(struct capsule *c, const json_t *object, struct gate_record *record) {
    const char *key;
    json_t *value;
    const json_t *work = json_object_get(object, "work");
    *record = (struct gate_record){.name = get_text(c, object, "name"),
                                   .scale = json_number_value(json_object_get(object, "scale")),
                                   .cpu_seconds = json_number_value(json_object_get(object, "cpu_seconds"))};
    json_object_foreach((json_t *)work, key, value) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
        work_add(&record->work, key, (uint64_t)json_integer_value(value));
    }
    return record->name && json_is_object(work) && get_digest(object, &record->digest);
}

static bool read_records(struct capsule *c, const json_t *array) {
    size_t n = json_array_size(array);
    if (!json_is_array(array) || n > GATE_BENCHMARKS_MOST)
        return false;
    c->records = ARENA_NEW_ARRAY(&c->arena, struct gate_record, n + 1);
    if (!c->records)
        mem_fail(n);
    bool fine = true;
    for (; c->records_n < n && fine; c->records_n++)
        fine = read_record(c, json_array_get(array, c->records_n), &c->records[c->records_n]);
    return fine;
}

static void read_host(struct host *host, const json_t *object) {
    const char *system = json_string_value(json_object_get(object, "system")),
               *cpu = json_string_value(json_object_get(object, "cpu")),
               *used = json_string_value(json_object_get(object, "used"));
    snprintf(host->system, sizeof host->system, "%s", system ? system : "");
    snprintf(host->cpu, sizeof host->cpu, "%s", cpu ? cpu : "");
    snprintf(host->mask, sizeof host->mask, "%s", used ? used : "");
    host->cpus = (uint32_t)json_integer_value(json_object_get(object, "cpus"));
    host->counts_instructions = json_is_true(json_object_get(object, "counts_instructions"));
}

static bool read_root(struct capsule *c, const json_t *root) {
    const json_t *executable = json_object_get(root, "executable");
    json_int_t n = json_integer_value(json_object_get(executable, "bytes")),
               seed = json_integer_value(json_object_get(root, "seed"));
    c->made = get_text(c, root, "made");
    c->version = get_text(c, root, "version");
    c->suite = get_text(c, root, "suite");
    c->text = str_of(get_text(c, root, "text"));
    c->seed = (uint64_t)seed;
    c->executable_n = (size_t)n;
    read_host(&c->host, json_object_get(root, "machine"));
    return c->made && c->version && c->suite && c->text.p && seed >= 0 && n > 0 &&
           n <= HISTORY_CAPSULE_MOST && get_digest(executable, &c->executable_digest) &&
           read_records(c, json_object_get(root, "benchmarks"));
}

enum status capsule_parse(struct capsule *c, struct str document, struct err *err) {
    json_t *root = json_loadb(document.p, document.n, JSON_REJECT_DUPLICATES, NULL);
    enum status status = STATUS_OK;
    if (!root || !json_is_integer(json_object_get(root, "capsule")))
        status = err_set(err, STATUS_DATA, "this is no capsule");
    else if (json_integer_value(json_object_get(root, "capsule")) != CAPSULE_FORMAT)
        status = err_set(err, STATUS_DATA, "the capsule is of another version of pressrun");
    else if (!read_root(c, root))
        status = err_set(err, STATUS_DATA, "the capsule is damaged");
    json_decref(root);
    digest_hex(digest_of(document), c->digest);
    return status;
}

// ---- the executable

enum status capsule_take_executable(struct capsule *c, const struct fs *fs, const char *path,
                                    struct err *err) {
    enum status status = fs_read_file(fs, path, HISTORY_CAPSULE_MOST, &c->executable, &c->executable_n, err);
    if (status == STATUS_OK)
        c->executable_digest = digest_of((struct str){c->executable, c->executable_n});
    return status;
}

static enum status write_file(const struct fs *fs, const char *path, mode_t mode, struct str first,
                              struct str second, struct err *err) {
    int fd = fs->open(fs->self, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_os(err, -fd, "cannot write %s", path);
    enum status status = fs_write_all(fs, fd, first.p, first.n, err);
    if (status == STATUS_OK)
        status = fs_write_all(fs, fd, second.p, second.n, err);
    int failed = fs->close(fs->self, fd);
    return status == STATUS_OK && failed < 0 ? err_os(err, -failed, "cannot write %s", path) : status;
}

enum status capsule_unpack(const struct capsule *c, const struct fs *fs, const char *path, struct err *err) {
    return write_file(fs, path, 0700, (struct str){c->executable, c->executable_n}, (struct str){NULL, 0},
                      err);
}

// ---- kept and carried

enum status capsule_keep(const struct capsule *c, const char *directory, const char *name, int64_t made,
                         struct err *err) {
    struct buf text = BUF_INIT;
    write_document(c, &text);
    enum status status = history_capsules_put(directory, str_of(name), made, buf_str(&text),
                                              (struct str){c->executable, c->executable_n}, err);
    buf_release(&text);
    return status;
}

enum status capsule_find(struct capsule *c, const char *directory, const char *name, struct err *err) {
    struct history_capsule kept = {0};
    size_t n;
    if (history_capsules_get(directory, str_of(name), &c->arena, &kept, err) != STATUS_OK ||
        capsule_parse(c, kept.document, err) != STATUS_OK ||
        history_capsules_file(directory, kept.digest, &c->executable, &n, err) != STATUS_OK)
        return err->status;
    if (n == c->executable_n && digest_equal(c->executable_digest, digest_of((struct str){c->executable, n})))
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "capsule \"%s\" does not have its executable", name);
}

// The first line of a file; the digest is of the second.
static const char signature[] = "pressrun capsule ";

enum status capsule_write(const struct capsule *c, const struct fs *fs, const char *path, struct err *err) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s%s\n", signature, c->digest);
    write_document(c, &text);
    enum status status =
        write_file(fs, path, 0666, buf_str(&text), (struct str){c->executable, c->executable_n}, err);
    buf_release(&text);
    return status;
}

// Up to the next line end, with it; what follows stays in *text.
static struct str take_line(struct str *text) {
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    struct str line = {text->p, end ? (size_t)(end - text->p) + 1 : 0};
    *text = str_from(*text, line.n);
    return line;
}

static enum status read_text(struct capsule *c, struct str text, struct err *err) {
    char hex[DIGEST_HEX_SIZE];
    struct str first = take_line(&text), document = take_line(&text);
    if (!str_starts(first, str_of(signature)) || first.n != strlen(signature) + DIGEST_HEX_SIZE)
        return err_set(err, STATUS_DATA, "this is no capsule");
    digest_hex(digest_of(document), hex);
    if (memcmp(first.p + strlen(signature), hex, DIGEST_HEX_SIZE - 1) != 0)
        return err_set(err, STATUS_DATA, "the capsule is damaged: it is not what it says it is");
    if (capsule_parse(c, document, err) != STATUS_OK)
        return err->status;
    if (text.n != c->executable_n || !digest_equal(digest_of(text), c->executable_digest))
        return err_set(err, STATUS_DATA, "the capsule is damaged: its executable is not what it says");
    c->executable = mem_copy(text.p, text.n);
    return STATUS_OK;
}

enum status capsule_read(struct capsule *c, const struct fs *fs, const char *path, struct err *err) {
    char *text;
    size_t size;
    if (fs_read_file(fs, path, DOCUMENT_MOST + HISTORY_CAPSULE_MOST, &text, &size, err) != STATUS_OK)
        return err->status;
    enum status status = read_text(c, (struct str){text, size}, err);
    mem_free(text);
    return status;
}
