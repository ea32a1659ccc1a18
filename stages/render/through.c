// SPDX-License-Identifier: MIT
#include "stages/render/through.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/digest.h"
#include "base/mem.h"
#include "stages/render/through_process.h"

// How long a round waits at most; where the end of a process, or a bell, is not to be seen by poll, it looks again.
enum { ROUND_MS = 100, LOOK_MS = 2 };
static const uint64_t MILLISECOND = 1000000;

struct queue {
    struct through_task *first, **end;
};

struct through {
    struct through_options options;
    int bell; // -1: there is none
    pthread_mutex_t lock;
    bool served;          // under the lock, as is `added`
    struct queue added;   // by others
    struct queue waiting; // from here on the server's own
    struct queue delayed; // to be tried again
    struct queue done;
    struct through_process *processes;
    uint32_t processes_n;
    uint32_t *places;         // that are free: from processes_n on
    _Atomic uint32_t allowed; // processes at once
    _Atomic uint32_t asked;   // tasks that have not come back
    struct pollfd *polled;
    bool interrupted, blind; // blind: some process has no handle
    uint64_t looked;         // when the last round ended
};

static void queue_clear(struct queue *q) {
    q->first = NULL;
    q->end = &q->first;
}

// `task` and what is linked to it.
static void queue_add(struct queue *q, struct through_task *task) {
    *q->end = task;
    while (*q->end)
        q->end = &(*q->end)->next;
}

static struct through_task *queue_take(struct queue *q) {
    struct through_task *task = q->first;
    q->first = task->next;
    if (!q->first)
        q->end = &q->first;
    task->next = NULL;
    return task;
}

struct through *through_new(const struct through_options *options) {
    struct through *t = MEM_NEW(struct through);
    t->options = *options;
    if (t->options.processes == 0)
        t->options.processes = 1;
    atomic_init(&t->allowed, t->options.processes);
    atomic_init(&t->asked, 0);
    t->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&t->lock, NULL);
    queue_clear(&t->added);
    queue_clear(&t->waiting);
    queue_clear(&t->delayed);
    queue_clear(&t->done);
    t->processes = MEM_NEW_ARRAY(struct through_process, t->options.processes);
    t->places = MEM_NEW_ARRAY(uint32_t, t->options.processes);
    for (uint32_t i = 0; i < t->options.processes; i++)
        t->places[i] = i;
    t->polled = MEM_NEW_ARRAY(struct pollfd, (size_t)t->options.processes * THROUGH_DESCRIPTORS + 1);
    return t;
}

static uint64_t now(const struct through *t) {
    return t->options.clock.monotonic(t->options.clock.self);
}

void through_ring(struct through *t) {
    const uint64_t one = 1;
    if (t->bell >= 0 && write(t->bell, &one, sizeof one) < 0)
        return; // it rings already
}

void through_set_processes(struct through *t, uint32_t n) {
    atomic_store(&t->allowed, n == 0 ? 1 : n < t->options.processes ? n : t->options.processes);
}

uint32_t through_asked(const struct through *t) {
    return atomic_load(&t->asked);
}

bool through_add(struct through *t, struct through_task *first) {
    for (const struct through_task *task = first; task; task = task->next)
        atomic_fetch_add(&t->asked, 1);
    pthread_mutex_lock(&t->lock);
    bool unserved = !t->served;
    t->served = true;
    queue_add(&t->added, first);
    pthread_mutex_unlock(&t->lock);
    if (!unserved)
        through_ring(t);
    return unserved;
}

static void finish(struct through *t, struct through_task *task) {
    task->next = NULL;
    queue_add(&t->done, task);
    atomic_fetch_sub(&t->asked, 1);
}

// Trying again ----------------------------------------------------------------------------------------------

static bool is_cancelled(const struct through *t, const struct through_task *task) {
    return t->interrupted || (task->cancel && atomic_load_explicit(task->cancel, memory_order_relaxed));
}

static bool is_worth_it(const struct through_task *task) {
    return (task->end == THROUGH_FAILED || task->end == THROUGH_LATE || task->end == THROUGH_UNSTARTED) &&
           task->tried < task->command->retries;
}

