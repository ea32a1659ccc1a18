// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/bind.h"
#include "stages/render/format.h"
#include "stages/render/letters.h"
#include "stages/render/markup.h"
#include "stages/render/methods.h"
#include "stages/render/strings.h"

// Methods of str. Those of safe strings escape what they are given and return safe strings, as markupsafe does.

static struct str self_of(const struct call *call) {
    return value_str(call->args[0]);
}
static bool self_safe(const struct call *call) {
    return call->args[0].flags & VALUE_SAFE;
}

// A string argument; escaped into the arena where the method's own string is safe and this one is not.
static bool string_arg(struct call *call, uint32_t i, const char *method, struct str *out) {
    struct value v = call->args[i];
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_STRING)
        return call_fail(call, "%s() argument %u must be str, not %s", method, i, op_type_name(v));
    *out = value_str(v);
    return !self_safe(call) || is_safe(v) || escape_to_str(call, *out, out);
}

static bool plain_arg(struct call *call, uint32_t i, const char *method, struct str *out) {
    struct value v = call->args[i];
    *out = v.tag == VALUE_STRING ? value_str(v) : STR("");
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    return v.tag == VALUE_STRING ||
           call_fail(call, "%s() argument %u must be str, not %s", method, i, op_type_name(v));
}

// ---- case

static bool mapped(struct call *call, enum letters_case how) {
    struct str out;
    return letters_map(call, self_of(call), how, &out) && return_str(call, out, self_safe(call));
}
static bool str_capitalize(struct call *call) {
    return mapped(call, LETTERS_CAPITALIZE);
}
static bool str_casefold(struct call *call) {
    return mapped(call, LETTERS_FOLD);
}
static bool str_lower(struct call *call) {
    return mapped(call, LETTERS_LOWER);
}
static bool str_swapcase(struct call *call) {
    return mapped(call, LETTERS_SWAP);
}
static bool str_title(struct call *call) {
    return mapped(call, LETTERS_TITLE);
}
static bool str_upper(struct call *call) {
    return mapped(call, LETTERS_UPPER);
}

// ---- classes

static bool all_are(struct call *call, enum letters_class what, bool empty) {
    struct str s = self_of(call);
    size_t size;
    bool all = empty || s.n != 0;
    for (size_t at = 0; at < s.n && all; at += size)
        all = letters_is(utf8_decode(s.p + at, &size), what);
    return return_bool(call, all);
}
static bool str_isalnum(struct call *call) {
    return all_are(call, LETTERS_ALNUM, false);
}
static bool str_isalpha(struct call *call) {
    return all_are(call, LETTERS_ALPHA, false);
}
static bool str_isascii(struct call *call) {
    return return_bool(call, utf8_is_ascii(self_of(call)));
}
static bool str_isdecimal(struct call *call) {
    return all_are(call, LETTERS_DECIMAL, false);
}
static bool str_isdigit(struct call *call) {
    return all_are(call, LETTERS_DIGIT, false);
}
static bool str_isidentifier(struct call *call) {
    return return_bool(call, letters_is_identifier(self_of(call)));
}
static bool str_islower(struct call *call) {
    return return_bool(call, letters_is_lower(self_of(call)));
}
static bool str_isnumeric(struct call *call) {
    return all_are(call, LETTERS_NUMERIC, false);
}
static bool str_isprintable(struct call *call) {
    return all_are(call, LETTERS_PRINTABLE, true);
}
static bool str_isspace(struct call *call) {
    return all_are(call, LETTERS_SPACE, false);
}
static bool str_istitle(struct call *call) {
    return return_bool(call, letters_is_title(self_of(call)));
}
static bool str_isupper(struct call *call) {
    return return_bool(call, letters_is_upper(self_of(call)));
}

// ---- searching

// A bound as slices count them: from the end where negative, the end where it is None or beyond.
static bool bound(struct call *call, uint32_t i, int64_t otherwise, int64_t length, int64_t *out) {
    *out = otherwise;
    if (!arg_set(call, i))
        return true;
    if (!op_integer(call, call->args[i], out))
        return false;
    if (*out < 0)
        *out = *out < -length ? 0 : *out + length;
    return true;
}

