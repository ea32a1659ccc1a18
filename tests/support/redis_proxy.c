// SPDX-License-Identifier: MIT
#include "tests/support/redis_proxy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PART = 256 << 10, LOOK_EVERY = 20 };

struct pair {
    struct redis_proxy *proxy;
    int client, server;
    char part[PART];
};

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

static bool send_all(const struct pair *pair, int fd, const char *p, size_t n) {
    while (n && !atomic_load(&pair->proxy->ending)) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd asked = {.fd = fd, .events = POLLOUT};
            poll(&asked, 1, LOOK_EVERY);
            continue;
        }
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return n == 0;
}

static bool flood(struct pair *pair, const char *start) {
    bool well = send_all(pair, pair->client, start, strlen(start));
    memset(pair->part, 'x', sizeof pair->part);
    while (well)
        well = send_all(pair, pair->client, pair->part, sizeof pair->part);
    return false;
}

// False: this connection ends.
static bool take_request(struct pair *pair) {
    struct redis_proxy *proxy = pair->proxy;
    ssize_t n = recv(pair->client, pair->part, sizeof pair->part, 0);
    if (n <= 0)
        return false;
    atomic_fetch_add(&proxy->requests, 1);
    switch ((enum proxy_mode)atomic_load(&proxy->mode)) {
    case PROXY_STALL:
        return true;
    case PROXY_SAY:
        return send_all(pair, pair->client, proxy->words, strlen(proxy->words));
    case PROXY_FLOOD:
        return flood(pair, "*1\r\n$1000000000\r\n");
    case PROXY_FLOOD_LINE:
        return flood(pair, "+");
    default:
        return send_all(pair, pair->server, pair->part, (size_t)n);
    }
}

static bool trickle(struct pair *pair, size_t n) {
    for (size_t i = 0; i < n; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
        if (!send_all(pair, pair->client, pair->part + i, 1))
            return false;
    }
    return true;
}

static bool take_reply(struct pair *pair) {
    struct redis_proxy *proxy = pair->proxy;
    ssize_t got = recv(pair->server, pair->part, sizeof pair->part, 0);
    if (got <= 0)
        return false;
    size_t n = (size_t)got, at = atomic_load(&proxy->at);
    enum proxy_mode mode = (enum proxy_mode)atomic_load(&proxy->mode);
    atomic_store(&proxy->reply_bytes, (unsigned)n);
    if (mode == PROXY_FLIP)
        pair->part[at / 8 % n] = (char)(pair->part[at / 8 % n] ^ (1 << at % 8));
    if (mode == PROXY_TRICKLE)
        return trickle(pair, n);
    if (mode == PROXY_CUT || mode == PROXY_HANG)
        n = at < n ? at : n;
    bool well = send_all(pair, pair->client, pair->part, n);
    if (mode == PROXY_TWICE)
        well = well && send_all(pair, pair->client, pair->part, n);
    return well && mode != PROXY_CUT;
}

static void *run_pair(void *context) {
    struct pair *pair = context;
    struct sockaddr_un address = address_of(pair->proxy->server);
    pair->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool well = connect(pair->server, (struct sockaddr *)&address, sizeof address) == 0;
    while (well && !atomic_load(&pair->proxy->ending)) {
        struct pollfd asked[] = {{.fd = pair->client, .events = POLLIN},
                                 {.fd = pair->server, .events = POLLIN}};
        if (poll(asked, 2, LOOK_EVERY) <= 0)
            continue;
        if (asked[0].revents)
            well = take_request(pair);
        if (well && asked[1].revents)
            well = take_reply(pair);
    }
    struct redis_proxy *proxy = pair->proxy;
    close(pair->client);
    close(pair->server);
    free(pair);
    atomic_fetch_sub(&proxy->pairs, 1);
    return NULL;
}

static void *run_proxy(void *context) {
    struct redis_proxy *proxy = context;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    while (!atomic_load(&proxy->ending)) {
        struct pollfd asked = {.fd = proxy->listener, .events = POLLIN};
        if (poll(&asked, 1, LOOK_EVERY) <= 0)
            continue;
        int client = accept(proxy->listener, NULL, NULL);
        struct pair *pair = client >= 0 ? malloc(sizeof *pair) : NULL;
        pthread_t thread;
        if (!pair)
            abort();
        pair->proxy = proxy;
        pair->client = client;
        atomic_fetch_add(&proxy->pairs, 1);
        if (pthread_create(&thread, &detached, run_pair, pair) != 0)
            abort();
    }
    pthread_attr_destroy(&detached);
    return NULL;
}

bool redis_proxy_start(struct redis_proxy *proxy, const char *path, const char *server) {
    snprintf(proxy->path, sizeof proxy->path, "%s", path);
    snprintf(proxy->url, sizeof proxy->url, "unix://%s", path);
    snprintf(proxy->server, sizeof proxy->server, "%s", server);
    struct sockaddr_un address = address_of(proxy->path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(proxy->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(proxy->listener, 64) == 0 && pthread_create(&proxy->thread, NULL, run_proxy, proxy) == 0;
}

void redis_proxy_set(struct redis_proxy *proxy, enum proxy_mode mode, unsigned at, const char *words) {
    proxy->words = words;
    atomic_store(&proxy->at, at);
    atomic_store(&proxy->mode, mode); // last: whoever sees it sees the words
}

void redis_proxy_stop(struct redis_proxy *proxy) {
    atomic_store(&proxy->ending, true);
    pthread_join(proxy->thread, NULL);
    while (atomic_load(&proxy->pairs))
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    close(proxy->listener);
    unlink(proxy->path);
}
