// SPDX-License-Identifier: MIT
// Profiles of machines: which instruction a tick comes upon, what led there, and what they are bounded by; and costs, what all that
// comes to by line. The machine's clock is the test's: it is asked every some thousand steps, within a loop, and ticks then.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/costs.h"
#include "stages/compile/compile.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

// ---- the machine

struct ticking {
    struct profile *profile;
    uint64_t nanoseconds;
};

static uint64_t tick_now(void *self) {
    const struct ticking *t = self;
    profile_tick(t->profile, t->nanoseconds);
    return 1;
}

static struct program *compile(struct arena *arena, const char *text) {
    const struct compile_options options = {.library = library_builtin()};
    const struct source_text source = {STR("page.j2"), str_of(text)};
    struct diags diags;
    diags_init(&diags, arena);
    struct program *program = compile_template(language_for(source.name), &source, &options, &diags);
    assert_non_null(program);
    return program;
}

static uint32_t line_of(const struct profile_call *call) {
    uint32_t line = 1;
    for (size_t i = 0; i < call->program->positions[call->instruction]; i++)
        line += call->program->source.text.p[i] == '\n';
    return line;
}

static void a_tick_is_noted_where_it_comes_with_what_led_there(void **state) {
    (void)state;
    static const char text[] = "first\n"
                               "{% macro busy(n) %}\n"
                               "{% for i in range(n) %}{% set x = i %}{% endfor %}\n"
                               "{% endmacro %}\n"
                               "{{ busy(10) }}\n"
                               "{{ busy(6000) }}\n";
    struct arena arena;
    arena_init(&arena, 0);
    struct program *program = compile(&arena, text);
    struct ticking ticking = {profile_new(), 7};
    const struct clock clock = {.self = &ticking, .monotonic = tick_now};
    struct vm_options options = {.library = library_builtin(), .clock = &clock, .profile = ticking.profile};
    struct vm *vm = vm_new(&options);
    const struct diag *fault;
    profile_tick(ticking.profile, 1000); // of a time when nothing is rendered
    ticking.profile->subject = 3;
    assert_true(vm_render(vm, program, value_missing(), NULL, 0, &fault));
    assert_int_equal(ticking.profile->ticks, 1);
    const struct profile_call *calls = ticking.profile->calls, *inner = NULL;
    for (size_t i = 0; i < ticking.profile->calls_n; i++)
        if (calls[i].nanoseconds)
            inner = &calls[i];
    assert_non_null(inner);
    assert_int_equal(inner->nanoseconds, 7);
    assert_int_equal(line_of(inner), 3);
    assert_true(str_is(inner->function->name, "busy"));
    assert_int_equal(inner->subject, 3);
    const struct profile_call *outer = &calls[inner->caller];
    assert_int_equal(line_of(outer), 6);
    assert_int_equal(outer->caller, 0);
    // The same again: no call is new.
    size_t n = ticking.profile->calls_n;
    assert_true(vm_render(vm, program, value_missing(), NULL, 0, &fault));
    assert_int_equal(ticking.profile->calls_n, n);
    vm_free(vm);
    profile_free(ticking.profile);
    program_free(program);
    arena_release(&arena);
}

// With or without a profile: the same text, the same faults, as many instructions.
static void a_profile_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{% macro m(n) %}<{{ n }}>{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(9) }}",
        "{% for i in range(9000) %}{{ i }}{% endfor %}{{ [3, 1]|sort|join(',') }}",
        "{% for i in range(9000) %}{{ i // (8000 - i) }}{% endfor %}", // fails on the way
        "{% for i in range(20000000) %}{% endfor %}"};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct program *program = compile(&arena, texts[t]);
        struct ticking ticking = {profile_new(), 1};
        const struct clock clock = {.self = &ticking, .monotonic = tick_now};
        struct vm_options options = {
            .library = library_builtin(), .clock = &clock, .limits = {.steps = 100000}};
        struct vm *plain = vm_new(&options);
        options.profile = ticking.profile;
        struct vm *profiled = vm_new(&options);
        const struct diag *faults[2] = {NULL, NULL};
        bool fine = vm_render(plain, program, value_missing(), NULL, 0, &faults[0]);
        assert_int_equal(fine, vm_render(profiled, program, value_missing(), NULL, 0, &faults[1]));
        if (fine)
            assert_true(str_equal(vm_output(plain), vm_output(profiled)));
        else
            assert_true(diag_is_same(faults[0], faults[1]));
        assert_int_equal(vm_instructions(plain), vm_instructions(profiled));
        vm_free(plain);
        vm_free(profiled);
        profile_free(ticking.profile);
        program_free(program);
    }
    arena_release(&arena);
}

