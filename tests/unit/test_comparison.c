// SPDX-License-Identifier: MIT
// Comparisons that were made up: what decides, what is written and read again, and suites of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/comparison_json.h"
#include "bench/counter.h"
#include "bench/quantiles.h"
#include "bench/random.h"
#include "bench/suites.h"
#include "bench/target.h"

// ---- making one up

static struct process_sample sample_of(double seconds) {
    return (struct process_sample){
        .wall = seconds, .user = seconds * 0.75, .system = seconds * 0.25, .peak_rss_bytes = 1000000};
}

// B takes `ratio` times as long, with noise of at most 1 %.
static void add_round(struct comparison *c, double ratio, uint32_t pairs) {
    struct random random = {c->rounds_n + 1};
    struct comparison_round *round = &c->rounds[c->rounds_n];
    *round = (struct comparison_round){.seed = c->rounds_n, .alpha = comparison_rule(c, c->rounds_n).alpha};
    c->rounds_n++;
    round->pairs = MEM_NEW_ARRAY(struct pair, pairs);
    for (; round->pairs_n < pairs; round->pairs_n++)
        round->pairs[round->pairs_n] =
            (struct pair){.a = sample_of(0.1 + 0.001 * random_unit(&random)),
                          .b = sample_of(ratio * (0.1 + 0.001 * random_unit(&random))),
                          .b_first = random_next(&random) & 1};
}

static void init(struct comparison *c) {
    comparison_init(c);
    c->program = "pressrun 1.0";
    c->started = "2026-01-31T12:00:00Z";
    for (int which = 0; which < 2; which++) {
        c->sides[which].shown = which ? "b" : "a";
        c->sides[which].kind = "command";
        c->sides[which].known = true;
        c->sides[which].digest = (struct digest){1, 2};
    }
}

static void assert_judged(struct comparison *c, enum verdict verdict, enum judgement_reason reason) {
    struct judgement judgement = comparison_judge(c);
    assert_string_equal(verdict_name(judgement.verdict), verdict_name(verdict));
    assert_string_equal(judgement_reasons[judgement.reason], judgement_reasons[reason]);
}

// ---- what decides

static void test_what_decides(void **state) {
    (void)state;
    struct comparison c;
    const char *accepted[] = {"render.opcodes"};
    init(&c);
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY);
    add_round(&c, 1, 7);
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY); // before the first look
    mem_free(c.rounds[0].pairs);
    c.rounds_n = 0;
    add_round(&c, 1, 12);
    assert_judged(&c, VERDICT_PASS, JUDGED_BY_PAIRS);
    // Work weighs more than time: 1 % is no growth, more is.
    work_add(&c.sides[0].work, "render.opcodes", 1000);
    work_add(&c.sides[1].work, "render.opcodes", 1010);
    assert_judged(&c, VERDICT_PASS, JUDGED_BY_PAIRS);
    c.sides[1].work.counters[0].value = 1011;
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_WORK);
    assert_string_equal(comparison_grown(&c, 0)->name, "render.opcodes");
    assert_null(comparison_grown(&c, 1));
    c.accepted = accepted;
    c.accepted_n = 1;
    assert_judged(&c, VERDICT_PASS, JUDGED_BY_PAIRS);
    work_add(&c.sides[0].work, "load.records", 0);
    work_add(&c.sides[1].work, "load.records", 1); // from nothing
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_WORK);
    c.sides[0].work.counters[1].value = 100; // less is fine
    assert_judged(&c, VERDICT_PASS, JUDGED_BY_PAIRS);
    work_add(&c.sides[1].work, "load.bytes", 5); // A does not count this
    assert_judged(&c, VERDICT_PASS, JUDGED_BY_PAIRS);
    // Output weighs more than work.
    c.sides[1].digest.low = 3;
    c.accepted_n = 0;
    assert_judged(&c, VERDICT_INVALID, JUDGED_BY_OUTPUT);
    c.compares_output = false;
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_WORK);
    comparison_release(&c);
}

static void test_confirmation(void **state) {
    (void)state;
    struct comparison c;
    init(&c);
    add_round(&c, 1.2, 16);
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_PAIRS);
    c.confirm = true;
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY);
    add_round(&c, 1.2, 16);
    assert_true(c.rounds[1].alpha == 0.05);
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_PAIRS);
    assert_int_equal(comparison_judge(&c).round, 1);
    mem_free(c.rounds[1].pairs);
    c.rounds_n = 1;
    add_round(&c, 1, 16);
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_UNCONFIRMED);
    mem_free(c.rounds[1].pairs);
    c.rounds_n = 1;
    add_round(&c, 1.2, 7); // interrupted
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY);
    comparison_release(&c);
}

