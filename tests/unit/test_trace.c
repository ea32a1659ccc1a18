// SPDX-License-Identifier: MIT
// Traces: what is written, what is kept in memory, files that are not ours, disks that are full.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "monitor/trace.h"
#include "tests/support/faulty_fs.h"

struct place {
    char directory[64], path[96];
    struct fs fs;
    struct faulty faulty;
};

static void set_up(struct place *place, int fail_at, int error) {
    snprintf(place->directory, sizeof place->directory, "/tmp/pressrun-trace-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/trace.json", place->directory);
    place->fs = faulty_fs(&place->faulty, fail_at, error);
}

static void tear_down(struct place *place) {
    assert_int_equal(place->faulty.open_files, 0);
    unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
}

static enum status open_trace(struct place *place, const char *process, uint32_t rows, struct trace **trace,
                              struct err *err) {
    const struct trace_options options = {.fs = &place->fs,
                                          .path = place->path,
                                          .process = str_of(process),
                                          .row_name = "worker",
                                          .rows = rows,
                                          .origin = 1000000};
    return trace_open(&options, trace, err);
}

static struct trace *opened(struct place *place, uint32_t rows) {
    struct trace *trace;
    struct err err;
    assert_int_equal(open_trace(place, "p", rows, &trace, &err), STATUS_OK);
    return trace;
}

static void put_text(const struct place *place, const char *text) {
    FILE *file = fopen(place->path, "w");
    fputs(text, file);
    fclose(file);
}

static char *text_of(const struct place *place) { // owned
    struct fs fs = fs_system();
    struct err err;
    char *text;
    size_t size;
    assert_int_equal(fs_read_file(&fs, place->path, 1 << 30, &text, &size, &err), STATUS_OK);
    return text;
}

static void assert_file(const struct place *place, const char *expected) {
    char *text = text_of(place);
    assert_string_equal(text, expected);
    mem_free(text);
}

static json_t *events_of(const struct place *place) {
    char *text = text_of(place);
    json_error_t error;
    json_t *events = json_loads(text, 0, &error);
    if (!events)
        fail_msg("line %d: %s", error.line, error.text);
    mem_free(text);
    return events;
}

static const char *string_of(json_t *event, const char *key) {
    return json_string_value(json_object_get(event, key));
}

static struct trace_span span_of(const char *subject, uint64_t from, uint64_t to) {
    return (struct trace_span){.name = "render",
                               .category = "render",
                               .role = "job",
                               .subject = str_of(subject),
                               .from = from,
                               .to = to};
}

static void events_are_written_as_the_format_has_them(void **state) {
    (void)state;
    struct place place = {0};
    struct err err;
    set_up(&place, 0, 0);
    struct trace *trace = opened(&place, 2);
    const struct trace_arg args[] = {{"batch", 7}, {"items", UINT64_MAX}};
    struct trace_span span = span_of("cards", 1000001, 1002040);
    span.args = args;
    span.args_n = 2;
    trace_span(trace, 1, &span);
    trace_life(trace, 0, &span, 3);
    trace_counter(trace, 0, "depth", 2000000, 4);
    trace_counter(trace, 0, "depth", 999999, 0); // before the origin
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    assert_file(&place,
                "[\n"
                "{\"name\":\"process_name\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":0,"
                "\"args\":{\"name\":\"p\"}},\n"
                "{\"name\":\"thread_name\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":1,"
                "\"args\":{\"name\":\"worker 1\"}},\n"
                "{\"name\":\"thread_sort_index\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,"
                "\"tid\":1,\"args\":{\"sort_index\":1}},\n"
                "{\"name\":\"thread_name\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":2,"
                "\"args\":{\"name\":\"worker 2\"}},\n"
                "{\"name\":\"thread_sort_index\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,"
                "\"tid\":2,\"args\":{\"sort_index\":2}},\n"
                "{\"name\":\"render "
                "cards\",\"cat\":\"render\",\"ph\":\"b\",\"ts\":0.001,\"id\":3,\"pid\":1,\"tid\":1,"
                "\"args\":{\"job\":\"cards\",\"batch\":7,\"items\":18446744073709551615}},\n"
                "{\"name\":\"render "
                "cards\",\"cat\":\"render\",\"ph\":\"e\",\"ts\":2.040,\"id\":3,\"pid\":1,\"tid\":1,"
                "\"args\":{\"job\":\"cards\",\"batch\":7,\"items\":18446744073709551615}},\n"
                "{\"name\":\"depth\",\"cat\":\"counter\",\"ph\":\"C\",\"ts\":1000.000,\"pid\":1,\"tid\":1,"
                "\"args\":{\"value\":4}},\n"
                "{\"name\":\"depth\",\"cat\":\"counter\",\"ph\":\"C\",\"ts\":0.000,\"pid\":1,\"tid\":1,"
                "\"args\":{\"value\":0}},\n"
                "{\"name\":\"render "
                "cards\",\"cat\":\"render\",\"ph\":\"X\",\"ts\":0.001,\"dur\":2.039,\"pid\":1,\"tid\":2,"
                "\"args\":{\"job\":\"cards\",\"batch\":7,\"items\":18446744073709551615}}\n"
                "]\n");
    tear_down(&place);
}

