// SPDX-License-Identifier: MIT
#include "cli/show.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/reason_text.h"
#include "pipeline/strategy/chooser_text.h"

static const double BAR_INTERVAL = 0.1, LINE_INTERVAL = 5.0;
enum { BAR_CELLS_LEAST = 6, BAR_CELLS = 24, KEY_BYTES = 200 };

// Numbers ---------------------------------------------------------------------------------------------------

void show_count(struct buf *out, uint64_t n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

static void show_number(struct buf *out, uint64_t n, const char *what) {
    show_count(out, n);
    buf_printf(out, " %s%s", what, n == 1 ? "" : "s");
}

void show_bytes(struct buf *out, uint64_t bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) {
        buf_printf(out, "%llu B", (unsigned long long)bytes);
        return;
    }
    double n = (double)bytes / 1000;
    size_t unit = 0;
    while (n >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        n /= 1000;
        unit++;
    }
    buf_printf(out, "%.1f %s", n, units[unit]);
}

void show_seconds(struct buf *out, double seconds) {
    if (seconds < 0.9995)
        buf_printf(out, "%.0f ms", seconds * 1000);
    else if (seconds < 120)
        buf_printf(out, "%.2f s", seconds);
    else
        buf_printf(out, "%.0f min %02d s", (double)(long)(seconds / 60), (int)seconds % 60);
}

void show_escaped(struct buf *out, struct str text) {
    struct arena arena;
    arena_init(&arena, 0);
    struct str shown = diag_escape(&arena, text);
    buf_add_str(out, shown.p ? shown : STR("?"));
    arena_release(&arena);
}

static void show_rate(struct buf *out, uint64_t n, double seconds) {
    show_count(out, seconds > 0 ? (uint64_t)((double)n / seconds) : 0);
    buf_add_text(out, " records/s");
}

// Progress --------------------------------------------------------------------------------------------------

static void write_err(struct buf *text) {
    if (text->n)
        fwrite(text->p, 1, text->n, stderr);
    fflush(stderr);
    buf_release(text);
}

static void write_figures(const struct run_progress *p, struct buf *out) {
    show_count(out, p->loaded);
    buf_add_text(out, " records, ");
    show_count(out, p->written);
    buf_add_text(out, " written, ");
    if (p->failed) {
        show_count(out, p->failed);
        buf_add_text(out, " failed, ");
    }
    show_rate(out, p->loaded, p->seconds);
    if (p->source_bytes_total && p->source_bytes && p->seconds > 0.5 &&
        p->source_bytes <= p->source_bytes_total) {
        double left = p->seconds * ((double)p->source_bytes_total / (double)p->source_bytes - 1);
        buf_printf(out, ", ETA %.0f s", left);
    }
}

static size_t terminal_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// One line that fits the terminal: the bar takes what the figures leave, and is left out where that is too little.
static void write_bar(const struct run_progress *p, struct buf *out) {
    struct buf figures = BUF_INIT;
    size_t columns = terminal_columns() - 1;
    write_figures(p, &figures);
    buf_add_text(out, "\r\033[K");
    size_t around = sizeof " 100 %  " - 1;
    size_t cells = columns > figures.n + around ? columns - figures.n - around : 0;
    cells = cells < BAR_CELLS ? cells : BAR_CELLS;
    if (p->source_bytes_total && cells >= BAR_CELLS_LEAST) {
        double part = (double)p->source_bytes / (double)p->source_bytes_total;
        part = part > 1 ? 1 : part;
        for (size_t i = 0; i < cells; i++)
            buf_add_text(out, i < (size_t)(part * (double)cells) ? "█" : "░");
        buf_printf(out, " %3.0f %%  ", part * 100);
    }
    buf_add_str(out, str_slice(buf_str(&figures), 0, columns));
    buf_release(&figures);
}

