// SPDX-License-Identifier: MIT
// StatsD: datagrams as a socket gets them, addresses that are none, servers that are not there.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "monitor/statsd.h"

struct server {
    int socket;
    char address[64];
    struct buf text; // of all datagrams that have come, a line feed behind each
    size_t datagrams, largest;
};

static void set_up(struct server *server) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *server = (struct server){.socket = socket(AF_INET, SOCK_DGRAM, 0)};
    assert_int_equal(bind(server->socket, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&at, &n), 0);
    snprintf(server->address, sizeof server->address, "127.0.0.1:%d", ntohs(at.sin_port));
}

static void tear_down(struct server *server) {
    close(server->socket);
    buf_release(&server->text);
}

// On the loopback what was sent is there.
static const char *receive(struct server *server) {
    char datagram[65536];
    ssize_t n;
    buf_clear(&server->text);
    server->datagrams = 0;
    while ((n = recv(server->socket, datagram, sizeof datagram, MSG_DONTWAIT)) >= 0) {
        server->largest = (size_t)n > server->largest ? (size_t)n : server->largest;
        server->datagrams++;
        buf_add(&server->text, datagram, (size_t)n);
        buf_add_char(&server->text, '\n');
    }
    return buf_text(&server->text);
}

static bool has_line(const char *text, const char *line) {
    const size_t n = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++)
        if ((at == text || at[-1] == '\n') && at[n] == '\n')
            return true;
    return false;
}

static struct statsd *opened(const struct server *server) {
    struct statsd *statsd;
    struct err err;
    assert_int_equal(statsd_open(server->address, &statsd, &err), STATUS_OK);
    return statsd;
}

static void test_no_address(void **state) {
    (void)state;
    static const char *const texts[] = {"",         "localhost",  "localhost:",     ":8125",    "localhost:0",
                                        "host:12x", "host:65536", "::1:8125",       "[]:8125",  "host:-1",
                                        "host:+1",  "a:b:8125",   "host:000008125", "[::1]8125"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct statsd *statsd;
        struct err err;
        assert_int_equal(statsd_open(texts[i], &statsd, &err), STATUS_DATA);
        assert_non_null(strstr(err.text, "is not HOST:PORT"));
    }
}

static void test_no_such_host(void **state) {
    (void)state;
    struct statsd *statsd;
    struct err err;
    assert_int_equal(statsd_open("a..b:8125", &statsd, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "cannot find a..b: "));
}

// A server that has gone answers with an error, some datagrams later.
static void test_nobody_listens(void **state) {
    (void)state;
    struct server server;
    struct snapshot s;
    set_up(&server);
    struct statsd *statsd = opened(&server);
    close(server.socket);
    snapshot_init(&s);
    for (int i = 0; i < 100 && statsd_lost(statsd) == 0; i++) {
        snapshot_set(&s, METRIC_LIVE_QUEUE, i);
        statsd_send(statsd, &s);
    }
    assert_true(statsd_lost(statsd) > 0);
    snapshot_release(&s);
    statsd_close(statsd);
    server.socket = -1;
    tear_down(&server);
}

static void test_totals_and_levels(void **state) {
    (void)state;
    struct server server;
    struct snapshot s;
    set_up(&server);
    struct statsd *statsd = opened(&server);
    snapshot_init(&s);
    s.name = STR("my site.v2");
    snapshot_set(&s, METRIC_LOAD_RECORDS, 100);
    snapshot_set(&s, METRIC_RUN_FAILED, 0);
    snapshot_set(&s, METRIC_LIVE_QUEUE, 0);
    snapshot_set(&s, METRIC_RENDER_SECONDS, 0.00001);
    statsd_send(statsd, &s);
    const char *text = receive(&server);
    assert_true(has_line(text, "pressrun.my_site_v2.load.records:100|c"));
    assert_true(has_line(text, "pressrun.my_site_v2.live.queue_depth:0|g"));
    assert_true(has_line(text, "pressrun.my_site_v2.render.seconds:0.00001|c"));
    assert_null(strstr(text, "run.failed")); // nothing was added
    snapshot_clear(&s);
    snapshot_set(&s, METRIC_LOAD_RECORDS, 1e15);
    snapshot_set(&s, METRIC_LIVE_QUEUE, 2.5);
    statsd_send(statsd, &s);
    text = receive(&server);
    assert_true(has_line(text, "pressrun.my_site_v2.load.records:999999999999900|c"));
    assert_true(has_line(text, "pressrun.my_site_v2.live.queue_depth:2.5|g"));
    assert_null(strstr(text, "render.seconds")); // is not known any more
    snapshot_release(&s);
    statsd_close(statsd);
    tear_down(&server);
}

// Nobody is to see the last rate of a run for ever.
static void test_over(void **state) {
    (void)state;
    struct server server;
    struct snapshot s;
    set_up(&server);
    struct statsd *statsd = opened(&server);
    snapshot_init(&s);
    snapshot_set(&s, METRIC_LIVE_RECORDS_RATE, 5);
    statsd_send(statsd, &s);
    receive(&server);
    snapshot_clear(&s);
    s.over = true;
    snapshot_set(&s, METRIC_RUN_SECONDS, 3);
    statsd_send(statsd, &s);
    const char *text = receive(&server);
    assert_string_equal(text, "pressrun.run.run.seconds:3|g\npressrun.run.live.records_per_second:0|g\n");
    snapshot_release(&s);
    statsd_close(statsd);
    tear_down(&server);
}

// However much there is to tell, and however long names are.
static void test_datagrams_are_small(void **state) {
    (void)state;
    struct server server;
    struct snapshot s;
    struct histogram h = {0};
    char name[64], line[128];
    set_up(&server);
    struct statsd *statsd = opened(&server);
    snapshot_init(&s);
    histogram_add(&h, 2000000);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "template.dir/page%d.j2", i);
        snapshot_set_distribution(&s, str_of(name), &h);
    }
    struct buf endless = BUF_INIT;
    buf_add_text(&endless, "job.");
    for (int i = 0; i < 2 * STATSD_DATAGRAM; i++)
        buf_add_char(&endless, 'x');
    snapshot_set_distribution(&s, buf_str(&endless), &h);
    statsd_send(statsd, &s);
    const char *text = receive(&server);
    assert_true(server.datagrams > 1 && server.largest <= STATSD_DATAGRAM);
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "pressrun.run.template.dir_page%d_j2.p99:0.002|g", i);
        assert_true(has_line(text, line));
    }
    assert_null(strstr(text, "xxx"));
    assert_null(strstr(text, "\n\n"));
    buf_release(&endless);
    histogram_release(&h);
    snapshot_release(&s);
    statsd_close(statsd);
    tear_down(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_address),     cmocka_unit_test(test_no_such_host),
        cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_totals_and_levels),
        cmocka_unit_test(test_over),           cmocka_unit_test(test_datagrams_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