// The part of the string that start and stop (arguments i, i + 1) select. *beyond: it ends before it begins, so
// that not even an empty text is found.
static bool window(struct call *call, uint32_t i, struct str *out, bool *beyond) {
    struct str s = self_of(call);
    *beyond = false;
    *out = s;
    if (!arg_set(call, i) && !arg_set(call, i + 1))
        return true;
    int64_t length = (int64_t)utf8_length(s), start, stop;
    if (!bound(call, i, 0, length, &start) || !bound(call, i + 1, length, length, &stop))
        return false;
    stop = stop < length ? stop : length;
    *beyond = start > stop;
    if (*beyond)
        start = stop;
    size_t from = utf8_offset(s, (size_t)start);
    *out = (struct str){s.p + from, utf8_offset(s, (size_t)stop) - from};
    return true;
}

static const char *find_last(struct str text, struct str part) {
    for (size_t i = text.n + 1; i-- > part.n;)
        if (memcmp(text.p + i - part.n, part.p, part.n) == 0)
            return text.p + i - part.n;
    return NULL;
}

static bool find(struct call *call, bool last, int64_t *out) {
    struct str part, text;
    bool beyond;
    if (!plain_arg(call, 1, "find", &part) || !window(call, 2, &text, &beyond))
        return false;
    const char *at = part.n == 0 ? text.p + (last ? text.n : 0)
                     : last      ? find_last(text, part)
                                 : memmem(text.p, text.n, part.p, part.n);
    struct str s = self_of(call);
    *out = at && !beyond ? (int64_t)utf8_length((struct str){s.p, (size_t)(at - s.p)}) : -1;
    return true;
}

static bool str_find(struct call *call) {
    int64_t at;
    return find(call, false, &at) && return_int(call, at);
}
static bool str_rfind(struct call *call) {
    int64_t at;
    return find(call, true, &at) && return_int(call, at);
}
static bool str_index(struct call *call) {
    int64_t at;
    return find(call, false, &at) && (at < 0 ? call_fail(call, "substring not found") : return_int(call, at));
}
static bool str_rindex(struct call *call) {
    int64_t at;
    return find(call, true, &at) && (at < 0 ? call_fail(call, "substring not found") : return_int(call, at));
}

static bool str_count(struct call *call) {
    struct str part, text;
    bool beyond;
    int64_t n = 0;
    if (!plain_arg(call, 1, "count", &part) || !window(call, 2, &text, &beyond))
        return false;
    if (part.n == 0)
        return return_int(call, beyond ? 0 : (int64_t)utf8_length(text) + 1);
    for (const char *at; (at = memmem(text.p, text.n, part.p, part.n)); n++)
        text = str_from(text, (size_t)(at - text.p) + part.n);
    return return_int(call, n);
}

static bool has_end(struct call *call, const char *method, bool (*test)(struct str, struct str)) {
    struct value v = call->args[1];
    struct str text;
    bool beyond, found = false;
    if (!window(call, 2, &text, &beyond))
        return false;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    bool tuple = v.tag == VALUE_LIST && v.flags & VALUE_TUPLE;
    if (v.tag != VALUE_STRING && !tuple)
        return call_fail(call, "%s first arg must be str or a tuple of str, not %s", method, op_type_name(v));
    for (uint32_t i = 0; i < (tuple ? v.list->n : 1) && !found; i++) {
        struct value one = tuple ? v.list->items[i] : v;
        if (one.tag != VALUE_STRING)
            return call_fail(call, "tuple for %s must only contain str, not %s", method, op_type_name(one));
        found = !beyond && test(text, value_str(one));
    }
    return return_bool(call, found);
}
static bool str_startswith(struct call *call) {
    return has_end(call, "startswith", str_starts);
}
static bool str_endswith(struct call *call) {
    return has_end(call, "endswith", str_ends);
}

// ---- taking apart

static bool strip(struct call *call, bool left, bool right) {
    struct str text = self_of(call), set;
    if (arg_set(call, 1)) {
        if (!string_arg(call, 1, "strip", &set))
            return false;
        return return_str(call, strings_strip(text, set, left, right), self_safe(call));
    }
    struct str trimmed = letters_trim(text);
    if (!left && trimmed.n)
        trimmed = (struct str){text.p, (size_t)(trimmed.p + trimmed.n - text.p)};
    if (!right && trimmed.n)
        trimmed = str_from(text, (size_t)(trimmed.p - text.p));
    return return_str(call, trimmed, self_safe(call));
}
static bool str_strip(struct call *call) {
    return strip(call, true, true);
}
static bool str_lstrip(struct call *call) {
    return strip(call, true, false);
}
static bool str_rstrip(struct call *call) {
    return strip(call, false, true);
}