// Begins and lengths as they are written, in nanoseconds.
static void spans_of_a_row_never_touch(void **state) {
    (void)state;
    static const uint64_t given[][2] = {{100, 200}, {200, 300}, {301, 400},
                                        {402, 402}, {402, 403}, {500, 600}};
    static const char *const written[][2] = {{"0.100", "0.100"}, {"0.202", "0.098"}, {"0.302", "0.098"},
                                             {"0.402", "0.000"}, {"0.404", "0.000"}, {"0.500", "0.100"}};
    struct place place = {0};
    struct err err;
    set_up(&place, 0, 0);
    struct trace *trace = opened(&place, 2);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const struct trace_span span = span_of("a", 1000000 + given[i][0], 1000000 + given[i][1]);
        trace_span(trace, 0, &span);
    }
    const struct trace_span other = span_of("a", 1000100, 1000200); // of a row of its own
    trace_span(trace, 1, &other);
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    char *text = text_of(&place), *at = text;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "\"ts\":%s,\"dur\":%s,", written[i][0], written[i][1]);
        at = strstr(at, "\"ph\":\"X\",") + 9;
        assert_memory_equal(at, expected, strlen(expected));
    }
    assert_non_null(strstr(at, "\"ts\":0.100,\"dur\":0.100,\"pid\":1,\"tid\":2"));
    mem_free(text);
    tear_down(&place);
}

static void names_are_escaped_cut_and_made_utf8(void **state) {
    (void)state;
    char longest[1000];
    for (size_t i = 0; i < sizeof longest; i += 2)
        memcpy(longest + i, "\xc3\xa9", 2); // the cut falls within one
    longest[sizeof longest - 1] = 0;
    const struct {
        const char *subject, *name;
    } cases[] = {
        {"a\"b\\c\n\x01\x7f", "render a\"b\\c\n\x01\x7f"},
        {"na\xc3\xafve \xf0\x9f\x98\x80", "render na\xc3\xafve \xf0\x9f\x98\x80"},
        {"\xff\xc3", "render ??"},
        {"", "render"},
        {"\xed\xa0\x80x", "render ???x"},
        {longest, NULL},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct place place = {0};
    struct trace *trace;
    struct err err;
    set_up(&place, 0, 0);
    assert_int_equal(open_trace(&place, "\xc3\x28 \"", 1, &trace, &err), STATUS_OK);
    for (size_t i = 0; i < CASES; i++) {
        const struct trace_span span = span_of(cases[i].subject, 2000000, 3000000);
        trace_span(trace, 0, &span);
    }
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    json_t *events = events_of(&place);
    assert_int_equal(json_array_size(events), 3 + CASES);
    assert_string_equal(string_of(json_object_get(json_array_get(events, 0), "args"), "name"), "?( \"");
    for (size_t i = 0; i < CASES; i++) {
        const char *name = string_of(json_array_get(events, 3 + i), "name");
        if (cases[i].name) {
            assert_string_equal(name, cases[i].name);
        } else {
            assert_int_equal(strlen(name), TRACE_NAME_MOST - 1); // a whole letter less
            assert_memory_equal(name + 7, longest, TRACE_NAME_MOST - 8);
        }
    }
    json_decref(events);
    tear_down(&place);
}

// A worker of many, with a row of its own.
enum { ROWS = 4, SPANS = 20000 };
struct writing {
    struct trace *trace;
    uint32_t row;
};

static void *write_spans(void *self) {
    const struct writing *writing = self;
    for (uint64_t i = 0; i < SPANS; i++) {
        const struct trace_arg args[] = {{"batch", i}};
        struct trace_span span = span_of("a job", 1000000 + i * 1000, 1000500 + i * 1000);
        span.args = args;
        span.args_n = 1;
        trace_span(writing->trace, writing->row, &span);
    }
    return NULL;
}

static void nothing_is_lost_however_many_write(void **state) {
    (void)state;
    struct place place = {0};
    struct err err;
    set_up(&place, 0, 0);
    struct fs system = fs_system(); // the faulty one is for one thread
    place.fs = system;
    struct trace *trace = opened(&place, ROWS);
    pthread_t threads[ROWS];
    struct writing writings[ROWS];
    for (uint32_t row = 0; row < ROWS; row++) {
        writings[row] = (struct writing){trace, row};
        assert_int_equal(pthread_create(&threads[row], NULL, write_spans, &writings[row]), 0);
    }
    for (uint32_t row = 0; row < ROWS; row++)
        pthread_join(threads[row], NULL);
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    json_t *events = events_of(&place), *event;
    json_int_t next[ROWS] = {0};
    size_t i;
    json_array_foreach(events, i, event) {
        if (*string_of(event, "ph") != 'X')
            continue;
        json_int_t row = json_integer_value(json_object_get(event, "tid")) - 1;
        assert_in_range(row, 0, ROWS - 1);
        json_t *args = json_object_get(event, "args");
        assert_int_equal(json_integer_value(json_object_get(args, "batch")), next[row]++);
    }
    for (uint32_t row = 0; row < ROWS; row++)
        assert_int_equal(next[row], SPANS);
    json_decref(events);
    tear_down(&place);
}

static void what_is_no_trace_stays(void **state) {
    (void)state;
    static const char line[] =
        "{\"id\": 1, \"text\": \"a longer line than what traces begin with, in any case, \"}\n"
        "{\"id\": 2, \"text\": \"with another one behind it\"}\n";
    static const char *const texts[] = {"x", "[\n", "[\n{\"name\":\"other\"}]\n", line};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct place place = {0};
        struct trace *trace;
        struct err err;
        set_up(&place, 0, 0);
        put_text(&place, texts[i]);
        assert_int_equal(open_trace(&place, "p", 1, &trace, &err), STATUS_CONFLICT);
        assert_non_null(strstr(err.text, "is there and is no trace"));
        assert_file(&place, texts[i]);
        tear_down(&place);
    }
}

