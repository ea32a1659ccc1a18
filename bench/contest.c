// SPDX-License-Identifier: MIT
#include "bench/contest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/contest_sample.h"
#include "bench/random.h"
#include "bench/target.h"

enum { PATH_SIZE = 4096, WORDS = 64, DROPPED_MOST = 32, UNITS = RANKING_MOST * CONTEST_STATES };
static const double stolen_most = 0.1;

const char *const contest_states[CONTEST_STATES] = {"cold", "warm"};

struct runner {
    const struct contest_options *options;
    struct contest_result *result;
    struct random random;
    struct buf printed, errors;
    uint64_t began;
    double first; // seconds until rounds began
    bool has_digest;
};

struct unit { // a run of a round
    uint32_t variant;
    enum contest_state state;
};

static double elapsed(const struct runner *r) {
    const struct clock *clock = r->options->clock;
    return (double)(clock->monotonic(clock->self) - r->began) / 1e9;
}

// ---- one run

struct places {
    char output[PATH_SIZE], cache[PATH_SIZE], history[PATH_SIZE], books[PATH_SIZE], kept[PATH_SIZE];
    char cache_setting[PATH_SIZE + 32];
};

// Paths of a variant; a cold run has a cache of its own, which goes with it.
static enum status find_places(const struct runner *r, const struct unit *unit, struct places *p,
                               struct err *err) {
    const char *scratch = r->options->scratch, *name = r->options->variants[unit->variant].name;
    int n = snprintf(p->output, PATH_SIZE, "%s/%s/output", scratch, name);
    snprintf(p->cache, PATH_SIZE, "%s/%s/cache-%s", scratch, name, contest_states[unit->state]);
    snprintf(p->history, PATH_SIZE, "%s/%s/history", scratch, name);
    snprintf(p->books, PATH_SIZE, "%s/%s/output/" CONTEST_BOOKS, scratch, name);
    snprintf(p->kept, PATH_SIZE, "%s/%s/books.json", scratch, name);
    snprintf(p->cache_setting, sizeof p->cache_setting, "PRESSRUN_CACHE_DIR=%s", p->cache);
    return n + 64 < PATH_SIZE ? STATUS_OK : err_os(err, ENAMETOOLONG, "cannot work in %s", scratch);
}

static void add_words(const char **words, size_t *n, const char *const *more) {
    for (size_t i = 0; more && more[i] && *n < WORDS - 1; i++)
        words[(*n)++] = more[i];
    words[*n] = NULL;
}

static enum status fail(const struct runner *r, const struct unit *unit, const struct process_sample *sample,
                        struct err *err) {
    struct str said = target_last_lines(buf_str(&r->errors));
    return err_set(err, STATUS_DATA, "%s: the run ended with exit code %d%s%.*s",
                   r->options->variants[unit->variant].name, sample->exit_code, said.n ? "; it said: " : "",
                   STR_ARG(said));
}

static enum status execute(struct runner *r, const struct unit *unit, const struct places *p,
                           struct contest_sample *sample, struct err *err) {
    const struct contest_options *options = r->options;
    const char *const variables[] = {p->cache_setting,    "PRESSRUN_REDIS=off",
                                     "PRESSRUN_CACHE",    "PRESSRUN_JOBS",
                                     "PRESSRUN_STRATEGY",
                                     "MAKEFLAGS", // with a jobserver, which would share out workers
                                     "PRESSRUN_HISTORY",  NULL};
    const char *words[WORDS] = {options->program, "run", "--json", "-o", p->output, "--history", p->history};
    size_t n = 7;
    if (options->manifest)
        add_words(words, &n, (const char *const[]){"-f", options->manifest, NULL});
    add_words(words, &n, options->variants[unit->variant].words);
    add_words(words, &n, options->more);
    struct process_command command = {.arguments = words,
                                      .cpus = options->cpus,
                                      .variables = variables,
                                      .keeps_end = true,
                                      .interrupt = options->interrupt};
    if (process_run(&command, &sample->process, &r->printed, &r->errors, err) != STATUS_OK)
        return err->status;
    if (sample->process.interrupted)
        return err_set(err, STATUS_CANCELLED, "interrupted");
    return sample->process.exit_code <= 1 ? STATUS_OK : fail(r, unit, &sample->process, err);
}

