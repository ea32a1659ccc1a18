// SPDX-License-Identifier: MIT
// Contests between variants of a program that only says that it is pressrun: what they are given, what is refused, what stays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "bench/contest_figures.h"
#include "tests/support/scene.h"

// Each behaves as its name says, and writes down what it found.
static const char program[] =
    "#!/bin/sh\n"
    "here=$(dirname \"$0\")\n"
    "while [ $# -gt 0 ]; do case $1 in --strategy) name=$2;; -o) out=$2;; --history) history=$2;; esac; "
    "shift; done\n"
    "cache=empty; [ -e \"$PRESSRUN_CACHE_DIR\" ] && cache=filled\n"
    "output=new; [ -e \"$out/x\" ] && output=old\n"
    "runs=$(cat \"$out/.pressrun/cache.json\" 2>/dev/null || echo 0)\n"
    "echo \"$name $output $(basename \"$PRESSRUN_CACHE_DIR\") $cache $runs $PRESSRUN_REDIS"
    " ${PRESSRUN_CACHE-unset} ${PRESSRUN_JOBS-unset} ${PRESSRUN_STRATEGY-unset}\" >> \"$here/log\"\n"
    "mkdir -p \"$out/.pressrun\" \"$history\" \"$PRESSRUN_CACHE_DIR\"\n"
    "echo 1 > \"$out/x\"; echo $((runs + 1)) > \"$out/.pressrun/cache.json\"\n"
    "digest=00000000000000000000000000000001; failed=0; code=0; workers=1\n"
    "case $name in\n"
    "other) digest=00000000000000000000000000000002;;\n"
    "moody) digest=$(printf %032x $(wc -l < \"$here/log\"));;\n"
    "broken) echo 'no such thing' >&2; exit 2;;\n"
    "mute) exit 0;;\n"
    "failing*) failed=3; code=1;;\n"
    "slow) sleep 0.1; workers=2;;\n"
    "esac\n"
    "echo 'an output on the way'\n"
    "echo \"{\\\"digest\\\": \\\"$digest\\\", \\\"failed\\\": $failed, \\\"rendered\\\": 7, \\\"workers\\\": "
    "$workers, "
    "\\\"seconds\\\": 0.5, \\\"stage_seconds\\\": {\\\"load\\\": 0.1, \\\"render\\\": 0.35}, \\\"cache\\\": "
    "{\\\"render\\\": {\\\"hits\\\": 3, \\\"misses\\\": 1}}}\"\n"
    "exit $code\n";

struct stage {
    struct scene scene;
    char program[300], scratch[300];
    struct contest_variant variants[RANKING_MOST];
    struct contest_options options;
    struct clock clock;
    struct contest_result result;
    struct err err;
    atomic_bool interrupt;
    uint32_t runs, interrupted_at;
};

static void begin(void *self, const char *variant, uint32_t round, double seconds) {
    struct stage *s = self;
    (void)variant;
    (void)round;
    (void)seconds;
    if (++s->runs == s->interrupted_at)
        atomic_store(&s->interrupt, true);
}

// Names, up to NULL; one round each, unless there is a budget.
static enum status play(struct stage *s, const char *const *names, double budget, bool cold, bool warm) {
    for (uint32_t n = 0; names[n]; n++) {
        s->variants[n] = (struct contest_variant){
            .name = names[n], .words = {"--strategy", names[n]}, .candidate = true, .preference = n};
        s->options.variants_n = n + 1;
    }
    s->options.variants = s->variants;
    s->options.program = s->program;
    s->options.scratch = s->scratch;
    s->options.states[CONTEST_COLD] = cold;
    s->options.states[CONTEST_WARM] = warm;
    s->options.budget = budget;
    s->options.fs = &s->scene.fs;
    s->options.clock = &s->clock;
    s->options.interrupt = &s->interrupt;
    s->options.self = s;
    s->options.progress = begin;
    return contest_run(&s->options, &s->result, &s->err);
}
#define PLAY(s, budget, cold, warm, ...) play(s, (const char *const[]){__VA_ARGS__, NULL}, budget, cold, warm)

static void open_stage(struct stage *s) {
    *s = (struct stage){.clock = clock_system()};
    scene_open(&s->scene);
    put_text(&s->scene, "pressrun", program);
    snprintf(s->program, sizeof s->program, "%s/pressrun", s->scene.path);
    snprintf(s->scratch, sizeof s->scratch, "%s/scratch", s->scene.path);
    assert_int_equal(chmod(s->program, 0755), 0);
}

