// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_MANIFEST_CHECK_H
#define PRESSRUN_PIPELINE_MANIFEST_CHECK_H
/*
 * Checks a document against the table: keys known, required ones there, values of the right form and within
 * bounds. What the table cannot say (does the file exist, is that a source's name) is left to
 * manifest_fill.c.
 *
 * Reports everything it finds and marks the nodes that are at fault (`faulty`), so that whoever reads the
 * document afterwards passes over them instead of reporting them again.
 */
#include "base/diag.h"
#include "stages/record/document.h"

void manifest_check(struct document_node *root, const struct source_text *source, struct diags *diags);

#endif