// A task whose process has ended, or was not to be started. The chance of its wait is of its text, and so the same each run.
static void ended(struct through *t, struct through_task *task) {
    if (!is_worth_it(task) || is_cancelled(t, task)) {
        finish(t, task);
        return;
    }
    task->wait_ns =
        backoff_delay(task->command->backoff_ns, task->tried, digest_of(buf_str(&task->text)).low);
    task->tried++;
    if (t->options.again)
        t->options.again(t->options.self, task);
    if (task->began)
        task->earlier_ns += task->ended - task->began;
    buf_clear(&task->output);
    buf_clear(&task->complaint);
    task->due = now(t) + task->wait_ns;
    task->next = NULL;
    queue_add(&t->delayed, task);
}

// What is due goes before what was not tried yet; all of it, where it is not going to be started any more.
static void resume(struct through *t) {
    struct through_task *all = t->delayed.first;
    if (!all)
        return;
    const uint64_t time = now(t);
    struct queue due;
    queue_clear(&due);
    queue_clear(&t->delayed);
    for (struct through_task *task = all, *next; task; task = next) {
        next = task->next;
        task->next = NULL;
        queue_add(task->due <= time || is_cancelled(t, task) ? &due : &t->delayed, task);
    }
    if (!due.first)
        return;
    if (t->waiting.first)
        queue_add(&due, t->waiting.first);
    queue_clear(&t->waiting);
    queue_add(&t->waiting, due.first);
}

// Starting --------------------------------------------------------------------------------------------------

// There may be enough of it again when another process has ended.
static bool is_shortage(int os) {
    return os == EMFILE || os == ENFILE || os == EAGAIN || os == ENOMEM;
}

static void start(struct through *t) {
    while (t->waiting.first && t->processes_n < atomic_load(&t->allowed)) {
        struct through_task *task = t->waiting.first;
        if (is_cancelled(t, task)) {
            task->end = THROUGH_CANCELLED;
            finish(t, queue_take(&t->waiting));
            continue;
        }
        struct through_process *p = &t->processes[t->processes_n];
        const uint64_t from = now(t);
        int os = through_process_start(p, task);
        if (is_shortage(os) && t->processes_n > 0)
            return;
        queue_take(&t->waiting);
        if (os) {
            task->end = THROUGH_UNSTARTED;
            task->status = os;
            task->began = 0;
            ended(t, task);
            continue;
        }
        uint64_t most = UINT64_MAX - from;
        p->deadline = from + (task->command->time_ns < most ? task->command->time_ns : most);
        t->blind |= p->handle < 0;
        task->began = from;
        task->place = t->places[t->processes_n++];
        through_process_move(p); // most texts fit into a pipe
    }
}

// Rounds ----------------------------------------------------------------------------------------------------

// Before the first look of a round: time that nobody looked does not count.
static void extend(struct through *t) {
    uint64_t gap = t->processes_n > 0 ? now(t) - t->looked : 0;
    for (uint32_t i = 0; i < t->processes_n; i++)
        if (t->processes[i].deadline < UINT64_MAX - gap)
            t->processes[i].deadline += gap;
}

static void look_for_interrupt(struct through *t) {
    if (t->interrupted || !t->options.interrupt || !atomic_load(t->options.interrupt))
        return;
    t->interrupted = true;
    uint64_t last = now(t) + THROUGH_GRACE_NS;
    for (uint32_t i = 0; i < t->processes_n; i++)
        if (t->processes[i].deadline > last)
            t->processes[i].deadline = last;
}

static int timeout_of(const struct through *t, bool wait) {
    int most = t->blind || t->bell < 0 ? LOOK_MS : ROUND_MS;
    if (!wait || t->done.first || (t->processes_n == 0 && !t->delayed.first))
        return 0;
    uint64_t time = now(t);
    for (const struct through_task *task = t->delayed.first; task; task = task->next) {
        uint64_t left = task->due > time ? (task->due - time) / MILLISECOND + 1 : 0;
        most = left < (uint64_t)most ? (int)left : most;
    }
    for (uint32_t i = 0; i < t->processes_n; i++) {
        const struct through_process *p = &t->processes[i];
        if (p->killed)
            continue;
        uint64_t left = p->deadline > time ? (p->deadline - time) / MILLISECOND + 1 : 0;
        most = left < (uint64_t)most ? (int)left : most;
    }
    return most;
}

