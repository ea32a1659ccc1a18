// SPDX-License-Identifier: MIT
#include "bench/comparison_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/json_line.h"

enum { DIGITS = 15, PAIRS_MOST = 4096, ARGUMENTS_MOST = 1024 };

// ---- writing

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text) {
    json_t *value = text ? json_string(text) : json_null();
    return value ? value : json_string("(not UTF-8)");
}

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *sample_json(const struct process_sample *sample) {
    json_t *object = json_object();
    set(object, "wall", json_real(sample->wall));
    set(object, "user", json_real(sample->user));
    set(object, "system", json_real(sample->system));
    set(object, "stolen", json_real(sample->stolen));
    set(object, "instructions", integer(sample->instructions));
    set(object, "peak_rss_bytes", integer(sample->peak_rss_bytes));
    return object;
}

static json_t *pairs_json(const struct pair *pairs, uint32_t n) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < n; i++) {
        json_t *object = json_object();
        set(object, "b_first", json_boolean(pairs[i].b_first));
        set(object, "dropped", json_boolean(pairs[i].dropped));
        set(object, "padding", integer(pairs[i].padding));
        set(object, "a", sample_json(&pairs[i].a));
        set(object, "b", sample_json(&pairs[i].b));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *bound(double ratio) {
    return isinf(ratio) || ratio <= 0 ? json_null() : json_real(ratio);
}

static void set_look(json_t *object, const struct verdict_look *look) {
    set(object, "ratio", bound(look->pairs ? look->estimate : 0));
    set(object, "lower", bound(look->pairs ? look->lower : 0));
    set(object, "upper", bound(look->pairs ? look->upper : 0));
    set(object, "pairs", integer(look->pairs));
}

static json_t *rounds_json(const struct comparison *c) {
    json_t *array = json_array();
    for (size_t i = 0; i < c->rounds_n; i++) {
        const struct comparison_round *round = &c->rounds[i];
        struct verdict_look look = comparison_look(c, i);
        json_t *object = json_object();
        set(object, "seed", integer(round->seed));
        set(object, "alpha", json_real(round->alpha));
        set(object, "verdict", json_string(verdict_name(look.verdict)));
        set_look(object, &look);
        set(object, "samples", pairs_json(round->pairs, round->pairs_n));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *rule_json(const struct comparison *c) {
    json_t *object = json_object(), *looks = json_array();
    set(object, "alpha", json_real(c->rule.alpha));
    set(object, "beta", json_real(c->rule.beta));
    set(object, "certain", json_real(c->rule.certain));
    set(object, "large", json_real(c->rule.large));
    set(object, "harmless", json_real(c->rule.harmless));
    for (int i = 0; i < VERDICT_LOOKS && !c->pairs; i++)
        json_array_append_new(looks, integer(verdict_looks[i]));
    if (c->pairs)
        json_array_append_new(looks, integer(c->pairs));
    set(object, "looks", looks);
    return object;
}

static json_t *side_json(const struct comparison *c, size_t which) {
    const struct comparison_side *side = &c->sides[which];
    char digest[DIGEST_HEX_SIZE];
    digest_hex(side->digest, digest);
    json_t *object = json_object(), *work = json_object(), *stages = json_object();
    set(object, "shown", text_or_null(side->shown));
    set(object, "kind", text_or_null(side->kind));
    set(object, "version", text_or_null(side->version));
    set(object, "digest", side->known ? json_string(digest) : json_null());
    for (size_t i = 0; i < side->work.n; i++)
        set(work, side->work.counters[i].name, integer(side->work.counters[i].value));
    set(object, "work", work);
    for (int i = 0; i < WORK_STAGES; i++)
        set(stages, work_stages[i], json_real(side->stages[i]));
    set(object, "stage_seconds", stages);
    set(object, "median", bound(comparison_median(c, which).value));
    return object;
}

json_t *comparison_host_to_json(const struct host *host) {
    json_t *object = json_object();
    set(object, "system", json_string(host->system));
    set(object, "cpu", json_string(host->cpu));
    set(object, "cpus", integer(host->cpus));
    set(object, "used", json_string(host->mask));
    set(object, "counts_instructions", json_boolean(host->counts_instructions));
    return object;
}

static json_t *texts_json(const char *const *texts, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(array, text_or_null(texts[i]));
    }
    return array;
}

json_t *comparison_to_json(const struct comparison *c) {
    struct judgement judgement = comparison_judge(c);
    json_t *object = json_object();
    set(object, "comparison", json_integer(COMPARISON_FORMAT));
    set(object, "verdict", json_string(verdict_name(judgement.verdict)));
    set(object, "reason", json_string(judgement_reasons[judgement.reason]));
    set(object, "metric", json_string(paired_metric_name(c->metric)));
    set_look(object, &judgement.look);
    set(object, "interrupted", json_boolean(c->interrupted));
    set(object, "confirm", json_boolean(c->confirm));
    set(object, "compares_output", json_boolean(c->compares_output));
    set(object, "accepted", texts_json(c->accepted, c->accepted_n));
    set(object, "rule", rule_json(c));
    set(object, "a", side_json(c, 0));
    set(object, "b", side_json(c, 1));
    set(object, "machine", comparison_host_to_json(&c->host));
    set(object, "program", text_or_null(c->program));
    set(object, "started", text_or_null(c->started));
    set(object, "arguments", texts_json(c->arguments, c->arguments_n));
    set(object, "rounds", rounds_json(c));
    return object;
}

void comparison_write_json(const struct comparison *c, struct buf *out) {
    json_line_add(comparison_to_json(c), DIGITS, out);
}

// ---- reading

// Remembers the first thing that was wrong.
struct reader {
    struct comparison *c;
    struct err *err;
    bool failed;
};

static void refuse(struct reader *r, const char *key, const char *expected) {
    if (!r->failed)
        err_set(r->err, STATUS_DATA, "\"%s\" is not %s", key, expected);
    r->failed = true;
}

static double get_number(struct reader *r, const json_t *object, const char *key, double least, double most) {
    const json_t *value = json_object_get(object, key);
    double x = json_number_value(value);
    if (!json_is_number(value) || !(x >= least && x <= most))
        refuse(r, key, "a number within its limits");
    return x;
}

static uint64_t get_integer(struct reader *r, const json_t *object, const char *key, json_int_t most) {
    const json_t *value = json_object_get(object, key);
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > most) {
        refuse(r, key, "a whole number within its limits");
        return 0;
    }
    return (uint64_t)n;
}

static bool get_flag(struct reader *r, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        refuse(r, key, "true or false");
    return json_is_true(value);
}

// NULL for null.
static const char *get_text(struct reader *r, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value) && !json_is_null(value))
        refuse(r, key, "a text");
    return json_is_string(value) ? comparison_keep(r->c, json_string_value(value)) : NULL;
}

