// SPDX-License-Identifier: MIT
/*
 * Large outputs in pieces: together they are the text that comes in one, whatever is captured, joined or escaped on the
 * way; what is going to be read back is not handed over; limits count what was handed over, too. And what rounds of
 * long loops make goes when nobody keeps it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "stages/compile/compile.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

static const struct {
    bool escape;
    const char *title, *text;
    size_t pieces; // at least
} pages[] = {
    {false, "small: nothing is handed over", "{% for i in range(9000) %}{{ i }} and {% endfor %}", 0},
    {false, "texts and numbers", "{% for i in range(300000) %}{{ i }}, {{ i / 2 }} {% endfor %}.", 4},
    {false, "one text that is more than a piece", "a{{ 'xyz' * 1000000 }}b{{ 'uvw' * 1000000 }}", 3},
    {false, "escaped",
     "{% for i in range(30000) %}{{ ('<&>\"' * 9)|e }}{{ ('<' * 40)|forceescape }}{% endfor %}", 4},
    {true, "one text, escaped while it is written", "a{{ '<' * 3000000 }}{{ '<b>' * 10 }}end", 1},
    {true, "texts, escaped while they are written",
     "{% for i in range(90000) %}{{ '<b>' ~ i }}{{ i }}{{ ['&'] }}{% endfor %}{% set a %}{{ '<' * 3000 }}{% "
     "endset %}{{ a }}",
     2},
    {false, "lists printed", "{% for i in range(60000) %}{{ ['a', i, {'k': i}] }}{{ none }}{% endfor %}", 1},
    {false, "joined parts",
     "{% for i in range(60000) %}{{ i ~ ' and ' ~ (i ~ 'x') ~ '...............' }}{% endfor %}", 1},
    {false, "parts that are more than a piece together",
     "{% set a = 'x' * 700000 %}{% for i in range(4) %}{{ a ~ i ~ a ~ i }}|{% endfor %}{{ a }}", 3},
    {false, "captures",
     "{% for i in range(60000) %}{% set a %}{{ i }}{% set b %}<{{ i }}>{% endset %}{{ b }}{% endset %}"
     "{{ a }} and {{ a }}{% endfor %}",
     1},
    {false, "a capture that is more than a piece",
     "begin {% set a %}{% for i in range(300000) %}{{ i }} {% endfor %}{% endset %}{{ a|length }} {{ a }}"
     "{% for i in range(300000) %}{{ i }}.{% endfor %}",
     2},
    {false, "a capture within a full buffer",
     "{{ 'y' * 1048570 }}{% set a %}0123456789{% endset %}{{ a }}{% set b %}{{ 'z' * 1048576 }}{% endset %}"
     "{{ b }}{{ a }}{{ b }}",
     2},
    {false, "macros in place and as values",
     "{% macro m(i) %}<{{ i }}{{ caller() if caller else '' }}>{% endmacro %}"
     "{% for i in range(60000) %}{{ m(i) }}{{ m(i)|upper }}{% call m(i) %}called{% endcall %}{% endfor %}",
     1},
    {false, "a filtered block",
     "{% filter upper %}{% for i in range(200000) %}{{ i }} and {% endfor %}{% endfilter %}"
     "{% for i in range(200000) %}{{ i }} and {% endfor %}",
     2},
};

// Rounds whose values go, in little memory, and rounds that keep some of theirs. The texts are Jinja2's.
static const struct {
    const char *title;
    size_t megabytes;
    const char *text, *expected;
} rounds[] = {
    {"values of a round go", 4,
     "{% for i in range(300000) %}{% set a = 'x' ~ i %}{{ (a|upper)[0:0] }}{{ '%08d'|format(i)|length - 8 or "
     "'' }}{% endfor %}end",
     "end"},
    {"nested, with all kinds of jumps", 4,
     "{% for i in range(30000) %}{% for k in range(i % 30) %}{% if k > 12 %}{% break %}{% endif %}{% set b = "
     "'text ' ~ k %}{% if k is odd %}{% continue %}{% endif %}{{ (b ~ i)[0:0] }}{% else %}{{ ('none' ~ "
     "i)[0:0] }}{% endfor %}{% for x in ['a' ~ i, 'b'] if x != 'b' %}{{ '' if x == 'a' ~ i else 'bad' }}{% "
     "endfor %}{% endfor %}end",
     "end"},
    {"calls", 4,
     "{% for i in range(60000) %}{{ ('a b'.split()|join ~ i)[0:0] }}"
     "{{ loop.cycle('', '') }}{{ (loop.previtem ~ '')[0:0] }}{{ dict(a='b' ~ i).a[0:0] }}{% endfor "
     "%}end",
     "end"},
    {"captured", 4,
     "{% for i in range(60000) %}{% set a %}{{ i }}{% set b %}{{ i ~ 'b' }}{% endset %}{{ b }}{% endset %}{{ "
     "'' if a == i ~ (i ~ 'b') else 'bad' }}{% endfor %}end",
     "end"},
    {"what a namespace keeps", 64,
     "{% set ns = namespace(last='x', all=[]) %}{% for i in range(60000) %}{{ '' if loop.first or ns.last == "
     "'value ' ~ (i - 1) else 'bad' }}{% set ns.last = 'value ' ~ i %}{% if i % 1000 == 0 %}{% set ns.all = "
     "ns.all + ['a' ~ i] %}{% endif %}{% endfor %}{{ ns.last }} {{ ns.all|join(',') }}",
     "value 59999 "
     "a0,a1000,a2000,a3000,a4000,a5000,a6000,a7000,a8000,a9000,a10000,a11000,a12000,a13000,a14000,a15000,"
     "a16000,a17000,a18000,a19000,a20000,a21000,a22000,a23000,a24000,a25000,a26000,a27000,a28000,a29000,"
     "a30000,a31000,a32000,a33000,a34000,a35000,a36000,a37000,a38000,a39000,a40000,a41000,a42000,a43000,"
     "a44000,a45000,a46000,a47000,a48000,a49000,a50000,a51000,a52000,a53000,a54000,a55000,a56000,a57000,"
     "a58000,a59000"},
    {"what a list keeps", 64,
     "{% set all = [] %}{% for i in range(60000) %}{% set text = 'value ' ~ i %}{% if i % 1000 == 7 %}{% do "
     "all.append(text) %}{% endif %}{{ (text ~ '!')[0:0] }}{% endfor %}{{ all|join(',') }}",
     "value 7,value 1007,value 2007,value 3007,value 4007,value 5007,value 6007,value 7007,value 8007,value "
     "9007,value 10007,value 11007,value 12007,value 13007,value 14007,value 15007,value 16007,value "
     "17007,value 18007,value 19007,value 20007,value 21007,value 22007,value 23007,value 24007,value "
     "25007,value 26007,value 27007,value 28007,value 29007,value 30007,value 31007,value 32007,value "
     "33007,value 34007,value 35007,value 36007,value 37007,value 38007,value 39007,value 40007,value "
     "41007,value 42007,value 43007,value 44007,value 45007,value 46007,value 47007,value 48007,value "
     "49007,value 50007,value 51007,value 52007,value 53007,value 54007,value 55007,value 56007,value "
     "57007,value 58007,value 59007"},
    {"what a macro keeps", 64,
     "{% set ns = namespace(last='') %}{% macro keep(x) %}{% set ns.last = x %}{% endmacro %}{% for i in "
     "range(60000) %}{% set text = 'value ' ~ i %}{% if i % 999 == 0 %}{{ keep(text) }}{% endif %}{{ (text ~ "
     "ns.last)[0:0] }}{% endfor %}{{ ns.last }}",
     "value 59940"},
    {"what loops within keep", 64,
     "{% set ns = namespace(last='', n=0) %}{% for i in range(300) %}{% set outer = 'outer ' ~ i %}{% for k "
     "in range(300) %}{% set inner = outer ~ '/' ~ k %}{% if k == 299 %}{% set ns.last = inner %}{% endif "
     "%}{{ (inner ~ '')[0:0] }}{% endfor %}{{ '' if ns.last == outer ~ '/299' else 'bad' }}{% endfor %}{{ "
     "ns.last }}",
     "outer 299/299"},
    {"what loop.changed and a joiner keep", 64,
     "{% set sep = joiner(', ') %}{% for i in range(60000) %}{% set key = 'key ' ~ (i // 10000) %}{% if "
     "loop.changed(key) %}{{ sep() }}{{ key }}{% endif %}{{ (key ~ i)[0:0] }}{% endfor %}",
     "key 0, key 1, key 2, key 3, key 4, key 5"},
    {"a macro made in a round", 64,
     "{% for i in range(60000) %}{% set text = 'value ' ~ i %}{% if i == 59999 %}{% macro m() %}{{ text }}{% "
     "endmacro %}{{ m() }}{% endif %}{{ (text ~ '!')[0:0] }}{% endfor %}",
     "value 59999"},
    {"a loop within a macro within a loop", 64,
     "{% macro m(a) %}{% for k in range(200) %}{{ (a ~ k)[0:0] }}{% endfor %}{{ a }};{% endmacro %}{% for i "
     "in range(500) %}{% set t = 'v' ~ i %}{% set r = m(t) %}{{ '' if r == t ~ ';' else 'bad' }}{% endfor "
     "%}end",
     "end"},
};

struct page {
    struct arena arena;
    struct program *program;
    struct vm *vm;
};

static void open_page(struct page *page, const char *text, bool escape, struct vm_limits limits) {
    struct compile_options options = {.autoescape = escape, .library = library_builtin()};
    struct diags diags;
    struct source_text source = {STR("main"), str_of(text)};
    arena_init(&page->arena, 0);
    diags_init(&diags, &page->arena);
    page->program = compile_template(language_named(STR("jinja")), &source, &options, &diags);
    if (!page->program)
        fail_msg("%s: %.*s", text, STR_ARG(diags.first->message));
    page->vm = vm_new(&(struct vm_options){.library = library_builtin(), .limits = limits});
}

static void close_page(struct page *page) {
    vm_free(page->vm);
    program_free(page->program);
    arena_release(&page->arena);
}

// Takes pieces; the one numbered `refuse` fails.
struct taker {
    struct buf text;
    size_t pieces, refuse, largest;
};

static enum status take(void *self, struct str piece, struct err *err) {
    struct taker *t = self;
    assert_true(piece.n > 0);
    t->pieces++;
    if (t->pieces == t->refuse)
        return err_set(err, STATUS_IO, "the disk is full");
    t->largest = piece.n > t->largest ? piece.n : t->largest;
    buf_add_str(&t->text, piece);
    return STATUS_OK;
}

static bool render(struct page *page, struct taker *t, const struct diag **fault) {
    const struct vm_writer writer = {t, take};
    buf_clear(&t->text);
    t->pieces = t->largest = 0;
    bool fine = vm_render_to(page->vm, page->program, value_missing(), NULL, 0, &writer, fault);
    if (fine)
        buf_add_str(&t->text, vm_output(page->vm));
    return fine;
}

static void pieces_are_the_text(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct page page;
        struct taker t = {0};
        const struct diag *fault;
        open_page(&page, pages[i].text, pages[i].escape, (struct vm_limits){.output_bytes = 100 << 20});
        for (int again = 0; again < 2; again++) {
            if (!render(&page, &t, &fault))
                fail_msg("%s: %.*s", pages[i].title, STR_ARG(fault->message));
            if (t.pieces < pages[i].pieces || (pages[i].pieces == 0 && t.pieces > 0))
                fail_msg("%s: %zu pieces", pages[i].title, t.pieces);
            assert_true(vm_render(page.vm, page.program, value_missing(), NULL, 0, &fault));
            if (!str_equal(buf_str(&t.text), vm_output(page.vm)))
                fail_msg("%s: other text in pieces", pages[i].title);
        }
        buf_release(&t.text);
        close_page(&page);
    }
}

static void pieces_stay_small_after_a_large_capture(void **state) {
    (void)state;
    struct page page;
    struct taker t = {0};
    const struct diag *fault;
    open_page(&page,
              "{% set a %}{% for i in range(600000) %}{{ i }} {% endfor %}{% endset %}"
              "{% for i in range(400000) %}{{ ('<' ~ i)|e }}, {% endfor %}",
              false, (struct vm_limits){0});
    assert_true(render(&page, &t, &fault));
    assert_in_range(t.largest, VM_PIECE / 2, VM_PIECE + 100);
    assert_true(t.pieces >= 3);
    buf_release(&t.text);
    close_page(&page);
}

static void rounds_give_back_what_nobody_keeps(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        struct page page;
        const struct diag *fault;
        open_page(&page, rounds[i].text, false,
                  (struct vm_limits){.memory_bytes = rounds[i].megabytes << 20});
        for (int again = 0; again < 2; again++) {
            if (!vm_render(page.vm, page.program, value_missing(), NULL, 0, &fault))
                fail_msg("%s: %.*s", rounds[i].title, STR_ARG(fault->message));
            if (!str_is(vm_output(page.vm), rounds[i].expected))
                fail_msg("%s: %.*s", rounds[i].title, STR_ARG(vm_output(page.vm)));
        }
        close_page(&page);
    }
}

static void assert_fault(const struct diag *fault, const char *message) {
    if (!str_is(fault->message, message))
        fail_msg("got: %.*s, want: %s", STR_ARG(fault->message), message);
}

// Exactly at the limit it is fine, one byte more is not, whether it comes as text, number or escaped.
static void limit_counts_what_was_handed_over(void **state) {
    (void)state;
    static const char *const ends[] = {"{{ 'x' * 10 }}", "{{ 1234567890 }}", "{{ '&&'|e }}",
                                       "{{ [1, 2, 3]|list ~ 'a' }}"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct page page;
        struct taker t = {0};
        struct buf text = BUF_INIT;
        const struct diag *fault;
        buf_printf(&text, "{%% for i in range(300) %%}{{ 'a' * 10000 }}{%% endfor %%}%s", ends[i]);
        open_page(&page, buf_text(&text), false, (struct vm_limits){.output_bytes = 3000010});
        assert_true(render(&page, &t, &fault));
        assert_int_equal(t.text.n, 3000010);
        close_page(&page);
        open_page(&page, buf_text(&text), false, (struct vm_limits){.output_bytes = 3000009});
        assert_false(render(&page, &t, &fault));
        assert_fault(fault, "the output is larger than 3000009 bytes");
        assert_true(t.text.n > VM_PIECE);
        buf_release(&text);
        buf_release(&t.text);
        close_page(&page);
    }
}

// What is captured is a value in the making, so it is bounded as values are, however large an output may be.
static void captures_are_bounded_as_values_are(void **state) {
    (void)state;
    struct page page;
    struct taker t = {0};
    const struct diag *fault;
    const struct vm_limits limits = {.output_bytes = (uint64_t)1 << 40, .memory_bytes = 4 << 20};
    open_page(&page,
              "x\n{% set a %}{% for i in range(90000) %}{{ i }}{{ 'y' * 1000 }}{% endfor %}{% endset %}",
              false, limits);
    assert_false(render(&page, &t, &fault));
    assert_fault(fault, "the values of this item need more than 4194304 bytes of memory");
    assert_int_equal(fault->line, 2);
    assert_int_equal(t.pieces, 0);
    buf_release(&t.text);
    close_page(&page);
}

static void a_writer_that_fails_ends_the_rendering(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct page page;
        const struct diag *fault;
        open_page(&page, pages[i].text, pages[i].escape, (struct vm_limits){.output_bytes = 100 << 20});
        for (size_t refuse = 1; refuse <= pages[i].pieces; refuse++) {
            struct taker t = {.refuse = refuse};
            assert_false(render(&page, &t, &fault));
            assert_fault(fault, "the disk is full");
            assert_int_equal(t.pieces, refuse);
            buf_release(&t.text);
        }
        struct taker fine = {0}; // and the machine goes on with the next one
        assert_true(render(&page, &fine, &fault));
        buf_release(&fine.text);
        close_page(&page);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_the_text),
        cmocka_unit_test(pieces_stay_small_after_a_large_capture),
        cmocka_unit_test(rounds_give_back_what_nobody_keeps),
        cmocka_unit_test(limit_counts_what_was_handed_over),
        cmocka_unit_test(captures_are_bounded_as_values_are),
        cmocka_unit_test(a_writer_that_fails_ends_the_rendering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
