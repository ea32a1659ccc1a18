// SPDX-License-Identifier: MIT
#include "cache/redis_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cache/redis_resolve.h"

enum { PART = 64 << 10, GREETING_BYTES = 4096, GREETING_ITEMS = 8 };

void redis_link_init(struct redis_link *link, const struct redis_place *place,
                     const struct redis_library *library, const struct clock *clock, uint64_t connect_limit) {
    *link = (struct redis_link){
        .place = place, .library = library, .clock = *clock, .connect_limit = connect_limit, .fd = -1};
}

void redis_link_close(struct redis_link *link) {
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    redis_replies_free(link->replies);
    link->replies = NULL;
}

// Not by printf, which would be half of what a command takes.
static void add_length(struct buf *commands, char mark, size_t n) {
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    text[--at] = mark;
    buf_add(commands, text + at, sizeof text - at);
}

void redis_command(struct buf *commands, unsigned words) {
    add_length(commands, '*', words);
}

void redis_word(struct buf *commands, struct str word) {
    add_length(commands, '$', word.n);
    buf_add_str(commands, word);
    buf_add(commands, "\r\n", 2);
}

static uint64_t now(const struct redis_link *link) {
    return link->clock.monotonic(link->clock.self);
}

static bool fail(struct err *err, const char *what) {
    err_set(err, STATUS_IO, "%s", what);
    return false;
}

static bool fail_os(struct err *err, int os, const char *what) {
    err_os(err, os, "%s", what);
    return false;
}

// Until one of `events` is possible; false: the time is over, and err says so.
static bool wait_for(const struct redis_link *link, int fd, short events, uint64_t until, struct err *err) {
    for (;;) {
        uint64_t at = now(link), left = until > at ? until - at : 0;
        struct timespec most = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
        struct pollfd asked = {.fd = fd, .events = events};
        int n = ppoll(&asked, 1, &most, NULL);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return fail_os(err, errno, "cannot wait for the server");
        if (n == 0 || left == 0)
            return fail(err, "no answer within the time limit");
    }
}

static int connect_one(const struct redis_link *link, const struct sockaddr *address, socklen_t n,
                       uint64_t until, struct err *err) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1, os = 0;
    if (fd < 0) {
        fail_os(err, errno, "cannot make a socket");
        return -1;
    }
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    bool done = connect(fd, address, n) == 0;
    os = done ? 0 : errno;
    if (os == EINPROGRESS && wait_for(link, fd, POLLOUT, until, err)) {
        socklen_t size = sizeof os;
        done = getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &size) == 0 && os == 0;
    }
    if (done)
        return fd;
    if (os != EINPROGRESS)
        fail_os(err, os, "cannot connect");
    close(fd);
    return -1;
}

static bool connect_any(struct redis_link *link, uint64_t until, struct err *err) {
    if (link->place->path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = strlen(link->place->path);
        memcpy(address.sun_path, link->place->path,
               n < sizeof address.sun_path ? n : sizeof address.sun_path - 1);
        link->fd = connect_one(link, (const struct sockaddr *)&address, sizeof address, until, err);
        return link->fd >= 0;
    }
    struct redis_address addresses[REDIS_ADDRESSES_MOST];
    const char *why;
    unsigned n = redis_resolve(link->place->host, link->place->port, &link->clock, until, addresses, &why);
    if (n == 0)
        err_set(err, STATUS_IO, "no address of %.80s: %s", link->place->host, why);
    for (unsigned i = 0; i < n && link->fd < 0; i++) {
        uint64_t at = now(link), left = until > at ? until - at : 0; // each gets its share
        link->fd = connect_one(link, (const struct sockaddr *)&addresses[i].address, addresses[i].n,
                               at + left / (n - i), err);
    }
    return link->fd >= 0;
}

