// SPDX-License-Identifier: MIT
#include "monitor/session_merge.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/distribution_json.h"
#include "monitor/session.h"
#include "monitor/session_faults.h"
#include "monitor/uses.h"

enum { TEXTS = 5, TEXTS_KEPT = 8 };
static const char *const text_keys[TEXTS] = {"name", "strategy", "machine", "version", "digest"};
enum { DIGEST = 4 };

// How a figure of several sessions is made. What has no row is added.
enum rule {
    ADDED,
    GREATEST,
    LEAST,
    WEIGHTED, // by the seconds of the run
    SHARED,   // by the seconds of all its workers
    DERIVED   // from others that were added
};
static const enum rule rules[METRICS] = {
    [METRIC_RUN_WORKERS] = GREATEST,
    [METRIC_RUN_WORKERS_LEAST] = LEAST,
    [METRIC_RUN_PEAK_RSS] = GREATEST,
    [METRIC_QUEUE_PEAK] = GREATEST,
    [METRIC_RUN_EFFICIENCY] = SHARED,
    [METRIC_RUN_RECORDS_PER_SECOND] = DERIVED,
    [METRIC_CACHE_RENDER_HIT_RATE] = DERIVED,
    [METRIC_CACHE_THROUGH_HIT_RATE] = DERIVED,
    [METRIC_CACHE_SOURCE_HIT_RATE] = DERIVED,
    [METRIC_CACHE_PROGRAM_HIT_RATE] = DERIVED,
    [METRIC_CACHE_SCHEMA_HIT_RATE] = DERIVED,
    [METRIC_CACHE_TYPES_HIT_RATE] = DERIVED,
    [METRIC_CACHE_RELATIONS_HIT_RATE] = DERIVED,
    [METRIC_STRATEGY_AUTO] = GREATEST,
    [METRIC_STRATEGY_REGRET] = WEIGHTED,
};

struct tally {
    double value, weight;
    bool known;
};

struct merged_distribution {
    char *name; // owned
    struct histogram histogram;
    double n, sum, max; // exact, whether there are histograms or not
    bool whole;         // all sessions had a histogram of it
};

struct session_merge {
    json_t *ids;          // array
    json_t *seen;         // object: id -> true
    json_t *texts[TEXTS]; // arrays: each value once
    struct tally tallies[METRICS];
    struct merged_distribution *distributions; // owned
    size_t distributions_n, distributions_cap;
    json_t *errors;             // object: kind -> count
    struct uses uses;           // of templates
    struct arena arena;         // their names
    json_t *faults;             // as the member `failures` of a session; NULL: no session has one
    json_t *nodes;              // object: "stage\nrole\nsubject" -> node
    double first, last;         // when the first one began and the last one ended
    size_t added, done, failed; // outcomes
};

struct session_merge *session_merge_new(void) {
    struct session_merge *m = MEM_NEW(struct session_merge);
    m->ids = json_array();
    m->seen = json_object();
    m->errors = json_object();
    m->nodes = json_object();
    arena_init(&m->arena, 0);
    for (int i = 0; i < TEXTS; i++)
        m->texts[i] = json_array();
    return m;
}

