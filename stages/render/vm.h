// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_VM_H
#define PRESSRUN_STAGES_RENDER_VM_H
/*
 * Render: the virtual machine. One per worker; it runs verified programs over records and keeps its buffers,
 * its scratch arena and its inline caches from item to item.
 *
 * Names resolve in this order: slots of the template and those visible from its includers, the record's
 * fields, the globals, the library's global functions. `extra` names (group, records) come before the record.
 *
 * A fault (undefined in strict mode, a wrong type, a limit) ends the item with a located diag: template, line,
 * column, caret; included templates and macros that led there as lines of the hint.
 *
 * Limits are per item: include depth, call depth, steps (taken backward jumps, calls, and what filters and
 * operators do with many elements), output bytes, memory, time. The clock is only looked at every some thousand steps. No
 * allocation outlives the item but the machine's own buffers.
 *
 * Not thread-safe; programs and records are shared and only read. A machine remembers programs and shared
 * shapes by address, so it must not outlive the templates and the shapes of the run it works for.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/str.h"
#include "stages/program/library.h"
#include "stages/program/program.h"
#include "stages/record/value.h"
#include "stages/render/profile.h"

enum undefined_mode { UNDEFINED_DEFAULT, UNDEFINED_STRICT, UNDEFINED_KEEP };

struct vm_limits {
    uint32_t include_depth; // 0: 16
    uint32_t call_depth;    // 0: 200, macros within macros
    uint64_t steps;         // 0: 10,000,000
    uint64_t output_bytes;  // 0: 64 MiB
    uint64_t memory_bytes;  // 0: 256 MiB of values a template makes
    uint64_t time_ns;       // 0: 10 seconds
};

// How the machine gets a template whose name is only known at run time.
struct template_finder {
    void *self;
    // `language` NULL: the name tells.
    const struct program *(*find)(void *self, struct str name, const char *language, bool autoescape,
                                  bool *missing);
};

struct vm_options {
    const struct library *library;
    enum undefined_mode undefined;
    struct vm_limits limits;
    struct template_finder finder;
    const struct map *globals; // may be NULL
    int64_t now;               // seconds since 1970 that strftime_now() shows
    const struct clock *clock; // NULL: the system's
    struct profile *profile;   // borrowed (profile.h); NULL: where time goes is not asked for
};

// Names beside the record: `group`, `records`.
struct vm_extra {
    struct str name;
    struct value value;
};

struct vm *vm_new(const struct vm_options *options);
void vm_free(struct vm *vm);

// Renders a template over a record (a map; any other value leaves only extras and globals). True: vm_output is
// the text. False: *fault, in the machine's scratch memory, says why.
bool vm_render(struct vm *vm, const struct program *program, struct value record,
               const struct vm_extra *extra, size_t extra_n, const struct diag **fault);
// The text rendered last, or what is left of it where a writer was given the rest; valid until the next call.
struct str vm_output(const struct vm *vm);

// Who takes a large output in pieces, as it comes: whenever more than VM_PIECE bytes are there of which nothing will
// be read back (as captured text will). The text of its error is the fault that the rendering ends with.
struct vm_writer {
    void *self;
    enum status (*write)(void *self, struct str piece, struct err *err);
};
enum { VM_PIECE = 1 << 20 };

// As vm_render, in bounded memory. True: the pieces, if any, and then vm_output are the text. False: pieces may have
// been handed over all the same. `writer` NULL: vm_render.
bool vm_render_to(struct vm *vm, const struct program *program, struct value record,
                  const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                  const struct diag **fault);

// Evaluates an expression program; the value is valid until the next call.
bool vm_eval(struct vm *vm, const struct program *program, struct value record, const struct vm_extra *extra,
             size_t extra_n, struct value *out, const struct diag **fault);

// Whether the last fault was about something that is not there, which more fields of the record may have a hint for.
bool vm_missed(const struct vm *vm);

// A value as `{{ value }}` would print it, unescaped, in the machine's scratch memory; {NULL, 0}: out of memory.
struct str vm_text(struct vm *vm, struct value v);
bool vm_truth(struct value v);

// Instructions run since vm_new, those of failed items included: a work counter, deterministic.
uint64_t vm_instructions(const struct vm *vm);
// Memory that items asked for since vm_new, apart from the machine's own buffers: a work counter, deterministic.
struct arena_asked vm_asked(const struct vm *vm);

#endif
