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
#include <sys/stat.h>

#include "cache/journal_format.h"

static const struct str names[RUN_FIELDS] = {{"title", 5}, {"users.tier", 10}, {"", 0}};

struct journal_options run_options(const struct fs *fs, int root, bool writable) {
    return (struct journal_options){.fs = fs, .root = root, .writable = writable, .salt = 0x5EED};
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

// The template's digest and the option's text differ from version to version.
#define TEXT(literal)                                                                                        \
    { (literal), sizeof(literal) - 1 }
#define PARTS(version)                                                                                       \
    {                                                                                                        \
        {TEXT("template page.j2"), {0xFEED, (version)}, {NULL, 0}},                                          \
            {TEXT("global site"), {1, 2}, TEXT("[1, 2]")}, {                                                 \
            TEXT("option undefined"), {3, 4}, TEXT(#version)                                                 \
        }                                                                                                    \
    }
static const struct journal_part parts[RUN_VERSIONS][RUN_PARTS] = {
    PARTS(1), PARTS(2), PARTS(3), PARTS(4), PARTS(5), PARTS(6), PARTS(7), PARTS(8), PARTS(9),
};

struct journal_recipe run_recipe(int version) {
    assert_in_range(version, 1, RUN_VERSIONS);
    return (struct journal_recipe){
        .job = STR("pages"),
        .parts = parts[version - 1],
        .parts_n = RUN_PARTS,
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
        .raw = run_raw(output, version),
        .record = digest_for(output, version, 12),
        .output = digest_for(output, version, 13),
        .size = (uint64_t)(1000 + output),
        .why = (uint32_t)(version * 0x01010101 + output),
        .inode = (uint64_t)output * 3 + 1,
        .mtime = -1000000007LL * version + output,
        .fields_n = RUN_FIELDS,
    };
}

bool run_is_recipe(const struct journal_recipe *has, int version) {
    struct journal_recipe want = run_recipe(version);
    bool same = str_equal(has->job, want.job) && has->parts_n == RUN_PARTS && has->fields_n == RUN_FIELDS;
    for (uint32_t i = 0; same && i < RUN_FIELDS; i++)
        same = str_equal(has->fields[i], names[i]);
    for (uint32_t i = 0; same && i < RUN_PARTS; i++)
        same = str_equal(has->parts[i].name, want.parts[i].name) &&
               digest_equal(has->parts[i].digest, want.parts[i].digest) &&
               str_equal(has->parts[i].text, want.parts[i].text);
    return same;
}

bool run_is_entry(const struct journal_entry *entry, int output, int version) {
    char room[64];
    uint64_t fields[RUN_FIELDS];
    struct journal_entry want = run_entry(output, version, room, fields);
    bool same = str_equal(entry->path, want.path) && digest_equal(entry->raw, want.raw) &&
                digest_equal(entry->record, want.record) && digest_equal(entry->output, want.output) &&
                entry->size == want.size && entry->why == want.why && entry->inode == want.inode &&
                entry->mtime == want.mtime && entry->fields_n == RUN_FIELDS;
    for (uint32_t i = 0; same && i < RUN_FIELDS; i++)
        same = journal_entry_field(entry, i) == fields[i];
    const struct journal_recipe *has = entry->recipe;
    if (!same || !has)
        return same;
    return run_is_recipe(has, version);
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

struct journal *run_reopen(struct scene *scene, struct journal *journal) {
    struct journal_found found;
    journal_close(journal);
    journal = run_open(&scene->fs, scene->root, true, &found);
    assert_int_equal(found.damaged + found.damaged_bytes + found.torn_bytes, 0);
    assert_false(found.set_aside);
    return journal;
}

void run_end(struct journal *journal, bool complete) {
    struct err err = {.text = ""};
    if (journal_end_run(journal, complete, 1, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

bool run_entry_of(struct journal_reader *reader, int output, struct journal_entry *entry) {
    char room[64];
    return journal_find(reader, run_path(output, room), entry);
}

const struct journal_recipe *run_kept(struct journal *journal, const struct journal_recipe *recipe) {
    const struct journal_recipe *kept;
    struct err err = {.text = ""};
    if (journal_recipe(journal, recipe, &kept, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return kept;
}

struct scene run_scene(void) {
    struct scene scene;
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, ".pressrun", 0777), 0);
    return scene;
}

uint64_t run_salt(const struct buf *file) {
    struct journal_header header = {0};
    if (file->n >= JOURNAL_HEADER)
        journal_decode_header((const unsigned char *)file->p, &header);
    return header.salt;
}

// A file of 12 outputs, some of them twice, one of which left.
struct buf run_sample(void) {
    struct scene scene;
    struct journal_found found;
    struct err err;
    struct journal_reader reader;
    scene_open(&scene);
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, RUN_SAMPLE, 1);
    assert_int_equal(journal_end_run(journal, true, 1, &err), STATUS_OK);
    run_put(journal, 4, 8, 2);
    journal_reader_init(&reader, journal);
    for (int i = 0; i < RUN_SAMPLE - 1; i++) {
        char room[64];
        struct journal_entry entry;
        assert_true(journal_find(&reader, run_path(i, room), &entry));
        journal_see(journal, entry.number);
    }
    journal_reader_release(&reader);
    assert_int_equal(journal_end_run(journal, true, 2, &err), STATUS_OK);
    assert_int_equal(journal_figures(journal).left, 1);
    journal_close(journal);
    struct buf file = get_file(&scene, JOURNAL_FILE);
    scene_close(&scene);
    return file;
}
