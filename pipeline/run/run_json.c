// SPDX-License-Identifier: MIT
#include <jansson.h>

#include "monitor/alerts_json.h"
#include "monitor/costs_json.h"
#include "monitor/json_line.h"
#include "pipeline/run/run.h"
#include "pipeline/run/run_detail.h"
#include "pipeline/strategy/chooser_text.h"

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *stages(const struct run_report *report) {
    json_t *object = json_object();
    for (int stage = 0; stage < RUN_STAGES; stage++)
        json_object_set_new(object, run_stage_names[stage], json_real(report->stage_seconds[stage]));
    return object;
}

static json_t *category(const struct run_cache_report *cache, const struct cache_category_report *category) {
    const double asked = (double)(category->hits + category->misses);
    json_t *object = json_object(), *tiers = json_object();
    json_object_set_new(object, "hits", integer(category->hits));
    json_object_set_new(object, "misses", integer(category->misses));
    json_object_set_new(object, "hit_rate", json_real((double)category->hits / asked));
    if (cache->tiers_n == 0 || category == &cache->categories[CACHE_PROGRAM]) {
        json_decref(tiers);
        return object;
    }
    json_object_set_new(object, "hit_bytes", integer(category->hit_bytes));
    json_object_set_new(object, "puts", integer(category->puts));
    json_object_set_new(object, "put_bytes", integer(category->put_bytes));
    if (category->put_timed)
        json_object_set_new(object, "put_seconds",
                            json_real((double)category->put_time / 1e9 / (double)category->put_timed));
    json_object_set_new(object, "expired", integer(category->expired));
    json_object_set_new(object, "refused", integer(category->refused));
    for (unsigned i = 0; i < cache->tiers_n; i++) {
        json_t *tier = json_object();
        if (!category->get_timed[i] && !category->tier_hits[i]) {
            json_decref(tier);
            continue;
        }
        json_object_set_new(tier, "hits", integer(category->tier_hits[i]));
        if (category->get_timed[i])
            json_object_set_new(
                tier, "get_seconds",
                json_real((double)category->get_time[i] / 1e9 / (double)category->get_timed[i]));
        json_object_set_new(tiers, cache_tier_name(cache->kinds[i]), tier);
    }
    json_object_set_new(object, "tiers", tiers);
    return object;
}

static json_t *tier(const struct cache_stats *stats) {
    json_t *object = json_object();
    json_object_set_new(object, "entries", integer(stats->entries));
    json_object_set_new(object, "bytes", integer(stats->bytes));
    json_object_set_new(object, "cap", integer(stats->cap));
    json_object_set_new(object, "evictions", integer(stats->evictions));
    json_object_set_new(object, "damaged", integer(stats->damaged));
    json_object_set_new(object, "failed", integer(stats->failed));
    return object;
}

// Only what was used.
static json_t *caches(const struct run_cache_report *cache) {
    json_t *object = json_object(), *tiers = json_object(), *quarantined = json_array();
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        const char *name = cache_category_name((enum cache_category)c);
        if (cache->categories[c].hits + cache->categories[c].misses)
            json_object_set_new(object, name, category(cache, &cache->categories[c]));
        if (cache->quarantined >> c & 1)
            json_array_append_new(quarantined, json_string(name));
    }
    for (unsigned i = 0; i < cache->tiers_n; i++)
        json_object_set_new(tiers, cache_tier_name(cache->kinds[i]), tier(&cache->tiers[i]));
    json_object_set_new(object, "tiers", tiers);
    json_object_set_new(object, "audited", integer(cache->audited));
    json_object_set_new(object, "differing", integer(cache->differing));
    json_object_set_new(object, "quarantined", quarantined);
    return object;
}

static void add_figures(json_t *object, const struct run_report *report) {
    struct run_figures figures;
    run_figures_of(report, &figures);
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        bool whole = row->unit[0] == 0 || row->unit[0] == 'B';
        if (row->key && figures.known[i])
            json_object_set_new(object, row->key,
                                whole ? integer((uint64_t)figures.values[i]) : json_real(figures.values[i]));
    }
}

static json_t *review(const struct run_review *review) {
    json_t *object = json_object();
    json_object_set_new(object, "published", json_boolean(review->published));
    json_object_set_new(object, "exceeded", json_boolean(review->exceeded));
    json_object_set_new(object, "added", integer(review->counts.added));
    json_object_set_new(object, "changed", integer(review->counts.changed));
    json_object_set_new(object, "removed", integer(review->counts.removed));
    json_object_set_new(object, "known", integer(review->known));
    return object;
}

