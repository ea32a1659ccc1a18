// SPDX-License-Identifier: MIT
/*
 * The prompt language at run time: values of keywords, replacing, directives. See stages/compile/prompt.h.
 *
 * Replacing is what Ruby's gsub does with a text for a pattern, sequences with a backslash in the replacement
 * included. Steps are taken by the length of what is searched, and no text gets longer than the output may be.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "stages/program/directive.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_private.h"
#include "stages/render/vm_write.h"

enum { BYTES_A_STEP = 256 };

// ---- values

// What a keyword can be; functions of the library have names that keywords may have too.
static bool is_there(struct value v) {
    return v.tag != VALUE_UNDEFINED && v.tag != VALUE_MISSING && v.tag != VALUE_OBJECT;
}

// In a key with brackets, which only records made for the library have, nothing but what it takes.
static bool text_of(struct call *call, struct value v, struct str name, bool strict, struct value *out) {
    if (v.tag == VALUE_LIST)
        v = v.list->n ? v.list->items[v.list->n - 1] : value_none();
    struct str text = STR("");
    if (v.tag == VALUE_STRING)
        text = value_str(v);
    else if (!strict && v.tag == VALUE_BOOL)
        text = v.i ? STR("true") : STR("false");
    else if (!strict && (v.tag == VALUE_INT || v.tag == VALUE_FLOAT || v.tag == VALUE_BIG)) {
        if (!print_to_str(call, v, &text))
            return false;
    } else if (v.tag != VALUE_NONE) {
        return call_fail(call, "the value of %.*s is a string or a list of strings, not '%s'", STR_ARG(name),
                         op_type_name(v));
    }
    *out = value_string(text);
    return true;
}

bool prompt_keyword(struct call *call, const struct frame *f, const struct instruction *in,
                    const struct value *candidates, struct value *slot) {
    struct vm *vm = call->vm;
    struct str name = value_str(f->program->constants[in->c]);
    for (int i = 0; i < 3; i++)
        if (is_there(candidates[i]))
            return text_of(call, candidates[i], name, i == 0, slot);
    *slot = value_string(STR(""));
    if (vm->options.undefined == UNDEFINED_KEEP)
        *slot = value_string(name);
    if (vm->options.undefined != UNDEFINED_STRICT || in->a)
        return true;
    if (candidates[2].tag == VALUE_UNDEFINED)
        vm->suspect = candidates[2];
    return call_fail(call, "%.*s has no value", STR_ARG(name));
}

// A key of a record that is replaced wherever it stands, named by the template or not.
static bool is_bracketed(struct value key) {
    return key.tag == VALUE_STRING && key.n >= 2 && key.s[0] == '[' && key.s[key.n - 1] == ']';
}

static bool is_named(const struct call_shape *shape, struct str name) {
    for (uint32_t i = 0; i < shape->keywords; i++)
        if (str_equal(shape->names[i], name))
            return true;
    return false;
}

static bool has_further(const struct frame *f, const struct instruction *in, const struct map *record) {
    struct lookup *lookup = &f->sites[in - f->program->code].name;
    const struct shape *shape = record->shape;
    int32_t further;
    if (shape->shared && lookup_find(lookup, shape, &further))
        return further;
    further = 0;
    for (uint32_t i = 0; i < shape->n && !further; i++)
        further =
            is_bracketed(shape->keys[i]) && !is_named(&f->program->calls[in->c], value_str(shape->keys[i]));
    if (shape->shared) {
        lookup->shape[1] = lookup->shape[0];
        lookup->position[1] = lookup->position[0];
        lookup->shape[0] = shape;
        lookup->position[0] = further;
    }
    return further;
}

bool prompt_is_plain(const struct frame *f, const struct instruction *in, const struct value *slots) {
    const struct call_shape *shape = &f->program->calls[in->c];
    for (uint32_t i = 0; i < shape->keywords; i++) {
        struct str text = value_str(slots[i]);
        if (text.n &&
            (memchr(text.p, '[', text.n) || memchr(text.p, ']', text.n) || memchr(text.p, '\\', text.n)))
            return false;
    }
    return !f->context->record || !has_further(f, in, f->context->record);
}

// ---- replacing

static bool take_steps(struct call *call, uint64_t bytes) {
    return steps_take(call, bytes / BYTES_A_STEP + 1);
}

// The replacement for a match at text[at..at+n), its sequences put in; false where one names a group.
static bool add_expanded(struct str with, struct str text, size_t at, size_t n, struct buf *out) {
    for (size_t i = 0; i < with.n; i++) {
        char c = i + 1 < with.n ? with.p[i + 1] : 0;
        if (with.p[i] != '\\' || !c) {
            buf_add_char(out, with.p[i]);
            continue;
        }
        i++;
        if (c == '0' || c == '&')
            buf_add_str(out, str_slice(text, at, at + n));
        else if (c == '`')
            buf_add_str(out, str_slice(text, 0, at));
        else if (c == '\'')
            buf_add_str(out, str_from(text, at + n));
        else if (c == '\\')
            buf_add_char(out, '\\');
        else if (c == 'k' && i + 1 < with.n && with.p[i + 1] == '<')
            return false;
        else if ((c < '1' || c > '9') && c != '+') {
            buf_add_char(out, '\\');
            buf_add_char(out, c);
        }
    }
    return true;
}

// `text` with all of `what` replaced, in `out`; *text is left to be that.
static bool replace(struct call *call, struct str *text, struct str what, struct str with, struct buf *out) {
    struct str from = *text;
    size_t limit = call->vm->limits.output_bytes, done = 0;
    bool expands = with.n && memchr(with.p, '\\', with.n);
    if (!take_steps(call, from.n))
        return false;
    buf_clear(out);
    for (const char *found;
         done < from.n && (found = memmem(from.p + done, from.n - done, what.p, what.n));) {
        size_t at = (size_t)(found - from.p);
        buf_add_str(out, str_slice(from, done, at));
        if (!expands)
            buf_add_str(out, with);
        else if (!take_steps(call, from.n))
            return false;
        else if (!add_expanded(with, from, at, what.n, out))
            return call_fail(call, "\"\\k<\" in the text for %.*s names a group that is not there",
                             STR_ARG(what));
        if (out->n > limit)
            return fault_output(call);
        done = at + what.n;
    }
    if (!done)
        return true;
    buf_add_str(out, str_from(from, done));
    *text = buf_str(out);
    return out->n <= limit || fault_output(call);
}

// Two buffers in turn: one holds the text, the other gets the next.
struct replacing {
    struct str text;
    struct buf buffers[2];
    int next;
};

static bool replace_next(struct call *call, struct replacing *r, struct str what, struct str with) {
    const char *before = r->text.p;
    if (!replace(call, &r->text, what, with, &r->buffers[r->next]))
        return false;
    if (r->text.p != before)
        r->next = !r->next;
    return true;
}

static bool replace_further(struct call *call, struct replacing *r, const struct map *record,
                            const struct call_shape *shape) {
    for (uint32_t i = 0; i < record->shape->n; i++) {
        struct value key = record->shape->keys[i], value;
        if (!is_bracketed(key) || is_named(shape, value_str(key)))
            continue;
        if (!text_of(call, record->values[i], value_str(key), true, &value) ||
            !replace_next(call, r, value_str(key), value_str(value)))
            return false;
    }
    return true;
}

static bool replacing_end(struct call *call, struct replacing *r, bool fine) {
    fine = fine && write_text(call, r->text.p, r->text.n);
    buf_release(&r->buffers[0]);
    buf_release(&r->buffers[1]);
    return fine;
}

bool prompt_substitute(struct call *call, const struct frame *f, const struct instruction *in,
                       struct str text, const struct value *slots) {
    const struct call_shape *shape = &f->program->calls[in->c];
    struct replacing r = {.text = text};
    bool fine = true;
    for (uint32_t i = 0; fine && i < shape->keywords; i++)
        fine = replace_next(call, &r, shape->names[i], value_str(slots[i]));
    if (fine && f->context->record)
        fine = replace_further(call, &r, f->context->record, shape);
    return replacing_end(call, &r, fine);
}

// ---- directives

struct done {
    struct str line, path, text; // path: of an include that brought something in
};

// What a file holds; {NULL, 0} with *missing: there is none, without: after call_fail.
static struct str file_text(struct call *call, const struct frame *f, struct str path, bool *missing) {
    const struct program *program = NULL;
    struct str name;
    *missing = true;
    if (!directive_template(path, &call->vm->scratch, &name))
        return (struct str){NULL, 0};
    if (!name.p) {
        *missing = call_no_memory(call);
        return name;
    }
    for (uint32_t i = 0; i < f->program->refs_n && !program; i++)
        if (str_equal(f->program->refs[i].name, name))
            program = f->program->refs[i].program;
    if (!program)
        program = template_find(call, name, LANGUAGE_TEXT, call->autoescape, missing);
    if (program)
        return program->source.text;
    if (!*missing)
        call_fail(call, "the file '%.*s' cannot be included: it is a directory or cannot be read",
                  STR_ARG(path));
    return (struct str){NULL, 0};
}

static bool run_include(struct call *call, const struct frame *f, const struct directive *d,
                        const struct done *earlier, size_t n, struct done *out) {
    bool missing = false;
    for (size_t i = 0; i < n && !missing; i++)
        missing = earlier[i].path.p && str_equal(earlier[i].path, d->path);
    if (!missing) {
        out->text = file_text(call, f, d->path, &missing);
        if (out->text.p || !missing) {
            out->path = d->path;
            return out->text.p;
        }
    }
    out->text = str_of(arena_printf(call->arena, "Error: File '%.*s' not accessible", STR_ARG(d->path)));
    return out->text.p || call_no_memory(call);
}

static bool run_directive(struct call *call, const struct frame *f, const struct directive *d,
                          const struct done *earlier, size_t n, struct done *out) {
    struct str fault = directive_fault(d, &call->vm->faults);
    *out = (struct done){.line = d->line};
    if (fault.p)
        return call_fail(call, "%.*s", STR_ARG(fault));
    if (d->kind == DIRECTIVE_INCLUDE)
        return run_include(call, f, d, earlier, n, out);
    out->text = str_of(d->kind == DIRECTIVE_EXCLUDED
                           ? arena_printf(call->arena, "Error: %.*s is not a valid directive: %.*s",
                                          STR_ARG(d->name), STR_ARG(d->line))
                           : arena_printf(call->arena, "Error: Unknown directive '%.*s'", STR_ARG(d->line)));
    return out->text.p || call_no_memory(call);
}

// All are run before the first is replaced.
static bool run_all(struct call *call, const struct frame *f, struct str text, struct done **done,
                    size_t *n) {
    struct directive d;
    size_t cap = 0;
    for (size_t at = 0; directive_next(text, &at, &d);) {
        bool known = false;
        if (!take_steps(call, *n * sizeof **done))
            return false;
        for (size_t i = 0; i < *n && !known; i++)
            known = str_equal((*done)[i].line, d.line);
        if (known)
            continue;
        MEM_GROW(*done, cap, *n + 1);
        if (!run_directive(call, f, &d, *done, *n, &(*done)[*n]))
            return false;
        ++*n;
    }
    return true;
}

bool prompt_directives(struct call *call, const struct frame *f) {
    struct vm *vm = call->vm;
    struct directive d;
    struct value captured;
    if (vm->captures_n == f->captures)
        return call_fail(call, "a capture ends that has not begun");
    size_t start = vm->captures[vm->captures_n - 1], first = 0;
    if (vm->output.n == start ||
        !directive_next((struct str){vm->output.p + start, vm->output.n - start}, &first, &d)) {
        vm->captures_n--;
        output_let_go(vm);
        return true;
    }
    if (!capture_end(call, false, &captured))
        return false;
    struct done *done = NULL;
    size_t n = 0;
    struct replacing r = {.text = value_str(captured)};
    bool fine = run_all(call, f, r.text, &done, &n);
    for (size_t i = 0; fine && i < n; i++)
        fine = replace_next(call, &r, done[i].line, done[i].text);
    fine = replacing_end(call, &r, fine);
    mem_free(done);
    return fine;
}
