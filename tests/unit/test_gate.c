// SPDX-License-Identifier: MIT
// Gates that were made up: what each benchmark and the suite come to, and what is written and read again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/gate_json.h"
#include "bench/random.h"

// ---- making one up

// In whole microseconds, as the kernel has them.
static double microseconds(double seconds) {
    return round(seconds * 1e6) / 1e6;
}

static struct process_sample sample_of(double seconds, uint64_t instructions) {
    return (struct process_sample){.wall = microseconds(seconds),
                                   .user = microseconds(seconds * 0.75),
                                   .system = microseconds(seconds * 0.25),
                                   .instructions = instructions,
                                   .peak_rss_bytes = 1000000};
}

// B takes `ratio` times as long, with noise of at most 1 %, and `more` times the instructions where that is not 0.
static void add_round(struct comparison *c, double ratio, double more, uint32_t pairs) {
    struct random random = {c->rounds_n + 1};
    struct comparison_round *round = &c->rounds[c->rounds_n];
    *round = (struct comparison_round){.seed = c->rounds_n, .alpha = comparison_rule(c, c->rounds_n).alpha};
    c->confirm = c->rounds_n++ > 0;
    round->pairs = MEM_NEW_ARRAY(struct pair, pairs);
    for (; round->pairs_n < pairs; round->pairs_n++) {
        double a = 0.1 + 0.001 * random_unit(&random), b = ratio * (0.1 + 0.001 * random_unit(&random));
        round->pairs[round->pairs_n] =
            (struct pair){.a = sample_of(a, more > 0 ? 1000000 + round->pairs_n : 0),
                          .b = sample_of(b, (uint64_t)(more * 1000000)),
                          .b_first = random_next(&random) & 1};
    }
}

static struct gate_row *add(struct gate_result *r, const char *name, enum gate_kind kind) {
    struct gate_row *row = gate_add(r, name, kind, name);
    struct comparison *c = &row->comparison;
    c->program = "pressrun 1.0";
    c->started = "2026-01-31T12:00:00Z";
    for (int which = 0; which < 2; which++)
        c->sides[which] = (struct comparison_side){
            .shown = which ? "b" : "a", .kind = "executable", .known = true, .digest = {1, 2}};
    return row;
}

static struct gate_row *add_timed(struct gate_result *r, const char *name, double first, double second) {
    struct gate_row *row = add(r, name, GATE_SCENARIO);
    add_round(&row->comparison, first, 0, 32);
    if (second > 0)
        add_round(&row->comparison, second, 0, 32);
    return row;
}

static void assert_row(const struct gate_row *row, enum verdict verdict, enum gate_reason reason,
                       enum gate_change change) {
    assert_string_equal(verdict_name(row->verdict), verdict_name(verdict));
    assert_string_equal(gate_reasons[row->reason], gate_reasons[reason]);
    assert_string_equal(gate_changes[row->change], gate_changes[change]);
    assert_non_null(row->text);
}

// ---- a benchmark

static void test_slower(void **state) {
    (void)state;
    struct gate_result r;
    gate_result_init(&r);
    struct gate_row *row = add_timed(&r, "one", 1.2, 0);
    assert_true(gate_is_flagged(row));
    row = add_timed(&r, "confirmed", 1.2, 1.2);
    row->comparison.sides[0].stages[2] = 0.1;
    row->comparison.sides[1].stages[2] = 0.15;
    row->comparison.sides[0].stages[1] = row->comparison.sides[1].stages[1] = 0.2;
    row = add_timed(&r, "not confirmed", 1.2, 1);
    row->comparison.sides[0].stages[2] = 0.1;
    row->comparison.sides[1].stages[2] = 0.15;
    gate_judge(&r);
    assert_row(&r.rows[1], VERDICT_FAIL, GATE_BY_PAIRS, GATE_SLOWER);
    assert_int_equal(r.rows[1].session, 2);
    assert_string_equal(r.rows[1].cause, "render 100.00 ms to 150.00 ms (+50.0 %)");
    assert_true(r.rows[1].lower > 1.1 && r.rows[1].upper < 1.3 && r.rows[1].sure > 0.9);
    assert_row(&r.rows[2], VERDICT_INCONCLUSIVE, GATE_UNCONFIRMED, GATE_UNCLEAR);
    assert_null(r.rows[2].cause); // of what may be nothing
    assert_string_equal(verdict_name(r.verdict), "FAIL");
    gate_result_release(&r);
}