static void close_stage(struct stage *s) {
    contest_release(&s->result);
    scene_close(&s->scene);
}

// How many lines of the log have these words.
static uint32_t count_lines(const struct stage *s, const char *words) {
    struct buf log = get_file(&s->scene, "log");
    uint32_t n = 0;
    char *rest = log.p ? (char *)(uintptr_t)buf_text(&log) : NULL;
    for (const char *line = rest ? strtok_r(rest, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        n += strstr(line, words) != NULL;
    buf_release(&log);
    return n;
}

// ---- what a run is given

static void test_places(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s);
    setenv("PRESSRUN_CACHE", "off", 1);
    setenv("PRESSRUN_JOBS", "7", 1);
    setenv("PRESSRUN_STRATEGY", "balanced", 1);
    assert_int_equal(PLAY(&s, 0.01, true, true, "a", "b"), STATUS_OK);
    assert_int_equal(count_lines(&s, " old "), 0);  // a directory that is new, each time
    assert_int_equal(count_lines(&s, "a new "), 3); // first, cold, warm
    assert_int_equal(count_lines(&s, "b new "), 3);
    assert_int_equal(count_lines(&s, "cache-warm empty 0 off unset unset unset"), 2); // the first of each
    assert_int_equal(count_lines(&s, "cache-warm filled 1 off unset unset unset"), 2);
    assert_int_equal(count_lines(&s, "cache-cold empty 0 off"), 2);
    for (int i = 0; i < CONTEST_STATES; i++) {
        assert_int_equal(s.result.times[i].rounds, 1);
        assert_int_equal(s.result.series[0][i].n, 1);
        assert_false(s.result.rankings[i].decided);
    }
    struct contest_figure peak = contest_figure(&s.result, 0, CONTEST_COLD, CONTEST_PEAK);
    assert_true(peak.median > 0);
    int render = 0;
    while (strcmp(contest_rates[render], "render") != 0)
        render++;
    assert_true(contest_rate(&s.result, 0, CONTEST_WARM, render) == 0.75);
    assert_true(contest_rate(&s.result, 0, CONTEST_WARM, 0) == -1);
    assert_true(fabs(contest_busy(&s.result, 0, CONTEST_WARM) - 0.9) < 1e-9);
    assert_int_equal(s.result.outputs, 7);
    unsetenv("PRESSRUN_CACHE");
    unsetenv("PRESSRUN_JOBS");
    unsetenv("PRESSRUN_STRATEGY");
    close_stage(&s);
}

// ---- what is no contest

static void assert_refused(const char *a, const char *b, bool differing, const char *words) {
    struct stage s;
    open_stage(&s);
    assert_int_equal(PLAY(&s, 0.01, true, false, a, b), STATUS_DATA);
    assert_non_null(strstr(s.err.text, words));
    assert_int_equal(s.result.differing, differing);
    assert_int_equal(s.result.times[0].rounds, 0); // nothing was timed
    close_stage(&s);
}

static void test_refused(void **state) {
    (void)state;
    assert_refused("same", "other", true,
                   "other makes other outputs (00000000000000000000000000000002) than same (");
    assert_refused("moody", "same", true, "moody does not make the same outputs each time");
    assert_refused("same", "broken", false, "broken: the run ended with exit code 2; it said: no such thing");
    assert_refused("mute", "same", false, "mute: the run ended with exit code 0");
    assert_refused("same", "failing", true, "failing failed to make 3 outputs, same 0");
}

// What fails is no reason not to compare, as long as it is the same.
static void test_failing(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s);
    assert_int_equal(PLAY(&s, 0.01, true, false, "failing1", "failing2"), STATUS_OK);
    assert_int_equal(s.result.failed, 3);
    close_stage(&s);
}

static void test_no_program(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s);
    snprintf(s.program, sizeof s.program, "%s/nothing", s.scene.path);
    assert_int_equal(PLAY(&s, 0.01, true, false, "a", "b"), STATUS_IO);
    close_stage(&s);
}

// ---- the end

