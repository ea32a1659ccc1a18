// SPDX-License-Identifier: MIT
/*
 * A JSON document whose records are the elements of an array: the document itself, or the value at a JSON
 * pointer (RFC 6901). The document is never held as a whole: its outline (load/outline.h) tells where elements
 * begin and end, and each element's bytes go to the batch as they pass.
 *
 * A broken element costs that record as long as its brackets and strings can be followed. Where they cannot,
 * the source ends with an error, after the records before it. Of the document around the array no more than
 * the outline is checked. A pointer follows the first of repeated keys, since the last is not known in time.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"
#include "stages/load/files/outline.h"
#include "stages/record/scan.h"

enum { KEY_BYTES = 64 << 10 };

struct json {
    struct loader base;
    struct outline outline;
    struct str pointer;                   // owned
    enum { BEFORE, INSIDE, AFTER } where; // of the array of records
    // the containers around the array of records, by the byte that closes them
    char around[OUTLINE_NESTING];
    size_t around_n;
};

// Finding the array ------------------------------------------------------------------------------------------

// Whether the key in `raw`, with its quotes, is the token. One that is no JSON string matches nothing.
static bool is_key(struct str raw, struct str token) {
    struct arena arena;
    arena_init(&arena, 0);
    struct scan scan = {.begin = raw.p, .end = raw.p + raw.n, .arena = &arena};
    struct str key;
    bool same = scan_string(&scan, raw.p + 1, &key) == scan.end && str_equal(key, token);
    arena_release(&arena);
    return same;
}

static enum status take_key(struct outline *o, struct str token, bool *found) {
    struct buf raw = BUF_INIT;
    bool escaped = false;
    if (outline_peek_token(o) != '"')
        return outline_broken(o, "a key in double quotes");
    int c = outline_take(o);
    buf_add_char(&raw, (char)c);
    while ((c = outline_take(o)) >= 0) {
        if (raw.n <= KEY_BYTES)
            buf_add_char(&raw, (char)c);
        if (c == '"' && !escaped)
            break;
        escaped = !escaped && c == '\\';
    }
    *found = raw.n <= KEY_BYTES && is_key(buf_str(&raw), token);
    buf_release(&raw);
    if (c < 0)
        return outline_broken(o, "the end of a key");
    if (outline_peek_token(o) != ':')
        return outline_broken(o, "':' after the key");
    outline_take(o);
    return STATUS_OK;
}

static enum status no_such_place(const struct json *json, struct str so_far) {
    return err_set(json->outline.err, STATUS_DATA, "%.*s: the document has nothing at the pointer \"%.*s\"",
                   STR_ARG(json->base.name), STR_ARG(so_far));
}

static enum status skip_value(struct outline *o) {
    struct outline_copy nowhere = {.batch = NULL};
    outline_peek_token(o);
    return outline_take_value(o, &nowhere);
}

// After a member or element that is not the one: a comma leads on, a bracket means that it is not there.
static enum status next_member(struct json *json, char close, struct str so_far) {
    int c = outline_peek_token(&json->outline);
    if (c == close)
        return no_such_place(json, so_far);
    if (c != ',')
        return outline_broken(&json->outline, close == '}' ? "',' or '}'" : "',' or ']'");
    outline_take(&json->outline);
    return STATUS_OK;
}

static enum status enter_object(struct json *json, struct str token, struct str so_far) {
    struct outline *o = &json->outline;
    enum status status;
    outline_take(o);
    if (outline_peek_token(o) == '}')
        return no_such_place(json, so_far);
    for (;;) {
        bool found = false;
        if ((status = take_key(o, token, &found)) != STATUS_OK || found)
            return status;
        if ((status = skip_value(o)) != STATUS_OK || (status = next_member(json, '}', so_far)) != STATUS_OK)
            return status;
    }
}

static enum status enter_array(struct json *json, struct str token, struct str so_far) {
    struct outline *o = &json->outline;
    int64_t index;
    bool plain = token.n && token.p[0] != '-' && token.p[0] != '+' && (token.n == 1 || token.p[0] != '0');
    if (!plain || !number_parse_int(token, &index))
        return err_set(o->err, STATUS_DATA,
                       "%.*s: the pointer \"%.*s\" names a key where the document has an array",
                       STR_ARG(json->base.name), STR_ARG(so_far));
    outline_take(o);
    if (outline_peek_token(o) == ']')
        return no_such_place(json, so_far);
    for (; index > 0; index--) {
        enum status status = skip_value(o);
        if (status != STATUS_OK || (status = next_member(json, ']', so_far)) != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

// One reference token of the pointer, unescaped into `token`.
static void unescape(struct str raw, struct buf *token) {
    buf_clear(token);
    for (size_t i = 0; i < raw.n; i++)
        buf_add_char(token, raw.p[i] != '~' ? raw.p[i] : raw.p[++i] == '0' ? '~' : '/');
}

static enum status enter(struct json *json, struct str token, struct str so_far) {
    int c = outline_peek_token(&json->outline);
    enum status status = json->outline.err->status;
    if (status == STATUS_OK && c == '{')
        status = enter_object(json, token, so_far);
    else if (status == STATUS_OK && c == '[')
        status = enter_array(json, token, so_far);
    else if (status == STATUS_OK)
        status = no_such_place(json, so_far);
    if (json->around_n == OUTLINE_NESTING)
        return no_such_place(json, so_far);
    json->around[json->around_n++] = c == '{' ? '}' : ']';
    return status;
}

static enum status follow_pointer(struct json *json) {
    struct buf token = BUF_INIT;
    struct str pointer = json->pointer;
    enum status status = STATUS_OK;
    for (size_t at = 0, end; at < pointer.n && status == STATUS_OK; at = end) {
        end = at + 1;
        while (end < pointer.n && pointer.p[end] != '/')
            end++;
        unescape(str_slice(pointer, at + 1, end), &token);
        status = enter(json, buf_str(&token), str_slice(pointer, 0, end));
    }
    buf_release(&token);
    return status;
}

static enum status enter_records(struct json *json) {
    struct outline *o = &json->outline;
    enum status status = follow_pointer(json);
    if (status != STATUS_OK)
        return status;
    int c = outline_peek_token(o);
    json->where = INSIDE;
    if (c == '[') {
        outline_take(o);
        return STATUS_OK;
    }
    if (c != '{' || o->err->status != STATUS_OK)
        return outline_broken(o, "an array of records");
    if (json->pointer.n)
        return outline_broken(o, "an array of records at the pointer");
    return outline_broken(o, "an array of records (where it lies deeper, `pointer` says where)");
}

// Elements ---------------------------------------------------------------------------------------------------

static size_t trimmed(struct str text) {
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r' ||
                      text.p[text.n - 1] == '\t'))
        text.n--;
    return text.n;
}

static enum status take_element(struct json *json, struct batch *batch) {
    struct outline *o = &json->outline;
    struct outline_copy copy = {.batch = batch, .from = batch->bytes_n, .limit = json->base.record_bytes};
    uint64_t line = o->line, column = o->column, byte = o->byte;
    enum status status = outline_take_value(o, &copy);
    if (status != STATUS_OK) {
        batch->bytes_n = copy.from;
        return status;
    }
    struct item *item = loader_add(&json->base, batch, copy.from, line, byte);
    item->column = column;
    if (copy.too_long)
        loader_too_long(&json->base, batch, item);
    else
        item->raw.n = trimmed((struct str){batch->bytes + copy.from, batch->bytes_n - copy.from});
    return STATUS_OK;
}

static enum status next_element(struct json *json, struct batch *batch) {
    struct outline *o = &json->outline;
    int c = outline_peek_token(o);
    if (c == ']' && json->base.ordinal == 0) {
        outline_take(o);
        json->where = AFTER;
        return STATUS_OK;
    }
    if (c < 0 || c == ',' || c == ']' || c == '}')
        return outline_broken(o, json->base.ordinal ? "a record" : "a record or ']'");
    enum status status = take_element(json, batch);
    if (status != STATUS_OK)
        return status;
    c = outline_peek(o);
    if (c != ',' && c != ']')
        return outline_broken(o, "',' or ']'");
    outline_take(o);
    if (c == ']')
        json->where = AFTER;
    return STATUS_OK;
}

// The rest of the document: the containers around the array must be closed, and nothing may follow.
static enum status check_rest(struct json *json) {
    struct outline *o = &json->outline;
    while (json->around_n > 0) {
        char close = json->around[json->around_n - 1];
        int c = outline_peek_token(o);
        if (c != ',' && c != close)
            return outline_broken(o, close == '}' ? "',' or '}'" : "',' or ']'");
        outline_take(o);
        if (c == close) {
            json->around_n--;
            continue;
        }
        enum status status = skip_value(o);
        if (status != STATUS_OK)
            return status;
    }
    return outline_peek_token(o) >= 0 ? outline_broken(o, "the end of the document") : o->err->status;
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct json *json = (struct json *)base;
    enum status status = STATUS_OK;
    outline_begin(&json->outline, base, err);
    if (json->where == BEFORE)
        status = enter_records(json);
    while (status == STATUS_OK && json->where == INSIDE && batch->items_n < base->batch_records &&
           batch->bytes_n < base->batch_bytes)
        status = next_element(json, batch);
    if (status == STATUS_OK && json->where == AFTER)
        status = check_rest(json);
    return status;
}

static void free_loader(struct loader *base) {
    struct json *json = (struct json *)base;
    outline_release(&json->outline);
    mem_free((char *)(uintptr_t)json->pointer.p);
    mem_free(json);
}

static enum status check_pointer(const struct load_options *options, struct err *err) {
    struct str pointer = options->pointer;
    if (pointer.n && pointer.p[0] != '/')
        return err_set(err, STATUS_DATA, "%.*s: the JSON pointer \"%.*s\" must begin with '/'",
                       STR_ARG(options->name), STR_ARG(pointer));
    for (size_t i = 0; i < pointer.n; i++)
        if (pointer.p[i] == '~' &&
            (i + 1 == pointer.n || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1')))
            return err_set(err, STATUS_DATA, "%.*s: in the JSON pointer \"%.*s\" a '~' must be ~0 or ~1",
                           STR_ARG(options->name), STR_ARG(pointer));
    return STATUS_OK;
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    if (check_pointer(options, err) != STATUS_OK)
        return err->status;
    struct json *json = MEM_NEW(struct json);
    json->base.pull = pull;
    json->base.free = free_loader;
    json->base.raw_tells = true;
    json->pointer = (struct str){mem_copy(options->pointer.p, options->pointer.n), options->pointer.n};
    outline_init(&json->outline);
    enum status status = loader_init(&json->base, options, err);
    if (status != STATUS_OK) {
        free_loader(&json->base);
        return status;
    }
    *out = &json->base;
    return STATUS_OK;
}

static const char *const extensions[] = {".json", NULL}, *const keys[] = {"pointer", NULL};

const struct load_format load_json = {
    .name = "json",
    .extensions = extensions,
    .doc = "a JSON document: the records are the elements of an array",
    .keys = keys,
    .like_front_matter = true,
    .open = open,
};