static void a_profile_is_bounded(void **state) {
    (void)state;
    static const struct program program = {.language = "none"};
    struct profile *p = profile_new();
    for (uint32_t i = 0; i < 2 * PROFILE_CALLS; i++) {
        profile_tick(p, 2);
        profile_note(p, &(struct profile_place){&program, NULL, i}, 1);
    }
    assert_int_equal(p->calls_n, PROFILE_CALLS);
    assert_int_equal(p->ticks, 2 * PROFILE_CALLS);
    assert_int_equal(p->calls[0].nanoseconds, 2 * (PROFILE_CALLS + 1)); // those that had no place
    assert_int_equal(p->calls[1].nanoseconds, 2);
    profile_free(p);
}

// ---- costs

static const struct costs_line *line(const struct costs *c, const char *key) {
    for (size_t i = 0; i < c->lines_n; i++)
        if (str_is(c->lines[i].key, key))
            return &c->lines[i];
    fail_msg("there is no line %s", key);
    return NULL;
}

static void lines_have_their_own_and_what_they_lead_to(void **state) {
    (void)state;
    const struct costs_frame job = {.name = STR("cards")}, a = {STR("a.j2"), 2, STR("  {{ m() }}"), STR("")},
                             m = {STR("a.j2"), 7, STR("{{ m() }}"), STR("m")},
                             b = {STR("b.j2"), 1, STR("b"), STR("")}, sort = {.name = STR("sort")};
    struct costs *c = costs_new();
    costs_add(c, (const struct costs_frame[]){job, a}, 2, 1000);
    costs_add(c, (const struct costs_frame[]){job, a, m, m, m, b}, 6, 5000); // a recursion counts once
    costs_add(c, (const struct costs_frame[]){job, a, sort}, 3, 70000);
    costs_add(c, (const struct costs_frame[]){job, a}, 2, 2000);
    costs_sort(c);
    assert_int_equal(c->nanoseconds, 78000);
    assert_int_equal(c->lines_n, 3);
    assert_int_equal(line(c, "a.j2:2")->self, 73000); // what the filter took is the line's
    assert_int_equal(line(c, "a.j2:2")->total, 78000);
    assert_int_equal(line(c, "a.j2:7")->self, 0);
    assert_int_equal(line(c, "a.j2:7")->total, 5000);
    assert_int_equal(line(c, "b.j2:1")->self, 5000);
    assert_true(str_is(line(c, "a.j2:2")->text, "{{ m() }}"));
    assert_true(str_is(c->lines[0].key, "a.j2:2"));
    struct buf text = BUF_INIT;
    costs_write_folded(c, &text);
    assert_string_equal(buf_text(&text), "cards;a.j2:2 3\n"
                                         "cards;a.j2:2;a.j2:7 m;a.j2:7 m;a.j2:7 m;b.j2:1 5\n"
                                         "cards;a.j2:2;sort 70\n");
    buf_release(&text);
    costs_free(c);
}

static void names_cannot_break_the_format(void **state) {
    (void)state;
    const struct costs_frame frames[] = {{.name = STR("a;b\nc\x7f")},
                                         {STR("x y.j2"), 1, STR(""), STR("f;\tg")}};
    struct costs *c = costs_new();
    struct buf text = BUF_INIT;
    costs_add(c, frames, 2, 1); // less than a microsecond is not nothing
    costs_sort(c);
    costs_write_folded(c, &text);
    assert_string_equal(buf_text(&text), "a_b_c_;x y.j2:1 f__g 1\n");
    buf_release(&text);
    costs_free(c);
}

static void costs_are_bounded(void **state) {
    (void)state;
    struct costs *c = costs_new();
    const struct costs_frame job = {.name = STR("cards")};
    for (uint32_t i = 1; i <= COSTS_LINES + 10; i++)
        costs_add(c, (const struct costs_frame[]){job, {STR("a.j2"), i, STR(""), STR("")}}, 2, 1000);
    costs_sort(c);
    assert_int_equal(c->lines_n, COSTS_LINES);
    uint64_t sum = 0;
    for (size_t i = 0; i < c->stacks_n; i++)
        sum += c->stacks[i].nanoseconds;
    assert_true(c->stacks_n <= COSTS_STACKS);
    assert_int_equal(sum, c->nanoseconds); // what has no room counts where it came from
    assert_int_equal(c->nanoseconds, 1000 * (uint64_t)(COSTS_LINES + 10));
    costs_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_is_noted_where_it_comes_with_what_led_there),
        cmocka_unit_test(a_profile_changes_nothing),
        cmocka_unit_test(a_profile_is_bounded),
        cmocka_unit_test(lines_have_their_own_and_what_they_lead_to),
        cmocka_unit_test(names_cannot_break_the_format),
        cmocka_unit_test(costs_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
