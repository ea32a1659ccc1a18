// SPDX-License-Identifier: MIT
#include <jansson.h>

#include "bench/selftest.h"
#include "monitor/json_line.h"

enum { DIGITS = 9 };

static json_t *real_or_null(double x) {
    return x > 0 ? json_real(x) : json_null();
}

static json_t *rates_json(const struct selftest_figures *f) {
    json_t *array = json_array();
    for (size_t i = 0; i < f->rates_n; i++) {
        const struct selftest_rate *rate = &f->rates[i];
        json_t *object = json_object();
        json_object_set_new(object, "id", json_string(rate->id));
        json_object_set_new(object, "what", json_string(rate->what));
        json_object_set_new(object, "hits", json_integer((json_int_t)rate->hits));
        json_object_set_new(object, "n", json_integer((json_int_t)rate->n));
        json_object_set_new(object, "rate",
                            rate->n ? json_real((double)rate->hits / (double)rate->n) : json_null());
        json_object_set_new(object, "low", json_real(rate->low));
        json_object_set_new(object, "high", json_real(rate->high));
        json_object_set_new(object, "at_least", rate->at_least > 0 ? json_real(rate->at_least) : json_null());
        json_object_set_new(object, "at_most", rate->at_most < 1 ? json_real(rate->at_most) : json_null());
        json_object_set_new(object, "state", json_string(selftest_states[rate->state]));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *levels_json(const struct selftest *s) {
    json_t *array = json_array();
    for (size_t i = 0; i < s->levels_n; i++) {
        struct comparison_median ratio = selftest_ratio(&s->levels[i]);
        json_t *object = json_object();
        json_object_set_new(object, "percent", json_real(s->levels[i].percent));
        json_object_set_new(object, "comparisons", json_integer((json_int_t)s->levels[i].n));
        json_object_set_new(object, "pairs_mean", json_real(selftest_mean_pairs(&s->levels[i])));
        json_object_set_new(object, "ratio", real_or_null(ratio.value));
        json_object_set_new(object, "ratio_low", real_or_null(ratio.low));
        json_object_set_new(object, "ratio_high", real_or_null(ratio.high));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *suites_json(const struct selftest_figures *f) {
    json_t *array = json_array();
    for (int i = 0; i < 2; i++) {
        uint64_t benchmarks = (uint64_t)f->suites[i].suites * SELFTEST_SUITE;
        json_t *object = json_object();
        json_object_set_new(object, "noise", json_real(f->suites[i].scale));
        json_object_set_new(object, "suites", json_integer(f->suites[i].suites));
        json_object_set_new(object, "benchmarks", json_integer(SELFTEST_SUITE));
        json_object_set_new(object, "pairs_mean",
                            benchmarks ? json_real((double)f->suites[i].result.pairs / (double)benchmarks)
                                       : json_null());
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *machine_json(const struct host *host) {
    json_t *object = json_object();
    json_object_set_new(object, "system", json_string(host->system));
    json_object_set_new(object, "cpu", json_string(host->cpu));
    json_object_set_new(object, "cpus", json_integer(host->cpus));
    json_object_set_new(object, "used", json_string(host->mask));
    return object;
}

void selftest_write_json(const struct selftest *s, const struct selftest_figures *f, struct buf *out) {
    json_t *object = json_object(), *operation = json_object(), *noise = json_object();
    json_object_set_new(object, "selftest", json_integer(1));
    json_object_set_new(object, "state", json_string(selftest_states[f->state]));
    json_object_set_new(object, "program", s->program ? json_string(s->program) : json_null());
    json_object_set_new(object, "started", s->started ? json_string(s->started) : json_null());
    json_object_set_new(object, "machine", machine_json(&s->host));
    json_object_set_new(operation, "records", json_integer(s->operation.records));
    json_object_set_new(operation, "cpu_seconds", json_real(s->operation.seconds));
    json_object_set_new(operation, "share_per_step", json_real(s->operation.share_per_step));
    json_object_set_new(object, "operation", operation);
    json_object_set_new(object, "pairs", json_integer((json_int_t)s->pairs));
    json_object_set_new(object, "dropped", json_integer((json_int_t)s->dropped));
    json_object_set_new(object, "seconds", json_real(s->seconds));
    json_object_set_new(noise, "pairs", json_integer((json_int_t)s->differences_n));
    json_object_set_new(noise, "median", json_real(f->middle));
    json_object_set_new(noise, "p90", json_real(f->most));
    json_object_set_new(object, "noise", noise);
    json_object_set_new(object, "rates", rates_json(f));
    json_object_set_new(object, "comparisons", levels_json(s));
    json_object_set_new(object, "suites", suites_json(f));
    json_line_add(object, DIGITS, out);
}