// The first run says what all others are to make.
static enum status check(struct runner *r, const struct unit *unit, const struct contest_made *made,
                         struct err *err) {
    struct contest_result *result = r->result;
    const char *name = r->options->variants[unit->variant].name, *first = r->options->variants[0].name;
    char ours[DIGEST_HEX_SIZE], theirs[DIGEST_HEX_SIZE];
    if (!r->has_digest) {
        r->has_digest = true;
        result->digest = made->digest;
        result->outputs = made->outputs;
        result->failed = made->failed;
    }
    result->differing = !digest_equal(made->digest, result->digest) || made->failed != result->failed;
    if (!result->differing)
        return STATUS_OK;
    digest_hex(made->digest, ours);
    digest_hex(result->digest, theirs);
    if (unit->variant == 0 && made->failed == result->failed)
        return err_set(err, STATUS_DATA, "%s does not make the same outputs each time (%s, then %s)", first,
                       theirs, ours);
    if (made->failed != result->failed)
        return err_set(err, STATUS_DATA, "%s failed to make %llu outputs, %s %llu", name,
                       (unsigned long long)made->failed, first, (unsigned long long)result->failed);
    return err_set(err, STATUS_DATA, "%s makes other outputs (%s) than %s (%s)", name, ours, first, theirs);
}

static enum status run_unit(struct runner *r, const struct unit *unit, uint32_t round,
                            struct contest_sample *sample, struct err *err) {
    const struct contest_options *options = r->options;
    struct places p;
    struct contest_made made;
    *sample = (struct contest_sample){0};
    if (options->progress)
        options->progress(options->self, options->variants[unit->variant].name, round, elapsed(r));
    if (find_places(r, unit, &p, err) != STATUS_OK ||
        (unit->state == CONTEST_WARM && contest_books_copy(options->fs, p.kept, p.books, err) != STATUS_OK))
        return err->status;
    enum status status = execute(r, unit, &p, sample, err);
    if (status == STATUS_OK && !contest_read(buf_str(&r->printed), sample, &made))
        status = fail(r, unit, &sample->process, err); // it made nothing that it could tell of
    if (status == STATUS_OK)
        status = check(r, unit, &made, err);
    if (status == STATUS_OK && unit->state == CONTEST_WARM)
        status = contest_books_copy(options->fs, p.books, p.kept, err);
    target_remove(p.output);
    if (options->variants[unit->variant].candidate)
        target_remove(p.history); // what chooses for itself learns from it
    if (unit->state == CONTEST_COLD)
        target_remove(p.cache);
    return status;
}

// ---- the first runs

// Whether outputs differ by chance, or because of the time, rather than between variants: one that is its own witness.
static void blame(struct runner *r, struct err *err) {
    struct err other;
    struct contest_sample sample;
    const struct unit first = {0, CONTEST_COLD};
    if (run_unit(r, &first, 0, &sample, &other) != STATUS_OK && r->result->differing)
        *err = other;
    r->result->differing = true;
}

// Each variant once: fills its cache, and tells whether all make the same.
static enum status run_first(struct runner *r, struct err *err) {
    enum status status = STATUS_OK;
    for (uint32_t v = 0; v < r->options->variants_n && status == STATUS_OK; v++) {
        const struct unit unit = {v, CONTEST_WARM};
        struct contest_sample sample;
        status = run_unit(r, &unit, 0, &sample, err);
    }
    if (status == STATUS_DATA && r->result->differing)
        blame(r, err);
    r->first = elapsed(r);
    return status;
}

// ---- rounds

static bool is_decided(const struct runner *r, enum contest_state state) {
    const struct contest_result *result = r->result;
    return !r->options->states[state] || result->times[state].rounds >= RANKING_ROUNDS ||
           (result->rankings[state].decided && result->times[state].rounds >= RANKING_FIRST);
}

static bool is_wanted(const struct runner *r, uint32_t variant, enum contest_state state) {
    enum ranking_place place = r->result->rankings[state].places[variant];
    return !is_decided(r, state) && place != RANKING_SLOWER && place != RANKING_ASIDE;
}

static uint32_t draw_units(struct runner *r, struct unit units[UNITS]) {
    uint32_t n = 0;
    for (uint32_t v = 0; v < r->options->variants_n; v++)
        for (int state = 0; state < CONTEST_STATES; state++)
            if (is_wanted(r, v, (enum contest_state)state))
                units[n++] = (struct unit){v, (enum contest_state)state};
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = random_below(&r->random, i);
        struct unit unit = units[k];
        units[k] = units[i - 1];
        units[i - 1] = unit;
    }
    return n;
}

static void rank(struct runner *r, enum contest_state state, bool last) {
    struct contest_result *result = r->result;
    const struct contest_times *times = &result->times[state];
    const uint32_t n = result->candidates_n;
    double seconds[RANKING_ROUNDS * RANKING_MOST];
    struct ranking_rule rule = ranking_rule_default();
    rule.keep = r->options->keep;
    for (uint32_t round = 0; round < times->rounds; round++)
        for (uint32_t c = 0; c < n; c++)
            seconds[round * n + c] = times->seconds[round * result->variants_n + c];
    result->rankings[state] =
        ranking_of(&(struct ranking_times){seconds, times->spent, times->rounds, n}, &rule, last);
}

