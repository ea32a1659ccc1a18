// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "cli/strategies_show.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *text_json(const struct buf *text) {
    json_t *value = json_stringn(text->p ? text->p : "", text->n);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *figure_json(struct contest_figure f) {
    return json_pack("{s:f, s:f, s:f}", "median", f.median, "low", f.low, "high", f.high);
}

// Infinite bounds are null.
static json_t *ratio_json(struct ranking_ratio ratio) {
    json_t *object = json_object();
    if (!ratio.rounds) {
        json_decref(object);
        return json_null();
    }
    set(object, "estimate", json_real(ratio.estimate));
    set(object, "low", ratio.low > 0 ? json_real(ratio.low) : json_null());
    set(object, "high", isinf(ratio.high) ? json_null() : json_real(ratio.high));
    return object;
}

static json_t *rates_json(const struct contest_result *result, uint32_t variant, enum contest_state state) {
    json_t *object = json_object();
    for (int i = 0; i < CONTEST_RATES; i++) {
        double rate = contest_rate(result, variant, state, i);
        if (rate >= 0)
            set(object, contest_rates[i], json_real(rate));
    }
    return object;
}

static json_t *samples_json(const struct contest_series *series) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < series->n; i++) {
        const struct contest_sample *s = &series->samples[i];
        json_array_append_new(array, json_pack("{s:f, s:f, s:f, s:f, s:f, s:I}", "wall", s->process.wall,
                                               "user", s->process.user, "system", s->process.system, "run",
                                               s->seconds, "busy", s->busy_seconds, "peak_rss_bytes",
                                               (json_int_t)s->process.peak_rss_bytes));
    }
    return array;
}

static json_t *variant_json(const struct strategies_findings *f, enum contest_state state, uint32_t v) {
    static const char *const names[CONTEST_METRICS] = {"wall_seconds", "cpu_seconds", "peak_rss_bytes"};
    const struct contest_result *result = f->result;
    const bool candidate = v < result->candidates_n;
    json_t *object = json_object();
    set(object, "name", json_string(result->variants[v].name));
    set(object, "place",
        candidate ? json_string(ranking_places[result->rankings[state].places[v]]) : json_null());
    for (int m = 0; m < CONTEST_METRICS; m++)
        set(object, names[m], figure_json(contest_figure(result, v, state, (enum contest_metric)m)));
    set(object, "over_fastest", ratio_json(contest_ratio(result, state, result->rankings[state].leader, v)));
    set(object, "workers", integer(contest_workers(result, v, state)));
    set(object, "busy", json_real(contest_busy(result, v, state)));
    set(object, "hit_rates", rates_json(result, v, state));
    if (f->base >= 0) {
        struct ranking_ratio ratio = contest_ratio(result, state, (uint32_t)f->base, v);
        uint32_t workers = contest_workers(result, v, state);
        set(object, "over_base", ratio_json(ratio));
        set(object, "improvement", ratio.rounds ? json_real(1 - ratio.estimate) : json_null());
        set(object, "speed_up", ratio.rounds ? json_real(1 / ratio.estimate) : json_null());
        set(object, "efficiency",
            ratio.rounds && workers ? json_real(1 / ratio.estimate / workers) : json_null());
    }
    set(object, "samples", samples_json(&result->series[v][state]));
    return object;
}

static json_t *state_json(const struct strategies_findings *f, enum contest_state state) {
    const struct contest_result *result = f->result;
    const struct ranking *ranking = &result->rankings[state];
    json_t *object = json_object(), *variants = json_array();
    uint32_t order[RANKING_MOST], n = contest_order(result, state, order);
    struct buf reason = BUF_INIT;
    contest_write_reason(result, state, f->base, &reason);
    set(object, "decided", json_boolean(ranking->decided));
    set(object, "rounds", integer(result->times[state].rounds));
    set(object, "dropped", integer(result->times[state].dropped));
    set(object, "fastest", json_string(result->variants[ranking->leader].name));
    set(object, "recommended", json_string(result->variants[contest_recommended(result, state)].name));
    set(object, "reason", text_json(&reason));
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(variants, variant_json(f, state, order[i]));
    set(object, "variants", variants);
    buf_release(&reason);
    return object;
}

static json_t *notes_json(const struct strategies_findings *f, enum contest_state state) {
    json_t *array = json_array();
    struct buf note = BUF_INIT;
    for (uint32_t v = 0; v < f->result->candidates_n; v++) {
        buf_clear(&note);
        if (f->result->series[v][state].n && contest_write_idle(f->result, state, f->base, v, &note))
            json_array_append_new(array, text_json(&note));
    }
    buf_release(&note);
    return array;
}

void strategies_write_json(const struct strategies_findings *f, struct buf *out) {
    const struct contest_result *result = f->result;
    const enum contest_state state = contest_state_of(result);
    char digest[DIGEST_HEX_SIZE];
    json_t *object = json_object(), *manifest = json_string(f->manifest), *states = json_object();
    digest_hex(result->digest, digest);
    set(object, "version", json_string(PRESSRUN_VERSION));
    set(object, "manifest", manifest ? manifest : json_null());
    set(object, "compared", json_string(f->what));
    set(object, "digest", json_string(digest));
    set(object, "outputs", integer(result->outputs));
    set(object, "failed", integer(result->failed));
    set(object, "seed", integer(f->seed));
    set(object, "budget", json_real(f->budget));
    set(object, "seconds", json_real(result->seconds));
    set(object, "base", f->base >= 0 ? json_string(result->variants[f->base].name) : json_null());
    set(object, "decided", json_boolean(result->rankings[state].decided));
    set(object, "recommended", json_string(result->variants[contest_recommended(result, state)].name));
    for (int s = 0; s < CONTEST_STATES; s++)
        if (result->states[s])
            set(states, contest_states[s], state_json(f, (enum contest_state)s));
    set(object, "states", states);
    set(object, "notes", notes_json(f, state));
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    buf_add_text(out, text ? text : "{}");
    buf_add_char(out, '\n');
    free(text);
    json_decref(object);
}
