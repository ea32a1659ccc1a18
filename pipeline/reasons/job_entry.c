// SPDX-License-Identifier: MIT
#include "pipeline/reasons/job_entry.h"

#include <stdio.h>

#include "stages/emit/emit.h"

#define PREFIX EMIT_BOOKS "/job/"

struct str job_entry_path(struct str job, char path[JOB_ENTRY_PATH_SIZE]) {
    int n = snprintf(path, JOB_ENTRY_PATH_SIZE, PREFIX "%.*s", STR_ARG(job));
    return (struct str){path, n < JOB_ENTRY_PATH_SIZE ? (size_t)n : JOB_ENTRY_PATH_SIZE - 1};
}

bool job_entry_is(const struct journal_entry *entry) {
    return str_starts(entry->path, STR(PREFIX));
}

struct job_entry job_entry_read(const struct journal_entry *entry) {
    return (struct job_entry){.source = {.all = entry->raw, .first = entry->record},
                              .output = entry->output,
                              .outputs = entry->size,
                              .excluded = entry->inode};
}

bool job_entry_is_undone(const struct journal_entry *entry) {
    return digest_equal(entry->output, (struct digest){0, 0});
}

void job_entry_add(struct journal_batch *batch, const struct journal *journal,
                   const struct journal_recipe *recipe, const struct job_entry *done,
                   const uint64_t *no_fields) {
    char path[JOB_ENTRY_PATH_SIZE];
    const struct journal_entry entry = {.path = job_entry_path(recipe->job, path),
                                        .recipe = recipe,
                                        .raw = done->source.all,
                                        .record = done->source.first,
                                        .output = done->output,
                                        .size = done->outputs,
                                        .inode = done->excluded,
                                        .fields_n = recipe->fields_n};
    journal_batch_add(batch, journal, &entry, no_fields);
}