// What is possible at once; false: the connection is broken.
static bool send_some(const struct redis_link *link, struct str *rest, struct err *err) {
    while (rest->n) {
        ssize_t n = send(link->fd, rest->p, rest->n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (n < 0)
            return fail_os(err, errno, "cannot send");
        *rest = str_from(*rest, (size_t)n);
    }
    return true;
}

static bool receive_some(const struct redis_link *link, unsigned *whole, struct err *err) {
    char part[PART];
    ssize_t n = recv(link->fd, part, sizeof part, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return true;
    if (n < 0)
        return fail_os(err, errno, "cannot receive");
    if (n == 0)
        return fail(err, "the server hung up");
    if (!redis_replies_feed(link->replies, (struct str){part, (size_t)n}, whole))
        return fail(err, "the reply is too large, or not redis's protocol");
    return true;
}

static bool exchange_until(struct redis_link *link, const struct redis_exchange *exchange, uint64_t until,
                           struct err *err) {
    struct str rest = exchange->commands;
    unsigned whole = 0;
    if (!redis_replies_begin(link->replies, exchange->bounds))
        return fail(err, "replies that nobody asked for");
    if (!send_some(link, &rest, err))
        return false;
    while (whole < exchange->replies) {
        short events = rest.n ? POLLIN | POLLOUT : POLLIN;
        if (!wait_for(link, link->fd, events, until, err) || !send_some(link, &rest, err) ||
            !receive_some(link, &whole, err))
            return false;
        if (now(link) > until && whole < exchange->replies) // it sends on and on
            return fail(err, "no whole answer within the time limit");
    }
    return (whole == exchange->replies && rest.n == 0) || fail(err, "replies that nobody asked for");
}

// Who we are and which database; the replies are all OK or the connection is none.
static bool greet(struct redis_link *link, uint64_t until, struct err *err) {
    const struct redis_place *place = link->place;
    struct buf commands = BUF_INIT;
    unsigned n = 0;
    if (place->password) {
        redis_command(&commands, place->user ? 3 : 2);
        redis_word(&commands, STR("AUTH"));
        if (place->user)
            redis_word(&commands, str_of(place->user));
        redis_word(&commands, str_of(place->password));
        n++;
    }
    if (place->db) {
        struct buf number = BUF_INIT;
        buf_printf(&number, "%u", place->db);
        redis_command(&commands, 2);
        redis_word(&commands, STR("SELECT"));
        redis_word(&commands, buf_str(&number));
        buf_release(&number);
        n++;
    }
    struct redis_exchange exchange = {
        .commands = buf_str(&commands), .replies = n, .bounds = {GREETING_BYTES, GREETING_ITEMS}};
    bool well = n == 0 || exchange_until(link, &exchange, until, err);
    buf_release(&commands);
    for (size_t i = 0; n && well && i < redis_replies_n(link->replies); i++) {
        struct str text = redis_replies_text(link->replies, i);
        well = redis_replies_item(link->replies, i)->kind == REDIS_STATUS && str_is(text, "OK");
        if (!well)
            err_set(err, STATUS_IO, "the server refuses the login or the database: %.*s",
                    STR_ARG(str_slice(text, 0, 80)));
    }
    return well;
}

static bool connect_link(struct redis_link *link, struct err *err) {
    uint64_t until = now(link) + link->connect_limit;
    link->replies = redis_replies_new(link->library);
    if (!link->replies)
        return fail(err, "memory is out");
    if (!connect_any(link, until, err) || !greet(link, until, err))
        return false;
    link->connects++;
    return true;
}

// The server may have closed it since, or sent something unasked.
static bool is_fresh(const struct redis_link *link) {
    char byte;
    return recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool redis_link_exchange(struct redis_link *link, const struct redis_exchange *exchange, struct err *err) {
    if (link->fd >= 0 && !is_fresh(link))
        redis_link_close(link);
    bool well = link->fd >= 0 || connect_link(link, err);
    if (well)
        well = exchange_until(link, exchange, now(link) + exchange->limit, err);
    if (!well)
        redis_link_close(link);
    return well;
}