static const json_t *get_object(struct reader *r, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_object(value))
        refuse(r, key, "an object");
    return value;
}

static const json_t *get_array(struct reader *r, const json_t *object, const char *key, size_t most) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_array(value) || json_array_size(value) > most)
        refuse(r, key, "a list within its limits");
    return r->failed ? NULL : value;
}

static struct process_sample read_sample(struct reader *r, const json_t *object) {
    const double most = 1e9;
    return (struct process_sample){
        .wall = get_number(r, object, "wall", 0, most),
        .user = get_number(r, object, "user", 0, most),
        .system = get_number(r, object, "system", 0, most),
        .stolen = get_number(r, object, "stolen", 0, most),
        .instructions = get_integer(r, object, "instructions", INT64_MAX),
        .peak_rss_bytes = get_integer(r, object, "peak_rss_bytes", INT64_MAX),
    };
}

static void read_pairs(struct reader *r, const json_t *object, struct comparison_round *round) {
    const json_t *array = get_array(r, object, "samples", PAIRS_MOST);
    size_t n = json_array_size(array);
    round->pairs = MEM_NEW_ARRAY(struct pair, n + 1);
    uint32_t counted = 0;
    for (size_t i = 0; i < n && !r->failed; i++) {
        const json_t *pair = json_array_get(array, i);
        round->pairs[round->pairs_n++] =
            (struct pair){.a = read_sample(r, get_object(r, pair, "a")),
                          .b = read_sample(r, get_object(r, pair, "b")),
                          .b_first = get_flag(r, pair, "b_first"),
                          .dropped = get_flag(r, pair, "dropped"),
                          .padding = (uint32_t)get_integer(r, pair, "padding", UINT32_MAX)};
        const struct pair *last = &round->pairs[i];
        if (paired_value(&last->a, r->c->metric) <= 0 || paired_value(&last->b, r->c->metric) <= 0)
            refuse(r, "samples", "of runs that took any of the metric");
        counted += !last->dropped;
    }
    if (counted > VERDICT_PAIRS)
        refuse(r, "samples", "as few as a comparison takes");
}

static void read_rounds(struct reader *r, const json_t *root) {
    struct comparison *c = r->c;
    const json_t *array = get_array(r, root, "rounds", COMPARISON_ROUNDS);
    for (size_t i = 0; i < json_array_size(array) && !r->failed; i++) {
        const json_t *object = json_array_get(array, i);
        struct comparison_round *round = &c->rounds[c->rounds_n++];
        round->seed = get_integer(r, object, "seed", INT64_MAX);
        round->alpha = get_number(r, object, "alpha", 1e-9, 0.5);
        read_pairs(r, object, round);
    }
}

