// SPDX-License-Identifier: MIT
// Baselines that are kept: made, listed, carried about, and moved on.
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/gate_past.h"
#include "cli/gate_job.h"
#include "cli/history_place.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "monitor/history_capsules.h"

enum { PATH_SIZE = 4096, MADE_SIZE = 32 };

// ---- where

static bool has_manifest(const struct options *options) {
    static const char *const names[] = {"pressrun.yaml", "pressrun.yml", "pressrun.json"};
    bool found = options_has(options, "file");
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = access(names[i], F_OK) == 0;
    return found;
}

const char *gate_capsules_place(struct gate_job *job) {
    struct cli *cli = job->cli;
    const char *given = history_given(&cli->arena, job->options);
    if (given && strcmp(given, "none") == 0) {
        cli_fail("capsules are kept in the history, and there is none (PRESSRUN_HISTORY, --history)");
        return NULL;
    }
    if (given)
        return given;
    if (!has_manifest(job->options))
        return ".pressrun";
    struct manifest *manifest = cli_read_manifest(cli, job->options);
    if (!manifest)
        return NULL;
    struct str place = arena_str(&cli->arena, str_of(history_of_manifest(&cli->arena, manifest, NULL)));
    manifest_free(manifest);
    return place.p;
}

// ---- as the baseline

static enum status unpack(struct gate_job *job, struct err *err) {
    const char *path = arena_printf(&job->cli->arena, "%s/baseline", job->scratch);
    if (!path)
        mem_fail(PATH_SIZE);
    job->texts[0] = path;
    return capsule_unpack(&job->capsule, &job->cli->fs, path, err);
}

bool gate_capsules_take(struct gate_job *job, const char *name, struct err *err) {
    const char *file = options_get(job->options, "import");
    const char *place = file ? NULL : gate_capsules_place(job);
    capsule_release(&job->capsule);
    capsule_init(&job->capsule);
    if (!file && !place)
        return !err_set(err, STATUS_DATA, "so there is no capsule \"%s\"", name);
    enum status status = file ? capsule_read(&job->capsule, &job->cli->fs, file, err)
                              : capsule_find(&job->capsule, place, name, err);
    if (status == STATUS_OK)
        status = unpack(job, err);
    job->kept_as = file ? NULL : name;
    job->baseline = (struct gate_side){
        .shown = file ? file : name, .version = job->capsule.version, .capsule = job->capsule.digest};
    return status == STATUS_OK;
}

// ---- making one

static const char *stamp(struct gate_job *job, int64_t *seconds) {
    char text[MADE_SIZE];
    struct tm tm;
    *seconds = job->cli->clock.wall(job->cli->clock.self) / 1000000000;
    time_t now = (time_t)*seconds;
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return arena_copy(&job->cli->arena, text, strlen(text));
}

// All but the records.
static enum status begin_capsule(struct gate_job *job, struct capsule *c, int64_t *made, struct err *err) {
    if (!job->candidate.version)
        return err_set(err, STATUS_DATA, "%s is no executable of pressrun, and only these are kept",
                       job->candidate.shown);
    cpu_set_t cpus = paired_cpus(PAIRED_WALL);
    c->made = stamp(job, made);
    c->version = job->candidate.version;
    c->suite = job->suite.name;
    c->text = job->suite.text.text;
    c->seed = job->suite.seed;
    host_describe(&c->host, &cpus);
    return capsule_take_executable(c, &job->cli->fs, job->texts[1], err);
}

