// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_THROUGH_PROCESS_H
#define PRESSRUN_STAGES_RENDER_THROUGH_PROCESS_H
/*
 * One process of through.c: how it is started, fed, drained and reaped. Nothing here waits, but for the moment
 * between starting a process and its program's taking over.
 *
 * Descriptors are this program's ends, -1 when closed; all of them are closed when the process is reaped. The task
 * is borrowed until then. A process belongs to one thread at a time.
 */
#include <poll.h>
#include <sys/types.h>

#include "stages/render/through.h"

struct through_process {
    struct through_task *task;
    pid_t pid;
    int handle; // readable when the process has ended; -1: the kernel has no such thing
    int input, output, complaint;
    size_t written; // bytes of the text
    uint64_t deadline;
    bool killed; // and the task's `end` says why
    bool called; // poll has something for it
};

enum { THROUGH_DESCRIPTORS = 4 };

// 0, or an errno.
int through_process_start(struct through_process *p, struct through_task *task);
void through_process_kill(struct through_process *p, enum through_end why);

// What to poll for, at most THROUGH_DESCRIPTORS; how many.
size_t through_process_watch(const struct through_process *p, struct pollfd *fds);
// Sets `called` by what poll made of them; how many they were.
size_t through_process_called(struct through_process *p, const struct pollfd *fds);
// Moves what can be moved now.
void through_process_move(struct through_process *p);
// True: it has ended, is reaped, and its task has all that came of it.
bool through_process_reap(struct through_process *p);

#endif
