// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_MANUAL_H
#define PRESSRUN_CLI_MANUAL_H
/*
 * The manual pages, in roff with the macros of man(7): pressrun(1) from the command table, pressrun-templates(7)
 * from those of reference.h. The build writes and installs them.
 */
#include "base/buf.h"

// False: there is no such page. Pages are "pressrun" and "pressrun-templates".
bool manual_write(const char *page, struct buf *out);

#endif
