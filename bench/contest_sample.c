// SPDX-License-Identifier: MIT
#include "bench/contest_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/work.h"

enum { BOOKS_MOST = 16 << 20 };

const char *const contest_rates[CONTEST_RATES] = {"source",  "schema", "types",  "relations",
                                                  "program", "render", "through"};

static uint64_t count_in(const json_t *object, const char *key) {
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n > 0 ? (uint64_t)n : 0;
}

// The mean time of a hit, over the tiers that had any.
static double get_seconds(const json_t *category) {
    const char *name;
    json_t *tier;
    double sum = 0, hits = 0;
    json_object_foreach(json_object_get(category, "tiers"), name, tier) {
        double seconds = json_number_value(json_object_get(tier, "get_seconds"));
        double n = (double)count_in(tier, "hits");
        sum += seconds > 0 ? seconds * n : 0;
        hits += seconds > 0 ? n : 0;
    }
    return hits > 0 ? sum / hits : 0;
}

static void read_rates(const json_t *cache, struct contest_sample *sample) {
    for (int i = 0; i < CONTEST_RATES; i++) {
        const json_t *category = json_object_get(cache, contest_rates[i]);
        sample->rates[i] = (struct contest_rate){.hits = count_in(category, "hits"),
                                                 .misses = count_in(category, "misses"),
                                                 .get_seconds = get_seconds(category)};
    }
}

bool contest_read(struct str printed, struct contest_sample *sample, struct contest_made *made) {
    json_t *report = work_report(printed), *stage;
    const json_t *stages = json_object_get(report, "stage_seconds");
    const char *hex = json_string_value(json_object_get(report, "digest")), *name;
    bool found = hex && digest_parse(str_of(hex), &made->digest);
    made->failed = count_in(report, "failed");
    made->outputs = count_in(report, "rendered") + count_in(report, "up_to_date");
    sample->workers = (uint32_t)count_in(report, "workers");
    sample->seconds = json_number_value(json_object_get(report, "seconds"));
    sample->rendered = count_in(report, "rendered");
    sample->render_seconds = json_number_value(json_object_get(stages, "render"));
    json_object_foreach((json_t *)stages, name, stage) sample->busy_seconds += json_number_value(stage);
    read_rates(json_object_get(report, "cache"), sample);
    json_decref(report);
    return found;
}

// Makes the directory that the file is in.
static int make_parent(const struct fs *fs, const char *path) {
    struct buf parent = BUF_INIT;
    const char *slash = strrchr(path, '/');
    buf_add(&parent, path, (size_t)(slash - path));
    int made = fs_make_dirs(fs, AT_FDCWD, buf_text(&parent), 0777);
    buf_release(&parent);
    return made;
}

enum status contest_books_copy(const struct fs *fs, const char *from, const char *to, struct err *err) {
    char *text;
    size_t size;
    struct err unreadable; // then there are none
    if (fs_read_file(fs, from, BOOKS_MOST, &text, &size, &unreadable) != STATUS_OK)
        return STATUS_OK;
    int made = make_parent(fs, to);
    int fd =
        made < 0 ? made : fs->open(fs->self, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    enum status status =
        fd < 0 ? err_os(err, -fd, "cannot write %s", to) : fs_write_all(fs, fd, text, size, err);
    if (fd >= 0)
        fs->close(fs->self, fd);
    mem_free(text);
    return status;
}