static void test_work_and_output(void **state) {
    (void)state;
    static const char *const accepted[] = {"render.opcodes"};
    struct gate_result r;
    gate_result_init(&r);
    struct gate_row *row = add_timed(&r, "work", 1, 0);
    work_add(&row->comparison.sides[0].work, "render.opcodes", 1000);
    work_add(&row->comparison.sides[1].work, "render.opcodes", 1100);
    gate_judge(&r);
    row = &r.rows[0];
    assert_row(row, VERDICT_FAIL, GATE_BY_WORK, GATE_SLOWER);
    assert_string_equal(row->text, "B does more work than A: render.opcodes +10.0 %");
    assert_true(row->counters_n == 1 && row->counters[0].grown && !row->counters[0].accepted);
    row->comparison.accepted = accepted;
    row->comparison.accepted_n = 1;
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_PAIRS, GATE_SAME);
    assert_true(row->counters[0].accepted);
    row->comparison.sides[1].digest.low++;
    gate_judge(&r);
    assert_row(row, VERDICT_INVALID, GATE_BY_OUTPUT, GATE_UNUSABLE);
    assert_string_equal(verdict_name(r.verdict), "INVALID");
    gate_result_release(&r);
}

static void test_instructions(void **state) {
    (void)state;
    struct gate_result r;
    gate_result_init(&r);
    struct gate_row *row = add(&r, "one", GATE_SCENARIO);
    add_round(&row->comparison, 1, 1.1, 32);
    assert_false(gate_is_flagged(row)); // of another compiler, perhaps
    row->counts_instructions = true;
    assert_true(gate_is_flagged(row));
    add_round(&row->comparison, 1, 1.1, 32);
    gate_judge(&r);
    assert_row(row, VERDICT_FAIL, GATE_BY_INSTRUCTIONS, GATE_SLOWER);
    assert_string_equal(row->metric_words, "instructions");
    assert_true(row->ratio > 1.09 && row->ratio < 1.11);
    row->comparison.rounds[1].pairs[7].b.instructions = 0; // not all were counted
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_PAIRS, GATE_SAME);
    gate_result_release(&r);
}

static void test_faster(void **state) {
    (void)state;
    struct gate_result r;
    gate_result_init(&r);
    struct gate_row *row = add_timed(&r, "one", 0.9, 0);
    assert_true(gate_is_hinted(row));
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_PAIRS, GATE_HINTED);
    assert_int_equal(r.faster, 0);
    add_round(&row->mirror, 1, 0, 32);
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_PAIRS, GATE_HINTED); // the second session did not say so
    mem_free(row->mirror.rounds[0].pairs);
    row->mirror.rounds_n = 0;
    add_round(&row->mirror, 1.1, 0, 32);
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_PAIRS, GATE_FASTER);
    assert_int_equal(r.faster, 1);
    gate_result_release(&r);
}

// What was kept of A says whether B does more work, and nothing of time.
static void test_record(void **state) {
    (void)state;
    struct gate_result r;
    gate_result_init(&r);
    struct gate_row *row = add(&r, "one", GATE_SCENARIO);
    row->only_record = true;
    gate_judge(&r);
    assert_row(row, VERDICT_INCONCLUSIVE, GATE_BY_RECORD, GATE_UNCLEAR); // no counters
    work_add(&row->comparison.sides[0].work, "load.records", 5);
    work_add(&row->comparison.sides[1].work, "load.records", 5);
    gate_judge(&r);
    assert_row(row, VERDICT_PASS, GATE_BY_RECORD, GATE_SAME);
    assert_string_equal(r.text, "no more work than was kept of the baseline, which was not run");
    row->comparison.sides[1].work.counters[0].value = 6;
    gate_judge(&r);
    assert_row(row, VERDICT_FAIL, GATE_BY_WORK, GATE_SLOWER);
    gate_result_release(&r);
}

// ---- the suite

static void assert_suite(struct gate_result *r, enum verdict verdict, const char *text) {
    gate_judge(r);
    assert_string_equal(verdict_name(r->verdict), verdict_name(verdict));
    assert_string_equal(r->text, text);
}