static bool split(struct call *call, bool right) {
    struct str separator = {NULL, 0};
    int64_t most;
    if (arg_set(call, 1) && !plain_arg(call, 1, "split", &separator))
        return false;
    return arg_int(call, 2, -1, &most) &&
           strings_split(call, self_of(call), separator, most, right, self_safe(call), &call->result);
}
static bool str_split(struct call *call) {
    return split(call, false);
}
static bool str_rsplit(struct call *call) {
    return split(call, true);
}

static bool str_splitlines(struct call *call) {
    struct str rest = self_of(call), line;
    struct list *list = list_new_mutable(call->arena);
    bool keep, safe = self_safe(call);
    if (!arg_flag(call, 1, &keep))
        return false;
    while (list && strings_next_line(&rest, keep, &line))
        if (!list_append(list, safe ? value_safe(line) : value_string(line)))
            list = NULL;
    if (!list)
        return call_no_memory(call);
    call->result = value_list(list);
    return true;
}

static bool partition(struct call *call, bool last) {
    struct str s = self_of(call), separator;
    if (!string_arg(call, 1, "partition", &separator))
        return false;
    if (separator.n == 0)
        return call_fail(call, "empty separator");
    const char *at = last ? find_last(s, separator) : memmem(s.p, s.n, separator.p, separator.n);
    size_t i = at ? (size_t)(at - s.p) : 0;
    struct str parts[3] = {str_slice(s, 0, i), separator, str_from(s, i + separator.n)};
    if (!at) {
        parts[0] = last ? STR("") : s;
        parts[1] = STR("");
        parts[2] = last ? s : STR("");
    }
    struct value *items = ARENA_NEW_ARRAY(call->arena, struct value, 3);
    for (int k = 0; items && k < 3; k++)
        items[k] = self_safe(call) ? value_safe(parts[k]) : value_string(parts[k]);
    return op_new_tuple(call, items, 3, &call->result);
}
static bool str_partition(struct call *call) {
    return partition(call, false);
}
static bool str_rpartition(struct call *call) {
    return partition(call, true);
}

static bool str_removeprefix(struct call *call) {
    struct str s = self_of(call), part;
    return plain_arg(call, 1, "removeprefix", &part) &&
           return_str(call, str_starts(s, part) ? str_from(s, part.n) : s, false);
}
static bool str_removesuffix(struct call *call) {
    struct str s = self_of(call), part;
    return plain_arg(call, 1, "removesuffix", &part) &&
           return_str(call, str_ends(s, part) ? str_slice(s, 0, s.n - part.n) : s, false);
}

// ---- putting together

static bool str_replace(struct call *call) {
    struct str part, with, out;
    int64_t most;
    return string_arg(call, 1, "replace", &part) && string_arg(call, 2, "replace", &with) &&
           arg_int(call, 3, -1, &most) && strings_replace(call, self_of(call), part, with, most, &out) &&
           return_str(call, out, self_safe(call));
}

static bool str_join(struct call *call) {
    const struct value *items;
    uint32_t n;
    struct text t;
    if (call->args[1].tag == VALUE_UNDEFINED)
        return op_undefined(call, call->args[1]);
    if (!op_items(call, call->args[1], &items, &n))
        return false;
    text_init(&t, call->arena, 0);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            text_add_str(&t, self_of(call));
        if (items[i].tag != VALUE_STRING && !self_safe(call))
            return call_fail(call, "sequence item %u: expected str instance, %s found", i,
                             op_type_name(items[i]));
        struct str part;
        if (self_safe(call) ? !escaped_text(call, items[i], &part) : !print_to_str(call, items[i], &part))
            return false;
        text_add_str(&t, part);
    }
    return text_finish(&t, call, self_safe(call));
}

