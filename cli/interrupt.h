// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_INTERRUPT_H
#define PRESSRUN_CLI_INTERRUPT_H
/*
 * SIGINT and SIGTERM as a flag. One thread waits for them, so there is neither a handler nor a global: the
 * first signal raises the flag and says so, the second, unless it comes at the same moment, ends the process at once with
 * exit code 130.
 *
 * Start it before any other thread, so that all of them have the signals blocked.
 */
#include <pthread.h>
#include <stdatomic.h>

struct interrupt {
    atomic_bool raised;
    const char *what; // is done then, as it is said
    void (*give_up)(void *self);
    void *self;
    pthread_t thread;
};

// `what`, borrowed: "finishing what is in flight". `give_up`, which may be NULL, is called before the process is ended at
// once. 0, or an errno.
int interrupt_start(struct interrupt *interrupt, const char *what, void (*give_up)(void *self), void *self);
void interrupt_stop(struct interrupt *interrupt);

#endif
