// SPDX-License-Identifier: MIT
// What runs keep: the journal, the cache, the history. All of it can be lost at the price of time, so damage is no failure.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "cache/journal.h"
#include "monitor/history.h"
#include "pipeline/doctor/doctor.h"
#include "pipeline/doctor/doctor_sqlite.h"
#include "pipeline/run/lock.h"

enum { SIZE_TEXT = 32, SAMPLE = 200, NOTE_SIZE = 700 };

static int open_output(const struct doctor *doctor) {
    const struct fs *fs = doctor->options->fs;
    return doctor->options->output
               ? fs->open(fs->self, AT_FDCWD, doctor->options->output, O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
               : -1;
}

// ---- the journal

// Somebody works there, or was killed.
static void check_lock(struct doctor *doctor, int root) {
    const struct fs *fs = doctor->options->fs;
    const long process = lock_holder(fs, root);
    if (process <= 0)
        return;
    const bool lives = kill((pid_t)process, 0) == 0 || errno == EPERM;
    doctor_say(doctor, DOCTOR_OK, "run", NULL,
               lives ? "process %ld works on these outputs"
                     : "process %ld was killed; the next run clears up after it",
               process);
}

void doctor_check_journal(struct doctor *doctor) {
    const struct fs *fs = doctor->options->fs;
    const int root = open_output(doctor);
    struct journal *journal;
    struct journal_found found;
    struct err err;
    char size[SIZE_TEXT];
    if (root < 0) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "nothing has been made yet");
        return;
    }
    const enum status status =
        journal_open((struct journal_options){.fs = fs, .root = root}, &journal, &found, &err);
    if (status != STATUS_OK) {
        doctor_say(doctor, DOCTOR_WARN, NULL, "the next run begins a new one, and makes all outputs again",
                   "%s", err.text);
    } else {
        const struct journal_figures figures = journal_figures(journal);
        doctor_write_bytes(figures.bytes, size, sizeof size);
        if (found.damaged)
            doctor_say(doctor, DOCTOR_WARN, NULL,
                       "the next run makes what it does not know of again; look at the disk",
                       "damaged stretches: %llu; outputs still known: %llu",
                       (unsigned long long)found.damaged, (unsigned long long)figures.outputs);
        else
            doctor_say(doctor, DOCTOR_OK, NULL, NULL, "outputs known: %llu; %s",
                       (unsigned long long)figures.outputs, size);
        journal_close(journal);
    }
    check_lock(doctor, root);
    fs->close(fs->self, root);
}

// ---- the cache

struct opening {
    struct doctor *doctor;
    struct caches caches;
    struct caches_wish wish;
    struct manifest manifest; // with all categories in that tier
    int root;
    char note[NOTE_SIZE];
};

static void take_note(void *context, const char *sentence) {
    struct opening *o = context;
    snprintf(o->note, sizeof o->note, "%s", sentence);
}

// One tier alone, for looking.
static void open_tier(struct doctor *doctor, enum cache_tier_kind kind, struct opening *o) {
    const struct doctor_options *options = doctor->options;
    *o = (struct opening){.doctor = doctor,
                          .wish = options->cache,
                          .manifest = *options->manifest,
                          .root = open_output(doctor)};
    o->wish.off = false;
    o->wish.tiers = o->wish.read_only = 1u << kind;
    o->wish.without &= ~(1u << kind);
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        o->manifest.cache.categories[c].tiers |= 1u << kind;
    if (!o->manifest.cache.file)
        o->manifest.cache.file = PACKS_CAP;
    caches_open(&(struct caches_place){.fs = options->fs,
                                       .clock = &options->clock,
                                       .manifest = &o->manifest,
                                       .wish = &o->wish,
                                       .root = o->root,
                                       .output = options->output,
                                       .look = true,
                                       .note = take_note,
                                       .context = o},
                &o->caches);
}

static void close_tier(struct opening *o) {
    const struct fs *fs = o->doctor->options->fs;
    caches_close(&o->caches, 0);
    if (o->root >= 0)
        fs->close(fs->self, o->root);
}

struct sample {
    struct cache_key keys[SAMPLE];
    uint64_t seen; // entries
    uint64_t random;
};

// Each entry has the same chance to be in the sample, however many there are.
static void draw(void *context, const struct packs_entry *entry) {
    struct sample *s = context;
    const uint64_t at = s->seen++;
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    const uint64_t place = at < SAMPLE ? at : (s->random >> 20) % (at + 1);
    if (place < SAMPLE)
        s->keys[place] = entry->key;
}

static void check_sample(struct doctor *doctor, struct packs *packs) {
    const struct cache_tier tier = packs_tier(packs);
    struct cache_stats stats;
    struct sample *sample = MEM_NEW(struct sample);
    char size[SIZE_TEXT], cap[SIZE_TEXT];
    *sample = (struct sample){.random = 1};
    packs_each(packs, draw, sample);
    const uint64_t n = sample->seen < SAMPLE ? sample->seen : SAMPLE;
    for (uint64_t i = 0; i < n; i++)
        cache_value_drop(tier.get(tier.self, sample->keys[i]));
    tier.stats(tier.self, &stats);
    doctor_write_bytes(stats.bytes, size, sizeof size);
    doctor_write_bytes(stats.cap, cap, sizeof cap);
    if (stats.damaged)
        doctor_say(doctor, DOCTOR_WARN, NULL, "pressrun cache verify --repair; look at the disk",
                   "damaged entries: %llu, in a sample of %llu of %llu", (unsigned long long)stats.damaged,
                   (unsigned long long)n, (unsigned long long)sample->seen);
    else
        doctor_say(doctor, DOCTOR_OK, NULL, NULL, "entries: %llu, %s of %s; a sample of %llu is whole",
                   (unsigned long long)sample->seen, size, cap, (unsigned long long)n);
    mem_free(sample);
}

