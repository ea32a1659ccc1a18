// SPDX-License-Identifier: MIT
#include "cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"

static const double ONE_SIGNAL = 0.2; // seconds; timeout(1) and the like send the same twice

static void watched(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR2); // from interrupt_stop
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *watch(void *arg) {
    struct interrupt *interrupt = arg;
    double first = 0;
    sigset_t set;
    watched(&set);
    for (;;) {
        int signal = 0;
        if (sigwait(&set, &signal) != 0)
            continue;
        if (signal == SIGUSR2)
            return NULL;
        if (first > 0 && now() - first < ONE_SIGNAL)
            continue;
        if (atomic_exchange(&interrupt->raised, true)) {
            if (interrupt->give_up)
                interrupt->give_up(interrupt->self);
            _exit(EXIT_INTERRUPTED);
        }
        first = now();
        dprintf(STDERR_FILENO, "\npressrun: interrupted; %s (again: stop at once)\n", interrupt->what);
    }
}

int interrupt_start(struct interrupt *interrupt, const char *what, void (*give_up)(void *self), void *self) {
    sigset_t set;
    watched(&set);
    atomic_init(&interrupt->raised, false);
    interrupt->what = what;
    interrupt->give_up = give_up;
    interrupt->self = self;
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    return failed ? failed : pthread_create(&interrupt->thread, NULL, watch, interrupt);
}

void interrupt_stop(struct interrupt *interrupt) {
    pthread_kill(interrupt->thread, SIGUSR2);
    pthread_join(interrupt->thread, NULL);
}
