// SPDX-License-Identifier: MIT
#include "pipeline/strategy/chooser_text.h"

#include <math.h>

static const char *const kinds[CHOOSER_KINDS] = {[CHOOSER_START] = "start",
                                                 [CHOOSER_PROBE] = "probe",
                                                 [CHOOSER_SWITCH] = "switch",
                                                 [CHOOSER_STAY] = "stay"};

static const struct {
    const char *name, *words;
} reasons[CHOOSER_REASONS] = {
    [CHOOSER_ONLY_ONE] = {"only_one", "no other can be had"},
    [CHOOSER_ONE_WORKER] = {"one_worker", "there is one worker, which those that want several could not use"},
    [CHOOSER_REMEMBERED] = {"remembered", "chosen before"},
    [CHOOSER_PREDICTED] = {"predicted", "predicted to take least"},
    [CHOOSER_NO_BENEFIT] = {"no_benefit", "another would save too little"},
    [CHOOSER_WORTH] = {"worth", "it may save more than the try costs"},
    [CHOOSER_GAIN] = {"gain", "it saves more than the change costs"},
    [CHOOSER_TOO_FEW] = {"too_few", "too few batches to try others"},
    [CHOOSER_UNEVEN] = {"uneven", "batches of one dear unit each do not tell which is faster"},
    [CHOOSER_NO_WORTH] = {"no_worth", "no try is worth its cost"},
    [CHOOSER_SPENT] = {"spent", "a tenth of the batches were tries"},
    [CHOOSER_HOPELESS] = {"hopeless", "the try was broken off"},
};

static void write_seconds(struct buf *out, double seconds) {
    double size = fabs(seconds);
    if (!isfinite(seconds))
        buf_add_text(out, "–");
    else if (size < 0.5e-6)
        buf_add_char(out, '0');
    else if (size >= 120)
        buf_printf(out, "%.1f min", seconds / 60);
    else if (size >= 0.9995)
        buf_printf(out, "%.2f s", seconds);
    else if (size >= 0.9995e-3)
        buf_printf(out, "%.3g ms", seconds * 1e3);
    else
        buf_printf(out, "%.3g us", seconds * 1e6);
}

static void write_share(struct buf *out, double share) {
    buf_printf(out, "%.1f %%", 100 * share);
}

// ---- the line

static void write_outcome(const struct chooser_result *r, const char *const *names, struct buf *out) {
    buf_add_text(out, "its batches ");
    if (isfinite(r->predicted)) {
        buf_add_text(out, "predicted ");
        write_seconds(out, r->predicted);
        if (r->first != r->choice)
            buf_printf(out, " (with %s)", names[r->first]);
        buf_add_text(out, ", ");
    }
    buf_add_text(out, "took ");
    write_seconds(out, r->actual);
    if (r->runner_up != r->choice) {
        buf_printf(out, "; next %s, ", names[r->runner_up]);
        write_seconds(out, r->runner_up_seconds);
    }
    buf_add_text(out, "; regret ");
    write_share(out, r->regret);
}

void chooser_write_line(const struct chooser *c, const char *const *names, struct buf *out) {
    struct chooser_result result;
    chooser_result(c, &result);
    buf_printf(out, "%s, chosen by auto; ", names[result.choice]);
    write_outcome(&result, names, out);
    buf_add_char(out, '\n');
}

// ---- the table

enum { NAME_WIDTH = 13, WIDTH = 11 };

// Right-aligned; a dash is one column and three bytes.
static void write_cell(struct buf *out, const struct buf *cell) {
    struct str text = buf_str(cell);
    size_t columns = 0;
    for (size_t i = 0; i < text.n; i++)
        columns += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    for (size_t i = columns; i < WIDTH; i++)
        buf_add_char(out, ' ');
    buf_add_str(out, text);
}

static void write_seconds_cell(struct buf *out, double seconds) {
    struct buf cell = BUF_INIT;
    write_seconds(&cell, seconds);
    write_cell(out, &cell);
    buf_release(&cell);
}

