// SPDX-License-Identifier: MIT
// Gates that were made up, in the formats of others: the verdict first, texts that stay texts, and no more than there is room for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "bench/gate_escape.h"
#include "bench/gate_formats.h"
#include "bench/random.h"

// ---- making one up

static struct process_sample sample_of(double seconds) {
    return (struct process_sample){.wall = seconds, .user = seconds, .peak_rss_bytes = 1000000};
}

static void add_round(struct comparison *c, double ratio, uint32_t pairs, double alpha) {
    struct random random = {c->rounds_n + 1};
    struct comparison_round *round = &c->rounds[c->rounds_n++];
    *round = (struct comparison_round){.alpha = alpha, .pairs = MEM_NEW_ARRAY(struct pair, pairs)};
    for (; round->pairs_n < pairs; round->pairs_n++)
        round->pairs[round->pairs_n] =
            (struct pair){.a = sample_of(0.1 + 0.001 * random_unit(&random)),
                          .b = sample_of(ratio * (0.1 + 0.001 * random_unit(&random)))};
}

// B takes `ratio` times as long; 0: nothing was timed.
static struct gate_row *add(struct gate_result *r, const char *name, enum gate_kind kind, double ratio) {
    struct gate_row *row = gate_add(r, name, kind, name);
    row->comparison.confirm = true;
    for (int which = 0; which < 2; which++) {
        row->comparison.sides[which].shown = which ? "b" : "a";
        row->comparison.sides[which].known = true;
        row->comparison.sides[which].digest = (struct digest){1, 2};
    }
    if (ratio > 0)
        add_round(&row->comparison, ratio, 16, 0.02);
    if (ratio > 1.03)
        add_round(&row->comparison, ratio, 16, 0.0125);
    return row;
}

static void init(struct gate_result *r) {
    gate_result_init(r);
    r->suite = "nightly";
    r->baseline = (struct gate_side){"release", "pressrun 1.4.0", "0123456789abcdef0123456789abcdef"};
    r->candidate = (struct gate_side){"this program", "pressrun 1.5.0", NULL};
    r->program = "pressrun 1.5.0";
    r->started = "2026-01-31T12:00:00Z";
}

typedef void write_fn(struct gate_result *r, struct buf *out);

static const char *text_of(struct gate_result *r, write_fn *write, struct buf *out) {
    buf_clear(out);
    gate_judge(r);
    write(r, out);
    assert_true(utf8_valid(buf_str(out), NULL));
    return buf_text(out);
}

static size_t count(const char *text, const char *word) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        n++;
    return n;
}

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

// ---- the formats

static void test_verdicts(void **state) {
    (void)state;
    struct gate_result r;
    struct buf out = BUF_INIT;
    init(&r);
    add(&r, "small", GATE_SCENARIO, 1.1);
    add(&r, "jobs/pressrun.yaml", GATE_MANIFEST, 1.1);
    add(&r, "page", GATE_SCENARIO, 1);
    add(&r, "other", GATE_COMMAND, 0)->comparison.sides[1].digest = (struct digest){3, 4};
    add(&r, "early", GATE_SCENARIO, 0);
    const char *text = text_of(&r, gate_write_junit, &out);
    assert_non_null(strstr(
        text, "<testsuites name=\"pressrun gate\" tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\""));
    assert_int_equal(count(text, "<failure message=\"B takes 1.1"), 2);
    assert_int_equal(count(text, "<error message=\"A and B do not make the same output\" type=\"output\">"),
                     1);
    assert_int_equal(count(text, "<skipped message=\"INCONCLUSIVE: "), 1);
    assert_int_equal(count(text, "<testcase "), count(text, "</testcase>"));

    text = text_of(&r, gate_write_markdown, &out);
    assert_true(starts(text, "## INVALID: 1 of 5 benchmarks cannot be compared: other\n"));
    const char *folded = strstr(text, "<details><summary>1 of 5 benchmarks did not change</summary>");
    assert_non_null(folded);
    assert_true(strstr(text, "| small | **FAIL** | 1.") < folded);
    assert_true(strstr(text, "| page | PASS |") > folded);
    assert_true(strstr(text, "| other | **INVALID** |") < strstr(text, "| small |")); // the worst first
    assert_int_equal(count(text, "<details>"), count(text, "</details>"));

    text = text_of(&r, gate_write_github, &out);
    assert_true(starts(text, "::error title=pressrun gate::INVALID: "));
    assert_int_equal(count(text, "\n::error title=pressrun gate%3A small::FAIL: B takes 1.1"), 1);
    assert_int_equal(
        count(text, "\n::error file=jobs/pressrun.yaml,title=pressrun gate%3A jobs/pressrun.yaml::FAIL"), 1);
    assert_int_equal(count(text, "\n::warning title=pressrun gate%3A early::INCONCLUSIVE: "), 1);
    assert_null(strstr(text, "page"));

    text = text_of(&r, gate_write_tracker, &out);
    json_t *list = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(list), 3); // what was timed
    const json_t *first = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "small: CPU time");
    assert_string_equal(json_string_value(json_object_get(first, "unit")), "ms");
    double value = json_real_value(json_object_get(first, "value"));
    assert_true(value > 110 && value < 111.2); // of B
    assert_true(starts(json_string_value(json_object_get(first, "range")), "± 0."));
    json_decref(list);
    buf_release(&out);
    gate_result_release(&r);
}

