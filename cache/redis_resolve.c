// SPDX-License-Identifier: MIT
#include "cache/redis_resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

struct search { // of the thread and of who waits for it; the last one frees it
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *host, *port;
    unsigned holders;
    bool done;
    int result;
    unsigned n;
    struct redis_address addresses[REDIS_ADDRESSES_MOST];
};

static unsigned take(const struct addrinfo *list, struct redis_address *addresses) {
    unsigned n = 0;
    for (const struct addrinfo *info = list; info && n < REDIS_ADDRESSES_MOST; info = info->ai_next) {
        if (info->ai_addrlen > sizeof addresses[n].address)
            continue;
        memcpy(&addresses[n].address, info->ai_addr, info->ai_addrlen);
        addresses[n++].n = info->ai_addrlen;
    }
    return n;
}

static int look_up(const char *host, const char *port, int flags, struct redis_address *addresses,
                   unsigned *n) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(host, port, &hints, &list);
    *n = result == 0 ? take(list, addresses) : 0;
    if (result == 0)
        freeaddrinfo(list);
    return result;
}

static void let_go(struct search *search) { // with its lock held
    bool last = --search->holders == 0;
    pthread_mutex_unlock(&search->lock);
    if (!last)
        return;
    pthread_cond_destroy(&search->changed);
    pthread_mutex_destroy(&search->lock);
    mem_free(search->host);
    mem_free(search->port);
    mem_free(search);
}

static void *run(void *context) {
    struct search *search = context;
    struct redis_address addresses[REDIS_ADDRESSES_MOST];
    unsigned n;
    int result = look_up(search->host, search->port, AI_ADDRCONFIG, addresses, &n);
    pthread_mutex_lock(&search->lock);
    search->result = result;
    search->n = n;
    memcpy(search->addresses, addresses, n * sizeof *addresses);
    search->done = true;
    pthread_cond_signal(&search->changed);
    let_go(search);
    return NULL;
}

static struct search *start(const char *host, const char *port) {
    struct search *search = MEM_NEW(struct search);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&search->lock, NULL);
    pthread_cond_init(&search->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    search->host = mem_copy(host, strlen(host));
    search->port = mem_copy(port, strlen(port));
    search->holders = 2;
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &detached, run, search) == 0;
    pthread_attr_destroy(&detached);
    pthread_mutex_lock(&search->lock);
    if (started) {
        pthread_mutex_unlock(&search->lock);
        return search;
    }
    search->holders = 1;
    let_go(search);
    return NULL;
}

unsigned redis_resolve(const char *host, const char *port, const struct clock *clock, uint64_t until,
                       struct redis_address addresses[REDIS_ADDRESSES_MOST], const char **why) {
    unsigned n;
    if (look_up(host, port, AI_NUMERICHOST | AI_NUMERICSERV, addresses, &n) == 0)
        return n;
    struct search *search = start(host, port);
    *why = "no thread to look its name up with";
    if (!search)
        return 0;
    uint64_t now = clock->monotonic(clock->self), left = until > now ? until - now : 0;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    left += (uint64_t)end.tv_nsec;
    end.tv_sec += (time_t)(left / 1000000000);
    end.tv_nsec = (long)(left % 1000000000);
    pthread_mutex_lock(&search->lock);
    while (!search->done && pthread_cond_timedwait(&search->changed, &search->lock, &end) == 0)
        continue;
    n = search->done ? search->n : 0;
    memcpy(addresses, search->addresses, n * sizeof *addresses);
    *why =
        search->done && search->result ? gai_strerror(search->result) : "looking its name up takes too long";
    let_go(search);
    return n;
}