static void test_interrupted(void **state) {
    (void)state;
    for (uint32_t at = 1; at <= 6; at++) {
        struct stage s;
        open_stage(&s);
        s.interrupted_at = at;
        assert_int_equal(PLAY(&s, 100, true, true, "a", "slow"), STATUS_OK);
        assert_true(s.result.interrupted);
        assert_int_equal(s.runs, at);
        assert_int_equal(s.result.times[0].rounds, 0); // half a round is none
        close_stage(&s);
    }
}

static void test_decided(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s);
    assert_int_equal(PLAY(&s, 20, true, false, "slow", "quick"), STATUS_OK);
    const struct ranking *ranking = &s.result.rankings[CONTEST_COLD];
    assert_true(ranking->decided);
    assert_int_equal(ranking->leader, 1);
    assert_int_equal(ranking->places[0], RANKING_SLOWER);
    assert_true(s.result.times[0].rounds < RANKING_ROUNDS);
    assert_true(contest_ratio(&s.result, CONTEST_COLD, 0, 1).estimate < 1);
    uint32_t order[RANKING_MOST];
    assert_int_equal(contest_order(&s.result, CONTEST_COLD, order), 2);
    assert_true(order[0] == 1 && order[1] == 0);
    struct buf text = BUF_INIT;
    contest_write_reason(&s.result, CONTEST_COLD, 0, &text);
    assert_non_null(strstr(buf_text(&text),
                           "less time than slow; 75 % of the outputs came from the cache; its 1 worker"));
    buf_release(&text);
    close_stage(&s);
}

static void test_one_alone(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s);
    assert_int_equal(PLAY(&s, 100, false, true, "a"), STATUS_OK);
    assert_true(s.result.rankings[CONTEST_WARM].decided);
    assert_int_equal(s.result.series[0][CONTEST_WARM].n, RANKING_FIRST);
    assert_int_equal(s.result.series[0][CONTEST_COLD].n, 0);
    close_stage(&s);
}

// ---- what is recommended, of made-up figures

static struct contest_sample sample_of(double wall, uint32_t workers) {
    return (struct contest_sample){
        .process.wall = wall, .workers = workers, .seconds = wall, .busy_seconds = wall / 2};
}

static void test_recommended(void **state) {
    (void)state;
    static const struct contest_variant variants[] = {
        {.name = "minimal", .candidate = true, .preference = 1},
        {.name = "parallel", .candidate = true, .preference = 2},
        {.name = "sequential", .candidate = true, .preference = 0}};
    struct contest_sample samples[] = {sample_of(1, 1), sample_of(0.99, 2), sample_of(1.01, 1)};
    struct contest_result result = {
        .variants = variants, .variants_n = 3, .candidates_n = 3, .states = {true, false}};
    for (uint32_t v = 0; v < 3; v++) {
        result.series[v][0] = (struct contest_series){.samples = &samples[v], .n = 1};
        result.times[0].seconds[v] = samples[v].process.wall;
    }
    result.times[0].rounds = 1;
    result.rankings[0] = (struct ranking){
        .decided = true, .leader = 1, .places = {RANKING_EQUAL, RANKING_LEADER, RANKING_EQUAL}};
    assert_int_equal(contest_recommended(&result, CONTEST_COLD), 2); // fewest workers, then preference
    struct buf text = BUF_INIT;
    contest_write_reason(&result, CONTEST_COLD, 0, &text);
    assert_string_equal(
        buf_text(&text),
        "as fast as parallel (within 3 %), with fewer workers; its 1 worker was busy 50 % of the time");
    buf_clear(&text);
    assert_true(contest_write_idle(&result, CONTEST_COLD, 0, 1, &text));
    assert_string_equal(
        buf_text(&text),
        "parallel does not help (0.99 times the time of minimal): its 2 workers were busy 25 % of the time");
    assert_false(contest_write_idle(&result, CONTEST_COLD, 0, 0, &text)); // the base itself
    assert_false(contest_write_idle(&result, CONTEST_COLD, 0, 2, &text)); // what is recommended
    result.rankings[0].decided = false;
    assert_int_equal(contest_recommended(&result, CONTEST_COLD), 1);
    buf_release(&text);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_places),     cmocka_unit_test(test_refused),     cmocka_unit_test(test_failing),
        cmocka_unit_test(test_no_program), cmocka_unit_test(test_interrupted), cmocka_unit_test(test_decided),
        cmocka_unit_test(test_one_alone),  cmocka_unit_test(test_recommended),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