static json_t *path(const struct run_report *report) {
    json_t *array = json_array();
    for (size_t i = 0; i < report->path_n; i++) {
        const struct run_path_part *part = &report->path[i];
        json_t *object = json_object();
        json_object_set_new(object, "stage", json_string(part->stage));
        if (part->role)
            json_object_set_new(object, part->role, json_stringn(part->subject.p, part->subject.n));
        json_object_set_new(object, "seconds", json_real(part->seconds));
        json_object_set_new(object, "share",
                            json_real(report->seconds > 0 ? part->seconds / report->seconds : 0));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *choice(const struct run_report *report) {
    const char *names[STRATEGIES_N];
    strategy_names(names);
    return chooser_json(&report->chooser, names);
}

static json_t *jobs(const struct run_report *report) {
    static const char *const states[] = {"done", "failed", "skipped"};
    json_t *array = json_array();
    for (size_t j = 0; report->jobs && j < report->jobs_n; j++) {
        const struct run_job_end *end = &report->jobs[j];
        json_t *job = json_object();
        json_object_set_new(job, "name", json_stringn(end->name.p, end->name.n));
        json_object_set_new(job, "state", json_string(states[end->state]));
        if (end->because.p)
            json_object_set_new(job, "because", json_stringn(end->because.p, end->because.n));
        json_array_append_new(array, job);
    }
    return array;
}

static json_t *joins(const struct run_report *report) {
    json_t *array = json_array();
    for (size_t i = 0; i < report->joins_n; i++) {
        const struct run_join_report *join = &report->joins[i];
        json_t *object = json_object();
        json_object_set_new(object, "source", json_stringn(join->source.p, join->source.n));
        json_object_set_new(object, "join", json_stringn(join->name.p, join->name.n));
        json_object_set_new(object, "from", json_stringn(join->from.p, join->from.n));
        json_object_set_new(object, "records", integer(join->records));
        json_object_set_new(object, "keys", integer(join->keys));
        json_object_set_new(object, "keyless", integer(join->keyless));
        json_object_set_new(object, "failed", integer(join->failed));
        json_object_set_new(object, "repeated", integer(join->repeated));
        json_object_set_new(object, "lost", integer(join->lost));
        json_object_set_new(object, "missed", integer(join->missed));
        json_object_set_new(object, "shared", integer(join->shared));
        json_object_set_new(object, "spilled_bytes", integer(join->spilled));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *databases(const struct run_report *report) {
    json_t *array = json_array();
    for (size_t i = 0; i < report->databases_n; i++) {
        const struct run_database_report *database = &report->databases[i];
        json_t *object = json_object();
        json_object_set_new(object, "name", json_stringn(database->name.p, database->name.n));
        json_object_set_new(object, "opened", integer(database->opened));
        json_object_set_new(object, "at_once", integer(database->at_once));
        json_object_set_new(object, "reused", integer(database->reused));
        json_object_set_new(object, "failed", integer(database->failed));
        json_object_set_new(object, "waited", integer(database->waited));
        json_object_set_new(object, "waited_seconds", json_real(database->waited_seconds));
        json_object_set_new(object, "ranges", integer(database->ranges));
        json_object_set_new(object, "log", json_boolean(database->has_log));
        json_array_append_new(array, object);
    }
    return array;
}

void run_write_parts(const struct run_report *report, struct session *session) {
    session_set_more(session, "jobs", jobs(report));
    if (report->cache.used)
        session_set_more(session, "cache", caches(&report->cache));
    if (report->joins_n)
        session_set_more(session, "joins", joins(report));
    if (report->routed)
        session_set_more(session, "unrouted", integer(report->unrouted));
    if (report->databases_n)
        session_set_more(session, "databases", databases(report));
    if (report->automatic)
        session_set_more(session, "auto", choice(report));
}

void run_write_json(const struct run_report *report, struct str session, struct buf *out) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"cached",
         integer(report->cache.categories[CACHE_RENDER].hits + report->cache.categories[CACHE_THROUGH].hits)},
        {"stage_seconds", stages(report)},
        {"batch_p50", json_real(report->batch_p50)},
        {"jobs_done", integer(report->jobs_done)},
        {"jobs_failed", integer(report->jobs_failed)},
        {"jobs_skipped", integer(report->jobs_skipped)},
        {"jobs", jobs(report)},
        {"interrupted", json_boolean(report->interrupted)},
        {"cache", caches(&report->cache)},
        {"digest", json_string(digest)},
    };
    json_t *object = json_object();
    json_object_set_new(object, "session", json_stringn(session.p, session.n));
    json_object_set_new(object, "strategy", json_string(report->strategy->name));
    if (report->automatic)
        json_object_set_new(object, "auto", choice(report));
    add_figures(object, report);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        json_object_set_new(object, fields[i].name, fields[i].value);
    if (report->joins_n)
        json_object_set_new(object, "joins", joins(report));
    if (report->routed)
        json_object_set_new(object, "unrouted", integer(report->unrouted));
    if (report->databases_n)
        json_object_set_new(object, "databases", databases(report));
    if (report->path_n)
        json_object_set_new(object, "critical_path", path(report));
    if (report->costs)
        json_object_set_new(object, "profile", costs_json(report->costs));
    if (report->alerts)
        json_object_set_new(object, "alerts", alerts_json(report->alerts));
    if (report->review.staged)
        json_object_set_new(object, "staged", review(&report->review));
    if (report->dry) {
        json_object_del(object, "digest"); // of outputs that were not made
        json_object_set_new(object, "dry_run", json_true());
        json_object_set_new(object, "would_render", integer(report->counters.would_render));
        json_object_set_new(object, "would_prune", integer(report->left));
    }
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    if (text)
        buf_add_text(out, text);
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}
