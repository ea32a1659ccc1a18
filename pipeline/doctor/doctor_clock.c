// SPDX-License-Identifier: MIT
// Time: what is up to date is known by the times of files, so a clock that jumps or files from the future cost work.
#include <fcntl.h>
#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

#include "base/number.h"
#include "pipeline/doctor/doctor.h"

enum { TEXT_SIZE = 64, PATH_SIZE = 4096, DEPTH_MOST = 8, FILES_MOST = 10000 };
static const int64_t SECOND = 1000000000, MILLISECOND = 1000000,
                     STEP = 5000000; // what NTP corrects is far less
static const int64_t YEAR_2024 = 1704067200;

static void write_moment(int64_t seconds, char out[TEXT_SIZE]) {
    struct tm tm;
    const time_t moment = (time_t)seconds;
    if (!gmtime_r(&moment, &tm) || strftime(out, TEXT_SIZE, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        snprintf(out, TEXT_SIZE, "second %lld", (long long)seconds);
}

static void check_epoch(struct doctor *doctor, int64_t now) {
    const char *text = doctor_variable(doctor, "SOURCE_DATE_EPOCH");
    char moment[TEXT_SIZE];
    int64_t seconds;
    if (!text)
        return;
    if (!number_parse_int(str_of(text), &seconds) || seconds < 0) {
        doctor_say(doctor, DOCTOR_FAIL, "SOURCE_DATE_EPOCH", "set it to seconds since 1970, or unset it",
                   "\"%.60s\" is no moment: no command that renders works", text);
        return;
    }
    write_moment(seconds, moment);
    doctor_say(doctor, seconds > now / SECOND ? DOCTOR_WARN : DOCTOR_OK, "SOURCE_DATE_EPOCH",
               seconds > now / SECOND ? "unset it, unless that is what templates are to see" : NULL,
               "templates see %s", moment);
}

// The time of the wall, and when that was by the clock that only goes on: between two looks at it.
struct moment {
    int64_t wall, after, before;
};

static struct moment look(const struct clock *clock) {
    struct moment moment;
    moment.after = (int64_t)clock->monotonic(clock->self);
    moment.wall = clock->wall(clock->self);
    moment.before = (int64_t)clock->monotonic(clock->self);
    return moment;
}

// How far the clock of the wall went too far (or back, below 0) in a while, at the least: a busy machine may have held this
// thread up anywhere, and that is no step of the clock.
static int64_t find_step(const struct clock *clock, int64_t *now) {
    enum { WHILE_MS = 50 };
    const struct moment first = look(clock);
    nanosleep(&(struct timespec){.tv_nsec = WHILE_MS * 1000000}, NULL);
    const struct moment then = look(clock);
    const int64_t went = then.wall - first.wall, least = then.after - first.before,
                  most = then.before - first.after;
    *now = then.wall;
    return went > most ? went - most : went < least ? went - least : 0;
}

void doctor_check_clock(struct doctor *doctor) {
    const struct clock *clock = &doctor->options->clock;
    const bool shares = doctor->options->manifest && doctor->options->manifest->cache.redis.url.p;
    struct timex timex = {.modes = 0};
    char moment[TEXT_SIZE];
    int64_t now;
    const int64_t step = find_step(clock, &now);
    const bool synchronised = adjtimex(&timex) != TIME_ERROR && !(timex.status & STA_UNSYNC);
    write_moment(now / SECOND, moment);
    if (step > STEP || step < -STEP)
        doctor_say(doctor, DOCTOR_WARN, NULL,
                   "find out who sets it: outputs are made again when times of files go back",
                   "it is set while it goes: by %.0f ms in 50 ms", (double)step / (double)MILLISECOND);
    else if (now / SECOND < YEAR_2024)
        doctor_say(doctor, DOCTOR_FAIL, NULL,
                   "set it: entries of the cache and sessions would be of the past", "it says %s", moment);
    else if (shares && !synchronised)
        doctor_say(doctor, DOCTOR_WARN, NULL,
                   "machines that share a redis should agree on the time: start an NTP client",
                   "%s; the kernel does not take it for synchronised", moment);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "%s%s", moment, synchronised ? ", synchronised" : "");
    check_epoch(doctor, now);
}

// ---- times of files

struct times {
    struct doctor *doctor;
    int64_t now;
    size_t files, late;
    int depth;
    char path[PATH_SIZE], first[PATH_SIZE];
    size_t n; // of path
};

static void see_file(struct times *t) {
    const struct fs *fs = t->doctor->options->fs;
    struct stat st;
    const int fd = fs->open(fs->self, AT_FDCWD, t->path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    t->files++;
    // Some file systems are of another machine, whose clock is not this one's to the second.
    if (fs->stat(fs->self, fd, &st) == 0 && st.st_mtim.tv_sec > t->now / SECOND + 2 && t->late++ == 0)
        memcpy(t->first, t->path, t->n + 1);
    fs->close(fs->self, fd);
}

static void see_path(struct times *t, const char *path) {
    const int n = snprintf(t->path, sizeof t->path, "%s", path);
    t->n = n > 0 && (size_t)n < sizeof t->path ? (size_t)n : 0;
    if (t->n)
        see_file(t);
}

static bool see_entry(void *context, const char *name, enum fs_entry kind) {
    struct times *t = context;
    const struct fs *fs = t->doctor->options->fs;
    const size_t before = t->n;
    const int n = snprintf(t->path + before, sizeof t->path - before, "/%s", name);
    if (n > 0 && (size_t)n < sizeof t->path - before && name[0] != '.') {
        t->n += (size_t)n;
        if (kind == FS_FILE)
            see_file(t);
        else if (kind == FS_DIRECTORY && ++t->depth < DEPTH_MOST)
            fs->list(fs->self, AT_FDCWD, t->path, see_entry, t);
        t->depth -= kind == FS_DIRECTORY;
    }
    t->n = before;
    t->path[before] = 0;
    return t->files < FILES_MOST;
}

static void see_directory(struct times *t, const char *path) {
    const struct fs *fs = t->doctor->options->fs;
    const int n = snprintf(t->path, sizeof t->path, "%s", *path ? path : ".");
    t->n = n > 0 && (size_t)n < sizeof t->path ? (size_t)n : 0;
    t->depth = 0;
    if (t->n)
        fs->list(fs->self, AT_FDCWD, t->path, see_entry, t);
}

void doctor_check_times(struct doctor *doctor) {
    const struct manifest *manifest = doctor->options->manifest;
    const struct clock *clock = &doctor->options->clock;
    struct times t = {.doctor = doctor, .now = clock->wall(clock->self)};
    if (!manifest) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "there is no manifest here");
        return;
    }
    see_path(&t, manifest->text.name.p);
    for (size_t i = 0; i < manifest->sources_n; i++)
        if (manifest->sources[i].path.p && !manifest->sources[i].files.p &&
            !str_is(manifest->sources[i].path, "-"))
            see_path(&t, manifest->sources[i].path.p);
    for (size_t i = 0; i < manifest->places_n && t.files < FILES_MOST; i++)
        if (manifest->places[i].is_store)
            see_path(&t, manifest->places[i].path.p);
        else
            see_directory(&t, manifest->places[i].path.p);
    if (t.late)
        doctor_say(doctor, DOCTOR_WARN, NULL,
                   "touch them: a file of the future is never sure to be what it was, so it is read again",
                   "%zu of %zu files %s dated in the future, first %s", t.late, t.files,
                   t.late == 1 ? "is" : "are", t.first);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "none of %zu files is dated in the future", t.files);
}