void session_merge_free(struct session_merge *m) {
    if (!m)
        return;
    for (size_t i = 0; i < m->distributions_n; i++) {
        mem_free(m->distributions[i].name);
        histogram_release(&m->distributions[i].histogram);
    }
    for (int i = 0; i < TEXTS; i++)
        json_decref(m->texts[i]);
    json_decref(m->ids);
    json_decref(m->seen);
    json_decref(m->errors);
    json_decref(m->nodes);
    json_decref(m->faults);
    uses_release(&m->uses);
    arena_release(&m->arena);
    mem_free(m->distributions);
    mem_free(m);
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

// ---- metrics

static void tally(struct tally *t, enum rule rule, double value, double seconds, double workers) {
    const double weight = rule == SHARED ? seconds * workers : rule == WEIGHTED ? seconds : 1;
    if (rule == GREATEST)
        t->value = t->known ? fmax(t->value, value) : value;
    else if (rule == LEAST)
        t->value = t->known ? fmin(t->value, value) : value;
    else
        t->value += value * weight;
    t->weight += weight;
    t->known = true;
}

static void add_metrics(struct session_merge *m, const json_t *metrics) {
    const double seconds = number_of(metrics, metric_rows[METRIC_RUN_SECONDS].name),
                 workers = number_of(metrics, metric_rows[METRIC_RUN_WORKERS].name);
    for (int i = 0; i < METRICS; i++) {
        const json_t *value = json_object_get(metrics, metric_rows[i].name);
        if (json_is_number(value) && isfinite(json_number_value(value)))
            tally(&m->tallies[i], rules[i], json_number_value(value), seconds, workers);
    }
}

static double sum_of(const struct session_merge *m, enum metric metric) {
    return m->tallies[metric].value;
}

static double derived(const struct session_merge *m, enum metric metric) {
    static const struct {
        enum metric rate, hits, misses;
    } rates[] = {
        {METRIC_CACHE_RENDER_HIT_RATE, METRIC_CACHE_RENDER_HITS, METRIC_CACHE_RENDER_MISSES},
        {METRIC_CACHE_THROUGH_HIT_RATE, METRIC_CACHE_THROUGH_HITS, METRIC_CACHE_THROUGH_MISSES},
        {METRIC_CACHE_SOURCE_HIT_RATE, METRIC_CACHE_SOURCE_HITS, METRIC_CACHE_SOURCE_MISSES},
        {METRIC_CACHE_PROGRAM_HIT_RATE, METRIC_CACHE_PROGRAM_HITS, METRIC_CACHE_PROGRAM_MISSES},
        {METRIC_CACHE_SCHEMA_HIT_RATE, METRIC_CACHE_SCHEMA_HITS, METRIC_CACHE_SCHEMA_MISSES},
        {METRIC_CACHE_TYPES_HIT_RATE, METRIC_CACHE_TYPES_HITS, METRIC_CACHE_TYPES_MISSES},
        {METRIC_CACHE_RELATIONS_HIT_RATE, METRIC_CACHE_RELATIONS_HITS, METRIC_CACHE_RELATIONS_MISSES},
    };
    if (metric == METRIC_RUN_RECORDS_PER_SECOND)
        return sum_of(m, METRIC_LOAD_RECORDS) / sum_of(m, METRIC_RUN_SECONDS);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (rates[i].rate == metric)
            return sum_of(m, rates[i].hits) / (sum_of(m, rates[i].hits) + sum_of(m, rates[i].misses));
    return NAN;
}

static json_t *metrics_json(const struct session_merge *m) {
    json_t *object = json_object();
    for (int i = 0; i < METRICS; i++) {
        const struct tally *t = &m->tallies[i];
        double value = t->value;
        if (rules[i] == DERIVED)
            value = derived(m, (enum metric)i);
        else if (rules[i] == SHARED || rules[i] == WEIGHTED)
            value = t->value / t->weight;
        if (t->known && isfinite(value))
            json_object_set_new(object, metric_rows[i].name, json_real(value));
    }
    return object;
}

// ---- distributions

static struct merged_distribution *distribution_of(struct session_merge *m, const char *name) {
    for (size_t i = 0; i < m->distributions_n; i++)
        if (strcmp(m->distributions[i].name, name) == 0)
            return &m->distributions[i];
    MEM_GROW(m->distributions, m->distributions_cap, m->distributions_n + 1);
    struct merged_distribution *d = &m->distributions[m->distributions_n++];
    *d = (struct merged_distribution){.name = mem_copy(name, strlen(name)), .whole = true};
    return d;
}

static void add_distributions(struct session_merge *m, json_t *distributions) {
    const char *name;
    json_t *figures;
    json_object_foreach(distributions, name, figures) {
        const double n = number_of(figures, metric_figures[FIGURE_COUNT]);
        struct histogram histogram = {0};
        if (!(n > 0))
            continue;
        struct merged_distribution *d = distribution_of(m, name);
        if (distribution_read(figures, &histogram))
            histogram_merge(&d->histogram, &histogram);
        else
            d->whole = false;
        d->n += n;
        d->sum += n * number_of(figures, metric_figures[FIGURE_MEAN]);
        d->max = fmax(d->max, number_of(figures, metric_figures[FIGURE_MAX]));
        histogram_release(&histogram);
    }
}

static json_t *distributions_json(const struct session_merge *m) {
    json_t *object = json_object();
    for (size_t i = 0; i < m->distributions_n; i++) {
        const struct merged_distribution *d = &m->distributions[i];
        json_t *figures = d->whole ? distribution_json(&d->histogram) : json_object();
        json_object_set_new(figures, metric_figures[FIGURE_MAX], json_real(d->max));
        json_object_set_new(figures, metric_figures[FIGURE_MEAN], json_real(d->sum / d->n));
        json_object_set_new(figures, metric_figures[FIGURE_COUNT], json_real(d->n));
        json_object_set_new(object, d->name, figures);
    }
    return object;
}

// ---- what else there is

static void add_count(json_t *object, const char *key, json_int_t count) {
    json_object_set_new(object, key, json_integer(json_integer_value(json_object_get(object, key)) + count));
}

static void add_errors(struct session_merge *m, json_t *errors) {
    size_t i;
    json_t *error;
    json_array_foreach(errors, i, error) {
        const char *kind = json_string_value(json_object_get(error, "kind"));
        const json_int_t count = json_integer_value(json_object_get(error, "count"));
        if (!kind || count <= 0)
            continue;
        if (!json_object_get(m->errors, kind) && json_object_size(m->errors) >= SESSION_ERROR_KINDS - 1)
            kind = "others";
        add_count(m->errors, kind, count);
    }
}

static void add_faults(struct session_merge *m, const json_t *failures) {
    if (!m->faults && json_is_object(failures))
        m->faults = json_pack("{s:[], s:i}", "items", "more", 0);
    if (m->faults && json_is_object(failures))
        session_faults_merge(m->faults, failures);
}

static json_t *errors_json(const struct session_merge *m) {
    json_t *array = json_array(), *count;
    const char *kind;
    json_object_foreach(m->errors, kind, count) {
        json_array_append_new(array, json_pack("{s:s, s:O}", "kind", kind, "count", count));
    }
    return array;
}

// Numbers of a node that can be added; p50 and p95 cannot.
static void add_node(json_t *into, const json_t *node) {
    static const char *const reals[] = {"seconds", "through_seconds"}, *const counts[] = {"outputs",
                                                                                          "batches"};
    for (size_t i = 0; i < 2; i++)
        if (json_is_number(json_object_get(node, reals[i])))
            json_object_set_new(into, reals[i],
                                json_real(number_of(into, reals[i]) + number_of(node, reals[i])));
    for (size_t i = 0; i < 2; i++)
        if (json_is_integer(json_object_get(node, counts[i])))
            add_count(into, counts[i], json_integer_value(json_object_get(node, counts[i])));
}

static void add_nodes(struct session_merge *m, json_t *nodes) {
    static const char *const roles[] = {"job", "source"};
    size_t i;
    json_t *node;
    json_array_foreach(nodes, i, node) {
        struct buf key = BUF_INIT;
        const char *stage = json_string_value(json_object_get(node, "stage"));
        if (!stage)
            continue;
        json_t *named = json_pack("{s:s}", "stage", stage);
        buf_add_text(&key, stage);
        for (size_t r = 0; r < 2; r++) {
            const char *subject = json_string_value(json_object_get(node, roles[r]));
            if (!subject)
                continue;
            buf_printf(&key, "\n%s\n%s", roles[r], subject);
            json_object_set_new(named, roles[r], json_string(subject));
        }
        json_t *known = json_object_get(m->nodes, buf_text(&key));
        if (!known) {
            json_object_set(m->nodes, buf_text(&key), named);
            known = named;
        }
        add_node(known, node);
        json_decref(named);
        buf_release(&key);
    }
}

static json_t *nodes_json(const struct session_merge *m) {
    json_t *array = json_array(), *node;
    const char *key;
    json_object_foreach(m->nodes, key, node) {
        json_array_append(array, node);
    }
    return array;
}

static void add_text(json_t *texts, const json_t *text) {
    if (!json_is_string(text) || json_array_size(texts) > TEXTS_KEPT)
        return;
    for (size_t i = 0; i < json_array_size(texts); i++)
        if (json_equal(json_array_get(texts, i), text))
            return;
    json_array_append_new(texts, json_string(json_string_value(text)));
}

// "a; b"; beyond some "...".
static json_t *text_json(const json_t *texts) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < json_array_size(texts); i++)
        buf_printf(&text, "%s%s", i ? "; " : "",
                   i < TEXTS_KEPT ? json_string_value(json_array_get(texts, i)) : "...");
    json_t *json = json_string(text.n ? buf_text(&text) : "");
    buf_release(&text);
    return json;
}

