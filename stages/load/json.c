// SPDX-License-Identifier: MIT
/*
 * A JSON document whose records are the elements of an array: the document itself, or the value at a JSON
 * pointer (RFC 6901). The document is never held as a whole: a scanner that knows strings, nesting and nothing
 * else finds where elements begin and end, and each element's bytes go to the batch as they pass.
 *
 * A broken element costs that record as long as its brackets and strings can be followed. Where they cannot,
 * the source ends with an error, after the records before it.
 */
#include "base/mem.h"
#include "base/number.h"
#include "stages/load/loader.h"

enum { BLOCK_BYTES = 64 << 10, NESTING = 512 };

struct json {
    struct loader base;
    char *pointer_text; // owned
    struct str pointer;
    char *block;
    size_t at, n; // unread part of the block
    uint64_t line, byte;
    bool ended;
    enum { BEFORE, INSIDE, AFTER } where; // of the array of records
    // the containers around the array of records, for the document's rest
    char around[NESTING];
    size_t around_n;
    struct buf key;
    struct err *err; // of the call being served
};

// Bytes -------------------------------------------------------------------------------------------------------

// The next byte without taking it, or -1: the end, or an error (err->status is set then).
static int peek(struct json *json) {
    if (json->at == json->n && !json->ended) {
        json->at = json->n = 0;
        if (input_read(json->base.input, json->block, BLOCK_BYTES, &json->n, json->err) != STATUS_OK)
            json->n = 0;
        json->ended = json->n == 0;
    }
    return json->at < json->n ? (unsigned char)json->block[json->at] : -1;
}

static int take(struct json *json) {
    int c = peek(json);
    if (c >= 0) {
        json->at++;
        json->byte++;
        json->line += c == '\n';
    }
    return c;
}