static void look(struct through *t, int timeout) {
    size_t n = 0;
    if (t->bell >= 0)
        t->polled[n++] = (struct pollfd){.fd = t->bell, .events = POLLIN};
    for (uint32_t i = 0; i < t->processes_n; i++)
        n += through_process_watch(&t->processes[i], t->polled + n);
    if (poll(t->polled, n, timeout) < 0) // a signal ends the round, which comes again
        for (size_t i = 0; i < n; i++)
            t->polled[i].revents = 0;
    struct pollfd *polled = t->polled;
    uint64_t rung;
    if (t->bell >= 0 && (polled++->revents & POLLIN) && read(t->bell, &rung, sizeof rung) < 0)
        return; // a round for nothing comes next
    for (uint32_t i = 0; i < t->processes_n; i++)
        polled += through_process_called(&t->processes[i], polled);
}

static void move_all(struct through *t) {
    bool blind = false;
    uint64_t time = now(t);
    for (uint32_t i = 0; i < t->processes_n;) {
        struct through_process *p = &t->processes[i];
        if (p->called)
            through_process_move(p);
        if (!p->called || !through_process_reap(p)) {
            if (time >= p->deadline)
                through_process_kill(p, t->interrupted ? THROUGH_CANCELLED : THROUGH_LATE);
            blind |= p->handle < 0;
            i++;
            continue;
        }
        p->task->ended = time;
        t->places[--t->processes_n] = p->task->place;
        ended(t, p->task);
        *p = t->processes[t->processes_n];
    }
    t->blind = blind;
}

bool through_serve(struct through *t, bool wait, struct through_task **done) {
    pthread_mutex_lock(&t->lock);
    if (t->added.first)
        queue_add(&t->waiting, t->added.first);
    queue_clear(&t->added);
    pthread_mutex_unlock(&t->lock);
    extend(t);
    look_for_interrupt(t);
    resume(t);
    start(t);
    look(t, timeout_of(t, wait));
    move_all(t);
    start(t); // what has ended makes room
    t->looked = now(t);
    *done = t->done.first;
    queue_clear(&t->done);
    pthread_mutex_lock(&t->lock);
    t->served = t->processes_n > 0 || t->waiting.first || t->delayed.first || t->added.first;
    bool served = t->served;
    pthread_mutex_unlock(&t->lock);
    return served;
}

void through_free(struct through *t) {
    if (!t)
        return;
    for (uint32_t i = 0; i < t->processes_n; i++)
        through_process_kill(&t->processes[i], THROUGH_CANCELLED);
    for (uint32_t i = 0; i < t->processes_n; i++)
        while (!through_process_reap(&t->processes[i]))
            poll(NULL, 0, 1);
    if (t->bell >= 0)
        close(t->bell);
    pthread_mutex_destroy(&t->lock);
    mem_free(t->processes);
    mem_free(t->places);
    mem_free(t->polled);
    mem_free(t);
}

void through_write_end(const struct through_task *task, struct buf *out) {
    static const uint64_t second = 1000000000;
    const struct through_command *command = task->command;
    const char *signal_name = WIFSIGNALED(task->status) ? sigabbrev_np(WTERMSIG(task->status)) : NULL;
    switch (task->end) {
    case THROUGH_LATE:
        buf_printf(out, "took longer than %llu s", (unsigned long long)(command->time_ns / second));
        break;
    case THROUGH_LARGE:
        buf_printf(out, "wrote more than %llu bytes", (unsigned long long)command->output_bytes);
        break;
    case THROUGH_UNSTARTED:
        buf_printf(out, "cannot be started: %s", strerrordesc_np(task->status));
        break;
    default:
        if (signal_name)
            buf_printf(out, "was ended by SIG%s", signal_name);
        else if (WIFSIGNALED(task->status))
            buf_printf(out, "was ended by signal %d", WTERMSIG(task->status));
        else
            buf_printf(out, "ended with exit status %d", WEXITSTATUS(task->status));
    }
}

struct str through_last_words(const struct through_task *task) {
    enum { LINES = 10, BYTES = 2000 };
    struct str text = buf_str(&task->complaint);
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' '))
        text.n--;
    size_t from = text.n, lines = 1;
    while (from && lines <= LINES && text.n - from < BYTES)
        lines += text.p[--from] == '\n';
    if (from)
        while (from < text.n && text.p[from] != '\n')
            from++;
    if (from == text.n) // one long line
        from = text.n > BYTES ? text.n - BYTES : 0;
    while (from < text.n && text.p[from] == '\n')
        from++;
    return str_from(text, from);
}
