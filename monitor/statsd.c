// SPDX-License-Identifier: MIT
#include "monitor/statsd.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { HOST_SIZE = 256 };

struct statsd {
    int socket;
    struct buf datagram, line;
    double told[METRICS]; // totals, when they were told
    bool known[METRICS];  // what was told at all
    uint64_t lost;
};

// ---- the address

struct address {
    char host[HOST_SIZE];
    const char *port;
};

static bool is_port(const char *port) {
    const size_t n = strlen(port);
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        if (port[i] < '0' || port[i] > '9' || n > 5)
            return false;
        value = value * 10 + (unsigned)(port[i] - '0');
    }
    return value > 0 && value <= 65535;
}

static bool parse(const char *text, struct address *address) {
    const char *colon = strrchr(text, ':');
    const char *host = text;
    if (!colon || !is_port(colon + 1))
        return false;
    size_t n = (size_t)(colon - text);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    } else if (memchr(host, ':', n) || memchr(host, '[', n)) {
        return false; // where the address ends would be a guess
    }
    if (n == 0 || n >= HOST_SIZE)
        return false;
    memcpy(address->host, host, n);
    address->host[n] = 0;
    address->port = colon + 1;
    return true;
}

static int connect_first(const struct addrinfo *list) {
    for (const struct addrinfo *at = list; at; at = at->ai_next) {
        const int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

enum status statsd_open(const char *text, struct statsd **statsd, struct err *err) {
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    struct address address;
    struct addrinfo *list;
    if (!parse(text, &address))
        return err_set(err, STATUS_DATA, "\"%s\" is not HOST:PORT, such as localhost:8125", text);
    const int failed = getaddrinfo(address.host, address.port, &hints, &list);
    if (failed)
        return err_set(err, STATUS_IO, "cannot find %s: %s", address.host, gai_strerror(failed));
    const int fd = connect_first(list);
    freeaddrinfo(list);
    if (fd < 0)
        return err_set(err, STATUS_IO, "cannot send to %s", text);
    *statsd = MEM_NEW(struct statsd);
    (*statsd)->socket = fd;
    return STATUS_OK;
}

uint64_t statsd_lost(const struct statsd *statsd) {
    return statsd->lost;
}

void statsd_close(struct statsd *statsd) {
    if (!statsd)
        return;
    close(statsd->socket);
    buf_release(&statsd->datagram);
    buf_release(&statsd->line);
    mem_free(statsd);
}

// ---- datagrams

// That nobody listened to the one before is told with the next.
static void send_datagram(struct statsd *statsd) {
    if (statsd->datagram.n && send(statsd->socket, statsd->datagram.p, statsd->datagram.n, MSG_NOSIGNAL) < 0)
        statsd->lost++;
    buf_clear(&statsd->datagram);
}

static void end_line(struct statsd *statsd) {
    const size_t n = statsd->line.n;
    if (statsd->datagram.n && statsd->datagram.n + 1 + n > STATSD_DATAGRAM)
        send_datagram(statsd);
    if (n <= STATSD_DATAGRAM) { // else nobody would take it
        if (statsd->datagram.n)
            buf_add_char(&statsd->datagram, '\n');
        buf_add_str(&statsd->datagram, buf_str(&statsd->line));
    }
    buf_clear(&statsd->line);
}

static void add_plain(struct buf *out, struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_';
        buf_add_char(out, plain ? c : '_');
    }
}

// Without exponents, which not every server reads.
static void add_value(struct buf *out, double value, char type) {
    char text[400];
    int n = snprintf(text, sizeof text, "%.9f", value);
    while (n > 0 && text[n - 1] == '0')
        n--;
    n -= n > 0 && text[n - 1] == '.';
    text[n] = 0;
    buf_printf(out, ":%s|%c", text, type);
}

static void begin_line(struct statsd *statsd, const struct snapshot *s) {
    buf_add_text(&statsd->line, "pressrun.");
    add_plain(&statsd->line, s->name.n ? s->name : STR("run"));
    buf_add_char(&statsd->line, '.');
}

static void add_metric(struct statsd *statsd, const struct snapshot *s, enum metric metric, double value) {
    const bool total = metric_rows[metric].kind != KIND_LEVEL;
    const double more = total ? value - statsd->told[metric] : value;
    statsd->known[metric] = true;
    statsd->told[metric] = value;
    if (total && more == 0)
        return;
    begin_line(statsd, s);
    buf_add_text(&statsd->line, metric_rows[metric].name);
    add_value(&statsd->line, more, total ? 'c' : 'g');
    end_line(statsd);
}

// "template.card.j2": what is behind the first dot is one name.
static void add_distribution(struct statsd *statsd, const struct snapshot *s,
                             const struct snapshot_distribution *d) {
    const char *dot = memchr(d->name.p, '.', d->name.n);
    const size_t kind = dot ? (size_t)(dot - d->name.p) : d->name.n;
    for (int i = 0; i < FIGURES; i++) {
        begin_line(statsd, s);
        add_plain(&statsd->line, str_slice(d->name, 0, kind));
        if (dot) {
            buf_add_char(&statsd->line, '.');
            add_plain(&statsd->line, str_from(d->name, kind + 1));
        }
        buf_printf(&statsd->line, ".%s", metric_figures[i]);
        add_value(&statsd->line, d->figures[i], 'g');
        end_line(statsd);
    }
}

void statsd_send(struct statsd *statsd, const struct snapshot *s) {
    for (int i = 0; i < METRICS; i++) {
        const enum metric metric = (enum metric)i;
        if (s->known[i])
            add_metric(statsd, s, metric, s->values[i]);
        else if (s->over && statsd->known[i] && metric_is_live(metric))
            add_metric(statsd, s, metric, 0);
    }
    for (size_t i = 0; i < s->distributions_n; i++)
        if (s->distributions[i].figures[FIGURE_COUNT] > 0)
            add_distribution(statsd, s, &s->distributions[i]);
    send_datagram(statsd);
}
