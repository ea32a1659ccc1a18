// SPDX-License-Identifier: MIT
#include "pipeline/run/retry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "pipeline/plan/plan_joins.h"
#include "pipeline/run/failures.h"
#include "pipeline/run/lock.h"

// What failed, as digests of (kind, job or source, key or number): few bytes for many failures.
enum { BY_KEY = 'k', BY_NUMBER = 'n', BY_SOURCE = 's', JOB = 'j', WHOLE = 'w', SOURCE = 'a' };

enum { LOCK_BYTES_MAX = 1 << 10 };

struct retry {
    struct digest *marks; // sorted when all are in
    size_t marks_n, marks_cap;
};

static struct digest mark(char kind, struct str owner, struct str what) {
    return digest_output((struct str){&kind, 1}, owner, what);
}

static struct str number_text(uint64_t number, char text[24]) {
    int n = snprintf(text, 24, "%llu", (unsigned long long)number);
    return (struct str){text, (size_t)n};
}

static void add(struct retry *retry, char kind, struct str owner, struct str what) {
    MEM_GROW(retry->marks, retry->marks_cap, retry->marks_n + 1);
    retry->marks[retry->marks_n++] = mark(kind, owner, what);
}

static int compare(const void *a, const void *b) {
    const struct digest *x = a, *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return x->low < y->low ? -1 : x->low > y->low;
}

static bool has(const struct retry *retry, char kind, struct str owner, struct str what) {
    struct digest wanted = mark(kind, owner, what);
    return retry->marks_n > 0 &&
           bsearch(&wanted, retry->marks, retry->marks_n, sizeof wanted, compare) != NULL;
}

// One line of the list.
static void take(void *self, const struct map *line, struct str text_of_line) {
    struct retry *retry = self;
    struct value source = map_get(line, STR("source")), job = map_get(line, STR("job")),
                 record = map_get(line, STR("record")), key = map_get(line, STR("key"));
    (void)text_of_line;
    char text[24];
    struct str number = number_text(record.tag == VALUE_INT ? (uint64_t)record.i : 0, text);
    if (!value_is_string(job)) {
        if (!value_is_string(source))
            return;
        add(retry, SOURCE, value_str(source), STR(""));
        add(retry, BY_SOURCE, value_str(source), number);
        return;
    }
    add(retry, JOB, value_str(job), STR(""));
    if (record.tag != VALUE_INT) { // a group, or all of the job
        add(retry, WHOLE, value_str(job), STR(""));
        return;
    }
    add(retry, BY_NUMBER, value_str(job), number);
    if (value_is_string(key))
        add(retry, BY_KEY, value_str(job), value_str(key));
}

// What a run that was killed could not do, and what one at work has still to do, is not in the list.
static enum status check_ended(const struct fs *fs, const char *output, struct err *err) {
    char path[4096], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", output, LOCK_FILE);
    enum status status = fs_read_file(fs, path, LOCK_BYTES_MAX, &text, &n, err);
    if (status != STATUS_OK)
        return err->os == ENOENT ? STATUS_OK : status;
    mem_free(text);
    return n == 0 ? STATUS_OK
                  : err_set(err, STATUS_CONFLICT,
                            "the last run to %s was killed, could not write down what failed, or is still at "
                            "work; so "
                            "what is left to do is not known: run it without --only-failed",
                            output);
}

enum status retry_read(const struct fs *fs, const char *output, struct retry **out, struct err *err) {
    struct retry *retry = MEM_NEW(struct retry);
    *out = NULL;
    enum status status = check_ended(fs, output, err);
    if (status == STATUS_OK)
        status = failures_read(fs, output, take, retry, err);
    if (status != STATUS_OK || retry->marks_n == 0) {
        retry_free(retry);
        return status;
    }
    qsort(retry->marks, retry->marks_n, sizeof *retry->marks, compare);
    *out = retry;
    return STATUS_OK;
}

void retry_free(struct retry *retry) {
    if (!retry)
        return;
    mem_free(retry->marks);
    mem_free(retry);
}

// Whose records lack what is bad of another source is not known.
static bool joins_failed(const struct retry *retry, const struct manifest *m,
                         const struct manifest_job *job) {
    for (size_t s = 0; s < m->sources_n; s++)
        if (has(retry, SOURCE, m->sources[s].name, STR("")) && plan_may_join(m, job->source, s))
            return true;
    return false;
}

void retry_select(const struct retry *retry, struct manifest *m) {
    struct str *names = MEM_NEW_ARRAY(struct str, m->jobs_n + 1);
    size_t n = 0;
    for (size_t j = 0; j < m->jobs_n; j++) {
        const struct manifest_job *job = &m->jobs[j];
        if (has(retry, JOB, job->name, STR("")) ||
            has(retry, SOURCE, m->sources[job->source].name, STR("")) || joins_failed(retry, m, job))
            names[n++] = job->name;
    }
    struct err err;
    manifest_select(m, names, n, &err); // all names are the manifest's own
    mem_free(names);
}

bool retry_is_whole(const struct retry *retry, const struct manifest *m, const struct manifest_job *job) {
    return has(retry, WHOLE, job->name, STR("")) || joins_failed(retry, m, job);
}

bool retry_wants(const struct retry *retry, const struct manifest *m, const struct manifest_job *job,
                 struct str key, uint64_t number) {
    char text[24];
    struct str shown = number_text(number, text);
    if (has(retry, BY_SOURCE, m->sources[job->source].name, shown))
        return true;
    return key.p ? has(retry, BY_KEY, job->name, key) : has(retry, BY_NUMBER, job->name, shown);
}
