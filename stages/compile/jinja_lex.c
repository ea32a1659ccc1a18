// SPDX-License-Identifier: MIT
#include "stages/compile/jinja_lex.h"

#include <string.h>
#include <unictype.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/compile/jinja_literal.h"

// Operators, the longer ones first where one begins like another.
static const struct {
    const char *text;
    enum jinja_token_kind kind;
} operators[] = {
    {"//", JINJA_FLOORDIV}, {"**", JINJA_POW},      {"==", JINJA_EQ},    {"!=", JINJA_NE},
    {">=", JINJA_GE},       {"<=", JINJA_LE},       {"+", JINJA_ADD},    {"-", JINJA_SUB},
    {"/", JINJA_DIV},       {"*", JINJA_MUL},       {"%", JINJA_MOD},    {"~", JINJA_TILDE},
    {"[", JINJA_LBRACKET},  {"]", JINJA_RBRACKET},  {"(", JINJA_LPAREN}, {")", JINJA_RPAREN},
    {"{", JINJA_LBRACE},    {"}", JINJA_RBRACE},    {">", JINJA_GT},     {"<", JINJA_LT},
    {"=", JINJA_ASSIGN},    {".", JINJA_DOT},       {":", JINJA_COLON},  {"|", JINJA_PIPE},
    {",", JINJA_COMMA},     {";", JINJA_SEMICOLON},
};

const char *jinja_token_name(enum jinja_token_kind kind) {
    static const char *const names[JINJA_TOKEN_KINDS] = {
        [JINJA_END] = "end of template",
        [JINJA_BAD] = "something invalid",
        [JINJA_TEXT] = "template text",
        [JINJA_PRINT_BEGIN] = "'{{'",
        [JINJA_PRINT_END] = "'}}'",
        [JINJA_BLOCK_BEGIN] = "'{%'",
        [JINJA_BLOCK_END] = "'%}'",
        [JINJA_NAME] = "name",
        [JINJA_STRING] = "string",
        [JINJA_INTEGER] = "integer",
        [JINJA_FLOAT] = "float",
        [JINJA_ADD] = "'+'",
        [JINJA_SUB] = "'-'",
        [JINJA_MUL] = "'*'",
        [JINJA_DIV] = "'/'",
        [JINJA_FLOORDIV] = "'//'",
        [JINJA_MOD] = "'%'",
        [JINJA_POW] = "'**'",
        [JINJA_TILDE] = "'~'",
        [JINJA_LBRACKET] = "'['",
        [JINJA_RBRACKET] = "']'",
        [JINJA_LPAREN] = "'('",
        [JINJA_RPAREN] = "')'",
        [JINJA_LBRACE] = "'{'",
        [JINJA_RBRACE] = "'}'",
        [JINJA_EQ] = "'=='",
        [JINJA_NE] = "'!='",
        [JINJA_LT] = "'<'",
        [JINJA_LE] = "'<='",
        [JINJA_GT] = "'>'",
        [JINJA_GE] = "'>='",
        [JINJA_ASSIGN] = "'='",
        [JINJA_DOT] = "'.'",
        [JINJA_COLON] = "':'",
        [JINJA_PIPE] = "'|'",
        [JINJA_COMMA] = "','",
        [JINJA_SEMICOLON] = "';'",
    };
    return names[kind];
}

static struct span span_of(size_t from, size_t to) {
    return (struct span){(uint32_t)from, (uint32_t)(to - from)};
}

static struct jinja_token token(enum jinja_token_kind kind, size_t from, size_t to) {
    return (struct jinja_token){.kind = kind, .span = span_of(from, to)};
}

static struct jinja_token bad_token(size_t from, size_t to) {
    return token(JINJA_BAD, from, to);
}

static bool is_newline(char c) {
    return c == '\n' || c == '\r';
}

// How many bytes of whitespace stand at p[at], 0: none. Whitespace is what Python's str.strip removes.
static size_t space_at(const char *p, size_t at, size_t end) {
    unsigned char c = (unsigned char)p[at];
    if (c < 0x80)
        return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31);
    size_t size = 0;
    uint32_t point = at < end ? utf8_decode(p + at, &size) : 0;
    bool space = point == 0x85 || point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) ||
                 point == 0x2028 || point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
    return space ? size : 0;
}

