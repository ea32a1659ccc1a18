// SPDX-License-Identifier: MIT
#include "tests/support/journal_run.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>

static const struct str names[RUN_FIELDS] = {{"title", 5}, {"users.tier", 10}, {"", 0}};

struct journal_options run_options(const struct fs *fs, int root, bool writable) {
    return (struct journal_options){.fs = fs, .root = root, .writable = writable};
}

struct journal *run_open(const struct fs *fs, int root, bool writable, struct journal_found *found) {
    struct journal *journal;
    struct err err = {.text = ""};
    if (journal_open(run_options(fs, root, writable), &journal, found, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return journal;
}

static struct digest digest_for(int output, int version, uint64_t what) {
    uint64_t seed[3] = {(uint64_t)output, (uint64_t)version, what};
    return digest_of((struct str){(const char *)seed, sizeof seed});
}

struct journal_recipe run_recipe(int version) {
    return (struct journal_recipe){
        .job = STR("pages"),
        .program = digest_for(-1, version, 1),
        .globals = digest_for(-1, 0, 2),
        .options = digest_for(-1, 0, 3),
        .fields = names,
        .fields_n = RUN_FIELDS,
    };
}

struct str run_path(int output, char room[64]) {
    int n = snprintf(room, 64, "site/%02d/page-%d.html", output % 100, output);
    return (struct str){room, (size_t)n};
}

struct digest run_raw(int output, int version) {
    return digest_for(output, version, 11);
}

struct journal_entry run_entry(int output, int version, char room[64], uint64_t fields[RUN_FIELDS]) {
    for (int i = 0; i < RUN_FIELDS; i++)
        fields[i] = digest_for(output, version, 20 + (uint64_t)i).low;
    return (struct journal_entry){
        .path = run_path(output, room),
        .fingerprint = digest_for(output, version, 10),
        .raw = run_raw(output, version),
        .record = digest_for(output, version, 12),
        .output = digest_for(output, version, 13),
        .size = (uint64_t)(1000 + output),
        .inode = (uint64_t)output * 3 + 1,
        .mtime = -1000000007LL * version + output,
        .fields_n = RUN_FIELDS,
    };
}

bool run_is_entry(const struct journal_entry *entry, int output, int version) {
    char room[64];
    uint64_t fields[RUN_FIELDS];
    struct journal_entry want = run_entry(output, version, room, fields);
    struct journal_recipe recipe = run_recipe(version);
    bool same = str_equal(entry->path, want.path) && digest_equal(entry->fingerprint, want.fingerprint) &&
                digest_equal(entry->raw, want.raw) && digest_equal(entry->record, want.record) &&
                digest_equal(entry->output, want.output) && entry->size == want.size &&
                entry->inode == want.inode && entry->mtime == want.mtime && entry->fields_n == RUN_FIELDS;
    for (uint32_t i = 0; same && i < RUN_FIELDS; i++)
        same = journal_entry_field(entry, i) == fields[i];
    const struct journal_recipe *has = entry->recipe;
    if (!same || !has)
        return same;
    for (uint32_t i = 0; same && i < RUN_FIELDS; i++)
        same = has->fields_n == RUN_FIELDS && str_equal(has->fields[i], names[i]);
    return same && str_equal(has->job, recipe.job) && digest_equal(has->program, recipe.program) &&
           digest_equal(has->globals, recipe.globals) && digest_equal(has->options, recipe.options);
}

enum status run_append(struct journal *journal, int from, int to, int version, bool sync, struct err *err) {
    struct journal_recipe recipe = run_recipe(version);
    struct journal_batch batch = {.entries = 0};
    const struct journal_recipe *kept;
    enum status status = journal_recipe(journal, &recipe, &kept, err);
    if (status != STATUS_OK)
        return status;
    for (int i = from; i < to; i++) {
        char room[64];
        uint64_t fields[RUN_FIELDS];
        struct journal_entry entry = run_entry(i, version, room, fields);
        entry.recipe = kept;
        assert_true(journal_batch_add(&batch, journal, &entry, fields));
    }
    assert_int_equal(batch.entries, to - from);
    status = journal_append(journal, &batch, sync, err);
    assert_int_equal(batch.entries + batch.bytes.n, 0);
    journal_batch_release(&batch);
    return status;
}

void run_put(struct journal *journal, int from, int to, int version) {
    struct err err = {.text = ""};
    if (run_append(journal, from, to, version, false, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

int run_found(struct journal_reader *reader, int output, int versions) {
    char room[64];
    struct journal_entry entry;
    if (!journal_find(reader, run_path(output, room), &entry))
        return 0;
    for (int version = 1; version <= versions; version++)
        if (run_is_entry(&entry, output, version))
            return version;
    fail_msg("output %d has an entry that nobody wrote", output);
    return 0;
}

int run_count(struct journal *journal, int outputs, int versions) {
    struct journal_reader reader;
    int count = 0;
    journal_reader_init(&reader, journal);
    for (int i = 0; i < outputs; i++)
        count += run_found(&reader, i, versions) > 0;
    journal_reader_release(&reader);
    return count;
}
