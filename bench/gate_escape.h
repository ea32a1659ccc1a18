// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_ESCAPE_H
#define PRESSRUN_BENCH_GATE_ESCAPE_H
/*
 * Texts of others (names, paths, what a failed run said) in the formats that a gate is written in, so that they stay text.
 * Whatever is not UTF-8, and control characters, become U+FFFD; line ends and tabs become spaces, except where said. Pure
 * functions, thread-safe.
 */
#include "base/buf.h"

// At most so many code points, then an ellipsis; 0: all.
void gate_escape_xml(struct buf *out, const char *text, size_t most);
// In a cell of a table of GitHub's Markdown: no markup, no HTML, nobody mentioned, no issue linked.
void gate_escape_markdown(struct buf *out, const char *text, size_t most);
// In a workflow command of GitHub Actions: the message keeps its line ends, a property has more that is escaped.
void gate_escape_message(struct buf *out, const char *text);
void gate_escape_property(struct buf *out, const char *text);

#endif