// ---- one by one, and all together

// The runs that a session is of: itself, or those that were merged before. The caller's; empty where it is no session.
static json_t *ids_of(const json_t *session) {
    const json_t *id = json_object_get(session, "session"),
                 *many = json_object_get(json_object_get(session, "merged"), "sessions");
    json_t *ids = json_array(), *one;
    size_t i;
    if (!many && json_string_length(id))
        json_array_append_new(ids, json_string(json_string_value(id)));
    json_array_foreach(many, i, one) {
        if (json_string_length(one))
            json_array_append(ids, one);
    }
    return ids;
}

static bool take_ids(struct session_merge *m, const json_t *session) {
    json_t *ids = ids_of(session), *id;
    size_t i, known = 0;
    json_array_foreach(ids, i, id) {
        known += json_object_get(m->seen, json_string_value(id)) != NULL;
    }
    const bool fine = json_array_size(ids) && !known;
    json_array_foreach(ids, i, id) {
        if (fine && !json_object_get(m->seen, json_string_value(id))) {
            json_object_set_new(m->seen, json_string_value(id), json_true());
            json_array_append(m->ids, id);
        }
    }
    json_decref(ids);
    return fine;
}

bool session_merge_add(struct session_merge *m, const json_t *session) {
    const json_t *metrics = json_object_get(session, "metrics"),
                 *started = json_object_get(session, "started"),
                 *last = json_object_get(json_object_get(session, "merged"), "last");
    const bool first = !json_array_size(m->ids);
    if (!json_is_object(metrics) || !json_is_number(started) || !take_ids(m, session))
        return false;
    const double began = json_number_value(started),
                 ended = json_is_number(last)
                             ? json_number_value(last)
                             : began + number_of(metrics, metric_rows[METRIC_RUN_SECONDS].name);
    m->first = first ? began : fmin(m->first, began);
    m->last = first ? ended : fmax(m->last, ended);
    m->added++;
    for (int i = 0; i < TEXTS; i++)
        add_text(m->texts[i], json_object_get(session, text_keys[i]));
    const char *word = json_string_value(json_object_get(session, "outcome"));
    m->done += word && strcmp(word, "done") == 0;
    m->failed += word && strcmp(word, "failed") == 0;
    add_metrics(m, metrics);
    add_distributions(m, json_object_get(session, "distributions"));
    add_errors(m, json_object_get(session, "errors"));
    uses_add_json(&m->uses, json_object_get(session, "templates"), &m->arena);
    uses_rank(&m->uses, SIZE_MAX);
    add_faults(m, json_object_get(session, "failures"));
    add_nodes(m, json_object_get(session, "nodes"));
    return true;
}

