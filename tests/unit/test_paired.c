// SPDX-License-Identifier: MIT
// Verdicts over made-up differences, and the paired runner over real processes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/counter.h"
#include "bench/paired.h"
#include "bench/quantiles.h"
#include "bench/random.h"

// ---- verdicts

// About normal, of deviation 1.
static double noise(struct random *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(random);
    return sum;
}

static struct verdict_look simulate(struct random *random, double slowdown, double deviation) {
    struct verdict_rule rule = verdict_rule_default();
    double d[VERDICT_PAIRS];
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = log(slowdown) + deviation * noise(random);
    return verdict_of(d, VERDICT_PAIRS, &rule);
}

static void test_plain_cases(void **state) {
    (void)state;
    struct verdict_rule rule = verdict_rule_default();
    struct random random = {9};
    double d[VERDICT_PAIRS];
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = 0;
    struct verdict_look look = verdict_of(d, VERDICT_PAIRS, &rule);
    assert_int_equal(look.verdict, VERDICT_PASS);
    assert_true(look.estimate == 1 && look.pairs < VERDICT_PAIRS);
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = log(1.5);
    look = verdict_of(d, VERDICT_PAIRS, &rule);
    assert_int_equal(look.verdict, VERDICT_FAIL);
    assert_int_equal(verdict_of(d, 8, &rule).verdict, VERDICT_MORE); // 8 pairs cannot be that sure
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = 2 * noise(&random);
    look = verdict_of(d, VERDICT_PAIRS, &rule);
    assert_int_equal(look.verdict, VERDICT_INCONCLUSIVE);
    assert_int_equal(look.pairs, VERDICT_PAIRS);
    double smallest;
    uint32_t pairs;
    verdict_outlook(&look, &rule, &smallest, &pairs);
    assert_true(smallest > 0.05 && pairs > VERDICT_PAIRS);
}

// A faster candidate passes; 3 % slower is the least that may fail.
static void test_direction(void **state) {
    (void)state;
    struct random random = {1};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(simulate(&random, 0.9, 0.02).verdict, VERDICT_PASS);
        assert_int_equal(simulate(&random, 1.2, 0.02).verdict, VERDICT_FAIL);
        assert_int_not_equal(simulate(&random, 1.02, 0.01).verdict, VERDICT_FAIL);
    }
}

static void test_error_rates(void **state) {
    (void)state;
    enum { TRIALS = 3000 };
    struct random random = {2};
    uint64_t alarms = 0, missed = 0, pairs = 0;
    for (int i = 0; i < TRIALS; i++) {
        struct verdict_look same = simulate(&random, 1, 0.05), slower = simulate(&random, 1.1, 0.05);
        alarms += same.verdict == VERDICT_FAIL;
        missed += slower.verdict != VERDICT_FAIL;
        pairs += same.pairs;
    }
    double low, high;
    quantiles_proportion(alarms, TRIALS, 0.999, &low, &high);
    assert_true(low <= 0.02);
    assert_true(missed <= TRIALS / 50);
    assert_true(pairs / TRIALS < 60); // it does not need all of them to see that nothing changed
}

// ---- processes

static enum status run(const char *script, double seconds, struct process_sample *sample, struct buf *output,
                       struct buf *errors, struct err *err) {
    const char *const arguments[] = {"sh", "-c", script, NULL};
    struct process_command command = {.arguments = arguments, .seconds = seconds, .padding = 100};
    return process_run(&command, sample, output, errors, err);
}

static void test_processes(void **state) {
    (void)state;
    struct process_sample sample;
    struct err err;
    struct buf output = BUF_INIT, errors = BUF_INIT;
    assert_int_equal(run("echo out; echo err >&2; exit 3", 0, &sample, &output, &errors, &err), STATUS_OK);
    assert_int_equal(sample.exit_code, 3);
    assert_true(str_is(buf_str(&output), "out\n"));
    assert_true(str_is(buf_str(&errors), "err\n"));
    assert_int_equal(run("test ${#PRESSRUN_PADDING} = 100 && test $OMP_WAIT_POLICY = passive && ! read x", 0,
                         &sample, NULL, NULL, &err),
                     STATUS_OK);
    assert_int_equal(sample.exit_code, 0);
    assert_int_equal(run("kill -TERM $$", 0, &sample, NULL, NULL, &err), STATUS_OK);
    assert_int_equal(sample.exit_code, 128 + SIGTERM);
    assert_int_equal(
        run("head -c 200000000 /dev/zero; head -c 200000 /dev/zero >&2", 0, &sample, &output, &errors, &err),
        STATUS_OK);
    assert_int_equal(output.n, 64 << 20);
    assert_true(errors.n <= 64 << 10);
    buf_release(&output);
    buf_release(&errors);
}