static void show_progress(void *self, const struct run_progress *progress) {
    struct show *show = self;
    pthread_mutex_lock(&show->lock);
    if (show->progress && progress->seconds >= show->next) {
        struct buf text = BUF_INIT;
        show->next = progress->seconds + (show->terminal ? BAR_INTERVAL : LINE_INTERVAL);
        if (show->terminal) {
            write_bar(progress, &text);
            show->bar_shown = true;
        } else {
            buf_add_text(&text, "pressrun: ");
            write_figures(progress, &text);
            buf_add_char(&text, '\n');
        }
        write_err(&text);
    }
    pthread_mutex_unlock(&show->lock);
}

static void clear_bar(struct show *show, struct buf *out) {
    if (show->bar_shown)
        buf_add_text(out, "\r\033[K");
    show->bar_shown = false;
}

static void write_key(struct str key, struct buf *out) {
    show_escaped(out, key.n > KEY_BYTES ? str_slice(key, 0, KEY_BYTES) : key);
    if (key.n > KEY_BYTES)
        buf_add_text(out, "...");
}

// Where a failure is inside a template, the record it happened for is worth a line of its own.
static void write_failure(const struct failure *failure, bool colour, struct buf *out) {
    diag_write(failure->detail, colour, out);
    if (!failure->job.p && failure->detail->line)
        return;
    buf_printf(out, "  record: %.*s", STR_ARG(failure->path));
    if (failure->line)
        buf_printf(out, ":%llu", (unsigned long long)failure->line);
    if (failure->key.p) {
        buf_add_text(out, ", key ");
        write_key(failure->key, out);
    }
    if (failure->job.p)
        buf_printf(out, ", job %.*s", STR_ARG(failure->job));
    buf_add_char(out, '\n');
}

// Whether the same fault was shown last: one mistake in a template fails many records.
static bool is_alike(struct show *show, const struct failure *failure) {
    const struct diag *d = failure->detail;
    char fault[sizeof show->last];
    snprintf(fault, sizeof fault, "%.*s:%u:%u:%.*s", STR_ARG(d->file), d->line, d->column,
             STR_ARG(d->message));
    bool alike = strcmp(fault, show->last) == 0;
    memcpy(show->last, fault, sizeof fault);
    show->alike = alike ? show->alike + 1 : 1;
    return alike;
}

static void write_folded(struct show *show, struct buf *out) {
    if (show->folded == 0)
        return;
    buf_add_text(out, "  and ");
    show_count(out, show->folded);
    buf_add_text(out, " more like it\n");
    show->folded = 0;
}

static void show_failure(void *self, const struct failure *failure) {
    struct show *show = self;
    struct buf text = BUF_INIT;
    pthread_mutex_lock(&show->lock);
    if (is_alike(show, failure) && show->alike > SHOW_ALIKE) {
        show->folded++;
    } else if (show->failures++ < SHOW_FAILURES) {
        clear_bar(show, &text);
        write_folded(show, &text);
        write_failure(failure, show->colour, &text);
    }
    if (text.n)
        write_err(&text);
    pthread_mutex_unlock(&show->lock);
}

static void show_warning(void *self, const char *sentence) {
    struct show *show = self;
    struct buf text = BUF_INIT;
    pthread_mutex_lock(&show->lock);
    clear_bar(show, &text);
    buf_add_text(&text, "pressrun: ");
    show_escaped(&text, str_of(sentence));
    buf_add_char(&text, '\n');
    write_err(&text);
    pthread_mutex_unlock(&show->lock);
}

static void show_note(void *self, const char *sentence) {
    const struct show *show = self;
    if (show->notes)
        show_warning(self, sentence);
}

void show_init(struct show *show, bool progress, bool notes, bool colour) {
    *show = (struct show){
        .progress = progress, .notes = notes, .colour = colour, .terminal = isatty(STDERR_FILENO)};
    show->next = show->terminal ? BAR_INTERVAL : LINE_INTERVAL;
    pthread_mutex_init(&show->lock, NULL);
}

void show_release(struct show *show) {
    pthread_mutex_destroy(&show->lock);
}

