// SPDX-License-Identifier: MIT
#include "stages/load/files/glob.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

struct part {
    struct str text; // owned; of a plain name without the backslashes
    bool plain;      // no wildcards
    bool any_depth;  // "**"
    bool last;       // names files
};

struct glob {
    struct part parts[GLOB_PARTS]; // of one alternative after the other
    size_t parts_n;
    struct glob_set start;
};

static void set_add(struct glob_set *set, size_t i) {
    set->bits[i / 64] |= (uint64_t)1 << i % 64;
}

// With what follows it where it may stand for nothing.
static void add_closed(const struct glob *glob, struct glob_set *set, size_t i) {
    set_add(set, i);
    for (; glob->parts[i].any_depth; i++)
        set_add(set, i + 1);
}

// The first part in the set from i on; GLOB_PARTS: none.
static size_t set_next(const struct glob_set *set, size_t i) {
    while (i < GLOB_PARTS) {
        uint64_t bits = set->bits[i / 64] >> i % 64;
        if (bits)
            return i + (size_t)__builtin_ctzll(bits);
        i = (i / 64 + 1) * 64;
    }
    return GLOB_PARTS;
}

// Reading a pattern ------------------------------------------------------------------------------------------

// The length of a bracket expression that begins at `at`; 0: it is not closed within its part. A ']' that
// stands first is one of the characters.
static size_t bracket_size(struct str text, size_t at) {
    size_t i = at + 1;
    if (i < text.n && (text.p[i] == '!' || text.p[i] == '^'))
        i++;
    for (size_t first = i; i < text.n && text.p[i] != '/'; i++) {
        if (text.p[i] == ']' && i > first)
            return i + 1 - at;
        if (text.p[i] == '\\')
            i++;
    }
    return 0;
}

// How many bytes to go on by, where braces are looked for: escapes and brackets as a whole.
static size_t element_size(struct str text, size_t at) {
    size_t size = 1;
    if (text.p[at] == '\\')
        size = 2;
    else if (text.p[at] == '[')
        size = bracket_size(text, at);
    return size <= text.n - at ? size : 1;
}

static enum status not_closed(struct err *err, struct str text, size_t at) {
    return err_set(err, STATUS_DATA, "the pattern has a '%c' that is not closed: \"%.*s\"", text.p[at],
                   STR_ARG(str_from(text, at)));
}

static enum status check_range(struct str bracket, struct err *err) {
    size_t i = bracket.p[1] == '!' || bracket.p[1] == '^' ? 2 : 1;
    uint32_t low = 0;
    bool has_low = false, has_range = false;
    while (i < bracket.n - 1) {
        size_t size;
        if (bracket.p[i] == '-' && has_low && i + 1 < bracket.n - 1 && !has_range) {
            has_range = true;
            i++;
            continue;
        }
        i += bracket.p[i] == '\\';
        uint32_t point = utf8_decode(bracket.p + i, &size);
        if (has_range && point < low)
            return err_set(err, STATUS_DATA, "the pattern has a range that runs backwards: \"%.*s\"",
                           STR_ARG(bracket));
        has_low = !has_range;
        has_range = false;
        low = point;
        i += size;
    }
    return STATUS_OK;
}

// Characters with a meaning of their own, brackets and backslashes of one part; *plain: it has none.
static enum status check_part(struct str part, bool *plain, struct err *err) {
    *plain = true;
    for (size_t i = 0; i < part.n;) {
        size_t size = 1;
        if (part.p[i] == '\\' && i + 1 == part.n)
            return err_set(err, STATUS_DATA, "the pattern has a backslash with nothing after it");
        if (part.p[i] == '\\') {
            size = 2;
        } else if (part.p[i] == '[') {
            size = bracket_size(part, i);
            if (!size)
                return not_closed(err, part, i);
            if (check_range(str_slice(part, i, i + size), err) != STATUS_OK)
                return err->status;
        } else if (part.p[i] == '*' && i + 1 < part.n && part.p[i + 1] == '*' && part.n > 2) {
            return err_set(err, STATUS_DATA,
                           "the pattern has \"%.*s\"; \"**\" must be a part of its own, as in a/**/b",
                           STR_ARG(part));
        }
        *plain = *plain && !strchr("*?[", part.p[i]);
        i += size;
    }
    return STATUS_OK;
}

static struct str copy_part(struct str text, bool plain) {
    char *copy = mem_copy(text.p, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (plain && text.p[i] == '\\')
            i++;
        copy[n++] = text.p[i];
    }
    copy[n] = 0;
    return (struct str){copy, n};
}