static size_t skip_space(const struct jinja_lexer *lexer, size_t at) {
    for (size_t n; at < lexer->end && (n = space_at(lexer->p, at, lexer->end)); at += n)
        ;
    return at;
}

// The end of p[from..to) without the whitespace at its end.
static size_t strip_end(const char *p, size_t from, size_t to) {
    while (to > from) {
        size_t start = to - 1;
        while (start > from && ((unsigned char)p[start] & 0xC0) == 0x80)
            start--;
        if (space_at(p, start, to) != to - start)
            break;
        to = start;
    }
    return to;
}

void jinja_lex_init(struct jinja_lexer *lexer, struct arena *arena, const struct source_text *source,
                    const struct compile_options *options, struct diags *diags) {
    *lexer = (struct jinja_lexer){.arena = arena,
                                  .source = source,
                                  .options = options,
                                  .diags = diags,
                                  .p = source->text.p,
                                  .end = source->text.n,
                                  .line_starting = true};
    const char *p = source->text.p;
    if (!options->keep_trailing_newline && lexer->end && is_newline(p[lexer->end - 1])) {
        lexer->end--;
        if (p[lexer->end] == '\n' && lexer->end && p[lexer->end - 1] == '\r')
            lexer->end--;
    }
}

void jinja_lex_init_expression(struct jinja_lexer *lexer, struct arena *arena,
                               const struct source_text *source, const struct compile_options *options,
                               struct diags *diags) {
    *lexer = (struct jinja_lexer){.arena = arena,
                                  .source = source,
                                  .options = options,
                                  .diags = diags,
                                  .p = source->text.p,
                                  .end = source->text.n,
                                  .state = JINJA_IN_BLOCK};
}

static bool looks_at(const struct jinja_lexer *lexer, size_t at, const char *text) {
    size_t n = strlen(text);
    return n <= lexer->end - at && memcmp(lexer->p + at, text, n) == 0;
}

// Where `a``b` next stands from `at` on, or the end.
static size_t find_pair(const struct jinja_lexer *lexer, size_t at, char a, char b) {
    while (at < lexer->end) {
        const char *hit = memchr(lexer->p + at, a, lexer->end - at);
        if (!hit)
            return lexer->end;
        at = (size_t)(hit - lexer->p);
        if (at + 1 < lexer->end && lexer->p[at + 1] == b)
            return at;
        at++;
    }
    return lexer->end;
}

// ---- text

static struct str normalised(struct jinja_lexer *lexer, size_t from, size_t to) {
    const char *p = lexer->p + from;
    size_t n = to - from;
    if (!n || !memchr(p, '\r', n))
        return (struct str){p, n};
    char *copy = arena_alloc(lexer->arena, n);
    if (!copy)
        mem_fail(n);
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
            continue;
        copy[out++] = p[i] == '\r' ? '\n' : p[i];
    }
    return (struct str){copy, out};
}

// Where text ends that comes before a tag with this sign: '-' strips, lstrip_blocks strips a line that is
// blank so far, '+' keeps.
static size_t text_end(const struct jinja_lexer *lexer, size_t from, size_t to, char sign, bool is_print) {
    if (sign == '-')
        return strip_end(lexer->p, from, to);
    if (sign == '+' || !lexer->options->lstrip_blocks || is_print)
        return to;
    size_t line = to;
    while (line > from && !is_newline(lexer->p[line - 1]))
        line--;
    if (line == from && !lexer->line_starting)
        return to;
    return skip_space(lexer, line) >= to ? line : to;
}