static int peek_token(struct json *json) { // the next byte that is not white space
    int c;
    while ((c = peek(json)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        take(json);
    return c;
}

static enum status broken(struct json *json, const char *expected) {
    if (json->err->status != STATUS_OK)
        return json->err->status; // could not be read
    int c = peek(json);
    if (c < 0)
        return err_set(json->err, STATUS_DATA, "%.*s:%llu: the document ends where %s is expected",
                       STR_ARG(json->base.name), (unsigned long long)json->line, expected);
    if (c < 0x20 || c >= 0x7f)
        return err_set(json->err, STATUS_DATA, "%.*s:%llu: expected %s, found the byte 0x%02x",
                       STR_ARG(json->base.name), (unsigned long long)json->line, expected, (unsigned)c);
    return err_set(json->err, STATUS_DATA, "%.*s:%llu: expected %s, found '%c'", STR_ARG(json->base.name),
                   (unsigned long long)json->line, expected, c);
}

// Scanning one value ------------------------------------------------------------------------------------------

// Where a value's bytes go: into the batch up to a limit, or nowhere.
struct copy {
    struct batch *batch; // NULL: nowhere
    size_t from, limit;
    bool too_long;
};

static void copy_bytes(struct copy *copy, const char *p, size_t n) {
    if (!copy->batch || copy->too_long)
        return;
    if (copy->batch->bytes_n - copy->from + n > copy->limit) {
        copy->too_long = true;
        copy->batch->bytes_n = copy->from;
        return;
    }
    loader_reserve(copy->batch, copy->batch->bytes_n + n);
    memcpy(copy->batch->bytes + copy->batch->bytes_n, p, n);
    copy->batch->bytes_n += n;
}

struct nesting {
    unsigned char closes[NESTING / 8]; // bit: 1 an object, 0 an array
    size_t depth;
};

static void nesting_open(struct nesting *nesting, bool object) {
    if (nesting->depth < NESTING) {
        unsigned char bit = (unsigned char)(1u << (nesting->depth % 8));
        unsigned char *byte = &nesting->closes[nesting->depth / 8];
        *byte = object ? *byte | bit : *byte & (unsigned char)~bit;
    }
    nesting->depth++;
}

static bool nesting_close(struct nesting *nesting, bool object) {
    nesting->depth--;
    return nesting->depth >= NESTING ||
           (nesting->closes[nesting->depth / 8] >> (nesting->depth % 8) & 1) == object;
}

// Goes on through a string up to and with its closing quote, or to the end of the block (true: still inside).
static bool scan_string(const struct json *json, size_t *at, bool *escaped, uint64_t *lines) {
    size_t i = *at;
    for (; i < json->n; i++) {
        char c = json->block[i];
        if (*escaped)
            *escaped = false;
        else if (c == '\\')
            *escaped = true;
        else if (c == '"') {
            *at = i + 1;
            return false;
        }
        *lines += c == '\n'; // not allowed there, but the reader will say so, with the right line
    }
    *at = i;
    return true;
}

// The scanner's state between blocks.
struct scan {
    struct nesting nesting;
    bool in_string, escaped, mismatched;
};

// Up to the end of the value or of the block; true: the value has ended, at a ',' or a closing bracket outside.
static bool scan_block(const struct json *json, struct scan *scan, size_t *at, uint64_t *lines) {
    for (size_t i = *at; i < json->n;) {
        if (scan->in_string) {
            scan->in_string = scan_string(json, &i, &scan->escaped, lines);
            continue;
        }
        char c = json->block[i];
        bool closes = c == '}' || c == ']';
        if ((closes || c == ',') && scan->nesting.depth == 0) {
            *at = i;
            return true;
        }
        if (c == '"')
            scan->in_string = true;
        else if (c == '{' || c == '[')
            nesting_open(&scan->nesting, c == '{');
        else if (closes && !nesting_close(&scan->nesting, c == '}'))
            scan->mismatched = true;
        *lines += c == '\n';
        i++;
        if (scan->mismatched) {
            *at = i;
            return true;
        }
    }
    *at = json->n;
    return false;
}

// Takes a value of any kind, as far as its brackets and strings tell. Leaves the byte that ends it.
static enum status take_value(struct json *json, struct copy *copy) {
    struct scan scan = {0};
    bool ended = false;
    while (!ended && peek(json) >= 0) {
        size_t from = json->at, at = from;
        uint64_t lines = 0;
        ended = scan_block(json, &scan, &at, &lines);
        copy_bytes(copy, json->block + from, at - from);
        json->at = at;
        json->byte += at - from;
        json->line += lines;
    }
    if (scan.mismatched)
        return err_set(json->err, STATUS_DATA, "%.*s:%llu: brackets do not match", STR_ARG(json->base.name),
                       (unsigned long long)json->line);
    if (scan.in_string || scan.nesting.depth > 0)
        return broken(json, scan.in_string ? "the end of a string" : "a closing bracket");
    return json->err->status;
}

// Finding the array -------------------------------------------------------------------------------------------

static enum status take_key(struct json *json) {
    struct batch *scratch = batch_new();
    struct copy copy = {.batch = scratch, .limit = BLOCK_BYTES};
    if (peek_token(json) != '"') {
        batch_free(scratch);
        return broken(json, "a key");
    }
    bool escaped = false;
    int c = take(json);
    copy_bytes(&copy, "\"", 1);
    while ((c = take(json)) >= 0 && (c != '"' || escaped)) {
        char byte = (char)c;
        escaped = !escaped && c == '\\';
        copy_bytes(&copy, &byte, 1);
    }
    copy_bytes(&copy, "\"", 1);
    buf_clear(&json->key);
    if (c >= 0 && !copy.too_long) { // a key that is no JSON string matches nothing
        struct shapes *shapes = shapes_new();
        struct reader reader;
        struct value value;
        reader_init(&reader, shapes, NULL);
        if (reader_parse(&reader, (struct str){scratch->bytes, scratch->bytes_n}, &scratch->arena, &value) ==
            STATUS_OK)
            buf_add_str(&json->key, value_str(value));
        reader_release(&reader);
        shapes_free(shapes);
    }
    batch_free(scratch);
    return c < 0 ? broken(json, "the end of a key") : STATUS_OK;
}

static enum status no_such_place(struct json *json, struct str so_far) {
    return err_set(json->err, STATUS_DATA, "%.*s: the document has nothing at the pointer \"%.*s\"",
                   STR_ARG(json->base.name), STR_ARG(so_far));
}

static enum status skip_value(struct json *json) {
    struct copy nowhere = {0};
    return take_value(json, &nowhere);
}

// After a member or element that is not the one: a comma leads on, a bracket means it is not there.
static enum status next_member(struct json *json, char close, struct str so_far) {
    int c = peek_token(json);
    if (c == close)
        return no_such_place(json, so_far);
    if (c != ',')
        return broken(json, close == '}' ? "',' or '}'" : "',' or ']'");
    take(json);
    return STATUS_OK;
}

static enum status enter_object(struct json *json, struct str token, struct str so_far) {
    take(json);
    if (peek_token(json) == '}')
        return no_such_place(json, so_far);
    for (;;) {
        enum status status = take_key(json);
        if (status != STATUS_OK)
            return status;
        if (peek_token(json) != ':')
            return broken(json, "':' after a key");
        take(json);
        if (str_equal(buf_str(&json->key), token)) {
            peek_token(json);
            return json->err->status;
        }
        if ((status = skip_value(json)) != STATUS_OK ||
            (status = next_member(json, '}', so_far)) != STATUS_OK)
            return status;
    }
}

static enum status enter_array(struct json *json, struct str token, struct str so_far) {
    int64_t index;
    if (!number_parse_int(token, &index) || index < 0 || (token.n > 1 && token.p[0] == '0') ||
        token.p[0] == '+')
        return err_set(json->err, STATUS_DATA,
                       "%.*s: \"%.*s\" in the pointer is no index, and there is an array",
                       STR_ARG(json->base.name), STR_ARG(token));
    take(json);
    if (peek_token(json) == ']')
        return no_such_place(json, so_far);
    for (; index > 0; index--) {
        enum status status = skip_value(json);
        if (status != STATUS_OK || (status = next_member(json, ']', so_far)) != STATUS_OK)
            return status;
    }
    peek_token(json);
    return json->err->status;
}

// One reference token of the pointer, unescaped into `token`.
static void unescape(struct str raw, struct buf *token) {
    buf_clear(token);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '~' && i + 1 < raw.n && (raw.p[i + 1] == '0' || raw.p[i + 1] == '1'))
            buf_add_char(token, raw.p[++i] == '0' ? '~' : '/');
        else
            buf_add_char(token, raw.p[i]);
    }
}