static bool fill_arg(struct call *call, uint32_t i, const char *method, struct str *fill) {
    *fill = STR(" ");
    if (!arg_given(call, i))
        return true;
    return string_arg(call, i, method, fill) &&
           (utf8_length(*fill) == 1 ||
            call_fail(call, "The fill character must be exactly one character long"));
}

static bool str_center(struct call *call) {
    int64_t width;
    struct str fill, out;
    return arg_int(call, 1, 0, &width) && fill_arg(call, 2, "center", &fill) &&
           strings_center(call, self_of(call), width, fill, &out) && return_str(call, out, self_safe(call));
}

static bool justified(struct call *call, bool left) {
    int64_t width;
    struct str fill, s = self_of(call);
    if (!arg_int(call, 1, 0, &width) || !fill_arg(call, 2, "just", &fill))
        return false;
    int64_t pad = width - (int64_t)utf8_length(s);
    struct text t;
    text_init(&t, call->arena, 0);
    if (!left && pad > 0)
        text_fill(&t, fill, (size_t)pad);
    text_add_str(&t, s);
    if (left && pad > 0)
        text_fill(&t, fill, (size_t)pad);
    return text_finish(&t, call, self_safe(call));
}
static bool str_ljust(struct call *call) {
    return justified(call, true);
}
static bool str_rjust(struct call *call) {
    return justified(call, false);
}

static bool str_zfill(struct call *call) {
    int64_t width;
    struct str s = self_of(call);
    if (!arg_int(call, 1, 0, &width))
        return false;
    int64_t pad = width - (int64_t)utf8_length(s);
    size_t sign = s.n && (s.p[0] == '+' || s.p[0] == '-');
    struct text t;
    text_init(&t, call->arena, 0);
    text_add(&t, s.p, sign);
    if (pad > 0)
        text_fill(&t, STR("0"), (size_t)pad);
    text_add_str(&t, str_from(s, sign));
    return text_finish(&t, call, self_safe(call));
}

static bool str_expandtabs(struct call *call) {
    int64_t every, column = 0;
    struct str s = self_of(call);
    struct text t;
    if (!arg_int(call, 1, 8, &every))
        return false;
    text_init(&t, call->arena, s.n);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\t') {
            int64_t blanks = every > 0 ? every - column % every : 0;
            text_fill(&t, STR(" "), (size_t)blanks);
            column += blanks;
            continue;
        }
        text_add_char(&t, s.p[i]);
        column = s.p[i] == '\n' || s.p[i] == '\r' ? 0 : column + (((uint8_t)s.p[i] & 0xc0) != 0x80);
    }
    return text_finish(&t, call, self_safe(call));
}

static bool add_translation(struct call *call, struct value to, struct text *t) {
    if (to.tag == VALUE_STRING)
        text_add_str(t, value_str(to));
    else if ((to.tag == VALUE_INT || to.tag == VALUE_BOOL) && to.i >= 0 && to.i <= 0x10ffff)
        text_add_point(t, to.i >= 0xd800 && to.i < 0xe000 ? 0xfffd : (uint32_t)to.i);
    else if (to.tag != VALUE_NONE)
        return call_fail(call, "character mapping must return integer, None or str");
    return true;
}

static bool str_translate(struct call *call) {
    struct str s = self_of(call);
    struct text t;
    if (call->args[1].tag != VALUE_MAP)
        return call_fail(call, "translate() needs a mapping, not %s", op_type_name(call->args[1]));
    text_init(&t, call->arena, s.n);
    size_t size;
    for (size_t at = 0; at < s.n; at += size) {
        uint32_t c = utf8_decode(s.p + at, &size);
        struct value to = map_get_key(call->args[1].map, value_int(c));
        if (to.tag == VALUE_MISSING)
            text_add(&t, s.p + at, size);
        else if (!add_translation(call, to, &t))
            return false;
    }
    return text_finish(&t, call, self_safe(call));
}

static bool str_format_map(struct call *call) {
    struct value with[2] = {call->args[0], call->args[1]};
    if (with[1].tag != VALUE_MAP)
        return call_fail(call, "'%s' object is not a mapping", op_type_name(with[1]));
    with[1].flags |= BIND_KEYWORDS;
    struct call inner = *call;
    inner.args = with;
    inner.n = 2;
    struct call_args args;
    return bind_rest(&inner, 1, &args) && format_fields(call, call->args[0], &args, &call->result);
}