// Behind the end of a tag at `at` (its two characters): all whitespace after '-', one newline with
// trim_blocks unless there is a '+'.
static size_t after_tag(struct jinja_lexer *lexer, size_t at, char sign, bool trims) {
    at += 2;
    if (sign == '-')
        at = skip_space(lexer, at);
    else if (trims && sign != '+' && lexer->options->trim_blocks && at < lexer->end &&
             is_newline(lexer->p[at])) {
        at += at + 1 < lexer->end && lexer->p[at] == '\r' && lexer->p[at + 1] == '\n';
        at++;
    }
    lexer->line_starting = at > 0 && is_newline(lexer->p[at - 1]);
    return at;
}

static char sign_at(const struct jinja_lexer *lexer, size_t at) {
    char c = at < lexer->end ? lexer->p[at] : 0;
    return c == '-' || c == '+' ? c : 0;
}

// The sign before a closing pair at `at`, looking no further back than `from`.
static char sign_before(const struct jinja_lexer *lexer, size_t at, size_t from) {
    return at > from ? sign_at(lexer, at - 1) : 0;
}

// Skips a comment that begins at `at`; false: it has no end.
static bool skip_comment(struct jinja_lexer *lexer, size_t at) {
    size_t from = at + 2 + (sign_at(lexer, at + 2) != 0);
    size_t end = find_pair(lexer, from, '#', '}');
    if (end >= lexer->end) {
        diags_error(lexer->diags, lexer->source, span_of(at, at + 2),
                    "this comment has no end, '#}' is missing");
        lexer->at = lexer->end;
        return false;
    }
    lexer->at = after_tag(lexer, end, sign_before(lexer, end, from), true);
    return true;
}

// Whether a tag at `at` is {% word %}: returns where its "%}" is, 0: no. `plus`: "+%}" is an end, too.
static size_t tag_of_word(const struct jinja_lexer *lexer, size_t at, const char *word, bool plus) {
    size_t i = at + 2;
    i += sign_at(lexer, i) != 0;
    i = skip_space(lexer, i);
    if (!looks_at(lexer, i, word))
        return 0;
    i = skip_space(lexer, i + strlen(word));
    char sign = sign_at(lexer, i);
    if (sign == '-' || (sign && plus))
        i++;
    return looks_at(lexer, i, "%}") ? i : 0;
}

// The content of a raw block whose opening tag at `at` ends at `close`.
static struct jinja_token raw_text(struct jinja_lexer *lexer, size_t at, size_t close) {
    size_t from = close + 2;
    if (sign_before(lexer, close, at) == '-')
        from = skip_space(lexer, from);
    lexer->line_starting = is_newline(lexer->p[from - 1]);
    for (size_t i = from; (i = find_pair(lexer, i, '{', '%')) < lexer->end; i += 2) {
        size_t end = tag_of_word(lexer, i, "endraw", true);
        if (!end)
            continue;
        size_t to = text_end(lexer, from, i, sign_at(lexer, i + 2), false);
        struct jinja_token t = token(JINJA_TEXT, from, to);
        t.text = normalised(lexer, from, to);
        lexer->at = after_tag(lexer, end, sign_before(lexer, end, i), true);
        return t;
    }
    diags_error(lexer->diags, lexer->source, span_of(at, close + 2),
                "this raw block has no end, 'endraw' is missing");
    lexer->at = lexer->end;
    return bad_token(at, close + 2);
}

static size_t find_tag(const struct jinja_lexer *lexer, size_t at) {
    while (at < lexer->end) {
        const char *hit = memchr(lexer->p + at, '{', lexer->end - at);
        if (!hit)
            return lexer->end;
        at = (size_t)(hit - lexer->p);
        char c = at + 1 < lexer->end ? lexer->p[at + 1] : 0;
        if (c == '{' || c == '%' || c == '#')
            return at;
        at++;
    }
    return lexer->end;
}

// A tag begins right here.
static struct jinja_token begin_tag(struct jinja_lexer *lexer) {
    size_t at = lexer->at, close;
    char c = lexer->p[at + 1];
    if (c == '%' && (close = tag_of_word(lexer, at, "raw", false)))
        return raw_text(lexer, at, close);
    lexer->tag = at;
    lexer->state = c == '{' ? JINJA_IN_PRINT : JINJA_IN_BLOCK;
    lexer->open_n = 0;
    lexer->at = at + 2 + (sign_at(lexer, at + 2) != 0);
    return token(c == '{' ? JINJA_PRINT_BEGIN : JINJA_BLOCK_BEGIN, at, at + 2);
}