static void test_suite(void **state) {
    (void)state;
    struct gate_result r;
    gate_result_init(&r);
    assert_suite(&r, VERDICT_INCONCLUSIVE, "there is nothing to compare");
    add_timed(&r, "a", 1, 0);
    assert_suite(&r, VERDICT_PASS, "the benchmark is not slower");
    struct gate_row *control = add(&r, "control", GATE_CONTROL);
    add_round(&control->comparison, 1.2, 0, 32);
    add_round(&control->comparison, 1, 0, 32);
    assert_suite(&r, VERDICT_PASS, "the benchmark is not slower"); // flagged, not confirmed
    add_timed(&r, "b", 1.2, 1);
    assert_suite(&r, VERDICT_INCONCLUSIVE, "1 of 2 benchmarks is not clear: b");
    r.interrupted = true;
    assert_suite(&r, VERDICT_INCONCLUSIVE, "interrupted; 1 of 2 benchmarks is not clear: b");
    r.interrupted = false;
    for (char name[] = "c"; name[0] < 'g'; name[0]++)
        add_timed(&r, name, 1.2, 1.2);
    assert_suite(&r, VERDICT_FAIL, "4 of 6 benchmarks are slower: c, d, e and 1 more");
    gate_add(&r, "g", GATE_COMMAND, "false")->error = "false ended with exit code 1";
    assert_suite(&r, VERDICT_INVALID, "1 of 7 benchmarks cannot be compared: g");
    r.rows_n--; // the control alone
    comparison_release(&r.rows[r.rows_n].comparison);
    comparison_release(&r.rows[r.rows_n].mirror);
    mem_free(r.rows[1].comparison.rounds[1].pairs);
    r.rows[1].comparison.rounds_n = 1;
    add_round(&r.rows[1].comparison, 1.2, 0, 32);
    assert_suite(&r, VERDICT_INVALID, "the control moved: nothing that was measured here can be believed");
    gate_result_release(&r);
}

// Of m benchmarks that are the same, so many suites may fail.
static void test_alpha(void **state) {
    (void)state;
    assert_true(gate_confirming_alpha(0.02, 0.01, 1) == 0.05);
    assert_true(fabs(gate_confirming_alpha(0.02, 0.01, 10) - 0.05) < 1e-12);
    assert_true(fabs(gate_confirming_alpha(0.02, 0.01, 40) - 0.0125) < 1e-12);
    for (size_t m = 1; m <= GATE_BENCHMARKS_MOST; m++)
        assert_true((double)m * 0.02 * gate_confirming_alpha(0.02, 0.01, m) <= 0.01 + 1e-12);
}

// ---- written and read

static void assert_refused(const char *text, size_t n, const char *why) {
    struct gate_result r;
    const char *stored;
    struct err err;
    gate_result_init(&r);
    assert_int_equal(gate_read_json(&r, (struct str){text, n}, &stored, &err), STATUS_DATA);
    assert_true(err.text[0]);
    if (why)
        assert_string_equal(err.text, why);
    gate_result_release(&r);
}

static void test_round_trip(void **state) {
    (void)state;
    static const char *const arguments[] = {"gate", "suite.yaml"};
    struct gate_result r, again;
    struct buf text = BUF_INIT, second = BUF_INIT;
    const char *stored;
    struct err err;
    gate_result_init(&r);
    r.suite = "nightly";
    r.baseline = (struct gate_side){"main", "pressrun 1.0", "00112233445566778899aabbccddeeff"};
    r.candidate = (struct gate_side){"this program", "pressrun 1.1", NULL};
    r.arguments = arguments;
    r.arguments_n = 2;
    gate_warn(&r, "a warning");
    add_timed(&r, "same", 1, 0)->note = "something";
    add_timed(&r, "slower", 1 + 1e-1 / 3, 1.2);
    add_round(&add_timed(&r, "faster", 0.9, 0)->mirror, 1.1, 0, 32);
    gate_add(&r, "broken", GATE_COMMAND, "false")->error = "it failed";
    gate_judge(&r);
    gate_write_json(&r, true, &text);
    gate_result_init(&again);
    assert_int_equal(gate_read_json(&again, buf_str(&text), &stored, &err), STATUS_OK);
    assert_string_equal(stored, "INVALID");
    gate_write_json(&again, true, &second);
    assert_true(str_equal(buf_str(&text), buf_str(&second)));
    gate_result_release(&again);
    for (size_t n = 0; n + 1 < text.n; n += 997)
        assert_refused(text.p, n, NULL);
    buf_clear(&second);
    gate_write_json(&r, false, &second); // nothing to judge in there
    assert_true(second.n < text.n / 4);
    assert_refused(second.p, second.n,
                   "it has no samples, as `--write samples:FILE` keeps them and `--json` does not");
    assert_refused("{\"gate\": 2}", 11, NULL);
    assert_refused("[]", 2, NULL);
    gate_result_release(&r);
    buf_release(&text);
    buf_release(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slower),       cmocka_unit_test(test_work_and_output),
        cmocka_unit_test(test_instructions), cmocka_unit_test(test_faster),
        cmocka_unit_test(test_record),       cmocka_unit_test(test_suite),
        cmocka_unit_test(test_alpha),        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