// One look where the number of pairs was settled; dropped ones do not count.
static void test_fixed_pairs(void **state) {
    (void)state;
    struct comparison c;
    init(&c);
    add_round(&c, 1.2, 8);
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY); // 8 looks are too early for that
    c.pairs = 8;
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_PAIRS);
    c.rounds[0].pairs[3].dropped = true;
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_TOO_EARLY);
    c.pairs = 7;
    assert_judged(&c, VERDICT_FAIL, JUDGED_BY_PAIRS);
    assert_int_equal(comparison_dropped(&c, 0), 1);
    struct comparison_median median = comparison_median(&c, 0);
    assert_true(median.value >= 0.1 && median.value <= 0.101 && median.low <= median.value && median.bounded);
    assert_true(comparison_ratio(&c, PAIRED_WALL) > 1.18);
    assert_true(comparison_ratio(&c, PAIRED_INSTRUCTIONS) == 0);
    c.pairs = 3;
    assert_judged(&c, VERDICT_INCONCLUSIVE, JUDGED_BY_PAIRS);
    comparison_release(&c);
}

// ---- written and read

static void test_round_trip(void **state) {
    (void)state;
    struct comparison c, again;
    struct buf text = BUF_INIT, second = BUF_INIT;
    const char *stored;
    struct err err;
    init(&c);
    c.confirm = true;
    add_round(&c, 1 + 1e-1 / 3, 96);
    add_round(&c, 1.2, 16);
    work_add(&c.sides[0].work, "load.records", 5);
    comparison_write_json(&c, &text);
    comparison_init(&again);
    assert_int_equal(comparison_read_json(&again, buf_str(&text), &stored, &err), STATUS_OK);
    assert_string_equal(stored, verdict_name(comparison_judge(&c).verdict));
    comparison_write_json(&again, &second);
    assert_true(str_equal(buf_str(&text), buf_str(&second)));
    comparison_release(&again);
    // Every shorter document is refused, and nothing is lost or read twice.
    for (size_t n = 0; n + 1 < text.n; n += 97) {
        comparison_init(&again);
        assert_int_equal(comparison_read_json(&again, (struct str){text.p, n}, &stored, &err), STATUS_DATA);
        comparison_release(&again);
    }
    comparison_release(&c);
    buf_release(&text);
    buf_release(&second);
}

// ---- small things

static void test_digests(void **state) {
    (void)state;
    struct digest digest, again;
    char hex[DIGEST_HEX_SIZE];
    digest = digest_of(STR("x"));
    digest_hex(digest, hex);
    assert_true(digest_parse(str_of(hex), &again) && digest_equal(digest, again));
    assert_false(digest_parse(str_of(hex + 1), &again));
    hex[5] = 'G';
    assert_false(digest_parse(str_of(hex), &again));
    hex[5] = 'A'; // we write small letters
    assert_false(digest_parse(str_of(hex), &again));
}

static void test_masks(void **state) {
    (void)state;
    cpu_set_t set;
    char text[64];
    CPU_ZERO(&set);
    host_write_mask(&set, text, sizeof text);
    assert_string_equal(text, "");
    for (size_t cpu = 0; cpu < 4; cpu++)
        CPU_SET(cpu, &set);
    CPU_SET(6, &set);
    CPU_SET(CPU_SETSIZE - 1, &set);
    host_write_mask(&set, text, sizeof text);
    assert_string_equal(text, "0-3,6,1023");
    host_write_mask(&set, text, 5); // as far as there is room
    assert_string_equal(text, "0-3");
    cpu_set_t one = paired_cpus(PAIRED_CPU), all = paired_cpus(PAIRED_WALL);
    assert_int_equal(CPU_COUNT(&one), 1);
    assert_true(CPU_COUNT(&all) >= 1);
    CPU_AND(&all, &all, &one);
    assert_int_equal(CPU_COUNT(&all), 1);
}

// Other numbers are no work, nor is what is no count.
static void test_work(void **state) {
    (void)state;
    static const char report[] =
        "{\"loaded\": 8, \"seconds\": 3, \"failed\": -1, \"peak_rss_bytes\": 5, \"opcodes\": 9,"
        " \"rendered\": 2.5, \"source_bytes\": 3, \"load.records\": 7, \"nonsense\": 1}";
    json_t *object = json_loads(report, 0, NULL);
    struct work work;
    work_read(&work, object);
    json_decref(object);
    assert_int_equal(work.n, 3);
    assert_int_equal(work_find(&work, "load.records")->value, 8);
    assert_int_equal(work_find(&work, "render.opcodes")->value, 9);
    assert_int_equal(work_find(&work, "load.bytes")->value, 3);
    work_read(&work, NULL);
    assert_int_equal(work.n, 0);
    assert_true(work_is_counter("load.records") && !work_is_counter("run.seconds") && !work_is_counter(""));
    assert_true(!work_is_worse(199, 200) && work_is_worse(199, 201) && work_is_worse(0, 1) &&
                !work_is_worse(5, 4));
    assert_true(work_growth(0, 0) == 0 && isinf(work_growth(0, 1)) && work_growth(100, 103) > 0.029);
}

