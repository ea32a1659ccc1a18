// SPDX-License-Identifier: MIT
// What a gate compares, and by what: from the command line, from what lies here, from what was kept.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "cli/gate_job.h"
#include "pipeline/strategy/strategy.h"

enum { SECONDS_MOST = 86400 };
static const double scale_most = 1000;

// ---- A and B

static const char *keep(struct gate_job *job, const char *text) {
    const char *kept = arena_copy(&job->cli->arena, text, strlen(text));
    if (!kept)
        mem_fail(strlen(text));
    return kept;
}

// What a text is, without running it; *version is in the cli's arena.
static enum status look_at(struct gate_job *job, const char *text, enum target_kind *kind,
                           const char **version, struct err *err) {
    const struct target_context context = {job->self, job->scratch, NULL, strategy_name};
    struct target target;
    enum status status = target_init(&target, text, &context, 0, err);
    *kind = target.kind;
    *version = target.version && target.kind == TARGET_EXECUTABLE ? keep(job, target.version) : NULL;
    target_release(&target);
    return status;
}

// A program that is named without a slash would be looked up in PATH, and never found to be one of pressrun.
static const char *with_slash(struct gate_job *job, const char *text) {
    if (strchr(text, '/') || access(text, X_OK) != 0)
        return text;
    const char *path = arena_printf(&job->cli->arena, "./%s", text);
    if (!path)
        mem_fail(strlen(text));
    return path;
}

static int choose_side(struct gate_job *job, int which, const char *text, enum target_kind *kind) {
    struct gate_side *side = which ? &job->candidate : &job->baseline;
    struct err err;
    const struct target_context context = {job->self, job->scratch, NULL, strategy_name};
    side->shown = text;
    job->texts[which] = target_is_strategy(text, &context) ? text : with_slash(job, text);
    if (look_at(job, job->texts[which], kind, &side->version, &err) != STATUS_OK)
        return cli_argument_error(&command_gate, "%s", err.text);
    return EXIT_DONE;
}

static int choose_candidate(struct gate_job *job, enum target_kind *kind) {
    const char *given = options_get(job->options, "candidate");
    if (given)
        return choose_side(job, 1, given, kind);
    *kind = TARGET_EXECUTABLE;
    job->texts[1] = job->self;
    job->candidate = (struct gate_side){.shown = "this program", .version = "pressrun " PRESSRUN_VERSION};
    return EXIT_DONE;
}

static bool is_part(enum target_kind kind) {
    return kind == TARGET_EXECUTABLE || kind == TARGET_STRATEGY;
}

// A single word that is nothing here can only be the name of a capsule.
static bool is_capsule_name(const struct gate_job *job, const char *text) {
    const struct target_context context = {job->self, job->scratch, NULL, strategy_name};
    return !text[strcspn(text, "/ \t")] && !target_is_strategy(text, &context) && access(text, F_OK) != 0 &&
           !options_has(job->options, "candidate");
}

// An executable of another machine is of no use but for what it made and did.
static void drop_foreign(struct gate_job *job) {
    enum target_kind kind;
    const char *version;
    struct err err;
    if (look_at(job, job->texts[0], &kind, &version, &err) != STATUS_OK || kind != TARGET_EXECUTABLE)
        job->texts[0] = NULL;
}

static int choose_capsule(struct gate_job *job, const char *name) {
    struct err err;
    bool named = options_has(job->options, "baseline") || options_has(job->options, "import");
    if (gate_capsules_take(job, name, &err)) {
        drop_foreign(job);
        return EXIT_DONE;
    }
    job->texts[0] = NULL;
    if (named)
        return cli_fail("%s", err.text);
    return cli_argument_error(&command_gate, "there is nothing to compare with: --baseline says what, and "
                                             "--keep baseline keeps this program for later");
}

static int choose_baseline(struct gate_job *job, enum target_kind *kind) {
    const char *given = options_get(job->options, "baseline");
    *kind = TARGET_EXECUTABLE;
    if (options_has(job->options, "import"))
        return given ? cli_argument_error(&command_gate, "--import is the baseline, so there is no other")
                     : choose_capsule(job, NULL);
    if (given && strcmp(given, "history") == 0 && access(given, F_OK) != 0) {
        job->past = true;
        job->baseline = (struct gate_side){.shown = given};
        return EXIT_DONE;
    }
    if (!given || is_capsule_name(job, given))
        return choose_capsule(job, given ? given : "baseline");
    return choose_side(job, 0, given, kind);
}

int gate_choose_sides(struct gate_job *job, bool compares) {
    enum target_kind a = TARGET_EXECUTABLE, b;
    int code = choose_candidate(job, &b);
    if (code == EXIT_DONE && compares)
        code = choose_baseline(job, &a);
    if (code != EXIT_DONE)
        return code;
    if (!compares && b != TARGET_EXECUTABLE)
        return cli_argument_error(&command_gate, "%s is no executable of pressrun, and only these are kept",
                                  job->candidate.shown);
    job->whole = !is_part(a) || !is_part(b);
    if (job->whole && job->past)
        return cli_argument_error(&command_gate,
                                  "the history has executables of pressrun and strategies, and nothing of %s",
                                  job->candidate.shown);
    if (job->whole && job->baseline.capsule)
        return cli_argument_error(&command_gate,
                                  "a capsule is compared with an executable of pressrun, not with %s",
                                  job->candidate.shown);
    if (job->whole && !options_has(job->options, "candidate"))
        return cli_argument_error(&command_gate, "%s is compared with a --candidate like it",
                                  job->baseline.shown);
    return EXIT_DONE;
}

// ---- the suite

