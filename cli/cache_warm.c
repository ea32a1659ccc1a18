// SPDX-License-Identifier: MIT
#include "cli/cache_warm.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/show.h"
#include "pipeline/run/run.h"
#include "scheduler/scheduler.h"

enum { DESCRIPTORS = 32 };

// Jobs ------------------------------------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place) {
    (void)st, (void)kind, (void)place;
    return remove(path);
}

static bool to_stdout(const struct manifest *manifest) {
    for (size_t j = 0; j < manifest->jobs_n; j++)
        if (str_is(manifest->jobs[j].to, "-"))
            return true;
    return false;
}

static void say_jobs(const struct cache_warming *warming, const struct cache_warmed *warmed) {
    struct buf text = BUF_INIT;
    if (warming->json) {
        buf_add_char(&text, '{');
        cache_warmed_json(warmed, &text);
        buf_add_text(&text, "}\n");
    } else if (!warming->cli->quiet) {
        cache_warmed_text(warmed, &text);
        buf_add_char(&text, '\n');
    }
    cli_print(buf_str(&text));
    buf_release(&text);
}

void cache_warmed_json(const struct cache_warmed *warmed, struct buf *out) {
    buf_printf(out, "\"kept\": %llu, \"kept_bytes\": %llu, \"there\": %llu, \"failed\": %llu",
               (unsigned long long)warmed->kept, (unsigned long long)warmed->bytes,
               (unsigned long long)warmed->there, (unsigned long long)warmed->failed);
}

void cache_warmed_text(const struct cache_warmed *warmed, struct buf *out) {
    show_count(out, warmed->kept);
    buf_add_text(out, " kept, ");
    show_bytes(out, warmed->bytes);
    buf_add_text(out, "; ");
    show_count(out, warmed->there);
    buf_add_text(out, " were there; ");
    show_count(out, warmed->failed);
    buf_add_text(out, " failed");
}

static void add_up(struct cache_warmed *warmed, const struct run_report *report) {
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        warmed->kept += report->cache.categories[c].puts;
        warmed->bytes += report->cache.categories[c].put_bytes;
    }
    warmed->there +=
        report->cache.categories[CACHE_RENDER].hits + report->cache.categories[CACHE_THROUGH].hits;
    warmed->failed += report->counters.failed;
}

// Into a directory of its own, which goes again.
static int run_into(const struct cache_warming *warming, const char *directory, struct cache_warmed *warmed) {
    struct cli *cli = warming->cli;
    struct interrupt interrupt;
    struct run_report report = {0};
    struct err err = {0};
    struct run_options options = {.fs = &cli->fs,
                                  .clock = cli->clock,
                                  .workers = workers_available().n,
                                  .output = directory,
                                  .remember = true,
                                  .max_failed = RUN_NO_BOUND,
                                  .selected = true,
                                  .cache = warming->wish};
    if (cli_now(cli, &options.now, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    struct buf kept = BUF_INIT; // where a run to the real output directory would keep them
    if (!options.cache.directory && !warming->manifest->cache.directory.p) {
        buf_printf(&kept, "%s/" CACHES_DIRECTORY, warming->output);
        options.cache.directory = buf_text(&kept);
    }
    options.cache.warm = true;
    struct plan *plan = plan_make(&cli->fs, warming->manifest, &cli->diags);
    int failed = interrupt_start(&interrupt, "finishing what is in flight", NULL, NULL);
    options.interrupt = failed ? NULL : &interrupt.raised;
    enum status status = STATUS_DATA;
    if (cli->diags.errors == 0)
        status = run_execute(plan, &options, &report, &cli->diags, &err);
    if (!failed)
        interrupt_stop(&interrupt);
    plan_free(plan);
    buf_release(&kept);
    cli_write_diags(cli);
    if (status != STATUS_OK)
        return cli->diags.errors ? EXIT_USAGE : cli_fail("%s", err.text);
    add_up(warmed, &report);
    return report.interrupted                                 ? EXIT_INTERRUPTED
           : report.counters.failed || report.cache.differing ? EXIT_FAILED_OUTPUTS
                                                              : EXIT_DONE;
}

int cache_warm_make(const struct cache_warming *warming, struct cache_warmed *warmed) {
    const char *parent = getenv("TMPDIR");
    char directory[4096];
    if (to_stdout(warming->manifest))
        return cli_fail("a job that writes to standard output cannot be made without writing");
    snprintf(directory, sizeof directory, "%s/pressrun-warm-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(directory))
        return cli_fail_os(errno, "cannot make a directory %s", directory);
    int code = run_into(warming, directory, warmed);
    if (nftw(directory, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0 && !warming->cli->quiet)
        cli_note("%s could not be removed", directory);
    return code;
}

int cache_warm_jobs(const struct cache_warming *warming, const struct str *names, size_t n) {
    struct err err;
    struct cache_warmed warmed = {0};
    if (!manifest_select(warming->manifest, names, n, &err))
        return cli_fail("%s", err.text);
    const int code = cache_warm_make(warming, &warmed);
    if (code != EXIT_USAGE)
        say_jobs(warming, &warmed);
    return code;
}

// The most used ---------------------------------------------------------------------------------------------

static void note(void *context, const char *sentence) {
    (void)context;
    cli_note("%s", sentence);
}

static void open_one(const struct cache_warming *warming, enum cache_tier_kind kind, int root,
                     struct caches *caches) {
    struct caches_wish wish = warming->wish;
    wish.tiers = 1u << kind;
    caches_open(&(struct caches_place){.fs = &warming->cli->fs,
                                       .clock = &warming->cli->clock,
                                       .manifest = warming->manifest,
                                       .wish = &wish,
                                       .root = root,
                                       .output = warming->output,
                                       .look = true,
                                       .note = note},
                caches);
}

int cache_warm_most_used(const struct cache_warming *warming, uint32_t most) {
    struct caches file, redis;
    struct buf text = BUF_INIT;
    uint64_t n = 0, bytes = 0, put = 0;
    struct fs *fs = &warming->cli->fs;
    int root = fs->open(fs->self, AT_FDCWD, warming->output, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    struct cache_books books;
    cache_books_init(&books);
    if (root >= 0)
        cache_books_read(&books, fs, root);
    open_one(warming, CACHE_PACKS, root, &file);
    open_one(warming, CACHE_REDIS, root, &redis);
    for (size_t i = 0; file.cache && i < books.used_n && i < most; i++) {
        struct cache_value *value = cache_get(file.cache, books.used[i].key, NULL);
        if (!value)
            continue;
        n++;
        bytes += value->n;
        if (redis.cache) {
            cache_put(redis.cache, books.used[i].key, value->tag, (struct str){value->bytes, value->n});
            put++;
        }
        cache_value_drop(value);
    }
    caches_close(&file, 0);
    caches_close(&redis, 0);
    cache_books_release(&books);
    if (root >= 0)
        fs->close(fs->self, root);
    if (warming->json) {
        buf_printf(&text, "{\"read\": %llu, \"read_bytes\": %llu, \"put_into_redis\": %llu}\n",
                   (unsigned long long)n, (unsigned long long)bytes, (unsigned long long)put);
    } else if (!warming->cli->quiet) {
        show_count(&text, n);
        buf_printf(&text, " entr%s read, ", n == 1 ? "y" : "ies");
        show_bytes(&text, bytes);
        buf_add_text(&text, "; ");
        show_count(&text, put);
        buf_add_text(&text, " put into redis\n");
    }
    cli_print(buf_str(&text));
    buf_release(&text);
    return EXIT_DONE;
}