static struct jinja_token next_in_text(struct jinja_lexer *lexer) {
    while (lexer->at < lexer->end) {
        size_t from = lexer->at, tag = find_tag(lexer, from);
        size_t to = tag;
        char c = tag < lexer->end ? lexer->p[tag + 1] : 0;
        if (c)
            to = text_end(lexer, from, tag, sign_at(lexer, tag + 2), c == '{');
        lexer->at = tag;
        if (to > from) {
            struct jinja_token t = token(JINJA_TEXT, from, to);
            t.text = normalised(lexer, from, to);
            return t;
        }
        if (c == '#') {
            if (!skip_comment(lexer, tag))
                return bad_token(tag, tag + 2);
            continue;
        }
        if (c)
            return begin_tag(lexer);
    }
    return token(JINJA_END, lexer->end, lexer->end);
}

// ---- inside of tags

// What other languages write, and how it is said here.
static void foreign_operator(struct jinja_lexer *lexer, struct span span, size_t size) {
    struct diag *diag = diags_error(lexer->diags, lexer->source, span, "unexpected character '%.*s'",
                                    (int)size, lexer->p + lexer->at);
    if (looks_at(lexer, lexer->at, "&&"))
        diag_hint(lexer->diags, diag, "'and' is written as a word: a and b");
    else if (looks_at(lexer, lexer->at, "!"))
        diag_hint(lexer->diags, diag, "'not' is written as a word: not a");
    else if (looks_at(lexer, lexer->at, "?"))
        diag_hint(lexer->diags, diag, "a choice is written with words: a if condition else b");
}

static struct jinja_token unexpected(struct jinja_lexer *lexer) {
    size_t size = 1;
    utf8_decode(lexer->p + lexer->at, &size);
    struct span span = span_of(lexer->at, lexer->at + size);
    char c = lexer->p[lexer->at];
    if (c == '"' || c == '\'')
        diags_error(lexer->diags, lexer->source, span, "this string has no end");
    else if ((unsigned char)c < 0x20 || c == 0x7F)
        diags_error(lexer->diags, lexer->source, span, "unexpected control character 0x%02x", (unsigned)c);
    else
        foreign_operator(lexer, span, size);
    struct jinja_token t = bad_token(lexer->at, lexer->at + size);
    lexer->at += size;
    return t;
}

static size_t name_length(const struct jinja_lexer *lexer, size_t at) {
    size_t from = at;
    while (at < lexer->end) {
        unsigned char c = (unsigned char)lexer->p[at];
        size_t size = 1;
        if (c < 0x80) {
            bool digit = c >= '0' && c <= '9';
            if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_' && !(digit && at > from))
                break;
        } else {
            ucs4_t point = utf8_decode(lexer->p + at, &size);
            if (at == from ? !uc_is_property_xid_start(point) : !uc_is_property_xid_continue(point))
                break;
        }
        at += size;
    }
    return at - from;
}

static void unopened(struct jinja_lexer *lexer, struct span span, char c) {
    struct diag *diag = diags_error(lexer->diags, lexer->source, span, "unexpected '%c'", c);
    if (c == '}')
        diag_hint(lexer->diags, diag, "this tag ends with %s", lexer->state == JINJA_IN_PRINT ? "}}" : "%}");
}