static void test_environment(void **state) {
    (void)state;
    const char *const arguments[] = {
        "sh", "-c",
        "env | grep -c ^MINE=; echo $MINE; env | grep -c ^OMP_WAIT_POLICY=; echo ${LESS-gone}$LESSER", NULL};
    struct process_command command = {.arguments = arguments,
                                      .variables = (const char *const[]){"MINE=new", "LESS", NULL}};
    struct process_sample sample;
    struct buf output = BUF_INIT;
    struct err err;
    setenv("MINE", "old", 1);
    setenv("LESS", "there", 1);
    setenv("LESSER", "stays", 1);
    setenv("OMP_WAIT_POLICY", "active", 1);
    assert_int_equal(process_run(&command, &sample, &output, NULL, &err), STATUS_OK);
    assert_true(str_is(buf_str(&output), "1\nnew\n1\ngonestays\n"));
    command.variables = NULL;
    assert_int_equal(process_run(&command, &sample, &output, NULL, &err), STATUS_OK);
    assert_true(str_is(buf_str(&output), "1\nold\n1\ntherestays\n"));
    buf_release(&output);
}

// Of too much output the end, where that is what is wanted.
static void test_end_of_output(void **state) {
    (void)state;
    const char *const arguments[] = {"sh", "-c", "seq 30000; echo the report", NULL};
    struct process_command command = {.arguments = arguments, .keeps_end = true};
    struct process_sample sample;
    struct buf output = BUF_INIT;
    struct err err;
    assert_int_equal(process_run(&command, &sample, &output, NULL, &err), STATUS_OK);
    assert_true(str_ends(buf_str(&output), STR("\n30000\nthe report\n")));
    assert_true(output.n < 50000);
    buf_release(&output);
}