static bool str_format(struct call *call) {
    struct call_args args;
    return bind_rest(call, 1, &args) && format_fields(call, call->args[0], &args, &call->result);
}

static bool str_striptags(struct call *call) {
    struct str out;
    return markup_strip_tags(call, self_of(call), &out) && return_str(call, out, false);
}
static bool str_unescape(struct call *call) {
    struct str out;
    return markup_unescape(call, self_of(call), &out) && return_str(call, out, false);
}

static const struct library_function rows[] = {
    {"capitalize", "", str_capitalize, "the first character in upper case, the others in lower case"},
    {"casefold", "", str_casefold, "for comparing without regard to case"},
    {"center", "width [fillchar]", str_center, "centred in a field"},
    {"count", "sub [start end]", str_count, "how often a text occurs"},
    {"endswith", "suffix [start end]", str_endswith, "whether it ends with a text, or one of a tuple"},
    {"expandtabs", "[tabsize]", str_expandtabs, "tabs as blanks"},
    {"find", "sub [start end]", str_find, "position of a text, -1 where it is not there"},
    {"format", "* [**", str_format, "with {} replaced by the arguments"},
    {"format_map", "mapping", str_format_map, "with {name} replaced by what the mapping has for it"},
    {"index", "sub [start end]", str_index, "position of a text, which must be there"},
    {"isalnum", "", str_isalnum, "letters and numbers only"},
    {"isalpha", "", str_isalpha, "letters only"},
    {"isascii", "", str_isascii, "ASCII only"},
    {"isdecimal", "", str_isdecimal, "decimal digits only"},
    {"isdigit", "", str_isdigit, "digits only"},
    {"isidentifier", "", str_isidentifier, "a valid name"},
    {"islower", "", str_islower, "in lower case"},
    {"isnumeric", "", str_isnumeric, "numbers only"},
    {"isprintable", "", str_isprintable, "printable only"},
    {"isspace", "", str_isspace, "white space only"},
    {"istitle", "", str_istitle, "in title case"},
    {"isupper", "", str_isupper, "in upper case"},
    {"join", "iterable", str_join, "the strings of a list with this one between them"},
    {"ljust", "width [fillchar]", str_ljust, "at the left of a field"},
    {"lower", "", str_lower, "in lower case"},
    {"lstrip", "[chars]", str_lstrip, "without white space, or these characters, at the left"},
    {"partition", "sep", str_partition, "what is before, at and after the first separator"},
    {"removeprefix", "prefix", str_removeprefix, "without this beginning"},
    {"removesuffix", "suffix", str_removesuffix, "without this end"},
    {"replace", "old new [count]", str_replace, "with one text replaced by another"},
    {"rfind", "sub [start end]", str_rfind, "last position of a text, -1 where it is not there"},
    {"rindex", "sub [start end]", str_rindex, "last position of a text, which must be there"},
    {"rjust", "width [fillchar]", str_rjust, "at the right of a field"},
    {"rpartition", "sep", str_rpartition, "what is before, at and after the last separator"},
    {"rsplit", "[sep maxsplit]", str_rsplit, "split from the right"},
    {"rstrip", "[chars]", str_rstrip, "without white space, or these characters, at the right"},
    {"split", "[sep maxsplit]", str_split, "split at a separator, or at white space"},
    {"splitlines", "[keepends]", str_splitlines, "its lines"},
    {"startswith", "prefix [start end]", str_startswith, "whether it begins with a text, or one of a tuple"},
    {"strip", "[chars]", str_strip, "without white space, or these characters, at both ends"},
    {"striptags", "", str_striptags, "without tags, entities decoded"},
    {"swapcase", "", str_swapcase, "upper case for lower case and the reverse"},
    {"title", "", str_title, "each word with a capital"},
    {"translate", "table", str_translate, "characters replaced by a mapping of code points"},
    {"unescape", "", str_unescape, "with entities decoded"},
    {"upper", "", str_upper, "in upper case"},
    {"zfill", "width", str_zfill, "with zeros at the left, after the sign"},
};

struct method_table methods_str(void) {
    return (struct method_table){rows, sizeof rows / sizeof *rows};
}