// A software event stands for the hardware's, which many machines do not have.
static void test_counters(void **state) {
    (void)state;
    if (!counter_exists(COUNTER_TASK_NANOSECONDS)) {
        print_message("skipped: this system lets no process count its children's events\n");
        skip();
    }
    int go[2];
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (read(go[0], &byte, 1) == 1)
            execl("/bin/sh", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done & wait",
                  (char *)NULL);
        _exit(1);
    }
    int fd = counter_open(COUNTER_TASK_NANOSECONDS, pid), status;
    assert_true(fd >= 0);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(counter_read(fd) > 1000000); // the loop is in a child of the command
    close(fd);
    close(go[0]);
    close(go[1]);
    assert_int_equal(counter_read(-1), 0);
}

// What becomes of a text.
static void assert_words(const char *text, size_t n, const char *const *words) {
    struct target target;
    struct target_context context = {.self = "pressrun", .scratch = "scratch"};
    struct err err;
    assert_int_equal(target_init(&target, text, &context, 0, &err), STATUS_OK);
    assert_int_equal(target.kind, TARGET_COMMAND);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(target.arguments[i], words[i]);
    assert_null(target.arguments[n]);
    target_release(&target);
}
#define WORDS(text, ...)                                                                                     \
    assert_words(text, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                          \
                 (const char *const[]){__VA_ARGS__})

static void test_words(void **state) {
    (void)state;
    WORDS("a", "a");
    WORDS("  a\tb  ", "a", "b");
    WORDS("a 'b  c' \"d 'e'\" f'g'\"h\" '' --x=1", "a", "b  c", "d 'e'", "fgh", "", "--x=1");
    WORDS("a '$x `y` \\'", "a", "$x `y` \\");
    static const char *const shells[] = {"a | b", "a 'b", "a \"$b\"", "X=1 a", "a ~",
                                         "a #b",  "a *",  "a\nb",     "a &"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        WORDS(shells[i], "sh", "-c", shells[i]);
    struct buf many = BUF_INIT;
    for (int i = 0; i < 300; i++)
        buf_add_text(&many, "w ");
    WORDS(buf_text(&many), "sh", "-c", buf_text(&many));
    buf_release(&many);
}

static const char *one_strategy(size_t n) {
    return n == 0 ? "parallel" : NULL;
}

static void test_strategies(void **state) {
    (void)state;
    static const char *const words[] = {"pressrun",   "run",      "--json", "-o",     "scratch/b",
                                        "--strategy", "parallel", "-f",     "m.yaml", NULL};
    struct target target;
    struct target_context context = {
        .self = "pressrun", .scratch = "scratch", .manifest = "m.yaml", .strategy = one_strategy};
    struct err err;
    assert_int_equal(target_init(&target, "parallel", &context, 1, &err), STATUS_OK);
    assert_int_equal(target.kind, TARGET_STRATEGY);
    for (size_t i = 0; words[i]; i++)
        assert_string_equal(target.arguments[i], words[i]);
    struct process_command command = target_command(&target);
    assert_string_equal(command.variables[0], "PRESSRUN_HISTORY=scratch/b/.pressrun");
    assert_string_equal(command.variables[1], "PRESSRUN_CACHE_DIR=scratch/b/.pressrun/cache");
    target_release(&target);
    assert_int_equal(target_init(&target, "minimal", &context, 1, &err), STATUS_OK);
    assert_int_equal(target.kind, TARGET_COMMAND); // as there is no such strategy
    target_release(&target);
}

// ---- suites of equals

static void test_suites(void **state) {
    (void)state;
    double pool[500];
    struct random random = {4};
    for (size_t i = 0; i < 500; i++) // one-sided: it is the signs that are drawn
        pool[i] = 0.02 * random_unit(&random) + (i % 100 < 10 ? 0.3 : 0);
    struct suites_options options = {.suites = 100,
                                     .benchmarks = 40,
                                     .alpha_suite = 0.02,
                                     .scale = 1,
                                     .rule = verdict_rule_default(),
                                     .seed = 1};
    struct suites_result result = suites_flip(pool, 500, &options), again = suites_flip(pool, 500, &options);
    assert_int_equal(memcmp(&result, &again, sizeof result), 0);
    assert_int_equal(result.passed + result.inconclusive + result.flagged, 4000);
    assert_true(result.pairs >= 4000 * 12);
    double low, high;
    quantiles_proportion(result.flagged, 4000, 0.999, &low, &high);
    assert_true(low <= options.rule.alpha);
    quantiles_proportion(result.failed, 100, 0.999, &low, &high);
    assert_true(low <= options.alpha_suite);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_what_decides), cmocka_unit_test(test_confirmation),
        cmocka_unit_test(test_fixed_pairs),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_digests),      cmocka_unit_test(test_masks),
        cmocka_unit_test(test_work),         cmocka_unit_test(test_counters),
        cmocka_unit_test(test_words),        cmocka_unit_test(test_strategies),
        cmocka_unit_test(test_suites),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