static void read_rule(struct reader *r, const json_t *root) {
    struct comparison *c = r->c;
    const json_t *object = get_object(r, root, "rule");
    c->rule = (struct verdict_rule){.alpha = get_number(r, object, "alpha", 1e-9, 0.5),
                                    .beta = get_number(r, object, "beta", 1e-9, 0.5),
                                    .certain = get_number(r, object, "certain", 0, 10),
                                    .large = get_number(r, object, "large", 0, 10),
                                    .harmless = get_number(r, object, "harmless", 0, 10)};
    const json_t *looks = get_array(r, object, "looks", VERDICT_LOOKS);
    bool usual = json_array_size(looks) == VERDICT_LOOKS;
    for (size_t i = 0; usual && i < VERDICT_LOOKS; i++)
        usual = json_integer_value(json_array_get(looks, i)) == verdict_looks[i];
    json_int_t only = json_integer_value(json_array_get(looks, 0));
    if (!usual && (json_array_size(looks) != 1 || only < 1 || only > VERDICT_PAIRS))
        refuse(r, "looks", "a number of pairs, or those that this version looks at");
    c->pairs = usual || r->failed ? 0 : (uint32_t)only;
}

static void read_side(struct reader *r, const json_t *object, struct comparison_side *side) {
    const char *key, *digest;
    json_t *value;
    side->shown = get_text(r, object, "shown");
    side->kind = get_text(r, object, "kind");
    side->version = get_text(r, object, "version");
    digest = get_text(r, object, "digest");
    side->known = digest != NULL;
    if (digest && !digest_parse(str_of(digest), &side->digest))
        refuse(r, "digest", "32 hexadecimal digits");
    const json_t *work = get_object(r, object, "work");
    json_object_foreach((json_t *)work, key, value) {
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            refuse(r, "work", "made of whole numbers");
        else
            work_add(&side->work, key, (uint64_t)json_integer_value(value));
    }
    work_read_stages(side->stages, object);
}

static void read_host(struct reader *r, const json_t *root) {
    const json_t *object = get_object(r, root, "machine");
    struct host *host = &r->c->host;
    const char *system = get_text(r, object, "system"), *cpu = get_text(r, object, "cpu"),
               *used = get_text(r, object, "used");
    snprintf(host->system, sizeof host->system, "%s", system ? system : "");
    snprintf(host->cpu, sizeof host->cpu, "%s", cpu ? cpu : "");
    snprintf(host->mask, sizeof host->mask, "%s", used ? used : "");
    host->cpus = (uint32_t)get_integer(r, object, "cpus", UINT32_MAX);
    host->counts_instructions = get_flag(r, object, "counts_instructions");
}

static const char *const *read_texts(struct reader *r, const json_t *root, const char *key, size_t *n) {
    const json_t *array = get_array(r, root, key, ARGUMENTS_MOST);
    *n = json_array_size(array);
    const char **texts = ARENA_NEW_ARRAY(&r->c->arena, const char *, *n + 1);
    if (!texts)
        mem_fail(*n);
    for (size_t i = 0; i < *n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        texts[i] = comparison_keep(r->c, text ? text : "?");
    }
    return texts;
}

static void read_metric(struct reader *r, const json_t *root) {
    const char *metric = get_text(r, root, "metric");
    while (metric && r->c->metric < PAIRED_METRICS && strcmp(metric, paired_metric_name(r->c->metric)) != 0)
        r->c->metric++;
    if (!metric || r->c->metric == PAIRED_METRICS) {
        r->c->metric = PAIRED_CPU;
        refuse(r, "metric", "one that there is");
    }
}

static void read_document(struct reader *r, const json_t *root, const char **stored) {
    struct comparison *c = r->c;
    if (json_integer_value(json_object_get(root, "comparison")) != COMPARISON_FORMAT) {
        refuse(r, "comparison", "1, as this version writes it");
        return;
    }
    *stored = get_text(r, root, "verdict");
    read_metric(r, root);
    read_rule(r, root);
    c->interrupted = get_flag(r, root, "interrupted");
    c->confirm = get_flag(r, root, "confirm");
    c->compares_output = get_flag(r, root, "compares_output");
    c->accepted = read_texts(r, root, "accepted", &c->accepted_n);
    c->arguments = read_texts(r, root, "arguments", &c->arguments_n);
    c->program = get_text(r, root, "program");
    c->started = get_text(r, root, "started");
    read_host(r, root);
    read_side(r, get_object(r, root, "a"), &c->sides[0]);
    read_side(r, get_object(r, root, "b"), &c->sides[1]);
    read_rounds(r, root);
}

enum status comparison_from_json(struct comparison *c, const json_t *root, const char **stored,
                                 struct err *err) {
    struct reader r = {.c = c, .err = err};
    *stored = NULL;
    read_document(&r, root, stored);
    return r.failed ? STATUS_DATA : STATUS_OK;
}

enum status comparison_read_json(struct comparison *c, struct str text, const char **stored,
                                 struct err *err) {
    json_error_t error;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return err_set(err, STATUS_DATA, "%d:%d: %s", error.line, error.column, error.text);
    enum status status = comparison_from_json(c, root, stored, err);
    json_decref(root);
    return status;
}