static void test_processes_that_do_not_start_or_end(void **state) {
    (void)state;
    struct process_sample sample;
    struct err err;
    const char *const missing[] = {"/none/such", NULL};
    struct process_command command = {.arguments = missing};
    assert_int_equal(process_run(&command, &sample, NULL, NULL, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/none/such"));
    command.arguments = (const char *const[]){"true", NULL};
    command.directory = "/none/such";
    assert_int_not_equal(process_run(&command, &sample, NULL, NULL, &err), STATUS_OK);
    assert_int_equal(run("sleep 100 & sleep 100", 0.2, &sample, NULL, NULL, &err), STATUS_OK);
    assert_true(sample.timed_out);
    assert_int_equal(sample.exit_code, 128 + SIGKILL);
}

static int count_descriptors(int *free) {
    int n = 0;
    *free = 256;
    for (int fd = 255; fd >= 0; fd--)
        if (fcntl(fd, F_GETFD) >= 0)
            n++;
        else
            *free = fd;
    return n;
}

// Whether or not there were descriptors enough to start a process, none stays open.
static void test_descriptors(void **state) {
    (void)state;
    struct process_sample sample;
    struct err err;
    struct rlimit limit, low;
    int free, now_free, n = count_descriptors(&free);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    for (rlim_t more = 0; more < 16; more++) {
        low.rlim_cur = (rlim_t)free + more;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        enum status status = run("exit 0", 0, &sample, NULL, NULL, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_true(more > 8 || status == STATUS_IO);
        assert_true(more < 12 || (status == STATUS_OK && sample.exit_code == 0));
        assert_int_equal(count_descriptors(&now_free), n);
    }
}

// What a child of the command uses counts as well.
static void test_accounting(void **state) {
    (void)state;
    struct process_sample busy, idle;
    struct err err;
    assert_int_equal(
        run("sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'; true", 0, &busy, NULL, NULL, &err),
        STATUS_OK);
    assert_int_equal(run("sleep 0.05", 0, &idle, NULL, NULL, &err), STATUS_OK);
    assert_true(busy.user + busy.system > idle.user + idle.system);
    assert_true(idle.wall >= 0.05);
    assert_true(busy.peak_rss_bytes > 100000);
    if (counter_exists(COUNTER_INSTRUCTIONS))
        assert_true(busy.instructions > 2 * idle.instructions);
}

// Whether a process has ended, if need be after a moment; perhaps nobody has asked what became of it.
static bool is_gone(const char *pid) {
    for (int i = 0; i < 1000; i++, usleep(1000)) {
        char path[64], state = 'Z';
        snprintf(path, sizeof path, "/proc/%d/stat", (int)strtol(pid, NULL, 10));
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
            state = '?';
        if (f)
            fclose(f);
        if (state == 'Z')
            return true;
    }
    return false;
}

// Who closes its output and goes on, leaves a child behind that holds it, or is interrupted.
static void test_processes_that_hide(void **state) {
    (void)state;
    struct process_sample sample;
    struct err err;
    struct buf output = BUF_INIT;
    assert_int_equal(run("exec >&- 2>&-; sleep 100", 0.2, &sample, NULL, NULL, &err), STATUS_OK);
    assert_true(sample.timed_out && !sample.interrupted);
    assert_int_equal(run("sleep 100 & echo $!; exit 0", 0.2, &sample, &output, NULL, &err), STATUS_OK);
    assert_true(sample.timed_out);
    assert_true(is_gone(buf_text(&output)));
    buf_release(&output);
    atomic_bool interrupt = true;
    const char *const arguments[] = {"sleep", "100", NULL};
    struct process_command command = {.arguments = arguments, .interrupt = &interrupt};
    assert_int_equal(process_run(&command, &sample, NULL, NULL, &err), STATUS_OK);
    assert_true(sample.interrupted && !sample.timed_out && sample.wall < 50);
}

// ---- pairs

struct checked {
    uint32_t runs[2];
};

static bool check(void *self, int which, const struct process_sample *sample, struct str output,
                  struct str errors, struct err *err) {
    struct checked *checked = self;
    (void)errors;
    checked->runs[which]++;
    if (sample->exit_code == 0 && str_is(output, "same\n"))
        return true;
    err_set(err, STATUS_DATA, "%c printed something else", 'A' + which);
    return false;
}

static struct paired_options options_of(const char *const *a, const char *const *b, struct checked *checked) {
    return (struct paired_options){.a = {.arguments = a},
                                   .b = {.arguments = b},
                                   .metric = PAIRED_WALL,
                                   .rule = verdict_rule_default(),
                                   .seed = 5,
                                   .cpus = paired_cpus(PAIRED_WALL),
                                   .self = checked,
                                   .check = check};
}

static const char *const quick[] = {"sh", "-c", "echo same", NULL};

static void test_pairs(void **state) {
    (void)state;
    const char *const slow[] = {"sh", "-c", "sleep 0.02; echo same", NULL};
    struct checked checked = {{0}};
    struct paired_options options = options_of(quick, slow, &checked);
    struct paired_result result;
    struct err err;
    assert_int_equal(paired_run(&options, &result, &err), STATUS_OK);
    assert_int_equal(result.look.verdict, VERDICT_FAIL);
    assert_true(result.look.estimate > 1.03);
    assert_int_equal(checked.runs[0], result.pairs_n + 1); // and a warm-up
    assert_int_equal(checked.runs[1], result.pairs_n + 1);
    uint32_t b_first = 0;
    for (uint32_t i = 0; i < result.pairs_n; i++)
        b_first += result.pairs[i].b_first;
    assert_true(b_first > 0 && b_first < result.pairs_n);
    paired_release(&result);

    options.pairs = 3;
    assert_int_equal(paired_run(&options, &result, &err), STATUS_OK);
    assert_int_equal(result.pairs_n - result.dropped, 3);
    assert_int_equal(result.look.verdict, VERDICT_INCONCLUSIVE); // a sign in 8 cannot be as sure as that
    paired_release(&result);
}

static void test_pairs_that_differ(void **state) {
    (void)state;
    const char *const other[] = {"sh", "-c", "echo other", NULL};
    struct checked checked = {{0}};
    struct paired_options options = options_of(quick, other, &checked);
    struct paired_result result;
    struct err err;
    assert_int_equal(paired_run(&options, &result, &err), STATUS_DATA);
    assert_string_equal(err.text, "B printed something else");
    assert_int_equal(result.pairs_n, 0);
    paired_release(&result);
}

// More than a tenth and more than a tick, whoever of the two it was taken from.
static void test_disturbed(void **state) {
    (void)state;
    double tick = process_stolen_step();
    struct pair pair = {.a = {.wall = 10 * tick}, .b = {.wall = 10 * tick}};
    assert_false(paired_is_disturbed(&pair));
    pair.a.stolen = tick; // 5 %
    assert_false(paired_is_disturbed(&pair));
    pair.b.stolen = tick;
    assert_false(paired_is_disturbed(&pair)); // a tenth, not more
    pair.b.stolen = 2 * tick;
    assert_true(paired_is_disturbed(&pair));
    pair.a.stolen = 3 * tick;
    pair.b.stolen = 0;
    assert_true(paired_is_disturbed(&pair));
    pair = (struct pair){.a = {.wall = tick / 10, .stolen = tick},
                         .b = {.wall = tick / 10}}; // one tick says little
    assert_false(paired_is_disturbed(&pair));
}

// Nothing that was measured is 0: there are no logarithms of that.
static void test_nothing_measured(void **state) {
    (void)state;
    struct checked checked = {{0}};
    struct paired_options options = options_of(quick, quick, &checked);
    struct paired_result result;
    struct err err;
    if (counter_exists(COUNTER_INSTRUCTIONS)) {
        print_message("skipped: this machine counts instructions, so there is no metric without samples\n");
        skip();
    }
    options.metric = PAIRED_INSTRUCTIONS;
    assert_int_equal(paired_run(&options, &result, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "instructions"));
    paired_release(&result);
    struct pair pair = {.a = {.wall = 1}};
    double d;
    assert_int_equal(paired_differences(&pair, 1, PAIRED_WALL, &d), 0);
    pair.b.wall = 2;
    assert_int_equal(paired_differences(&pair, 1, PAIRED_WALL, &d), 1);
    pair.dropped = true;
    assert_int_equal(paired_differences(&pair, 1, PAIRED_WALL, &d), 0);
}

// Looks before the first one, one alone, and what they spend together.
static void test_looks(void **state) {
    (void)state;
    struct verdict_rule rule = verdict_rule_default();
    double d[VERDICT_PAIRS] = {0};
    assert_int_equal(verdict_of(d, 0, &rule).pairs, 0);
    assert_int_equal(verdict_of(d, 7, &rule).verdict, VERDICT_MORE);
    assert_true(verdict_is_look(8) && verdict_is_look(96) && !verdict_is_look(0) && !verdict_is_look(9));
    assert_int_equal(verdict_once(d, 1, &rule).verdict, VERDICT_INCONCLUSIVE);
    assert_int_equal(verdict_once(d, 6, &rule).verdict, VERDICT_PASS); // 1/64 is less than 2.5 %
    assert_int_equal(verdict_once(d, 5, &rule).verdict, VERDICT_INCONCLUSIVE);
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = log(1.04);
    assert_int_equal(verdict_once(d, 6, &rule).verdict,
                     VERDICT_FAIL); // both would be right: FAIL is tested first
    for (int i = 0; i < VERDICT_PAIRS; i++)
        d[i] = log(1.029);
    assert_int_equal(verdict_once(d, 96, &rule).verdict, VERDICT_PASS);
    struct verdict_look none = verdict_once(d, 3, &rule);
    double smallest;
    uint32_t pairs;
    verdict_outlook(&none, &rule, &smallest, &pairs);
    assert_true(isinf(smallest) && pairs == UINT32_MAX);
}

static void test_interrupted(void **state) {
    (void)state;
    atomic_bool interrupt = true;
    struct checked checked = {{0}};
    struct paired_options options = options_of(quick, quick, &checked);
    struct paired_result result;
    struct err err;
    options.interrupt = &interrupt;
    assert_int_equal(paired_run(&options, &result, &err), STATUS_OK);
    assert_true(result.interrupted);
    paired_release(&result);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_plain_cases),
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_error_rates),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_processes_that_do_not_start_or_end),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_end_of_output),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_accounting),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_pairs_that_differ),
        cmocka_unit_test(test_nothing_measured),
        cmocka_unit_test(test_disturbed),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_processes_that_hide),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