void doctor_check_cache(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    struct opening o;
    if (!options->manifest || !options->manifest->output.p) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "without a manifest there is none");
        return;
    }
    open_tier(doctor, CACHE_PACKS, &o);
    if (o.caches.packs)
        check_sample(doctor, o.caches.packs);
    else if (o.note[0])
        doctor_say(doctor, DOCTOR_WARN, NULL, "runs do without it until then", "%s", o.note);
    else
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "nothing is kept yet");
    close_tier(&o);
}

// ---- redis

static void ask_redis(struct doctor *doctor, struct redis *redis) {
    static const double slow = 5e-3; // more than most outputs take to make
    const struct clock *clock = &doctor->options->clock;
    const struct cache_tier tier = redis_tier(redis);
    const struct cache_key key = {.category = CACHE_RENDER}; // of nothing
    uint64_t took = UINT64_MAX;
    for (int i = 0; i < 3; i++) { // the first one connects
        const uint64_t from = clock->monotonic(clock->self);
        cache_value_drop(tier.get(tier.self, key));
        const uint64_t now = clock->monotonic(clock->self);
        took = now - from < took ? now - from : took;
    }
    const struct redis_stats stats = redis_stats(redis);
    const double seconds = (double)took / 1e9;
    if (stats.failures || stats.errors || !stats.round_trips)
        doctor_say(doctor, DOCTOR_WARN, NULL,
                   "runs do without it, and try it now and then: start it, or look at its url",
                   "it does not answer: %s", stats.last_error[0] ? stats.last_error : "no reply");
    else
        doctor_say(doctor, seconds > slow ? DOCTOR_WARN : DOCTOR_OK, NULL,
                   seconds > slow
                       ? "only what is dearer than that is worth asking for: a nearer one would serve more"
                       : NULL,
                   "it answers in %.2f ms", seconds * 1e3);
}

void doctor_check_redis(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    struct opening o;
    if (!options->manifest || !options->manifest->cache.redis.url.p || !options->manifest->output.p) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "the manifest names none");
        return;
    }
    if (options->cache.without >> CACHE_REDIS & 1) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "PRESSRUN_REDIS is off");
        return;
    }
    open_tier(doctor, CACHE_REDIS, &o);
    if (o.caches.redis)
        ask_redis(doctor, o.caches.redis);
    else
        doctor_say(doctor, DOCTOR_WARN, NULL, "runs do without it until then", "%s",
                   o.note[0] ? o.note : "it cannot be used");
    close_tier(&o);
}

// ---- history

struct waiting {
    size_t sessions, damaged;
};

static bool count_session(void *context, const char *name, enum fs_entry kind) {
    struct waiting *waiting = context;
    const struct str text = str_of(name);
    waiting->sessions += kind == FS_FILE && str_ends(text, STR(".json"));
    waiting->damaged += kind == FS_FILE && str_ends(text, STR(".damaged"));
    return true;
}

void doctor_check_history(struct doctor *doctor) {
    const struct doctor_options *options = doctor->options;
    struct waiting waiting = {0};
    struct buf path = BUF_INIT;
    struct doctor_sqlite database;
    struct stat st;
    if (!options->history) {
        doctor_say(doctor, DOCTOR_SKIPPED, NULL, NULL, "none is kept");
        return;
    }
    buf_printf(&path, "%s/sessions", options->history);
    options->fs->list(options->fs->self, AT_FDCWD, buf_text(&path), count_session, &waiting);
    buf_clear(&path);
    buf_printf(&path, "%s/history.db", options->history);
    if (options->fs->stat_at(options->fs->self, AT_FDCWD, buf_text(&path), &st) < 0) {
        doctor_say(doctor, waiting.sessions ? DOCTOR_OK : DOCTOR_SKIPPED, NULL, NULL,
                   waiting.sessions ? "sessions that wait to be merged: %zu" : "no run has been kept",
                   waiting.sessions);
    } else {
        doctor_sqlite_look(&database, &options->clock, buf_text(&path), NULL);
        if (database.end != DOCTOR_SQLITE_SOUND && database.end != DOCTOR_SQLITE_LOCKED)
            doctor_say(doctor, DOCTOR_WARN, NULL, "move history.db away: new sessions begin another one",
                       "history.db: %s", database.fault);
        else
            doctor_say(doctor, DOCTOR_OK, NULL, NULL,
                       "history.db is sound%s; sessions that wait to be merged: %zu",
                       database.whole ? "" : " as far as it was read", waiting.sessions);
    }
    if (waiting.damaged)
        doctor_say(doctor, DOCTOR_WARN, "sessions", "look at them, and remove them",
                   "files put aside as .damaged: %zu", waiting.damaged);
    buf_release(&path);
}
