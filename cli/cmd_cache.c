// SPDX-License-Identifier: MIT
// pressrun cache: what is kept, and dropping, cleaning, checking it.
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "cli/cache_made.h"
#include "cli/cache_place.h"
#include "cli/cache_select.h"
#include "cli/cache_warm.h"
#include "cli/command.h"
#include "cli/history_place.h"
#include "monitor/uses.h"

enum { GC_SLICE = 16 << 20 };

static const struct option_spec cache_options[] = {
    OPTIONS_MANIFEST,
    {"output", 'o', "DIR", "the output directory, where it is not the manifest's"},
    {"template", 't', "NAME", "invalidate: what was made with this template, or with one that includes it"},
    {"category", 'c', "CATEGORY", "clear, invalidate: only of this category"},
    {"older-than", 0, "AGE", "invalidate: what was kept that long ago, such as 2h or 7d"},
    {"key", 0, "HEX", "invalidate: the entry of this key"},
    {"record", 0, "JSON", "invalidate: what --template made of exactly this record (category render)"},
    {"define", 'D', "NAME=TEXT", "invalidate: with a global as it was set for the run; with --record"},
    {"dry-run", 'n', NULL, "clear, invalidate, gc: say what would go, and let it be"},
    {"most-used", 0, "N", "warm: the N entries that runs used most, at most 500"},
    {"templates", 0, "N", "warm: jobs of the N templates that runs used most, one after the other"},
    {"history", 0, "DIR", "warm --templates: where the history is (PRESSRUN_HISTORY)"},
    {"job", 0, "JOB", "warm: all of this job, without publishing anything; may be repeated"},
    {"repair", 0, NULL, "verify: write damaged segments anew, without the damage"},
    {"json", 0, NULL, "as JSON"},
    OPTIONS_COMMON,
    {0},
};

// What a subcommand works on.
struct work {
    struct cli *cli;
    const struct options *options;
    struct manifest *manifest;
    struct caches_wish wish;
    struct buf shown; // the file tier's directory
    int root;         // the output directory; -1: there is none
    struct caches caches;
    bool dry_run, json;
};

static void print(struct buf *text) {
    cli_print(buf_str(text));
    buf_release(text);
}

static int64_t now(const struct work *work) {
    return work->cli->clock.wall(work->cli->clock.self);
}

static void say_sum(const struct work *work, const struct cache_sum *sum) {
    struct buf text = BUF_INIT;
    if (work->json) {
        cache_text_sum_json(sum, work->dry_run, &text);
    } else if (!work->cli->quiet) {
        buf_add_text(&text, work->dry_run ? "would drop " : "dropped ");
        cache_text_sum(sum, &text);
        buf_add_char(&text, '\n');
    }
    print(&text);
}

// Commands --------------------------------------------------------------------------------------------------

static int run_stats(struct work *work) {
    struct cache_books books;
    struct cache_figures figures = {.directory = buf_str(&work->shown), .books = &books};
    cache_books_init(&books);
    if (work->root >= 0)
        cache_books_read(&books, &work->cli->fs, work->root);
    figures.has_tier = work->caches.packs != NULL;
    for (unsigned i = 0; work->caches.cache && i < cache_tiers(work->caches.cache); i++)
        cache_tier_stats(work->caches.cache, i, &figures.tier); // the only one, where there is one
    struct buf text = BUF_INIT;
    if (work->json)
        cache_text_stats_json(&figures, &text);
    else
        cache_text_stats(&figures, &text);
    print(&text);
    cache_books_release(&books);
    return EXIT_DONE;
}

static void note(void *context, const char *sentence) {
    (void)context;
    cli_note("%s", sentence);
}

static void open_tier(struct work *work) {
    caches_open(&(struct caches_place){.fs = &work->cli->fs,
                                       .clock = &work->cli->clock,
                                       .manifest = work->manifest,
                                       .wish = &work->wish,
                                       .root = work->root,
                                       .output = options_get(work->options, "output"),
                                       .look = true,
                                       .note = note},
                &work->caches);
}

// Gives back the room at once, as far as no other process is at it. The segment that was appended to here is given up
// first, so that it is one like any other.
static void reclaim(struct work *work) {
    caches_close(&work->caches, 0);
    open_tier(work);
    while (work->caches.packs && packs_gc(work->caches.packs, GC_SLICE))
        continue;
    if (work->caches.cache)
        cache_flush(work->caches.cache);
}

// Looks whether what was selected is gone: a tier fails nobody, also where it may not be written to. What others have made
// since does not count.
static int end_drop(struct work *work, const struct cache_filter *filter, struct cache_selection *s) {
    struct cache_filter older = *filter;
    struct cache_selection left = {0};
    older.before = older.before < s->at ? older.before : s->at;
    mem_free(s->keys);
    if (!work->dry_run)
        cache_select(&older, work->caches.packs, now(work), &left);
    mem_free(left.keys);
    if (left.n)
        return cli_fail("not all could be dropped from %s: it cannot be written to", buf_text(&work->shown));
    say_sum(work, &s->sum);
    return EXIT_DONE;
}

