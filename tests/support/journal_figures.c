// SPDX-License-Identifier: MIT
// journal_figures [OUTPUTS [DIRECTORY]]: what a journal of so many outputs (100,000) with five fields each takes, in
// bytes and time. Prints; holds nothing to a bound.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cache/journal.h"

enum { FIELDS = 5, BATCH = 64 };

struct figures {
    struct fs fs;
    int root, outputs;
    double path_bytes;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct str path_of(int i, char room[64]) {
    int n = snprintf(room, 64, "articles/%03d/article-%07d.html", i % 1000, i);
    return (struct str){room, (size_t)n};
}

static struct digest digest_for(int i, int what) {
    return digest_of((struct str){(const char *)(int[2]){i, what}, 8});
}

static struct journal *open_it(const struct figures *f) {
    struct journal *journal;
    struct journal_found found;
    struct err err;
    struct journal_options options = {.fs = &f->fs, .root = f->root, .writable = true, .salt = 1};
    if (journal_open(options, &journal, &found, &err) == STATUS_OK)
        return journal;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static double append_all(struct figures *f, struct journal *journal) {
    static const struct str names[FIELDS] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
    struct journal_recipe recipe = {.job = STR("pages"), .fields = names, .fields_n = FIELDS};
    const struct journal_recipe *kept;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    double from = now();
    if (journal_recipe(journal, &recipe, &kept, &err) != STATUS_OK)
        exit(1);
    for (int i = 0; i < f->outputs; i++) {
        char room[64];
        uint64_t fields[FIELDS] = {(uint64_t)i, 1, 2, 3, 4};
        struct journal_entry entry = {
            .path = path_of(i, room), .recipe = kept, .raw = digest_for(i, 1), .fields_n = FIELDS};
        f->path_bytes += (double)entry.path.n;
        journal_batch_add(&batch, journal, &entry, fields);
        if ((batch.entries == BATCH || i + 1 == f->outputs) &&
            journal_append(journal, &batch, false, &err) != STATUS_OK)
            exit(1);
    }
    journal_batch_release(&batch);
    return now() - from;
}

// step: 1 goes along the file; a number that has no factor with the outputs jumps about in it.
static double find_all(const struct figures *f, struct journal *journal, int step, bool raw,
                       uint64_t *reads) {
    struct journal_reader reader;
    struct journal_entry entry;
    int missed = 0;
    journal_reader_init(&reader, journal);
    double from = now();
    for (int i = 0; i < f->outputs; i++) {
        char room[64];
        int output = (int)((int64_t)i * step % f->outputs);
        bool found = raw ? journal_find_raw(&reader, STR("pages"), digest_for(output, 1), &entry)
                         : journal_find(&reader, path_of(output, room), &entry);
        missed += !found;
        if (found)
            journal_see(journal, entry.number);
    }
    double took = now() - from;
    *reads = reader.reads;
    journal_reader_release(&reader);
    if (missed > 0)
        exit(1);
    return took;
}

static bool count(void *context, const struct journal_entry *entry) {
    *(uint64_t *)context += entry->fields_n;
    return true;
}

static double walk(const struct figures *f, struct journal *journal, uint64_t *reads) {
    struct journal_reader reader;
    uint64_t fields = 0;
    journal_reader_init(&reader, journal);
    double from = now();
    journal_each(&reader, count, &fields);
    double took = now() - from;
    *reads = reader.reads;
    journal_reader_release(&reader);
    if (fields != (uint64_t)f->outputs * FIELDS)
        exit(1);
    return took;
}

static double making_names(const struct figures *f) { // what of the above is not the journal's
    char room[64];
    double from = now();
    uint64_t sum = 0;
    for (int i = 0; i < f->outputs; i++)
        sum += path_of(i, room).n;
    return sum ? now() - from : 0;
}

static void print(const struct figures *f, const char *what, double ns) {
    printf("  %-28s %9.1f ms %8.0f ns an output\n", what, ns / 1e6, ns / f->outputs);
}

int main(int argc, char **argv) {
    struct figures f = {.fs = fs_system(), .outputs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100000};
    char made[] = "/dev/shm/journal-figures-XXXXXX";
    const char *directory = argc > 2 ? argv[2] : mkdtemp(made);
    f.root = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (f.root < 0 || f.outputs < 1)
        return 1;
    struct journal *journal = open_it(&f);
    struct err err;
    uint64_t reads;
    double append = append_all(&f, journal), names = making_names(&f);
    journal_close(journal);
    double from = now();
    journal = open_it(&f);
    double opened = now() - from;
    struct journal_figures g = journal_figures(journal);
    printf("%d outputs with %d fields: %.1f bytes an output, %.1f without its path and fields; index %.1f\n",
           f.outputs, FIELDS, (double)g.bytes / f.outputs,
           ((double)g.bytes - f.path_bytes) / f.outputs - 8 * FIELDS, (double)g.index_bytes / f.outputs);
    print(&f, "append, batches of 64", append - names);
    print(&f, "open", opened);
    print(&f, "find by path, in order", find_all(&f, journal, 1, false, &reads) - names);
    printf("    %llu reads\n", (unsigned long long)reads);
    print(&f, "all of a job", walk(&f, journal, &reads));
    print(&f, "find by raw record, in order", find_all(&f, journal, 1, true, &reads));
    print(&f, "find by path, anywhere", find_all(&f, journal, 7368787, false, &reads) - names);
    from = now();
    if (journal_end_run(journal, true, 0, &err) != STATUS_OK)
        return 1;
    print(&f, "end of the run", now() - from);
    from = now();
    if (journal_compact(journal, &err) != STATUS_OK)
        return 1;
    print(&f, "compaction, opened anew", now() - from);
    journal_close(journal);
    unlinkat(f.root, JOURNAL_FILE, 0);
    unlinkat(f.root, ".pressrun", AT_REMOVEDIR);
    close(f.root);
    if (argc <= 2)
        rmdir(directory);
    return 0;
}
