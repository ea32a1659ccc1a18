// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/jobserver.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

// What make has: a pipe with tokens in it, and a text that tells of it.
struct make {
    int in, out;
    char flags[128];
};

static void begin(struct make *make, const char *format, const char *tokens) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    make->in = ends[0];
    make->out = ends[1];
    assert_int_equal(write(make->out, tokens, strlen(tokens)), (ssize_t)strlen(tokens));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(make->flags, sizeof make->flags, format, make->in, make->out);
#pragma GCC diagnostic pop
}

// What is in the pipe, sorted.
static void assert_tokens(int in, const char *want) {
    char found[64];
    assert_int_equal(fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK), 0);
    ssize_t n = read(in, found, sizeof found - 1);
    found[n < 0 ? 0 : n] = 0;
    for (char *p = found; *p; p++)
        for (char *q = p + 1; *q; q++)
            if (*q < *p) {
                char c = *p;
                *p = *q;
                *q = c;
            }
    assert_string_equal(found, want);
}

static void end(struct make *make, const char *want) {
    assert_tokens(make->in, want);
    close(make->in);
    close(make->out);
}

static void takes_what_there_is_and_gives_it_back(void **state) {
    (void)state;
    struct make make;
    char why[JOBSERVER_WHY_SIZE];
    struct fs fs = fs_system();
    begin(&make, " -j --jobserver-auth=%d,%d -- A=b", "abc");
    struct jobserver *j = jobserver_open(&fs, make.flags, why);
    assert_non_null(j);
    assert_string_equal(why, "");
    assert_int_equal(fcntl(make.in, F_GETFL) & O_NONBLOCK, 0); // others still wait
    assert_int_equal(jobserver_hold(j, 0), 0);
    assert_int_equal(jobserver_hold(j, 2), 2);
    assert_int_equal(jobserver_hold(j, 2), 2);
    assert_int_equal(jobserver_hold(j, 7), 3); // and comes back although there is no more
    assert_int_equal(jobserver_hold(j, 7), 3);
    assert_int_equal(write(make.out, "d", 1), 1); // somebody is done
    assert_int_equal(jobserver_hold(j, 7), 4);
    assert_int_equal(jobserver_hold(j, 1), 1);
    jobserver_close(j);
    end(&make, "abcd"); // the very ones
}

static void surrenders_for_good(void **state) {
    (void)state;
    struct make make;
    char why[JOBSERVER_WHY_SIZE];
    struct fs fs = fs_system();
    begin(&make, "--jobserver-auth=%d,%d", "+x");
    struct jobserver *j = jobserver_open(&fs, make.flags, why);
    assert_int_equal(jobserver_hold(j, 2), 2);
    jobserver_surrender(j);
    assert_int_equal(jobserver_hold(j, 2), 0);
    jobserver_surrender(j);
    jobserver_close(j);
    end(&make, "+x");
    jobserver_close(NULL);
}

static void understands_each_spelling(void **state) {
    (void)state;
    static const char *const spellings[] = {
        "w -j3 --jobserver-fds=%d,%d",
        "kw --no-print-directory -j3 --jobserver-auth=%d,%d",
        "--jobserver-auth=97,98 -j3 --jobserver-auth=%d,%d", // the last one counts
        "--jobserver-fds=fifo:/nowhere --jobserver-auth=%d,%d -- X=--jobserver-auth=1,2 --jobserver-auth=8,9",
        "-I/a\\ --jobserver-auth=97,98 --jobserver-auth=%d,%d",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct make make;
        char why[JOBSERVER_WHY_SIZE];
        struct fs fs = fs_system();
        begin(&make, spellings[i], "++");
        struct jobserver *j = jobserver_open(&fs, make.flags, why);
        assert_non_null(j);
        assert_int_equal(jobserver_hold(j, 9), 2);
        jobserver_close(j);
        end(&make, "++");
    }
}

static void nothing_is_offered(void **state) {
    (void)state;
    static const char *const flags[] = {
        NULL, "", "w", "-j3", "-- --jobserver-auth=3,4", "jobserver-auth=3,4"};
    struct fs fs = fs_system();
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char why[JOBSERVER_WHY_SIZE];
        assert_null(jobserver_open(&fs, flags[i], why));
        assert_string_equal(why, "");
    }
}

static void assert_refused(const char *flags, const char *reason) {
    struct fs fs = fs_system();
    char why[JOBSERVER_WHY_SIZE];
    assert_null(jobserver_open(&fs, flags, why));
    if (!strstr(why, reason))
        fail_msg("%s: %s", flags, why);
}