static int run_clear(struct work *work) {
    struct cache_filter filter = {.before = INT64_MAX};
    struct cache_selection s;
    struct err err;
    if (!cache_filter_category(&filter, work->options, &err))
        return cli_fail("%s", err.text);
    cache_select(&filter, work->caches.packs, now(work), &s);
    if (!work->dry_run && work->caches.packs) {
        for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
            if (!filter.category_given || filter.category == c)
                cache_clear(work->caches.cache, (enum cache_category)c);
        reclaim(work);
    }
    return end_drop(work, &filter, &s);
}

static int run_invalidate(struct work *work) {
    struct cache_filter filter = {0};
    struct cache_selection s;
    if (!cache_filter_read(&filter, work->cli, work->manifest, work->options))
        return EXIT_USAGE;
    cache_select(&filter, work->caches.packs, now(work), &s);
    for (size_t i = 0; !work->dry_run && i < s.n; i++)
        cache_invalidate(work->caches.cache, s.keys[i]);
    if (!work->dry_run && s.n) {
        caches_close(&work->caches, 0);
        open_tier(work);
    }
    return end_drop(work, &filter, &s);
}

static struct cache_stats tier_stats(const struct work *work) {
    struct cache_stats stats = {0};
    for (unsigned i = 0; work->caches.cache && i < cache_tiers(work->caches.cache); i++)
        cache_tier_stats(work->caches.cache, i, &stats);
    return stats;
}

static int run_gc(struct work *work) {
    struct cache_stats before = tier_stats(work), after = before;
    uint64_t out_of_use = cache_unused_bytes(&before);
    uint64_t over = before.bytes > before.cap ? before.bytes - before.cap : 0;
    if (!work->dry_run && work->caches.packs) {
        reclaim(work);
        after = tier_stats(work);
    }
    struct buf text = BUF_INIT;
    if (work->json)
        buf_printf(&text,
                   "{\"dry_run\": %s, \"bytes_before\": %llu, \"bytes_after\": %llu, \"unused_bytes\": %llu, "
                   "\"over_cap_bytes\": %llu, \"entries_before\": %llu, \"entries_after\": %llu}\n",
                   work->dry_run ? "true" : "false", (unsigned long long)before.bytes,
                   (unsigned long long)after.bytes, (unsigned long long)out_of_use, (unsigned long long)over,
                   (unsigned long long)before.entries, (unsigned long long)after.entries);
    else if (!work->cli->quiet)
        cache_text_gc(&before, work->dry_run ? NULL : &after, &text);
    print(&text);
    return EXIT_DONE;
}

static int run_verify(struct work *work) {
    const bool repair = options_has(work->options, "repair");
    struct packs_verified found = {0};
    if (work->caches.packs)
        found = packs_verify(work->caches.packs, repair);
    if (work->caches.cache)
        cache_flush(work->caches.cache);
    found.damaged = tier_stats(work).damaged; // with what was found when the tier was opened
    struct buf text = BUF_INIT;
    if (work->json)
        buf_printf(
            &text,
            "{\"entries\": %llu, \"bytes\": %llu, \"damaged\": %llu, \"repaired\": %s, \"kept\": %llu}\n",
            (unsigned long long)found.entries, (unsigned long long)found.bytes,
            (unsigned long long)found.damaged, repair && !found.kept ? "true" : "false",
            (unsigned long long)found.kept);
    else if (!work->cli->quiet)
        cache_text_verified(&found, repair, &text);
    print(&text);
    return found.damaged && (!repair || found.kept) ? EXIT_FAILED_OUTPUTS : EXIT_DONE;
}