// To where the command line says, and under `name` where that is not NULL.
static int put_capsule(struct gate_job *job, struct capsule *c, const char *name, int64_t made) {
    const char *file = options_get(job->options, "export");
    const char *place = name ? gate_capsules_place(job) : NULL;
    struct err err;
    capsule_settle(c);
    if (name && !place)
        return EXIT_USAGE;
    if (name && capsule_keep(c, place, name, made, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (file && capsule_write(c, &job->cli->fs, file, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (!job->cli->quiet)
        cli_note("capsule %.12s of %s is kept%s%s%s%s", c->digest, c->version, name ? " as " : "",
                 name ? name : "", file ? " in " : "", file ? file : "");
    return EXIT_DONE;
}

static enum status run_records(struct gate_job *job, struct capsule *c, struct err *err) {
    struct interrupt interrupt;
    int failed = interrupt_start(&interrupt, "ending what is run", NULL, NULL);
    if (failed)
        return err_os(err, failed, "cannot watch for signals");
    c->records = ARENA_NEW_ARRAY(&c->arena, struct gate_record, job->suite.n + 1);
    if (!c->records)
        mem_fail(job->suite.n);
    job->run.place.interrupt = &interrupt.raised;
    enum status status = gate_run_records(&job->run, c->records, &c->records_n, err);
    interrupt_stop(&interrupt);
    if (job->run.progress)
        fputs("\r\033[K", stderr);
    return status;
}

int gate_capsules_make(struct gate_job *job) {
    struct capsule c;
    struct err err;
    int64_t made;
    capsule_init(&c);
    enum status status = begin_capsule(job, &c, &made, &err);
    if (status == STATUS_OK)
        status = run_records(job, &c, &err);
    int code = status == STATUS_OK          ? put_capsule(job, &c, options_get(job->options, "keep"), made)
               : status == STATUS_CANCELLED ? EXIT_INTERRUPTED
                                            : cli_fail("%s", err.text);
    capsule_release(&c);
    return code;
}

// ---- moving on

// What B made and did in the gate.
static void take_records(const struct gate_job *job, const struct gate_result *r, struct capsule *c) {
    c->records = ARENA_NEW_ARRAY(&c->arena, struct gate_record, job->suite.n + 1);
    if (!c->records)
        mem_fail(job->suite.n);
    for (size_t i = 0; i < job->suite.n; i++) {
        const struct comparison_side *b = &r->rows[i].comparison.sides[1];
        if (r->rows[i].kind != GATE_REGRET && b->known)
            c->records[c->records_n++] = (struct gate_record){
                .name = r->rows[i].name,
                .scale = job->suite.benchmarks[i].scale,
                .digest = b->digest,
                .work = b->work,
                .cpu_seconds = r->rows[i].metric == PAIRED_CPU ? r->rows[i].medians[1].value : 0};
    }
}

int gate_capsules_advance(struct gate_job *job, struct gate_result *r) {
    struct capsule c;
    struct err err;
    int64_t made;
    int code = EXIT_DONE;
    if (r->verdict != VERDICT_PASS || !r->faster) {
        if (!job->cli->quiet)
            cli_note("the baseline stays: %s",
                     r->verdict != VERDICT_PASS ? "the gate did not pass" : "nothing is surely faster");
        return EXIT_DONE;
    }
    capsule_init(&c);
    if (begin_capsule(job, &c, &made, &err) == STATUS_OK) {
        take_records(job, r, &c);
        code = put_capsule(job, &c, job->kept_as, made);
        if (code == EXIT_DONE)
            r->moved = gate_keep(r, c.digest);
    } else {
        code = cli_fail("%s", err.text);
    }
    capsule_release(&c);
    return code;
}

// ---- what earlier gates kept

int gate_past_recall(struct gate_job *job) {
    const char *place = gate_capsules_place(job);
    struct arena *arena = &job->cli->arena;
    struct gate_record *records = ARENA_NEW_ARRAY(arena, struct gate_record, job->suite.n + 1);
    struct err err;
    if (!records)
        mem_fail(job->suite.n);
    if (!place)
        return EXIT_USAGE;
    if (gate_past_find(&job->cli->fs, place, &job->suite, arena, records, &job->run.records_n, &err) !=
        STATUS_OK)
        return cli_fail("%s (in %s)", err.text, place);
    job->run.records = records;
    job->run.takes_time = true;
    return EXIT_DONE;
}

int gate_past_remember(struct gate_job *job, const struct gate_result *r) {
    const char *place = gate_capsules_place(job);
    struct err err;
    if (r->interrupted)
        return EXIT_DONE;
    if (gate_past_keep(&job->cli->fs, place, &job->suite, r, job->cli->clock.wall(job->cli->clock.self),
                       &err) != STATUS_OK)
        return cli_fail("%s (in %s)", err.text, place);
    return EXIT_DONE;
}

// ---- what there is

static void write_row(const struct history_capsule *row, struct buf *out) {
    struct capsule c;
    struct err err;
    char hex[DIGEST_HEX_SIZE];
    digest_hex(row->digest, hex);
    capsule_init(&c);
    buf_printf(out, "%.12s  ", hex);
    show_escaped(out, row->name);
    if (capsule_parse(&c, row->document, &err) == STATUS_OK) {
        buf_add_text(out, ": ");
        show_escaped(out, str_of(c.version));
        buf_add_text(out, " of ");
        show_escaped(out, str_of(c.made));
        buf_add_text(out, ", suite ");
        show_escaped(out, str_of(c.suite));
        buf_printf(out, ", %zu benchmark%s, %.1f MB\n", c.records_n, c.records_n == 1 ? "" : "s",
                   (double)c.executable_n / 1e6);
    } else {
        buf_printf(out, ": %s\n", err.text);
    }
    capsule_release(&c);
}

int gate_capsules_list(struct gate_job *job) {
    const char *place = gate_capsules_place(job);
    struct history_capsule *rows;
    struct buf text = BUF_INIT;
    struct err err;
    size_t n;
    if (!place)
        return EXIT_USAGE;
    if (history_capsules_list(place, &job->cli->arena, &rows, &n, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    for (size_t i = 0; i < n; i++)
        write_row(&rows[i], &text);
    cli_print(buf_str(&text));
    buf_release(&text);
    if (!n && !job->cli->quiet)
        cli_note("no capsule is kept in %s", place);
    return EXIT_DONE;
}

int gate_capsules_forget(struct gate_job *job, const char *name) {
    const char *place = gate_capsules_place(job);
    struct err err;
    if (!place)
        return EXIT_USAGE;
    return history_capsules_forget(place, str_of(name), &err) == STATUS_OK ? EXIT_DONE
                                                                           : cli_fail("%s", err.text);
}