// Two manifests, two commands: themselves are all there is to run.
static void make_whole(struct gate_job *job) {
    struct gate_suite *suite = &job->suite;
    arena_init(&suite->arena, 0);
    suite->seed = 1;
    suite->name = "comparison";
    suite->n = 1;
    suite->benchmarks = ARENA_NEW_ARRAY(&suite->arena, struct gate_benchmark, 1);
    if (!suite->benchmarks)
        mem_fail(sizeof *suite->benchmarks);
    *suite->benchmarks = (struct gate_benchmark){.name = "comparison",
                                                 .kind = GATE_COMMAND,
                                                 .of = job->texts[1],
                                                 .manifest = options_get(job->options, "file"),
                                                 .baseline = job->texts[0],
                                                 .seconds = GATE_SECONDS,
                                                 .scale = 1};
    job->texts[0] = job->texts[1] = NULL;
}

static bool read_suite(struct gate_job *job, const char *name, struct str text) {
    return gate_suite_read(&job->suite, name, text, &job->cli->diags);
}

// A manifest of one's own is a suite of one.
static bool read_manifest(struct gate_job *job, const char *path) {
    struct buf text = BUF_INIT;
    buf_add_text(&text, "benchmarks: { manifest: { manifest: ");
    buf_add_json(&text, str_of(path));
    buf_add_text(&text, " } }\n");
    bool sound = read_suite(job, "manifest", buf_str(&text));
    buf_release(&text);
    return sound;
}

// The suite and the seed that the capsule was made with.
static bool read_kept(struct gate_job *job) {
    bool sound = read_suite(job, job->capsule.suite, job->capsule.text);
    job->suite.seed = job->capsule.seed;
    return sound;
}

static const char *find_suite(void) {
    static const char *const names[] = {"gate.yaml", "gate.yml", "gate.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(names[i], F_OK) == 0)
            return names[i];
    return NULL;
}

static bool open_suite(struct gate_job *job) {
    const char *given = options_get(job->options, "suite"), *manifest = options_get(job->options, "file");
    const char *path = given ? given : manifest ? NULL : find_suite();
    if (path)
        return gate_suite_open(&job->suite, &job->cli->fs, path, &job->cli->diags);
    if (manifest)
        return read_manifest(job, manifest);
    if (job->baseline.capsule)
        return read_kept(job);
    return read_suite(job, GATE_SUITE_STANDARD, str_of(gate_suite_standard));
}

static bool override_number(const struct options *options, const char *name, uint32_t min, uint32_t max,
                            uint32_t *number, struct err *err) {
    char shown[32];
    const char *text = options_get(options, name);
    snprintf(shown, sizeof shown, "--%s", name);
    return !text || options_number(shown, text, min, max, number, err) == STATUS_OK;
}

static bool override_benchmark(const struct options *options, struct gate_benchmark *b, struct err *err) {
    const char *scale = options_get(options, "scale"), *metric = options_get(options, "metric");
    if (scale && (!number_parse_double(str_of(scale), &b->scale) || !(b->scale > 0) || b->scale > scale_most))
        return !err_set(err, STATUS_DATA, "--scale must be a number above 0, at most %g, not \"%s\"",
                        scale_most, scale);
    b->metric_given = b->metric_given || metric;
    for (b->metric = metric ? 0 : b->metric; metric && b->metric < PAIRED_METRICS; b->metric++)
        if (strcmp(metric, paired_metric_name(b->metric)) == 0)
            break;
    if (b->metric == PAIRED_METRICS)
        return !err_set(err, STATUS_DATA, "--metric is one of cpu, wall, instructions, peak_rss, not \"%s\"",
                        metric);
    b->ignores_output = b->ignores_output || options_has(options, "ignore-output");
    return override_number(options, "pairs", 1, VERDICT_PAIRS, &b->pairs, err) &&
           override_number(options, "seconds", 1, SECONDS_MOST, &b->seconds, err);
}

// What the command line accepts, besides what the suite does.
static bool add_accepted(struct gate_job *job, struct gate_benchmark *b, struct err *err) {
    const char *const *given;
    size_t n = options_all(job->options, "accept", &given);
    const char **all = ARENA_NEW_ARRAY(&job->suite.arena, const char *, b->accepted_n + n + 1);
    if (!all)
        mem_fail(n);
    for (size_t i = 0; i < b->accepted_n; i++)
        all[i] = b->accepted[i];
    for (size_t i = 0; i < n; i++) {
        if (!work_is_counter(given[i]))
            return !err_set(err, STATUS_DATA, "--accept: no work counter is called \"%s\"", given[i]);
        all[b->accepted_n++] = given[i];
    }
    b->accepted = all;
    return true;
}

static bool apply_options(struct gate_job *job, struct err *err) {
    uint32_t seed = (uint32_t)job->suite.seed;
    if (!override_number(job->options, "seed", 0, UINT32_MAX, &seed, err))
        return false;
    job->suite.seed = seed;
    if (options_has(job->options, "no-control"))
        job->suite.has_control = false;
    for (size_t i = 0; i < job->suite.n; i++)
        if (!override_benchmark(job->options, &job->suite.benchmarks[i], err) ||
            !add_accepted(job, &job->suite.benchmarks[i], err))
            return false;
    return gate_suite_select(&job->suite, job->options->arguments, job->options->arguments_n, err) ==
           STATUS_OK;
}

int gate_choose_suite(struct gate_job *job) {
    struct err err;
    if (job->whole && options_has(job->options, "suite"))
        return cli_argument_error(
            &command_gate, "a suite is run by executables of pressrun or with strategies, which %s is not",
            job->baseline.shown);
    if (job->whole) {
        make_whole(job);
    } else if (!open_suite(job)) {
        cli_write_diags(job->cli);
        return EXIT_USAGE;
    }
    if (!apply_options(job, &err))
        return cli_argument_error(&command_gate, "%s", err.text);
    return EXIT_DONE;
}
