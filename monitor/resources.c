// SPDX-License-Identifier: MIT
#include "monitor/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define SECOND 1000000000u
enum { FIRST_INTERVAL = 50 * 1000 * 1000 }; // nanoseconds

// ---- a look

// The kernel's books are opened once: finding them costs more than reading them.
struct books {
    int statm, io;
};

static struct books books_open(void) {
    return (struct books){open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
                          open("/proc/self/io", O_RDONLY | O_CLOEXEC)};
}

static void books_close(struct books books) {
    if (books.statm >= 0)
        close(books.statm);
    if (books.io >= 0)
        close(books.io);
}

static bool read_text(int fd, char *text, size_t size) {
    ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static double seconds_of(struct timespec t) {
    return (double)t.tv_sec + (double)t.tv_nsec / SECOND;
}

static bool find_number(const char *text, const char *name, uint64_t *number) {
    const char *at = strstr(text, name);
    *number = at ? strtoull(at + strlen(name), NULL, 10) : 0;
    return at;
}

static void look(struct books books, struct resources *r) {
    char text[512];
    struct timespec cpu;
    struct rusage usage;
    *r = (struct resources){0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    r->cpu_seconds = seconds_of(cpu);
    getrusage(RUSAGE_SELF, &usage);
    r->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    if (read_text(books.statm, text, sizeof text)) {
        char *end;
        strtoull(text, &end, 10); // virtual memory
        r->rss_bytes = strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    r->disk_known = read_text(books.io, text, sizeof text) &&
                    find_number(text, "\nread_bytes: ", &r->read_bytes) &&
                    find_number(text, "\nwrite_bytes: ", &r->written_bytes);
}

void resources_now(struct resources *r) {
    struct books books = books_open();
    look(books, r);
    books_close(books);
}

// ---- the sampler

struct sampler {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopped; // under lock
    const atomic_uint *in_flight;
    struct books books; // once opened
    bool opened;
    struct resources first;
    struct session_sample samples[RESOURCES_SAMPLES];
    uint32_t n;
    uint64_t interval; // nanoseconds
    double started, last, last_cpu;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return seconds_of(t);
}

// Every other one goes; what is left says for twice the time how busy the processors were.
static void thin_out(struct sampler *s) {
    for (uint32_t i = 0; i < s->n / 2; i++) {
        struct session_sample *kept = &s->samples[i];
        double cpu = s->samples[2 * i].cpu + s->samples[2 * i + 1].cpu;
        *kept = s->samples[2 * i + 1];
        kept->cpu = cpu / 2;
    }
    s->n /= 2;
    s->interval *= 2;
}

static void sample(struct sampler *s) {
    struct resources r;
    double at = now();
    if (!s->opened) // not before: a short run needs its descriptors for other things
        s->books = books_open();
    s->opened = true;
    look(s->books, &r);
    if (s->n == RESOURCES_SAMPLES)
        thin_out(s);
    s->samples[s->n++] =
        (struct session_sample){.seconds = at - s->started,
                                .cpu = at > s->last ? (r.cpu_seconds - s->last_cpu) / (at - s->last) : 0,
                                .rss_bytes = r.rss_bytes,
                                .read_bytes = r.read_bytes - s->first.read_bytes,
                                .written_bytes = r.written_bytes - s->first.written_bytes,
                                .in_flight = atomic_load_explicit(s->in_flight, memory_order_relaxed)};
    s->last = at;
    s->last_cpu = r.cpu_seconds;
}

static void *watch(void *context) {
    struct sampler *s = context;
    pthread_mutex_lock(&s->lock);
    while (!s->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        uint64_t nanoseconds = (uint64_t)until.tv_nsec + s->interval;
        until.tv_sec += (time_t)(nanoseconds / SECOND);
        until.tv_nsec = (long)(nanoseconds % SECOND);
        if (pthread_cond_timedwait(&s->stop, &s->lock, &until) == ETIMEDOUT && !s->stopped)
            sample(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct sampler *sampler_start(const atomic_uint *in_flight) {
    struct sampler *s = MEM_NEW(struct sampler);
    pthread_condattr_t attributes;
    s->in_flight = in_flight;
    s->interval = FIRST_INTERVAL;
    s->books = (struct books){-1, -1};
    resources_now(&s->first);
    s->started = s->last = now();
    s->last_cpu = s->first.cpu_seconds;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&s->thread, NULL, watch, s) == 0)
        return s;
    books_close(s->books);
    pthread_cond_destroy(&s->stop);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    return NULL;
}

static void fill(const struct sampler *s, struct session *session) {
    struct resources last;
    resources_now(&last);
    for (uint32_t i = 0; i < s->n; i++)
        session_add_sample(session, &s->samples[i]);
    session_set(session, METRIC_RUN_CPU, last.cpu_seconds - s->first.cpu_seconds);
    if (!s->first.disk_known || !last.disk_known)
        return;
    session_set(session, METRIC_RUN_DISK_READ, (double)(last.read_bytes - s->first.read_bytes));
    session_set(session, METRIC_RUN_DISK_WRITTEN, (double)(last.written_bytes - s->first.written_bytes));
}

void sampler_stop(struct sampler *s, struct session *session) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_signal(&s->stop);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    fill(s, session);
    books_close(s->books);
    pthread_cond_destroy(&s->stop);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
