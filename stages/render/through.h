// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_THROUGH_H
#define PRESSRUN_STAGES_RENDER_THROUGH_H
/*
 * External filters: a text goes to the standard input of a process, and what the process writes to its standard
 * output takes the text's place. So many processes at once are served by one loop (through_serve), which starts,
 * feeds, drains and reaps them, and never waits but in poll, and there only if it is told that it may.
 *
 * Who calls the loop is left to the caller, as is what is done with what comes back. There is no shell, and there are
 * no templates in the arguments: they are constants, so nothing of a record can get there.
 *
 * Each process
 *   - is the leader of its own process group. A terminal's ^C does not reach it; when it has ended, or has to, the
 *     whole group is killed, so nothing that it started outlives it there;
 *   - begins with the signals' defaults where this program changed them, with no open descriptor but its three, with
 *     the usual limit on more of them (1024, which it may raise), and in the command's directory; the environment is
 *     this program's;
 *   - is killed by the kernel when the thread that started it is gone;
 *   - need not read its input, and has done well exactly when its exit status is 0. What it writes to standard error is
 *     kept (the end of it), and is of interest only if it did not do well.
 * A text on which its process failed, was late or could not be started is tried again as often as its command says, after a
 * while in which others have its place. One that wrote too much is not: it would again.
 *
 * Time counts while the loop looks after a process; what passes between two calls of through_serve does not.
 *
 * Ownership: tasks are the caller's and stay where they are until they come back. Threads: through_add and
 * through_ring from any; through_serve by one at a time. SIGPIPE must be ignored, SIGCHLD must not be.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

struct through_command {
    const char *program;     // absolute, or relative to `directory`
    const char *const *argv; // the program's name first, NULL last
    const char *directory;   // where it runs
    uint64_t time_ns;        // for one text; at least 1
    uint64_t output_bytes;   // of one text; at least 1
    uint32_t retries;        // how often a text is tried again that it failed on
    uint64_t backoff_ns;     // before the first time (base/backoff.h)
};

enum through_end {
    THROUGH_DONE,      // exit status 0
    THROUGH_FAILED,    // another one, or a signal: `status`
    THROUGH_LATE,      // killed after time_ns
    THROUGH_LARGE,     // killed after output_bytes
    THROUGH_UNSTARTED, // `status` is the errno
    THROUGH_CANCELLED, // before it began, or soon after an interrupt
};

struct through_task {
    const struct through_command *command;
    const atomic_bool *cancel; // not NULL: true when it is not to be started any more
    struct buf text;           // in: what to filter
    // out
    struct buf output;
    struct buf complaint; // the end of what it wrote to standard error
    enum through_end end;
    int status;            // as waitpid has it
    uint32_t place;        // among the processes at once; another has it only after this one
    uint64_t began, ended; // by the clock; 0: no process was started
    uint32_t tried;        // again
    uint64_t earlier_ns;   // that processes took whose output was not good
    uint64_t wait_ns;      // before it was tried again last
    uint64_t due;          // the loop's own
    struct through_task *next;
};

enum { THROUGH_COMPLAINT = 4096 }; // bytes kept of standard error

struct through_options {
    uint32_t processes; // at once; at least 1
    struct clock clock;
    // A text is going to be tried again: its task as it ended, `tried` and `wait_ns` already of the next time. May be NULL.
    void (*again)(void *self, const struct through_task *task);
    void *self;
    const atomic_bool
        *interrupt; // true: what runs gets THROUGH_GRACE_NS to end, nothing else begins; may be NULL
};
#define THROUGH_GRACE_NS UINT64_C(3000000000)

struct through;
struct through *through_new(const struct through_options *options);
void through_free(struct through *t); // kills what still runs

// Adds tasks that are linked by `next`; they begin in this order. True: nobody serves, so the caller must see to
// it that through_serve is called until it returns false.
bool through_add(struct through *t, struct through_task *first);

// One round of the loop. `wait`: until something happens, or 0.1 s. `done` gets the tasks that came back, linked.
// False: all have come back, and nobody serves any more.
bool through_serve(struct through *t, bool wait, struct through_task **done);
void through_ring(struct through *t); // ends the waiting

// How a task ended otherwise than well: "took longer than 10 s".
void through_write_end(const struct through_task *task, struct buf *out);
// The end of what it wrote to standard error, in whole lines where there are several.
struct str through_last_words(const struct through_task *task);

// From any thread.
void through_set_processes(struct through *t,
                           uint32_t n); // no more than so many begin; at least 1, at most the options'
uint32_t through_asked(const struct through *t); // tasks that have not come back

#endif