// What is not known of one that could not be chosen is left out.
static void write_candidate(const struct chooser *c, uint32_t s, const char *name, struct buf *out) {
    const struct chooser_candidate *candidate = &c->options.candidates[s];
    const struct chooser_tally *tally = &c->tallies[s];
    struct buf cell = BUF_INIT;
    buf_printf(out, "  %-*s", (int)NAME_WIDTH, name);
    if (!c->fit[s]) {
        buf_add_text(out, candidate->unfit ? "  cannot be had\n" : "  wants more workers than there are\n");
        return;
    }
    write_seconds_cell(out, c->totals[s]);
    buf_printf(&cell, "%.0f %%", 100 * candidate->sigma);
    write_cell(out, &cell);
    buf_clear(&cell);
    write_seconds_cell(out, candidate->startup);
    buf_printf(&cell, "%llu", (unsigned long long)tally->batches);
    write_cell(out, &cell);
    buf_release(&cell);
    write_seconds_cell(out, tally->batches ? tally->seconds / (double)tally->batches : NAN);
    write_seconds_cell(out, c->observed ? chooser_hindsight(c, s) : NAN);
    buf_add_char(out, '\n');
}

static void write_table(const struct chooser *c, const char *const *names, struct buf *out) {
    static const char *const heads[] = {"predicted", "spread", "startup", "batches", "each", "for all"};
    buf_printf(out, "  %-*s", (int)NAME_WIDTH, "");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        buf_printf(out, "%*s", (int)WIDTH, heads[i]);
    buf_add_char(out, '\n');
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        write_candidate(c, s, names[s], out);
}

// ---- the decisions

static void write_start(const struct chooser *c, const struct chooser_step *step, const char *const *names,
                        struct buf *out) {
    buf_printf(out, "starts with %s: %s", names[step->incumbent], reasons[step->reason].words);
    if (step->challenger != step->incumbent && step->reason == CHOOSER_PREDICTED && step->gain > 0 &&
        isfinite(c->totals[step->incumbent])) {
        buf_add_text(out, ", ");
        write_seconds(out, step->gain);
        buf_printf(out, " less than %s", names[step->challenger]);
    }
}

static void write_gain(const struct chooser_step *step, const char *what, struct buf *out) {
    buf_add_text(out, what);
    write_seconds(out, step->gain);
    buf_add_text(out, ", has to be above ");
    write_seconds(out, step->needed);
}

static void write_stay(const struct chooser_step *step, const char *const *names, struct buf *out) {
    buf_printf(out, "stays with %s: %s", names[step->incumbent], reasons[step->reason].words);
    if (step->challenger == step->incumbent)
        return;
    buf_printf(out, " (%s: ", names[step->challenger]);
    if (step->reason == CHOOSER_HOPELESS)
        buf_printf(out, "%.2f times as dear)", step->challenger_seconds / step->incumbent_seconds);
    else {
        write_gain(step, "E ", out);
        buf_add_char(out, ')');
    }
}

static void write_step(const struct chooser *c, const struct chooser_step *step, const char *const *names,
                       struct buf *out) {
    buf_printf(out, "  %8llu  ", (unsigned long long)step->batch);
    switch (step->kind) {
    case CHOOSER_START:
        write_start(c, step, names, out);
        break;
    case CHOOSER_PROBE:
        buf_printf(out, "tries %s: ", names[step->challenger]);
        write_gain(step, "E ", out);
        break;
    case CHOOSER_SWITCH:
        buf_printf(out, "changes from %s to %s: ", names[step->incumbent], names[step->challenger]);
        write_gain(step, "saves ", out);
        break;
    case CHOOSER_STAY:
        write_stay(step, names, out);
        break;
    case CHOOSER_KINDS:
        break;
    }
    if (step->repeated)
        buf_printf(out, ", the last of %u times", (unsigned)step->repeated + 1);
    buf_add_char(out, '\n');
}