static void test_pass(void **state) {
    (void)state;
    struct gate_result r;
    struct buf out = BUF_INIT;
    init(&r);
    add(&r, "small", GATE_SCENARIO, 1);
    add(&r, "control", GATE_CONTROL, 1);
    assert_true(starts(text_of(&r, gate_write_markdown, &out), "## PASS: the benchmark is not slower\n"));
    assert_null(strstr(buf_text(&out), "**FAIL"));
    assert_string_equal(text_of(&r, gate_write_github, &out),
                        "::notice title=pressrun gate::PASS: the benchmark is not slower\n");
    assert_non_null(
        strstr(text_of(&r, gate_write_junit, &out), "tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"0\""));
    buf_release(&out);
    gate_result_release(&r);
}

// Nothing at all is a gate, too.
static void test_empty(void **state) {
    (void)state;
    static write_fn *const all[] = {gate_write_junit, gate_write_markdown, gate_write_github,
                                    gate_write_tracker};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct gate_result r;
        gate_result_init(&r);
        assert_true(strlen(text_of(&r, all[i], &out)) > 0);
        gate_result_release(&r);
    }
    assert_string_equal(buf_text(&out), "[]\n");
    buf_release(&out);
}

static void test_hostile(void **state) {
    (void)state;
    struct gate_result r;
    struct buf out = BUF_INIT;
    init(&r);
    add(&r, "a<b>&\"|`x` @me #1 [x](http://y)\xff\x1b[31m", GATE_SCENARIO, 1.1);
    struct gate_row *row = add(&r, "failed", GATE_COMMAND, 0);
    row->error = "50%\n::error::forged]]>\x01 \xc3\xa9";
    const char *text = text_of(&r, gate_write_junit, &out);
    assert_non_null(
        strstr(text, "name=\"a&lt;b&gt;&amp;&quot;|`x` @me #1 [x](http://y)\xef\xbf\xbd\xef\xbf\xbd[31m\""));
    assert_null(strstr(text, "]]>"));
    assert_null(strchr(text, 1));
    text = text_of(&r, gate_write_markdown, &out);
    assert_non_null(strstr(text, "| a&#60;b&#62;&#38;&#34;\\|\\`x\\` &#64;me &#35;1 \\[x\\](http&#58;//y)"));
    text = text_of(&r, gate_write_github, &out);
    assert_null(strstr(text, "\n::error::"));
    assert_non_null(strstr(text, "50%25%0A::error::forged"));
    buf_release(&out);
    gate_result_release(&r);
}

static void test_bounds(void **state) {
    (void)state;
    struct gate_result r;
    struct buf out = BUF_INIT;
    char name[GATE_NAME_MOST + 1], *text;
    init(&r);
    text = mem_alloc(2001);
    memset(text, '<', 2000);
    text[2000] = 0;
    for (int i = 0; i < GATE_BENCHMARKS_MOST; i++) {
        memset(name, '&', sizeof name - 1);
        name[sizeof name - 1] = 0;
        name[0] = (char)('a' + i / 26);
        name[1] = (char)('a' + i % 26);
        struct gate_row *row = add(&r, gate_keep(&r, name), GATE_COMMAND, 0);
        row->error = text;
        row->note = text;
    }
    for (int i = 0; i < 100; i++)
        gate_warn(&r, text);
    text_of(&r, gate_write_markdown, &out);
    assert_true(out.n < GATE_MARKDOWN_MOST);
    assert_true(out.n > GATE_MARKDOWN_MOST / 2); // what there is room for is there
    assert_non_null(strstr(buf_text(&out), " more rows have no room here.\n"));
    assert_int_equal(count(buf_text(&out), "<details>"), count(buf_text(&out), "</details>"));
    text_of(&r, gate_write_github, &out);
    assert_int_equal(count(buf_text(&out), "::error "), 10);
    assert_int_equal(count(buf_text(&out), "::warning "), 10);
    assert_non_null(strstr(buf_text(&out), "::error title=pressrun gate::and 248 more\n"));
    mem_free(text);
    buf_release(&out);
    gate_result_release(&r);
}

// Of strategies it is their names that say something.
static void test_regret(void **state) {
    (void)state;
    struct gate_result r;
    struct buf out = BUF_INIT;
    init(&r);
    struct gate_row *row = add(&r, "regret", GATE_REGRET, 1.2);
    row->comparison.sides[0].shown = "minimal";
    row->comparison.sides[1].shown = "auto";
    assert_non_null(strstr(text_of(&r, gate_write_markdown, &out), "| minimal 100.4"));
    assert_non_null(strstr(buf_text(&out), ", auto 120."));
    assert_non_null(strstr(buf_text(&out), "auto takes 1.20"));
    buf_release(&out);
    gate_result_release(&r);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_pass),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_regret),   cmocka_unit_test(test_hostile), cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