static json_t *merged_json(const struct session_merge *m) {
    json_t *object = json_object(), *without = json_array();
    for (size_t i = 0; i < m->distributions_n; i++)
        if (!m->distributions[i].whole)
            json_array_append_new(without, json_string(m->distributions[i].name));
    json_object_set(object, "sessions", m->ids);
    json_object_set_new(object, "first", json_real(m->first));
    json_object_set_new(object, "last", json_real(m->last));
    json_object_set_new(object, "elapsed_seconds", json_real(m->last - m->first));
    json_object_set_new(object, "without_quantiles", without);
    return object;
}

json_t *session_merge_json(const struct session_merge *m) {
    json_t *object = json_object();
    const bool all = m->done == m->added;
    json_object_set_new(object, "session", json_string("merged"));
    for (int i = 0; i < DIGEST; i++)
        json_object_set_new(object, text_keys[i], text_json(m->texts[i]));
    json_object_set_new(object, "outcome", json_string(all ? "done" : m->failed ? "failed" : "interrupted"));
    // Of other outputs there is no digest of all.
    json_object_set_new(object, "digest",
                        json_array_size(m->texts[DIGEST]) == 1 ? text_json(m->texts[DIGEST])
                                                               : json_string(""));
    json_object_set_new(object, "started", json_real(m->first));
    json_object_set_new(object, "metrics", metrics_json(m));
    json_object_set_new(object, "distributions", distributions_json(m));
    json_object_set_new(object, "errors", errors_json(m));
    if (m->faults)
        json_object_set(object, "failures", m->faults);
    json_object_set_new(object, "samples", json_array());
    if (m->uses.n)
        json_object_set_new(object, "templates", uses_json(&m->uses));
    if (json_object_size(m->nodes))
        json_object_set_new(object, "nodes", nodes_json(m));
    json_object_set_new(object, "merged", merged_json(m));
    return object;
}
