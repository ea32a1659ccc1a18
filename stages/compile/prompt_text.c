// SPDX-License-Identifier: MIT
#include "stages/compile/prompt_text.h"

#include "base/mem.h"
#include "stages/program/directive.h"

void prompt_text_release(struct prompt_text *text) {
    buf_release(&text->text);
    mem_free(text->runs);
}

static const struct prompt_run *run_of(const struct prompt_text *t, size_t at) {
    size_t low = 0, high = t->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (t->runs[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &t->runs[low];
}

uint32_t prompt_text_origin(const struct prompt_text *t, size_t at) {
    if (!t->n)
        return 0;
    const struct prompt_run *run = run_of(t, at);
    return run->from + (run->is_value ? 0 : (uint32_t)at - run->at);
}

static void add(struct prompt_text *t, struct str text, uint32_t from, bool is_value) {
    if (!text.n)
        return;
    const struct prompt_run *last = t->n ? &t->runs[t->n - 1] : NULL;
    if (!last || last->is_value || is_value || from != last->from + ((uint32_t)t->text.n - last->at)) {
        MEM_GROW(t->runs, t->cap, t->n + 1);
        t->runs[t->n++] = (struct prompt_run){(uint32_t)t->text.n, from, is_value};
    }
    buf_add_str(&t->text, text);
}

// Bytes from..to of another text.
static void add_part(struct prompt_text *t, const struct prompt_text *of, size_t from, size_t to) {
    while (from < to) {
        const struct prompt_run *run = run_of(of, from);
        size_t end = run + 1 < of->runs + of->n && run[1].at < to ? run[1].at : to;
        add(t, str_slice(buf_str(&of->text), from, end), prompt_text_origin(of, from), run->is_value);
        from = end;
    }
}

static const char *find(struct str text, size_t at, const char *what) {
    size_t n = strlen(what);
    return text.n - at < n ? NULL : memmem(text.p + at, text.n - at, what, n);
}

static void take_out_comments(struct str source, struct prompt_text *out) {
    size_t at = 0;
    for (const char *start, *end; (start = find(source, at, "<!--")); at = (size_t)(end - source.p) + 3) {
        end = find(source, (size_t)(start - source.p) + 4, "-->");
        if (!end)
            break;
        add(out, str_slice(source, at, (size_t)(start - source.p)), (uint32_t)at, false);
    }
    add(out, str_from(source, at), (uint32_t)at, false);
}

// A fence of markdown keeps the lines within that would be comments. Any other fence closes one.
static bool is_kept(struct str line, size_t *fences) {
    struct str text = directive_strip(line);
    if (str_is(text, "```markdown"))
        ++*fences;
    else if (str_starts(text, STR("```")))
        *fences -= *fences > 0;
    return *fences || !str_starts(text, STR("#"));
}

static void take_out_lines(const struct prompt_text *in, struct prompt_text *out) {
    struct str text = buf_str(&in->text);
    size_t fences = 0;
    bool first = true;
    size_t newline_at = 0; // of the line kept last
    for (size_t at = 0, next; at < text.n; at = next) {
        const char *newline = memchr(text.p + at, '\n', text.n - at);
        size_t end = newline ? (size_t)(newline - text.p) : text.n;
        next = newline ? end + 1 : text.n;
        if (newline && end > at && text.p[end - 1] == '\r')
            end--;
        struct str line = str_slice(text, at, end);
        if (str_is(line, "__END__"))
            break;
        if (!is_kept(line, &fences))
            continue;
        if (!first)
            add_part(out, in, newline_at, newline_at + 1);
        add_part(out, in, at, end);
        newline_at = next - 1;
        first = false;
    }
}

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// The name of "$NAME" or "${NAME}" at `at`, and how long all of it is; empty where there is none.
static struct str name_at(struct str text, size_t at, size_t *n) {
    bool braced = at + 1 < text.n && text.p[at + 1] == '{';
    size_t from = at + 1 + braced, to = from;
    while (to < text.n && is_word(text.p[to]))
        to++;
    *n = to - at + braced;
    if (braced && (to == text.n || text.p[to] != '}'))
        to = from;
    return str_slice(text, from, to);
}

static void put_variables(const struct prompt_text *in, const struct compile_options *options,
                          struct prompt_text *out) {
    struct str text = buf_str(&in->text);
    size_t done = 0;
    for (size_t at = 0; at < text.n; at++) {
        const char *dollar = memchr(text.p + at, '$', text.n - at);
        if (!dollar)
            break;
        at = (size_t)(dollar - text.p);
        size_t n;
        struct str name = name_at(text, at, &n);
        for (size_t i = 0; name.n && i < options->environment_n; i++)
            if (str_equal(name, options->environment[i].name)) {
                add_part(out, in, done, at);
                add(out, options->environment[i].value, prompt_text_origin(in, at), true);
                done = at + n;
                at = done - 1;
                break;
            }
    }
    add_part(out, in, done, text.n);
}

void prompt_text_make(struct str source, const struct compile_options *options, struct prompt_text *out) {
    struct prompt_text bare = {.n = 0}, kept = {.n = 0};
    *out = (struct prompt_text){.n = 0};
    take_out_comments(source, &bare);
    take_out_lines(&bare, &kept);
    prompt_text_release(&bare);
    if (!options->environment_n) {
        *out = kept;
        return;
    }
    put_variables(&kept, options, out);
    prompt_text_release(&kept);
}
