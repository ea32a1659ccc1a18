// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_ALERT_COMMAND_H
#define PRESSRUN_CLI_ALERT_COMMAND_H
/*
 * The command of an alert rule: a process that gets a text on standard input, beside the run, in a thread of its own.
 *
 * It runs as external filters do (stages/render/through.h): no shell, a process group of its own, in the manifest's
 * directory, with a time limit. What it prints is of interest only if it did not do well.
 *
 * Program, arguments and directory are borrowed, and outlive alert_command_end.
 */
#include <pthread.h>

#include "base/clock.h"
#include "stages/render/through.h"

enum { ALERT_COMMAND_SECONDS = 10 };

struct alert_command { // zeroed: it was not started
    struct through_command command;
    struct through_task task;
    struct clock clock;
    pthread_t thread;
    bool started;
};

// Returns at once; `input` is the command's then. There is a thread for it, or task.end says that it was not started.
void alert_command_start(struct alert_command *c, const char *program, const char *const *argv,
                         const char *directory, struct clock clock, struct buf input);
// Waits for it. False: it did not do well, and `fault` gets why. It is released then.
bool alert_command_end(struct alert_command *c, struct buf *fault);

#endif