static enum status follow_pointer(struct json *json) {
    struct buf token = BUF_INIT;
    enum status status = STATUS_OK;
    size_t at = 0;
    peek_token(json);
    while (at < json->pointer.n && status == STATUS_OK) {
        size_t end = at + 1;
        while (end < json->pointer.n && json->pointer.p[end] != '/')
            end++;
        unescape(str_slice(json->pointer, at + 1, end), &token);
        struct str so_far = str_slice(json->pointer, 0, end);
        int c = peek(json);
        if (json->around_n == NESTING || (c != '{' && c != '['))
            status = no_such_place(json, so_far);
        else
            status = c == '{' ? enter_object(json, buf_str(&token), so_far)
                              : enter_array(json, buf_str(&token), so_far);
        json->around[json->around_n++] = c == '{' ? '}' : ']';
        at = end;
    }
    buf_release(&token);
    if (status != STATUS_OK)
        return status;
    if (json->err->status != STATUS_OK)
        return json->err->status;
    if (peek(json) != '[')
        return err_set(json->err, STATUS_DATA, "%.*s: there is no array of records at \"%.*s\"%s",
                       STR_ARG(json->base.name), STR_ARG(json->pointer),
                       json->pointer.n ? "" : " (the document itself; `pointer:` names another place)");
    take(json);
    json->where = INSIDE;
    return STATUS_OK;
}