void chooser_write_text(const struct chooser *c, const char *const *names, struct buf *out) {
    struct chooser_result result;
    chooser_result(c, &result);
    buf_printf(out, "auto chose %s: ", names[result.choice]);
    write_outcome(&result, names, out);
    buf_add_text(out, "\n\n");
    write_table(c, names, out);
    buf_printf(
        out, "\nAfter so many of %llu batches (%llu of them in %llu %s; E: what a try is expected to gain)\n",
        (unsigned long long)result.batches, (unsigned long long)result.probe_batches,
        (unsigned long long)result.probes, result.probes == 1 ? "try" : "tries");
    for (uint32_t i = 0; i < c->steps_n; i++)
        write_step(c, &c->steps[i], names, out);
    if (c->steps_lost)
        buf_printf(out, "            and %u more\n", (unsigned)c->steps_lost);
}

// ---- JSON

static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *candidate_json(const struct chooser *c, uint32_t s, const char *name) {
    const struct chooser_candidate *candidate = &c->options.candidates[s];
    json_t *object = json_object();
    json_object_set_new(object, "strategy", json_string(name));
    json_object_set_new(object, "considered", json_boolean(c->fit[s]));
    json_object_set_new(object, "workers", integer(candidate->workers));
    json_object_set_new(object, "startup_seconds", number(candidate->startup));
    json_object_set_new(object, "predicted_seconds", number(c->totals[s]));
    json_object_set_new(object, "spread", number(candidate->sigma));
    json_object_set_new(object, "batches", integer(c->tallies[s].batches));
    json_object_set_new(object, "seconds", number(c->tallies[s].seconds));
    json_object_set_new(object, "seconds_for_all",
                        c->fit[s] && c->observed ? number(chooser_hindsight(c, s)) : json_null());
    return object;
}

static json_t *step_json(const struct chooser_step *step, const char *const *names) {
    json_t *object = json_object();
    json_object_set_new(object, "batch", integer(step->batch));
    json_object_set_new(object, "decision", json_string(kinds[step->kind]));
    json_object_set_new(object, "reason", json_string(reasons[step->reason].name));
    json_object_set_new(object, "incumbent", json_string(names[step->incumbent]));
    json_object_set_new(object, "challenger",
                        step->challenger == step->incumbent ? json_null()
                                                            : json_string(names[step->challenger]));
    json_object_set_new(object, "incumbent_seconds", number(step->incumbent_seconds));
    json_object_set_new(object, "challenger_seconds", number(step->challenger_seconds));
    json_object_set_new(object, "spread", number(step->sigma));
    json_object_set_new(object, "gain_seconds", number(step->gain));
    json_object_set_new(object, "needed_seconds", number(step->needed));
    json_object_set_new(object, "times", integer((uint64_t)step->repeated + 1));
    return object;
}

json_t *chooser_json(const struct chooser *c, const char *const *names) {
    struct chooser_result r;
    json_t *object = json_object(), *candidates = json_array(), *steps = json_array();
    chooser_result(c, &r);
    json_object_set_new(object, "choice", json_string(names[r.choice]));
    json_object_set_new(object, "first", json_string(names[r.first]));
    json_object_set_new(object, "runner_up",
                        r.runner_up == r.choice ? json_null() : json_string(names[r.runner_up]));
    json_object_set_new(object, "predicted_seconds", number(r.predicted));
    json_object_set_new(object, "seconds", number(r.actual));
    json_object_set_new(object, "runner_up_seconds",
                        r.runner_up == r.choice ? json_null() : number(r.runner_up_seconds));
    json_object_set_new(object, "best_seconds", number(r.best_seconds));
    json_object_set_new(object, "regret", number(r.regret));
    json_object_set_new(object, "batches", integer(r.batches));
    json_object_set_new(object, "probes", integer(r.probes));
    json_object_set_new(object, "probe_batches", integer(r.probe_batches));
    json_object_set_new(object, "switches", integer(r.switches));
    for (uint32_t s = 0; s < c->options.candidates_n; s++)
        json_array_append_new(candidates, candidate_json(c, s, names[s]));
    for (uint32_t i = 0; i < c->steps_n; i++)
        json_array_append_new(steps, step_json(&c->steps[i], names));
    json_object_set_new(object, "candidates", candidates);
    json_object_set_new(object, "decisions", steps);
    json_object_set_new(object, "decisions_lost", integer(c->steps_lost));
    return object;
}
