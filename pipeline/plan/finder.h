// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_FINDER_H
#define PRESSRUN_PIPELINE_FINDER_H
/*
 * How virtual machines get at templates whose names are only known while rendering: the compile and the
 * render stage do not know each other, so the pipeline hands one to the other.
 */
#include "stages/compile/templates.h"
#include "stages/render/vm.h"

struct template_finder finder_for(struct templates *templates); // borrows

#endif
