// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_JOBSERVER_H
#define PRESSRUN_SCHEDULER_JOBSERVER_H
/*
 * A client of GNU make's jobserver: a run that make -jN started shares its N with make's other recipes. Each worker beyond
 * the first, which make has counted already, needs a token. A token is a byte from make's pipe, and the very byte goes
 * back when the worker is not needed any more.
 *
 * The pipe is reopened (/proc/self/fd), so that reading does not wait here while it still does for all the others who
 * share make's descriptors. Nothing here ever waits for a token.
 *
 * What is not done: tokens of a process that dies by a signal it does not watch for are lost, as those of make's own
 * children would be; make says so at its end.
 *
 * Owned by whoever opened it; all functions may be called from any thread, but for open and close.
 */
#include <stdint.h>

#include "base/fs.h"

struct jobserver;

enum { JOBSERVER_WHY_SIZE = 256 };

// What MAKEFLAGS (may be NULL) offers: `--jobserver-auth=R,W`, `--jobserver-fds=R,W` (before make 4.2) or
// `--jobserver-auth=fifo:PATH` (from 4.4 on); the last one counts. NULL: nothing; where something is offered that is not
// to be used, such as descriptors that make closed for a recipe without "+", `why` says so, else it is "".
// Descriptors are told from others of the same number by being the two ends of one pipe, so open it before any file.
struct jobserver *jobserver_open(const struct fs *fs, const char *makeflags, char why[JOBSERVER_WHY_SIZE]);

// Tries to hold `tokens`: takes what is missing, as far as there is any, or gives back what is too much. How many it
// holds then.
uint32_t jobserver_hold(struct jobserver *j, uint32_t tokens);

// Gives all back and takes none from then on.
void jobserver_surrender(struct jobserver *j);

void jobserver_close(struct jobserver *j); // surrenders; NULL is fine

#endif