// Elements ----------------------------------------------------------------------------------------------------

static size_t trimmed(const struct batch *batch, size_t from) {
    size_t n = batch->bytes_n - from;
    while (n > 0 && strchr(" \t\r\n", batch->bytes[from + n - 1]))
        n--;
    return n;
}

static enum status take_element(struct json *json, struct batch *batch) {
    struct copy copy = {.batch = batch, .from = batch->bytes_n, .limit = json->base.record_bytes};
    uint64_t line = json->line, byte = json->byte;
    enum status status = take_value(json, &copy);
    if (status != STATUS_OK) {
        batch->bytes_n = copy.from;
        return status;
    }
    struct item *item = loader_add(&json->base, batch, copy.from, line, byte);
    if (copy.too_long)
        loader_too_long(&json->base, batch, item);
    else
        item->raw.n = trimmed(batch, copy.from);
    return STATUS_OK;
}

static enum status next_element(struct json *json, struct batch *batch) {
    int c = peek_token(json);
    if (c < 0)
        return broken(json, "a record or ']'");
    if (c == ']' && json->base.ordinal == 0) {
        take(json);
        json->where = AFTER;
        return STATUS_OK;
    }
    if (c == ',' || c == ']' || c == '}')
        return broken(json, "a record");
    enum status status = take_element(json, batch);
    if (status != STATUS_OK)
        return status;
    c = peek(json);
    if (c != ',' && c != ']')
        return broken(json, "',' or ']'");
    take(json);
    if (c == ']')
        json->where = AFTER;
    return STATUS_OK;
}

// The rest of the document: the containers around the array must be closed, and nothing may follow.
static enum status check_rest(struct json *json) {
    while (json->around_n > 0) {
        char close = json->around[json->around_n - 1];
        int c = peek_token(json);
        if (c == ',') {
            take(json);
            enum status status = skip_value(json);
            if (status != STATUS_OK)
                return status;
        } else if (c == close) {
            take(json);
            json->around_n--;
        } else {
            return broken(json, close == '}' ? "',' or '}'" : "',' or ']'");
        }
    }
    return peek_token(json) >= 0 ? broken(json, "the end of the document") : json->err->status;
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct json *json = (struct json *)base;
    enum status status = STATUS_OK;
    json->err = err;
    err->status = STATUS_OK;
    if (json->where == BEFORE)
        status = follow_pointer(json);
    while (status == STATUS_OK && json->where == INSIDE && batch->items_n < base->batch_records &&
           batch->bytes_n < base->batch_bytes)
        status = next_element(json, batch);
    if (status == STATUS_OK && json->where == AFTER && batch->items_n == 0)
        status = check_rest(json);
    return status;
}

static void free_loader(struct loader *base) {
    struct json *json = (struct json *)base;
    mem_free(json->pointer_text);
    mem_free(json->block);
    buf_release(&json->key);
    mem_free(json);
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    struct json *json = MEM_NEW(struct json);
    json->base.pull = pull;
    json->base.free = free_loader;
    json->block = mem_alloc(BLOCK_BYTES);
    json->line = 1;
    json->pointer_text = mem_copy(options->pointer.p, options->pointer.n);
    json->pointer = (struct str){json->pointer_text, options->pointer.n};
    enum status status = STATUS_OK;
    if (options->pointer.n && options->pointer.p[0] != '/')
        status = err_set(err, STATUS_DATA, "%.*s: a JSON pointer begins with '/'", STR_ARG(options->name));
    else
        status = loader_init(&json->base, options, err);
    if (status != STATUS_OK) {
        free_loader(&json->base);
        return status;
    }
    *out = &json->base;
    return STATUS_OK;
}

static const char *const extensions[] = {".json", NULL};

const struct load_format load_json = {
    .name = "json",
    .extensions = extensions,
    .doc = "a JSON document: the records are the elements of an array",
    .open = open,
};
