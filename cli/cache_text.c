// SPDX-License-Identifier: MIT
#include "cli/cache_text.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "cli/show.h"
#include "monitor/json_line.h"

enum { DIGITS = 9 }; // of real numbers in JSON

static const char *name_of(unsigned category) {
    return cache_category_name((enum cache_category)category);
}

// Text ------------------------------------------------------------------------------------------------------

static void pad(struct buf *out, size_t from, size_t width) {
    while (out->n - from < width)
        buf_add_char(out, ' ');
}

static void write_tier(const struct cache_figures *figures, struct buf *out) {
    const struct cache_stats *tier = &figures->tier;
    buf_add_text(out, "file tier in ");
    show_escaped(out, figures->directory);
    if (!figures->has_tier) {
        buf_add_text(out, ": nothing has been kept\n");
        return;
    }
    buf_add_text(out, ": ");
    show_count(out, tier->entries);
    buf_printf(out, " entr%s, ", tier->entries == 1 ? "y" : "ies");
    show_bytes(out, tier->bytes);
    buf_add_text(out, " of ");
    show_bytes(out, tier->cap);
    if (cache_unused_bytes(tier)) {
        buf_add_text(out, ", ");
        show_bytes(out, cache_unused_bytes(tier));
        buf_add_text(out, " of it out of use");
    }
    if (tier->damaged) {
        buf_add_text(out, "; ");
        show_count(out, tier->damaged);
        buf_add_text(out, " damaged, see \"cache verify\"");
    }
    buf_add_char(out, '\n');
}

static void write_held(const struct cache_held *held, struct buf *out) {
    size_t from = out->n;
    show_count(out, held->entries);
    buf_printf(out, " entr%s", held->entries == 1 ? "y" : "ies");
    if (held->entries) {
        buf_add_text(out, ", ");
        show_bytes(out, held->bytes);
        buf_add_text(out, " as ");
        show_bytes(out, held->stored);
        buf_printf(out, " (%.1f:1)", (double)held->bytes / (double)held->stored);
    }
    buf_add_char(out, ';');
    pad(out, from, 44);
}

static void write_category(const struct cache_figures *figures, unsigned c, struct buf *out) {
    const struct cache_books_category *was = &figures->books->categories[c];
    const uint64_t asked = was->hits + was->misses;
    size_t from = out->n;
    buf_printf(out, "  %s", name_of(c));
    pad(out, from, 12);
    if (c == CACHE_PROGRAM)
        buf_add_text(out, "shared within a run;");
    else
        write_held(&figures->tier.held[c], out);
    pad(out, from, 12 + 44);
    buf_add_char(out, ' ');
    show_count(out, was->hits);
    buf_printf(out, " hit%s, ", was->hits == 1 ? "" : "s");
    show_count(out, was->misses);
    buf_printf(out, " miss%s", was->misses == 1 ? "" : "es");
    if (asked)
        buf_printf(out, ", %.1f %%", 100 * (double)was->hits / (double)asked);
    if (was->hit_bytes) {
        buf_add_text(out, ", ");
        show_bytes(out, was->hit_bytes);
    }
    buf_add_char(out, '\n');
}

static void write_duration(uint64_t nanoseconds, struct buf *out) {
    if (nanoseconds < 10000)
        buf_printf(out, "%.1f us", (double)nanoseconds / 1e3);
    else if (nanoseconds < 10000000)
        buf_printf(out, "%.0f us", (double)nanoseconds / 1e3);
    else
        buf_printf(out, "%.0f ms", (double)nanoseconds / 1e6);
}

static void write_job(const struct cache_books_job *job, struct buf *out) {
    const bool source = job->category == CACHE_SOURCE;
    buf_printf(out, "  %s: %s ", cache_category_name(job->category), source ? "source" : "job");
    show_escaped(out, job->name);
    buf_add_text(out, ": ");
    write_duration(job->make, out);
    buf_add_text(out, source ? " until its first row" : " an output");
    buf_add_text(out, job->used ? ", the cache takes " : ", the cache would take ");
    write_duration(job->keep, out);
    buf_add_text(out, job->used ? ": used\n" : ": not used\n");
}

void cache_text_stats(const struct cache_figures *figures, struct buf *out) {
    const struct cache_books *books = figures->books;
    write_tier(figures, out);
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        write_category(figures, c, out);
    if (books->runs) {
        char when[32];
        struct tm tm;
        time_t seconds = (time_t)(books->since / 1000000000);
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
        buf_add_text(out, "hits and misses of ");
        show_count(out, books->runs);
        buf_printf(out, " run%s since %s UTC\n", books->runs == 1 ? "" : "s", when);
    }
    if (books->jobs_n)
        buf_add_text(out, "where it pays:\n");
    for (size_t i = 0; i < books->jobs_n; i++)
        write_job(&books->jobs[i], out);
}

void cache_text_gc(const struct cache_stats *before, const struct cache_stats *after, struct buf *out) {
    if (before->cap == 0) {
        buf_add_text(out, "nothing has been kept\n");
        return;
    }
    show_bytes(out, before->bytes);
    buf_add_text(out, " of ");
    show_bytes(out, before->cap);
    buf_add_text(out, ", ");
    show_bytes(out, cache_unused_bytes(before));
    buf_add_text(out, " of it out of use");
    if (after) {
        buf_add_text(out, "; now ");
        show_bytes(out, after->bytes);
        if (before->entries > after->entries) {
            buf_add_text(out, ", ");
            show_count(out, before->entries - after->entries);
            buf_add_text(out, " entries fewer");
        }
    }
    buf_add_char(out, '\n');
}