// Keeps the brackets balanced, since only where none is open the end of a tag is one.
static struct jinja_token bracket(struct jinja_lexer *lexer, struct jinja_token t) {
    char c = lexer->p[t.span.at];
    if (c == '(' || c == '[' || c == '{') {
        if (lexer->open_n == JINJA_NESTING) {
            diags_error(lexer->diags, lexer->source, t.span, "brackets are nested more than %d deep",
                        (int)JINJA_NESTING);
            return bad_token(t.span.at, t.span.at + 1);
        }
        lexer->open[lexer->open_n++] = (char)(c == '(' ? ')' : c == '[' ? ']' : '}');
        return t;
    }
    if (lexer->open_n && lexer->open[lexer->open_n - 1] == c) {
        lexer->open_n--;
        return t;
    }
    bool print = lexer->state == JINJA_IN_PRINT;
    if (lexer->open_n && c == '}' &&
        (print ? looks_at(lexer, t.span.at, "}}") : lexer->p[t.span.at - 1] == '%'))
        diags_error(lexer->diags, lexer->source, t.span, "expected '%c' before the end of the tag",
                    lexer->open[lexer->open_n - 1]);
    else if (lexer->open_n)
        diags_error(lexer->diags, lexer->source, t.span, "unexpected '%c', expected '%c'", c,
                    lexer->open[lexer->open_n - 1]);
    else
        unopened(lexer, t.span, c);
    return bad_token(t.span.at, t.span.at + 1);
}

static struct jinja_token lex_operator(struct jinja_lexer *lexer) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!looks_at(lexer, lexer->at, operators[i].text))
            continue;
        size_t n = strlen(operators[i].text);
        struct jinja_token t = token(operators[i].kind, lexer->at, lexer->at + n);
        lexer->at += n;
        return t.kind >= JINJA_LBRACKET && t.kind <= JINJA_RBRACE ? bracket(lexer, t) : t;
    }
    return unexpected(lexer);
}

// Whether the tag ends here; then `end` is its token.
static bool tag_ends(struct jinja_lexer *lexer, struct jinja_token *end) {
    bool print = lexer->state == JINJA_IN_PRINT;
    if (lexer->open_n)
        return false;
    char sign = sign_at(lexer, lexer->at);
    if (sign == '+' && print)
        return false;
    size_t at = lexer->at + (sign != 0);
    if (!looks_at(lexer, at, print ? "}}" : "%}"))
        return false;
    *end = token(print ? JINJA_PRINT_END : JINJA_BLOCK_END, lexer->at, at + 2);
    lexer->at = after_tag(lexer, at, sign, !print);
    lexer->state = JINJA_IN_TEXT;
    return true;
}

static struct jinja_token literal(struct jinja_lexer *lexer, struct jinja_token t) {
    lexer->at = t.span.at + t.span.n;
    return t;
}

static struct jinja_token next_in_tag(struct jinja_lexer *lexer) {
    lexer->at = skip_space(lexer, lexer->at);
    if (lexer->at >= lexer->end)
        return token(JINJA_END, lexer->end, lexer->end);
    struct jinja_token t;
    if (tag_ends(lexer, &t))
        return t;
    char c = lexer->p[lexer->at];
    size_t n = name_length(lexer, lexer->at);
    if (n) {
        t = token(JINJA_NAME, lexer->at, lexer->at + n);
        t.text = (struct str){lexer->p + lexer->at, n};
        return literal(lexer, t);
    }
    struct str rest = {lexer->p + lexer->at, lexer->end - lexer->at};
    if (c >= '0' && c <= '9')
        t = jinja_literal_number(lexer, lexer->at > 0 && lexer->p[lexer->at - 1] == '.', rest);
    else if ((c == '"' || c == '\'') && jinja_literal_string_length(rest))
        t = jinja_literal_string(lexer, rest);
    else
        return lex_operator(lexer);
    return literal(lexer, t);
}

struct jinja_token jinja_lex_next(struct jinja_lexer *lexer) {
    return lexer->state == JINJA_IN_TEXT ? next_in_text(lexer) : next_in_tag(lexer);
}

void jinja_lex_recover(struct jinja_lexer *lexer, size_t from) {
    if (lexer->state == JINJA_IN_TEXT)
        return;
    bool print = lexer->state == JINJA_IN_PRINT;
    size_t end = find_pair(lexer, from, print ? '}' : '%', '}');
    if (end < lexer->end)
        lexer->at = after_tag(lexer, end, sign_before(lexer, end, from), !print);
    else
        lexer->at = lexer->end;
    lexer->state = JINJA_IN_TEXT;
    lexer->open_n = 0;
}