static void show_reason(void *self, const struct run_reason *reason) {
    const struct show *show = self;
    reason_lines_add(show->reasons, reason);
}

struct run_observer show_observer(struct show *show) {
    return (struct run_observer){.self = show,
                                 .failure = show_failure,
                                 .progress = show_progress,
                                 .note = show_note,
                                 .warning = show_warning,
                                 .reason = show->reasons ? show_reason : NULL};
}

void show_end(struct show *show, const struct run_report *report) {
    struct buf text = BUF_INIT;
    clear_bar(show, &text);
    write_folded(show, &text);
    if (show->failures > SHOW_FAILURES) {
        buf_add_text(&text, "pressrun: and ");
        show_count(&text, show->failures - SHOW_FAILURES);
        buf_add_text(&text, " more");
        if (report->errors_path[0])
            buf_printf(&text, ", all in %s", report->errors_path);
        buf_add_char(&text, '\n');
    }
    write_err(&text);
}

// Summary ---------------------------------------------------------------------------------------------------

static void write_headline(const struct manifest *manifest, const struct run_report *report,
                           const char *source, bool colour, struct buf *out) {
    bool good = report->counters.failed == 0 && report->jobs_failed == 0 && report->jobs_skipped == 0 &&
                report->cache.differing == 0;
    const char *word = report->interrupted ? "interrupted" : good ? "done" : "done, with failures";
    if (report->dry && !report->interrupted)
        word = good ? "tried" : "tried, with failures";
    buf_add_text(out, colour ? (good ? "\033[1;32m" : "\033[1;31m") : "");
    show_escaped(out, manifest->name);
    buf_printf(out, "%s%s%s in ", manifest->name.n ? ": " : "", word, colour ? "\033[0m" : "");
    show_seconds(out, report->seconds);
    size_t jobs = report->jobs_done + report->jobs_failed + report->jobs_skipped;
    buf_printf(out, " on %u worker%s (", report->workers, report->workers == 1 ? "" : "s");
    const char *strategy = report->strategy == &strategy_default ? NULL : report->strategy->name;
    buf_printf(out, "%s%s%s%s%s); ", source ? source : "", source && strategy ? ", " : "",
               strategy ? "strategy " : "", strategy ? strategy : "", report->automatic ? " by auto" : "");
    if (report->jobs_done < jobs)
        buf_printf(out, "%zu of ", report->jobs_done);
    buf_printf(out, "%zu job%s", jobs, jobs == 1 ? "" : "s");
    if (report->interrupted && report->jobs_done < jobs) {
        buf_printf(out, ", %zu not finished", jobs - report->jobs_done);
    } else {
        if (report->jobs_failed)
            buf_printf(out, ", %zu failed", report->jobs_failed);
        if (report->jobs_skipped)
            buf_printf(out, ", %zu skipped", report->jobs_skipped);
    }
    buf_add_char(out, '\n');
}

// Of a dry run.
static void write_wanted(const struct run_report *report, struct buf *out) {
    buf_add_text(out, "\n  to do     ");
    show_number(out, report->counters.would_render, "output");
    buf_add_text(out, " would be rendered");
    if (report->left) {
        buf_add_text(out, "\n  to prune  ");
        show_number(out, report->left, "output");
        buf_printf(out, " no longer belong%s", report->left == 1 ? "s" : "");
    }
    if (report->counters.failed) {
        buf_add_text(out, "\n  failed    ");
        show_count(out, report->counters.failed);
    }
    buf_add_char(out, '\n');
}