static enum status add_part(struct glob *glob, struct str text, bool last, struct err *err) {
    bool plain;
    if (text.n == 0)
        return err_set(err, STATUS_DATA,
                       last ? "the pattern ends with '/', but it must name files"
                            : "the pattern has two '/' in a row");
    if (check_part(text, &plain, err) != STATUS_OK)
        return err->status;
    struct str copy = copy_part(text, plain);
    struct part part = {.text = copy, .plain = plain, .any_depth = str_is(text, "**"), .last = last};
    bool dots = str_is(copy, ".") || str_is(copy, "..");
    if (!dots && glob->parts_n < GLOB_PARTS) {
        glob->parts[glob->parts_n++] = part;
        return STATUS_OK;
    }
    mem_free((char *)copy.p);
    if (!dots)
        return err_set(err, STATUS_DATA, "the pattern has too many alternatives: more than %d parts in all",
                       GLOB_PARTS);
    return err_set(err, STATUS_DATA, "the pattern has a part \"%s\"; %s", text.n == 1 ? "." : "..",
                   text.n == 1 ? "leave it out" : "it must stay below the directory it starts from");
}

static enum status add_alternative(struct glob *glob, struct str text, struct err *err) {
    size_t first = glob->parts_n;
    if (text.n == 0)
        return err_set(err, STATUS_DATA, "the pattern is empty");
    if (text.p[0] == '/')
        return err_set(err, STATUS_DATA, "the pattern must not begin with '/': it is relative");
    for (size_t at = 0; at <= text.n;) {
        const char *slash = at < text.n ? memchr(text.p + at, '/', text.n - at) : NULL;
        size_t end = slash ? (size_t)(slash - text.p) : text.n;
        struct str part = str_slice(text, at, end);
        if (add_part(glob, part, !slash, err) != STATUS_OK)
            return err->status;
        at = end + 1;
    }
    struct part *last = &glob->parts[glob->parts_n - 1];
    if (last->any_depth) {
        last->last = false;
        if (add_part(glob, STR("*"), true, err) != STATUS_OK)
            return err->status;
    }
    add_closed(glob, &glob->start, first);
    return STATUS_OK;
}

// Where the alternative that begins at `from` ends: at a ',' or '}' of its own level; text.n: nowhere.
static size_t alternative_end(struct str text, size_t from) {
    size_t depth = 0;
    for (size_t i = from; i < text.n; i += element_size(text, i)) {
        if (depth == 0 && (text.p[i] == ',' || text.p[i] == '}'))
            return i;
        if (text.p[i] == '{')
            depth++;
        else if (text.p[i] == '}')
            depth--;
    }
    return text.n;
}

static size_t brace_end(struct str text, size_t at) {
    size_t i = alternative_end(text, at + 1);
    while (i < text.n && text.p[i] == ',')
        i = alternative_end(text, i + 1);
    return i;
}

// Takes apart the first braces of a text, and those in what comes of it. Brackets are known to be closed.
static enum status expand(struct glob *glob, struct str text, struct err *err) {
    size_t at = 0;
    while (at < text.n && text.p[at] != '{')
        at += element_size(text, at);
    if (at == text.n)
        return add_alternative(glob, text, err);
    size_t end = brace_end(text, at);
    if (end == text.n)
        return not_closed(err, text, at);
    struct buf one = BUF_INIT;
    enum status status = STATUS_OK;
    for (size_t from = at + 1, to; from <= end && status == STATUS_OK; from = to + 1) {
        to = alternative_end(text, from);
        buf_clear(&one);
        buf_add(&one, text.p, at);
        buf_add(&one, text.p + from, to - from);
        buf_add_str(&one, str_from(text, end + 1));
        status = expand(glob, buf_str(&one), err);
    }
    buf_release(&one);
    return status;
}

static enum status check_text(struct str pattern, struct err *err) {
    size_t bad;
    if (pattern.n > GLOB_BYTES)
        return err_set(err, STATUS_DATA, "the pattern is longer than %d bytes", GLOB_BYTES);
    if (!utf8_valid(pattern, &bad))
        return err_set(err, STATUS_DATA, "the pattern is not UTF-8 (byte %zu)", bad + 1);
    if (pattern.n && memchr(pattern.p, 0, pattern.n))
        return err_set(err, STATUS_DATA, "the pattern has a NUL byte");
    for (size_t i = 0, size; i < pattern.n; i += size) {
        size = element_size(pattern, i);
        if (size == 0)
            return not_closed(err, pattern, i);
    }
    return STATUS_OK;
}

enum status glob_new(struct str pattern, struct glob **out, struct err *err) {
    if (check_text(pattern, err) != STATUS_OK)
        return err->status;
    struct glob *glob = MEM_NEW(struct glob);
    enum status status = expand(glob, pattern, err);
    if (status != STATUS_OK) {
        glob_free(glob);
        return status;
    }
    *out = glob;
    return STATUS_OK;
}

void glob_free(struct glob *glob) {
    if (!glob)
        return;
    for (size_t i = 0; i < glob->parts_n; i++)
        mem_free((char *)glob->parts[i].text.p);
    mem_free(glob);
}