static void what_is_offered_may_be_of_no_use(void **state) {
    (void)state;
    int one[2], other[2];
    char flags[128];
    assert_int_equal(pipe(one), 0);
    assert_int_equal(pipe(other), 0);
    assert_refused("--jobserver-auth=-2,-2", "closed to this recipe");
    assert_refused("--jobserver-auth=900,901", "closed to this recipe");
    snprintf(flags, sizeof flags, "--jobserver-auth=%d,%d", one[0], other[1]); // of two pipes
    assert_refused(flags, "closed to this recipe");
    int file = open("/dev/null", O_RDWR);
    snprintf(flags, sizeof flags, "--jobserver-auth=%d,%d", file, file);
    assert_refused(flags, "closed to this recipe");
    assert_refused("--jobserver-auth=3", "unknown kind");
    assert_refused("--jobserver-auth=", "unknown kind");
    assert_refused("--jobserver-auth=3,4,5", "unknown kind");
    assert_refused("--jobserver-auth=sem:name", "unknown kind");
    assert_refused("--jobserver-auth=fifo:/nowhere/at/all", "cannot be opened");
    assert_refused("--jobserver-auth=fifo:/dev/null", "is no fifo");
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(other[i]);
    }
    close(file);
}

static void a_fifo_does_as_well(void **state) {
    (void)state;
    struct scene scene;
    struct buf path = BUF_INIT, flags = BUF_INIT;
    char why[JOBSERVER_WHY_SIZE];
    struct fs fs = fs_system();
    scene_open(&scene);
    buf_printf(&path, "%s/a name", scene.path);
    assert_int_equal(mkfifo(buf_text(&path), 0600), 0);
    int make = open(buf_text(&path), O_RDWR | O_NONBLOCK);
    assert_int_equal(write(make, "123", 3), 3);
    buf_printf(&flags, "-j4 --jobserver-auth=fifo:%s/a\\ name", scene.path);
    struct jobserver *j = jobserver_open(&fs, buf_text(&flags), why);
    assert_non_null(j);
    assert_int_equal(jobserver_hold(j, 2), 2);
    assert_int_equal(jobserver_hold(j, 9), 3);
    assert_int_equal(jobserver_hold(j, 1), 1);
    jobserver_close(j);
    assert_tokens(make, "123");
    close(make);
    buf_release(&path);
    buf_release(&flags);
    scene_close(&scene);
}

static void make_that_is_gone_gives_nothing(void **state) {
    (void)state;
    struct make make;
    char why[JOBSERVER_WHY_SIZE];
    struct fs fs = fs_system();
    begin(&make, "--jobserver-auth=%d,%d", "ab");
    struct jobserver *j = jobserver_open(&fs, make.flags, why);
    assert_int_equal(jobserver_hold(j, 1), 1);
    close(make.in);
    close(make.out);
    assert_int_equal(jobserver_hold(j, 3), 2);
    assert_int_equal(jobserver_hold(j, 3), 2); // neither waits nor dies
    jobserver_close(j);
}

// Each call fails once: nothing is lost, and nothing is held that was not given.
static void calls_fail(void **state) {
    (void)state;
    static const int errors[] = {EINTR, EAGAIN, EMFILE};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (int at = 1;; at++) {
            struct make make;
            struct faulty faulty;
            struct fs fs = faulty_fs(&faulty, at, errors[e]);
            char why[JOBSERVER_WHY_SIZE];
            begin(&make, "--jobserver-auth=%d,%d", "abc");
            struct jobserver *j = jobserver_open(&fs, make.flags, why);
            assert_true(j || *why);
            if (j)
                assert_true(jobserver_hold(j, 3) <= 3);
            if (j && jobserver_hold(j, 3) == 3)
                assert_tokens(make.in, "");
            jobserver_close(j);
            const bool hit = faulty.hit;
            // A token that cannot be written back, for good, is the one that may be lost.
            if (errors[e] != EMFILE || !j)
                end(&make, "abc");
            else
                close(make.in), close(make.out);
            if (!hit)
                break;
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_there_is_and_gives_it_back),
        cmocka_unit_test(surrenders_for_good),
        cmocka_unit_test(understands_each_spelling),
        cmocka_unit_test(nothing_is_offered),
        cmocka_unit_test(what_is_offered_may_be_of_no_use),
        cmocka_unit_test(a_fifo_does_as_well),
        cmocka_unit_test(make_that_is_gone_gives_nothing),
        cmocka_unit_test(calls_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