static int warm(const struct work *work, const struct cache_warming *warming) {
    const char *most = options_get(work->options, "most-used"),
               *templates = options_get(work->options, "templates"), *const * jobs;
    struct str names[OPTION_REPEATS];
    const size_t n = options_all(work->options, "job", &jobs);
    uint32_t number = 0;
    struct err err;
    if ((most != NULL) + (templates != NULL) + (n > 0) != 1)
        return cli_fail("say what: --most-used N, --templates N or --job JOB");
    if (most && options_number("--most-used", most, 1, CACHE_BOOKS_USES, &number, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (templates && options_number("--templates", templates, 1, USES_KEPT, &number, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (options_has(work->options, "history") && !templates)
        return cli_fail("--history goes with --templates");
    if (!warming->manifest->sound) {
        cli_write_diags(work->cli);
        return EXIT_USAGE;
    }
    if (!cache_made_define(work->cli, warming->manifest, work->options))
        return EXIT_USAGE;
    for (size_t i = 0; i < n; i++)
        names[i] = str_of(jobs[i]);
    if (templates) {
        const char *history = history_given(&work->cli->arena, work->options);
        if (!history)
            history = history_of_manifest(&work->cli->arena, warming->manifest, warming->output);
        return cache_warm_templates(warming, history, number);
    }
    return most ? cache_warm_most_used(warming, number) : cache_warm_jobs(warming, names, n);
}

// With the tiers of the manifest; the file tier, which is open, would be another one beside that.
static int run_warm(struct work *work) {
    const char *output = options_get(work->options, "output");
    caches_close(&work->caches, 0);
    struct cache_warming warming = {.cli = work->cli,
                                    .manifest = work->manifest,
                                    .wish = work->wish,
                                    .output = output ? output : work->manifest->output.p,
                                    .json = work->json};
    warming.wish.tiers = warming.wish.read_only = 0;
    return warm(work, &warming);
}

static const struct subcommand {
    const char *name;
    int (*run)(struct work *work);
    bool writes;
    const char *options; // of its own, space before each
} subcommands[] = {
    {"stats", run_stats, false, ""},
    {"clear", run_clear, true, " category dry-run"},
    {"invalidate", run_invalidate, true, " template category older-than key record define dry-run"},
    {"gc", run_gc, true, " dry-run"},
    {"verify", run_verify, true, " repair"},
    {"warm", run_warm, false, " most-used templates history job define"},
};

// The work --------------------------------------------------------------------------------------------------

static bool open_work(struct work *work, bool writes) {
    struct cli *cli = work->cli;
    struct err err;
    const char *output = options_get(work->options, "output");
    if (cache_wish(NULL, &work->wish, &err) != STATUS_OK) {
        cli_fail("%s", err.text);
        return false;
    }
    work->wish.off = false;
    work->wish.tiers = 1u << CACHE_PACKS;
    work->wish.read_only = writes && !work->dry_run ? 0 : 1u << CACHE_PACKS;
    work->manifest = cli_open_manifest(cli, work->options);
    if (!work->manifest)
        return false;
    if (!work->manifest->output.p) {
        cli_write_diags(cli);
        return false;
    }
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) // whatever a run would keep there
        work->manifest->cache.categories[c].tiers |= 1u << CACHE_PACKS;
    if (!work->manifest->cache.file)
        work->manifest->cache.file = PACKS_CAP;
    work->root = cli->fs.open(cli->fs.self, AT_FDCWD, output ? output : work->manifest->output.p,
                              O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    caches_shown(work->manifest, &work->wish, output, &work->shown);
    open_tier(work);
    return true;
}

static void close_work(struct work *work) {
    caches_close(&work->caches, 0);
    if (work->root >= 0)
        work->cli->fs.close(work->cli->fs.self, work->root);
    if (work->manifest)
        manifest_free(work->manifest);
    buf_release(&work->shown);
}

static const struct subcommand *find_subcommand(const char *name) {
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

// An option that another subcommand has; NULL: all is well.
static const char *foreign_option(const struct options *options, const struct subcommand *subcommand) {
    static const char *const own[] = {"template", "category", "older-than", "key", "record",    "define",
                                      "dry-run",  "repair",   "most-used",  "job", "templates", "history"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char word[24];
        snprintf(word, sizeof word, " %s", own[i]);
        if (options_has(options, own[i]) && !strstr(subcommand->options, word))
            return own[i];
    }
    return NULL;
}

static int run_cache(struct cli *cli, const struct options *options) {
    if (options->arguments_n != 1)
        return cli_argument_error(&command_cache,
                                  options->arguments_n ? "one subcommand at a time" : "which subcommand?");
    const struct subcommand *subcommand = find_subcommand(options->arguments[0]);
    if (!subcommand)
        return cli_argument_error(&command_cache, "unknown subcommand \"%s\"", options->arguments[0]);
    const char *foreign = foreign_option(options, subcommand);
    if (foreign)
        return cli_argument_error(&command_cache, "--%s is not for \"cache %s\"", foreign, subcommand->name);
    struct work work = {.cli = cli,
                        .options = options,
                        .root = -1,
                        .caches = {.directory = -1},
                        .dry_run = options_has(options, "dry-run"),
                        .json = options_has(options, "json")};
    int code = open_work(&work, subcommand->writes) ? subcommand->run(&work) : EXIT_USAGE;
    close_work(&work);
    return code;
}

const struct command command_cache = {
    .name = "cache",
    .arguments = "stats | clear | invalidate | gc | verify | warm",
    .summary = "what runs keep to save work: show, drop, clean and check it",
    .details =
        "stats       what is kept per category, how often it was found, and where keeping pays\n"
        "clear       drops everything, or a category\n"
        "invalidate  drops what all of these are true of: --template, --category, --older-than, --key\n"
        "gc          gives back the room of what was dropped, and keeps to the bound\n"
        "verify      reads every entry and compares its checksum; --repair drops the damage\n"
        "warm        makes all of a --job, or of the jobs whose --templates were used most, and keeps what "
        "is "
        "dear,\n"
        "            publishing nothing; or reads what was used most (--most-used), and puts it into redis "
        "where\n"
        "            there is one\n"
        "\n"
        "All of it works while runs are at work on the same cache. The cache is where the manifest says, or "
        "in\n"
        ".pressrun/cache in the output directory; PRESSRUN_CACHE_DIR names another place.\n"
        "\n"
        "Exit codes: 0 done; 1 verify found damage that is still there; 2 usage, manifest or environment.\n",
    .options = cache_options,
    .run = run_cache,
};