enum status glob_check(struct str pattern, struct err *err) {
    struct glob *glob = NULL;
    enum status status = glob_new(pattern, &glob, err);
    glob_free(glob);
    return status;
}

// Matching ---------------------------------------------------------------------------------------------------

// A name is what the file system gave: where it is no UTF-8 its bytes are the characters, above all code points.
struct name {
    struct str text;
    bool is_text;
};

static uint32_t character(const struct name *name, size_t at, size_t *size) {
    if (name->is_text)
        return utf8_decode(name->text.p + at, size);
    *size = 1;
    unsigned char byte = (unsigned char)name->text.p[at];
    return byte < 0x80 ? byte : 0x110000u + byte;
}

static bool bracket_has(struct str bracket, uint32_t point) {
    bool negative = bracket.p[1] == '!' || bracket.p[1] == '^', found = false;
    size_t end = bracket.n - 1, size;
    for (size_t i = 1 + negative; i < end;) {
        i += bracket.p[i] == '\\';
        uint32_t low = utf8_decode(bracket.p + i, &size), high = low;
        i += size;
        if (i + 1 < end && bracket.p[i] == '-') {
            i++;
            i += bracket.p[i] == '\\';
            high = utf8_decode(bracket.p + i, &size);
            i += size;
        }
        found = found || (low <= point && point <= high);
    }
    return found != negative;
}

// One element of a pattern other than '*', and what it matches; both move on.
static bool match_one(struct str pattern, size_t *p, const struct name *name, size_t *n) {
    char c = pattern.p[*p];
    size_t size;
    if (c == '?' || c == '[') {
        size_t element = c == '[' ? bracket_size(pattern, *p) : 1;
        uint32_t point = character(name, *n, &size);
        if (c == '[' && !bracket_has(str_slice(pattern, *p, *p + element), point))
            return false;
        *p += element;
        *n += size;
        return true;
    }
    size = c == '\\' ? 2 : 1;
    if (pattern.p[*p + size - 1] != name->text.p[*n])
        return false;
    *p += size;
    (*n)++;
    return true;
}

// Only the last '*' is ever tried again, a character further on, so the time is at most the product of both.
static bool match_wild(struct str pattern, const struct name *name) {
    size_t p = 0, n = 0, after_star = SIZE_MAX, star_n = 0, size;
    while (n < name->text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            after_star = ++p;
            star_n = n;
        } else if (p == pattern.n || !match_one(pattern, &p, name, &n)) {
            if (after_star == SIZE_MAX)
                return false;
            character(name, star_n, &size);
            p = after_star;
            n = star_n += size;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool is_hidden(struct str name) {
    return name.n && name.p[0] == '.';
}

static bool match(const struct part *part, const struct name *name) {
    if (part->plain)
        return str_equal(part->text, name->text);
    if (is_hidden(name->text) && !is_hidden(str_from(part->text, part->text.p[0] == '\\')))
        return false;
    return match_wild(part->text, name);
}

static struct name name_of(struct str text) {
    return (struct name){text, utf8_valid(text, NULL)};
}

struct glob_set glob_start(const struct glob *glob) {
    return glob->start;
}

bool glob_enter(const struct glob *glob, const struct glob_set *at, struct str text, bool is_link,
                struct glob_set *inside) {
    struct name name = name_of(text);
    bool any = false;
    *inside = (struct glob_set){{0}};
    for (size_t i = set_next(at, 0); i < GLOB_PARTS; i = set_next(at, i + 1)) {
        const struct part *part = &glob->parts[i];
        if (part->last || (part->any_depth ? is_hidden(text) || is_link : !match(part, &name)))
            continue;
        size_t next = part->any_depth ? i : i + 1;
        add_closed(glob, inside, next);
        any = true;
    }
    return any;
}

bool glob_accepts(const struct glob *glob, const struct glob_set *at, struct str text) {
    struct name name = name_of(text);
    for (size_t i = set_next(at, 0); i < GLOB_PARTS; i = set_next(at, i + 1))
        if (glob->parts[i].last && match(&glob->parts[i], &name))
            return true;
    return false;
}

bool glob_next_name(const struct glob *glob, const struct glob_set *at, size_t *next, struct str *name) {
    size_t i = set_next(at, 0);
    for (; *next == 0 && i < GLOB_PARTS; i = set_next(at, i + 1))
        if (!glob->parts[i].plain)
            return false;
    for (i = set_next(at, *next); i < GLOB_PARTS; i = set_next(at, i + 1)) {
        bool seen = false;
        for (size_t k = set_next(at, 0); k < i && !seen; k = set_next(at, k + 1))
            seen = str_equal(glob->parts[k].text, glob->parts[i].text);
        if (seen)
            continue;
        *name = glob->parts[i].text;
        *next = i + 1;
        return true;
    }
    return false;
}