// Whether the host took too much of the runs of one state: a rule that does not know which of them is which.
static bool is_disturbed(const struct unit *units, const struct contest_sample *samples, uint32_t n,
                         enum contest_state state) {
    double stolen = 0, seconds = 0;
    for (uint32_t i = 0; i < n; i++)
        if (units[i].state == state) {
            stolen += samples[i].process.stolen;
            seconds += samples[i].process.wall;
        }
    return stolen > stolen_most * seconds && stolen > 1.5 * process_stolen_step();
}

static void take_round(struct runner *r, enum contest_state state, const struct unit *units,
                       const struct contest_sample *samples, uint32_t n) {
    struct contest_times *times = &r->result->times[state];
    double *row = times->seconds + (size_t)times->rounds * r->result->variants_n;
    for (uint32_t i = 0; i < n; i++) {
        if (units[i].state != state)
            continue;
        struct contest_series *series = &r->result->series[units[i].variant][state];
        MEM_GROW(series->samples, series->cap, series->n + 1);
        series->samples[series->n++] = samples[i];
        row[units[i].variant] = samples[i].process.wall;
    }
    double spent = (elapsed(r) - r->first) / (r->options->budget - r->first);
    times->spent[times->rounds++] = spent >= 0 && spent <= 1 ? spent : 1;
}

static enum status run_round(struct runner *r, struct err *err) {
    struct unit units[UNITS];
    struct contest_sample samples[UNITS];
    bool was_decided[CONTEST_STATES];
    uint32_t n = draw_units(r, units), round = r->result->times[0].rounds + r->result->times[0].dropped;
    if (round < r->result->times[1].rounds + r->result->times[1].dropped)
        round = r->result->times[1].rounds + r->result->times[1].dropped;
    for (uint32_t i = 0; i < n; i++)
        if (run_unit(r, &units[i], round + 1, &samples[i], err) != STATUS_OK)
            return err->status;
    for (int state = 0; state < CONTEST_STATES; state++)
        was_decided[state] = is_decided(r, (enum contest_state)state);
    for (int s = 0; s < CONTEST_STATES; s++) {
        const enum contest_state state = (enum contest_state)s;
        if (was_decided[state])
            continue;
        if (is_disturbed(units, samples, n, state)) {
            if (++r->result->times[state].dropped > DROPPED_MOST)
                return err_set(err, STATUS_DATA,
                               "the host took too much time from %d rounds: this machine is too busy",
                               DROPPED_MOST + 1);
            continue;
        }
        take_round(r, state, units, samples, n);
        rank(r, state, false);
    }
    return STATUS_OK;
}

// At least one round: a comparison without any time says nothing.
static enum status run_rounds(struct runner *r, struct err *err) {
    enum status status = STATUS_OK;
    double longest = 0;
    bool some = false;
    while (status == STATUS_OK && !(is_decided(r, CONTEST_COLD) && is_decided(r, CONTEST_WARM)) &&
           !(some && elapsed(r) + longest / 2 > r->options->budget)) {
        double before = elapsed(r);
        status = run_round(r, err);
        longest = elapsed(r) - before;
        some = true;
    }
    for (int state = 0; state < CONTEST_STATES; state++)
        if (r->options->states[state])
            rank(r, (enum contest_state)state, true);
    return status;
}

// ---- all of it

static enum status make_directories(const struct contest_options *options, struct err *err) {
    for (uint32_t v = 0; v < options->variants_n; v++) {
        char path[PATH_SIZE];
        int n = snprintf(path, sizeof path, "%s/%s", options->scratch, options->variants[v].name);
        int failed = n < PATH_SIZE ? fs_make_dirs(options->fs, AT_FDCWD, path, 0777) : -ENAMETOOLONG;
        if (failed < 0)
            return err_os(err, -failed, "cannot make %s", path);
    }
    return STATUS_OK;
}

enum status contest_run(const struct contest_options *options, struct contest_result *result,
                        struct err *err) {
    struct runner r = {.options = options,
                       .result = result,
                       .random = {options->seed},
                       .printed = BUF_INIT,
                       .errors = BUF_INIT,
                       .began = options->clock->monotonic(options->clock->self)};
    *result = (struct contest_result){.variants = options->variants, .variants_n = options->variants_n};
    while (result->candidates_n < options->variants_n && options->variants[result->candidates_n].candidate)
        result->candidates_n++;
    for (int state = 0; state < CONTEST_STATES; state++)
        result->states[state] = options->states[state];
    enum status status = make_directories(options, err);
    if (status == STATUS_OK)
        status = run_first(&r, err);
    if (status == STATUS_OK)
        status = run_rounds(&r, err);
    result->interrupted = status == STATUS_CANCELLED;
    result->seconds = elapsed(&r);
    buf_release(&r.printed);
    buf_release(&r.errors);
    return result->interrupted ? STATUS_OK : status;
}

void contest_release(struct contest_result *result) {
    for (uint32_t v = 0; v < RANKING_MOST; v++)
        for (int state = 0; state < CONTEST_STATES; state++)
            mem_free(result->series[v][state].samples);
    *result = (struct contest_result){0};
}
