// SPDX-License-Identifier: MIT
#include "cli/summary.h"

#include "cli/show.h"
#include "monitor/alerts.h"
#include "pipeline/strategy/chooser_text.h"

static void write_number(struct buf *out, uint64_t n, const char *what) {
    show_count(out, n);
    buf_printf(out, " %s%s", what, n == 1 ? "" : "s");
}

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
    write_number(out, report->counters.would_render, "output");
    buf_add_text(out, " would be rendered");
    if (report->left) {
        buf_add_text(out, "\n  to prune  ");
        write_number(out, report->left, "output");
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
    write_number(out, c->loaded, "record");
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
        write_number(out, c->up_to_date, "output");
        buf_add_text(out, ", up to date");
    }
    if (report->dry) {
        write_wanted(report, out);
        return;
    }
    buf_add_text(out, "\n  rendered  ");
    write_number(out, c->rendered, "output");
    buf_add_text(out, ", ");
    show_bytes(out, c->bytes);
    if (c->filtered) {
        buf_add_text(out, "\n  through   ");
        write_number(out, c->filtered, "filter");
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
        write_number(out, report->pruned, "output");
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
        write_number(out, govern->changes, "change");
        buf_printf(out, "%s%s", govern->cause ? ", at last because " : "",
                   govern->cause ? govern->cause : "");
    }
    if (govern->pauses) {
        buf_add_text(out, "; loading paused ");
        write_number(out, govern->pauses, "time");
        buf_add_text(out, ", memory was short");
    }
    buf_add_char(out, '\n');
}

static void write_work(const struct run_counters *c, struct buf *out) {
    buf_add_text(out, "  work      ");
    write_number(out, c->fields_parsed, "field");
    buf_add_text(out, " read, ");
    show_count(out, c->fields_skipped);
    buf_add_text(out, " skipped; ");
    write_number(out, c->opcodes, "opcode");
    buf_add_text(out, "; ");
    write_number(out, c->allocations, "allocation");
    buf_add_text(out, ", ");
    show_bytes(out, c->allocated_bytes);
    buf_add_char(out, '\n');
}

static void write_category(const struct run_cache_report *cache, enum cache_category category,
                           struct buf *out) {
    const struct cache_category_report *of = &cache->categories[category];
    buf_printf(out, "  cache     %s: ", cache_category_name(category));
    write_number(out, of->hits, "hit");
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
    write_number(out, cache->audited, "hit");
    buf_add_text(out, " made again, ");
    show_count(out, cache->differing);
    buf_printf(out, " differ%s\n", cache->differing == 1 ? "s" : "");
}

// Of databases that several connections read, or that were waited for.
static void write_databases(const struct run_report *report, struct buf *out) {
    for (size_t i = 0; i < report->databases_n; i++) {
        const struct run_database_report *database = &report->databases[i];
        if (database->opened == 1 && !database->waited)
            continue;
        buf_printf(out, "  database  %.*s: ", STR_ARG(database->name));
        write_number(out, database->opened, "connection");
        if (database->ranges) {
            buf_add_text(out, ", ");
            write_number(out, database->ranges, "range");
        }
        if (database->failed) {
            buf_add_text(out, ", ");
            show_count(out, database->failed);
            buf_add_text(out, " failed");
        }
        if (database->waited) {
            buf_add_text(out, ", waited for ");
            show_seconds(out, database->waited_seconds);
        }
        buf_add_char(out, '\n');
    }
}

static void write_alerts(const struct alerts *alerts, struct buf *out) {
    size_t fired = 0;
    for (size_t i = 0; i < alerts->n; i++)
        fired += alerts->alerts[i].fired;
    buf_printf(out, "  alerts    %zu of ", fired);
    write_number(out, alerts->n, "rule");
    buf_add_text(out, " fired");
    if (fired)
        buf_printf(out, ", the worst %s", alert_severity_names[alerts_worst(alerts)]);
    buf_add_char(out, '\n');
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

void summary_write(const struct manifest *manifest, const struct run_report *report,
                   const char *workers_source, bool colour, struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    write_headline(manifest, report, workers_source, colour, out);
    write_outputs(report, out);
    if (report->dry)
        return;
    if (report->review.staged)
        write_review(report, out);
    if (report->alerts)
        write_alerts(report->alerts, out);
    write_workers(report, out);
    write_cache(&report->cache, out);
    write_databases(report, out);
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