static void a_former_trace_is_replaced(void **state) {
    (void)state;
    struct place place = {0};
    struct err err;
    set_up(&place, 0, 0);
    struct trace *trace = opened(&place, 9);
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    trace = opened(&place, 1);
    struct trace *other;
    assert_int_equal(open_trace(&place, "p", 1, &other, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    json_t *events = events_of(&place);
    assert_int_equal(json_array_size(events), 3);
    json_decref(events);
    tear_down(&place);
}

// Writes that fail, whichever: a prefix of whole events stays, and nobody waits or falls.
static void a_full_disk_ends_the_trace_only(void **state) {
    (void)state;
    size_t whole = 0;
    for (int fail_at = 1; fail_at < 100; fail_at++) {
        struct place place = {0};
        struct trace *trace;
        struct err err = {0};
        set_up(&place, fail_at, ENOSPC);
        place.faulty.stays = true;
        enum status status = open_trace(&place, "p", 1, &trace, &err);
        if (status == STATUS_OK) {
            write_spans(&(struct writing){trace, 0});
            status = trace_close(trace, &err);
            char *text = text_of(&place);
            size_t n = strlen(text);
            assert_true(status == STATUS_OK || strstr(err.text, "incomplete"));
            if (status != STATUS_OK && n > whole)
                whole = n;
            mem_free(text);
        }
        assert_true((status == STATUS_OK) == !place.faulty.hit);
        tear_down(&place);
        if (!place.faulty.hit)
            break;
        assert_int_equal(err.os, ENOSPC);
        assert_int_not_equal(fail_at, 99);
    }
    assert_true(whole > TRACE_BLOCK);
}

static void what_does_not_fit_is_taken_back(void **state) {
    (void)state;
    for (int fills_up = 1; fills_up < 40; fills_up += 6) {
        struct place place = {0};
        struct err err;
        set_up(&place, 0, 0);
        struct trace *trace = opened(&place, 1);
        place.faulty.fills_up = fills_up;
        place.faulty.stays_full = true;
        write_spans(&(struct writing){trace, 0});
        assert_int_equal(trace_close(trace, &err), STATUS_IO);
        assert_int_equal(err.os, ENOSPC);
        char *text = text_of(&place);
        size_t n = strlen(text);
        assert_true(n > 2 && strcmp(text + n - 2, "}}") == 0);
        struct buf closed = BUF_INIT;
        buf_add_text(&closed, text);
        buf_add_char(&closed, ']');
        json_t *events = json_loadb(closed.p, closed.n, 0, NULL);
        assert_non_null(events);
        json_decref(events);
        buf_release(&closed);
        mem_free(text);
        tear_down(&place);
    }
}

static void short_and_interrupted_calls_are_gone_on_with(void **state) {
    (void)state;
    struct place place = {0};
    struct err err;
    set_up(&place, 0, 0);
    place.faulty.byte_by_byte = true;
    put_text(&place, "");
    struct trace *trace = opened(&place, 1);
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    trace = opened(&place, 1); // over a former one, read byte by byte
    assert_int_equal(trace_close(trace, &err), STATUS_OK);
    json_t *events = events_of(&place);
    assert_int_equal(json_array_size(events), 3);
    json_decref(events);
    tear_down(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_written_as_the_format_has_them),
        cmocka_unit_test(spans_of_a_row_never_touch),
        cmocka_unit_test(names_are_escaped_cut_and_made_utf8),
        cmocka_unit_test(nothing_is_lost_however_many_write),
        cmocka_unit_test(what_is_no_trace_stays),
        cmocka_unit_test(a_former_trace_is_replaced),
        cmocka_unit_test(a_full_disk_ends_the_trace_only),
        cmocka_unit_test(what_does_not_fit_is_taken_back),
        cmocka_unit_test(short_and_interrupted_calls_are_gone_on_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