void cache_text_verified(const struct packs_verified *found, bool repaired, struct buf *out) {
    show_count(out, found->entries);
    buf_printf(out, " entr%s, ", found->entries == 1 ? "y" : "ies");
    show_bytes(out, found->bytes);
    buf_add_text(out, ": ");
    if (!found->damaged) {
        buf_add_text(out, "all sound\n");
        return;
    }
    show_count(out, found->damaged);
    buf_add_text(out, " damaged");
    if (repaired && found->kept == 0)
        buf_add_text(out, ", repaired\n");
    else if (repaired)
        buf_printf(out, "; other processes use %llu of the damaged segments, which %s as %s\n",
                   (unsigned long long)found->kept, found->kept == 1 ? "stays" : "stay",
                   found->kept == 1 ? "it is" : "they are");
    else
        buf_add_text(out, "; --repair drops them\n");
}

// JSON ------------------------------------------------------------------------------------------------------

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *held_json(const struct cache_held *held) {
    json_t *object = json_object();
    json_object_set_new(object, "entries", integer(held->entries));
    json_object_set_new(object, "bytes", integer(held->bytes));
    json_object_set_new(object, "stored_bytes", integer(held->stored));
    if (held->stored)
        json_object_set_new(object, "ratio", json_real((double)held->bytes / (double)held->stored));
    return object;
}

static json_t *category_json(const struct cache_figures *figures, unsigned c) {
    const struct cache_books_category *was = &figures->books->categories[c];
    const uint64_t asked = was->hits + was->misses;
    json_t *object = json_object(), *tier_hits = json_object();
    json_object_set_new(object, "hits", integer(was->hits));
    json_object_set_new(object, "misses", integer(was->misses));
    json_object_set_new(object, "hit_rate",
                        asked ? json_real((double)was->hits / (double)asked) : json_null());
    json_object_set_new(object, "hit_bytes", integer(was->hit_bytes));
    json_object_set_new(object, "puts", integer(was->puts));
    json_object_set_new(object, "put_bytes", integer(was->put_bytes));
    for (unsigned kind = 0; kind < CACHE_TIERS_N; kind++)
        if (was->tier_hits[kind])
            json_object_set_new(tier_hits, cache_tier_name((enum cache_tier_kind)kind),
                                integer(was->tier_hits[kind]));
    json_object_set_new(object, "tier_hits", tier_hits);
    json_object_set_new(object, "file", held_json(&figures->tier.held[c]));
    return object;
}

static json_t *job_json(const struct cache_books_job *job) {
    json_t *object = json_object();
    json_object_set_new(object, "category", json_string(cache_category_name(job->category)));
    json_object_set_new(object, "name", json_stringn(job->name.p, job->name.n));
    json_object_set_new(object, "make_seconds", json_real((double)job->make / 1e9));
    json_object_set_new(object, "keep_seconds", json_real((double)job->keep / 1e9));
    json_object_set_new(object, "used", json_boolean(job->used));
    return object;
}

void cache_text_stats_json(const struct cache_figures *figures, struct buf *out) {
    const struct cache_books *books = figures->books;
    json_t *object = json_object(), *tiers = json_object(), *file = json_object(),
           *categories = json_object(), *jobs = json_array();
    json_object_set_new(file, "directory", json_stringn(figures->directory.p, figures->directory.n));
    json_object_set_new(file, "entries", integer(figures->tier.entries));
    json_object_set_new(file, "bytes", integer(figures->tier.bytes));
    json_object_set_new(file, "unused_bytes", integer(cache_unused_bytes(&figures->tier)));
    json_object_set_new(file, "cap", integer(figures->tier.cap));
    json_object_set_new(file, "damaged", integer(figures->tier.damaged));
    json_object_set_new(tiers, "file", file);
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        json_object_set_new(categories, name_of(c), category_json(figures, c));
    for (size_t i = 0; i < books->jobs_n; i++)
        json_array_append_new(jobs, job_json(&books->jobs[i]));
    json_object_set_new(object, "tiers", tiers);
    json_object_set_new(object, "categories", categories);
    json_object_set_new(object, "runs", integer(books->runs));
    json_object_set_new(object, "since", books->since ? json_real((double)books->since / 1e9) : json_null());
    json_object_set_new(object, "jobs", jobs);
    json_line_add(object, DIGITS, out);
}

// Sums ------------------------------------------------------------------------------------------------------

void cache_sum_add(struct cache_sum *sum, enum cache_category category, uint64_t bytes, uint64_t stored) {
    struct cache_held *held = &sum->held[category];
    held->entries++;
    held->bytes += bytes;
    held->stored += stored;
    sum->entries++;
    sum->stored += stored;
}

void cache_text_sum(const struct cache_sum *sum, struct buf *out) {
    show_count(out, sum->entries);
    buf_printf(out, " entr%s", sum->entries == 1 ? "y" : "ies");
    if (!sum->entries)
        return;
    const char *before = " (";
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        if (!sum->held[c].entries)
            continue;
        buf_printf(out, "%s%s ", before, name_of(c));
        show_count(out, sum->held[c].entries);
        before = ", ";
    }
    buf_add_text(out, "), ");
    show_bytes(out, sum->stored);
}

void cache_text_sum_json(const struct cache_sum *sum, bool dry_run, struct buf *out) {
    json_t *object = json_object(), *categories = json_object();
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        if (sum->held[c].entries)
            json_object_set_new(categories, name_of(c), held_json(&sum->held[c]));
    json_object_set_new(object, "dry_run", json_boolean(dry_run));
    json_object_set_new(object, "entries", integer(sum->entries));
    json_object_set_new(object, "stored_bytes", integer(sum->stored));
    json_object_set_new(object, "categories", categories);
    json_line_add(object, DIGITS, out);
}