static void write_outputs(const struct run_report *report, struct buf *out) {
    const struct run_counters *c = &report->counters;
    buf_add_text(out, "  loaded    ");
    show_number(out, c->loaded, "record");
    if (c->source_bytes) { // databases do not count in bytes
        buf_add_text(out, ", ");
        show_bytes(out, c->source_bytes);
    }
    if (c->excluded) {
        buf_add_text(out, "; ");
        show_count(out, c->excluded);
        buf_add_text(out, " left out by `where`");
    }
    if (c->up_to_date) {
        buf_add_text(out, "\n  kept      ");
        show_number(out, c->up_to_date, "output");
        buf_add_text(out, ", up to date");
    }
    if (report->dry) {
        write_wanted(report, out);
        return;
    }
    buf_add_text(out, "\n  rendered  ");
    show_number(out, c->rendered, "output");
    buf_add_text(out, ", ");
    show_bytes(out, c->bytes);
    if (c->filtered) {
        buf_add_text(out, "\n  through   ");
        show_number(out, c->filtered, "filter");
        buf_add_text(out, " started, ");
        show_seconds(out, (double)c->filtering / 1e9);
        buf_add_text(out, " in all");
    }
    buf_add_text(out, "\n  written   ");
    show_count(out, c->written);
    buf_add_text(out, ", ");
    show_bytes(out, c->stored);
    if (c->unchanged) {
        buf_add_text(out, "; ");
        show_count(out, c->unchanged);
        buf_add_text(out, " unchanged");
    }
    if (report->pruned) {
        buf_add_text(out, "\n  removed   ");
        show_number(out, report->pruned, "output");
        buf_add_text(out, " that no longer belonged");
    }
    buf_add_text(out, "\n  failed    ");
    show_count(out, c->failed);
    if (c->failed && report->errors_path[0]) {
        buf_add_text(out, ", see ");
        show_escaped(out, str_of(report->errors_path));
    }
    buf_add_char(out, '\n');
}

// What is published without --prune has removed nothing.
static void write_review(const struct run_report *report, struct buf *out) {
    const struct run_review *review = &report->review;
    const struct staging_counts *c = &review->counts;
    buf_add_text(out, review->published ? "  published " : "  staged    ");
    show_count(out, c->added);
    buf_add_text(out, " added, ");
    show_count(out, c->changed);
    buf_add_text(out, " changed, ");
    show_count(out, review->published ? report->pruned : c->removed);
    buf_add_text(out, " removed");
    if (!review->published)
        buf_add_text(out, c->added + c->changed + c->removed ? "; \"pressrun diff\" shows them"
                                                             : ": nothing to look at");
    buf_add_char(out, '\n');
}

// Of a run whose number of workers changed, or that did not load for a while.
static void write_workers(const struct run_report *report, struct buf *out) {
    const struct run_govern_report *govern = &report->govern;
    if (!govern->changes && !govern->pauses)
        return;
    buf_printf(out, "  workers   %u", govern->least);
    if (govern->least < report->workers)
        buf_printf(out, " to %u", report->workers);
    if (govern->changes) {
        buf_add_text(out, ", ");
        show_number(out, govern->changes, "change");
        buf_printf(out, "%s%s", govern->cause ? ", at last because " : "",
                   govern->cause ? govern->cause : "");
    }
    if (govern->pauses) {
        buf_add_text(out, "; loading paused ");
        show_number(out, govern->pauses, "time");
        buf_add_text(out, ", memory was short");
    }
    buf_add_char(out, '\n');
}

static void write_work(const struct run_counters *c, struct buf *out) {
    buf_add_text(out, "  work      ");
    show_number(out, c->fields_parsed, "field");
    buf_add_text(out, " read, ");
    show_count(out, c->fields_skipped);
    buf_add_text(out, " skipped; ");
    show_number(out, c->opcodes, "opcode");
    buf_add_text(out, "; ");
    show_number(out, c->allocations, "allocation");
    buf_add_text(out, ", ");
    show_bytes(out, c->allocated_bytes);
    buf_add_char(out, '\n');
}

static void write_category(const struct run_cache_report *cache, enum cache_category category,
                           struct buf *out) {
    const struct cache_category_report *of = &cache->categories[category];
    buf_printf(out, "  cache     %s: ", cache_category_name(category));
    show_number(out, of->hits, "hit");
    const char *before = " (";
    for (unsigned i = 0; i < cache->tiers_n && category != CACHE_PROGRAM; i++) {
        if (!of->tier_hits[i])
            continue;
        buf_printf(out, "%s%s ", before, cache_tier_name(cache->kinds[i]));
        show_count(out, of->tier_hits[i]);
        before = ", ";
    }
    buf_add_text(out, before[0] == ',' ? "), " : ", ");
    show_count(out, of->misses);
    buf_printf(out, " miss%s", of->misses == 1 ? "" : "es");
    if (of->hit_bytes) {
        buf_add_text(out, "; ");
        show_bytes(out, of->hit_bytes);
        buf_add_text(out, " given");
    }
    if (of->put_bytes) {
        buf_add_text(out, "; ");
        show_bytes(out, of->put_bytes);
        buf_add_text(out, " kept");
    }
    for (unsigned i = 0; i < cache->tiers_n; i++)
        if (of->get_timed[i])
            buf_printf(out, "; %s %.1f us", cache_tier_name(cache->kinds[i]),
                       (double)of->get_time[i] / 1e3 / (double)of->get_timed[i]);
    buf_add_char(out, '\n');
}

// What was used of the cache; compiled templates are of interest where others were.
static void write_cache(const struct run_cache_report *cache, struct buf *out) {
    for (unsigned c = 0; cache->used && c < CACHE_CATEGORIES_N; c++)
        if (cache->categories[c].hits + cache->categories[c].misses)
            write_category(cache, (enum cache_category)c, out);
    for (unsigned i = 0; i < cache->tiers_n; i++) {
        const struct cache_stats *tier = &cache->tiers[i];
        if (!tier->damaged && !tier->failed)
            continue;
        buf_printf(out, "  cache     %s tier: ", cache_tier_name(cache->kinds[i]));
        show_count(out, tier->damaged);
        buf_add_text(out, " damaged, ");
        show_count(out, tier->failed);
        buf_add_text(out, " refused by the system\n");
    }
    if (!cache->audited)
        return;
    buf_add_text(out, "  audit     ");
    show_number(out, cache->audited, "hit");
    buf_add_text(out, " made again, ");
    show_count(out, cache->differing);
    buf_printf(out, " differ%s\n", cache->differing == 1 ? "s" : "");
}

// Of a run that found all as it was: how fast it did.
static void write_rates(const struct run_report *report, struct buf *out) {
    const struct run_counters *c = &report->counters;
    const double seconds = report->seconds;
    if (c->loaded == 0 && c->up_to_date > 0) {
        show_count(out, seconds > 0 ? (uint64_t)((double)c->up_to_date / seconds) : 0);
        buf_add_text(out, " outputs/s looked at");
        return;
    }
    show_rate(out, c->loaded, seconds);
    buf_add_text(out, ", ");
    show_bytes(out, seconds > 0 ? (uint64_t)((double)c->bytes / seconds) : 0);
    buf_add_text(out, "/s of output");
}

void show_summary(const struct manifest *manifest, const struct run_report *report,
                  const char *workers_source, bool colour, struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    write_headline(manifest, report, workers_source, colour, out);
    write_outputs(report, out);
    if (report->dry)
        return;
    if (report->review.staged)
        write_review(report, out);
    write_workers(report, out);
    write_cache(&report->cache, out);
    write_work(&report->counters, out);
    buf_add_text(out, "  stages    ");
    for (int stage = 0; stage < RUN_STAGES; stage++) {
        buf_printf(out, "%s%s ", stage ? ", " : "", run_stage_names[stage]);
        show_seconds(out, report->stage_seconds[stage]);
    }
    buf_add_text(out, "\n  rate      ");
    write_rates(report, out);
    buf_add_text(out, "\n  memory    ");
    show_bytes(out, report->peak_rss_bytes);
    buf_add_text(out, " at most\n");
    if (report->automatic) {
        const char *names[STRATEGIES_N];
        strategy_names(names);
        buf_add_text(out, "  strategy  ");
        chooser_write_line(&report->chooser, names, out);
    }
    buf_printf(out, "  digest    %s\n", digest);
}
